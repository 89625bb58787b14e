//! The table of channels and requests in `docs/reference/ssh.md`, held against a running gate: every row is sent, with the right
//! that it names and without any, to a side that takes it and to one that refuses it; and names that are in no row.

use std::collections::BTreeSet;
use std::path::Path;

use gatehouse_e2e::{LIMIT, Run, Scene, Setup, add_server_at, client_file, free_port, python, wait_for};
use serde_json::{Value, json};

const KINDS: [&str; 3] = ["channel", "channel request", "global request"];
const SIDES: [&str; 2] = ["client", "server"];
/// Requests that are never answered (RFC 4254 sections 6.7 to 6.10).
const UNANSWERED: [&str; 6] = [
    "window-change",
    "signal",
    "xon-xoff",
    "exit-status",
    "exit-signal",
    "hostkeys-00@openssh.com",
];
/// Answered with success whatever becomes of it, as the text above the table says.
const ANSWERED_EITHER_WAY: &str = "auth-agent-req@openssh.com";

/// A row of the table, for one side.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Row {
    kind: String,
    side: String,
    name: String,
    right: Option<String>,
    answer: String,
}

fn table() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/ssh.md");
    let text = std::fs::read_to_string(path).unwrap();
    let section = text.split_once("## Channels and requests").unwrap().1;
    let section = section.split_once("\n## ").unwrap().0;
    let mut rows = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let sides = if cells[2] == "both" {
            &SIDES[..]
        } else {
            &cells[2..3]
        };
        for side in sides {
            rows.push(Row {
                kind: cells[1].to_owned(),
                side: (*side).to_owned(),
                name: cells[0].to_owned(),
                right: Some(cells[3].to_owned()).filter(|right| right != "–"),
                answer: cells[4].to_owned(),
            });
        }
    }
    rows
}

/// What is in no row: a name made up, and each name from the side that it is not told of.
fn unlisted(rows: &[Row]) -> Vec<Row> {
    let names = rows.iter().map(|row| (row.kind.as_str(), row.name.as_str()));
    let made_up = KINDS.map(|kind| (kind, "unheard-of@example.com"));
    let names: BTreeSet<_> = names.chain(made_up).collect();
    let mut list = Vec::new();
    for (kind, name) in names {
        for side in SIDES {
            let listed =
                |row: &Row| (row.kind.as_str(), row.side.as_str(), row.name.as_str()) == (kind, side, name);
            if !rows.iter().any(listed) {
                list.push(Row {
                    kind: kind.to_owned(),
                    side: side.to_owned(),
                    name: name.to_owned(),
                    right: None,
                    answer: "refused".to_owned(),
                });
            }
        }
    }
    list
}

/// A way of sending them all.
#[derive(Clone, Copy, Debug)]
struct Round {
    rights: bool,
    refusing: bool,
}

impl Round {
    /// The answer, and whether the other side gets it; `None` where that does not matter.
    fn expected(self, row: &Row) -> (Value, Option<bool>) {
        let without = row.right.is_some() && !self.rights;
        let answer = |success: bool| {
            if UNANSWERED.contains(&row.name.as_str()) {
                Value::Null
            } else {
                if success { "success" } else { "failure" }.into()
            }
        };
        match row.answer.as_str() {
            "answered" if row.name == ANSWERED_EITHER_WAY => (answer(true), Some(self.rights)),
            _ if without => (answer(false), Some(false)),
            "passed" => (answer(!self.refusing), Some(true)),
            "answered" => (answer(true), row.right.is_some().then_some(true)),
            "refused" => (answer(false), Some(false)),
            "ignored" => (Value::Null, Some(false)),
            other => panic!("{other} is no answer: {row:?}"),
        }
    }

    /// What is not as the table says.
    fn differences(self, scene: &Scene, port: u16, rows: &[Row]) -> Vec<String> {
        let seen = self.sent(scene, port, rows);
        let mut differences = Vec::new();
        for (row, seen) in rows.iter().zip(seen.as_array().unwrap()) {
            let (answer, arrived) = self.expected(row);
            if seen["answer"] != answer || arrived.is_some_and(|arrived| seen["arrived"] != arrived) {
                differences.push(format!("{row:?} in {self:?}: {seen}, not {answer} {arrived:?}"));
            }
        }
        assert_eq!(seen.as_array().unwrap().len(), rows.len());
        differences
    }

    fn sent(self, scene: &Scene, port: u16, rows: &[Row]) -> Value {
        let net = scene.site.net;
        let person = net.person(if self.rights { 1 } else { 2 });
        let gate = scene.at_proxy(2).addr;
        let unanswered = rows
            .iter()
            .filter(|row| row.answer == "passed" && UNANSWERED.contains(&row.name.as_str()));
        let key = scene.site.folder().join("probe_key");
        let setup = json!({
            "address": net.server(2).to_string(),
            "port": port,
            "key": key,
            "gate": gate.ip().to_string(),
            "gate_port": gate.port(),
            "source": person.to_string(),
            "login": "probe",
            "forward_port": free_port(net.proxy(2)),
            "refusing": self.refusing,
            "probes": rows.iter().map(|row| [&row.kind, &row.side, &row.name]).collect::<Vec<_>>(),
            "passed_unanswered": unanswered.map(|row| [&row.kind, &row.side, &row.name]).collect::<Vec<_>>(),
        });
        let run = Run::new(python())
            .arg(client_file("probe_asyncssh.py"))
            .arg(setup.to_string());
        // Hundreds of questions and answers by Python, each through three programs.
        serde_json::from_str(&run.within(LIMIT * 8).done().ok()).unwrap()
    }
}

#[test]
fn every_channel_type_and_request_is_answered_as_the_table_says() {
    let scene = Scene::with(Setup {
        grant: None,
        ..Setup::default()
    });
    let net = scene.site.net;
    let port = free_port(net.server(2));
    add_server_at(&scene.site, "probe", (net.server(2), port).into(), 2);
    scene.site.add_person("bob", net.person(2));
    let key = scene.site.folder().join("probe_key");
    let made = Run::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]);
    made.arg(&key).done().ok();

    let table = table();
    assert!(table.len() > 30, "the table was not found");
    let rights: BTreeSet<_> = table.iter().filter_map(|row| row.right.clone()).collect();
    let mut grant = vec!["policy", "grant", "--user", "alice", "--server", "probe"];
    for right in &rights {
        grant.extend(["--right", right]);
    }
    scene.site.ok(&grant);
    scene
        .site
        .ok(&["policy", "grant", "--user", "bob", "--server", "probe"]);
    wait_for("both grants to be in force", LIMIT, || {
        let who = scene.site.list(&["who-can", "--server", "probe"]);
        (who.len() == 2).then_some(())
    });

    let rows = [table.clone(), unlisted(&table)].concat();
    let mut differences = Vec::new();
    for (rights, refusing) in [(true, false), (true, true), (false, false)] {
        differences.extend(Round { rights, refusing }.differences(&scene, port, &rows));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
