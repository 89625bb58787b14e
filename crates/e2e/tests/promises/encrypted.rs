//! Recordings that are encrypted at rest: all verbs work with a key, and without one nothing is readable.

use std::fs;
use std::path::Path;

use gatehouse_e2e::{LIMIT, Run, Scene, Setup, asciinema_cat, program, wait_for};
use serde_json::Value;

/// Made with age-keygen, for these tests alone.
const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn encrypting(more: &str) -> String {
    format!("recording.recipients = [\"{RECIPIENT}\"]\n{more}")
}

fn scene(more: &str) -> Scene {
    Scene::with(Setup {
        config: &encrypting(more),
        ..Setup::default()
    })
}

/// A file with the identity.
fn identity(folder: &Path) -> String {
    let path = folder.join("identity.txt");
    fs::write(&path, format!("# a comment\n{IDENTITY}\n")).unwrap();
    path.display().to_string()
}

/// A terminal session that typed and showed these words, which `found` must not find.
fn typed_and_shown(scene: &Scene) -> Value {
    let mut terminal = scene.shell();
    let id = scene.active_session();
    terminal.types("echo shown''word\n");
    terminal.shows("shownword");
    terminal.types("exit\n");
    terminal.ends();
    scene.closed(&id)
}

/// Files below a folder that hold any of these words.
fn files_with(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut grep = Run::new("grep").args(["-rlaE"]).arg(words.join("|"));
    grep = grep.arg(folder);
    grep.done().out().lines().map(str::to_owned).collect()
}

/// What gives a cast away, and what was typed and shown.
const CLEAR: [&str; 5] = [
    "shownword",
    "shown''word",
    "\"width\"",
    "\"o\", ",
    "\"direction\"",
];

#[test]
fn an_encrypted_session_is_watched_played_read_exported_and_verified() {
    let scene = scene("");
    let mut terminal = scene.shell();
    let id = scene.active_session();
    terminal.types("echo before''watching\n");
    terminal.shows("beforewatching");
    let mut watcher = scene.site.cli(&["session", "watch", &id]).start();
    watcher.prints("beforewatching");
    terminal.types("echo shown''word\n");
    terminal.shows("shownword");
    watcher.prints("shownword");
    // Read while it grows, and found nowhere in clear.
    wait_for("the growing transcript", LIMIT, || {
        let text = scene.site.ok(&["session", "text", &id]);
        text.contains("shownword").then_some(())
    });
    let running = scene.site.json(&["session", "show", &id]);
    assert_eq!(
        files_with(&scene.site.recording(&running), &CLEAR),
        Vec::<String>::new()
    );
    terminal.types("exit\n");
    terminal.ends();
    watcher.done().exits(0);

    let session = scene.closed(&id);
    assert_eq!(
        files_with(&scene.site.recording(&session), &CLEAR),
        Vec::<String>::new()
    );
    let played = scene
        .site
        .ok(&["session", "play", &id, "--speed", "100", "--max-idle", "0.01"]);
    assert!(played.contains("shownword"), "{played}");
    assert!(scene.site.ok(&["session", "text", &id]).contains("shownword"));
    let cast = scene.site.folder().join("out.cast");
    scene
        .site
        .ok(&["session", "export", &id, "-o", &cast.display().to_string()]);
    assert!(asciinema_cat(&cast).contains("shownword"));
    let found = scene.site.json(&["session", "verify", &id])[0].clone();
    assert_eq!(
        (&found["ok"], &found["contents"]),
        (&true.into(), &"ok".into()),
        "{found}"
    );
}

#[test]
fn every_kind_of_file_is_encrypted() {
    let scene = scene("recording.binary = \"full\"");
    let secret = "confidential-words-in-a-file";
    scene
        .ssh(&format!(
            "head -c 200000 /dev/urandom; for n in $(seq 2000); do printf '{secret}\\0\\1\\2\\377\\376'; done"
        ))
        .done()
        .exits(0);
    fs::write(scene.alice.folder().join("confidential-name"), secret).unwrap();
    let named = scene.alice.folder().join("confidential-name");
    fs::write(&named, secret).unwrap();
    let copy = scene.alice.copier("scp", &scene.web01()).arg(&named);
    let there = scene.alice.remote(&scene.web01(), &scene.sshd.files());
    copy.arg(there).done().exits(0);
    wait_for("both to be closed", LIMIT, || {
        let sessions = scene.site.list(&["session", "list"]);
        (sessions.len() == 2 && sessions.iter().all(|s| s["state"] == "closed")).then_some(())
    });
    let recordings = scene.site.data_dir().join("recordings");
    let kinds = ["*.cast", "*.bin.zst", "*.chunks.jsonl", "transfers.jsonl"];
    for kind in kinds {
        let there = Run::new("find")
            .arg(&recordings)
            .args(["-name", kind])
            .done()
            .ok();
        assert!(!there.is_empty(), "no {kind}");
        for path in there.lines() {
            assert!(fs::read(path).unwrap().starts_with(b"GHFRAME\x01"), "{path}");
        }
    }
    let clear = [
        "confidential",
        "blake3:",
        "sha256\":\"",
        "\"kept\"",
        "\"operation\"",
    ];
    assert_eq!(files_with(&recordings, &clear), Vec::<String>::new());
    scene.site.ok(&["session", "verify", "--all"]);
}

