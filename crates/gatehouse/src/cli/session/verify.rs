//! `gatehouse session verify`: files, signature and anchor of recordings.

use std::path::PathBuf;

use clap::Args;
use gatehouse_archive::{Expected, Keyring, Verification};
use gatehouse_audit::{Action, Draft, Outcome};
use gatehouse_gate::{Anchor, RecordingFinding, RecordingVerifier, VerifyError, recording_keyring};
use gatehouse_model::SessionState;
use gatehouse_recording::signature::PublicKey;
use gatehouse_store::{AuditPace, PageRequest, SessionFilter};

use super::casts::{library, path};
use super::find;
use super::finding::{anchor_in_file, name_no_key};
use super::source::Opening;
use crate::cli::context::{Format, to_json};
use crate::cli::secret_input::file_or_stdin;
use crate::cli::{Answer, Context, Verdict, examples};
use crate::failure::{Failure, sentence};
use crate::terminal::{Cell, Screen, Table, Tone};

#[derive(Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "all", "dir"]))]
#[command(after_long_help = examples!(
    "gatehouse session verify 0193a7",
    "gatehouse session verify --all --json",
    "gatehouse session verify --dir ./0193a7… --public-key recording-keys.pub",
    "gatehouse session verify --dir ./0193a7… --public-key recording-keys.pub --book book.json --identity key.txt",
))]
pub(crate) struct Arguments {
    /// Id of the session, any prefix that is unique, or `last`
    id: Option<String>,
    /// Every session that has ended
    #[arg(long)]
    all: bool,
    /// The recording in this directory instead, wherever it lies; needs no database, and is not audited
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// With --dir: whose signature counts, as `gatehouse recording-key export` prints it
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["id", "all"])]
    public_key: Option<PathBuf>,
    /// With --dir: events of the audit book, as `gatehouse audit list --json --limit 0` prints them
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["id", "all"])]
    book: Option<PathBuf>,
    #[command(flatten)]
    opening: Opening,
}

impl Arguments {
    /// Whether the recording is taken from a directory, so that no store is needed.
    pub(super) fn is_outside(&self) -> bool {
        self.dir.is_some()
    }
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    let keyring = recording_keyring(&context.store, arguments.opening.identities()?);
    let library = library(context).with_keys(keyring);
    let verifier = RecordingVerifier::new(context.store.clone(), library)
        .await
        .map_err(failed)?;
    let mut found = Vec::new();
    match &arguments.id {
        Some(id) => {
            let session = find(id, context).await?;
            if session.state != SessionState::Closed {
                return Err(Failure::refused(format!(
                    "session {} is still running; verify it when it has ended",
                    session.id
                )));
            }
            let one = verifier
                .check(&session, path(&session, context)?, None)
                .await
                .map_err(failed)?;
            verifier
                .record(&one, &context.actor, context.now)
                .await
                .map_err(failed)?;
            found.push(one);
        }
        None => {
            let filter = SessionFilter {
                state: Some(SessionState::Closed),
                ..SessionFilter::default()
            };
            let sessions = context
                .store
                .sessions(context.now, &filter, &PageRequest::all())
                .await?
                .items;
            // The anchors are worth what the book is worth.
            let fault = context.store.verify_audit(None, AuditPace::Fast).await?.fault;
            for session in sessions.iter().filter(|session| session.recording.is_some()) {
                let one = verifier
                    .check(session, path(session, context)?, fault)
                    .await
                    .map_err(failed)?;
                if !one.ok {
                    verifier
                        .record(&one, &context.actor, context.now)
                        .await
                        .map_err(failed)?;
                }
                found.push(one);
            }
            let damaged = found.iter().filter(|one| !one.ok).count();
            let draft = Draft::new(Action::RecordingVerified, &context.actor, context.now)
                .outcome(if damaged == 0 {
                    Outcome::Ok
                } else {
                    Outcome::Failed
                })
                .detail("recordings", found.len())
                .detail("damaged", damaged);
            context.store.record(draft).await?;
        }
    }
    let answer = context.answer(&found, |screen| table(&found, screen))?;
    Ok(answer.with(verdict(&found)))
}

/// Checks a copy of a recording, without a store.
pub(super) fn outside(arguments: &Arguments, format: Format) -> Result<Answer, Failure> {
    let Some(directory) = &arguments.dir else {
        return Ok(Answer::nothing());
    };
    let keys = match &arguments.public_key {
        Some(path) => PublicKey::read_all(&file_or_stdin(path)?)
            .map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?,
        None => Vec::new(),
    };
    let expected = Expected {
        digest: None,
        keys: &keys,
    };
    let keyring = Keyring::new(arguments.opening.identities()?, None);
    let checked = Verification::of(directory, None, &expected, &keyring)?;
    let anchor = match &arguments.book {
        Some(book) => anchor_in_file(book, &checked)?,
        None => Anchor::NotChecked,
    };
    let mut found = vec![RecordingFinding::of(
        &checked,
        &directory.display().to_string(),
        &anchor,
    )];
    if arguments.public_key.is_none() {
        found.iter_mut().for_each(name_no_key);
    }
    let text = match format {
        Format::Json => to_json(&found)?,
        Format::Text => table(&found, &Screen::of_stdout()),
    };
    Ok(Answer::text(text).with(verdict(&found)))
}

fn failed(error: VerifyError) -> Failure {
    match error {
        VerifyError::Store(error) => error.into(),
        other => Failure::refused(sentence(&other)),
    }
}

fn verdict(found: &[RecordingFinding]) -> Verdict {
    if found.iter().all(|one| one.ok) {
        Verdict::Yes
    } else {
        Verdict::No
    }
}

fn table(found: &[RecordingFinding], screen: &Screen) -> String {
    let mut table = Table::new(&["SESSION", "USER", "SERVER", "RECORDING"]);
    for one in found {
        let state = match one.ok {
            true => Cell::toned(one.good_words(), Tone::Good),
            false => Cell::toned(one.problems.join("; "), Tone::Bad),
        };
        table.row([
            one.session.as_str().into(),
            one.user.as_str().into(),
            one.server.as_str().into(),
            state,
        ]);
    }
    table.render(screen, "no recordings")
}
