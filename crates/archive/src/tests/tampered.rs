//! What was changed is found, and named.

use std::path::PathBuf;

use gatehouse_recording::manifest::Manifest;

use super::*;
use crate::{ContentsCheck, Keyring, Part, Problem};

/// A sealed recording of two shells, its digest, and where its files lie.
async fn sealed(root: &Path, sealing: Sealing) -> (Library, String, impl Fn(&str) -> PathBuf) {
    let archive = Archive::open(config(root), sealing).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    for number in 0..2 {
        let tap = recorder.open_channel(shell(number)).unwrap();
        tap.push(output("evidence")).await.unwrap();
    }
    let sealed = recorder.seal(end()).await.unwrap();
    let directory = root.join("recordings").join(path(1));
    (archive.library(), sealed.digest, move |name: &str| {
        directory.join(name)
    })
}

#[tokio::test]
async fn what_was_tampered_with_is_found() {
    let root = tempfile::tempdir().unwrap();
    let (library, digest, file) = sealed(root.path(), sealing()).await;
    let problems = || verified(&library, 1, Some(&digest)).problems;

    let cast = std::fs::read_to_string(file("ssh-0.cast")).unwrap();
    std::fs::write(file("ssh-0.cast"), cast.replace("evidence", "innocent")).unwrap();
    std::fs::write(file("ssh-7.cast"), "x").unwrap();
    std::fs::remove_file(file("ssh-1.cast")).unwrap();
    assert_eq!(
        problems(),
        [
            Problem::Changed("ssh-0.cast".into()),
            Problem::Missing("ssh-1.cast".into()),
            Problem::Extra("ssh-7.cast".into())
        ]
    );
    let manifest = std::fs::read_to_string(file("manifest.json")).unwrap();
    let changed = manifest.replace("ssh-1.cast", "ssh-2.cast");
    std::fs::write(file("manifest.json"), changed).unwrap();
    assert_eq!(problems()[0], Problem::ListChanged);
    assert!(matches!(problems().last(), Some(Problem::Signature(_))));
    std::fs::write(file("manifest.json"), "{").unwrap();
    assert!(matches!(problems()[..], [Problem::Manifest(_)]));
    std::fs::remove_file(file("manifest.json")).unwrap();
    assert_eq!(problems(), [Problem::NotThere]);
    let expected = Expected {
        digest: None,
        keys: &[],
    };
    assert!(library.verify("../../etc", &expected).is_err());
}

#[tokio::test]
async fn one_changed_byte_anywhere_is_found_and_the_part_named() {
    for sealing in both() {
        let root = tempfile::tempdir().unwrap();
        let (library, digest, file) = sealed(root.path(), sealing).await;
        assert!(verified(&library, 1, Some(&digest)).is_good());
        for (name, step) in [("ssh-0.cast", 7), ("manifest.json", 5)] {
            let whole = std::fs::read(file(name)).unwrap();
            for at in (0..whole.len()).step_by(step) {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                std::fs::write(file(name), &changed).unwrap();
                let found = verified(&library, 1, Some(&digest));
                let told = format!("{:?}", found.problems);
                match name {
                    "manifest.json" => assert!(
                        found.wrong_with(Part::Signature).count() > 0 || told.contains("Manifest("),
                        "byte {at}: {told}"
                    ),
                    name => assert!(
                        found.problems.contains(&Problem::Changed(name.to_owned())),
                        "byte {at}: {told}"
                    ),
                }
            }
            std::fs::write(file(name), &whole).unwrap();
        }
        assert!(verified(&library, 1, Some(&digest)).is_good());
    }
}

#[tokio::test]
async fn a_manifest_signed_by_a_stranger_or_not_at_all_is_told() {
    let root = tempfile::tempdir().unwrap();
    let (library, digest, file) = sealed(root.path(), sealing()).await;
    let manifest = Manifest::from_bytes(&std::fs::read(file("manifest.json")).unwrap()).unwrap();
    std::fs::write(file("manifest.json"), manifest.to_signed_bytes(&signing_key(9))).unwrap();
    let found = verified(&library, 1, Some(&digest));
    assert_eq!(
        found.problems,
        [Problem::UnknownKey(signing_key(9).public().id())]
    );
    assert_eq!(found.signed_by, Some(signing_key(9).public()));
    std::fs::write(file("manifest.json"), manifest.to_bytes()).unwrap();
    let found = verified(&library, 1, Some(&digest));
    assert_eq!(
        (found.signed_by, found.problems),
        (None, vec![Problem::NotSigned])
    );
}

#[tokio::test]
async fn a_whole_recording_put_in_the_place_of_another_is_found() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    for number in [1, 2] {
        begin(&archive, number).await.recorder.seal(end()).await.unwrap();
    }
    let directory = |number| root.path().join("recordings").join(path(number));
    std::fs::remove_dir_all(directory(1)).unwrap();
    std::fs::rename(directory(2), directory(1)).unwrap();
    let found = verified(&archive.library(), 1, None);
    assert_eq!(found.problems, [Problem::OtherSession(session(2))]);
    // By itself it is good, wherever it lies.
    let keys = [signing_key(1).public()];
    let expected = Expected {
        digest: None,
        keys: &keys,
    };
    let found = Verification::of(&directory(1), None, &expected, &Keyring::default()).unwrap();
    assert!(found.is_good() && found.contents == ContentsCheck::NotEncrypted);
}

#[tokio::test]
async fn a_recording_that_was_not_closed_is_not_good() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    assert_eq!(
        verified(&archive.library(), 1, None).problems,
        [Problem::NotSealed]
    );
    recorder.seal(end()).await.unwrap();
    assert!(verified(&archive.library(), 1, None).is_good());
}

#[tokio::test]
async fn another_key_signs_once_it_is_in_force() {
    let root = tempfile::tempdir().unwrap();
    let archive = Archive::open(config(root.path()), sealing()).unwrap();
    let Opened { recorder, .. } = begin(&archive, 1).await;
    archive.sign_with(signing_key(2));
    let sealed = recorder.seal(end()).await.unwrap();
    assert_eq!(sealed.signed_by, Some(signing_key(2).public().id()));
    let again = archive.library().sealed(&path(1)).unwrap().unwrap();
    assert_eq!(
        (again.manifest_digest, again.signed_by),
        (sealed.manifest_digest, sealed.signed_by)
    );
}
