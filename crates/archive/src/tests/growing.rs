//! Recordings that begin, grow and end as they should.

use std::os::unix::fs::PermissionsExt as _;

use gatehouse_recording::manifest::ManifestState;
use gatehouse_recording::{Exit, FileName};

use super::*;
use crate::{ArchiveError, FollowFrom, FollowedLine, Follower, PushError};

#[tokio::test]
async fn a_session_leaves_a_recording_that_verifies() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let library = archive.library();
    let Opened {
        recorder,
        mut transfers,
    } = begin(&archive, 1).await;
    assert_eq!(recorder.path(), path(1));
    assert_eq!(
        library.read(&path(1)).unwrap().manifest().state,
        ManifestState::Open
    );
    assert_eq!(library.sealed(&path(1)).unwrap(), None);

    let tap = recorder.open_channel(shell(0)).unwrap();
    assert!(matches!(recorder.open_channel(shell(0)), Err(PushError::Closed)));
    let sftp = ChannelSpec {
        kind: ChannelKind::Subsystem("sftp".into()),
        ..exec(1, BinaryMode::Digest)
    };
    let sftp = recorder.open_channel(sftp).unwrap();
    tap.data(Stream::Output, Bytes::from_static(b"$ ")).await.unwrap();
    for (stream, bytes) in [
        (Stream::Input, &b"\0\0\0\x05\x01\0\0\0\x03"[..]),
        (Stream::Output, b"\0\0\0\x05\x02\0\0\0\x03"),
        (Stream::Input, b"\0\0\0\x0b\x0d\0\0\0\x01\0\0\0\x02/x"),
        (Stream::Output, b"\0\0\0\x09\x65\0\0\0\x01\0\0\0\0"),
    ] {
        sftp.data(stream, Bytes::copy_from_slice(bytes)).await.unwrap();
    }
    assert_eq!(transfers.recv().await.unwrap().path, "/x");
    tap.push(Event::Exit(Exit::Status(0))).await.unwrap();
    tap.close().await.unwrap();

    let sealed = recorder.seal(end()).await.unwrap();
    assert_eq!(
        recorder.seal(end()).await.unwrap(),
        sealed,
        "sealing twice is sealing once"
    );
    assert_eq!(sealed.files, ["ssh-0.cast", "transfers.jsonl"]);
    assert_eq!(library.sealed(&path(1)).unwrap().unwrap().digest, sealed.digest);
    assert!(matches!(
        sftp.data(Stream::Input, Bytes::new()).await,
        Err(PushError::Closed)
    ));
    assert!(verified(&library, 1, Some(&sealed.digest)).is_good());
    assert_eq!(shown(&library, 1)[&0], b"$ ");
    assert_eq!(library.read(&path(1)).unwrap().transfers().unwrap().len(), 1);
    assert_eq!(recorder.relayed_not_written(), 0);

    let directory = root.path().join("recordings").join(path(1));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (
            mode(&directory),
            mode(&directory.join("ssh-0.cast")),
            mode(&directory.join("manifest.json"))
        ),
        (0o700, 0o600, 0o600)
    );
    assert_eq!(
        std::fs::read_dir(root.path().join("recordings/.open").join(node().to_string()))
            .unwrap()
            .count(),
        0
    );
    assert!(matches!(
        archive.create(head(1, RecordMode::Strict), clock()).await,
        Err(ArchiveError::Exists(_))
    ));
    assert!(
        verified(&library, 1, None).is_good(),
        "a second use of an id harms nothing"
    );
}

#[tokio::test]
async fn refuse_is_told_before_anything_is_relayed() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let tap = recorder.open_channel(exec(0, BinaryMode::Refuse)).unwrap();
    tap.data(Stream::Output, Bytes::from_static(b"fine"))
        .await
        .unwrap();
    assert!(matches!(
        tap.data(Stream::Output, vec![0; 10_000].into()).await,
        Err(PushError::Refused(_))
    ));
    recorder.seal(end()).await.unwrap();
    assert!(verified(&archive.library(), 1, None).is_good());
}

async fn all(mut follower: Follower) -> Vec<FollowedLine> {
    let mut lines = Vec::new();
    while let Some(line) = follower.next().await {
        lines.push(line.unwrap());
    }
    lines
}

#[tokio::test]
async fn several_follow_a_growing_recording_to_its_end() {
    for sealing in both() {
        several_follow(sealing).await;
    }
}

