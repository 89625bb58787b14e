//! The command line: every answer as the contract says, every refusal one sentence.

use gatehouse_e2e::{Database, Run, Scene, Site, Terminal, program};

/// What is wrong, the line, and a word that the sentence must hold.
const WRONG: &[(&str, &str, &str)] = &[
    ("address", "user add carl --address 10.0.0.300", "10.0.0.300"),
    ("range", "user address add alice 10.0.0.1/33", "10.0.0.1/33"),
    ("taken range", "user add carl --address 10.1.0.0/16", "alice"),
    ("range within", "user add carl --address 10.1.2.0/24", "alice"),
    ("taken name", "user add alice", "alice"),
    ("unknown user", "user show alise", "alice"),
    ("unknown server", "server show web1", "web01"),
    ("unknown group", "group show staf", "staff"),
    ("cycle", "group edit staff --parent juniors", "staff"),
    ("unknown parent", "group add x --parent nobody", "nobody"),
    (
        "end before start",
        "policy grant --user alice --server web01 --start 2031-01-02 --end 2031-01-01",
        "2031-01-0",
    ),
    (
        "impossible date",
        "policy grant --user alice --server web01 --start 2031-02-30",
        "2031-02-30",
    ),
    (
        "duration",
        "policy grant --user alice --server web01 --for 3fortnights",
        "3fortnights",
    ),
    (
        "no duration",
        "policy grant --user alice --server web01 --idle 0",
        "0",
    ),
    ("unknown policy", "policy show 4711", "4711"),
    ("unknown session", "session show 0193abcd", "0193abcd"),
    ("renewed for ever", "policy renew 1", "permanent"),
    ("no pool", "pool assign web01 10.99.0.1", "10.99.0.1"),
    ("not of the pool", "pool release web01 --yes", "web01"),
    ("unknown right", "right add user alice everything", "everything"),
    (
        "removed address",
        "user address remove alice 10.77.0.1 --yes",
        "10.77.0.1",
    ),
];

#[test]
fn wrong_input_is_refused_in_one_sentence_that_names_it() {
    let site = Site::new(Database::Sqlite, "");
    for line in [
        "user add alice --address 10.1.0.0/16",
        "server add web01 10.2.0.1",
        "group add staff",
        "group add seniors --parent staff",
        "group add juniors --parent seniors",
        "policy grant --user alice --server web01",
    ] {
        site.ok(&line.split(' ').collect::<Vec<_>>());
    }
    for (what, line, named) in WRONG {
        let done = site
            .cli(&line.split(' ').collect::<Vec<_>>())
            .arg("--json")
            .done();
        assert!(matches!(done.code, Some(1 | 2)), "{what} was accepted: {done}");
        assert!(done.stdout.is_empty(), "{what}: {done}");
        let sentence = done.err();
        assert!(sentence.contains(named), "{what}: {named} is not in {sentence}");
        assert!(
            !sentence.contains("Error {") && !sentence.contains("panicked"),
            "{what}: {sentence}"
        );
        assert_eq!(sentence.trim_end().lines().count(), 1, "{what}: {sentence}");
    }
    for schedule in [
        "Mon-Fri 25:00-26:00 UTC",
        "Mon-Fri 08:00-16:00 Mars/Olympus",
        "Someday",
        "days 32 UTC",
        "{}x",
    ] {
        let sentence = site
            .cli(&[
                "policy",
                "grant",
                "--user",
                "alice",
                "--server",
                "web01",
                "--schedule",
                schedule,
            ])
            .done();
        assert!(
            matches!(sentence.code, Some(1 | 2)),
            "{schedule} was accepted: {sentence}"
        );
    }
    let cycle = site.refused(&["group", "edit", "staff", "--parent", "juniors"]);
    assert!(
        cycle.contains("juniors") && cycle.contains("seniors"),
        "the chain is shown: {cycle}"
    );
    assert_eq!(
        site.list(&["policy", "list"]).len(),
        1,
        "nothing of all that was written"
    );
    assert_eq!(site.list(&["user", "list"]).len(), 1);
}

#[test]
fn a_wrong_command_line_exits_with_2_and_says_how_it_goes() {
    let site = Site::new(Database::Sqlite, "");
    for line in [
        &["user", "ad", "x"][..],
        &["user"],
        &["nonsense"],
        &["session", "play"],
        &["user", "list", "--colour"],
    ] {
        let done = site.cli(line).done().exits(2);
        assert!(done.stdout.is_empty() && !done.stderr.is_empty(), "{done}");
    }
    let meant = site.cli(&["user", "ad", "x"]).done();
    assert!(meant.err().contains("add"), "{meant}");
}

