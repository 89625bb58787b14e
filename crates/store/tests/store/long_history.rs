//! Lists in a long history.

use std::time::Duration;

use crate::sessions::opened;
use gatehouse_model::*;
use gatehouse_store::*;

use crate::support::*;

/// Pages are quick in a long history, whatever they are filtered by.
#[tokio::test]
#[ignore = "takes half a minute to write a million sessions; run it with --release"]
async fn a_million_sessions_are_listed_page_by_page() {
    let place = Place::sqlite();
    let store = place.open().await;
    let (ana, web) = (user(&store, "ana", &[]).await, server(&store, "web01").await);
    user(&store, "bea", &[]).await;
    let raw = place.raw().await;
    let sql = "INSERT INTO sessions (id, user_id, user_name, user_folded, server_id, server_name, server_folded, \
               protocol, state, node_id, source, source_port, backend, agent_used, policies, started_at, bytes_in, \
               bytes_out) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) \
               SELECT CAST(printf('%016d', i) AS BLOB), 1 + i % 1000, 'user' || (i % 1000), 'user' || (i % 1000), \
               1 + i % 100, 'server' || (i % 100), 'server' || (i % 100), 'ssh', \
               CASE WHEN i > 999990 THEN 'active' ELSE 'closed' END, CAST('0000000000000007' AS BLOB), '10.0.0.7', \
               50000, '127.0.3.1:22', 0, '[]', strftime('%Y-%m-%dT%H:%M:%S+00:00', 1700000000 + i, 'unixepoch'), 0, 0 FROM n";
    sea_orm::ConnectionTrait::execute_unprepared(&raw, sql)
        .await
        .unwrap();
    let all = SessionFilter::default;
    for filter in [
        all(),
        SessionFilter {
            user: Some("ana".to_owned()),
            ..all()
        },
        SessionFilter {
            server: Some("web01".to_owned()),
            ..all()
        },
        SessionFilter {
            user: Some("ana".to_owned()),
            server: Some("web01".to_owned()),
            ..all()
        },
        SessionFilter {
            user: Some("user999".to_owned()),
            ..all()
        },
        SessionFilter {
            state: Some(SessionState::Active),
            ..all()
        },
        SessionFilter {
            state: Some(SessionState::Closed),
            ..all()
        },
        SessionFilter {
            protocol: Some(Protocol::Ssh),
            ..all()
        },
        SessionFilter {
            since: Some(at("2023-11-20")),
            ..all()
        },
        SessionFilter {
            since: Some(at("2023-11-20")),
            until: Some(at("2023-11-21")),
            ..all()
        },
    ] {
        let begun = std::time::Instant::now();
        let page = store
            .sessions(now(), &filter, &PageRequest::first(50))
            .await
            .unwrap();
        assert!(!page.items.is_empty(), "{filter:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{filter:?} took {:?}",
            begun.elapsed()
        );
    }
    let begun = std::time::Instant::now();
    opened(&store, &ana, &web, 1).await;
    assert!(
        begun.elapsed() < Duration::from_millis(200),
        "opening took {:?}",
        begun.elapsed()
    );
}
