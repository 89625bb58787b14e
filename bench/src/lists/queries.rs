//! What is asked.

use std::future::Future;
use std::io;
use std::pin::Pin;

use gatehouse_model::{EndReason, NodeId, PolicyId, Protocol, SessionState, Timestamp, parse_span};
use gatehouse_store::{
    AuditFilter, AuditOrder, Outcome, PageRequest, SearchFilter, ServerFilter, SessionFilter, Sort, SortKey,
    Store, StoreError, UserFilter,
};
use uuid::Uuid;

use super::failed;

const PAGE: f64 = 50.0;
const SEARCH: f64 = 100.0;

type Asked<'s> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 's>>;
type Ask = Box<dyn for<'s> Fn(&'s Store) -> Asked<'s>>;

/// A query with its target.
pub(super) struct Query {
    pub(super) what: String,
    /// Milliseconds.
    pub(super) target: f64,
    ask: Ask,
}

impl Query {
    fn new(
        what: impl Into<String>,
        target: f64,
        ask: impl for<'s> Fn(&'s Store) -> Asked<'s> + 'static,
    ) -> Self {
        Self {
            what: what.into(),
            target,
            ask: Box::new(ask),
        }
    }

    pub(super) async fn ask(&self, store: &Store) -> io::Result<()> {
        (self.ask)(store).await.map_err(failed)
    }
}

