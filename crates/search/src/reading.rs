//! One recording, read piece by piece into lines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gatehouse_archive::{ArchiveError, Contents, Keyring, Recording};
use gatehouse_recording::FileName;
use gatehouse_recording::cast::{CastData, CastHeader, CastItem, CastReader};
use gatehouse_recording::screen::{TimedLine, Transcript};
use gatehouse_store::{IndexLine, IndexProgress, LineKind};

use crate::EncryptedRecordings;

/// Channels of a session that are open at a time.
pub(crate) const CASTS_MAX: usize = 16;
/// The screen of a client that named none.
const SCREEN: (u32, u32) = (80, 24);

/// Why a recording is not read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is encrypted, and such are left out.
    LeftOut,
    /// It cannot be read.
    Failed(ArchiveError),
}

impl From<ArchiveError> for Unreadable {
    fn from(error: ArchiveError) -> Self {
        Self::Failed(error)
    }
}

/// A line with its place in its channel.
#[derive(Debug)]
pub(crate) struct Placed {
    /// How many lines the channel has given with this one.
    pub(crate) number: u64,
    /// The channel.
    pub(crate) channel: u32,
    /// The line; `None`: there is no word in it.
    pub(crate) line: Option<IndexLine>,
}

/// A recording that is read.
pub(crate) struct Reading {
    recording: Recording,
    directory: PathBuf,
    keys: Keyring,
    /// By channel how many lines were given before, and by now.
    given: BTreeMap<u32, u64>,
    casts: BTreeMap<u32, Cast>,
    /// Channels that have given all they have.
    done: Vec<u32>,
    /// The first thing that was found damaged.
    pub(crate) damage: Option<String>,
    /// Commands that were given.
    pub(crate) commands: Vec<String>,
}

impl Reading {
    pub(crate) fn open(
        directory: PathBuf,
        keys: Keyring,
        encrypted: EncryptedRecordings,
        progress: &IndexProgress,
    ) -> Result<Self, Unreadable> {
        let recording = Recording::at(&directory, &keys)?;
        if recording.is_encrypted() && encrypted == EncryptedRecordings::LeftOut {
            return Err(Unreadable::LeftOut);
        }
        recording.readable()?;
        Ok(Self {
            recording,
            directory,
            keys,
            given: progress.channels.clone(),
            casts: BTreeMap::new(),
            done: Vec::new(),
            damage: None,
            commands: Vec::new(),
        })
    }

    /// Looks which channels there are now.
    pub(crate) fn look_again(&mut self) -> Result<(), Unreadable> {
        self.recording = Recording::at(&self.directory, &self.keys)?;
        Ok(())
    }

    /// Reads a piece of the first channel that has something to read, of those that are open or can be opened.
    /// `None`: none has.
    pub(crate) fn piece(&mut self) -> Option<Vec<Placed>> {
        self.open_casts();
        let channels: Vec<u32> = self.casts.keys().copied().collect();
        channels.into_iter().find_map(|channel| self.piece_of(channel))
    }

    /// The channel is over: what is left on its screen.
    pub(crate) fn finish_one(&mut self) -> Option<Vec<Placed>> {
        let (channel, cast) = self.casts.pop_first()?;
        Some(self.finished(channel, cast))
    }

    /// What stands on the screens now.
    pub(crate) fn on_screen(&self) -> Vec<IndexLine> {
        let of = |(channel, cast): (&u32, &Cast)| {
            let lines = cast
                .transcript
                .as_ref()
                .map(Transcript::on_screen)
                .unwrap_or_default();
            let channel = *channel;
            lines.into_iter().filter_map(move |line| output(channel, line))
        };
        self.casts.iter().flat_map(of).collect()
    }

    fn open_casts(&mut self) {
        let channels: Vec<u32> = self.recording.channels().to_vec();
        for channel in channels {
            if self.casts.len() >= CASTS_MAX {
                return;
            }
            if self.casts.contains_key(&channel) || self.done.contains(&channel) {
                continue;
            }
            match self.recording.contents(FileName::Cast(channel)) {
                Ok(contents) => {
                    let skip = self.given.get(&channel).copied().unwrap_or(0);
                    self.casts.insert(channel, Cast::new(contents, skip));
                }
                Err(error) => {
                    self.damage.get_or_insert(error.to_string());
                    self.done.push(channel);
                }
            }
        }
    }

