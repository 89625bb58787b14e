//! What a running session does, for lists of who is on: bytes, when anything came from the person last, what was
//! started last, and its line of utmp.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatehouse_model::Timestamp;
use gatehouse_recording::ChannelKind;
use gatehouse_store::{ByteCount, ForwardLine, SessionNote};
use jiff::SignedDuration;
use parking_lot::Mutex;

use crate::clock::Epoch;
use crate::forward::Way;

/// Longest command that is kept for lists, in bytes; the recording has it whole.
const WHAT_MAX: usize = 512;

/// How a forward begins where nothing was started.
const FORWARD: &str = "forward ";

/// Bytes relayed, and when there was any last.
#[derive(Default)]
pub(crate) struct Counters {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    active_micros: AtomicU64,
    typed_micros: AtomicU64,
}

impl Counters {
    pub(crate) fn bytes(&self) -> ByteCount {
        ByteCount {
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn add(&self, way: Way, count: u64) {
        match way {
            Way::In => self.bytes_in.fetch_add(count, Ordering::Relaxed),
            Way::Out => self.bytes_out.fetch_add(count, Ordering::Relaxed),
        };
    }

    /// Notes that something was relayed, this many microseconds after the session's epoch.
    pub(crate) fn touch(&self, micros: u64) {
        self.active_micros.store(micros, Ordering::Relaxed);
    }

    /// Notes that something came from the person, on a channel.
    pub(crate) fn typed(&self, micros: u64) {
        self.typed_micros.store(micros, Ordering::Relaxed);
    }

    /// Microseconds since the session's epoch at which something was relayed last.
    pub(crate) fn active_micros(&self) -> u64 {
        self.active_micros.load(Ordering::Relaxed)
    }
}

/// What was started last, the line of utmp, and what of it all stands in the row.
#[derive(Default)]
pub(crate) struct Doing {
    state: Mutex<State>,
}

#[derive(Clone, PartialEq, Eq, Default)]
struct State {
    what: Option<String>,
    line: Option<String>,
    /// What was written last: counters and the moment of the last input with it.
    written: Option<(SessionNote, u64)>,
}

impl Doing {
    /// A shell, command or subsystem is being started.
    pub(crate) fn started(&self, kind: &ChannelKind) {
        let what = match kind {
            ChannelKind::Shell => "shell".to_owned(),
            ChannelKind::Exec(command) => String::from_utf8_lossy(command).into_owned(),
            ChannelKind::Subsystem(name) => name.clone(),
        };
        self.state.lock().what = Some(bounded(what));
    }

    /// A forward is used. It shows only where nothing was started.
    pub(crate) fn forwarding(&self, line: &ForwardLine) {
        let mut state = self.state.lock();
        if state.what.as_deref().is_none_or(|what| what.starts_with(FORWARD)) {
            state.what = Some(bounded(format!("{FORWARD}{} {}", line.kind, line.destination)));
        }
    }

    /// The session is shown in this line of utmp.
    pub(crate) fn on_line(&self, line: String) {
        self.state.lock().line = Some(line);
    }

    /// What is to be written into the row; `None`: it stands there already.
    pub(crate) fn news(&self, counters: &Counters, epoch: Epoch, now: Timestamp) -> Option<News> {
        let state = self.state.lock();
        let typed = counters.typed_micros.load(Ordering::Relaxed);
        let ago = Duration::from_micros(epoch.micros().saturating_sub(typed));
        let typed_at = now
            .checked_sub(SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX))
            .ok();
        let mut note = SessionNote {
            bytes: counters.bytes(),
            typed_at: typed_at.filter(|_| typed > 0),
            what: state.what.clone(),
            line: state.line.clone(),
        };
        if let Some((old, old_typed)) = &state.written
            && *old_typed == typed
        {
            // The same moment, seen by a clock that is never quite the same.
            note.typed_at = old.typed_at;
            if note == *old {
                return None;
            }
        }
        Some(News { note, typed })
    }

    /// That was written.
    pub(crate) fn wrote(&self, news: News) {
        self.state.lock().written = Some((news.note, news.typed));
    }
}

fn bounded(mut what: String) -> String {
    what.truncate(what.floor_char_boundary(WHAT_MAX));
    what
}

/// What the row of a session does not say yet.
pub(crate) struct News {
    pub(crate) note: SessionNote,
    typed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_news() {
        let (doing, counters, epoch) = (Doing::default(), Counters::default(), Epoch::start());
        let now = Timestamp::from_second(1_000_000).unwrap();
        let first = doing.news(&counters, epoch, now).unwrap();
        assert_eq!((first.note.typed_at, first.note.what.clone()), (None, None));
        doing.wrote(first);
        assert!(doing.news(&counters, epoch, now).is_none());
        doing.started(&ChannelKind::Exec(vec![b'x'; 2 * WHAT_MAX]));
        counters.add(Way::In, 3);
        counters.typed(1);
        let news = doing.news(&counters, epoch, now).unwrap();
        assert_eq!(news.note.what.as_ref().map(String::len), Some(WHAT_MAX));
        assert_eq!(news.note.bytes.bytes_in, 3);
        assert!(news.note.typed_at.is_some_and(|at| at <= now));
        doing.wrote(news);
        assert!(doing.news(&counters, epoch, now).is_none());
        counters.add(Way::Out, 5);
        doing.on_line("ssh0".to_owned());
        let news = doing.news(&counters, epoch, now).unwrap();
        assert_eq!(
            (news.note.bytes.bytes_out, news.note.line.as_deref()),
            (5, Some("ssh0"))
        );
    }
}
