//! Lists of sessions: filters, orders, cursors, counts.

use gatehouse_model::{EndReason, PolicyId, Protocol, SessionId, SessionState, Timestamp, parse_span};
use gatehouse_store::{
    Actor, Closing, Count, NewSession, Page, PageRequest, SessionFilter, SessionSort, SessionUpdate, Sort,
    Store,
};
use uuid::Uuid;

use crate::lists::after;
use crate::sessions::{NODE, closing};
use crate::support::{Place, cli, now, on_both, range, sentence, server, user};

on_both!(
    sessions_are_found_by_each_filter,
    sessions_come_in_each_order_and_pages_are_stable,
);

fn id(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + n))
}

/// A session of `who` at `what`; it began `n` seconds after the start.
async fn session(store: &Store, n: u32, (who, what): (&str, &str), from: &str, policy: i64) -> SessionId {
    let (user, server) = (
        store.user(now(), who).await.unwrap(),
        store.server(now(), what).await.unwrap(),
    );
    let new = NewSession {
        id: id(n.into()),
        node: NODE,
        user: user.id,
        user_name: user.name.to_string(),
        server: server.id,
        server_name: server.name.to_string(),
        protocol: Protocol::Ssh,
        source: from.parse().unwrap(),
        source_port: 50_412,
        proxy: None,
        backend: "127.0.3.1:22".to_owned(),
        login: Some(
            if n.is_multiple_of(2) { "root" } else { "admin" }
                .parse()
                .unwrap(),
        ),
        policies: vec![PolicyId(policy)],
        started_at: after(n),
        allowed_until: None,
        recording_path: None,
    };
    store.open_session(new).await.unwrap();
    let actor = Actor::system();
    store
        .activate_session(&actor, after(n), id(n.into()), Default::default())
        .await
        .unwrap();
    id(n.into())
}

async fn close(store: &Store, id: SessionId, at: Timestamp, reason: EndReason, bytes_in: u64) {
    let mut end: Closing = closing(reason);
    end.bytes.bytes_in = bytes_in;
    store.close_session(&cli(), at, id, end).await.unwrap();
}

/// Six sessions: 1 to 5 closed after 10, 40, 20, 50, 30 seconds, 6 still runs.
async fn history(store: &Store) {
    for who in ["ana", "bea"] {
        user(store, who, &[]).await;
    }
    for what in ["web01", "db01"] {
        server(store, what).await;
    }
    let six = [
        (1, ("ana", "web01"), "10.0.0.1", 10, EndReason::Normal, 500),
        (2, ("bea", "web01"), "10.0.0.2", 40, EndReason::Killed, 100),
        (3, ("ana", "db01"), "10.0.1.1", 20, EndReason::Normal, 400),
        (4, ("bea", "db01"), "9.255.255.255", 50, EndReason::Error, 200),
        (5, ("ana", "web01"), "fd00::7", 30, EndReason::Normal, 300),
        (6, ("ana", "web01"), "10.0.0.1", 0, EndReason::Normal, 0),
    ];
    for (n, who_and_what, from, lasted, reason, bytes) in six {
        let id = session(store, n, who_and_what, from, i64::from(n % 2)).await;
        if lasted > 0 {
            close(store, id, after(n + lasted), reason, bytes).await;
        }
    }
}

fn numbers(page: &Page<gatehouse_store::Session>) -> Vec<u32> {
    let number = |id: SessionId| u32::try_from(id.0.as_u128() & 0xffff).unwrap();
    page.items.iter().map(|session| number(session.id)).collect()
}

