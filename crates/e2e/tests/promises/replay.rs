//! `session list|show|play|text|export|watch`: what a supervisor sees.

use gatehouse_e2e::{LIMIT, Scene, asciinema_cat, wait_for};
use serde_json::Value;

#[test]
fn a_session_is_listed_shown_and_found_by_a_prefix_of_its_id() {
    let scene = Scene::new();
    scene.ssh("echo one").done().ok();
    let session = scene.site.closed_session();
    let id = session["id"].as_str().unwrap();
    let site = &scene.site;
    assert_eq!(site.list(&["session", "list", "--user", "alice"]).len(), 1);
    assert_eq!(
        site.list(&["session", "list", "--server", "web01", "--protocol", "ssh"])
            .len(),
        1
    );
    assert_eq!(site.list(&["session", "list", "--active"]).len(), 0);
    assert_eq!(
        site.list(&["session", "list", "--since", "2099-01-01 00:00"])
            .len(),
        0
    );
    assert_eq!(site.json(&["session", "show", &id[..id.len() - 4]])["id"], id);
    let table = site.ok(&["session", "list"]);
    assert!(table.contains("alice") && table.contains("web01"), "{table}");
    assert!(
        !table.contains('\u{1b}'),
        "no colour where there is no terminal: {table}"
    );
    let sentence = site.refused(&["session", "show", "ffffffff"]);
    assert!(sentence.contains("ffffffff"), "{sentence}");
}

#[test]
fn the_text_of_a_session_is_what_the_person_saw() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("printf 'wrong\\rright\\n'; printf '\\033[31mred\\033[0m \\033]0;title\\007words\\n'\n");
    terminal.shows("words");
    for line in 0..60 {
        terminal.types(&format!("echo row-{line}\n"));
    }
    terminal.shows("row-59\r\n");
    terminal.types("exit\n");
    terminal.ends();
    let session = scene.site.closed_session();
    let text = scene
        .site
        .ok(&["session", "text", session["id"].as_str().unwrap()]);
    assert!(text.contains("\nright\n"), "{text}");
    assert!(text.contains("red words"), "{text}");
    assert!(text.contains("\nrow-0\n"), "scroll-back is kept: {text}");
    assert!(!text.contains('\u{1b}') && !text.contains("title\u{7}"), "{text}");
    scene
        .site
        .audited("recording.viewed", |e| e["session"] == session["id"]);
}

#[test]
fn playing_shows_the_session_and_nothing_that_drives_the_viewers_terminal() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("printf '\\033]52;c;aGFjaw==\\007\\033[c\\033P$q\\033\\\\ shown''text\\n'\n");
    terminal.shows("showntext");
    terminal.types("exit\n");
    terminal.ends();
    let session = scene.site.closed_session();
    let id = session["id"].as_str().unwrap();
    let played = scene
        .site
        .ok(&["session", "play", id, "--speed", "50", "--max-idle", "0.1"]);
    assert!(played.contains("showntext"), "{played}");
    for dangerous in ["\u{1b}]", "\u{1b}P", "\u{1b}[c"] {
        assert!(
            !played.contains(dangerous),
            "{dangerous:?} reached the viewer: {played:?}"
        );
    }
}

#[test]
fn sessions_are_exported_in_every_format_and_the_export_is_audited() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    terminal.types("echo ex''ported\n");
    terminal.shows("exported");
    terminal.types("exit\n");
    terminal.ends();
    let session = scene.site.closed_session();
    let id = session["id"].as_str().unwrap();
    let file = |name: &str| scene.site.folder().join(name);
    for format in ["cast", "txt", "json"] {
        let path = file(format);
        scene.site.ok(&[
            "session",
            "export",
            id,
            "--format",
            format,
            "-o",
            &path.display().to_string(),
        ]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("exported"), "{format}: {text}");
    }
    let shown = asciinema_cat(&file("cast"));
    assert!(shown.contains("exported"), "{shown}");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(file("json")).unwrap()).unwrap();
    assert!(json.to_string().contains(id), "{json}");
    let piped = scene.site.ok(&["session", "export", id, "--format", "txt"]);
    assert!(piped.contains("exported"), "{piped}");
    scene.site.audited("recording.exported", |e| e["session"] == id);
}

#[test]
fn a_running_session_is_watched_live_by_several_until_it_ends() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    let id = scene.active_session();
    let watch = || scene.site.cli(&["session", "watch", &id]).start();
    let (mut first, mut second) = (watch(), watch());
    wait_for("both to be audited", LIMIT, || {
        (scene
            .site
            .list(&["audit", "list", "--action", "session.watched"])
            .len()
            == 2)
            .then_some(())
    });
    terminal.types("echo seen''live\n");
    terminal.shows("seenlive");
    first.prints("seenlive");
    second.prints("seenlive");
    terminal.types("exit\n");
    terminal.ends();
    first.done().exits(0);
    second.done().exits(0);
}

#[test]
fn a_watcher_who_goes_away_does_not_disturb_the_session() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    let id = scene.active_session();
    let watcher = scene.site.cli(&["session", "watch", &id]).start();
    wait_for("the watcher to be audited", LIMIT, || {
        (!scene
            .site
            .list(&["audit", "list", "--action", "session.watched"])
            .is_empty())
        .then_some(())
    });
    drop(watcher);
    terminal.types("echo un''disturbed\n");
    terminal.shows("undisturbed");
}

#[test]
fn jw_lists_who_is_connected_now() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    scene.active_session();
    let now = scene.site.ok(&["jw"]);
    assert!(now.contains("alice") && now.contains("web01"), "{now}");
    terminal.types("exit\n");
    terminal.ends();
    scene.site.closed_session();
    assert!(!scene.site.ok(&["jw"]).contains("web01"));
}
