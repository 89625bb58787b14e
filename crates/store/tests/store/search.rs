//! Searching: what is found, what is not, and that nothing typed is read as a language.

use std::collections::BTreeMap;

use gatehouse_model::{EndReason, SessionId, Timestamp};
use gatehouse_store::{
    IndexBatch, IndexLine, IndexProgress, LINE_MAX, LineKind, PageRequest, SESSION_LINES_MAX, SearchFilter,
    Server, Store, StoreError, User,
};

use crate::sessions::{NODE, closing, opened};
use crate::support::{Place, cli, now, on_both, server, user};

on_both!(
    lines_are_found_by_words_phrases_and_beginnings,
    filters_pages_and_counts,
    what_is_on_a_screen_is_replaced,
    a_session_is_read_once_and_goes_with_its_lines,
    what_cannot_be_read_is_left_alone_after_a_while,
);

fn line(at: u64, text: &str) -> IndexLine {
    IndexLine {
        channel: 0,
        at,
        kind: LineKind::Output,
        text: text.to_owned(),
    }
}

fn batch(lines: Vec<IndexLine>) -> IndexBatch {
    IndexBatch {
        lines,
        ..IndexBatch::default()
    }
}

async fn texts(store: &Store, query: &str) -> Vec<String> {
    let filter = SearchFilter::default();
    let page = store
        .search(query, &filter, &PageRequest::first(50))
        .await
        .unwrap();
    page.items.into_iter().map(|hit| hit.text).collect()
}

async fn people(store: &Store) -> (User, User, Server, Server) {
    (
        user(store, "ana", &[]).await,
        user(store, "bea", &[]).await,
        server(store, "web01").await,
        server(store, "db01").await,
    )
}

async fn lines_are_found_by_words_phrases_and_beginnings(place: &Place) {
    let store = place.open().await;
    let (ana, _, web, _) = people(&store).await;
    let id = opened(&store, &ana, &web, 1).await;
    let long = format!("{} tail", "é".repeat(LINE_MAX));
    let lines = vec![
        line(10, "# rm -rf /var/log/nginx"),
        line(20, "Straße in ŁÓDŹ: naïve Ünal"),
        line(30, "rf then rm"),
        line(30, "'); DROP TABLE sessions; -- \" * NEAR(a b) ^x : {"),
        line(40, &long),
        line(50, "\u{0}nul 10.0.0.7"),
    ];
    store.index_lines(id, batch(lines)).await.unwrap();
    for (query, wanted) in [
        ("rm rf", &["rf then rm", "# rm -rf /var/log/nginx"][..]),
        ("\"rm -rf\"", &["# rm -rf /var/log/nginx"]),
        ("RM -RF", &["rf then rm", "# rm -rf /var/log/nginx"]),
        ("/var/log", &["# rm -rf /var/log/nginx"]),
        ("log/var", &[]),
        ("ngin*", &["# rm -rf /var/log/nginx"]),
        ("ngin", &[]),
        ("\"log ngi\"*", &["# rm -rf /var/log/nginx"]),
        ("strasse lodz", &["Straße in ŁÓDŹ: naïve Ünal"]),
        ("STRASSE unal NAIVE", &["Straße in ŁÓDŹ: naïve Ünal"]),
        ("10.0.0.7", &["\u{FFFD}nul 10.0.0.7"]),
        ("tail", &[]),
        ("\u{E000}u1 rm", &[]),
    ] {
        assert_eq!(texts(&store, query).await, wanted, "{query}");
    }
    for hostile in [
        "a OR b",
        "NOT x",
        "NEAR(a b, 5)",
        "words: x",
        "'); DROP TABLE search_lines; --",
        "\"",
        "a\"b*\"c",
        "{a} : b",
        "^x -y +z",
        "a & b | !c",
        "<-> :*",
        "\\",
        "x\u{0}y",
        "% _",
        "a*b*",
        "\"drop table\" *",
        "()",
        "$1 ?1",
    ] {
        match store
            .search(hostile, &SearchFilter::default(), &PageRequest::first(5))
            .await
        {
            Ok(_) => {}
            Err(error) => assert_eq!(error.field(), Some("q"), "{hostile}: {error}"),
        }
    }
    assert_eq!(
        texts(&store, "drop table").await.len(),
        1,
        "everything is still there"
    );
    assert!(matches!(
        store
            .search(" * ", &SearchFilter::default(), &PageRequest::first(1))
            .await,
        Err(StoreError::Invalid { field: "q", .. })
    ));
}

