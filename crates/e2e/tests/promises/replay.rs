//! `session list|show|play|text|export|watch`: what a supervisor sees.

use gatehouse_e2e::{LIMIT, Scene, asciinema_cat, wait_for};
use nix::sys::signal::Signal;
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
    // Each is typed when the one before is over, so that no echo stands between the output.
    terminal.types(
        "printf 'wrong\\rright\\n'; printf '\\033[31mred\\033[0m \\033]0;title\\007words\\n'; echo 'first'done\n",
    );
    terminal.shows("firstdone");
    terminal.types("n=0; while [ $n -lt 60 ]; do echo row-$n; n=$((n+1)); done; echo 'rows'done\n");
    terminal.shows("rowsdone");
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
fn a_flood_is_passed_over_and_the_view_stays_live() {
    let scene = Scene::new();
    let mut flood = scene
        .ssh("read go; yes all work and no play | head -c 40000000; echo the end; read go")
        .waiting_stdin()
        .start();
    let id = scene.active_session();
    let mut watcher = scene.site.cli(&["session", "watch", &id]).start();
    wait_for("the watcher to be audited", LIMIT, || {
        (!scene
            .site
            .list(&["audit", "list", "--action", "session.watched"])
            .is_empty())
        .then_some(())
    });
    // Held still, the watcher falls behind however slow the machine is.
    watcher.signal(Signal::SIGSTOP);
    flood.types("go\n");
    flood.prints("the end");
    watcher.signal(Signal::SIGCONT);
    watcher.prints("the end");
    let seen = watcher.stdout_so_far();
    assert!(seen.contains("too much to be shown live"), "{} bytes", seen.len());
    assert!(seen.len() < 20_000_000, "{} bytes", seen.len());
    flood.types("go\n");
    flood.done().exits(0);
    watcher.done().exits(0);
    let session = scene.closed(&id);
    let all = scene.site.recorded(&session, "ssh-0.cast").len();
    assert!(all > 40_000_000, "the recording has it all: {all}");
}

#[test]
fn one_who_comes_late_sees_what_was_and_what_comes_each_line_once() {
    let scene = Scene::new();
    let mut terminal = scene.shell();
    for line in 0..40 {
        terminal.types(&format!("echo be''fore-{line}\n"));
    }
    terminal.shows("before-39\r\n");
    let id = scene.active_session();
    let mut early = scene.site.cli(&["session", "watch", &id]).start();
    early.prints("before-39");
    let mut late = scene.site.cli(&["session", "watch", &id]).start();
    for line in 0..40 {
        terminal.types(&format!("echo af''ter-{line}\n"));
    }
    terminal.shows("after-39\r\n");
    for watcher in [&mut early, &mut late] {
        watcher.prints("after-39");
        let seen = watcher.stdout_so_far();
        for line in 0..40 {
            for word in [format!("before-{line}\r"), format!("after-{line}\r")] {
                assert_eq!(seen.matches(&word).count(), 1, "{word:?}: {seen}");
            }
        }
    }
    terminal.types("exit\n");
    terminal.ends();
    early.done().exits(0);
    late.done().exits(0);
}

#[test]
fn jw_lists_who_is_connected_now_and_what_they_do() {
    let scene = Scene::new();
    let link = scene.site.folder().join("jw");
    std::os::unix::fs::symlink(gatehouse_e2e::program(), &link).unwrap();
    let jw = |option: &str| {
        let config = scene.site.config();
        let run = gatehouse_e2e::Run::new(&link).arg("--config").arg(config);
        let option = Some(option).filter(|option| !option.is_empty());
        run.args(option).done().ok()
    };
    assert!(jw("").contains("nobody is connected"));
    let mut terminal = scene.shell();
    terminal.types("echo ty''ped\n");
    terminal.shows("typed");
    let mut command = scene.ssh("sleep 599; : \x1b[2J").start();
    let row = |what: &str| {
        wait_for(&format!("jw to show {what}"), LIMIT, || {
            let rows: Value = serde_json::from_str(&jw("--json")).unwrap();
            let shows = |row: &&Value| row["what"].as_str().is_some_and(|shown| shown.contains(what));
            rows.as_array()?.iter().find(shows).cloned()
        })
    };
    let sleeping = row("sleep 599");
    assert!(sleeping["typed_at"].is_null(), "nothing was typed: {sleeping}");
    wait_for("jw to know of what was typed", LIMIT, || {
        row("exec sh")["typed_at"].is_string().then_some(())
    });
    let now = jw("");
    let header: Vec<_> = now.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        header,
        ["USER", "LINE", "FROM", "ON", "SINCE", "IDLE", "ENDS", "WHAT"],
        "{now}"
    );
    let line = now.lines().find(|line| line.contains("sleep 599")).unwrap();
    let on = format!("{}@web01", scene.sshd.login());
    assert!(
        line.starts_with("alice") && line.contains(&on) && line.contains("never"),
        "{now}"
    );
    assert!(now.contains("2 sessions, 1 person, 1 server"), "{now}");
    assert!(
        !now.contains('\u{1b}'),
        "nothing drives the viewer's terminal: {now:?}"
    );
    terminal.types("exit\n");
    terminal.ends();
    command.signal(Signal::SIGINT);
    let _ = command.is_running();
    drop(command);
    wait_for("nobody to be on", LIMIT, || {
        (!jw("").contains("web01")).then_some(())
    });
    let session = scene.site.closed_session();
    assert!(
        session["what"].is_string(),
        "the history says what ran: {session}"
    );
}
