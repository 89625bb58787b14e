//! Wrong input: one sentence each, nothing on standard output, nothing lost and nothing written.

use crate::site::Site;

/// The line, its exit status, and what its sentence must hold.
const WRONG: &[(&str, i32, &[&str])] = &[
    // Addresses and ranges.
    (
        "user add carl --address 10.0.0.300",
        2,
        &["\"10.0.0.300\" is not an IP address"],
    ),
    (
        "user add carl --address 10.0.0.7/24",
        2,
        &["did you mean 10.0.0.0/24?"],
    ),
    ("user address add alice 10.0.0.1/33", 2, &["10.0.0.1/33"]),
    (
        "user add carl --address 10.1.0.0/16",
        1,
        &["10.1.0.0/16", "alice"],
    ),
    (
        "user add carl --address 10.1.2.0/24",
        1,
        &["10.1.2.0/24", "alice", "--inside"],
    ),
    ("user address remove alice 10.77.0.1", 1, &["10.77.0.1"]),
    (
        "server add x 10.0.0",
        2,
        &["\"10.0.0\" is not an IP address or a host name"],
    ),
    ("server add x 10.0.0.1 --ssh=0", 2, &["\"0\" is not a port"]),
    (
        "server add x 10.0.0.1 --ssh=70000",
        2,
        &["\"70000\" is not a port"],
    ),
    ("server add x 10.0.0.1 --proxy perhaps", 2, &["auto, none"]),
    ("pool add 10.9.0.0/24", 1, &["10.9.0.0/28"]),
    ("pool assign web01 10.99.0.1", 1, &["10.99.0.1"]),
    ("pool remove 10.55.0.0/24", 1, &["10.55.0.0/24"]),
    ("block remove 10.55.0.0/24", 1, &["10.55.0.0/24"]),
    // Names.
    ("user add -- -x", 2, &["-x"]),
    ("user add a@b", 2, &["'@'"]),
    ("user add 42", 2, &["42"]),
    ("user add alice", 1, &["alice"]),
    ("user add ALICE", 1, &["alice"]),
    ("user show alcie", 1, &["did you mean alice?"]),
    ("server show web1", 1, &["did you mean web01?"]),
    ("group show staf", 1, &["did you mean staff?"]),
    (
        "server-group member add machine web01",
        1,
        &["did you mean machines?"],
    ),
    ("group add x --parent nobody", 1, &["nobody"]),
    ("user list --group nothing", 1, &["nothing"]),
    ("policy grant --user alcie --server web01", 1, &["alice"]),
    ("policy grant --user alice --server-group web01", 1, &["web01"]),
    ("who-can --server wbe01", 1, &["web01"]),
    (
        "check --user nobody --server web01 --protocol ssh",
        1,
        &["nobody"],
    ),
    // Groups.
    (
        "group edit staff --parent juniors",
        1,
        &["juniors", "seniors", "staff"],
    ),
    ("group edit staff --parent staff", 1, &["staff"]),
    (
        "group edit staff --parent seniors --no-parent",
        2,
        &["--no-parent"],
    ),
    // Times and durations.
    (
        "policy grant --user alice --server web01 --start 2031-02-30",
        2,
        &["2031-02-30"],
    ),
    (
        "policy grant --user alice --server web01 --start 2031-01-02 --end 2031-01-01",
        1,
        &["2031-01-0"],
    ),
    (
        "policy grant --user alice --server web01 --for 3fortnights",
        2,
        &["\"3fortnights\""],
    ),
    (
        "policy grant --user alice --server web01 --for 2h --end 2031-01-01",
        2,
        &["--end"],
    ),
    (
        "policy grant --user alice --server web01 --for 5",
        2,
        &["no unit"],
    ),
    ("policy renew 1 --for permanent", 2, &["permanent"]),
    ("policy renew 1", 1, &["permanent"]),
    ("lock user alice --for 0", 2, &["no end"]),
    ("block add 10.6.0.0/24 --for permanent", 2, &["permanent"]),
    ("lock user alice --for soon", 2, &["soon"]),
    ("session list --since yesterday", 2, &["yesterday"]),
    ("session search -- --", 1, &["no word"]),
    ("session search x --kind color", 2, &["color", "command"]),
    ("session search x --user nobody", 1, &["nobody"]),
    ("pool assign web01 --until 2031-13-01", 2, &["2031-13-01"]),
    // Policies and rights.
    ("policy grant --user alice", 2, &["--server"]),
    (
        "policy grant --user alice --group staff --server web01",
        2,
        &["--group"],
    ),
    ("policy grant --user alice --server web01 --login ", 2, &["login"]),
    (
        "policy grant --user alice --server web01 --block-port 99999",
        2,
        &["99999"],
    ),
    (
        "policy grant --user alice --server web01 --allow-destination 10.0.0.400",
        2,
        &["10.0.0.400"],
    ),
    (
        "policy grant --user alice --server web01 --forwarding=lokal",
        2,
        &["local"],
    ),
    (
        "policy grant --user alice --server web01 --protocol shh",
        2,
        &["ssh"],
    ),
    (
        "policy grant --user alice --server web01 --idle 0",
        2,
        &["no end"],
    ),
    ("policy show 4711", 1, &["4711"]),
    (
        "policy show first",
        2,
        &["\"first\" is not the number of a policy"],
    ),
    (
        "policy edit 1 --clear everything",
        2,
        &["everything", "schedules"],
    ),
    (
        "right add user alice everything",
        2,
        &["everything", "forward_local"],
    ),
    ("right remove user alice agent", 1, &["agent"]),
    ("unlock user alice", 1, &["alice"]),
    // Requests.
    ("request show 4711", 1, &["there is no request \"4711\""]),
    (
        "request show first",
        2,
        &["\"first\" is not the number of a request"],
    ),
    ("request create --user alice", 2, &["--server"]),
    (
        "request create --user alice --server wbe01",
        1,
        &["did you mean web01?"],
    ),
    (
        "request create --user alice --server web01 --protocol rdp",
        1,
        &["web01 does not offer rdp"],
    ),
    (
        "request create --user alice --server web01 --for 31d",
        1,
        &["31d", "1M at most"],
    ),
    (
        "request create --user alice --server web01 --for permanent",
        2,
        &["no end"],
    ),
    (
        "request create --user alice --address 10.9.0.3",
        1,
        &["10.9.0.3 is in the pool"],
    ),
    (
        "request create --user alice --address 10.2.0.1",
        1,
        &["10.2.0.1 belongs to somebody else"],
    ),
    (
        "request create --user alice --address 127.0.0.1",
        1,
        &["127.0.0.1 is an address of the gate"],
    ),
    (
        "request create --user alice --address 10.2.0.9 --for 1h",
        2,
        &["--for"],
    ),
    ("request approve 4711 --as alice", 1, &["4711"]),
    ("request withdraw 4711", 2, &["--as"]),
    (
        "request review 1 --verdict fine",
        2,
        &["justified, not_justified"],
    ),
    ("server-group approver add machines", 2, &["--user"]),
    (
        "server-group approver remove machines --user alice",
        1,
        &["there is no approver \"alice\""],
    ),
    ("approval-rule add --user alice --server web01", 2, &["--max-for"]),
    ("approval-rule remove 4711", 1, &["4711"]),
    // Keys and secrets.
    (
        "user key add alice /nonexistent/key.pub",
        1,
        &["/nonexistent/key.pub", "cannot be read"],
    ),
    ("user key add alice -", 1, &["no public key"]),
    ("user key remove alice SHA256:none", 1, &["SHA256:none"]),
    ("user password alice", 2, &["--stdin"]),
    ("user password alice --stdin", 1, &["empty"]),
    (
        "server credential add web01 --login root",
        2,
        &["--password-stdin"],
    ),
    ("server credential add web01 --key -", 2, &["--login"]),
    (
        "server credential add web01 --login root --key -",
        1,
        &["not a private key"],
    ),
    ("server hostkey accept web01", 1, &["web01"]),
    // Sessions and the book.
    ("session show 0193abcd", 1, &["0193abcd"]),
    ("session play last", 1, &["no session yet"]),
    ("session play x --speed 0", 2, &["not a speed"]),
    ("session export x --format mp4", 1, &["RDP"]),
    ("session export x --format gif", 2, &["gif", "cast"]),
    ("session export x --forward 0", 2, &["pcapng", "--forward"]),
    ("session export x --format pcapng --channel 0", 2, &["--channel"]),
    ("policy edit 1 --record-forwards some", 2, &["off", "on"]),
    ("session kill", 2, &["--all"]),
    ("session verify", 2, &["--all"]),
    (
        "alert list --kind deny",
        2,
        &["\"deny\"", "denied, host_key_changed"],
    ),
    ("session verify x --public-key k", 2, &["--dir"]),
    (
        "session verify --dir . --public-key /nonexistent.pub",
        1,
        &["/nonexistent.pub"],
    ),
    (
        "session text --dir /nonexistent",
        1,
        &["no recording at /nonexistent"],
    ),
    ("session text x --dir y", 2, &["--dir"]),
    (
        "session text last --identity /nonexistent.key",
        1,
        &["/nonexistent.key"],
    ),
    ("recording-key export", 1, &["gatehouse serve"]),
    ("audit list --action user.aded", 1, &["did you mean user.added?"]),
    ("audit verify --head 12", 2, &["SEQ:HASH"]),
    // The line itself.
    ("usr list", 2, &["did you mean user?"]),
    ("user ad x", 2, &["add"]),
    ("user", 2, &["a verb is missing", "add, list, show"]),
    ("user list --colour", 2, &["--colour"]),
    ("user show", 2, &["<NAME>"]),
    ("completions perl", 2, &["perl", "bash"]),
];

