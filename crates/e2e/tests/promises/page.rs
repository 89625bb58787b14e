//! What a supervisor does on the page, in a real browser, with real sessions.

use gatehouse_e2e::{Browsing, LIMIT, Run, Scene, Setup, wait_for, web_lines};
use serde_json::{Value, json};

/// The administrator's password in these tests.
const PASSWORD: &str = "correct horse battery";

fn scene() -> Scene {
    Scene::prepared(Setup::default(), |site, _, _| {
        site.write_config(&web_lines(site));
        site.ok(&["user", "add", "dana", "--role", "admin"]);
        for name in ["dana", "alice"] {
            let done = site
                .cli(&["user", "password", name, "--stdin"])
                .stdin(format!("{PASSWORD}\n"))
                .done();
            done.ok();
        }
    })
}

/// The input of a script: who signs in where, and what else it takes.
fn input(scene: &Scene, user: &str, more: &Value) -> Value {
    let mut input = json!({
        "url": format!("https://{}", scene.site.node().web()),
        "user": user,
        "password": PASSWORD,
    });
    if let (Some(input), Some(more)) = (input.as_object_mut(), more.as_object()) {
        input.extend(more.clone());
    }
    input
}

/// Runs a script as the administrator.
#[track_caller]
fn supervise(scene: &Scene, script: &str, more: &Value) -> Value {
    Browsing::start(script, &input(scene, "dana", more)).done()
}

/// A session on a terminal that says one thing after the other, closed.
fn recorded(scene: &Scene) -> Value {
    let mut words = scene.alice.ssh_words(&scene.web01(), &["-tt"]);
    // What is seen stands in no command.
    words.push("printf 'begins-%s\\n' here; sleep 3; printf 'mid-%s\\n' way; sleep 3; printf 'ends-%s\\n' there; sleep 1".to_owned());
    Run::new("ssh").args(words).done().ok();
    scene.site.closed_session()
}

#[test]
fn a_running_shell_is_watched_as_it_happens() {
    let scene = scene();
    let mut shell = scene.shell();
    let session = scene.active_session();
    let mut watching = Browsing::start(
        "live.cjs",
        &input(
            &scene,
            "dana",
            &json!({ "session": session, "text": "answer 42" }),
        ),
    );
    watching.prints("\"ready\":true");
    shell.types("echo answer $((40+2))\n");
    assert_eq!(watching.done()["seen"], true);
    scene
        .site
        .audited("session.watched", |event| event["actor"] == "dana");
}

#[test]
fn a_recording_is_played_sought_linked_to_and_searched() {
    let scene = scene();
    let session = recorded(&scene);
    let more = json!({
        "session": session["id"],
        "begin": "begins-here",
        "middle": "mid-way",
        "end": "ends-there",
        "at": 4,
        "words": "mid-way",
    });
    let gone = supervise(&scene, "playback.cjs", &more);
    assert!(
        gone["middle"].as_f64().is_some_and(|t| (2.0..6.0).contains(&t)),
        "{gone}"
    );
    scene
        .site
        .audited("recording.viewed", |event| event["actor"] == "dana");
}

#[test]
fn words_that_were_seen_lead_to_their_moment() {
    let scene = scene();
    let session = recorded(&scene);
    wait_for("the recording to be indexed", LIMIT, || {
        let hits = scene.site.list(&["session", "search", "mid-way"]);
        (!hits.is_empty()).then_some(())
    });
    let more = json!({ "session": session["id"], "words": "mid-way", "t": 3 });
    supervise(&scene, "search.cjs", &more);
    scene
        .site
        .audited("recording.searched", |event| event["actor"] == "dana");
}

#[test]
fn a_running_session_is_ended_with_a_reason() {
    let scene = scene();
    let mut shell = scene.shell();
    let session = scene.active_session();
    let more = json!({ "session": session, "reason": "the drill is over" });
    assert_eq!(supervise(&scene, "kill.cjs", &more)["ended"], true);
    shell.shows("the drill is over");
    let closed = scene.site.closed_session();
    assert_eq!(
        (&closed["end_reason"], &closed["ended_by"]),
        (&"killed".into(), &"dana".into())
    );
}

#[test]
fn requests_are_decided_and_the_shorter_grant_lets_in() {
    let scene = scene();
    let ask = |length: &str| {
        let site = &scene.site;
        site.ok(&[
            "request", "create", "--user", "alice", "--server", "web01", "--for", length,
        ]);
    };
    ask("4h");
    ask("5h");
    let more = json!({ "approve": 1, "for": "1h", "deny": 2, "note": "not today" });
    let decided = supervise(&scene, "request.cjs", &more);
    let shown = scene.site.json(&["request", "show", "1"]);
    assert_eq!(
        (&shown["state"], &shown["decided_by"]),
        (&"approved".into(), &"dana".into())
    );
    assert_eq!(shown["policy"]["id"], decided["policy"]);
    let denied = scene.site.json(&["request", "show", "2"]);
    assert_eq!(
        (&denied["state"], &denied["note"]),
        (&"denied".into(), &"not today".into())
    );
}

#[test]
fn the_audit_book_is_read_and_verified() {
    let scene = scene();
    scene.ssh("true").done().ok();
    scene.site.closed_session();
    let more = json!({ "action": "session.opened", "detail": "web01" });
    let read = supervise(&scene, "audit.cjs", &more);
    assert!(read["events"].as_u64().is_some_and(|events| events > 0), "{read}");
}

#[test]
fn a_plain_person_sees_what_is_hers_and_asks() {
    let scene = scene();
    scene.ssh("true").done().ok();
    scene.site.closed_session();
    let other = scene.site.net.server(2).to_string();
    scene.site.ok(&["server", "add", "db01", &other, "--ssh"]);
    let more = json!({ "reach": "web01", "server": "db01", "for": "2h", "reason": "the disk is full" });
    let asked = Browsing::start("own.cjs", &input(&scene, "alice", &more)).done();
    let shown = scene
        .site
        .json(&["request", "show", &asked["request"].to_string()]);
    assert_eq!(
        (&shown["user"], &shown["server"]),
        (&"alice".into(), &"db01".into())
    );
}
