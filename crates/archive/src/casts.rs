//! The casts of a recording as one stream in the order of time, and the lines that a person saw of it.

use std::collections::{BTreeMap, VecDeque};

use gatehouse_recording::Offset;
use gatehouse_recording::cast::{CastEvent, CastHeader};
use gatehouse_recording::screen::{TimedLine, Transcript};

use crate::error::ArchiveError;
use crate::library::{Events, Recording};

/// The channel that was asked for cannot be shown.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChannelError {
    /// There is no cast at all.
    #[error("the session showed nothing: it had no shell and no command, or moved files only")]
    Nothing,
    /// There are others.
    #[error("the session has no channel {number}; it has {}", list(there))]
    Unknown {
        /// What was asked for.
        number: u32,
        /// The channels that there are.
        there: Vec<u32>,
    },
}

fn list(numbers: &[u32]) -> String {
    let words: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// One event, and the channel it is from.
#[derive(Debug)]
pub struct Shown<'c> {
    /// The channel.
    pub channel: u32,
    /// What its cast began with.
    pub header: &'c CastHeader,
    /// The event.
    pub event: CastEvent,
}

/// Several casts as one stream.
pub struct Casts {
    events: Events,
    headers: BTreeMap<u32, CastHeader>,
    damage: Option<String>,
}

/// A line that a person saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TranscriptLine {
    /// The channel.
    pub channel: u32,
    /// When the event came that completed it.
    pub at: Offset,
    /// When its row was last written to: it was seen from then on.
    pub seen: Offset,
    /// The line, without control characters.
    pub text: String,
}

/// The lines of several casts, as they were complete.
pub struct TranscriptLines {
    /// `None`: they are over.
    casts: Option<Casts>,
    transcripts: BTreeMap<u32, Transcript>,
    last: Offset,
    damage: Option<String>,
    ready: VecDeque<TranscriptLine>,
}

impl Recording {
    /// The channels that are meant: this one, or all that have a cast.
    ///
    /// # Errors
    /// There is none, or not this one.
    pub fn choose(&self, channel: Option<u32>) -> Result<Vec<u32>, ChannelError> {
        let there = self.channels();
        match channel {
            _ if there.is_empty() => Err(ChannelError::Nothing),
            None => Ok(there.to_vec()),
            Some(number) if there.contains(&number) => Ok(vec![number]),
            Some(number) => Err(ChannelError::Unknown {
                number,
                there: there.to_vec(),
            }),
        }
    }

    /// Reads these channels as one stream.
    ///
    /// # Errors
    /// A cast cannot be opened.
    pub fn casts(&self, channels: &[u32]) -> Result<Casts, ArchiveError> {
        let mut headers = BTreeMap::new();
        for channel in channels {
            if let Some(header) = self.header(*channel)? {
                headers.insert(*channel, header);
            }
        }
        Ok(Casts {
            events: self.events(channels)?,
            headers,
            damage: None,
        })
    }
}

impl Casts {
    /// The earliest event that was not given yet. The rest of a damaged cast is left out.
    #[expect(clippy::should_implement_trait, reason = "what is given borrows the header")]
    pub fn next(&mut self) -> Option<Shown<'_>> {
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
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// The channels, in order.
    pub fn channels(&self) -> impl Iterator<Item = u32> {
        self.headers.keys().copied()
    }

    /// What the cast of a channel began with.
    pub fn header(&self, channel: u32) -> Option<&CastHeader> {
        self.headers.get(&channel)
    }

    /// The lines that a person saw.
    pub fn transcript(self) -> TranscriptLines {
        TranscriptLines {
            casts: Some(self),
            transcripts: BTreeMap::new(),
            last: Offset::ZERO,
            damage: None,
            ready: VecDeque::new(),
        }
    }
}

impl TranscriptLines {
    /// What is damaged, if anything was found to be. Known when the lines are over.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Reads one event; `false`: there was none left.
    fn read(&mut self) -> bool {
        let Some(casts) = &mut self.casts else {
            return false;
        };
        if let Some(shown) = casts.next() {
            let (channel, at) = (shown.channel, shown.event.at);
            self.last = self.last.max(at);
            let header = shown.header;
            let transcript = self.transcripts.entry(channel).or_insert_with(|| screen(header));
            let lines = transcript.feed_timed(&shown.event).into_iter();
            self.ready.extend(lines.map(|line| completed(channel, at, line)));
            return true;
        }
        self.damage = self
            .casts
            .take()
            .and_then(|casts| casts.damage().map(str::to_owned));
        for (channel, transcript) in std::mem::take(&mut self.transcripts) {
            let at = self.last;
            let lines = transcript.finish_timed().into_iter();
            self.ready.extend(lines.map(|line| completed(channel, at, line)));
        }
        true
    }
}

impl Iterator for TranscriptLines {
    type Item = TranscriptLine;

    fn next(&mut self) -> Option<TranscriptLine> {
        while self.ready.is_empty() {
            if !self.read() {
                return None;
            }
        }
        self.ready.pop_front()
    }
}

fn completed(channel: u32, at: Offset, line: TimedLine) -> TranscriptLine {
    TranscriptLine {
        channel,
        at,
        seen: line.at,
        text: line.text,
    }
}

/// A screen of the size that the channel began with; 80 by 24 where the client named none.
fn screen(header: &CastHeader) -> Transcript {
    let or = |size: u32, usual| if size == 0 { usual } else { size };
    Transcript::new(or(header.width, 80), or(header.height, 24))
}