async fn sessions_are_found_by_each_filter(place: &Place) {
    let store = place.open().await;
    history(&store).await;
    let all = SessionFilter::default;
    let later = after(30);
    let cases: Vec<(SessionFilter, &[u32])> = vec![
        (all(), &[6, 5, 4, 3, 2, 1]),
        (
            SessionFilter {
                login: Some("root".to_owned()),
                ..all()
            },
            &[6, 4, 2],
        ),
        (
            SessionFilter {
                login: Some("ROOT".to_owned()),
                ..all()
            },
            &[],
        ),
        (
            SessionFilter {
                source: Some(range("10.0.0.1")),
                ..all()
            },
            &[6, 1],
        ),
        (
            SessionFilter {
                source: Some(range("10.0.0.0/24")),
                ..all()
            },
            &[6, 2, 1],
        ),
        (
            SessionFilter {
                source: Some(range("10.0.0.0/8")),
                ..all()
            },
            &[6, 3, 2, 1],
        ),
        (
            SessionFilter {
                source: Some(range("fd00::/16")),
                ..all()
            },
            &[5],
        ),
        (
            SessionFilter {
                source: Some(range("0.0.0.0/0")),
                ..all()
            },
            &[6, 4, 3, 2, 1],
        ),
        (
            SessionFilter {
                reason: Some(EndReason::Normal),
                ..all()
            },
            &[5, 3, 1],
        ),
        (
            SessionFilter {
                node: Some(NODE),
                ..all()
            },
            &[6, 5, 4, 3, 2, 1],
        ),
        (
            SessionFilter {
                node: Some(gatehouse_model::NodeId(Uuid::nil())),
                ..all()
            },
            &[],
        ),
        (
            SessionFilter {
                policy: Some(PolicyId(1)),
                ..all()
            },
            &[5, 3, 1],
        ),
        (
            SessionFilter {
                policy: Some(PolicyId(7)),
                ..all()
            },
            &[],
        ),
        (
            SessionFilter {
                ids: Some(vec![id(2), id(5), id(99)]),
                ..all()
            },
            &[5, 2],
        ),
        (
            SessionFilter {
                ids: Some(Vec::new()),
                ..all()
            },
            &[],
        ),
        // The running one has lasted 24 seconds at that moment.
        (
            SessionFilter {
                min_duration: Some(parse_span("30s").unwrap()),
                ..all()
            },
            &[5, 4, 2],
        ),
        (
            SessionFilter {
                min_duration: Some(parse_span("24s").unwrap()),
                ..all()
            },
            &[6, 5, 4, 2],
        ),
        (
            SessionFilter {
                user: Some("ana".to_owned()),
                server: Some("WEB01".to_owned()),
                state: Some(SessionState::Closed),
                since: Some(after(1)),
                until: Some(after(5)),
                ..all()
            },
            &[1],
        ),
    ];
    for (mut filter, wanted) in cases {
        let page = store
            .sessions(later, &filter, &PageRequest::first(50))
            .await
            .unwrap();
        assert_eq!(numbers(&page), wanted, "{filter:?}");
        let count = store.count_sessions(later, &filter).await.unwrap();
        let total = u64::try_from(wanted.len()).unwrap();
        assert_eq!(
            count,
            Count {
                total,
                total_is_more: false
            },
            "{filter:?}"
        );
        filter.sort = Sort::ascending(SessionSort::Duration);
        let page = store
            .sessions(later, &filter, &PageRequest::first(50))
            .await
            .unwrap();
        let mut sorted = numbers(&page);
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(sorted, wanted, "in another order: {filter:?}");
    }
    // A grant that came to it later counts as well.
    let update = SessionUpdate {
        terms: Some((vec![PolicyId(0), PolicyId(7)], None)),
        ..SessionUpdate::default()
    };
    store.update_session(id(6), update).await.unwrap();
    for (policy, wanted) in [(7, &[6][..]), (0, &[6, 4, 2])] {
        let filter = SessionFilter {
            policy: Some(PolicyId(policy)),
            ..all()
        };
        let page = store.sessions(later, &filter, &PageRequest::all()).await.unwrap();
        assert_eq!(numbers(&page), wanted);
    }
}

async fn sessions_come_in_each_order_and_pages_are_stable(place: &Place) {
    let store = place.open().await;
    history(&store).await;
    let orders = [
        ("started_at", [1, 2, 3, 4, 5, 6]),
        ("duration", [1, 3, 5, 2, 4, 6]),
        ("bytes", [2, 4, 5, 3, 1, 6]),
        ("user", [1, 3, 5, 6, 2, 4]),
        ("server", [3, 4, 1, 2, 5, 6]),
    ];
    for (word, wanted) in orders {
        for (text, wanted) in [
            (word.to_owned(), wanted.to_vec()),
            (format!("-{word}"), wanted.into_iter().rev().collect()),
        ] {
            let filter = SessionFilter {
                sort: text.parse().unwrap(),
                ..SessionFilter::default()
            };
            let mut page = PageRequest::first(2);
            let mut walked = Vec::new();
            loop {
                let got = store.sessions(now(), &filter, &page).await.unwrap();
                walked.extend(numbers(&got));
                match got.next {
                    Some(next) => page.after = Some(next),
                    None => break,
                }
            }
            assert_eq!(walked, wanted, "{text}");
        }
    }
    let newest = SessionFilter::default();
    let first = store
        .sessions(now(), &newest, &PageRequest::first(2))
        .await
        .unwrap();
    session(&store, 7, ("ana", "web01"), "10.0.0.1", 1).await;
    let rest = PageRequest {
        limit: Some(2),
        after: first.next.clone(),
    };
    let second = store.sessions(now(), &newest, &rest).await.unwrap();
    assert_eq!(numbers(&second), [4, 3], "what is new moves nothing");
    let other = SessionFilter {
        sort: Sort::ascending(SessionSort::User),
        ..newest
    };
    assert!(sentence(store.sessions(now(), &other, &rest).await).contains("is not a cursor"));
}
