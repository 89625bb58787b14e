//! Large files, and copies that go on where they broke off.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use gatehouse_e2e::{Run, Scene, noise};
use serde_json::Value;

const MIB: u64 = 1024 * 1024;
/// More than 32 bits can count.
const LARGE: u64 = 4096 * MIB + 3 * MIB;
/// What is still to be copied of it, across the border of 32 bits.
const REST: u64 = 4 * MIB;

#[test]
fn sftp_goes_on_with_a_file_of_four_gibibytes_where_it_broke_off() {
    let scene = Scene::new();
    let (here, there) = (scene.alice.folder().join("up"), scene.sshd.files().join("up"));
    sparse(&here, LARGE, true);
    sparse(&there, LARGE - REST, false);
    sftp(&scene, &format!("reput {} {}\n", here.display(), there.display()));
    assert_whole(&there);
    let (there, here) = (scene.sshd.files().join("down"), scene.alice.folder().join("down"));
    sparse(&there, LARGE, true);
    sparse(&here, LARGE - REST, false);
    sftp(&scene, &format!("reget {} {}\n", there.display(), here.display()));
    assert_whole(&here);
    let sessions = scene.all_closed(2);
    for (session, direction) in sessions.iter().zip(["upload", "download"]) {
        let rows = session["transfers"].as_array().unwrap();
        let row = rows.iter().find(|row| row["operation"] == "transfer");
        let row = row.unwrap_or(&Value::Null);
        assert_eq!(
            (&row["direction"], &row["bytes"]),
            (&direction.into(), &REST.into()),
            "{session:#}"
        );
        assert_eq!(row["result"], "ok");
    }
}

#[test]
fn a_copy_that_is_cut_off_says_how_far_it_came() {
    let scene = Scene::new();
    let here = scene.alice.folder().join("here");
    let there = scene.sshd.files().join("there");
    fs::write(&here, noise(4_000_000)).unwrap();
    let target = scene.web01();
    let slow = scene
        .alice
        .copier("scp", &target)
        .args(["-q", "-l", "4000"])
        .arg(&here);
    let slow = slow.arg(scene.alice.remote(&target, &there)).start();
    gatehouse_e2e::wait_for("the beginning of the file", gatehouse_e2e::LIMIT, || {
        fs::metadata(&there).ok().filter(|file| file.len() > 100_000)
    });
    slow.signal(nix::sys::signal::Signal::SIGTERM);
    slow.done();
    let session = scene.all_closed(1).remove(0);
    let row = &session["transfers"][0];
    let (bytes, came) = (
        row["bytes"].as_u64().unwrap(),
        fs::metadata(&there).unwrap().len(),
    );
    assert_ne!(row["result"], "ok", "{session:#}");
    assert!(
        bytes >= came && bytes < 4_000_000,
        "{bytes} in the row, {came} on the disk: {session:#}"
    );
    // And it can be gone on with.
    sftp(&scene, &format!("reput {} {}\n", here.display(), there.display()));
    assert!(fs::read(&there).unwrap() == noise(4_000_000));
}

fn sftp(scene: &Scene, batch: &str) {
    let target = scene.web01();
    let sftp: Run = scene.alice.copier("sftp", &target).args(["-b", "-"]);
    sftp.arg(target.addr.ip().to_string()).stdin(batch).done().ok();
}

/// A file that takes no room but at its end, and there only if it is the whole one.
fn sparse(path: &Path, length: u64, whole: bool) {
    let mut file = File::create(path).unwrap();
    file.set_len(length).unwrap();
    if whole {
        file.seek(SeekFrom::Start(length - REST)).unwrap();
        file.write_all(&noise(usize::try_from(REST).unwrap())).unwrap();
    }
}

fn assert_whole(path: &Path) {
    let mut file = File::open(path).unwrap();
    assert_eq!(file.metadata().unwrap().len(), LARGE);
    file.seek(SeekFrom::Start(LARGE - REST)).unwrap();
    let mut end = Vec::new();
    file.read_to_end(&mut end).unwrap();
    assert!(end == noise(usize::try_from(REST).unwrap()), "{}", path.display());
}
