//! Bad days, rehearsed: what happens to everybody else, and to what was recorded, when something breaks.
//!
//! What is promised on each is in `docs/design/bad-days.md`.

mod crowd;
mod database;
mod disk;
mod panics;
mod server;
mod stalls;
mod steps;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gatehouse_e2e::{LIMIT, Scene, Terminal, wait_for};
use serde_json::Value;

/// A session that must not notice: a shell in which something was shown, which is in its recording's file by now.
struct Bystander {
    terminal: Terminal,
    id: String,
    /// What was shown.
    words: Vec<String>,
}

impl Bystander {
    fn begin(scene: &Scene) -> Self {
        let before = ids(scene);
        let terminal = scene.shell();
        let id = new_session(scene, &before);
        let mut bystander = Self {
            terminal,
            id,
            words: Vec::new(),
        };
        bystander.works();
        let cast = cast(scene, &bystander.id);
        wait_for("the words in the file", LIMIT, || {
            let text = fs::read_to_string(&cast).unwrap_or_default();
            bystander
                .words
                .iter()
                .all(|word| text.contains(word))
                .then_some(())
        });
        bystander
    }

    /// Types, and sees the answer.
    #[track_caller]
    fn works(&mut self) {
        let number = self.words.len();
        let word = format!("kept{number}of{}", &self.id[self.id.len() - 6..]);
        let (first, second) = word.split_at(4);
        self.terminal.types(&format!("echo {first}''{second}\n"));
        self.terminal.shows(&word);
        self.words.push(word);
    }

    /// Leaves as people do; everything that was shown is recorded.
    #[track_caller]
    fn leaves(mut self, scene: &Scene) {
        self.works();
        self.terminal.types("exit\n");
        assert_eq!(self.terminal.ends(), 0);
        let session = scene.closed(&self.id);
        assert_eq!(session["end_reason"], "normal", "{session}");
        self.is_recorded(scene);
    }

    /// Everything that was shown is in the closed recording.
    #[track_caller]
    fn is_recorded(&self, scene: &Scene) {
        let text = scene.site.ok(&["session", "text", &self.id]);
        for word in &self.words {
            assert!(text.contains(word), "{word} was lost of {}:\n{text}", self.id);
        }
    }
}

/// The sessions that are listed.
fn ids(scene: &Scene) -> BTreeSet<String> {
    let sessions = scene.site.list(&["session", "list"]);
    sessions
        .iter()
        .filter_map(|session| session["id"].as_str().map(str::to_owned))
        .collect()
}

/// Waits for a session that was not among these; gives its id.
#[track_caller]
fn new_session(scene: &Scene, before: &BTreeSet<String>) -> String {
    wait_for("a new session", LIMIT, || {
        ids(scene).difference(before).next().cloned()
    })
}

fn cast(scene: &Scene, id: &str) -> PathBuf {
    let session = scene.site.json(&["session", "show", id]);
    scene.site.recording(&session).join("ssh-0.cast")
}

/// All rows are closed, every recording and the book are whole, and the gate serves.
#[track_caller]
fn all_is_well(scene: &Scene) {
    assert_eq!(scene.ssh("echo serves on").done().ok(), "serves on\n");
    all_rows_closed(scene);
    scene.site.ok(&["session", "verify", "--all"]);
    scene.site.ok(&["audit", "verify"]);
}

#[track_caller]
fn all_rows_closed(scene: &Scene) {
    wait_for("every row to be closed", LIMIT, || {
        let open = |session: &Value| session["state"] != "closed";
        let active = scene.site.list(&["session", "list", "--active"]);
        (!active.iter().any(open) && !scene.site.list(&["session", "list"]).iter().any(open)).then_some(())
    });
}

#[test]
fn every_fault_point_in_the_code_is_rehearsed() {
    let rehearsed: BTreeSet<&str> = [steps::points(), disk::POINTS.to_vec(), panics::points()]
        .concat()
        .into_iter()
        .collect();
    let mut there = BTreeSet::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut open = vec![crates.canonicalize().unwrap()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("crates/faults") && !path.ends_with("crates/e2e") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let named = ["point!(\"", "failing!(\""]
                    .iter()
                    .flat_map(|call| text.split(call).skip(1));
                there.extend(named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    assert!(there.len() > 25, "{there:?}");
    let forgotten: Vec<_> = there
        .iter()
        .filter(|point| !rehearsed.contains(point.as_str()))
        .collect();
    let gone: Vec<_> = rehearsed
        .iter()
        .filter(|point| !there.contains(**point))
        .collect();
    assert!(
        forgotten.is_empty() && gone.is_empty(),
        "not rehearsed: {forgotten:?}; gone: {gone:?}"
    );
}
