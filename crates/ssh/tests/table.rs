//! The table of channels and requests in `docs/reference/ssh.md` against the code that answers them: the protocol
//! library's own lists of names, as patched, and the gate's handlers.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a file that cannot be read is a test that fails"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;

/// A row of the table.
#[derive(Debug)]
struct Row {
    name: String,
    kind: String,
    from: String,
    right: Option<String>,
    answer: String,
}

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rows() -> Vec<Row> {
    let text = read("docs/reference/ssh.md");
    let section = text.split_once("## Channels and requests").unwrap().1;
    let section = section.split_once("\n## ").unwrap().0;
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let word = |cell: &str| cell.trim().trim_matches('`').to_owned();
    lines
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').collect();
            Row {
                name: word(cells[0]),
                kind: word(cells[1]),
                from: word(cells[2]),
                right: Some(word(cells[3])).filter(|right| right != "–"),
                answer: word(cells[4]),
            }
        })
        .collect()
}

/// Names that a piece of the library's source compares with, between two marks.
fn names(path: &str, from: &str, to: &str) -> BTreeSet<String> {
    let text = read(path);
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("{path} has no {from:?}"));
    let part = rest.split_once(to).map_or(rest, |(part, _)| part);
    let quoted = part.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("} else if req == ").unwrap_or(line);
        let rest = line.strip_prefix('"')?;
        let (name, after) = rest.split_once('"')?;
        let arm = after.trim_start().starts_with("=>") || after.trim_start() == "{";
        arm.then(|| name.to_owned())
    });
    quoted.collect()
}

fn in_table(rows: &[Row], kind: &str, from: &str, answers: &[&str]) -> BTreeSet<String> {
    let fits = |row: &&Row| {
        row.kind == kind && (row.from == from || row.from == "both") && answers.contains(&row.answer.as_str())
    };
    rows.iter().filter(fits).map(|row| row.name.clone()).collect()
}

const KNOWN: &[&str] = &["passed", "answered", "ignored"];

#[test]
fn every_request_that_the_library_knows_is_in_the_table_and_no_other_is_promised() {
    let rows = rows();
    let of_client = "third-party/russh/src/server/encrypted.rs";
    let of_server = "third-party/russh/src/client/encrypted.rs";
    assert_eq!(
        names(of_client, "msg::CHANNEL_REQUEST =>", "msg::GLOBAL_REQUEST =>"),
        in_table(&rows, "channel request", "client", KNOWN)
    );
    assert_eq!(
        names(
            of_client,
            "msg::GLOBAL_REQUEST =>",
            "msg::CHANNEL_OPEN_FAILURE =>"
        ),
        in_table(&rows, "global request", "client", KNOWN)
    );
    assert_eq!(
        names(of_server, "&msg::CHANNEL_REQUEST, ", "&msg::GLOBAL_REQUEST, "),
        in_table(&rows, "channel request", "server", KNOWN)
    );
    let mut global = names(of_server, "&msg::GLOBAL_REQUEST, ", "&msg::CHANNEL_SUCCESS, ");
    // Compared by its beginning there.
    global.insert("keepalive@openssh.com".to_owned());
    assert_eq!(global, in_table(&rows, "global request", "server", KNOWN));
}

#[test]
fn every_channel_type_that_the_library_knows_is_in_the_table() {
    let rows = rows();
    let known = names(
        "third-party/russh/src/parsing.rs",
        "match typ",
        "ChannelType::Unknown",
    );
    let told: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.kind == "channel" && (row.from == "server" || row.answer != "refused"))
        .map(|row| row.name.clone())
        .collect();
    assert_eq!(known, told);
    // What a server may open is what the backend's handler does not refuse.
    let handler = read("crates/ssh/src/backend.rs");
    for row in rows
        .iter()
        .filter(|row| row.kind == "channel" && row.from == "server")
    {
        let method = match row.name.as_str() {
            "session" => "server_channel_open_session",
            "direct-tcpip" => "server_channel_open_direct_tcpip",
            "direct-streamlocal@openssh.com" => "server_channel_open_direct_streamlocal",
            "forwarded-tcpip" => "server_channel_open_forwarded_tcpip",
            "forwarded-streamlocal@openssh.com" => "server_channel_open_forwarded_streamlocal",
            "x11" => "server_channel_open_x11",
            "auth-agent@openssh.com" => "server_channel_open_agent_forward",
            other => panic!("{other} is in the table and not in this test"),
        };
        let (_, body) = handler
            .split_once(&format!("fn {method}("))
            .unwrap_or_else(|| panic!("no {method}"));
        let body = body.split_once("\n    }\n").unwrap().0;
        assert_eq!(body.contains("refuse(reply)"), row.answer == "refused", "{row:?}");
    }
}

#[test]
fn the_rights_of_the_table_are_rights() {
    for row in rows() {
        if let Some(right) = &row.right {
            assert!(right.parse::<gatehouse_model::Right>().is_ok(), "{row:?}");
        }
        assert!(
            ["passed", "answered", "refused", "ignored"].contains(&row.answer.as_str()),
            "{row:?}"
        );
    }
}
