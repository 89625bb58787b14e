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

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;
    use std::path::Path;

    use gatehouse_archive::Keyring;
    use gatehouse_recording::Stream;
    use gatehouse_recording::cast::{CastEncoder, CastHeader};
    use gatehouse_recording::manifest::Manifest;
    use serde_json::{Value, json};

    use super::*;

    const SESSION: &str = "019301f0-0000-7000-8000-000000000001";

    /// A recording that is written as a test wants it.
    struct Growing {
        dir: tempfile::TempDir,
        encoder: CastEncoder,
    }

    impl Growing {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let head = json!({
                "version": 2, "session": SESSION, "node": SESSION, "user": "alice", "server": "web01", "protocol": "ssh",
                "login": null, "source": "10.0.0.7", "source_port": 1, "proxy": null, "backend": "10.1.0.5:22",
                "policies": [], "recording": { "mode": "strict", "binary": "digest", "input": "echoed" },
                "started_at": "2026-01-31T12:00:00Z", "state": "open", "files": [], "digest": null,
                "recovered": false, "bytes_lost": 0,
            });
            let manifest: Manifest = serde_json::from_value(head).unwrap();
            std::fs::write(dir.path().join("manifest.json"), manifest.to_bytes()).unwrap();
            let header: CastHeader = serde_json::from_value(json!({
                "version": 2, "width": 80, "height": 24, "timestamp": 1_769_860_800,
                "gatehouse": { "session": SESSION, "channel": 0, "kind": "shell", "pty": true, "newlines": "raw",
                    "input": "echoed", "started_at": "2026-01-31T12:00:00Z" },
            }))
            .unwrap();
            let mut growing = Self {
                dir,
                encoder: CastEncoder::new(&header),
            };
            growing.flush();
            growing
        }

        fn file(&self) -> std::path::PathBuf {
            self.dir.path().join("ssh-0.cast")
        }

        fn append(path: &Path, bytes: &[u8]) {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.unwrap().write_all(bytes).unwrap();
        }

        fn flush(&mut self) {
            let bytes = self.encoder.take();
            Self::append(&self.file(), &bytes);
        }

        fn output(&mut self, micros: u64, text: &str) {
            let at = Offset::from_micros(micros);
            self.encoder.output(at, Stream::Output, text.as_bytes());
            self.flush();
        }

        fn reader(&self) -> ChannelReader {
            let recording = Recording::at(self.dir.path(), &Keyring::default()).unwrap();
            ChannelReader::open(&recording, 0).unwrap()
        }
    }

    fn finished(_: Offset) -> bool {
        false
    }

    /// How the events begin; those that only fill are left out.
    fn texts(page: &EventPage) -> Vec<String> {
        let text = |told: &Told| match serde_json::to_value(told).unwrap() {
            Value::Array(parts) => parts[2].as_str().unwrap().chars().take(8).collect(),
            other => panic!("{other}"),
        };
        let texts = page.events.iter().map(text);
        texts.filter(|text: &String| text != "xxxxxxxx").collect()
    }

    #[test]
    fn pages_are_bounded_and_cut_between_instants() {
        let mut growing = Growing::new();
        let big = "x".repeat(400 * 1024);
        for (micros, text) in [(1, "a"), (1, "b"), (2, "c"), (2, "d"), (3, "e")] {
            growing.output(micros, &format!("{text}{big}"));
        }
        let mut reader = growing.reader();
        let page = reader.page(None, finished).unwrap();
        // The second instant would have made it too long.
        assert_eq!(texts(&page), ["axxxxxxx", "bxxxxxxx"]);
        assert!(!page.at_end && page.header.is_some());
        let rest = reader.page(page.last, finished).unwrap();
        let anew = growing.reader().page(page.last, finished).unwrap();
        assert_eq!(rest.events, anew.events);
        assert_eq!(texts(&rest), ["cxxxxxxx", "dxxxxxxx"]);
        let last = reader.page(rest.last, finished).unwrap();
        assert_eq!((texts(&last).len(), last.at_end), (1, true));
        let none = reader.page(last.last, finished).unwrap();
        assert!(none.events.is_empty() && none.last == last.last && none.at_end);
    }

    #[test]
    fn what_is_written_later_comes_later_and_a_torn_line_when_it_is_whole() {
        let mut growing = Growing::new();
        let mut reader = growing.reader();
        assert!(reader.page(None, finished).unwrap().events.is_empty());
        growing.output(5, "one");
        let page = reader.page(None, finished).unwrap();
        assert_eq!(texts(&page), ["one"]);
        growing
            .encoder
            .output(Offset::from_micros(9), Stream::Output, b"two");
        let bytes = growing.encoder.take();
        let (begin, end) = bytes.split_at(bytes.len() - 4);
        Growing::append(&growing.file(), begin);
        assert!(reader.page(page.last, finished).unwrap().events.is_empty());
        Growing::append(&growing.file(), end);
        assert_eq!(texts(&reader.page(page.last, finished).unwrap()), ["two"]);
    }

    #[test]
    fn an_instant_that_is_not_over_waits_for_the_rest_of_it() {
        let mut growing = Growing::new();
        growing.output(1, "a");
        growing.output(7, "b");
        let mut reader = growing.reader();
        let seven = |at: Offset| at.micros() == 7;
        let page = reader.page(None, seven).unwrap();
        assert_eq!((texts(&page), page.at_end), (vec!["a".to_owned()], false));
        growing.output(7, "c");
        assert_eq!(texts(&reader.page(page.last, finished).unwrap()), ["b", "c"]);
    }

    #[test]
    fn a_sequence_that_pages_cut_is_still_left_out() {
        let mut growing = Growing::new();
        growing.output(1, "$ \x1b]52;c;");
        growing.output(2, "cm0gLXJm\x07ls");
        let mut reader = growing.reader();
        let first = reader.page(None, |at| at.micros() > 1).unwrap();
        assert_eq!(texts(&first), ["$ "]);
        assert_eq!(texts(&reader.page(first.last, finished).unwrap()), ["ls"]);
        assert_eq!(
            texts(&growing.reader().page(first.last, finished).unwrap()),
            ["ls"]
        );
    }
}