async fn filters_pages_and_counts(place: &Place) {
    let store = place.open().await;
    let (ana, bea, web, db) = people(&store).await;
    let sessions = [
        opened(&store, &ana, &web, 1).await,
        opened(&store, &bea, &web, 2).await,
        opened(&store, &ana, &db, 3).await,
    ];
    // The second one is indexed first, and all lines of a session have one moment.
    for at in [1, 0, 2] {
        for part in 0..3 {
            let mut lines: Vec<_> = (0..500)
                .map(|n| line(7, &format!("word {}", part * 500 + n)))
                .collect();
            if part == 0 {
                lines.push(IndexLine {
                    kind: LineKind::Command,
                    ..line(7, "word count")
                });
            }
            store.index_lines(sessions[at], batch(lines)).await.unwrap();
        }
    }
    let all = SearchFilter::default;
    let count = async |filter: SearchFilter| store.count_search("word", &filter).await.unwrap().total;
    assert_eq!(count(all()).await, 4_503);
    let of_ana = SearchFilter {
        user: Some("ANA".to_owned()),
        ..all()
    };
    assert_eq!(count(of_ana.clone()).await, 3_002);
    assert_eq!(
        count(SearchFilter {
            server: Some("db01".to_owned()),
            ..of_ana.clone()
        })
        .await,
        1_501
    );
    assert_eq!(
        count(SearchFilter {
            session: Some(sessions[1]),
            ..all()
        })
        .await,
        1_501
    );
    assert_eq!(
        count(SearchFilter {
            kind: Some(LineKind::Command),
            ..all()
        })
        .await,
        3
    );
    let after = |seconds: u64| {
        now()
            .checked_add(std::time::Duration::from_secs(seconds))
            .unwrap()
    };
    let since = |moment: Timestamp| SearchFilter {
        since: Some(moment),
        ..all()
    };
    assert_eq!(count(since(after(2))).await, 3_002);
    assert_eq!(
        count(SearchFilter {
            until: Some(after(3)),
            ..since(after(2))
        })
        .await,
        1_501
    );
    let mut page = PageRequest::first(400);
    let mut seen = Vec::new();
    loop {
        let got = store.search("word", &all(), &page).await.unwrap();
        seen.extend(got.items.into_iter().map(|hit| (hit.session, hit.text)));
        match got.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    let order: Vec<SessionId> = seen.chunks(1_501).map(|chunk| chunk[0].0).collect();
    assert_eq!(order, [sessions[2], sessions[1], sessions[0]], "the newest first");
    assert_eq!(seen[0].1, "word 1499");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4_503);
    let found = store.search_sessions("\"word count\"", &all()).await.unwrap();
    assert_eq!(found, [sessions[2], sessions[1], sessions[0]]);
    let nobody = SearchFilter {
        user: Some("nobody".to_owned()),
        ..all()
    };
    assert!(
        store
            .search("word", &nobody, &PageRequest::first(1))
            .await
            .is_err()
    );
    store.remove_user(&cli(), now(), "ana").await.unwrap();
    assert_eq!(count(of_ana).await, 3_002, "who is gone is found by name");
}