#[test]
fn wrong_input_is_refused_in_one_sentence_and_nothing_is_written() {
    let site = Site::furnished();
    let before = site.json("audit list --limit 0");
    let mut wrong = Vec::new();
    for (line, code, parts) in WRONG {
        let done = site.line(line);
        let sentence = done.sentence();
        if done.code != Some(*code) || !parts.iter().all(|part| sentence.contains(part)) {
            wrong.push(format!(
                "{line}\n    wanted {code} {parts:?}\n    got {:?} {sentence}",
                done.code
            ));
        }
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(site.json("audit list --limit 0"), before, "something was written");
}

#[test]
fn wrong_schedules_are_refused_with_what_is_wrong() {
    let site = Site::furnished();
    for (schedule, part) in [
        ("Mon-Fri 25:00-26:00 UTC", "25:00"),
        ("Mon-Fri 08:00-16:00 Mars/Olympus", "Mars/Olympus"),
        ("Someday", "Someday"),
        ("days 32", "32"),
        ("months Feb days 30", "30"),
        ("{\"weekdays\":[7]}", "weekdays"),
        ("{\"weekday\":[1]}", "weekday"),
        ("{\"weekdays\":[1]", "JSON"),
        ("", "missing"),
    ] {
        let done = site.run(
            &[
                "policy",
                "grant",
                "--user",
                "bob",
                "--server",
                "web01",
                "--schedule",
                schedule,
            ],
            "",
        );
        assert!(done.sentence().contains(part), "{schedule:?}: {}", done.err);
    }
    assert_eq!(site.json("policy list").as_array().unwrap().len(), 1);
}

#[test]
fn a_wrong_configuration_stops_every_verb_that_needs_one() {
    let site = Site::new();
    for (lines, part) in [
        (
            "[ssh]\nlissten = \"127.0.0.1:0\"\n",
            "ssh.lissten (did you mean ssh.listen?)",
        ),
        ("[ssh]\nlisten = \"nowhere\"\n", "ssh.listen"),
        ("colour = \"red\"\n", "colour"),
        ("this is not TOML\n", "line 2"),
    ] {
        site.configure(lines);
        for verb in ["config check", "user list", "serve", "session list --json"] {
            let done = site.line(verb);
            assert!(done.sentence().contains(part), "{verb}: {}", done.err);
            assert_eq!(done.code, Some(1), "{verb}");
        }
    }
    assert!(
        site.line("completions bash").out.contains("gatehouse"),
        "what needs none still works"
    );
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let site = Site::new();
    let file = site.file("in_the_way", "");
    std::fs::write(site.config(), format!("data_dir = \"{file}/data\"\n")).unwrap();
    assert!(site.line("user list").sentence().contains("in_the_way/data"));
}

#[test]
fn a_private_key_is_not_taken_for_a_public_one() {
    let site = Site::furnished();
    let key = site.file(
        "id",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n",
    );
    assert!(
        site.line(&format!("user key add alice {key}"))
            .sentence()
            .contains("public")
    );
}
