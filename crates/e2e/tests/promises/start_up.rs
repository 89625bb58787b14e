//! Starting: an empty directory is enough, and what is wrong is one sentence.

use std::fs;
use std::net::TcpListener;

use gatehouse_e2e::{Database, Done, Scene, Site, database, sql};

#[test]
fn an_empty_data_directory_is_all_that_serve_needs() {
    let mut site = Site::new(Database::Sqlite, "");
    site.serve();
    let log = site.node().log();
    assert_eq!(log.lines().filter(|line| *line == "ready").count(), 1, "{log}");
    assert_eq!(
        log.lines()
            .filter(|line| line.starts_with("listening gate=ssh addr=127."))
            .count(),
        5,
        "{log}"
    );
    assert!(site.take_node().terminate().success());
}

#[test]
fn an_empty_data_directory_is_all_that_a_verb_needs() {
    let site = Site::new(Database::Sqlite, "");
    assert_eq!(site.list(&["user", "list"]).len(), 0);
    site.ok(&["user", "add", "alice"]);
    assert_eq!(site.list(&["user", "list"]).len(), 1);
}

#[test]
fn secrets_and_recordings_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.ssh("true").done().ok();
    scene.site.closed_session();
    let mut open = vec![scene.site.data_dir()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let metadata = entry.metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o077;
            assert!(
                mode == 0,
                "{} has mode {mode:o} for others",
                entry.path().display()
            );
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
    }
}

#[test]
fn a_second_node_on_the_same_data_directory_is_refused() {
    let scene = Scene::new();
    let done = one_sentence(scene.site.serve_in_vain());
    assert!(done.contains("data"), "{done}");
    assert_eq!(scene.ssh("echo first goes on").done().ok(), "first goes on\n");
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let site = Site::new(Database::Sqlite, "");
    let taken = TcpListener::bind((site.net.gate(), 0)).unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let done = site.cli(&["serve"]).env("GATEHOUSE_SSH__LISTEN", &addr).done();
    let sentence = one_sentence(done);
    assert!(
        sentence.contains(&addr) && sentence.contains("in use"),
        "{sentence}"
    );
}

#[test]
fn an_unknown_key_is_named() {
    for (line, named) in [
        ("ssh.lissten_timeout = 3", "ssh.lissten_timeout"),
        ("colour = \"red\"", "colour"),
        ("recording.mod = \"strict\"", "recording.mode"),
    ] {
        let site = Site::new(Database::Sqlite, line);
        for verb in [["serve", "--json"], ["config", "check"], ["user", "list"]] {
            let sentence = one_sentence(site.cli(&verb).done());
            assert!(sentence.contains(named), "{sentence}");
        }
    }
}

#[test]
fn a_wrong_value_is_told_with_its_key() {
    for (line, key) in [
        ("ssh.login_grace = \"soon\"", "login_grace"),
        ("recording.mode = \"maybe\"", "mode"),
        ("expiry.warnings = [\"5 parsecs\"]", "warnings"),
        ("policy.timezone = \"Mars/Olympus\"", "timezone"),
        ("limits.connections = \"many\"", "connections"),
        ("this is not TOML", "line"),
    ] {
        let site = Site::new(Database::Sqlite, line);
        let sentence = one_sentence(site.cli(&["config", "check"]).done());
        assert!(sentence.contains(key), "{sentence}");
    }
}

#[test]
fn every_key_can_be_overridden_from_the_environment_and_is_shown() {
    let site = Site::new(Database::Sqlite, "");
    site.ok(&["config", "check"]);
    let shown = site
        .cli(&["config", "show"])
        .env("GATEHOUSE_RECORDING__MODE", "best_effort")
        .done()
        .ok();
    assert!(shown.contains("best_effort"), "{shown}");
    let listen = site
        .cli(&["config", "show"])
        .env("GATEHOUSE_SSH__LISTEN", "[\"127.0.0.1:0\", \"[::1]:0\"]")
        .done()
        .ok();
    assert!(listen.contains("[::1]:0"), "{listen}");
}

#[test]
fn a_password_in_the_databases_address_is_not_shown() {
    let site = Site::new(Database::Sqlite, "");
    let url = "postgres://gate:very-secret@127.0.0.1:1/none";
    let shown = site
        .cli(&["config", "show"])
        .env("GATEHOUSE_DATABASE_URL", url)
        .done()
        .ok();
    assert!(!shown.contains("very-secret"), "{shown}");
    let sentence = one_sentence(
        site.cli(&["user", "list"])
            .env("GATEHOUSE_DATABASE_URL", url)
            .done(),
    );
    assert!(!sentence.contains("very-secret"), "{sentence}");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let site = Site::new(Database::Postgres, "");
    site.ok(&["user", "add", "alice"]);
    sql(&site.database_url, "update meta set schema = 9999");
    let sentence = one_sentence(site.cli(&["user", "list"]).done());
    assert!(sentence.contains("newer"), "{sentence}");
    one_sentence(site.serve_in_vain());
}

#[test]
fn a_database_that_cannot_be_reached_is_one_sentence() {
    let site = Site::new(Database::Sqlite, "");
    let url = database().replace("gatehouse_", "missing_");
    for url in [
        url.as_str(),
        "postgres://x@127.0.0.1:1/none",
        "mysql://x/y",
        "postgres://",
    ] {
        one_sentence(
            site.cli(&["user", "list"])
                .env("GATEHOUSE_DATABASE_URL", url)
                .done(),
        );
    }
}

#[test]
fn a_data_directory_that_cannot_be_made_is_one_sentence() {
    let site = Site::new(Database::Sqlite, "");
    fs::write(site.folder().join("file"), "").unwrap();
    let inside = site.folder().join("file/data");
    for verb in [["serve", "--json"], ["user", "list"]] {
        let sentence = one_sentence(site.cli(&verb).env("GATEHOUSE_DATA_DIR", &inside).done());
        assert!(sentence.contains("file/data"), "{sentence}");
    }
}

#[test]
fn a_database_that_is_no_database_is_one_sentence_and_left_as_it_is() {
    let site = Site::new(Database::Sqlite, "");
    site.ok(&["user", "list"]);
    let entries = fs::read_dir(site.data_dir()).unwrap().flatten();
    let path = entries
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|e| e == "db" || e == "sqlite"))
        .unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", path.display()));
    }
    fs::write(&path, "this was a database once\n".repeat(1_000)).unwrap();
    one_sentence(site.cli(&["user", "list"]).done());
    assert!(
        fs::read_to_string(&path).unwrap().starts_with("this was"),
        "the file was written over"
    );
}

/// The one sentence of a refusal.
fn one_sentence(done: Done) -> String {
    let done = done.exits(1);
    let text = done.err();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("gatehouse:"))
        .collect();
    assert_eq!(lines.len(), 1, "one sentence: {done}");
    assert!(done.stdout.is_empty(), "{done}");
    assert!(
        !text.contains("panicked") && !text.contains("backtrace"),
        "{done}"
    );
    lines[0].to_owned()
}
