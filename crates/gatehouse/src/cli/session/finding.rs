//! What a verification found, and how it is told.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use gatehouse_archive::{ArchiveError, ContentsCheck, Part, Problem, Verification};
use gatehouse_audit::{Event, Fault};
use gatehouse_store::{AnchorLine, Session};
use serde::Serialize;

use crate::failure::Failure;

const OK: &str = "ok";
const WRONG: &str = "wrong";

/// What was found of one recording.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    /// The session's id; of a copy without a manifest, its directory.
    pub(super) session: String,
    /// The person.
    pub(super) user: String,
    /// The server.
    pub(super) server: String,
    /// Whether nothing is wrong.
    pub(super) ok: bool,
    /// Files and the manifest's list of them.
    files: &'static str,
    /// The manifest's signature.
    signature: &'static str,
    /// The line in the audit book.
    anchor: &'static str,
    /// What encrypted files hold.
    contents: &'static str,
    /// The id of the key that signed.
    signed_by: Option<String>,
    /// What is wrong, a sentence each.
    pub(super) problems: Vec<String>,
}

/// What the book says of a recording.
#[derive(Debug)]
pub(super) enum Anchor {
    /// The book was not asked.
    NotChecked,
    /// The same.
    Fits,
    /// Something else, or nothing that can be trusted.
    Wrong(String),
}

impl Found {
    /// What a check found; `place` stands for the session where there is no manifest to tell it.
    pub(super) fn of(checked: &Verification, place: &str, anchor: &Anchor) -> Self {
        let mut problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
        let anchor = match anchor {
            Anchor::NotChecked => "not_checked",
            Anchor::Fits => OK,
            Anchor::Wrong(why) => {
                problems.push(why.clone());
                WRONG
            }
        };
        let state = |part| match checked.wrong_with(part).next() {
            None => OK,
            Some(_) => WRONG,
        };
        // A manifest that cannot be read says nothing of its signature.
        let signature = match (&checked.manifest, state(Part::Signature)) {
            (Some(_), state) if !not_sealed(checked) => state,
            _ => "not_checked",
        };
        let contents = match (checked.contents, state(Part::Contents)) {
            (_, WRONG) => WRONG,
            (ContentsCheck::NotEncrypted, _) => "not_encrypted",
            (ContentsCheck::NoKey, _) => "no_key",
            (ContentsCheck::Read, _) => OK,
        };
        let head = checked.manifest.as_ref().map(|manifest| &manifest.head);
        Self {
            session: head.map_or_else(|| place.to_owned(), |head| head.session.to_string()),
            user: head.map_or_else(String::new, |head| head.user.clone()),
            server: head.map_or_else(String::new, |head| head.server.clone()),
            ok: problems.is_empty(),
            files: state(Part::Files),
            signature,
            anchor,
            contents,
            signed_by: checked.signed_by.map(|key| key.id()),
            problems,
        }
    }

    /// The same, named as the store names the session.
    pub(super) fn about(self, session: &Session) -> Self {
        Self {
            session: session.id.to_string(),
            user: session.user.clone(),
            server: session.server.clone(),
            ..self
        }
    }

    /// A recording that could not be looked at.
    pub(super) fn unreadable(session: &Session, error: &ArchiveError) -> Self {
        Self {
            session: session.id.to_string(),
            user: session.user.clone(),
            server: session.server.clone(),
            ok: false,
            files: WRONG,
            signature: "not_checked",
            anchor: "not_checked",
            contents: "not_checked",
            signed_by: None,
            problems: vec![error.to_string()],
        }
    }

    /// No public key was given: says how to go on.
    pub(super) fn name_no_key(&mut self) {
        let Some(key) = &self.signed_by else {
            return;
        };
        self.problems.retain(|problem| !problem.contains(key));
        self.problems.push(format!(
            "the signature fits; whether its key {key} is the site's is not known: give the site's public keys with --public-key FILE"
        ));
    }