    fn piece_of(&mut self, channel: u32) -> Option<Vec<Placed>> {
        let cast = self.casts.get_mut(&channel)?;
        let read = cast.read(channel, &mut self.commands);
        let placed = match read {
            Ok(None) => return None,
            Ok(Some(lines)) => lines,
            Err(damage) => {
                self.damage.get_or_insert(damage);
                cast.over = true;
                Vec::new()
            }
        };
        let mut placed = placed;
        if cast.over
            && let Some(cast) = self.casts.remove(&channel)
        {
            placed.extend(self.finished(channel, cast));
        }
        Some(placed)
    }

    fn finished(&mut self, channel: u32, mut cast: Cast) -> Vec<Placed> {
        self.done.push(channel);
        let left = cast
            .transcript
            .take()
            .map(Transcript::finish_timed)
            .unwrap_or_default();
        left.into_iter()
            .filter_map(|line| cast.place(channel, output(channel, line)))
            .collect()
    }
}

struct Cast {
    contents: Contents,
    reader: CastReader,
    transcript: Option<Transcript>,
    /// Lines that it has given.
    given: u64,
    /// Lines that were indexed before.
    skip: u64,
    /// Nothing will come any more.
    over: bool,
}

impl Cast {
    fn new(contents: Contents, skip: u64) -> Self {
        Self {
            contents,
            reader: CastReader::new(),
            transcript: None,
            given: 0,
            skip,
            over: false,
        }
    }

    /// Counts a line, and gives it unless it was indexed before.
    fn place(&mut self, channel: u32, line: Option<IndexLine>) -> Option<Placed> {
        self.given += 1;
        let number = self.given;
        (number > self.skip).then_some(Placed {
            number,
            channel,
            line,
        })
    }

    /// `None`: there is nothing to read now.
    fn read(&mut self, channel: u32, commands: &mut Vec<String>) -> Result<Option<Vec<Placed>>, String> {
        let piece = self.contents.piece().map_err(|error| error.to_string())?;
        if piece.is_empty() {
            return Ok(None);
        }
        self.reader.feed(piece);
        let mut placed = Vec::new();
        while let Some(item) = self.reader.next_item() {
            match item {
                Ok(CastItem::Header(header)) => {
                    self.transcript = Some(screen(&header));
                    if let Some(text) = header.command {
                        placed.extend(self.place(channel, Some(command(channel, &text))));
                        commands.push(text);
                    }
                }
                Ok(CastItem::Event(event)) => {
                    let lines = self
                        .transcript
                        .as_mut()
                        .map(|transcript| transcript.feed_timed(&event));
                    for line in lines.unwrap_or_default() {
                        placed.extend(self.place(channel, output(channel, line)));
                    }
                    self.over |= matches!(event.data, CastData::Exit(_));
                }
                // A damaged line is left out, and those after it are read.
                Err(error) if self.transcript.is_some() => {
                    tracing::debug!(channel, %error, "a line of a cast is left out of the index");
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(Some(placed))
    }
}

fn screen(header: &CastHeader) -> Transcript {
    let or = |size: u32, usual| if size == 0 { usual } else { size };
    Transcript::new(or(header.width, SCREEN.0), or(header.height, SCREEN.1))
}

/// A command, at the session's start: casts do not say when it was given, and it is the first thing in them.
pub(crate) fn command(channel: u32, text: &str) -> IndexLine {
    IndexLine {
        channel,
        at: 0,
        kind: LineKind::Command,
        text: text.to_owned(),
    }
}

/// A line that was seen, if there is a word in it.
fn output(channel: u32, line: TimedLine) -> Option<IndexLine> {
    line.text.chars().any(char::is_alphanumeric).then(|| IndexLine {
        channel,
        at: line.at.micros(),
        kind: LineKind::Output,
        text: line.text,
    })
}
