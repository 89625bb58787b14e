//! Disks that are full, broken or slow.

use std::task::Poll;
use std::time::Duration;

use gatehouse_recording::cast::CastData;

use super::faulty::FaultyDisk;
use super::*;
use crate::{ArchiveConfig, ArchiveError, PushError};

fn on(root: &Path, disk: &FaultyDisk, sealing: Sealing) -> Archive {
    Archive::on(config(root), sealing, Arc::new(disk.clone())).unwrap()
}

#[tokio::test]
async fn a_full_disk_ends_a_strict_session_and_its_recording_is_closed_properly() {
    for sealing in both() {
        full_disk(sealing).await;
    }
}

async fn full_disk(sealing: Sealing) {
    let root = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let archive = on(root.path(), &disk, sealing);
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    let other = recorder.open_channel(shell(1)).unwrap();
    other.push(output("kept\r\n")).await.unwrap();
    tap.push(output("kept\r\n")).await.unwrap();
    tap.close().await.unwrap();
    disk.room(Some(7));
    let mut pushed = 0;
    let failure = loop {
        match other.push(output("0123456789")).await {
            Ok(()) => pushed += 10,
            Err(PushError::Failed(failure)) => break failure,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(matches!(failure.cause, ArchiveError::Full { .. }), "{failure}");
    assert!(failure.relayed_not_written <= pushed && failure.relayed_not_written > 0);
    assert_eq!(
        recorder.failed().await.relayed_not_written,
        failure.relayed_not_written
    );
    assert!(
        matches!(tap.push(output("x")).await, Err(PushError::Failed(_))),
        "every channel ends"
    );
    assert!(matches!(
        recorder.open_channel(shell(2)),
        Err(PushError::Failed(_))
    ));

    disk.room(Some(0));
    let sealed = recorder.seal(end()).await.unwrap();
    assert_eq!(sealed.bytes_lost, failure.relayed_not_written);
    assert!(verified(&archive.library(), 1, Some(&sealed.digest)).is_good());
    let shown = shown(&archive.library(), 1);
    assert_eq!(
        (&shown[&0][..], &shown[&1][..]),
        (&b"kept\r\n"[..], &b"kept\r\n"[..])
    );

    let refused = archive.create(head(2, RecordMode::Strict), clock()).await;
    assert!(matches!(refused, Err(ArchiveError::Full { .. })));
    disk.room(None);
    begin(&archive, 2).await.recorder.seal(end()).await.unwrap();
}

#[tokio::test]
async fn best_effort_goes_on_and_tells_of_the_gap() {
    for sealing in both() {
        gap(sealing).await;
    }
}

async fn gap(sealing: Sealing) {
    let root = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let archive = on(root.path(), &disk, sealing);
    let Opened { recorder, .. } = archive
        .create(head(1, RecordMode::BestEffort), clock())
        .await
        .unwrap();
    disk.room(Some(100));
    // Not even the first line of the cast can be written.
    let tap = recorder.open_channel(shell(0)).unwrap();
    let mut progress = recorder.progress();
    tap.push(output("lost")).await.unwrap();
    progress.wait_for(|progress| progress.lost == 4).await.unwrap();
    disk.room(None);
    tap.push(output("seen")).await.unwrap();
    assert!(recorder.failure().is_none());
    let sealed = recorder.seal(end()).await.unwrap();
    assert_eq!((sealed.bytes_lost, recorder.relayed_not_written()), (4, 4));
    let library = archive.library();
    assert!(verified(&library, 1, None).is_good());
    assert_eq!(shown(&library, 1)[&0], b"seen");
    let recording = library.read(&path(1)).unwrap();
    let mut events = recording.events(&[0]).unwrap();
    assert!(events.any(|event| event.unwrap().1.data == CastData::Gap(4)));
}

#[tokio::test]
async fn each_kind_of_refusal_has_its_own_sentence() {
    for (errno, word) in [
        (28, "full"),
        (122, "full"),
        (13, "permission"),
        (30, "read-only"),
        (5, "cannot write to"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let archive = on(root.path(), &disk, sealing());
        let Opened { recorder, .. } = begin(&archive, 1).await;
        disk.broken(Some(errno));
        let tap = recorder.open_channel(shell(0)).unwrap();
        let _ = tap.push(output("x")).await;
        let failure = recorder.failed().await.to_string();
        assert!(failure.contains(word), "{failure}");
        recorder.seal(end()).await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_disk_holds_up_its_session_and_bounds_its_memory() {
    let root = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let archive = on(root.path(), &disk, sealing());
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    disk.stall(true);
    let chunk = Bytes::from(vec![b'x'; 16 * 1024]);
    let mut accepted = 0;
    let mut waiting = loop {
        let mut push = Box::pin(tap.push(output(chunk.clone())));
        match std::future::poll_fn(|context| Poll::Ready(push.as_mut().poll(context))).await {
            Poll::Ready(result) => result.unwrap(),
            Poll::Pending => break push,
        }
        accepted += chunk.len();
        assert!(accepted <= 256 * 1024);
    };
    assert!(accepted > 0);
    disk.stall(false);
    (&mut waiting).await.unwrap();
    drop(waiting);
    // Larger than all that may wait: it passes when nothing does.
    tap.push(output(vec![b'y'; 3_000_000])).await.unwrap();
    let sealed = recorder.seal(end()).await.unwrap();
    assert!(sealed.size > 3_000_000);
    assert_eq!(
        shown(&archive.library(), 1)[&0].len(),
        accepted + chunk.len() + 3_000_000
    );
}

#[tokio::test]
async fn transfers_that_nobody_takes_are_counted() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let Opened { recorder, transfers } = begin(&archive, 1).await;
    drop(transfers);
    let scp = recorder.open_channel(exec(0, BinaryMode::Digest)).unwrap();
    for (stream, bytes) in [
        (Stream::Output, "\0"),
        (Stream::Input, "D0755 0 d\n"),
        (Stream::Output, "\0"),
    ] {
        scp.data(stream, Bytes::from_static(bytes.as_bytes()))
            .await
            .unwrap();
    }
    let sealed = recorder.seal(end()).await.unwrap();
    assert_eq!(sealed.transfers_missed, 1);
    assert_eq!(
        archive
            .library()
            .read(&path(1))
            .unwrap()
            .transfers()
            .unwrap()
            .len(),
        1
    );
}

/// A disk that is given up soon.
fn impatient(root: &Path, disk: &FaultyDisk) -> Archive {
    let config = ArchiveConfig {
        patience: Duration::from_millis(300),
        ..config(root)
    };
    Archive::on(config, sealing(), Arc::new(disk.clone())).unwrap()
}

#[tokio::test]
async fn a_silent_disk_fails_a_strict_recording_though_nobody_pushes() {
    let (root, disk) = (tempfile::tempdir().unwrap(), FaultyDisk::default());
    let archive = impatient(root.path(), &disk);
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    tap.push(output("kept\r\n")).await.unwrap();
    let mut progress = recorder.progress();
    progress.wait_for(|progress| progress.written > 0).await.unwrap();
    disk.stall(true);
    tap.push(output("0123456789")).await.unwrap();
    let failure = recorder.failed().await;
    assert!(matches!(failure.cause, ArchiveError::Stalled { .. }), "{failure}");
    assert_eq!(failure.relayed_not_written, 10);
    assert!(matches!(tap.push(output("x")).await, Err(PushError::Failed(_))));
    // Neither closing nor beginning waits for ever; with the disk back both work.
    assert!(matches!(
        recorder.seal(end()).await,
        Err(ArchiveError::Stalled { .. })
    ));
    let refused = archive.create(head(2, RecordMode::Strict), clock()).await;
    assert!(matches!(refused, Err(ArchiveError::Stalled { .. })));
    disk.stall(false);
    let sealed = recorder.seal(end()).await.unwrap();
    assert!(verified(&archive.library(), 1, Some(&sealed.digest)).is_good());
    assert!(shown(&archive.library(), 1)[&0].starts_with(b"kept\r\n"));
    begin(&archive, 3).await.recorder.seal(end()).await.unwrap();
}

#[tokio::test]
async fn a_silent_disk_leaves_a_gap_in_best_effort() {
    let (root, disk) = (tempfile::tempdir().unwrap(), FaultyDisk::default());
    let archive = impatient(root.path(), &disk);
    let Opened { recorder, .. } = archive
        .create(head(1, RecordMode::BestEffort), clock())
        .await
        .unwrap();
    let tap = recorder.open_channel(shell(0)).unwrap();
    disk.stall(true);
    tap.push(output("first ")).await.unwrap();
    // Waits once for as long as anybody waits, and then no more.
    for _ in 0..1000 {
        tap.push(output(vec![b'x'; 1000])).await.unwrap();
    }
    disk.stall(false);
    let mut progress = recorder.progress();
    progress.wait_for(|progress| progress.lost > 0).await.unwrap();
    tap.push(output(" last")).await.unwrap();
    let sealed = recorder.seal(end()).await.unwrap();
    assert!(recorder.failure().is_none());
    let library = archive.library();
    assert!(verified(&library, 1, None).is_good());
    let shown = &shown(&library, 1)[&0];
    assert!(shown.starts_with(b"first ") && shown.ends_with(b" last"));
    assert_eq!(shown.len() as u64 + sealed.bytes_lost, 6 + 1_000_000 + 5);
    let recording = library.read(&path(1)).unwrap();
    let mut events = recording.events(&[0]).unwrap();
    let gap = CastData::Gap(sealed.bytes_lost);
    assert!(events.any(|event| event.unwrap().1.data == gap));
}
