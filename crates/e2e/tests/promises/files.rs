//! File transfers by every tool people use, and the row that each leaves behind.

use std::fs;
use std::path::Path;

use gatehouse_e2e::{LIMIT, Run, Scene, noise, wait_for};
use serde_json::Value;

#[test]
fn sftp_moves_files_both_ways_and_each_leaves_a_row() {
    let scene = Scene::new();
    let local = scene.alice.folder().join("local.bin");
    let back = scene.alice.folder().join("back.bin");
    let remote = scene.sshd.files().join("remote.bin");
    fs::write(&local, noise(700_000)).unwrap();
    let batch = format!(
        "put {l} {r}\nget {r} {b}\nmkdir {d}\nrename {r} {d}/moved\nrm {d}/moved\nrmdir {d}\n",
        l = local.display(),
        r = remote.display(),
        b = back.display(),
        d = scene.sshd.files().join("folder").display()
    );
    let target = scene.web01();
    let sftp = scene
        .alice
        .copier("sftp", &target)
        .args(["-b", "-"])
        .arg(target.addr.ip().to_string());
    sftp.stdin(batch).done().ok();
    assert!(
        fs::read(&back).unwrap() == noise(700_000),
        "the file came back changed"
    );
    let session = scene.site.closed_session();
    assert_eq!(session["subsystem"], "sftp");
    assert_transferred(&session, "upload", &remote, 700_000);
    assert_transferred(&session, "download", &remote, 700_000);
    let log = String::from_utf8(scene.site.recorded(&session, "transfers.jsonl")).unwrap();
    for change in ["mkdir", "rename", "remove", "rmdir"] {
        assert!(log.contains(change), "no {change} in {log}");
    }
    assert_no_cast_holds(&scene, &session, "remote.bin");
}

#[test]
fn a_transfer_that_the_server_refuses_is_a_row_with_its_result() {
    let scene = Scene::new();
    let target = scene.web01();
    let local = scene.alice.folder().join("local");
    fs::write(&local, "never there").unwrap();
    let sftp = scene
        .alice
        .copier("sftp", &target)
        .args(["-b", "-"])
        .arg(target.addr.ip().to_string());
    let done = sftp
        .stdin(format!("put {} /no/such/folder/file\n", local.display()))
        .done();
    assert_ne!(done.code, Some(0), "{done}");
    let session = scene.site.closed_session();
    let rows = session["transfers"].as_array().unwrap();
    let refused = rows.iter().find(|row| row["path"] == "/no/such/folder/file");
    let refused = refused.unwrap_or_else(|| panic!("no row: {session}"));
    assert_ne!(refused["result"], "ok", "{refused}");
}

#[test]
fn scp_by_both_protocols_moves_files_and_leaves_rows() {
    let scene = Scene::new();
    let local = scene.alice.folder().join("report.bin");
    fs::write(&local, noise(300_000)).unwrap();
    for (number, protocol) in ["-s", "-O"].iter().enumerate() {
        let remote = scene.sshd.files().join(format!("up-{number}"));
        let back = scene.alice.folder().join(format!("back-{number}"));
        let target = scene.web01();
        let up = scene
            .alice
            .copier("scp", &target)
            .args([protocol, "-q"])
            .arg(&local);
        up.arg(scene.alice.remote(&target, &remote)).done().ok();
        assert!(fs::read(&remote).unwrap() == noise(300_000), "{protocol}");
        let down = scene.alice.copier("scp", &target).args([protocol, "-q"]);
        down.arg(scene.alice.remote(&target, &remote))
            .arg(&back)
            .done()
            .ok();
        assert!(fs::read(&back).unwrap() == noise(300_000), "{protocol}");
        for direction in ["upload", "download"] {
            wait_for(
                &format!("a row of the {direction} by scp {protocol}"),
                LIMIT,
                || {
                    let sessions = scene.site.list(&["session", "list"]);
                    let shown = sessions
                        .iter()
                        .map(|s| scene.site.json(&["session", "show", s["id"].as_str().unwrap()]));
                    shown
                        .into_iter()
                        .any(|s| is_transferred(&s, direction, &remote, 300_000))
                        .then_some(())
                },
            );
        }
    }
}

#[test]
fn scp_copies_folders() {
    let scene = Scene::new();
    let folder = scene.alice.folder().join("tree");
    fs::create_dir_all(folder.join("a/b")).unwrap();
    fs::write(folder.join("a/one"), "1").unwrap();
    fs::write(folder.join("a/b/two words"), "22").unwrap();
    for protocol in ["-s", "-O"] {
        let remote = scene.sshd.files().join(format!("tree{protocol}"));
        let target = scene.web01();
        let up = scene
            .alice
            .copier("scp", &target)
            .args([protocol, "-q", "-r"])
            .arg(&folder);
        up.arg(scene.alice.remote(&target, &remote)).done().ok();
        assert_eq!(
            fs::read_to_string(remote.join("a/b/two words")).unwrap(),
            "22",
            "{protocol}"
        );
    }
}