    /// What is said when nothing is wrong.
    pub(super) fn good_words(&self) -> &'static str {
        match self.contents {
            "no_key" => "as it was written; encrypted, and not read for want of a key",
            _ => "as it was written",
        }
    }
}

fn not_sealed(checked: &Verification) -> bool {
    checked.problems.contains(&Problem::NotSealed)
}

impl Anchor {
    /// Looks for the recording among the lines of the book that are about its session, the newest first. `fault`: the
    /// first thing that is wrong with the book as a whole, where all of it was read.
    pub(super) fn among(lines: &[AnchorLine], checked: &Verification, fault: Option<Fault>) -> Self {
        let Some(digest) = checked.manifest_digest.as_deref() else {
            return Self::NotChecked;
        };
        if not_sealed(checked) {
            return Self::NotChecked;
        }
        let fits = lines.iter().find(|line| line.manifest_digest() == Some(digest));
        if let Some(line) = fits.filter(|line| line.sound) {
            return match fault.filter(|fault| fault.seq() <= line.event.seq) {
                None => Self::Fits,
                Some(fault) => Self::Wrong(format!(
                    "the audit book is not what was written, so line {} that anchors the recording proves nothing: {fault}",
                    line.event.seq
                )),
            };
        }
        let changed = fits.or_else(|| lines.iter().find(|line| !line.sound));
        let newest = lines.iter().find(|line| line.manifest_digest().is_some());
        Self::Wrong(match (changed, newest) {
            (Some(line), _) => format!(
                "line {} of the audit book, which anchors the recording, was changed (or the line before it)",
                line.event.seq
            ),
            (None, Some(line)) => format!(
                "manifest.json is not the one that line {} of the audit book names",
                line.event.seq
            ),
            (None, None) => "the audit book has no line that anchors the recording".to_owned(),
        })
    }

    /// The same with events of the book in a file, as `audit list --json` prints them: an array in any order.
    pub(super) fn in_file(path: &Path, checked: &Verification) -> Result<Self, Failure> {
        let failed = |source| Failure::File {
            path: path.to_owned(),
            done: "read",
            source,
        };
        let mut events: Vec<Event> = if path == Path::new("-") {
            serde_json::from_reader(std::io::stdin().lock())
        } else {
            serde_json::from_reader(BufReader::new(File::open(path).map_err(failed)?))
        }
        .map_err(|error| {
            Failure::refused(format!(
                "{} does not hold events of the audit book, as `gatehouse audit list --json --limit 0` prints them: {error}",
                path.display()
            ))
        })?;
        events.sort_by_key(|event| event.seq);
        let Some(manifest) = &checked.manifest else {
            return Ok(Self::NotChecked);
        };
        let session = manifest.head.session.to_string();
        let mut lines = Vec::new();
        let mut fault = None;
        for (event, before) in events
            .iter()
            .zip(std::iter::once(None).chain(events.iter().map(Some)))
        {
            let sound = link(event, before);
            if !sound && fault.is_none() {
                fault = Some(Fault::Changed { seq: event.seq });
            }
            let about = event.session.as_deref() == Some(session.as_str());
            if about
                && AnchorLine::ACTIONS
                    .iter()
                    .any(|action| action.code() == event.action)
            {
                lines.insert(
                    0,
                    AnchorLine {
                        event: event.clone(),
                        sound,
                    },
                );
            }
        }
        Ok(Self::among(&lines, checked, fault))
    }
}

/// Whether an event has the hash that its content and the event before it give. Of the first one in a part of a book, whose
/// predecessor is not there, that is not known.
fn link(event: &Event, before: Option<&Event>) -> bool {
    match before {
        Some(before) if before.seq + 1 == event.seq => event.hash_after(before.hash) == event.hash,
        Some(_) => false,
        None if event.seq == 1 => event.hash_after(gatehouse_audit::Hash::ZERO) == event.hash,
        None => true,
    }
}
