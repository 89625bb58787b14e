//! A session's recording, and where it lies.

use gatehouse_archive::{Casts, Contents, Library, Recording};
use gatehouse_model::SessionId;
use gatehouse_recording::FileName;
use gatehouse_recording::cast::CastHeader;
use gatehouse_store::Session;

use crate::cli::Context;
use crate::failure::Failure;

/// A session's recording.
#[derive(Clone, Debug)]
pub(super) struct Recorded(pub(super) Recording);

impl Recorded {
    /// Whose recording it is.
    pub(super) fn session(&self) -> SessionId {
        self.0.manifest().head.session
    }

    /// The channels that were asked for.
    pub(super) fn chosen(&self, channel: Option<u32>) -> Result<Vec<u32>, Failure> {
        self.0
            .choose(channel)
            .map_err(|error| Failure::refused(error.to_string()))
    }

    /// A channel's cast, decrypted if it is encrypted.
    pub(super) fn cast(&self, channel: u32) -> Result<Contents, Failure> {
        Ok(self.0.contents(FileName::Cast(channel))?)
    }

    /// Reads these channels.
    pub(super) fn read(&self, channels: &[u32]) -> Result<Casts, Failure> {
        Ok(self.0.casts(channels)?)
    }
}

/// The recordings of this site, without a key to encrypted ones.
pub(super) fn library(context: &Context) -> Library {
    Library::at(&context.config.recordings())
}

/// The path of a session's recording as the library has it: below the directory of recordings.
pub(super) fn path(session: &Session, context: &Context) -> Result<String, Failure> {
    let Some(recording) = &session.recording else {
        return Err(Failure::refused(format!(
            "session {} has no recording",
            session.id
        )));
    };
    Ok(library(context).below_root(&context.config.data_dir, &recording.path))
}

/// What a channel is, in a line: `channel 1: exec ls -l`.
pub(super) fn heading(channel: u32, header: &CastHeader) -> String {
    crate::terminal::clean(&format!("channel {channel}: {}", header.title()))
}
