//! `kill -9` after each step.

use gatehouse_recording::FileName;
use gatehouse_recording::manifest::ManifestState;

use super::faulty::FaultyDisk;
use super::*;

/// A session with each kind of file. Gives whether the recording had begun, and what was acknowledged as written.
async fn live(archive: &Archive) -> bool {
    let Ok(Opened { recorder, .. }) = archive.create(head(1, RecordMode::Strict), clock()).await else {
        return false;
    };
    let noise: Vec<u8> = (0..40_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3] & 0x8f)
        .collect();
    if let (Ok(text), Ok(binary)) = (
        recorder.open_channel(shell(0)),
        recorder.open_channel(exec(1, BinaryMode::Full)),
    ) {
        for step in 0..4 {
            let _ = text.push(output(format!("step {step}\r\n"))).await;
        }
        let _ = binary.push(output(noise)).await;
        let _ = binary.close().await;
        let _ = text.close().await;
    }
    let _ = recorder.seal(end()).await;
    true
}

#[tokio::test]
async fn a_crash_after_any_step_leaves_a_recording_that_verifies() {
    for sealing in both() {
        crash_after_any_step(sealing).await;
    }
}

async fn crash_after_any_step(sealing: Sealing) {
    let whole = "step 0\r\nstep 1\r\nstep 2\r\nstep 3\r\n";
    let (mut begun_once, mut recovered_once, mut cleared_once) = (false, false, false);
    for step in 0.. {
        let root = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        disk.crash_at(step);
        let begun = match Archive::on(config(root.path()), sealing.clone(), Arc::new(disk.clone())) {
            Ok(archive) => live(&archive).await,
            Err(_) => false,
        };
        let crashed = disk.has_crashed();

        let archive = Archive::open(config(root.path()), sealing.clone()).unwrap();
        let found = archive.recover("2026-01-31T12:00:00Z".parse().unwrap()).unwrap();
        let library = archive.library();
        assert!(
            found.iter().all(|found| found.problem.is_none()),
            "step {step}: {found:?}"
        );
        if begun {
            let checked = verified(&library, 1, None);
            assert!(
                checked.is_good() && checked.manifest.as_ref().unwrap().state == ManifestState::Sealed,
                "step {step}: {checked:?}"
            );
            let shown = shown(&library, 1);
            let text = shown.get(&0).cloned().unwrap_or_default();
            assert!(
                whole.as_bytes().starts_with(&text),
                "step {step}: whole events only"
            );
        }
        let sealed = found.iter().filter(|found| found.sealed.is_some()).count();
        if found.iter().any(|found| found.sealed.is_none()) {
            assert!(
                !root.path().join("recordings").join(path(1)).exists(),
                "step {step}: cleared away"
            );
        }
        // Once is enough, and the id's place is free of leftovers.
        assert!(
            archive
                .recover("2026-01-31T12:00:00Z".parse().unwrap())
                .unwrap()
                .is_empty(),
            "step {step}"
        );
        (begun_once, recovered_once, cleared_once) = (
            begun_once | begun,
            recovered_once | (sealed > 0),
            cleared_once | found.iter().any(|f| f.sealed.is_none()),
        );
        if !crashed {
            assert!(begun && found.is_empty());
            assert_eq!(shown(&library, 1)[&0], whole.as_bytes());
            break;
        }
    }
    assert!(
        begun_once && recovered_once && cleared_once,
        "the steps were not all reached"
    );
}

#[tokio::test]
async fn torn_tails_are_cut_off() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let tap = recorder.open_channel(exec(0, BinaryMode::Full)).unwrap();
    tap.push(output(vec![0u8; 50_000])).await.unwrap();
    tap.close().await.unwrap();
    drop((tap, recorder, archive));

    let file = |name: FileName| {
        root.path()
            .join("recordings")
            .join(path(1))
            .join(name.to_string())
    };
    let tear = |name: FileName, bytes: &[u8]| {
        let whole = std::fs::read(file(name)).unwrap();
        std::fs::write(file(name), [&whole, bytes].concat()).unwrap();
        whole
    };
    let frame = std::fs::read(file(FileName::Binary(0))).unwrap();
    let cast = tear(FileName::Cast(0), b"[9.5, \"o\", \"hal");
    let chunks = tear(FileName::Chunks(0), b"{\"time\":");
    let binary = tear(FileName::Binary(0), &frame[..frame.len() - 1]);
    std::fs::write(file(FileName::Cast(5)), b"{\"version\":2").unwrap();
    let log = br#"{"id":0,"channel":3,"direction":"upload","operation":"transfer","path":"/x","bytes":0,"result":"started","started_at":"2026-01-31T10:00:00Z","started":0.0,"duration_seconds":0.0}"#;
    std::fs::write(file(FileName::Transfers), [&log[..], b"\n"].concat()).unwrap();

    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let found = archive.recover("2030-01-31T12:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(std::fs::read(file(FileName::Cast(0))).unwrap(), cast);
    assert_eq!(std::fs::read(file(FileName::Chunks(0))).unwrap(), chunks);
    assert_eq!(std::fs::read(file(FileName::Binary(0))).unwrap(), binary);
    assert!(!file(FileName::Cast(5)).exists());
    assert_eq!(
        (
            found[0].transfers[0].path.as_str(),
            found[0].transfers[0].result.as_str()
        ),
        ("/x", "incomplete")
    );
    let manifest = found[0].manifest.as_ref().unwrap();
    assert!(manifest.recovered && manifest.end.as_ref().unwrap().reason == "service_restart");
    assert!(verified(&archive.library(), 1, None).is_good());
}

#[tokio::test]
async fn another_node_leaves_an_open_recording_alone() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    let other = ArchiveConfig {
        node: "019301f0-0000-7000-8000-00000000bbbb".parse().unwrap(),
        ..config(root.path())
    };
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    assert!(
        Archive::open(other, sealing())
            .unwrap()
            .recover(now)
            .unwrap()
            .is_empty()
    );
    recorder.seal(end()).await.unwrap();
}
