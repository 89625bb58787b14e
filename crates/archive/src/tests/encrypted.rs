//! Encrypted recordings: nothing clear on the disk, read by those who may, torn and mended.

use gatehouse_recording::frames::FrameScanner;
use gatehouse_recording::manifest::Manifest;

use super::faulty::FaultyDisk;
use super::*;
use crate::{ArchiveError, ContentsCheck, FollowFrom, Keyring, Problem};

/// A session that leaves each kind of file, each with words that must not be found.
async fn furnished(archive: &Archive) -> Opened {
    let opened = begin(archive, 1).await;
    let recorder = &opened.recorder;
    let text = recorder.open_channel(shell(0)).unwrap();
    text.push(output("SECRETWORD on the screen\r\n")).await.unwrap();
    let binary = recorder.open_channel(exec(1, BinaryMode::Full)).unwrap();
    let noise: Vec<u8> = b"SECRETWORD\0\x01\x02\x03\xff\xfe".repeat(2000);
    binary.push(output(noise)).await.unwrap();
    binary.close().await.unwrap();
    let scp = recorder.open_channel(exec(2, BinaryMode::Digest)).unwrap();
    for (stream, bytes) in [
        (Stream::Output, "\0"),
        (Stream::Input, "D0755 0 SECRETWORD\n"),
        (Stream::Output, "\0"),
    ] {
        scp.data(stream, Bytes::from_static(bytes.as_bytes()))
            .await
            .unwrap();
    }
    scp.close().await.unwrap();
    text.close().await.unwrap();
    opened
}

const FILES: [&str; 5] = [
    "ssh-0.cast",
    "ssh-1.bin.zst",
    "ssh-1.cast",
    "ssh-1.chunks.jsonl",
    "transfers.jsonl",
];

fn directory(root: &Path) -> std::path::PathBuf {
    root.join("recordings").join(path(1))
}

/// Every file below the root that holds a word of the session.
fn clear_files(root: &Path) -> Vec<String> {
    let mut clear = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            let holds = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
            if holds(b"SECRETWORD") || holds(b"\"version\":2") || holds(b"direction") {
                clear.push(entry.path().display().to_string());
            }
        }
    }
    clear
}

#[tokio::test]
async fn nothing_clear_is_on_the_disk_and_who_may_reads_it_all() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), encrypted(SealedKey::Kept)).unwrap();
    let Opened { recorder, .. } = furnished(&archive).await;
    assert_eq!(clear_files(root.path()), Vec::<String>::new(), "while it is open");
    let sealed = recorder.seal(end()).await.unwrap();
    assert_eq!(sealed.files, FILES);
    assert_eq!(clear_files(root.path()), Vec::<String>::new());

    for keys in [
        Keyring::new(vec![identity(1)], None),
        Keyring::new(vec![identity(9), identity(2)], None),
        Keyring::new(Vec::new(), Some(Arc::new(TestKeeper(7)))),
        Keyring::new(vec![identity(9)], Some(Arc::new(TestKeeper(7)))),
    ] {
        let library = Library::at(&root.path().join("recordings")).with_keys(keys);
        assert_eq!(shown(&library, 1)[&0], b"SECRETWORD on the screen\r\n");
        let recording = library.read(&path(1)).unwrap();
        assert_eq!(recording.transfers().unwrap()[0].path, "SECRETWORD");
        assert!(recording.chunks(1).unwrap()[0].length > 20_000);
        let found = verified(&library, 1, Some(&sealed.digest));
        assert!(
            found.is_good() && found.contents == ContentsCheck::Read,
            "{found:?}"
        );
    }
    for (keys, why) in [
        (Keyring::default(), "there is no key to it here"),
        (
            Keyring::new(vec![identity(9)], None),
            "none of the identities opens it",
        ),
        (
            Keyring::new(Vec::new(), Some(Arc::new(TestKeeper(8)))),
            "cannot be opened (of another store)",
        ),
    ] {
        let library = Library::at(&root.path().join("recordings")).with_keys(keys);
        let recording = library.read(&path(1)).unwrap();
        assert_eq!(recording.manifest().head.user, "p.mojski");
        let refused = recording.events(&[0]).map(|_| ()).unwrap_err().to_string();
        assert!(
            refused.contains(why) && refused.contains(&identity(2).recipient().to_string()),
            "{refused}"
        );
        assert!(recording.transfers().is_err());
        // Files and signature are checked without it.
        let found = verified(&library, 1, Some(&sealed.digest));
        assert!(
            found.is_good() && found.contents == ContentsCheck::NoKey,
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_dropped_key_leaves_the_recording_to_its_recipients() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), encrypted(SealedKey::Dropped)).unwrap();
    let Opened { recorder, .. } = furnished(&archive).await;
    // The node that writes it can be asked as long as it is open.
    assert!(!shown(&archive.library(), 1).is_empty());
    recorder.seal(end()).await.unwrap();
    let manifest = std::fs::read_to_string(directory(root.path()).join("manifest.json")).unwrap();
    assert!(!manifest.contains("sealed_key"), "{manifest}");
    let refused = archive.library().read(&path(1)).unwrap().readable();
    assert!(matches!(refused, Err(ArchiveError::NoKey { .. })), "{refused:?}");
    let library = Library::at(&root.path().join("recordings"));
    let library = library.with_keys(Keyring::new(vec![identity(2)], None));
    assert_eq!(shown(&library, 1)[&0], b"SECRETWORD on the screen\r\n");
}

