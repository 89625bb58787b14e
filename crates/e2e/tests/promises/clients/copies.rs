//! Programs that copy: what arrives is what was sent, and each file leaves a row.

use std::fs;
use std::path::{Path, PathBuf};

use gatehouse_e2e::{LIMIT, Run, Scene, Setup, Sshd, SshdSetup, add_server, noise};
use serde_json::Value;

use super::{at_home, by_address};

/// A tree of folders with files of all kinds of names.
fn tree(below: &Path) -> PathBuf {
    let tree = below.join("tree");
    fs::create_dir_all(tree.join("a/b c")).unwrap();
    fs::create_dir_all(tree.join("empty")).unwrap();
    fs::write(tree.join("one"), noise(100_000)).unwrap();
    fs::write(tree.join("a/nothing"), "").unwrap();
    fs::write(tree.join("a/b c/zwei ü 'und' \"mehr\""), "two").unwrap();
    tree
}

fn assert_equal(one: &Path, other: &Path) {
    Run::new("diff").arg("-r").args([one, other]).done().ok();
}

/// How many files of a session were moved this way.
fn moved(session: &Value, direction: &str) -> usize {
    let rows = session["transfers"].as_array().unwrap().iter();
    rows.filter(|row| {
        row["direction"] == direction && row["operation"] == "transfer" && row["result"] == "ok"
    })
    .count()
}

#[test]
fn scp_copies_trees_there_and_back_by_both_protocols() {
    let scene = Scene::new();
    let target = scene.web01();
    let tree = tree(scene.alice.folder());
    for protocol in ["-s", "-O"] {
        let there = scene.sshd.files().join(format!("there{protocol}"));
        let back = scene.alice.folder().join(format!("back{protocol}"));
        let scp = || {
            scene
                .alice
                .copier("scp", &target)
                .args([protocol, "-q", "-r", "-p"])
        };
        let remote = scene.alice.remote(&target, &there);
        scp().arg(&tree).arg(&remote).done().ok();
        scp().arg(&remote).arg(&back).done().ok();
        assert_equal(&tree, &there);
        assert_equal(&tree, &back);
    }
    for (session, direction) in scene
        .all_closed(4)
        .iter()
        .zip(["upload", "download", "upload", "download"])
    {
        assert_eq!(moved(session, direction), 3, "{session:#}");
        assert_eq!(session["end_reason"], "normal");
    }
}

#[test]
fn scp_copies_from_one_server_to_another_through_the_person() {
    let mut second = None;
    let scene = Scene::prepared(Setup::default(), |site, alice, _| {
        let setup = SshdSetup {
            authorized: vec![alice.public_key()],
            lines: Vec::new(),
        };
        let sshd = Sshd::start(site.net.server(2), setup);
        add_server(site, "web02", &sshd, 2);
        site.ok(&["policy", "grant", "--user", "alice", "--server", "web02"]);
        second = Some(sshd);
    });
    let second = second.unwrap();
    let tree = tree(&scene.sshd.files());
    let (from, to) = (scene.web01(), scene.at_proxy(2));
    for protocol in ["-s", "-O"] {
        let copy = second.files().join(format!("copy{protocol}"));
        let place = |target: &gatehouse_e2e::Target, path: &Path| {
            format!("scp://{}@{}/{}", target.login, target.addr, path.display())
        };
        let scp = Run::new("scp")
            .args(["-A", "-3", "-q", "-r", protocol, "-F"])
            .arg(scene.alice.config());
        scp.arg(place(&from, &tree)).arg(place(&to, &copy)).done().ok();
        assert_equal(&tree, &copy);
    }
    let sessions = scene.all_closed(4);
    let of = |server: &str, direction| {
        let sessions = sessions.iter().filter(|s| s["server"] == server);
        sessions
            .map(|session| moved(session, direction))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (of("web01", "download"), of("web02", "upload")),
        (vec![3, 3], vec![3, 3]),
        "{sessions:#?}"
    );
}

#[test]
fn thousands_of_small_files_leave_a_row_each() {
    const FILES: usize = 2_500;
    let scene = Scene::new();
    let (many, there) = (scene.alice.folder().join("many"), scene.sshd.files().join("many"));
    fs::create_dir(&many).unwrap();
    for number in 0..FILES {
        fs::write(many.join(number.to_string()), number.to_string()).unwrap();
    }
    let target = scene.web01();
    // The old protocol waits for no answers between small files, and so is the fastest.
    let scp = scene
        .alice
        .copier("scp", &target)
        .args(["-O", "-q", "-r"])
        .arg(&many);
    scp.arg(scene.alice.remote(&target, &there))
        .within(LIMIT * 4)
        .done()
        .ok();
    assert_equal(&many, &there);
    let session = scene.all_closed(1).remove(0);
    assert_eq!(moved(&session, "upload"), FILES);
    let log = String::from_utf8(scene.site.recorded(&session, "transfers.jsonl")).unwrap();
    assert!(log.lines().count() >= FILES);
}

