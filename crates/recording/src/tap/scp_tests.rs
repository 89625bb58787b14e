//! scp as clients and servers speak it, and what only looks like it.

use proptest::prelude::*;

use super::*;
use Stream::{Input, Output};

type Held = Vec<(Stream, Vec<u8>)>;
type Steps<'a> = &'a [(Stream, &'a [u8])];

fn run(command: &str, steps: Steps<'_>, cut: usize) -> (Vec<Transfer>, Result<Held, Departure>) {
    let (mut tap, mut log) = (ScpTap::new(0, command.as_bytes()), Vec::new());
    for (stream, bytes) in steps {
        for piece in bytes.chunks(cut) {
            if let Err(departure) = tap.feed(Offset::ZERO, *stream, piece, &mut log) {
                tap.finish(Offset::ZERO, &mut log);
                return (log, Err(departure));
            }
        }
    }
    let held = tap.finish(Offset::ZERO, &mut log);
    (log, Ok(held))
}

fn lines(log: &[Transfer]) -> Vec<String> {
    log.iter()
        .filter(|t| t.result != crate::transfer::STARTED)
        .map(|t| {
            format!(
                "{:?} {:?} {} {} {}",
                t.direction, t.operation, t.path, t.bytes, t.result
            )
        })
        .collect()
}

const UPLOAD: Steps<'_> = &[
    (Output, b"\0"),
    (Input, b"T1700000000 0 1700000000 0\n"),
    (Output, b"\0"),
    (Input, b"C0644 5 a b.txt\n"),
    (Output, b"\0"),
    (Input, b"hello\0"),
    (Output, b"\0"),
];

#[test]
fn uploads_and_downloads_are_logged_with_whole_paths() {
    for (command, want) in [
        ("scp -t /tmp/a b.txt", "/tmp/a b.txt"),
        ("scp -p -t /tmp/", "/tmp/a b.txt"),
        ("scp -d -t /tmp", "/tmp/a b.txt"),
        ("scp -t /tmp", "/tmp/a b.txt"),
        ("scp -t /", "/a b.txt"),
        ("scp -t .", "a b.txt"),
        ("scp -t /tmp/other.txt", "/tmp/other.txt"),
        ("bash -c x", "a b.txt"),
    ] {
        for cut in [1, 2, 100] {
            let (log, end) = run(command, UPLOAD, cut);
            assert_eq!(
                (lines(&log), end),
                (vec![format!("Upload Transfer {want} 5 ok")], Ok(vec![])),
                "{command}"
            );
        }
    }
    let download: Steps<'_> = &[
        (Input, b"\0"),
        (Output, b"D0755 0 etc\n"),
        (Input, b"\0"),
        (Output, b"C0644 0 motd\n"),
        (Input, b"\0"),
        (Output, b"\0"),
        (Input, b"\0"),
        (Output, b"\x01scp: shadow: Permission denied\n"),
        (Output, b"E\n"),
        (Input, b"\0"),
    ];
    let (log, end) = run("/usr/bin/scp -r -f /etc", download, 3);
    assert_eq!(
        lines(&log),
        [
            "Download Mkdir /etc 0 ok",
            "Download Transfer /etc/motd 0 ok",
            "Download Transfer /etc 0 scp: shadow: Permission denied",
        ]
    );
    assert_eq!(end, Ok(vec![]));
}

#[test]
fn a_shell_behind_scp_is_given_back() {
    let mut steps = UPLOAD.to_vec();
    steps.push((Input, b"ls\n"));
    let (log, end) = run("scp -t x; bash", &steps, 100);
    assert_eq!(lines(&log).len(), 1);
    assert_eq!(end.unwrap_err().held, [(Input, b"ls\n".to_vec())]);
    // The other side out of turn.
    let mut steps = UPLOAD.to_vec();
    steps.push((Output, b"$ "));
    assert_eq!(
        run("scp -t x", &steps, 1).1.unwrap_err().held,
        [(Output, b"$".to_vec())]
    );
}

