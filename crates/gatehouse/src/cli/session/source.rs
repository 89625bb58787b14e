//! Which recording is to be shown, what opens it, and where: at the site with its store, or anywhere with a copy of the
//! recording's directory.

use std::path::{Path, PathBuf};

use clap::Args;
use gatehouse_archive::{Keyring, Recording};
use gatehouse_audit::Action;
use gatehouse_gate::recording_keyring;
use gatehouse_recording::age::{Identity, read_identities};
use gatehouse_store::Session;

use super::casts::{Recorded, library, path};
use super::{about_to_show, find};
use crate::cli::Context;
use crate::cli::context::Format;
use crate::cli::secret_input::file_or_stdin;
use crate::failure::Failure;

/// A recording, and what opens it.
#[derive(Args)]
pub(crate) struct Source {
    /// Id of the session, any prefix that is unique, or `last`
    #[arg(required_unless_present = "dir")]
    id: Option<String>,
    /// The recording in this directory instead, wherever it lies; needs no database, and is not audited
    #[arg(long, value_name = "DIR", conflicts_with = "id")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    opening: Opening,
}

/// What opens encrypted recordings beside the store.
#[derive(Args)]
pub(crate) struct Opening {
    /// Age identities that open an encrypted recording, as age-keygen writes them; `-` reads standard input
    #[arg(long, value_name = "FILE|-")]
    identity: Option<PathBuf>,
}

/// From where a recording is looked at.
pub(super) enum Desk<'c> {
    /// At the site.
    Site(&'c Context),
    /// Without a store, answering in this form.
    Outside(Format),
}

/// A recording that was found.
pub(super) struct Found {
    /// The session; `None`: the store was not asked.
    pub(super) session: Option<Session>,
    /// The recording.
    pub(super) recorded: Recorded,
}

impl Source {
    /// Whether the recording is taken from a directory, so that no store is needed.
    pub(super) fn is_outside(&self) -> bool {
        self.dir.is_some()
    }
}

impl Opening {
    /// The identities that were given.
    pub(super) fn identities(&self) -> Result<Vec<Identity>, Failure> {
        let Some(path) = &self.identity else {
            return Ok(Vec::new());
        };
        read_identities(&file_or_stdin(path)?)
            .map_err(|error| Failure::refused(format!("{}: {error}", path.display())))
    }
}

impl Desk<'_> {
    /// How to answer.
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Site(context) => context.format,
            Self::Outside(format) => *format,
        }
    }

    /// Finds a recording.
    pub(super) async fn find(&self, source: &Source) -> Result<Found, Failure> {
        let identities = source.opening.identities()?;
        match (self, &source.dir) {
            (Self::Site(context), None) => {
                let session = find(source.id.as_deref().unwrap_or_default(), context).await?;
                let keys = recording_keyring(&context.store, identities);
                let recording = library(context).with_keys(keys).read(&path(&session, context)?)?;
                Ok(Found {
                    session: Some(session),
                    recorded: Recorded(recording),
                })
            }
            (_, dir) => {
                let dir = dir.as_deref().unwrap_or(Path::new("."));
                let recording = Recording::at(dir, &Keyring::new(identities, None))?;
                Ok(Found {
                    session: None,
                    recorded: Recorded(recording),
                })
            }
        }
    }

    /// Writes into the book that a recording is about to be shown, and sees to it first that it can be. Outside there is
    /// no book.
    pub(super) async fn about_to_show(
        &self,
        found: &Found,
        action: Action,
        how: &str,
    ) -> Result<(), Failure> {
        found.recorded.0.readable()?;
        match (self, &found.session) {
            (Self::Site(context), Some(session)) => about_to_show(session, action, how, context).await,
            _ => Ok(()),
        }
    }
}
