//! Denied people: told why, before anything is asked of them, and no more than they may know.

use gatehouse_e2e::{
    Client, Done, LIMIT, Scene, Setup, Site, Sshd, SshdSetup, Target, Terminal, add_server, wait_for,
};

const REFUSED: &str = "Permission denied (publickey).";

#[test]
fn a_denied_person_reads_the_reason_before_any_password_prompt() {
    let scene = Scene::with(Setup {
        grant: None,
        ..Setup::default()
    });
    let mut terminal = Terminal::start("ssh", &scene.alice.ssh_words(&scene.web01(), &[]));
    let before = terminal.shows(REFUSED);
    assert!(before.contains("web01"), "no reason: {before}");
    assert!(
        !before.to_lowercase().contains("password"),
        "asked for a password: {before}"
    );
    assert_eq!(terminal.ends(), 255);
    scene.site.audited("session.denied", |e| {
        e["reason"] == "no_matching_policy" && e["user"] == "alice" && e["server"] == "web01"
    });
    assert!(
        scene.site.list(&["session", "list"]).is_empty(),
        "a denial is no session"
    );
}

#[test]
fn a_denied_person_never_reaches_the_server() {
    let scene = Scene::with(Setup {
        grant: None,
        ..Setup::default()
    });
    let connections = |scene: &Scene| scene.sshd.log().matches("Connection from").count();
    let before = connections(&scene);
    for _ in 0..3 {
        scene.ssh("id").done().exits(255);
    }
    // A login of our own comes last, so that the log is complete up to here.
    scene.alice.ssh(&scene.direct()).arg("true").done().ok();
    wait_for("the direct connection in the server's log", LIMIT, || {
        (connections(&scene) > before).then_some(())
    });
    assert_eq!(connections(&scene), before + 1, "{}", scene.sshd.log());
}

#[test]
fn a_stranger_learns_nothing_but_the_address_of_the_stranger() {
    let scene = Scene::new();
    let stranger = Client::with_agent(scene.site.net.stranger());
    let done = stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    let told = banner(&done);
    assert!(told.contains(&scene.site.net.stranger().to_string()), "{told}");
    for secret in ["web01", "alice", &scene.sshd.addr.ip().to_string()] {
        assert!(!told.contains(secret), "{secret} was given away: {told}");
    }
    assert!(done.err().contains(REFUSED), "{done}");
    scene.site.audited("session.denied", |e| {
        e["reason"] == "unknown_source" && e["user"].is_null()
    });
}

/// A person, what makes the person denied, and the word for it. `{next}` is a month that is not this one.
const CASES: &[(&str, &[&[&str]], &str)] = &[
    ("none", &[], "no_matching_policy"),
    (
        "elsewhere",
        &[&["policy", "grant", "--from", "127.0.0.99"]],
        "no_matching_policy",
    ),
    (
        "early",
        &[&["policy", "grant", "--start", "2099-01-01 00:00"]],
        "not_yet_valid",
    ),
    ("late", &[&["policy", "grant", "--for", "1s"]], "expired"),
    (
        "outside",
        &[&["policy", "grant", "--schedule", "{next}"]],
        "outside_schedule",
    ),
    (
        "other",
        &[&["policy", "grant", "--login", "somebody-else"]],
        "login_not_allowed",
    ),
    (
        "off",
        &[&["policy", "grant"], &["user", "disable"]],
        "user_inactive",
    ),
    (
        "locked",
        &[&["policy", "grant"], &["lock", "user"]],
        "user_locked",
    ),
];

#[test]
fn each_denial_has_a_sentence_of_its_own_and_the_same_one_everywhere() {
    let mut site = Site::new(gatehouse_e2e::Database::Sqlite, "");
    let sshd = Sshd::start(site.net.server(1), SshdSetup::default());
    site.ok(&["pool", "add", &site.net.pool()]);
    add_server(&site, "web01", &sshd, 1);
    for (number, (name, preparations, _)) in (1..).zip(CASES) {
        site.add_person(name, site.net.person(number));
        for words in *preparations {
            prepare(&site, name, words);
        }
    }
    site.serve();
    let target = Target {
        login: sshd.login(),
        addr: site.node().ssh_at(site.net.proxy(1)),
    };
    let mut sentences = Vec::new();
    for (number, (name, _, reason)) in (1..).zip(CASES) {
        let source = site.net.person(number).to_string();
        let arguments = [
            "check",
            "--source",
            &source,
            "--server",
            "web01",
            "--protocol",
            "ssh",
            "--login",
            &target.login,
        ];
        // The grant of a second has to run out first.
        let answer = wait_for(&format!("the reason {reason}"), LIMIT, || {
            Some(site.json(&arguments)).filter(|a| a["reason"] == *reason)
        });
        let done = Client::with_key(site.net.person(number))
            .ssh(&target)
            .arg("id")
            .done()
            .exits(255);
        assert!(done.err().contains(REFUSED), "{done}");
        let told = banner(&done);
        let sentence = one_line(answer["detail"].as_str().unwrap());
        assert!(
            told.contains(&sentence),
            "{reason}: the banner {told:?} does not say {sentence:?}"
        );
        site.audited("session.denied", |e| e["reason"] == *reason && e["user"] == *name);
        sentences.push(sentence);
    }
    // The person without any grant and the one whose grant is for another address are denied for one reason.
    sentences.sort();
    sentences.dedup();
    assert!(sentences.len() >= CASES.len() - 1, "{sentences:#?}");
}