#[test]
fn with_the_sealed_key_dropped_only_the_identity_reads() {
    let scene = scene("recording.keep_sealed_key = false");
    let session = typed_and_shown(&scene);
    let id = session["id"].as_str().unwrap();
    for verb in ["text", "play", "export"] {
        let told = scene.site.refused(&["session", verb, id]);
        assert!(told.contains(RECIPIENT) && told.contains("--identity"), "{told}");
    }
    let found = scene.site.json(&["session", "verify", id])[0].clone();
    assert_eq!(
        (&found["ok"], &found["contents"]),
        (&true.into(), &"no_key".into()),
        "{found}"
    );
    let key = identity(scene.site.folder());
    let text = scene.site.ok(&["session", "text", id, "--identity", &key]);
    assert!(text.contains("shownword"), "{text}");
    let found = scene.site.json(&["session", "verify", id, "--identity", &key])[0].clone();
    assert_eq!(found["contents"], "ok", "{found}");
    scene
        .site
        .audited("recording.viewed", |e| e["session"] == session["id"]);

    // Whoever has the identity and a copy needs nothing else; and age itself opens the key.
    let away = tempfile::tempdir().unwrap();
    let copy = away.path().join("copy").display().to_string();
    Run::new("cp")
        .arg("-r")
        .arg(scene.site.recording(&session))
        .arg(&copy)
        .done()
        .ok();
    let outside = |words: &[&str]| Run::new("env").arg("-i").arg(program()).args(words).done();
    let told = outside(&["session", "text", "--dir", &copy]).exits(1);
    assert!(
        told.stdout.is_empty() && told.err().contains("--identity"),
        "{told}"
    );
    let text = outside(&["session", "text", "--dir", &copy, "--identity", &key]).ok();
    assert!(text.contains("shownword"), "{text}");
    let cast = outside(&["session", "export", "--dir", &copy, "--identity", &key]).ok();
    assert!(cast.contains("shownword"), "{cast}");
    let manifest: Value = serde_json::from_slice(&scene.site.recorded(&session, "manifest.json")).unwrap();
    let wrapped = manifest["encryption"]["file_key"].as_str().unwrap();
    let opened = Run::new("sh")
        .args(["-c", "base64 -d | age -d -i \"$0\" | wc -c", &key])
        .stdin(wrapped)
        .done()
        .ok();
    assert_eq!(opened.trim(), "32");
    assert_eq!(manifest["user"], "alice", "the manifest itself stays readable");
}

#[test]
fn after_kill_9_an_encrypted_session_is_mended_and_nothing_durable_is_lost() {
    for more in ["", "recording.keep_sealed_key = false"] {
        let mut scene = scene(more);
        let mut terminal = scene.shell();
        terminal.types("echo shown''word\n");
        terminal.shows("shownword");
        let id = scene.active_session();
        let mut busy = scene
            .ssh("while :; do echo 0123456789012345678901234567890123456789; done")
            .start();
        busy.prints("0123456789");
        wait_for("the words in the recording", LIMIT, || {
            let text = scene.site.ok(&["session", "text", &id]);
            text.contains("shownword").then_some(())
        });
        scene.site.take_node().kill();
        terminal.ends();
        drop(busy);
        scene.site.serve();
        let session = scene.closed(&id);
        assert_eq!(session["end_reason"], "service_restart");
        let key = identity(scene.site.folder());
        let text = scene.site.ok(&["session", "text", &id, "--identity", &key]);
        assert!(text.contains("shownword"), "{text}");
        let all = scene
            .site
            .json(&["session", "verify", "--all", "--identity", &key]);
        let good = |one: &Value| one["ok"] == true && one["contents"] == "ok";
        assert!(
            all.as_array().unwrap().len() == 2 && all.as_array().unwrap().iter().all(good),
            "{all}"
        );
        let clear = [&CLEAR[..], &["0123456789012345"]].concat();
        assert_eq!(
            files_with(&scene.site.recording(&session), &clear),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_changed_byte_of_an_encrypted_recording_is_found_and_what_is_good_before_it_is_shown() {
    let scene = scene("");
    let mut terminal = scene.shell();
    for line in 0..50 {
        terminal.types(&format!("echo line''number {line}\n"));
        terminal.shows(&format!("linenumber {line}\r\n"));
    }
    terminal.types("exit\n");
    terminal.ends();
    let session = scene.site.closed_session();
    let id = session["id"].as_str().unwrap();
    let cast = scene.site.recording(&session).join("ssh-0.cast");
    let mut bytes = fs::read(&cast).unwrap();
    let late = bytes.len() * 9 / 10;
    bytes[late] ^= 1;
    fs::write(&cast, bytes).unwrap();
    let told = scene.site.cli(&["session", "verify", id]).done().exits(1);
    assert!(
        told.out().contains("ssh-0.cast was changed") && told.out().contains("cannot be decrypted"),
        "{told}"
    );
    let shown = scene.site.cli(&["session", "text", id]).done().exits(1);
    assert!(
        shown.out().contains("linenumber 0") && !shown.out().contains("linenumber 49"),
        "{shown}"
    );
    assert!(shown.err().contains("damaged"), "{shown}");
}

#[test]
fn plain_and_encrypted_recordings_stand_side_by_side() {
    let mut scene = Scene::new();
    scene.ssh("echo plain once").done().ok();
    let first = scene.site.closed_session();
    scene.site.write_config(&encrypting(""));
    scene.site.take_node().terminate();
    scene.site.serve();
    let second = typed_and_shown(&scene);
    scene.site.write_config("");
    scene.site.take_node().terminate();
    scene.site.serve();
    for (session, words) in [(&first, "plain once"), (&second, "shownword")] {
        let text = scene
            .site
            .ok(&["session", "text", session["id"].as_str().unwrap()]);
        assert!(text.contains(words), "{text}");
    }
    scene.site.ok(&["session", "verify", "--all"]);
}