#[test]
fn what_only_begins_like_scp_is_given_back_whole() {
    for (steps, want) in [
        (&[(Output, &b"hello"[..])][..], vec![(Output, b"hello".to_vec())]),
        (&[(Output, b"\0hello")], vec![(Output, b"\0hello".to_vec())]),
        (
            &[(Output, b"\0"), (Input, b"Cat\n")],
            vec![(Output, b"\0".to_vec()), (Input, b"Cat\n".to_vec())],
        ),
        (
            &[(Output, b"\0"), (Input, b"E\n")],
            vec![(Output, b"\0".to_vec()), (Input, b"E\n".to_vec())],
        ),
        (&[(Stream::Error, b"\0")], vec![(Stream::Error, b"\0".to_vec())]),
        (
            &[
                (Output, b"\0"),
                (Input, b"C0644 9 x\n"),
                (Output, b"\0"),
                (Input, b"data"),
                (Output, b"\0"),
            ],
            vec![
                (Output, b"\0".to_vec()),
                (Input, b"C0644 9 x\n".to_vec()),
                (Output, b"\0\0".to_vec()),
            ],
        ),
        (
            &[(Output, b"\0"), (Input, b"C0644 9 ../x\n")],
            vec![(Output, b"\0".to_vec()), (Input, b"C0644 9 ../x\n".to_vec())],
        ),
        (
            &[(Output, b"\0"), (Input, b"\x02bye\n"), (Input, b"x")],
            vec![(Output, b"\0".to_vec()), (Input, b"\x02bye\nx".to_vec())],
        ),
    ] {
        let end = run("scp -t x", steps, 1000).1;
        assert_eq!(end.unwrap_err().held, want, "{steps:?}");
    }
    // A lone NUL is held until the end, and then recorded.
    assert_eq!(
        run("printf", &[(Output, b"\0")], 1),
        (vec![], Ok(vec![(Output, b"\0".to_vec())]))
    );
}

#[test]
fn records_out_of_place_are_no_scp() {
    let times = |n| {
        [(Output, &b"\0"[..])]
            .into_iter()
            .chain([(Input, &b"T1 0 1 0\n"[..]), (Output, b"\0")].repeat(n))
    };
    assert!(run("scp -t x", &times(1).collect::<Vec<_>>(), 9).1.is_ok());
    assert!(
        run("scp -t x", &times(2).collect::<Vec<_>>(), 9).1.is_err(),
        "times of nothing could carry anything"
    );
}

#[test]
fn a_file_that_nobody_confirmed_is_told_from_one_that_was_cut_off() {
    let steps = |contents| [&UPLOAD[..5], &[(Input, contents)]].concat();
    for (contents, want) in [
        (&b"hell"[..], "Upload Transfer /tmp/x/a b.txt 4 incomplete"),
        (b"hello", "Upload Transfer /tmp/x/a b.txt 5 unconfirmed"),
        (b"hello\0", "Upload Transfer /tmp/x/a b.txt 5 unconfirmed"),
    ] {
        assert_eq!(lines(&run("scp -t /tmp/x", &steps(contents), 1).0), [want]);
    }
}

#[test]
fn an_interrupted_file_is_incomplete() {
    let (log, _) = run("scp -t /tmp/x", &UPLOAD[..5], 1);
    assert_eq!(lines(&log), ["Upload Transfer /tmp/x/a b.txt 0 incomplete"]);
}

proptest! {
    /// Nothing is lost without a log: what was fed is given back unless a transfer accounts for it.
    #[test]
    fn arbitrary_bytes_never_panic(
        steps in prop::collection::vec(
            (any::<bool>(), prop_oneof![
                prop::collection::vec(any::<u8>(), 0..10),
                Just(b"\0".to_vec()),
                Just(b"C0644 3 f\n".to_vec()),
                Just(b"D0755 0 d\n".to_vec()),
                Just(b"E\n".to_vec()),
                Just(b"abc\0".to_vec()),
                Just(b"\x01w\n".to_vec()),
            ]), 0..40),
    ) {
        let (mut tap, mut log, mut fed) = (ScpTap::new(0, b"scp -t x"), Vec::new(), Vec::new());
        let mut back = None;
        for (input, bytes) in steps {
            let stream = if input { Input } else { Output };
            fed.extend_from_slice(&bytes);
            if let Err(departure) = tap.feed(Offset::ZERO, stream, &bytes, &mut log) {
                back = Some(departure.held);
                break;
            }
        }
        let rest = tap.finish(Offset::ZERO, &mut log);
        if log.is_empty() {
            let held: Vec<u8> = back.unwrap_or(rest).into_iter().flat_map(|(_, bytes)| bytes).collect();
            prop_assert_eq!(held, fed);
        }
    }
}
