//! Captures of forwards: whole blocks, torn, on a full disk, with a gap.

use gatehouse_model::ForwardKind;
use gatehouse_recording::FileName;
use gatehouse_recording::capture::{Beginner, ConnectionSpec, End, ForwardSpec, complete_blocks};

use super::faulty::FaultyDisk;
use super::*;
use crate::{Keyring, PushError};

fn connection(number: u32) -> ConnectionSpec {
    ConnectionSpec {
        forward: ForwardSpec {
            number,
            kind: ForwardKind::Local,
            listen: "client".to_owned(),
            destination: "db:5432".to_owned(),
        },
        beginner: Beginner::Person,
        from: End::Addr("127.0.0.1:4000".parse().unwrap()),
        to: End::Name("db".to_owned(), 5432),
    }
}

fn bytes(of: &'static [u8]) -> Event {
    Event::Data(Stream::Input, Bytes::from_static(of))
}

/// The whole blocks of a capture, and whether that is all of it.
fn blocks(archive: &Archive, number: u32) -> (Vec<u8>, bool) {
    let keys = Keyring::new(vec![identity(1)], None);
    let recording = archive.library().with_keys(keys).read(&path(1)).unwrap();
    let mut bytes = recording
        .contents(FileName::Forward(number))
        .unwrap()
        .all()
        .unwrap();
    let whole = complete_blocks(&bytes);
    let all = whole == bytes.len();
    bytes.truncate(whole);
    (bytes, all)
}

fn holds(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

#[tokio::test]
async fn a_capture_is_a_file_of_the_recording() {
    for sealing in both() {
        let root = tempfile::tempdir().unwrap();
        let archive = Archive::open(config(root.path()), sealing).unwrap();
        let Opened { recorder, .. } = begin(&archive, 1).await;
        let first = recorder.open_connection(connection(0)).unwrap();
        let second = recorder.open_connection(connection(0)).unwrap();
        let other = recorder.open_connection(connection(1)).unwrap();
        for (tap, words) in [
            (&first, &b"to the first"[..]),
            (&second, b"to the second"),
            (&other, b"to another"),
        ] {
            tap.push(bytes(words)).await.unwrap();
        }
        first.close().await.unwrap();
        drop(second);
        let sealed = recorder.seal(end()).await.unwrap();
        assert_eq!(sealed.files, ["forward-0.pcapng", "forward-1.pcapng"]);
        assert!(verified(&archive.library(), 1, Some(&sealed.digest)).is_good());
        let (zero, all) = blocks(&archive, 0);
        assert!(all && holds(&zero, b"to the first") && holds(&zero, b"to the second"));
        assert!(holds(&blocks(&archive, 1).0, b"to another"));
    }
}

#[tokio::test]
async fn a_torn_capture_is_cut_back_to_whole_blocks() {
    for sealing in both() {
        let root = tempfile::tempdir().unwrap();
        let archive = Archive::open(config(root.path()), sealing.clone()).unwrap();
        let Opened { recorder, .. } = begin(&archive, 1).await;
        let tap = recorder.open_connection(connection(0)).unwrap();
        for _ in 0..2_000 {
            tap.push(bytes(&[7; 1_000])).await.unwrap();
        }
        tap.close().await.unwrap();
        drop((tap, recorder, archive));
        let file = root
            .path()
            .join("recordings")
            .join(path(1))
            .join("forward-0.pcapng");
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, whole.get(..whole.len() - 3).unwrap()).unwrap();

        let archive = Archive::open(config(root.path()), sealing).unwrap();
        archive.recover("2030-01-31T12:00:00Z".parse().unwrap()).unwrap();
        assert!(verified(&archive.library(), 1, None).is_good());
        let (bytes, all) = blocks(&archive, 0);
        assert!(all && bytes.len() > 1_000_000, "{} {all}", bytes.len());
    }
}

#[tokio::test]
async fn a_full_disk_holds_a_strict_session_at_its_forward_too() {
    for sealing in both() {
        let root = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let archive = Archive::on(config(root.path()), sealing, Arc::new(disk.clone())).unwrap();
        let Opened { recorder, .. } = begin(&archive, 1).await;
        let tap = recorder.open_connection(connection(0)).unwrap();
        tap.push(bytes(b"kept")).await.unwrap();
        let other = recorder.open_connection(connection(0)).unwrap();
        other.close().await.unwrap();
        disk.room(Some(7));
        let failure = loop {
            match tap.push(bytes(b"too much")).await {
                Ok(()) => {}
                Err(PushError::Failed(failure)) => break failure,
                Err(other) => panic!("{other}"),
            }
        };
        assert!(failure.relayed_not_written > 0);
        assert!(matches!(
            recorder.open_connection(connection(1)),
            Err(PushError::Failed(_))
        ));
        disk.room(Some(0));
        let sealed = recorder.seal(end()).await.unwrap();
        assert!(verified(&archive.library(), 1, Some(&sealed.digest)).is_good());
        let (bytes, all) = blocks(&archive, 0);
        assert!(all && holds(&bytes, b"kept") && !holds(&bytes, b"too much"));
    }
}

#[tokio::test]
async fn in_best_effort_a_capture_goes_on_in_a_new_section() {
    for sealing in both() {
        let root = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let archive = Archive::on(config(root.path()), sealing, Arc::new(disk.clone())).unwrap();
        let opened = archive
            .create(head(1, RecordMode::BestEffort), clock())
            .await
            .unwrap();
        let recorder = opened.recorder;
        // Not even the head of the file can be written.
        disk.room(Some(0));
        let tap = recorder.open_connection(connection(0)).unwrap();
        tap.push(bytes(b"lost words")).await.unwrap();
        let mut progress = recorder.progress();
        progress.wait_for(|progress| progress.lost == 10).await.unwrap();
        disk.room(None);
        tap.push(bytes(b"kept words")).await.unwrap();
        tap.close().await.unwrap();
        let sealed = recorder.seal(end()).await.unwrap();
        assert_eq!(sealed.bytes_lost, 10);
        let (bytes, all) = blocks(&archive, 0);
        assert!(all && bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));
        assert!(holds(&bytes, b"kept words") && !holds(&bytes, b"lost words"));
        assert!(holds(&bytes, b"10 bytes before this could not be recorded"));
    }
}
