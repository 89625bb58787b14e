//! A configuration and a data directory of one test, and the program run on them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A site without a node.
pub(crate) struct Site {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Site {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let site = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        site.configure("");
        site
    }

    /// One with alice and bob, web01 and db01, groups and a pool.
    pub(crate) fn furnished() -> Self {
        let site = Self::new();
        for line in [
            "pool add 10.9.0.0/28",
            "user add alice --address 10.1.0.0/16 --email alice@example.com",
            "user add bob --address 10.2.0.1",
            "server add web01 10.8.0.1",
            "server add db01 db01.example.com --ssh=2222 --rdp --os linux",
            "group add staff",
            "group add seniors --parent staff",
            "group add juniors --parent seniors",
            "group member add juniors bob",
            "server-group add machines",
            "server-group member add machines web01",
            "policy grant --user alice --server web01",
        ] {
            site.ok(line);
        }
        site
    }

    /// Writes the configuration: what every test needs, and these lines.
    pub(crate) fn configure(&self, lines: &str) {
        let data = self.folder.path().join("data");
        std::fs::write(self.config(), format!("data_dir = {data:?}\n{lines}")).unwrap();
    }

    /// The configuration's file.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("gatehouse.toml")
    }

    /// A file for the test.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Runs these words, with text on standard input.
    pub(crate) fn run(&self, words: &[&str], stdin: &str) -> Done {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GATEHOUSE_")) {
            command.env_remove(name);
        }
        command.arg("--config").arg(self.config()).args(words);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read may have ended already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        Done::from(child.wait_with_output().unwrap())
    }

    /// Runs a line of words without spaces in them.
    pub(crate) fn line(&self, line: &str) -> Done {
        self.run(&line.split(' ').collect::<Vec<_>>(), "")
    }

    /// Runs a line that must be done.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> String {
        let done = self.line(line);
        assert_eq!(done.code, Some(0), "{line}: {done:?}");
        done.out
    }

    /// Runs a line with `--json`, whatever its exit status.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Value {
        let done = self.line(&format!("{line} --json"));
        serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{line}: {error}: {done:?}"))
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Done {
    /// The one sentence of a refusal, with nothing on standard output.
    #[track_caller]
    pub(crate) fn sentence(&self) -> &str {
        assert!(matches!(self.code, Some(1 | 2)), "not refused: {self:?}");
        assert!(
            self.out.is_empty(),
            "a refusal prints nothing on standard output: {self:?}"
        );
        let sentence = self
            .err
            .strip_suffix('\n')
            .unwrap_or_else(|| panic!("no line: {self:?}"));
        assert!(
            sentence.starts_with("gatehouse: ") && !sentence.contains('\n'),
            "{self:?}"
        );
        for trace in ["panicked", "Error {", "error:", "(os error 0)"] {
            assert!(!sentence.contains(trace), "{self:?}");
        }
        sentence
    }
}
