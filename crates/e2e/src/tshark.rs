//! tshark, as proof that captures are what they claim to be.

use std::collections::BTreeMap;
use std::path::Path;

use crate::run::Run;

/// A TCP stream as tshark sees it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Stream {
    /// Address and port of who began it.
    pub from: String,
    /// Address and port of the other side.
    pub to: String,
    /// What came from who began it.
    pub sent: Vec<u8>,
    /// What came back.
    pub received: Vec<u8>,
    /// How many of its segments end a direction.
    pub fins: usize,
    /// How many of its segments cut it.
    pub resets: usize,
}

/// What tshark is to check, which it does not by default.
const CHECKS: [&str; 4] = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

/// Anything that is not as it should be: checksums, what cannot be dissected, gaps and repetitions in a stream.
const WRONG: &str =
    "tcp.checksum.status != 1 || ip.checksum.status != 1 || _ws.malformed || !tcp || tcp.analysis.flags";

const FIELDS: [&str; 11] = [
    "tcp.stream",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "tcp.flags.syn",
    "tcp.flags.fin",
    "tcp.flags.reset",
    "tcp.payload",
];

/// The streams of a capture in which nothing is wrong, in the order in which they began.
#[track_caller]
pub fn tshark_streams(capture: &Path) -> Vec<Stream> {
    assert_eq!(tshark(capture, &["-Y", WRONG]), "", "packets that are not right");
    let mut options = vec!["-T", "fields"];
    options.extend(FIELDS.iter().flat_map(|field| ["-e", field]));
    let mut streams = BTreeMap::<usize, Stream>::new();
    for line in tshark(capture, &options).lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let number = cell(0).parse().expect("the number of a stream");
        let from = format!("{}{}:{}", cell(1), cell(2), cell(3));
        let to = format!("{}{}:{}", cell(4), cell(5), cell(6));
        let set = |at: usize| usize::from(matches!(cell(at), "1" | "True"));
        let stream = streams.entry(number).or_insert_with(|| {
            assert_eq!(set(7), 1, "a stream that does not begin with SYN: {line}");
            Stream {
                from: from.clone(),
                to: to.clone(),
                ..Stream::default()
            }
        });
        stream.fins += set(8);
        stream.resets += set(9);
        let payload = bytes(cell(10));
        if from == stream.from {
            stream.sent.extend(payload);
        } else {
            stream.received.extend(payload);
        }
    }
    streams.into_values().collect()
}

/// What tshark prints of a capture with these options.
#[track_caller]
pub fn tshark(capture: &Path, options: &[&str]) -> String {
    let read = Run::new("tshark").arg("-n").arg("-r").arg(capture);
    read.args(CHECKS).args(options).done().ok()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| *c != ':').collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).expect("hexadecimal digits"))
        .collect()
}