/// Runs a preparing command for a person. Grants are for `web01`.
fn prepare(site: &Site, name: &str, words: &[&str]) {
    let month: u8 = gatehouse_e2e::Run::new("date")
        .args(["-u", "+%m"])
        .done()
        .ok()
        .trim()
        .parse()
        .unwrap();
    let names = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    // Half a year away, so that no change of month comes near it.
    let away = format!(
        "months {} Mon-Sun 08:00-16:00 UTC",
        names[usize::from(month + 5) % 12]
    );
    let words = words
        .iter()
        .map(|&word| if word == "{next}" { away.as_str() } else { word });
    let mut all: Vec<&str> = words.collect();
    if all.starts_with(&["policy"]) {
        all.extend(["--user", name, "--server", "web01"]);
    } else {
        all.push(name);
    }
    site.ok(&all);
}

#[test]
fn a_server_that_cannot_be_reached_by_rule_is_told_apart() {
    let scene = Scene::new();
    let site = &scene.site;
    let told = |reason: &str| {
        // A session that was just beginning may be ended instead.
        wait_for(&format!("a denial for {reason}"), LIMIT, || {
            let done = scene.ssh("true").done();
            (done.code == Some(255) && done.err().contains(REFUSED)).then_some(())
        });
        site.audited("session.denied", |e| e["reason"] == reason);
    };
    let again = || {
        wait_for("access to be back", LIMIT, || {
            (scene.ssh("true").done().code == Some(0)).then_some(())
        })
    };
    site.ok(&["server", "disable", "web01"]);
    told("server_inactive");
    site.ok(&["server", "enable", "web01"]);
    again();
    site.ok(&["lock", "server", "web01", "--reason", "investigation"]);
    told("server_locked");
    site.ok(&["unlock", "server", "web01"]);
    again();
    site.ok(&["block", "add", &site.net.person(1).to_string()]);
    told("source_blocked");
    site.ok(&["block", "remove", &site.net.person(1).to_string()]);
    again();
    let unassigned = Target {
        login: scene.sshd.login(),
        addr: site.node().ssh_at(site.net.proxy(3)),
    };
    scene.alice.ssh(&unassigned).arg("true").done().exits(255);
    site.audited("session.denied", |e| e["reason"] == "unknown_destination");
}

#[test]
fn banner_lines_fit_into_72_columns_and_carry_no_control_characters() {
    let scene = Scene::with(Setup {
        grant: None,
        ..Setup::default()
    });
    let full_name = "A name as long as names can be in some places of this world, and then some more of it";
    scene
        .site
        .ok(&["user", "edit", "alice", "--full-name", full_name]);
    for login in ["root", "x".repeat(60).as_str(), "a\u{1b}[31mred"] {
        let done = scene
            .alice
            .ssh(&scene.web01().login(login))
            .arg("id")
            .done()
            .exits(255);
        let text = done.err();
        let lines: Vec<_> = text.lines().take_while(|line| !line.contains(REFUSED)).collect();
        assert!(!lines.is_empty(), "{done}");
        for line in lines
            .iter()
            .filter(|line| !line.starts_with("Warning: Permanently added"))
        {
            assert!(
                line.chars().count() <= 72,
                "{} columns: {line:?}",
                line.chars().count()
            );
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn every_client_and_every_use_of_it_shows_the_reason() {
    let scene = Scene::with(Setup {
        grant: None,
        ..Setup::default()
    });
    let target = scene.web01();
    let host = target.addr.ip().to_string();
    let uses = [
        scene.alice.ssh_with(&target, &["-N"]),
        scene.alice.ssh_with(&target, &["-W", "localhost:1"]),
        scene
            .alice
            .ssh_with(&target, &["-o", "BatchMode=yes"])
            .arg("true"),
        scene.alice.copier("sftp", &target).args(["-b", "-"]).arg(&host),
        scene
            .alice
            .copier("scp", &target)
            .arg("/dev/null")
            .arg(format!("{host}:/tmp/never")),
    ];
    for used in uses {
        let done = used.done();
        assert_ne!(done.code, Some(0), "{done}");
        assert!(
            done.err().contains("web01") && done.err().contains(REFUSED),
            "{done}"
        );
    }
}

#[test]
fn equal_denials_within_a_minute_are_one_line_of_the_book() {
    let scene = Scene::with(Setup {
        grant: None,
        ..Setup::default()
    });
    for _ in 0..4 {
        scene.ssh("id").done().exits(255);
    }
    scene.site.audited("session.denied", |_| true);
    assert!(
        scene
            .site
            .list(&["audit", "list", "--action", "session.denied"])
            .len()
            <= 2
    );
}

/// What was said before the client's own last line, on one line.
fn banner(done: &Done) -> String {
    let text = done.err();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("Warning: Permanently added"));
    one_line(
        &lines
            .take_while(|line| !line.contains(REFUSED))
            .collect::<Vec<_>>()
            .join(" "),
    )
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