async fn several_follow(sealing: Sealing) {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let followers: Vec<_> = (0..3)
        .map(|_| tokio::spawn(all(recorder.follow(FollowFrom::Start))))
        .collect();
    let mut live = recorder.follow(FollowFrom::Start);
    let taps = [
        recorder.open_channel(shell(0)).unwrap(),
        recorder.open_channel(shell(1)).unwrap(),
    ];
    for number in 0..200 {
        taps[number % 2]
            .push(output(format!("line {number}\r\n")))
            .await
            .unwrap();
    }
    // A follower sees what was pushed while the session is still open.
    let mut seen = 0;
    while seen < 200 {
        seen += usize::from(live.next().await.unwrap().unwrap().line.contains("line "));
    }
    let mut late = recorder.follow(FollowFrom::Now);
    assert!(
        late.next().await.unwrap().unwrap().line.starts_with('{'),
        "the header is given all the same"
    );
    taps[0].push(output("last")).await.unwrap();
    recorder.seal(end()).await.unwrap();
    let rest = all(late).await;
    assert!(
        rest.iter().any(|line| line.line.contains("last"))
            && !rest.iter().any(|line| line.line.contains("line 1"))
    );
    let recording = archive.library().read(&path(1)).unwrap();
    for follower in followers {
        let lines = follower.await.unwrap();
        for channel in [0, 1] {
            let text: String = lines
                .iter()
                .filter(|line| line.channel == channel)
                .map(|line| line.line.clone() + "\n")
                .collect();
            let cast = recording
                .contents(FileName::Cast(channel))
                .unwrap()
                .all()
                .unwrap();
            assert_eq!(text.as_bytes(), cast);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_sessions_share_a_few_threads() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let sessions: Vec<_> = (0..200)
        .map(|number| {
            let archive = archive.clone();
            tokio::spawn(async move {
                let Opened { recorder, .. } = begin(&archive, number).await;
                let tap = recorder.open_channel(shell(0)).unwrap();
                for step in 0..50 {
                    tap.push(output(format!("session {number} step {step}\r\n")))
                        .await
                        .unwrap();
                }
                recorder.seal(end()).await.unwrap()
            })
        })
        .collect();
    let library = archive.library();
    for (number, sealing) in (0..).zip(sessions) {
        let sealed = sealing.await.unwrap();
        assert!(verified(&library, number, Some(&sealed.digest)).is_good());
        let want: String = (0..50)
            .map(|step| format!("session {number} step {step}\r\n"))
            .collect();
        assert_eq!(shown(&library, number)[&0], want.as_bytes());
    }
}

#[tokio::test]
async fn a_follower_that_leaps_gives_whole_lines_and_tells_where_they_are() {
    for sealing in both() {
        leap(sealing).await;
    }
}

async fn leap(sealing: Sealing) {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    let mut behind = recorder.follow(FollowFrom::Start);
    let header = behind.next().await.unwrap().unwrap();
    for number in 0..4_000 {
        tap.push(output(format!("line {number} {}\r\n", "x".repeat(200))))
            .await
            .unwrap();
    }
    tap.close().await.unwrap();
    let mut late = recorder.follow(FollowFrom::Last(1_000));
    assert_eq!(late.next().await.unwrap().unwrap(), header);
    let first = late.next().await.unwrap().unwrap();
    // What was read is given, then only the end.
    let mut given = Vec::new();
    given.push(behind.next().await.unwrap().unwrap());
    behind.skip_to_last(1_000).unwrap();
    recorder.seal(end()).await.unwrap();
    given.extend(all(behind).await);
    let gaps = |lines: &[FollowedLine]| {
        lines
            .windows(2)
            .filter(|pair| pair[0].end != pair[1].begin)
            .count()
    };
    assert_eq!((given[0].begin, gaps(&given)), (header.end, 1));
    let mut rest = vec![first];
    rest.extend(all(late).await);
    assert_eq!(gaps(&rest), 0);
    assert_eq!(given[given.len() - rest.len()..], rest);
    let recording = archive.library().read(&path(1)).unwrap();
    let bytes = recording.contents(FileName::Cast(0)).unwrap().all().unwrap();
    let length = bytes.len() as u64;
    assert!(
        length - rest[0].begin <= 1_000 && length - rest[0].begin > 500,
        "{} of {length}",
        rest[0].begin
    );
    for line in rest.iter().chain(&given) {
        let at = usize::try_from(line.begin).unwrap()..usize::try_from(line.end).unwrap();
        assert_eq!(bytes[at], (line.line.clone() + "\n").into_bytes());
    }
}
