//! SFTP as clients and servers speak it, and as they should not.

use proptest::prelude::*;

use super::*;

fn packet(kind: u8, fields: &[&[u8]]) -> Vec<u8> {
    let body: Vec<u8> = [&[kind][..], &fields.concat()].concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn n(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn status(id: u32, code: u32) -> (Stream, Vec<u8>) {
    (
        Stream::Output,
        packet(101, &[&n(id), &n(code), &text(b"message"), &text(b"en")]),
    )
}

fn ask(kind: u8, id: u32, fields: &[&[u8]]) -> (Stream, Vec<u8>) {
    (Stream::Input, packet(kind, &[&n(id)[..], &fields.concat()]))
}

fn start() -> Vec<(Stream, Vec<u8>)> {
    vec![
        (Stream::Input, packet(1, &[&n(3)])),
        (Stream::Output, packet(2, &[&n(3), &text(b"x@y"), &text(b"1")])),
    ]
}

fn session() -> Vec<(Stream, Vec<u8>)> {
    let mut steps = start();
    let handle = text(&[0xff, 0, 0, 1]);
    let other = text(&[0xff, 0, 0, 2]);
    steps.extend([
        ask(3, 0, &[&text(b"/etc/motd"), &n(1), &n(0)]),
        ask(3, 1, &[&text(b"/tmp/\xff"), &n(0x1a), &n(0)]),
        (Stream::Output, packet(102, &[&n(0), &handle])),
        (Stream::Output, packet(102, &[&n(1), &other])),
        ask(5, 2, &[&handle, &[0; 8], &n(32768)]),
        ask(6, 3, &[&other, &[0; 8], &text(&vec![7; 32768])]),
        (Stream::Output, packet(103, &[&n(2), &text(&vec![1; 286])])),
        status(3, 0),
        ask(5, 4, &[&handle, &[1; 8], &n(32768)]),
        status(4, 1),
        ask(4, 5, &[&handle]),
        ask(4, 6, &[&other]),
        status(5, 0),
        status(6, 0),
        ask(13, 7, &[&text(b"/tmp/a")]),
        status(7, 3),
        ask(
            200,
            8,
            &[&text(b"posix-rename@openssh.com"), &text(b"a"), &text(b"b")],
        ),
        status(8, 0),
        ask(200, 9, &[&text(b"shell@example.com"), b"id"]),
        status(9, 8),
        ask(3, 10, &[&text(b"/root/x"), &n(1), &n(0)]),
        status(10, 2),
        ask(3, 11, &[&text(b"/big"), &n(1), &n(0)]),
        (Stream::Output, packet(102, &[&n(11), &handle])),
        ask(10, 12, &[&handle, &n(0)]),
        ask(11, 13, &[&text(b"/")]),
        (Stream::Output, packet(102, &[&n(13), &text(b"dir")])),
        ask(12, 14, &[&text(b"dir")]),
        (Stream::Output, packet(104, &[&n(14), &n(1), &vec![b'x'; 60_000]])),
    ]);
    steps
}

fn run(steps: &[(Stream, Vec<u8>)], cut: usize) -> (Vec<Transfer>, Result<(), Departure>) {
    let (mut tap, mut log) = (SftpTap::new(4), Vec::new());
    for (stream, bytes) in steps {
        for piece in bytes.chunks(cut) {
            if let Err(departure) = tap.feed(Offset::from_micros(7), *stream, piece, &mut log) {
                return (log, Err(departure));
            }
        }
    }
    tap.finish(Offset::from_micros(9), &mut log);
    (log, Ok(()))
}

#[test]
fn every_transfer_and_change_is_logged() {
    let (log, end) = run(&session(), usize::MAX);
    assert_eq!(end, Ok(()));
    let lines: Vec<_> = log
        .iter()
        .filter(|t| t.result != crate::transfer::STARTED)
        .map(|t| {
            format!(
                "{:?} {:?} {} {:?} {} {}",
                t.direction, t.operation, t.path, t.target_path, t.bytes, t.result
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "Download Transfer /etc/motd None 286 ok",
            "Upload Transfer /tmp/\\xff None 32768 ok",
            "Remote Remove /tmp/a None 0 permission denied",
            "Remote Rename a Some(\"b\") 0 ok",
            "Remote Extended shell@example.com None 0 operation unsupported",
            "Download Transfer /root/x None 0 no such file",
            "Download Transfer /big None 0 incomplete",
            "Remote Setstat /big None 0 incomplete",
        ]
    );
    let begun: Vec<_> = log
        .iter()
        .filter(|t| t.result == crate::transfer::STARTED)
        .map(|t| t.id)
        .collect();
    assert_eq!(
        begun.len(),
        3,
        "what was opened is logged before its contents pass"
    );
}

#[test]
fn cuts_change_nothing() {
    let whole = run(&session(), usize::MAX);
    for cut in [1, 2, 3, 5, 7, 1000] {
        assert_eq!(run(&session(), cut), whole, "{cut}");
    }
}

#[test]
fn what_is_no_sftp_is_given_back() {
    let departs = |steps: Vec<(Stream, Vec<u8>)>| run(&steps, usize::MAX).1.unwrap_err().held;
    assert_eq!(
        departs(vec![(Stream::Output, b"Welcome!\n".to_vec())]),
        [(Stream::Output, b"Welcome!\n".to_vec())]
    );
    let with = |last: (Stream, Vec<u8>)| departs(start().into_iter().chain([last]).collect());
    for bad in [
        ask(99, 0, &[]),
        (Stream::Output, packet(101, &[&n(77), &n(0)])),
        (
            Stream::Input,
            n(300_000)
                .to_vec()
                .into_iter()
                .chain(*b"\x06shell text")
                .collect(),
        ),
        (Stream::Input, n(0).to_vec().into_iter().chain(*b"ls\n").collect()),
        (Stream::Input, packet(3, &[&n(0), &n(500), b"short"])),
        (Stream::Input, packet(1, &[&n(3)])),
    ] {
        assert_eq!(with(bad.clone()), [bad]);
    }
    // What one side had begun is given back when the other leaves.
    let mut steps = start();
    steps.extend([
        (Stream::Input, b"\0\0\0\x09\x05abc".to_vec()),
        (Stream::Output, b"$ ls of mine".to_vec()),
    ]);
    assert_eq!(
        departs(steps),
        [
            (Stream::Input, b"\0\0\0\x09\x05abc".to_vec()),
            (Stream::Output, b"$ ls of mine".to_vec())
        ]
    );
}

#[test]
fn floods_of_requests_and_handles_end_the_tap_and_not_the_memory() {
    let flood = |make: &dyn Fn(u32) -> Vec<(Stream, Vec<u8>)>, at_most: u32| {
        let mut steps = start();
        steps.extend((0..at_most + 1).flat_map(make));
        assert!(run(&steps, usize::MAX).1.is_err());
    };
    flood(&|id| vec![ask(17, id, &[&text(b"/")])], 4096);
    flood(&|id| vec![ask(13, id, &[&text(b"/")])], 512);
    flood(
        &|id| {
            vec![
                ask(11, id, &[&text(b"/")]),
                (Stream::Output, packet(102, &[&n(id), &text(&n(id))])),
            ]
        },
        1024,
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_are_never_lost(
        steps in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..40)), 0..20),
        greeted in any::<bool>(),
    ) {
        let (mut tap, mut log) = (SftpTap::new(0), Vec::new());
        if greeted {
            for (stream, bytes) in start() { tap.feed(Offset::ZERO, stream, &bytes, &mut log).unwrap(); }
        }
        for (input, bytes) in steps {
            let stream = if input { Stream::Input } else { Stream::Output };
            if let Err(departure) = tap.feed(Offset::ZERO, stream, &bytes, &mut log) {
                let (last, held) = departure.held.last().unwrap();
                prop_assert_eq!(*last, stream);
                let common = held.len().min(bytes.len());
                prop_assert!(held.ends_with(&bytes[bytes.len() - common..]) || bytes.ends_with(held));
                break;
            }
        }
        tap.finish(Offset::ZERO, &mut log);
    }
}
