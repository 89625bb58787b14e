//! A site: a data directory, a configuration, the command line, and at most one node.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::faults;
use crate::net::Net;
use crate::node::Node;
use crate::postgres::database;
use crate::run::{Done, Run};
use crate::wait::{LIMIT, wait_for};

/// Pool addresses that a site's node listens on.
const PROXIES: u8 = 4;

/// Where the store is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Database<'a> {
    /// In the data directory.
    Sqlite,
    /// In a database of its own on the cluster of this test run.
    Postgres,
    /// At this address.
    At(&'a str),
}

/// A site under test.
pub struct Site {
    // Dropped first: its log is shown with a failed test.
    node: Option<Node>,
    starts: u32,
    folder: TempDir,
    /// Its addresses.
    pub net: Net,
    /// The store's address, as the configuration has it.
    pub database_url: String,
}

/// The binary under test.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("GATEHOUSE_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the path of this test");
    let path = test.ancestors().nth(2).expect("cargo's folder").join("gatehouse");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build -p gatehouse` first, as ./test does",
        path.display()
    );
    path
}

impl Site {
    /// A site whose node is not started, configured as [`Site::write_config`] says.
    pub fn new(database_kind: Database<'_>, lines: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the site");
        let net = Net::next();
        let database_url = match database_kind {
            Database::Sqlite => "sqlite".to_owned(),
            Database::Postgres => database(),
            Database::At(url) => url.to_owned(),
        };
        let site = Self {
            node: None,
            starts: 0,
            folder,
            net,
            database_url,
        };
        site.write_config(lines);
        site
    }

    /// Writes the configuration: the usual lines, then these. Keys are written with dots
    /// (`recording.mode = "strict"`), since a section may be begun only once.
    pub fn write_config(&self, lines: &str) {
        let addresses = (0..=PROXIES).map(|n| {
            if n == 0 {
                self.net.gate()
            } else {
                self.net.proxy(n)
            }
        });
        let listen: Vec<_> = addresses.map(|address| format!("\"{address}:0\"")).collect();
        // Never in the machine's own login records; a test that wants some names its own.
        let login_records = if lines.contains("utmp.") {
            ""
        } else {
            "utmp.utmp = \"\"\nutmp.wtmp = \"\"\n"
        };
        let metrics = if lines.contains("metrics.") {
            ""
        } else {
            "metrics.listen = []\n"
        };
        let web = if lines.contains("web.listen") {
            ""
        } else {
            "web.listen = []\n"
        };
        let text = format!(
            "data_dir = {:?}\ndatabase_url = {:?}\nssh.listen = [{}]\nrdp.listen = []\n\
             {web}{metrics}{login_records}{lines}\n",
            self.data_dir(),
            self.database_url,
            listen.join(", "),
        );
        fs::write(self.config(), text).expect("the site's configuration");
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("gatehouse.toml")
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder of the site for other things.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the node.
    pub fn serve(&mut self) {
        self.starts += 1;
        let log = self.folder.path().join(format!("node-{}.log", self.starts));
        self.node = Some(Node::start(&self.config(), log));
    }

    /// Starts the node where it is going to crash, and waits for that.
    pub fn serve_and_crash(&mut self) {
        self.starts += 1;
        let log = self.folder.path().join(format!("node-{}.log", self.starts));
        Node::launch(&self.config(), log).crashes();
    }

    /// From now on these go wrong in the node: `POINT = WHAT`, as the crate of fault points says.
    #[track_caller]
    pub fn arm(&self, lines: &[&str]) {
        faults::arm(&self.folder.path().join("faults"), lines);
    }

    /// From now on nothing does.
    pub fn disarm(&self) {
        let _ = fs::remove_file(self.folder.path().join("faults"));
    }

    /// Runs `serve` where it cannot serve; gives how it ended.
    pub fn serve_in_vain(&self) -> Done {
        self.cli(&["serve"]).done()
    }

    /// Starts a second node on the same store, with a data directory of its own.
    pub fn second_node(&self) -> Node {
        self.second_node_with("", "")
    }

    /// The same, with a line of the configuration replaced by another one.
    pub fn second_node_with(&self, line: &str, by: &str) -> Node {
        let text = fs::read_to_string(self.config()).expect("the site's configuration");
        let data = format!("{:?}", self.data_dir());
        let other = format!("{:?}", self.folder.path().join("data-2"));
        let config = self.second_config();
        let text = if line.is_empty() {
            text
        } else {
            text.replace(line, by)
        };
        // The key that seals secrets is shared as well.
        let key = format!("store.key_file = {:?}\n", self.data_dir().join("store.key"));
        fs::write(&config, key + &text.replace(&data, &other)).expect("the second node's configuration");
        Node::start(&config, self.folder.path().join("second.log"))
    }

    /// The configuration file of the second node.
    pub fn second_config(&self) -> PathBuf {
        self.folder.path().join("second.toml")
    }

    /// Runs the command line on the second node's machine.
    pub fn second_cli(&self, args: &[&str]) -> Run {
        Run::new(program())
            .args(args)
            .arg("--config")
            .arg(self.second_config())
            .env_clean()
    }

    /// The running node.
    pub fn node(&self) -> &Node {
        self.node.as_ref().expect("the node was started")
    }

    /// Whether the node runs: it was started and has not ended by itself.
    pub fn is_serving(&mut self) -> bool {
        self.node.as_mut().is_some_and(Node::is_running)
    }

    /// Takes the node, to end it.
    pub fn take_node(&mut self) -> Node {
        self.node.take().expect("the node was started")
    }

    /// Runs the command line.
    pub fn cli(&self, args: &[&str]) -> Run {
        Run::new(program())
            .args(args)
            .arg("--config")
            .arg(self.config())
            .env_clean()
    }

    /// Runs it and fails the test unless it is done; gives its output.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        self.cli(args).done().ok()
    }

    /// Runs it and expects a refusal; gives the sentence.
    #[track_caller]
    pub fn refused(&self, args: &[&str]) -> String {
        let done: Done = self.cli(args).done().exits(1);
        assert!(
            done.stdout.is_empty(),
            "a refusal prints nothing on stdout: {done}"
        );
        let text = done.err();
        assert_eq!(text.trim_end().lines().count(), 1, "one sentence: {done}");
        text
    }

    /// Runs it with `--json` and reads the document, whatever the exit status.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let done = self.cli(args).arg("--json").done();
        serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done}"))
    }

    /// The same as an array.
    #[track_caller]
    pub fn list(&self, args: &[&str]) -> Vec<Value> {
        match self.json(args) {
            Value::Array(items) => items,
            other => panic!("{args:?} gave no array: {other}"),
        }
    }

    /// Waits for an audit event that fits; gives it.
    #[track_caller]
    pub fn audited(&self, action: &str, fits: impl Fn(&Value) -> bool) -> Value {
        wait_for(&format!("an audit event {action}"), LIMIT, || {
            self.list(&["audit", "list", "--action", action])
                .into_iter()
                .find(|event| fits(event))
        })
    }

    /// Waits for a session that fits; gives it as `session show` does.
    #[track_caller]
    pub fn session(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = wait_for(&format!("a session: {what}"), LIMIT, || {
            self.list(&["session", "list"])
                .into_iter()
                .find(|session| fits(session))
        });
        self.json(&["session", "show", text(&found, "id")])
    }

    /// Waits until the only or newest session is closed; gives it.
    #[track_caller]
    pub fn closed_session(&self) -> Value {
        self.session("one that is closed", |session| session["state"] == "closed")
    }

    /// The folder of a session's recording.
    pub fn recording(&self, session: &Value) -> PathBuf {
        let path = text(session.get("recording").unwrap_or(&Value::Null), "path");
        self.data_dir().join(path)
    }

    /// One file of a session's recording.
    #[track_caller]
    pub fn recorded(&self, session: &Value, file: &str) -> Vec<u8> {
        let path = self.recording(session).join(file);
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Gives a person an address.
    pub fn add_person(&self, name: &str, address: Ipv4Addr) {
        self.ok(&["user", "add", name, "--address", &address.to_string()]);
    }
}

/// A field of a JSON object that is text.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {field} in {value}"))
}