#[test]
fn a_shell_dressed_as_scp_is_recorded() {
    let scene = Scene::new();
    scene
        .ssh("scp -t /tmp >/dev/null 2>&1 </dev/null; echo a disguised shell")
        .done()
        .exits(0);
    let session = scene.site.closed_session();
    let cast = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).unwrap();
    assert!(cast.contains("a disguised shell"), "{cast}");
}

#[test]
fn rsync_pushes_and_pulls() {
    let scene = Scene::new();
    let folder = scene.alice.folder().join("tree");
    fs::create_dir_all(&folder).unwrap();
    for number in 0..20 {
        fs::write(folder.join(format!("file-{number}")), noise(10_000 + number)).unwrap();
    }
    let target = scene.web01();
    let remote = scene.sshd.files().join("mirror");
    let rsync = || Run::new("rsync").args(["-a", "-e", &scene.alice.shell_words(&target)]);
    let there = format!("{}/", scene.alice.remote(&target, &remote));
    rsync()
        .arg(format!("{}/", folder.display()))
        .arg(&there)
        .done()
        .ok();
    fs::write(folder.join("file-3"), noise(10_500)).unwrap();
    rsync()
        .arg(format!("{}/", folder.display()))
        .arg(&there)
        .done()
        .ok();
    let back = scene.alice.folder().join("back");
    rsync()
        .arg(&there)
        .arg(format!("{}/", back.display()))
        .done()
        .ok();
    Run::new("diff").args(["-r"]).args([&folder, &back]).done().ok();
}

#[test]
fn git_clones_and_pushes() {
    let scene = Scene::new();
    let bare = scene.sshd.files().join("project.git");
    Run::new("git")
        .args(["init", "-q", "--bare", "-b", "trunk"])
        .arg(&bare)
        .done()
        .ok();
    let target = scene.web01();
    let clone = scene.alice.folder().join("clone");
    let url = format!("ssh://{}@{}{}", target.login, target.addr, bare.display());
    let git = |folder: &Path| {
        let shell = format!("ssh -F {}", scene.alice.config().display());
        let git = Run::new("git")
            .env("GIT_SSH_COMMAND", shell)
            .arg("-C")
            .arg(folder);
        git.args(["-c", "user.name=Alice", "-c", "user.email=alice@example.org"])
    };
    git(scene.alice.folder())
        .args(["clone", "-q", &url])
        .arg(&clone)
        .done()
        .exits(0);
    fs::write(clone.join("README"), "hello\n").unwrap();
    git(&clone)
        .args(["checkout", "-q", "-B", "trunk"])
        .done()
        .exits(0);
    git(&clone).args(["add", "README"]).done().exits(0);
    git(&clone).args(["commit", "-q", "-m", "first"]).done().exits(0);
    git(&clone)
        .args(["push", "-q", "origin", "trunk"])
        .done()
        .exits(0);
    let log = Run::new("git")
        .arg("-c")
        .arg(format!("safe.directory={}", bare.display()))
        .arg("--git-dir")
        .arg(&bare);
    assert_eq!(
        log.args(["log", "--format=%s", "trunk"]).done().ok().trim(),
        "first"
    );
}

fn assert_transferred(session: &Value, direction: &str, path: &Path, bytes: u64) {
    assert!(
        is_transferred(session, direction, path, bytes),
        "no {direction} of {}: {session:#}",
        path.display()
    );
}

fn is_transferred(session: &Value, direction: &str, path: &Path, bytes: u64) -> bool {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    session["transfers"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|transfer| {
            transfer["direction"] == direction
                && transfer["path"].as_str().is_some_and(|path| path.contains(&name))
                && transfer["bytes"] == bytes
                && transfer["result"] == "ok"
        })
}

/// A transfer is kept as rows, never as text.
fn assert_no_cast_holds(scene: &Scene, session: &Value, text: &str) {
    for file in fs::read_dir(scene.site.recording(session)).unwrap().flatten() {
        if file
            .path()
            .extension()
            .is_some_and(|extension| extension == "cast")
        {
            let cast = fs::read_to_string(file.path()).unwrap();
            assert!(!cast.contains(text), "{}: {cast}", file.path().display());
        }
    }
}
