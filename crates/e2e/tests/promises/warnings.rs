//! Ahead of each end the person is warned: of the end of access, of the longest session, of idleness.

use gatehouse_e2e::{Scene, Setup, Terminal};

/// A shell on a terminal, with the gate's greeting.
fn shell(scene: &Scene) -> Terminal {
    Terminal::start("ssh", &scene.alice.ssh_words(&scene.web01(), &["-tt"]))
}

/// The id of alice's grant.
fn policy(scene: &Scene) -> String {
    scene.site.list(&["policy", "list", "--user", "alice"])[0]["id"].to_string()
}

#[test]
fn an_idle_session_is_warned_half_way_and_activity_cancels_the_warning() {
    let scene = Scene::with(Setup {
        grant: Some(&["--idle", "16s"]),
        ..Setup::default()
    });
    let mut terminal = shell(&scene);
    terminal.shows("after 16 seconds without activity");
    terminal.shows("This session is idle and ends in 8s");
    terminal.types("echo still; echo here\n");
    terminal.shows("here\r\n");
    // Said again at the next idling, and the gate's own words do not count as activity.
    terminal.shows("This session is idle and ends in 8s");
    terminal.shows("This session was idle for 16 seconds");
    terminal.ends();
    let session = scene.site.closed_session();
    assert_eq!(session["end_reason"], "timeout", "{session}");
    assert_eq!(
        terminal.all().matches("is idle and ends").count(),
        2,
        "{}",
        terminal.all()
    );
}

#[test]
fn output_is_activity_and_no_warning_comes() {
    let scene = Scene::with(Setup {
        grant: Some(&["--idle", "10s"]),
        ..Setup::default()
    });
    let mut terminal = scene.shell();
    terminal.types("for n in 1 2 3 4; do sleep 3; echo round $n; done; exit\n");
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.all().contains("idle"), "{}", terminal.all());
    assert_eq!(scene.site.closed_session()["end_reason"], "normal");
}

#[test]
fn the_longest_session_is_warned_of_at_the_configured_spans() {
    let scene = Scene::with(Setup {
        config: "expiry.warnings = [\"6s\", \"3s\"]",
        grant: Some(&["--max-length", "20s"]),
        ..Setup::default()
    });
    let mut terminal = shell(&scene);
    terminal.shows("The session may last 20 seconds at most");
    for left in [
        "20 seconds at most and ends in 6s",
        "20 seconds at most and ends in 3s",
    ] {
        terminal.shows(left);
    }
    terminal.shows("This session has reached the longest time allowed, 20");
    terminal.ends();
    assert_eq!(scene.site.closed_session()["end_reason"], "timeout");
}

#[test]
fn of_two_ends_the_one_that_comes_first_is_warned_of() {
    let scene = Scene::with(Setup {
        config: "expiry.warnings = [\"20s\", \"4s\"]",
        grant: Some(&["--for", "1h", "--max-length", "32s"]),
        ..Setup::default()
    });
    let mut terminal = shell(&scene);
    terminal.shows("32 seconds at most and ends in 20s");
    // The access is cut down to less: that end is told, and warned of from here on.
    scene.access_ends_in("12s");
    terminal.shows("Your access to web01 now ends at");
    terminal.shows("Your access to web01 ends in 4s");
    terminal.shows("Your access has ended");
    terminal.ends();
    let all = terminal.all();
    assert!(
        !all.contains("and ends in 4s, at"),
        "the other end is not warned of: {all}"
    );
    assert_eq!(scene.site.closed_session()["end_reason"], "expired");
}

#[test]
fn a_renewed_grant_cancels_the_warning_and_says_the_new_end() {
    let scene = Scene::with(Setup {
        config: "expiry.warnings = [\"20s\", \"5s\"]",
        grant: Some(&["--for", "1h"]),
        ..Setup::default()
    });
    let mut terminal = shell(&scene);
    terminal.shows("Your access ends at");
    scene.access_ends_in("26s");
    terminal.shows("ends in 20s");
    scene
        .site
        .ok(&["policy", "renew", &policy(&scene), "--for", "2h"]);
    terminal.shows("Your access to web01 has been extended; it now ends at");
    terminal.shows("(in 2h 0m)");
    let id = scene.active_session();
    let row = scene.site.json(&["session", "show", &id]);
    let grant = scene.site.list(&["policy", "list", "--user", "alice"]);
    gatehouse_e2e::wait_for("the row to say the new end", gatehouse_e2e::LIMIT, || {
        let row = scene.site.json(&["session", "show", &id]);
        (row["allowed_until"] == grant[0]["end"]).then_some(())
    });
    assert_eq!(row["state"], "active");
    // The old end passes and nothing is warned of or cut.
    terminal.types("sleep 25; echo out''lived\n");
    terminal.shows_within("outlived", std::time::Duration::from_secs(45));
    assert!(!terminal.all().contains("ends in 5s"), "{}", terminal.all());
}