#[test]
fn sftp_moves_trees_in_a_batch() {
    let scene = Scene::new();
    let tree = tree(scene.alice.folder());
    let (there, back) = (
        scene.sshd.files().join("there"),
        scene.alice.folder().join("back"),
    );
    fs::create_dir(&there).unwrap();
    let batch = format!(
        "put -rp {tree} {there}/\nls -la {there}\ndf {there}\nchmod 600 {there}/tree/one\n\
         ln -s one {there}/tree/link\nget -rp {there}/tree {back}\nrm {there}/tree/link\n-rm {there}/none\n",
        tree = tree.display(),
        there = there.display(),
        back = back.display()
    );
    let target = scene.web01();
    let sftp = scene
        .alice
        .copier("sftp", &target)
        .args(["-b", "-", "-R", "64", "-B", "100000"]);
    sftp.arg(target.addr.ip().to_string()).stdin(batch).done().ok();
    assert_equal(&tree, &there.join("tree"));
    let session = scene.all_closed(1).remove(0);
    assert_eq!(
        (moved(&session, "upload"), moved(&session, "download")),
        (3, 3),
        "{session:#}"
    );
    let row = |operation: &str, result: &str| {
        let rows = session["transfers"].as_array().unwrap();
        rows.iter()
            .any(|row| row["operation"] == operation && row["result"] == result)
    };
    assert!(
        row("symlink", "ok") && row("setstat", "ok") && row("remove", "ok") && row("remove", "no such file"),
        "{session:#}"
    );
}

#[test]
fn rsync_sends_only_what_differs_both_ways() {
    let scene = Scene::new();
    let target = scene.web01();
    let (here, there) = (scene.alice.folder().join("disk"), scene.sshd.files().join("disk"));
    let mut bytes = noise(3_000_000);
    fs::write(&here, &bytes).unwrap();
    let rsync = |from: String, to: String| {
        let run = Run::new("rsync").args(["-a", "--no-whole-file", "--ignore-times", "--stats", "-e"]);
        let out = run
            .arg(scene.alice.shell_words(&target))
            .args([from, to])
            .done()
            .ok();
        let line = out.lines().find_map(|line| line.strip_prefix("Literal data: "));
        let digits: String = line.unwrap().chars().filter(char::is_ascii_digit).collect();
        digits.parse::<usize>().unwrap()
    };
    let (local, remote) = (here.display().to_string(), scene.alice.remote(&target, &there));
    assert_eq!(rsync(local.clone(), remote.clone()), bytes.len());
    bytes[1_500_000..1_500_021].copy_from_slice(b"changed in its centre");
    fs::write(&here, &bytes).unwrap();
    assert!(rsync(local.clone(), remote.clone()) < 10_000);
    assert!(fs::read(&there).unwrap() == bytes);
    bytes.extend_from_slice(b"and longer at the end");
    fs::write(&there, &bytes).unwrap();
    assert!(rsync(remote, local) < 10_000);
    assert!(fs::read(&here).unwrap() == bytes);
    let sessions = scene.all_closed(3);
    // Binary: kept as digests and a beginning, whose bytes add up to what passed.
    assert!(sessions[0]["bytes_in"].as_u64().unwrap() > 3_000_000);
    assert!(
        sessions[1]["bytes_in"].as_u64().unwrap() < 100_000,
        "{sessions:#?}"
    );
}

#[test]
fn curl_speaks_sftp_and_scp() {
    let scene = by_address();
    let target = scene.web01();
    let (here, back) = (
        scene.alice.folder().join("here"),
        scene.alice.folder().join("back"),
    );
    fs::write(&here, noise(300_000)).unwrap();
    for scheme in ["sftp", "scp"] {
        let there = scene.sshd.files().join(scheme);
        let url = format!("{scheme}://{}{}", target.addr, there.display());
        let curl = || {
            let curl =
                at_home(&scene, "curl").args(["-sS", "--insecure", "-u", &format!("{}:", target.login)]);
            curl.arg("--interface").arg(scene.site.net.person(1).to_string())
        };
        curl().arg("-T").arg(&here).arg(&url).done().ok();
        curl().arg("-o").arg(&back).arg(&url).done().ok();
        assert!(fs::read(&back).unwrap() == noise(300_000), "{scheme}");
    }
    let sessions = scene.all_closed(4);
    let shown = |number: usize| {
        let row = &sessions[number]["transfers"][0];
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        (text("direction"), text("result"), row["bytes"].as_u64().unwrap())
    };
    let (up, down) = ("upload".to_owned(), "download".to_owned());
    assert_eq!(shown(0), (up.clone(), "ok".to_owned(), 300_000));
    assert_eq!(shown(1), (down.clone(), "ok".to_owned(), 300_000));
    // This library neither waits for the server to confirm nor confirms.
    assert_eq!(shown(2), (up, "unconfirmed".to_owned(), 300_000));
    assert_eq!(shown(3), (down, "unconfirmed".to_owned(), 300_000));
}

#[test]
fn lftp_mirrors_a_tree_there_and_back() {
    let scene = by_address();
    let target = scene.web01();
    let tree = tree(scene.alice.folder());
    let (there, back) = (
        scene.sshd.files().join("mirror"),
        scene.alice.folder().join("mirrored"),
    );
    let script = format!(
        "set sftp:connect-program 'ssh -a -x -F {config}'; set cmd:fail-exit yes; \
         open sftp://{login}:@{addr}; mirror -R -P 4 {tree} {there}; mirror -P 4 {there} {back}; bye",
        config = scene.alice.config().display(),
        login = target.login,
        addr = target.addr,
        tree = tree.display(),
        there = there.display(),
        back = back.display()
    );
    at_home(&scene, "lftp").args(["-c", &script]).done().ok();
    assert_equal(&tree, &there);
    assert_equal(&tree, &back);
}
