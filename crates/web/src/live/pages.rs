//! A channel's cast in pages, from a closed recording or one that grows.
//!
//! INVARIANT **whole instants**: events of one instant are in one page, so that the next page can begin after it.

use gatehouse_archive::{ArchiveError, Contents, Recording};
use gatehouse_model::SessionId;
use gatehouse_recording::cast::{CastEvent, CastHeader, CastItem, CastReader};
use gatehouse_recording::{FileName, Offset};

use super::told::{Teller, Told};

/// Most bytes of events in a page; a single instant that has more is a page of its own.
const PAGE: usize = 1024 * 1024;

/// Where a channel is read on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ChannelPlace {
    pub(crate) session: SessionId,
    pub(crate) channel: u32,
    pub(crate) at: Offset,
}

/// A page of events.
pub(crate) struct EventPage {
    /// What the cast begins with, once it is written.
    pub(crate) header: Option<CastHeader>,
    /// The events, in order.
    pub(crate) events: Vec<Told>,
    /// The last instant in it; that of the page before if it is empty.
    pub(crate) last: Option<Offset>,
    /// Whether all that is written was given.
    pub(crate) at_end: bool,
}

/// A cast that is being read.
pub(crate) struct ChannelReader {
    contents: Contents,
    cast: CastReader,
    header: Option<CastHeader>,
    teller: Teller,
    /// The events of the instant that is being read.
    group: Vec<Told>,
    /// The first event of the next instant, where there was no room for it.
    ahead: Option<Told>,
    last: Option<Offset>,
}

impl ChannelReader {
    /// At the beginning.
    ///
    /// # Errors
    /// The cast cannot be opened, or there is no key to it.
    pub(crate) fn open(recording: &Recording, channel: u32) -> Result<Self, ArchiveError> {
        Ok(Self {
            contents: recording.contents(FileName::Cast(channel))?,
            cast: CastReader::new(),
            header: None,
            teller: Teller::default(),
            group: Vec::new(),
            ahead: None,
            last: None,
        })
    }

    /// The next page, of what is after this instant. `unfinished` tells of the last instant that is written whether more of
    /// it may come; it is given next time then.
    ///
    /// # Errors
    /// The file cannot be read. Lines that are damaged are left out.
    pub(crate) fn page(
        &mut self,
        after: Option<Offset>,
        unfinished: impl Fn(Offset) -> bool,
    ) -> Result<EventPage, ArchiveError> {
        let (mut events, mut size) = (Vec::new(), 0);
        self.last = self.last.max(after);
        let at_end = loop {
            let told = match self.ahead.take() {
                Some(told) => Some(told),
                None => self.next_after(after)?,
            };
            let instant = self.group.first().map(|first| first.at);
            match told {
                Some(told) if instant.is_none_or(|instant| instant == told.at) => self.group.push(told),
                Some(told) => {
                    self.ahead = Some(told);
                    if !self.give(&mut events, &mut size) {
                        break false;
                    }
                }
                None if instant.is_some_and(&unfinished) => break false,
                None => break self.give(&mut events, &mut size),
            }
        };
        Ok(EventPage {
            header: self.header.clone(),
            events,
            last: self.last,
            at_end,
        })
    }

    /// Puts the instant that was read into the page; `false`: there is no room.
    fn give(&mut self, events: &mut Vec<Told>, size: &mut usize) -> bool {
        let more: usize = self.group.iter().map(Told::size).sum();
        if !events.is_empty() && *size + more > PAGE {
            return false;
        }
        *size += more;
        if let Some(told) = self.group.first() {
            self.last = self.last.max(Some(told.at));
        }
        events.append(&mut self.group);
        true
    }

    /// The next event after an instant. All before it pass the teller, which remembers sequences that were cut.
    fn next_after(&mut self, after: Option<Offset>) -> Result<Option<Told>, ArchiveError> {
        while let Some(event) = self.next_event()? {
            let told = self.teller.tell(&event);
            if let Some(told) = told.filter(|told| after.is_none_or(|after| told.at > after)) {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    fn next_event(&mut self) -> Result<Option<CastEvent>, ArchiveError> {
        loop {
            match self.cast.next_item() {
                Some(Ok(CastItem::Event(event))) => return Ok(Some(event)),
                Some(Ok(CastItem::Header(header))) => self.header = Some(*header),
                Some(Err(error)) => tracing::debug!(%error, "a line of a cast is left out"),
                None => {
                    let piece = self.contents.piece()?;
                    if piece.is_empty() {
                        return Ok(None);
                    }
                    self.cast.feed(piece);
                }
            }
        }
    }
}
