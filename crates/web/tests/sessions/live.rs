//! Looking on: polling, and the WebSocket.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use gatehouse_recording::Stream;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::http::PATIENCE;
use crate::site::{TestSite, say, until};

/// What was shown on the output of a channel.
fn shown(events: &Value) -> String {
    let events = events.as_array().unwrap().iter();
    let output = events.filter(|event| event[1] == "o");
    output.map(|event| event[2].as_str().unwrap()).collect()
}

async fn poll(site: &TestSite, id: &str, after: Option<&Value>) -> Value {
    let after = after.map_or_else(String::new, |after| format!("?after={after}"));
    site.get("audra", &format!("/sessions/{id}/live{after}"))
        .await
        .is(200)
        .json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_session_is_followed_by_polling_to_its_end() {
    let site = TestSite::start().await;
    let running = site.session("alice").await;
    let id = running.id.clone();
    let empty = poll(&site, &id, None).await;
    assert_eq!(
        empty,
        json!({ "channel": 0, "header": null, "events": [], "next": 0.0, "ended": false })
    );
    let tap = running.shell();
    say(&tap, "$ \x1b]0;title\x07\x1b[31mls\r\n").await;
    let page =
        until(async || Some(poll(&site, &id, None).await).filter(|page| !shown(&page["events"]).is_empty()));
    let page = page.await;
    assert_eq!(shown(&page["events"]), "$ \u{1b}[31mls\r\n");
    assert_eq!(
        (&page["header"]["width"], &page["ended"]),
        (&json!(80), &json!(false))
    );
    say(&tap, "more").await;
    let next = until(async || {
        let next = poll(&site, &id, Some(&page["next"])).await;
        (!shown(&next["events"]).is_empty()).then_some(next)
    });
    let next = next.await;
    assert_eq!(shown(&next["events"]), "more");
    running.end(tap).await;
    let last = poll(&site, &id, Some(&next["next"])).await;
    assert_eq!(
        (&last["events"], &last["ended"], &last["next"]),
        (&json!([]), &json!(true), &next["next"])
    );
    // However often it was asked for.
    assert_eq!(
        site.booked("session.watched", &id).await,
        (1, Some("audra".to_owned()))
    );
    assert_eq!(site.booked("recording.viewed", &id).await.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_is_read_in_pages() {
    let site = TestSite::start().await;
    let piece = "x".repeat(200 * 1024);
    let id = site.ended("alice", &[piece.as_str(); 12]).await;
    let (mut after, mut got, mut pages) = (None, 0, 0);
    loop {
        let page = poll(&site, &id, after.as_ref()).await;
        assert!(page["events"].to_string().len() <= 1024 * 1024 + 64 * 1024);
        got += shown(&page["events"]).len();
        pages += 1;
        after = Some(page["next"].clone());
        if page["ended"] == json!(true) {
            break;
        }
    }
    assert_eq!(got, 12 * piece.len());
    assert!(pages >= 3, "{pages}");
    let told = site
        .get("audra", &format!("/sessions/{id}/live?channel=3"))
        .await
        .refused(404);
    assert!(told.contains("no channel 3"), "{told}");
}

type Socket = WebSocketStream<TcpStream>;

async fn watch(site: &TestSite, who: &str, id: &str) -> Result<Socket, Error> {
    let stream = TcpStream::connect(site.web).await.unwrap();
    let url = format!("ws://{}/api/v1/sessions/{id}/live", site.web);
    let mut request = url.into_client_request().unwrap();
    request
        .headers_mut()
        .insert("Authorization", site.bearer(who).parse().unwrap());
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

/// The next frame of text.
async fn frame(socket: &mut Socket) -> Option<Value> {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        match next {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_))) | None => return None,
            Some(Ok(_)) => {}
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

fn status(refused: Result<Socket, Error>) -> u16 {
    match refused {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_session_is_pushed_as_it_happens() {
    let site = TestSite::start().await;
    let running = site.session("alice").await;
    let id = running.id.clone();
    let tap = running.shell();
    say(&tap, "$ \x1b]52;c;cm0=\x07").await;
    let mut socket = watch(&site, "audra", &id).await.unwrap();
    let header = frame(&mut socket).await.unwrap();
    assert_eq!(
        (&header["channel"], &header["header"]["height"]),
        (&json!(0), &json!(24))
    );
    let first = frame(&mut socket).await.unwrap();
    assert_eq!(
        (&first["channel"], shown(&first["events"])),
        (&json!(0), "$ ".to_owned())
    );
    assert_eq!(
        site.booked("session.watched", &id).await,
        (1, Some("audra".to_owned()))
    );
    let mut slowest = Duration::ZERO;
    for number in 0..10 {
        let begun = Instant::now();
        say(&tap, &format!("{number}")).await;
        let told = frame(&mut socket).await.unwrap();
        slowest = slowest.max(begun.elapsed());
        assert_eq!(shown(&told["events"]), number.to_string());
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    running.end(tap).await;
    assert_eq!(
        frame(&mut socket).await,
        Some(json!({ "ended": true, "reason": "normal" }))
    );
    assert_eq!(frame(&mut socket).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_and_not_kept_is_not_shown() {
    let site = TestSite::start().await;
    let running = site.session("alice").await;
    let tap = running.shell();
    say(&tap, "Password: ").await;
    let typed = bytes::Bytes::from_static(b"hunter2\r");
    tap.data(Stream::Input, typed).await.unwrap();
    say(&tap, "\r\nwelcome\r\n").await;
    let mut socket = watch(&site, "audra", &running.id).await.unwrap();
    let mut all = String::new();
    while !all.contains("welcome") {
        all.push_str(&frame(&mut socket).await.unwrap().to_string());
    }
    let id = running.end(tap).await;
    all.push_str(&poll(&site, &id, None).await.to_string());
    all.push_str(
        site.get("audra", &format!("/sessions/{id}/recording?format=json"))
            .await
            .text(),
    );
    assert!(!all.contains("hunter2"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_is_not_let_in() {
    let site = TestSite::start().await;
    let running = site.session("alice").await;
    let tap = running.shell();
    assert_eq!(status(watch(&site, "alice", &running.id).await), 403);
    assert_eq!(status(watch(&site, "audra", "ffff").await), 404);
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(watch(&site, "audra", &running.id).await.unwrap());
    }
    assert_eq!(status(watch(&site, "audra", &running.id).await), 429);
    watch(&site, "ada", &running.id).await.unwrap();
    open.pop();
    // The place of who left is free as soon as that is seen.
    until(async || watch(&site, "audra", &running.id).await.ok()).await;
    let id = running.end(tap).await;
    assert_eq!(status(watch(&site, "ada", &id).await), 409);
}
