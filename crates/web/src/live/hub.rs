//! What the audit book gets, from all nodes, and what active sessions do: read once a node, for all who listen.
//!
//! INVARIANT **only while somebody listens**: one task reads the book's tail; it begins with the first listener and ends
//! when there is none. INVARIANT **no gap**: a listener is subscribed before it reads what it missed, and what both give
//! is told by its number.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use gatehouse_audit::Event;
use gatehouse_model::{SessionState, Timestamp};
use gatehouse_store::{PageRequest, Session, SessionFilter, StoreError};
use serde::Serialize;
use tokio::sync::{Mutex, broadcast};
use tokio::time::{Instant, MissedTickBehavior};

use crate::site::Site;

/// The book's tail is read this often.
const TAIL: Duration = Duration::from_millis(300);
/// Counters of active sessions are told this often.
const ACTIVE: Duration = Duration::from_secs(5);
/// After the store has failed.
const PAUSE: Duration = Duration::from_secs(2);
/// Lines read at a time.
const PAGE: u64 = 500;
/// Active sessions that are told of; of more, the newest.
const SESSIONS: u64 = 2_000;
/// News that wait for a slow listener; one that is further behind is told to reload.
const WAITING: usize = 1_024;

/// Something new.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A line of the book.
    Line(Arc<Line>),
    /// What the active sessions do.
    Active(Arc<ActiveSessions>),
}

/// A line of the book, as listeners get it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    /// Whom it is about, folded.
    pub(crate) user: Option<String>,
    pub(crate) action: String,
    pub(crate) bytes: Bytes,
}

/// What active sessions do.
#[derive(Debug)]
pub(crate) struct ActiveSessions {
    /// For those who see all.
    pub(crate) bytes: Bytes,
    counters: Vec<(String, Counters)>,
}

/// What an active session does.
#[derive(Debug, Serialize)]
struct Counters {
    id: String,
    bytes_in: u64,
    bytes_out: u64,
    what: Option<String>,
    allowed_until: Option<Timestamp>,
}

/// The one reader of a node.
#[derive(Clone, Default)]
pub(crate) struct Hub(Arc<Mutex<Option<broadcast::Sender<News>>>>);

impl Hub {
    /// Begins to listen, to all that comes after this moment.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn join(&self, site: &Site) -> Result<broadcast::Receiver<News>, StoreError> {
        let mut running = self.0.lock().await;
        if let Some(news) = &*running {
            return Ok(news.subscribe());
        }
        // Before the listener reads what it missed, so that nothing lies between.
        let last = site.store().audit_head().await?.seq;
        let (news, listener) = broadcast::channel(WAITING);
        *running = Some(news.clone());
        drop(running);
        let (hub, site) = (self.clone(), site.clone());
        let tasks = site.gate().tasks().clone();
        tasks.spawn(async move {
            let stopped = site.gate().clone();
            tokio::select! {
                () = hub.read(&site, &news, last) => {}
                // The listeners see the end when the last sender goes.
                () = stopped.stopped() => *hub.0.lock().await = None,
            }
        });
        Ok(listener)
    }

    /// Reads until nobody listens.
    async fn read(&self, site: &Site, news: &broadcast::Sender<News>, mut last: u64) {
        let mut tail = tokio::time::interval(TAIL);
        tail.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut active = tokio::time::interval(ACTIVE);
        active.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            let outcome = tokio::select! {
                _ = tail.tick() => self.lines(site, news, &mut last).await,
                _ = active.tick() => counters(site, news).await,
            };
            if let Err(error) = &outcome {
                if !failing {
                    let error: &dyn std::error::Error = error;
                    tracing::warn!(error, "what is new could not be read for those who listen");
                }
                tail.reset_at(Instant::now() + PAUSE);
            }
            failing = outcome.is_err();
            let mut running = self.0.lock().await;
            if news.receiver_count() == 0 {
                // Under the lock: nobody can have come in between.
                *running = None;
                return;
            }
        }
    }

    async fn lines(
        &self,
        site: &Site,
        news: &broadcast::Sender<News>,
        last: &mut u64,
    ) -> Result<(), StoreError> {
        loop {
            let events = site.store().audit_after(*last, PAGE).await?;
            let count = events.len();
            for event in events {
                *last = event.seq;
                // Nobody may listen any more.
                let _ = news.send(News::Line(Arc::new(Line::of(&event))));
            }
            if count < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn counters(site: &Site, news: &broadcast::Sender<News>) -> Result<(), StoreError> {
    let filter = SessionFilter {
        state: Some(SessionState::Active),
        ..SessionFilter::default()
    };
    let page = PageRequest::first(SESSIONS);
    let sessions = site.store().sessions(site.now(), &filter, &page).await?.items;
    let _ = news.send(News::Active(Arc::new(ActiveSessions::of(sessions))));
    Ok(())
}

/// What is told of a line.
#[derive(Serialize)]
struct Shown<'e> {
    seq: u64,
    time: Timestamp,
    action: &'e str,
    user: Option<&'e str>,
    server: Option<&'e str>,
    session: Option<&'e str>,
    outcome: &'e str,
    reason: Option<&'e str>,
}

impl Line {
    pub(crate) fn of(event: &Event) -> Self {
        let shown = Shown {
            seq: event.seq,
            time: event.time,
            action: &event.action,
            user: event.user.as_deref(),
            server: event.server.as_deref(),
            session: event.session.as_deref(),
            outcome: event.outcome.as_str(),
            reason: event.reason.as_deref(),
        };
        Self {
            seq: event.seq,
            user: event.user.as_deref().map(str::to_lowercase),
            action: event.action.clone(),
            bytes: message("audit", Some(event.seq), &shown),
        }
    }
}

impl ActiveSessions {
    fn of(sessions: Vec<Session>) -> Self {
        let counters = sessions.into_iter().map(|session| {
            let counters = Counters {
                id: session.id.to_string(),
                bytes_in: session.bytes_in,
                bytes_out: session.bytes_out,
                what: session.what,
                allowed_until: session.allowed_until,
            };
            (session.user.to_lowercase(), counters)
        });
        let counters: Vec<_> = counters.collect();
        let all: Vec<&Counters> = counters.iter().map(|(_, counters)| counters).collect();
        Self {
            bytes: message("active", None, &all),
            counters,
        }
    }

    /// For a person who sees their own.
    pub(crate) fn of_person(&self, folded: &str) -> Bytes {
        let own = self.counters.iter().filter(|(user, _)| user == folded);
        let own: Vec<&Counters> = own.map(|(_, counters)| counters).collect();
        message("active", None, &own)
    }
}

/// A message of the stream: its kind, its number if it has one, and JSON, which holds no line feed.
pub(crate) fn message(kind: &str, id: Option<u64>, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    Bytes::from(format!("event: {kind}\n{id}data: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_data() {
        let bytes = message(
            "audit",
            Some(7),
            &serde_json::json!({ "reason": "a\nb\r\n\ndata: x" }),
        );
        let text = std::str::from_utf8(&bytes).unwrap();
        assert_eq!(
            text,
            "event: audit\nid: 7\ndata: {\"reason\":\"a\\nb\\r\\n\\ndata: x\"}\n\n"
        );
    }
}