#[test]
fn check_explains_and_answers_as_the_contract_says() {
    let scene = Scene::new();
    let site = &scene.site;
    let source = site.net.person(1).to_string();
    let allow = site.json(&[
        "check",
        "--source",
        &source,
        "--server",
        "web01",
        "--protocol",
        "ssh",
    ]);
    assert_eq!(allow["decision"], "allow");
    assert_eq!(allow["user"], "alice");
    assert_eq!(allow["server"], "web01");
    assert!(
        allow["allowed_until"].is_null() && allow["policies"].is_array(),
        "{allow}"
    );
    assert!(allow["forwarding"]["local"].is_boolean(), "{allow}");
    let proxy = site.net.proxy(1).to_string();
    let deny = [
        "check",
        "--user",
        "alice",
        "--destination",
        &proxy,
        "--protocol",
        "rdp",
    ];
    let done = site.cli(&deny).arg("--json").done().exits(1);
    let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(answer["decision"], "deny");
    assert_eq!(answer["reason"], "protocol_not_offered");
    assert!(
        answer["detail"].as_str().is_some_and(|detail| detail.len() > 20),
        "{answer}"
    );
    let stranger = site.json(&[
        "check",
        "--source",
        "192.0.2.1",
        "--server",
        "web01",
        "--protocol",
        "ssh",
    ]);
    assert!(
        stranger["user"].is_null() && stranger["reason"] == "unknown_source",
        "{stranger}"
    );
    let bad = site
        .cli(&[
            "check",
            "--user",
            "nobody",
            "--server",
            "web01",
            "--protocol",
            "ssh",
            "--json",
        ])
        .done();
    assert!(bad.code != Some(0) && bad.stdout.is_empty(), "{bad}");
    let explained = site.ok(&[
        "check",
        "--user",
        "alice",
        "--server",
        "web01",
        "--protocol",
        "ssh",
    ]);
    assert!(
        explained.contains('1'),
        "the policies considered are shown: {explained}"
    );
    let who = site.ok(&["who-can", "--server", "web01"]);
    assert!(who.contains("alice"), "{who}");
}

#[test]
fn schedules_print_back_in_words_however_they_were_given() {
    let site = Site::new(Database::Sqlite, "");
    site.ok(&["user", "add", "alice"]);
    site.ok(&["server", "add", "web01", "10.0.0.1"]);
    let json =
        r#"{"weekdays":[0,1,2,3,4],"time_start":"08:00","time_end":"16:00","timezone":"Europe/Warsaw"}"#;
    for (number, (given, words)) in [
        (json, "Mon-Fri 08:00-16:00 Europe/Warsaw"),
        (
            "Mon-Fri 08:00-16:00 Europe/Warsaw",
            "Mon-Fri 08:00-16:00 Europe/Warsaw",
        ),
        ("days 1-7 Sat 04:00-08:00 UTC", "days 1-7 Sat 04:00-08:00 UTC"),
        (
            "months May-Aug Mon-Fri Europe/Warsaw",
            "months May-Aug Mon-Fri Europe/Warsaw",
        ),
    ]
    .iter()
    .enumerate()
    {
        site.ok(&[
            "policy",
            "grant",
            "--user",
            "alice",
            "--server",
            "web01",
            "--schedule",
            given,
        ]);
        let shown = site.json(&["policy", "show", &(number + 1).to_string()]);
        assert_eq!(shown["schedules"][0], **words, "{shown}");
    }
}

#[test]
fn removal_on_a_terminal_asks_first() {
    let site = Site::new(Database::Sqlite, "");
    site.ok(&["user", "add", "alice"]);
    let config = site.config().display().to_string();
    let words: Vec<_> = ["user", "remove", "alice", "--config", &config]
        .iter()
        .map(|&word| word.to_owned())
        .collect();
    let mut terminal = Terminal::start(&program().display().to_string(), &words);
    terminal.shows("alice");
    terminal.types("n\n");
    assert_ne!(terminal.ends(), 0);
    assert_eq!(site.list(&["user", "list"]).len(), 1);
    let mut terminal = Terminal::start(&program().display().to_string(), &words);
    terminal.shows("alice");
    terminal.types("y\n");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(site.list(&["user", "list"]).len(), 0);
}

#[test]
fn global_options_may_stand_anywhere_and_completions_are_printed() {
    let site = Site::new(Database::Sqlite, "");
    let config = site.config().display().to_string();
    for line in [
        ["--json", "--config", &config, "user", "list"],
        ["user", "--json", "list", "--config", &config],
        ["user", "list", "--config", &config, "--json"],
    ] {
        assert_eq!(Run::new(program()).args(line).done().ok().trim(), "[]");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(site.ok(&["completions", shell]).contains("gatehouse"));
    }
}