/// All queries. Cursors into the middle are found first.
pub(super) async fn all(store: &Store) -> io::Result<Vec<Query>> {
    let mut queries = Vec::new();
    sessions(store, &mut queries).await?;
    directory(&mut queries);
    audit(&mut queries);
    queries.push(Query::new("numbers of a dashboard", PAGE, |store| {
        Box::pin(async { store.stats(Timestamp::now()).await.map(drop) })
    }));
    queries.push(Query::new("counters of active sessions", PAGE, |store| {
        Box::pin(async { store.active_counters().await.map(drop) })
    }));
    searches(&mut queries);
    Ok(queries)
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn days_ago(days: u64) -> Timestamp {
    let now = Timestamp::now();
    let back = std::time::Duration::from_secs(days * 86_400);
    now.checked_sub(back).unwrap_or(now)
}

/// The filters of sessions by their names in the API.
fn filters() -> Vec<(&'static str, SessionFilter)> {
    let with = |set: fn(&mut SessionFilter)| {
        let mut filter = SessionFilter::default();
        set(&mut filter);
        filter
    };
    vec![
        ("all", with(|_| {})),
        ("state=active", with(|f| f.state = Some(SessionState::Active))),
        ("state=closed", with(|f| f.state = Some(SessionState::Closed))),
        ("user (most)", with(|f| f.user = text("user1"))),
        ("user (few)", with(|f| f.user = text("user900"))),
        ("server (most)", with(|f| f.server = text("server1"))),
        ("server (few)", with(|f| f.server = text("server1500"))),
        (
            "user (few) and server (most)",
            with(|f| {
                f.user = text("user900");
                f.server = text("server1");
            }),
        ),
        ("protocol=ssh", with(|f| f.protocol = Some(Protocol::Ssh))),
        ("protocol=rdp", with(|f| f.protocol = Some(Protocol::Rdp))),
        ("login (quarter)", with(|f| f.login = text("root"))),
        ("login (few)", with(|f| f.login = text("user900"))),
        (
            "source=10.0.0.0/8",
            with(|f| f.source = "10.0.0.0/8".parse().ok()),
        ),
        ("source=10.3.0.3", with(|f| f.source = "10.3.0.3".parse().ok())),
        ("node", with(|f| f.node = Some(NodeId(Uuid::from_u128(1 << 76))))),
        ("reason=normal", with(|f| f.reason = Some(EndReason::Normal))),
        ("reason=killed", with(|f| f.reason = Some(EndReason::Killed))),
        ("policy", with(|f| f.policy = Some(PolicyId(7)))),
        ("since 1 day", with(|f| f.since = Some(days_ago(1)))),
        ("until 50 days ago", with(|f| f.until = Some(days_ago(50)))),
        (
            "min_duration=1h",
            with(|f| f.min_duration = parse_span("1h").ok()),
        ),
        (
            "min_duration=2h",
            with(|f| f.min_duration = parse_span("2h").ok()),
        ),
    ]
}

async fn sessions(store: &Store, queries: &mut Vec<Query>) -> io::Result<()> {
    for (what, filter) in filters() {
        queries.push(page(format!("sessions, {what}"), filter.clone(), None));
        let mut sorted = filter;
        sorted.sort = "-duration".parse().map_err(failed)?;
        queries.push(page(format!("sessions, {what}, longest first"), sorted, None));
    }
    for key in gatehouse_store::SessionSort::ALL {
        for sort in [Sort::ascending(*key), Sort::descending(*key)] {
            let filter = SessionFilter {
                sort,
                ..SessionFilter::default()
            };
            let deep = middle(store, &filter).await?;
            queries.push(page(format!("sessions by {sort}"), filter.clone(), None));
            queries.push(page(format!("sessions by {sort}, deep"), filter, deep));
        }
    }
    queries.push(Query::new("count of sessions", PAGE, |store| {
        Box::pin(async {
            let filter = SessionFilter::default();
            store.count_sessions(Timestamp::now(), &filter).await.map(drop)
        })
    }));
    Ok(())
}

/// Where a page far from the beginning begins.
async fn middle(store: &Store, filter: &SessionFilter) -> io::Result<Option<String>> {
    let mut page = PageRequest::first(5_000);
    for _ in 0..5 {
        let got = store
            .sessions(Timestamp::now(), filter, &page)
            .await
            .map_err(failed)?;
        match got.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    Ok(page.after)
}

fn page(what: String, filter: SessionFilter, after: Option<String>) -> Query {
    let page = PageRequest {
        limit: Some(50),
        after,
    };
    Query::new(what, PAGE, move |store| {
        let (filter, page) = (filter.clone(), page.clone());
        Box::pin(async move { store.sessions(Timestamp::now(), &filter, &page).await.map(drop) })
    })
}

fn directory(queries: &mut Vec<Query>) {
    let all = ServerFilter::default;
    let mut filters = vec![
        (
            "servers, text".to_owned(),
            ServerFilter {
                text: Some("ver99".to_owned()),
                ..all()
            },
        ),
        (
            "servers, protocol=rdp".to_owned(),
            ServerFilter {
                protocol: Some(Protocol::Rdp),
                ..all()
            },
        ),
        (
            "servers, inactive".to_owned(),
            ServerFilter {
                active: Some(false),
                ..all()
            },
        ),
        (
            "servers, locked".to_owned(),
            ServerFilter {
                locked: Some(true),
                ..all()
            },
        ),
    ];
    for key in gatehouse_store::ServerSort::ALL {
        for sort in [Sort::ascending(*key), Sort::descending(*key)] {
            filters.push((format!("servers by {sort}"), ServerFilter { sort, ..all() }));
        }
    }
    for (what, filter) in filters {
        queries.push(Query::new(what, PAGE, move |store| {
            let filter = filter.clone();
            Box::pin(async move {
                let page = PageRequest::first(50);
                store.servers(Timestamp::now(), &filter, &page).await.map(drop)
            })
        }));
    }
    queries.push(Query::new("people by full name", PAGE, |store| {
        Box::pin(async move {
            let sort = "full_name".parse()?;
            let filter = UserFilter {
                sort,
                ..UserFilter::default()
            };
            store
                .users(Timestamp::now(), &filter, &PageRequest::first(50))
                .await
                .map(drop)
        })
    }));
}

fn audit(queries: &mut Vec<Query>) {
    let with = |set: fn(&mut AuditFilter)| {
        let mut filter = AuditFilter::default();
        set(&mut filter);
        filter
    };
    for (what, filter) in [
        ("all", with(|_| {})),
        ("oldest first", with(|f| f.order = AuditOrder::OldestFirst)),
        (
            "action=session.denied",
            with(|f| f.action = text("session.denied")),
        ),
        ("action=policy", with(|f| f.action = text("policy"))),
        ("action=session", with(|f| f.action = text("session"))),
        ("user (most)", with(|f| f.user = text("user1"))),
        ("actor (few)", with(|f| f.actor = text("user900"))),
        ("server (few)", with(|f| f.server = text("server1500"))),
        ("source", with(|f| f.source = "10.3.0.3".parse().ok())),
        ("outcome=failed", with(|f| f.outcome = Some(Outcome::Failed))),
        ("session (none)", with(|f| f.session = text("0193a7"))),
        ("since 1 day", with(|f| f.since = Some(days_ago(1)))),
        ("until 50 days ago", with(|f| f.until = Some(days_ago(50)))),
        (
            "denied since 30 days",
            with(|f| {
                f.action = text("session.denied");
                f.since = Some(days_ago(30));
            }),
        ),
        ("text (found)", with(|f| f.text = text("schedule"))),
    ] {
        queries.push(Query::new(format!("audit, {what}"), PAGE, move |store| {
            let filter = filter.clone();
            Box::pin(async move {
                store
                    .audit_events(&filter, &PageRequest::first(50))
                    .await
                    .map(drop)
            })
        }));
    }
}

fn searches(queries: &mut Vec<Query>) {
    let user = |user: &str| SearchFilter {
        user: Some(user.to_owned()),
        ..SearchFilter::default()
    };
    for (what, words, filter) in [
        ("a frequent word", "ls", SearchFilter::default()),
        ("a rare word", "x77777", SearchFilter::default()),
        ("two frequent words", "ls root", SearchFilter::default()),
        ("frequent and rare", "ls zebra", SearchFilter::default()),
        ("a phrase", "\"permission denied\"", SearchFilter::default()),
        ("a beginning", "cert*", SearchFilter::default()),
        ("a short beginning", "x1*", SearchFilter::default()),
        ("a word that is not there", "nowhere", SearchFilter::default()),
        ("a frequent word of one person", "ls", user("user1")),
        ("a frequent word of another", "ls", user("user900")),
        (
            "since 1 hour",
            "zebra",
            SearchFilter {
                since: Some(days_ago(0)),
                ..SearchFilter::default()
            },
        ),
    ] {
        queries.push(Query::new(format!("search, {what}"), SEARCH, move |store| {
            let filter = filter.clone();
            Box::pin(async move {
                store
                    .search(words, &filter, &PageRequest::first(50))
                    .await
                    .map(drop)
            })
        }));
    }
}