#[tokio::test]
async fn after_a_crash_the_keeper_s_key_mends_and_without_it_files_are_cut_all_the_same() {
    for (keeper, dropped) in [
        (7, SealedKey::Kept),
        (7, SealedKey::Dropped),
        (8, SealedKey::Kept),
    ] {
        let root = tempfile::tempdir().unwrap();
        let archive = Archive::open(config(root.path()), encrypted(dropped)).unwrap();
        let opened = furnished(&archive).await;
        drop((opened, archive));
        let at = directory(root.path());
        let mut whole = Vec::new();
        for name in FILES {
            let bytes = std::fs::read(at.join(name)).unwrap();
            let torn = [&bytes[..], &bytes[8..bytes.len() - 1]].concat();
            whole.push(bytes);
            // A frame that was being written; its head is that of the first.
            std::fs::write(at.join(name), &torn[..torn.len() - 3]).unwrap();
        }
        // Nothing but a beginning.
        std::fs::write(at.join("ssh-5.cast"), b"GHFRAME\x01\x40\0\0").unwrap();
        let sealing = Sealing::signed(signing_key(1), Arc::new(TestKeeper(keeper)))
            .encrypted(vec![identity(1).recipient()], dropped);
        let archive = Archive::open(config(root.path()), sealing).unwrap();
        let found = archive.recover("2030-01-31T12:00:00Z".parse().unwrap()).unwrap();
        let manifest = found[0].manifest.as_ref().unwrap();
        let has_key = keeper == 7;
        assert!(found[0].problem.is_none() && manifest.recovered);
        assert!(manifest.files.iter().all(|file| file.end_mark == Some(has_key)));
        assert_eq!(found[0].transfers.is_empty(), !has_key);
        for (name, whole) in FILES.iter().zip(whole) {
            let bytes = std::fs::read(at.join(name)).unwrap();
            let ended = if has_key { 28 } else { 0 };
            assert!(bytes.starts_with(&whole), "{name}: nothing durable is lost");
            assert_eq!(bytes.len(), whole.len() + ended, "{name}");
        }
        assert!(!at.join("ssh-5.cast").exists());
        let kept = manifest.encryption.as_ref().unwrap().sealed_key.is_some();
        assert_eq!(kept, dropped == SealedKey::Kept);
        let library = archive.library().with_keys(Keyring::new(vec![identity(2)], None));
        assert!(verified(&library, 1, None).is_good());
        assert_eq!(shown(&library, 1)[&0], b"SECRETWORD on the screen\r\n");
        assert_eq!(clear_files(root.path()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_file_cut_off_moved_or_exchanged_and_signed_again_is_found_with_the_key() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), encrypted(SealedKey::Kept)).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    for number in 0..2 {
        let tap = recorder.open_channel(shell(number)).unwrap();
        for _ in 0..3 {
            tap.push(output("evidence\r\n")).await.unwrap();
            tap.push(Event::Exit(gatehouse_recording::Exit::Status(0)))
                .await
                .unwrap();
        }
        tap.close().await.unwrap();
    }
    recorder.seal(end()).await.unwrap();
    let at = directory(root.path());
    let manifest = Manifest::from_bytes(&std::fs::read(at.join("manifest.json")).unwrap()).unwrap();
    let cast = std::fs::read(at.join("ssh-0.cast")).unwrap();
    let other = std::fs::read(at.join("ssh-1.cast")).unwrap();
    let mut scanner = FrameScanner::new(None);
    scanner.feed(&cast[..cast.len() - 28]);
    assert_eq!(scanner.finish().length, cast.len() as u64 - 28);
    let damages: [(&str, Vec<u8>); 3] = [
        ("end mark is missing", cast[..cast.len() - 28].to_vec()),
        ("does not belong there", other),
        ("does not belong there", {
            let mut changed = cast.clone();
            changed[40] ^= 1;
            changed
        }),
    ];
    // Whoever has the signing key and not the recording's cannot make a recording of it.
    for (words, bytes) in damages {
        std::fs::write(at.join("ssh-0.cast"), &bytes).unwrap();
        let mut forged = manifest.clone();
        let (size, sha256) = crate::library::digest_of_file(&at.join("ssh-0.cast")).unwrap();
        (forged.files[0].size, forged.files[0].sha256) = (size, sha256);
        let forged = manifest_of(forged).to_signed_bytes(&signing_key(1));
        std::fs::write(at.join("manifest.json"), forged).unwrap();
        let found = verified(&archive.library(), 1, None);
        let [Problem::Undecipherable { name, what }] = &found.problems[..] else {
            panic!("{words}: {found:?}")
        };
        assert!(name == "ssh-0.cast" && what.contains(words), "{what}");
        // What is good before it is shown, and that it is damaged is told.
        let recording = archive.library().read(&path(1)).unwrap();
        let told = recording
            .header(0)
            .map(|_| ())
            .and_then(|()| recording.events(&[0])?.collect::<Result<Vec<_>, _>>());
        assert!(matches!(told, Err(ArchiveError::Damaged { .. })), "{told:?}");
    }
}

/// The manifest with the digest that its list has.
fn manifest_of(mut manifest: Manifest) -> Manifest {
    manifest.digest = Some(Manifest::digest_of(&manifest.files));
    manifest
}

#[tokio::test]
async fn without_room_for_the_end_mark_the_manifest_says_so() {
    let root = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let archive = Archive::on(
        config(root.path()),
        encrypted(SealedKey::Kept),
        Arc::new(disk.clone()),
    )
    .unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let tap = recorder.open_channel(shell(0)).unwrap();
    tap.push(output("kept")).await.unwrap();
    tap.close().await.unwrap();
    disk.room(Some(5));
    recorder.seal(end()).await.unwrap();
    let found = verified(&archive.library(), 1, None);
    assert!(found.is_good(), "{found:?}");
    assert_eq!(found.manifest.unwrap().files[0].end_mark, Some(false));
    assert_eq!(shown(&archive.library(), 1)[&0], b"kept");
}

#[tokio::test]
async fn without_a_key_there_is_no_recording() {
    struct Refusing;
    impl KeyKeeper for Refusing {
        fn seal(&self, _: SessionId, _: &FileKey) -> Result<Vec<u8>, KeeperError> {
            Err("the store is away".into())
        }
        fn open(&self, _: SessionId, _: &[u8]) -> Result<FileKey, KeeperError> {
            Err("the store is away".into())
        }
    }
    let root = tempfile::tempdir().unwrap();
    let sealing = Sealing::signed(signing_key(1), Arc::new(Refusing))
        .encrypted(vec![identity(1).recipient()], SealedKey::Kept);
    let archive = Archive::open(config(root.path()), sealing).unwrap();
    let refused = archive
        .create(head(1, RecordMode::BestEffort), clock())
        .await
        .map(|_| ());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("the store is away"), "{refused}");
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    assert!(
        archive.recover(now).unwrap().is_empty(),
        "and nothing is left of it"
    );
}