async fn what_is_on_a_screen_is_replaced(place: &Place) {
    let store = place.open().await;
    let (ana, _, web, _) = people(&store).await;
    let id = opened(&store, &ana, &web, 1).await;
    let progress = IndexProgress {
        channels: BTreeMap::from([(0, 1)]),
        files: 0,
    };
    let first = IndexBatch {
        lines: vec![line(1, "old prompt")],
        on_screen: vec![line(2, "half a wor")],
        progress: progress.clone(),
        complete: false,
    };
    let state = store.index_lines(id, first).await.unwrap();
    assert_eq!(
        (state.lines, &state.progress, state.complete),
        (1, &progress, false)
    );
    assert_eq!(store.index_state(id).await.unwrap().unwrap(), state);
    assert_eq!(texts(&store, "half").await.len(), 1);
    let second = IndexBatch {
        lines: vec![line(2, "half a word")],
        complete: true,
        ..IndexBatch::default()
    };
    store.index_lines(id, second).await.unwrap();
    assert_eq!(texts(&store, "half").await, ["half a word"]);
    let late = store
        .index_lines(id, batch(vec![line(3, "half again")]))
        .await
        .unwrap();
    assert!(late.complete);
    assert_eq!(
        texts(&store, "half").await.len(),
        1,
        "nothing is added to what is complete"
    );
}

async fn a_session_is_read_once_and_goes_with_its_lines(place: &Place) {
    let store = place.open().await;
    let (ana, _, web, _) = people(&store).await;
    let [first, second, third] = [
        opened(&store, &ana, &web, 1).await,
        opened(&store, &ana, &web, 2).await,
        opened(&store, &ana, &web, 3).await,
    ];
    store
        .close_session(&cli(), now(), second, closing(EndReason::Normal))
        .await
        .unwrap();
    store
        .close_session(&cli(), now(), third, closing(EndReason::Normal))
        .await
        .unwrap();
    let waiting = async || -> Vec<SessionId> {
        let sessions = store.sessions_to_index(NODE, 10).await.unwrap();
        sessions.iter().map(|session| session.id).collect()
    };
    assert_eq!(
        waiting().await,
        [first, third, second],
        "those that run come first"
    );
    let other = gatehouse_model::NodeId(uuid::Uuid::nil());
    assert!(store.sessions_to_index(other, 10).await.unwrap().is_empty());
    let whole = IndexBatch {
        lines: vec![line(1, "gone soon")],
        complete: true,
        ..IndexBatch::default()
    };
    store.index_lines(third, whole).await.unwrap();
    assert_eq!(waiting().await, [first, second]);
    place.tamper("DELETE FROM sessions WHERE state = 'closed'").await;
    assert!(texts(&store, "gone").await.is_empty());
    assert_eq!(
        store
            .count_search("gone", &SearchFilter::default())
            .await
            .unwrap()
            .total,
        0
    );
    assert!(store.index_state(third).await.unwrap().is_none());
    place
        .tamper(&format!(
            "UPDATE search_states SET lines = {}",
            SESSION_LINES_MAX - 1
        ))
        .await;
    let state = store
        .index_lines(
            first,
            batch(vec![line(1, "the last one"), line(2, "one too many")]),
        )
        .await
        .unwrap();
    assert!(state.complete && state.trouble.is_some(), "{state:?}");
    assert_eq!(texts(&store, "one").await, ["the last one"]);
}

async fn what_cannot_be_read_is_left_alone_after_a_while(place: &Place) {
    let store = place.open().await;
    let (ana, _, web, _) = people(&store).await;
    let id = opened(&store, &ana, &web, 1).await;
    for attempt in 1..=3 {
        store.index_failed(id, "it is damaged", false).await.unwrap();
        let state = store.index_state(id).await.unwrap().unwrap();
        assert_eq!((state.attempts, state.complete), (attempt, attempt == 3));
        assert_eq!(state.trouble.as_deref(), Some("it is damaged"));
    }
    assert!(store.sessions_to_index(NODE, 10).await.unwrap().is_empty());
    let other = opened(&store, &ana, &web, 2).await;
    store.index_failed(other, "it is encrypted", true).await.unwrap();
    assert!(store.sessions_to_index(NODE, 10).await.unwrap().is_empty());
}
