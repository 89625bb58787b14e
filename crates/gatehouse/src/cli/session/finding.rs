//! What only the command line says of a verification: of copies of recordings, checked without a store.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use gatehouse_archive::Verification;
use gatehouse_audit::{Event, Fault};
use gatehouse_gate::{Anchor, RecordingFinding};
use gatehouse_store::AnchorLine;

use crate::failure::Failure;

/// No public key was given: says how to go on.
pub(super) fn name_no_key(found: &mut RecordingFinding) {
    let Some(key) = &found.signed_by else {
        return;
    };
    found.problems.retain(|problem| !problem.contains(key));
    found.problems.push(format!(
        "the signature fits; whether its key {key} is the site's is not known: give the site's public keys with --public-key FILE"
    ));
}

/// What the book says of a recording, with events of it in a file, as `audit list --json` prints them: an array in any order.
pub(super) fn anchor_in_file(path: &Path, checked: &Verification) -> Result<Anchor, Failure> {
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
        return Ok(Anchor::NotChecked);
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
    Ok(Anchor::among(&lines, checked, fault))
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
