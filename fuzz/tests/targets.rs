//! Every target, for a bounded time.

use gatehouse_fuzz::{Limits, fuzz, targets};

/// Runs one target. Whatever it finds is shown so that it can be run again.
#[expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "the seed and the finding are for people"
)]
fn run(name: &str, corpus: &[&[u8]], target: fn(&[u8])) {
    let limits = Limits::from_environment();
    println!(
        "{name}: GATEHOUSE_FUZZ_SEED={} for {:?}",
        limits.seed, limits.time
    );
    let corpus: Vec<_> = corpus.iter().map(|seed| seed.to_vec()).collect();
    match fuzz(limits, &corpus, target) {
        Ok(count) => println!("{name}: {count} inputs"),
        Err(finding) => panic!(
            "{name}: {} at {:?}\nrun again with GATEHOUSE_FUZZ_SEED={}",
            finding.what,
            String::from_utf8_lossy(&finding.input),
            limits.seed
        ),
    }
}

#[test]
fn durations() {
    let corpus: &[&[u8]] = &[
        b"45s",
        b"30m",
        b"2h",
        b"5d",
        b"1w",
        b"1M",
        b"1y",
        b"1.5h",
        b"1h30m",
        b"2d12h30m",
        b"1y6M",
        b"30min",
        b"2hours",
        b"5days",
        b"0",
        b"permanent",
        b"2026-01-31T15:00:00Z",
        b"2026-01-31 15:00",
        b"2026-01-31",
    ];
    run("durations", corpus, targets::duration);
}

#[test]
fn schedules() {
    let corpus: &[&[u8]] = &[
        b"Mon-Fri 08:00-16:00 Europe/Warsaw",
        b"days 1-7 Sat 04:00-08:00 UTC",
        b"months May-Aug Mon-Fri Europe/Warsaw",
        b"inactive months Jan,Mar days 1,15-31 Mon,Wed,Fri 22:00-02:00 Australia/Lord_Howe",
        b"always",
        br#"{"weekdays":[0,1,2,3,4],"time_start":"08:00","time_end":"24:00","timezone":"Europe/Warsaw"}"#,
        br#"{"months":[5,6],"days_of_month":[1,31],"is_active":false}"#,
    ];
    run("schedules", corpus, targets::schedule);
}

#[test]
fn logins() {
    let corpus: &[&[u8]] = &[
        b"root@web01",
        b"root%web01",
        b"user@domain@web01",
        b"root",
        b"@",
        b"%web01",
        b"a%b@c",
    ];
    run("logins", corpus, targets::login);
}

#[test]
fn proxy_headers() {
    let header = |version_command, family, body: &[u8]| {
        let length = (body.len() as u16).to_be_bytes();
        [
            &b"\r\n\r\n\0\r\nQUIT\n"[..],
            &[version_command, family],
            &length,
            body,
        ]
        .concat()
    };
    let v4 = header(0x21, 0x11, &[10, 0, 0, 7, 10, 9, 0, 1, 0xc3, 0x50, 0, 22]);
    let v6 = header(0x21, 0x21, &[0x20; 36]);
    let mapped: Vec<u8> = [[0; 10].as_slice(), &[0xff, 0xff, 10, 0, 0, 7]].concat();
    let mapped = header(0x21, 0x21, &[&mapped[..], &mapped, &[1, 2, 3, 4]].concat());
    let tlv = header(0x21, 0x11, &[&[9; 12][..], &[0x04, 0, 2, 1, 2]].concat());
    let local = header(0x20, 0, b"");
    let corpus: &[&[u8]] = &[
        &v4,
        &v6,
        &mapped,
        &tlv,
        &local,
        b"PROXY TCP4 10.0.0.7 10.9.0.1 1 22\r\n",
    ];
    run("proxy headers", corpus, targets::proxy_header);
}

/// A piece as the targets take it: its direction and length, then the bytes.
fn piece(direction: u8, bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(63)
        .flat_map(|chunk| [&[direction | (chunk.len() as u8) << 2][..], chunk].concat())
        .collect()
}

const FROM_CLIENT: u8 = 0;
const FROM_SERVER: u8 = 2;

/// An SFTP packet: length, type, the rest.
fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 1).to_be_bytes()[..], &[kind], body].concat()
}

fn string(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes()[..], text].concat()
}

#[test]
fn sftp_packets() {
    let id = |number: u32| number.to_be_bytes().to_vec();
    let init = piece(FROM_CLIENT, &packet(1, &[0, 0, 0, 3]));
    let version = piece(FROM_SERVER, &packet(2, &[0, 0, 0, 3]));
    let open = piece(
        FROM_CLIENT,
        &packet(3, &[id(1), string(b"/etc/motd"), id(0x1a), id(0)].concat()),
    );
    let handle = piece(
        FROM_SERVER,
        &packet(102, &[id(1), string(b"\0\0\0\x01")].concat()),
    );
    let write = [id(2), string(b"\0\0\0\x01"), vec![0; 8], string(b"hello")].concat();
    let write = piece(FROM_CLIENT, &packet(6, &write));
    let status = |number| {
        piece(
            FROM_SERVER,
            &packet(101, &[id(number), id(0), string(b"ok"), string(b"")].concat()),
        )
    };
    let close = piece(FROM_CLIENT, &packet(4, &[id(3), string(b"\0\0\0\x01")].concat()));
    let rename = piece(
        FROM_CLIENT,
        &packet(18, &[id(4), string(b"/a"), string(b"/b")].concat()),
    );
    let whole = [
        init,
        version,
        open,
        handle,
        write,
        status(2),
        close,
        status(3),
        rename,
        status(4),
    ]
    .concat();
    run("sftp packets", &[&whole, b""], targets::sftp);
}

