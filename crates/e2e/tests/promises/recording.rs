//! What a session leaves behind: everything that was shown, and no secret that was typed.

use std::fs;

use gatehouse_e2e::{LIMIT, Run, Scene, Setup, Terminal, asciinema_cat, wait_for};
use serde_json::Value;

#[test]
fn a_terminal_session_can_be_played_by_asciinema() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("echo played''back\n");
    terminal.shows("playedback");
    terminal.types("exit\n");
    terminal.ends();
    let session = scene.site.closed_session();
    let cast = scene.site.recording(&session).join("ssh-0.cast");
    let shown = asciinema_cat(&cast);
    assert!(shown.contains("playedback"), "{shown}");
    let header: Value =
        serde_json::from_str(fs::read_to_string(&cast).unwrap().lines().next().unwrap()).unwrap();
    assert!(header["version"] == 2 || header["version"] == 3, "{header}");
}

#[test]
fn a_growing_recording_can_be_played_already() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("echo half''way\n");
    terminal.shows("halfway");
    let id = scene.active_session();
    let session = scene.site.json(&["session", "show", &id]);
    let cast = scene.site.recording(&session).join("ssh-0.cast");
    wait_for("the event in the growing file", LIMIT, || {
        asciinema_cat(&cast).contains("halfway").then_some(())
    });
}

#[test]
fn a_terminal_that_shows_no_text_is_recorded_in_full() {
    let scene = Scene::new();
    let file = scene.sshd.files().join("noise");
    // NUL, ISO-8859-2, and a megabyte of anything.
    let mut bytes = b"\0\0nul\0 za\xbf\xf3\xb3\xe6 \xff\xfe".to_vec();
    let mut state = 1_u32;
    bytes.extend(
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(1_000_000),
    );
    fs::write(&file, &bytes).unwrap();
    let mut words = scene.alice.ssh_words(&scene.web01(), &["-tt"]);
    words.push(format!("stty raw; cat {}; echo end-of-noise", file.display()));
    let mut terminal = Terminal::start(
        "sh",
        &[
            "-c".to_owned(),
            format!("ssh {} >{}/out", quoted(&words), scene.alice.folder().display()),
        ],
    );
    terminal.ends();
    let session = scene.site.closed_session();
    let out = fs::read(scene.alice.folder().join("out")).unwrap();
    assert!(
        out.windows(bytes.len()).any(|window| window == bytes),
        "the noise did not come through"
    );
    assert_eq!(session["bytes_out"].as_u64().unwrap(), out.len() as u64);
    let text = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).expect("a cast is UTF-8");
    assert!(text.contains("end-of-noise") && text.contains("nul"));
    assert!(
        shown_bytes(&text) == out,
        "the exact bytes can be had from the cast"
    );
    scene
        .site
        .ok(&["session", "verify", session["id"].as_str().unwrap()]);
}

#[test]
fn text_without_a_terminal_is_recorded_and_binary_as_its_digest() {
    let scene = Scene::new();
    scene.ssh("echo plain command output").done().ok();
    let session = scene.site.closed_session();
    let cast = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).unwrap();
    assert!(cast.contains("plain command output"), "{cast}");
    scene.ssh("head -c 20000000 /dev/urandom").done().exits(0);
    let session = scene.site.session("the binary one", |s| {
        s["state"] == "closed" && s["bytes_out"].as_u64().is_some_and(|bytes| bytes >= 20_000_000)
    });
    let size: u64 = session["recording"]["size"].as_u64().unwrap();
    assert!(size < 5_000_000, "20 MB of noise became {size} bytes: {session}");
    let chunks = String::from_utf8(scene.site.recorded(&session, "ssh-0.chunks.jsonl")).unwrap();
    assert!(chunks.lines().count() > 0);
}

#[test]
fn binary_is_kept_in_full_or_refused_where_the_grant_says_so() {
    let full = Scene::with(Setup {
        grant: Some(&["--record-binary", "full"]),
        ..Setup::default()
    });
    full.ssh("head -c 3000000 /dev/urandom").done().exits(0);
    let session = full.site.closed_session();
    let size: u64 = session["recording"]["size"].as_u64().unwrap();
    assert!(size > 2_900_000, "{session}");
    let refuse = Scene::with(Setup {
        grant: Some(&["--record-binary", "refuse"]),
        ..Setup::default()
    });
    let done = refuse.ssh("head -c 3000000 /dev/urandom").done();
    assert_ne!(done.code, Some(0), "{done}");
    assert!(done.stdout.len() < 3_000_000);
}

