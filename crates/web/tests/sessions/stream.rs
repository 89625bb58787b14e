//! The stream of events.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{PATIENCE, head};
use crate::site::TestSite;

struct Listener {
    stream: TcpStream,
    text: String,
}

/// A message: its kind, its number, its data.
type Told = (String, Option<u64>, Value);

async fn listen(site: &TestSite, who: &str, last: Option<u64>) -> Listener {
    let mut stream = TcpStream::connect(site.web).await.unwrap();
    let (bearer, last) = (site.bearer(who), last.map(|last| last.to_string()));
    let mut headers = vec![("Authorization", bearer.as_str())];
    if let Some(last) = &last {
        headers.push(("Last-Event-ID", last));
    }
    let head = head(site.web, "GET", "/api/v1/events", &headers, 0);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut listener = Listener {
        stream,
        text: String::new(),
    };
    // Subscribed when the first comment has come.
    listener.until(": gatehouse\n\n").await;
    assert!(listener.text.contains("text/event-stream"), "{}", listener.text);
    // What was missed may have come with it.
    let begun = listener.text.find(": gatehouse\n\n").unwrap();
    listener.text.drain(..begun);
    listener
}

impl Listener {
    async fn more(&mut self) {
        let mut bytes = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut bytes));
        let count = read.await.unwrap().unwrap();
        assert!(count > 0, "the stream ended");
        self.text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }

    async fn until(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            self.more().await;
        }
    }

    /// The next message of this kind. Chunks are taken as they come: each message is one.
    async fn next(&mut self, kind: &str) -> Told {
        // Comments come for ever.
        tokio::time::timeout(PATIENCE, self.wait_for(kind))
            .await
            .unwrap_or_else(|_| panic!("no {kind} came"))
    }

    async fn wait_for(&mut self, kind: &str) -> Told {
        loop {
            let begin = self.text.find("event: ");
            let end = begin.and_then(|begin| self.text[begin..].find("\n\n").map(|end| begin + end));
            let (Some(begin), Some(end)) = (begin, end) else {
                self.more().await;
                continue;
            };
            let message = self.text[begin..end].to_owned();
            self.text.drain(..end + 2);
            let field = |name: &str| {
                let line = message.lines().find_map(|line| line.strip_prefix(name));
                line.map(str::to_owned)
            };
            let told = field("event: ").unwrap();
            if told == kind {
                let data = serde_json::from_str(&field("data: ").unwrap()).unwrap();
                return (told, field("id: ").map(|id| id.parse().unwrap()), data);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_book_gets_is_told_to_those_it_is_for() {
    let site = TestSite::start().await;
    let mut audra = listen(&site, "audra", None).await;
    let mut alice = listen(&site, "alice", None).await;
    let his = site.session("bob").await;
    let hers = site.session("alice").await;
    let (_, first, data) = audra.next("audit").await;
    assert_eq!(
        (&data["action"], &data["user"]),
        (&"session.opened".into(), &"bob".into())
    );
    assert_eq!(data["seq"].as_u64(), first);
    let (_, second, data) = audra.next("audit").await;
    assert_eq!(data["user"], "alice");
    assert_eq!(second, first.map(|first| first + 1));
    let (_, own, data) = alice.next("audit").await;
    assert_eq!((own, &data["session"]), (second, &hers.id.as_str().into()));
    // Who looks at her is not told to her.
    let tap = hers.shell();
    crate::site::say(&tap, "$ ").await;
    site.get("audra", &format!("/sessions/{}/live", hers.id))
        .await
        .is(200);
    assert_eq!(audra.next("audit").await.2["action"], "session.watched");
    hers.end(tap).await;
    assert_eq!(alice.next("audit").await.2["action"], "session.closed");
    // Counters: all, and one's own.
    let (_, _, active) = audra.next("active").await;
    let counts: Vec<&str> = active
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert!(counts.contains(&his.id.as_str()), "{active}");
    let (_, _, active) = alice.next("active").await;
    assert!(
        active
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["id"] != his.id.as_str())
    );
    drop(his);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_was_away_continues_without_a_gap() {
    let site = TestSite::start().await;
    let before = site.store.audit_head().await.unwrap().seq;
    let id = site.ended("alice", &["$ "]).await;
    let mut audra = listen(&site, "audra", Some(before)).await;
    for (number, action) in [(1, "session.opened"), (2, "session.closed")] {
        let (_, seq, data) = audra.next("audit").await;
        assert_eq!((seq, &data["action"]), (Some(before + number), &action.into()));
        assert_eq!(data["session"], id.as_str());
    }
    site.ended("bob", &["$ "]).await;
    assert_eq!(audra.next("audit").await.1, Some(before + 3), "once each");
    assert_eq!(audra.next("audit").await.1, Some(before + 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_a_line_that_is_not_there_loads_anew() {
    let site = TestSite::start().await;
    let mut audra = listen(&site, "audra", Some(1_000_000)).await;
    audra.next("reload").await;
    site.ended("alice", &["$ "]).await;
    assert_eq!(audra.next("audit").await.2["action"], "session.opened");
}
