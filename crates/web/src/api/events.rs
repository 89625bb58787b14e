//! `GET /events`: what the audit book gets, as it gets it.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gatehouse_model::Role;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sessions::tells_of_viewers;
use crate::caller::{Caller, Standing};
use crate::live::{Line, News, Place, message};
use crate::problem::{Code, Problem};
use crate::site::Site;

/// So that proxies do not take the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Whether the listener may still listen is asked this often.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// Lines that a listener may have missed; one that missed more is told to reload.
const MISSED: u64 = 1_000;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(stream_events))
}

/// What the audit book gets, as it gets it, and every five seconds what active sessions do (Server-Sent Events). Who is no
/// auditor gets what is about them. `Last-Event-ID` continues after a line; `event: reload` says that lines were missed.
#[utoipa::path(get, path = "/events", tag = "events",
    responses((status = 200, body = String, content_type = "text/event-stream")))]
async fn stream_events(State(site): State<Site>, caller: Caller, parts: Parts) -> Result<Response, Problem> {
    let person = caller.person()?;
    let place = site.live().places.take(person.id).ok_or_else(|| {
        Problem::new(
            Code::RateLimited,
            "you have as many streams open as a person may; close some of them",
        )
        .after(10)
    })?;
    let known = parts.headers.get("last-event-id");
    let known = known.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    let mut listener = Listener {
        news: site.live().hub.join(&site).await?,
        standing: Standing::of(&parts, &caller)?,
        only: only(&caller)?,
        last: known,
        ready: VecDeque::from([Bytes::from_static(b": gatehouse\n\n")]),
        keep_alive: every(KEEP_ALIVE),
        ask: every(ASK_AGAIN),
        _place: place,
        site,
    };
    if let Some(seq) = known {
        listener.catch_up(seq).await?;
    }
    let stream = futures::stream::unfold(listener, |mut listener| async move {
        let bytes = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), listener))
    });
    let mut response = Body::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    // Proxies must not collect it.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Whom a caller hears of: everybody (`None`), or themselves alone, by the folded name.
fn only(caller: &Caller) -> Result<Option<String>, Problem> {
    let person = caller.person()?;
    Ok((person.role < Role::Auditor).then(|| person.name.folded()))
}

fn every(span: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + span, span);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// One who listens.
struct Listener {
    site: Site,
    standing: Standing,
    news: broadcast::Receiver<News>,
    /// Whom they hear of, if not everybody.
    only: Option<String>,
    /// The last line that they know.
    last: Option<u64>,
    ready: VecDeque<Bytes>,
    keep_alive: Interval,
    ask: Interval,
    _place: Place,
}

impl Listener {
    /// Makes ready what came after a line that the listener knows.
    async fn catch_up(&mut self, seq: u64) -> Result<(), Problem> {
        let known = seq <= self.site.store().audit_head().await?.seq;
        let missed = self.site.store().audit_after(seq, MISSED + 1).await?;
        // A line that is not there yet was told of another book.
        if !known || missed.len() as u64 > MISSED {
            self.reload();
            self.last = None;
            return Ok(());
        }
        for event in missed {
            self.line(&Line::of(&event));
        }
        Ok(())
    }

    fn reload(&mut self) {
        self.ready
            .push_back(message("reload", None, &serde_json::json!({})));
    }

    fn line(&mut self, line: &Line) {
        if self.last.is_some_and(|last| line.seq <= last) {
            return;
        }
        self.last = Some(line.seq);
        let is_theirs = match &self.only {
            None => true,
            Some(own) => line.user.as_ref() == Some(own) && !tells_of_viewers(&line.action),
        };
        if is_theirs {
            self.ready.push_back(line.bytes.clone());
        }
    }

    /// What comes next; `None`: the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(bytes);
            }
            tokio::select! {
                news = self.news.recv() => match news {
                    Ok(News::Line(line)) => self.line(&line),
                    Ok(News::Active(active)) => return Some(match &self.only {
                        None => active.bytes.clone(),
                        Some(own) => active.of_person(own),
                    }),
                    Err(RecvError::Lagged(_)) => self.reload(),
                    Err(RecvError::Closed) => return None,
                },
                _ = self.keep_alive.tick() => return Some(Bytes::from_static(b": alive\n\n")),
                _ = self.ask.tick() => match self.standing.again(&self.site).await {
                    Ok(caller) => self.only = only(&caller).ok()?,
                    // That the store does not answer is nobody's fault; it is asked again soon.
                    Err(Problem { code: Code::Unavailable | Code::Internal, .. }) => {}
                    Err(_) => return None,
                },
            }
        }
    }
}