#[test]
fn a_password_typed_where_nothing_is_echoed_is_not_kept() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("stty -echo; printf 'Pass''word: '; read secret; stty echo; echo got it\n");
    terminal.shows("Password: ");
    terminal.types("correct-horse-battery\n");
    terminal.shows("got it");
    terminal.types("echo visible''word\n");
    terminal.shows("visibleword");
    terminal.types("exit\n");
    terminal.ends();
    let session = scene.site.closed_session();
    for file in fs::read_dir(scene.site.recording(&session)).unwrap().flatten() {
        let bytes = fs::read(file.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(
            !text.contains("correct-horse"),
            "{}: {text}",
            file.path().display()
        );
    }
    let cast = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).unwrap();
    assert!(cast.contains("visible"), "{cast}");
}

#[test]
fn everything_typed_is_kept_where_the_grant_says_so() {
    let scene = Scene::with(Setup {
        grant: Some(&["--record-input", "all"]),
        ..Setup::default()
    });
    let mut terminal = scene.shell();
    terminal.types("stty -echo; printf 'Pass''word: '; read secret; stty echo; exit\n");
    terminal.shows("Password: ");
    terminal.types("kept-by-rule\n");
    terminal.ends();
    let session = scene.site.closed_session();
    let cast = String::from_utf8(scene.site.recorded(&session, "ssh-0.cast")).unwrap();
    let typed: String = cast
        .lines()
        .skip(1)
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event[1] == "i")
        .filter_map(|event| event[2].as_str().map(str::to_owned))
        .collect();
    assert!(typed.contains("kept-by-rule"), "{cast}");
}

#[test]
fn a_changed_recording_is_found() {
    let scene = Scene::new();
    scene.ssh("echo evidence").done().ok();
    let session = scene.site.closed_session();
    let id = session["id"].as_str().unwrap();
    scene.site.ok(&["session", "verify", id]);
    let cast = scene.site.recording(&session).join("ssh-0.cast");
    let text = fs::read_to_string(&cast).unwrap().replace("evidence", "innocent");
    fs::write(&cast, text).unwrap();
    let done = scene.site.cli(&["session", "verify", id]).done().exits(1);
    assert!(
        format!("{}{}", done.out(), done.err()).contains("ssh-0.cast"),
        "{done}"
    );
}

#[test]
fn a_manifest_lists_every_file_with_size_and_digest() {
    let scene = Scene::new();
    scene.ssh("echo listed").done().ok();
    let session = scene.site.closed_session();
    let manifest = String::from_utf8(scene.site.recorded(&session, "manifest.json")).unwrap();
    for file in session["recording"]["files"].as_array().unwrap() {
        let name = file.as_str().unwrap();
        assert!(manifest.contains(name), "{manifest}");
        let path = scene.site.recording(&session).join(name);
        let digest = Run::new("sha256sum").arg(&path).done().ok();
        assert!(
            manifest.contains(digest.split(' ').next().unwrap()),
            "{name}: {manifest}"
        );
        assert!(
            manifest.contains(&fs::metadata(&path).unwrap().len().to_string()),
            "{name}: {manifest}"
        );
    }
}

/// The output of a cast, exactly: an event `b` holds in base64 what the event after it shows.
fn shown_bytes(cast: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut exact = None;
    for line in cast.lines().skip(1) {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = event[2].as_str().unwrap();
        match event[1].as_str().unwrap() {
            "b" => exact = Some(Run::new("base64").arg("-d").stdin(text).done().stdout),
            "o" => bytes.extend(exact.take().unwrap_or_else(|| text.as_bytes().to_vec())),
            _ => {}
        }
    }
    bytes
}

fn quoted(words: &[String]) -> String {
    words
        .iter()
        .map(|word| format!("'{word}'"))
        .collect::<Vec<_>>()
        .join(" ")
}
