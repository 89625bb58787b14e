//! The casts of a session's recording, read as one stream in the order of time.

use std::collections::BTreeMap;

use gatehouse_archive::{Contents, Events, Library, Recording};
use gatehouse_model::SessionId;
use gatehouse_recording::FileName;
use gatehouse_recording::cast::{CastEvent, CastHeader};
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
        let channels = self.0.channels();
        match channel {
            _ if channels.is_empty() => Err(Failure::refused(
                "the session showed nothing: it had no shell and no command, or moved files only",
            )),
            None => Ok(channels.to_vec()),
            Some(number) if channels.contains(&number) => Ok(vec![number]),
            Some(number) => Err(Failure::refused(format!(
                "the session has no channel {number}; it has {}",
                channels
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// A channel's cast, decrypted if it is encrypted.
    pub(super) fn cast(&self, channel: u32) -> Result<Contents, Failure> {
        Ok(self.0.contents(FileName::Cast(channel))?)
    }

    /// A capture of forwards, decrypted if it is encrypted.
    pub(super) fn capture(&self, number: u32) -> Result<Contents, Failure> {
        Ok(self.0.contents(FileName::Forward(number))?)
    }

    /// Reads these channels.
    pub(super) fn read(&self, channels: &[u32]) -> Result<Casts, Failure> {
        let mut headers = BTreeMap::new();
        for channel in channels {
            if let Some(header) = self.0.header(*channel)? {
                headers.insert(*channel, header);
            }
        }
        Ok(Casts {
            events: self.0.events(channels)?,
            headers,
            damage: None,
        })
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
    let whole = context.config.data_dir.join(&recording.path);
    let below = whole.strip_prefix(context.config.recordings()).unwrap_or(&whole);
    Ok(below.display().to_string())
}

/// One event, and the channel it is from.
#[derive(Debug)]
pub(super) struct Shown<'c> {
    /// The channel.
    pub(super) channel: u32,
    /// What its cast began with.
    pub(super) header: &'c CastHeader,
    /// The event.
    pub(super) event: CastEvent,
}

/// Several casts as one stream.
pub(super) struct Casts {
    events: Events,
    headers: BTreeMap<u32, CastHeader>,
    damage: Option<String>,
}

impl Casts {
    /// The earliest event that was not given yet. The rest of a damaged cast is left out.
    pub(super) fn next(&mut self) -> Option<Shown<'_>> {
        loop {
            match self.events.next()? {
                Ok((channel, event)) if self.headers.contains_key(&channel) => {
                    let header = self.headers.get(&channel)?;
                    return Some(Shown {
                        channel,
                        header,
                        event,
                    });
                }
                Ok(_) => {}
                Err(error) => self.damage = Some(error.to_string()),
            }
        }
    }

    /// What is damaged, if anything was found to be.
    pub(super) fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }
}

/// What a channel is, in a line: `channel 1: exec ls -l`.
pub(super) fn heading(channel: u32, header: &CastHeader) -> String {
    let origin = &header.gatehouse;
    let what = match (&header.command, &origin.subsystem) {
        (Some(command), _) => format!("{} {command}", origin.kind),
        (None, Some(subsystem)) => format!("{} {subsystem}", origin.kind),
        (None, None) => origin.kind.clone(),
    };
    crate::terminal::clean(&format!("channel {channel}: {what}"))
}