#[test]
fn scp_records() {
    let upload = [
        piece(FROM_SERVER, b"\0"),
        piece(FROM_CLIENT, b"T1700000000 0 1700000000 0\n"),
        piece(FROM_SERVER, b"\0"),
        piece(FROM_CLIENT, b"C0644 5 motd\n"),
        piece(FROM_SERVER, b"\0"),
        piece(FROM_CLIENT, b"hello\0"),
        piece(FROM_SERVER, b"\0"),
        piece(FROM_CLIENT, b"D0755 0 folder\n"),
        piece(FROM_SERVER, b"\0"),
        piece(FROM_CLIENT, b"E\n"),
        piece(FROM_SERVER, b"\0\x01scp: warning\n"),
    ]
    .concat();
    let download = [
        piece(FROM_CLIENT, b"\0"),
        piece(FROM_SERVER, b"C0644 5 motd\n"),
        piece(FROM_CLIENT, b"\0"),
    ]
    .concat();
    run("scp records", &[&upload, &download], targets::scp);
}

#[test]
fn casts() {
    let whole = concat!(
        r#"{"version":2,"width":80,"height":24,"timestamp":1700000000,"gatehouse":{"#,
        r#""session":"01935c8e-0000-7000-8000-000000000000","channel":0,"kind":"shell","pty":true,"#,
        r#""newlines":"raw","input":"echoed","started_at":"2026-01-31T15:00:00.000000Z"}}"#,
        "\n[0.5, \"o\", \"hello\\r\\n\"]\n[0.6, \"b\", \"/w==\"]\n[0.6, \"o\", \"\\ufffd\"]\n",
        "[0.7, \"r\", \"100x50\"]\n[1e3, \"l\", \"12\"]\n[2, \"d\", \"output 400\"]\n[3, \"x\", \"0\"]\n",
        "[4, \"e\", \"\"]\n[4, \"o\", \"err\"]\n[5, \"g\", \"9\"]\n[6, \"f\", \"output\"]\n[7, \"m\", \"mark\"]\n",
    );
    run("casts", &[whole.as_bytes(), b"{}\n[]\n"], targets::cast);
}

const SHOWN: &[&[u8]] = &[
    b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1bP$q\x1b\\ \x1b[?1049h alternate \x1b[?1049l \x1b[2J\x1b[H",
    b"za\xbf\xf3\xb3\xe6 \0\0 \xff\xfe \xe2\x82 wide \xe4\xb8\xad\xe6\x96\x87 \x1b[999999999;1H \x1b[5M \x08\x08\r\n",
    b"\x1b[38;2;1;2;3m \x1b[?25l \x1b#8 \x1bc \x1b[6n \x9b31m \x1b_apc\x1b\\ \x1b^pm\x1b\\ \x1bXsos\x1b\\",
];

#[test]
fn screens() {
    run("screens", SHOWN, targets::screen);
}

#[test]
fn channels() {
    let shown: Vec<_> = SHOWN.iter().map(|bytes| piece(FROM_SERVER, bytes)).collect();
    let typed = [
        piece(FROM_CLIENT, b"ls -l\r"),
        piece(FROM_SERVER, b"ls -l\r\n"),
        piece(3, b"error\n"),
    ]
    .concat();
    let corpus: Vec<&[u8]> = shown.iter().chain([&typed]).map(Vec::as_slice).collect();
    run("channels", &corpus, targets::channel);
}

#[test]
fn frames() {
    let genuine = targets::genuine_frames();
    let torn = &genuine[..genuine.len() - 40];
    run("frames", &[&genuine, torn, b"GHFRAME\x01"], targets::frames);
}

#[test]
fn wrapped_keys() {
    let genuine = targets::genuine_wrapped_key();
    let corpus: &[&[u8]] = &[
        &genuine,
        b"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        b"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIY2WvPv7ySCxuh3Ul0hJjxGyS7mZKb7sE0mHf5YbB0e x",
    ];
    run("wrapped keys", corpus, targets::wrapped_key);
}

#[test]
fn signed_manifests() {
    let genuine = targets::genuine_manifest();
    run("signed manifests", &[&genuine], targets::manifest);
}

#[test]
fn captures() {
    // A section header, and an interface.
    let section: &[u8] =
        b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0";
    let interface: &[u8] = b"\x01\0\0\0\x14\0\0\0\x65\0\0\0\0\0\0\0\x14\0\0\0";
    let talk = [piece(FROM_CLIENT, b"select 1"), piece(FROM_SERVER, b"one")].concat();
    let corpus: &[&[u8]] = &[section, &[section, interface].concat(), &talk];
    run("captures", corpus, targets::capture);
}