#[tokio::test]
async fn who_follows_sees_through_a_write_that_failed() {
    let root = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let archive = Archive::on(
        config(root.path()),
        encrypted(SealedKey::Kept),
        Arc::new(disk.clone()),
    )
    .unwrap();
    let Opened { recorder, .. } = archive
        .create(head(1, RecordMode::BestEffort), clock())
        .await
        .unwrap();
    let tap = recorder.open_channel(shell(0)).unwrap();
    let mut follower = recorder.follow(FollowFrom::Start);
    let mut progress = recorder.progress();
    tap.push(output("before")).await.unwrap();
    let mut lines = String::new();
    while !lines.contains("before") {
        lines += &follower.next().await.unwrap().unwrap().line;
    }
    disk.room(Some(20));
    tap.push(output("lost")).await.unwrap();
    progress.wait_for(|progress| progress.lost == 4).await.unwrap();
    disk.room(None);
    tap.push(output("after")).await.unwrap();
    recorder.seal(end()).await.unwrap();
    while let Some(line) = follower.next().await {
        lines += &line.unwrap().line;
    }
    assert!(lines.contains("after") && !lines.contains("lost"), "{lines}");
    let library = archive.library();
    assert_eq!(shown(&library, 1)[&0], b"beforeafter");
    assert!(verified(&library, 1, None).is_good());
}
