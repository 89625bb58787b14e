//! Sessions: opening, active, closed exactly once; found again; ended on order.

use std::time::Duration;

use gatehouse_model::{
    EndReason, NodeId, PolicyId, Protocol, Secret, SessionId, SessionState, SpanSeconds, TransferDirection,
};
use gatehouse_store::{
    Activation, Actor, AgentUse, ByteCount, Closing, KillTarget, NewSession, NewTransfer, NodeAuthority,
    NodeState, PageRequest, RecordingSummary, Server, SessionFilter, SessionNote, SessionUpdate, Store,
    Transition, User,
};
use uuid::Uuid;

use crate::support::{Place, actions, at, cli, now, on_both, sentence, server, user};

on_both!(
    a_session_lives_from_opening_to_closed,
    a_session_is_closed_exactly_once_whoever_closes_it,
    a_failed_login_leaves_only_the_event,
    sessions_are_found_by_filters_pages_and_prefixes,
    orders_to_kill_reach_the_node_until_they_are_done,
    transfers_belong_to_their_session,
    nodes_come_and_go,
    nodes_that_start_at_once_have_the_same_authority,
);

pub(crate) const NODE: NodeId = NodeId(Uuid::from_u128(7));

fn id(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub(crate) async fn opening(store: &Store, user: &User, server: &Server, n: u128) -> SessionId {
    let seconds = SpanSeconds::new(u64::try_from(n).unwrap()).unwrap().signed();
    let new = NewSession {
        id: id(n),
        node: NODE,
        user: user.id,
        user_name: user.name.to_string(),
        server: server.id,
        server_name: server.name.to_string(),
        protocol: Protocol::Ssh,
        source: "127.0.1.20".parse().unwrap(),
        source_port: 50_412,
        proxy: Some("127.0.20.1".parse().unwrap()),
        backend: "127.0.3.1:22".to_owned(),
        login: None,
        policies: vec![PolicyId(12), PolicyId(17)],
        started_at: now().checked_add(seconds).unwrap(),
        allowed_until: Some(at("2026-02-01")),
        recording_path: Some("recordings/2026/01/31/x".to_owned()),
    };
    store.open_session(new).await.unwrap();
    id(n)
}

/// A session that the server has accepted.
pub(crate) async fn opened(store: &Store, user: &User, server: &Server, n: u128) -> SessionId {
    let id = opening(store, user, server, n).await;
    let activation = Activation {
        login: Some("root".parse().unwrap()),
        backend: None,
        agent: AgentUse::Used,
        method: Some("agent".to_owned()),
    };
    let actor = Actor::user(&user.name, Some("127.0.1.20".parse().unwrap()));
    assert_eq!(
        store
            .activate_session(&actor, now(), id, activation)
            .await
            .unwrap(),
        Transition::Done
    );
    id
}

pub(crate) fn closing(reason: EndReason) -> Closing {
    Closing {
        reason,
        ended_by: None,
        detail: None,
        bytes: ByteCount {
            bytes_in: 120,
            bytes_out: 5_402,
        },
        note: None,
        recording: Some(RecordingSummary {
            path: "recordings/2026/01/31/x".to_owned(),
            size: 5_610,
            digest: Some("sha256:00".to_owned()),
            files: vec!["ssh-0.cast".to_owned()],
        }),
        anchor: None,
        unrecorded_bytes: 0,
    }
}

async fn a_session_lives_from_opening_to_closed(place: &Place) {
    let store = place.open().await;
    let (ana, web) = (user(&store, "ana", &[]).await, server(&store, "web01").await);
    let before = store.revision().await.unwrap();
    let id = opening(&store, &ana, &web, 1).await;
    let listed = |state| {
        let store = store.clone();
        let filter = SessionFilter {
            state,
            ..SessionFilter::default()
        };
        async move {
            store
                .sessions(now(), &filter, &PageRequest::all())
                .await
                .unwrap()
                .items
                .len()
        }
    };
    assert_eq!(
        (listed(None).await, listed(Some(SessionState::Opening)).await),
        (0, 1),
        "not listed before it is active"
    );
    let activation = Activation {
        login: Some("root".parse().unwrap()),
        ..Activation::default()
    };
    store
        .activate_session(&cli(), now(), id, activation.clone())
        .await
        .unwrap();
    assert_eq!(
        store
            .activate_session(&cli(), now(), id, activation)
            .await
            .unwrap(),
        Transition::AlreadyDone
    );
    assert_eq!(listed(None).await, 1);
    let update = SessionUpdate {
        subsystem: Some("sftp".to_owned()),
        agent: Some(AgentUse::Used),
        terms: Some((vec![PolicyId(3)], None)),
    };
    store.update_session(id, update).await.unwrap();
    store.update_session(id, SessionUpdate::default()).await.unwrap();
    let note = SessionNote {
        bytes: ByteCount {
            bytes_in: 7,
            bytes_out: 9,
        },
        typed_at: Some(at("2026-01-31 12:00:05")),
        what: Some("ls -l\0".to_owned()),
        line: Some("ssh0".to_owned()),
    };
    store.note_sessions(&[(id, note)]).await.unwrap();
    let later = at("2026-01-31T12:00:13.5Z");
    let running = store.session(later, &id.to_string()).await.unwrap();
    assert_eq!(
        (running.duration_seconds, running.bytes_in, running.agent_used),
        (12.5, 7, true)
    );
    assert_eq!(
        (running.policies.as_slice(), running.allowed_until),
        ([PolicyId(3)].as_slice(), None)
    );
    store
        .close_session(&cli(), later, id, closing(EndReason::Normal))
        .await
        .unwrap();
    let closed = store.session(now(), &id.to_string()).await.unwrap();
    let json = serde_json::to_value(&closed).unwrap();
    let want = serde_json::json!({
        "id": id.to_string(), "user": "ana", "server": "web01", "protocol": "ssh", "state": "closed",
        "node": NODE.to_string(), "source": "127.0.1.20", "source_port": 50_412, "proxy": "127.0.20.1",
        "backend": "127.0.3.1:22", "login": "root", "subsystem": "sftp", "agent_used": true, "policies": [3],
        "started_at": "2026-01-31T12:00:01Z", "ended_at": "2026-01-31T12:00:13.5Z", "duration_seconds": 12.5,
        "end_reason": "normal", "ended_by": null, "end_detail": null, "allowed_until": null,
        "bytes_in": 120, "bytes_out": 5_402,
        "typed_at": "2026-01-31T12:00:05Z", "what": "ls -l\u{fffd}", "line": "ssh0",
        "recording": {"path": "recordings/2026/01/31/x", "size": 5_610, "digest": "sha256:00", "files": ["ssh-0.cast"]},
        "transfers": [], "forwards": [],
    });
    assert_eq!(json, want);
    assert_eq!(
        store.revision().await.unwrap(),
        before,
        "sessions do not move the directory"
    );
    assert_eq!(actions(&store).await[2..], ["session.opened", "session.closed"]);
    // What is closed stays as it is.
    store
        .note_sessions(&[(id, SessionNote::default())])
        .await
        .unwrap();
    let after = store.session(now(), &id.to_string()).await.unwrap();
    assert_eq!((after.bytes_in, after.line.as_deref()), (120, Some("ssh0")));
}

async fn a_session_is_closed_exactly_once_whoever_closes_it(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let (ana, web) = (
        user(&stores[0], "ana", &[]).await,
        server(&stores[0], "web01").await,
    );
    let id = opened(&stores[0], &ana, &web, 1).await;
    let closers: Vec<_> = (0..10)
        .map(|n| {
            let store = stores[n % 2].clone();
            let reason = if n % 2 == 0 {
                EndReason::Killed
            } else {
                EndReason::Expired
            };
            tokio::spawn(async move {
                store
                    .close_session(&cli(), now(), id, closing(reason))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut done = 0;
    for closer in closers {
        done += u32::from(closer.await.unwrap() == Transition::Done);
    }
    assert_eq!(done, 1);
    let closed = actions(&stores[0])
        .await
        .iter()
        .filter(|action| *action == "session.closed")
        .count();
    assert_eq!(closed, 1);
    let gone = SessionId(Uuid::from_u128(1));
    let absent = stores[0]
        .close_session(&cli(), now(), gone, closing(EndReason::Normal))
        .await
        .unwrap();
    assert_eq!(absent, Transition::AlreadyDone);
}

async fn a_failed_login_leaves_only_the_event(place: &Place) {
    let store = place.open().await;
    let (ana, web) = (user(&store, "ana", &[]).await, server(&store, "web01").await);
    let id = opening(&store, &ana, &web, 1).await;
    let node = Actor::node(NODE);
    let fail = || {
        store.fail_session(
            &node,
            now(),
            id,
            ("login_failed", "web01 refused the password"),
            None,
        )
    };
    assert_eq!(fail().await.unwrap(), Transition::Done);
    assert_eq!(fail().await.unwrap(), Transition::AlreadyDone);
    assert!(store.session(now(), &id.to_string()).await.is_err());
    assert_eq!(actions(&store).await[2..], ["session.failed"]);
    let active = opened(&store, &ana, &web, 2).await;
    let late = store
        .fail_session(&cli(), now(), active, ("login_failed", "x"), None)
        .await
        .unwrap();
    assert_eq!(
        late,
        Transition::AlreadyDone,
        "one that was accepted has not failed"
    );
}

async fn sessions_are_found_by_filters_pages_and_prefixes(place: &Place) {
    let store = place.open().await;
    let (ana, bea) = (user(&store, "ana", &[]).await, user(&store, "bea", &[]).await);
    let (web, db) = (server(&store, "web01").await, server(&store, "db01").await);
    for n in 1..=9 {
        let user = if n % 2 == 0 { &ana } else { &bea };
        let server = if n % 3 == 0 { &web } else { &db };
        opened(&store, user, server, n).await;
    }
    store
        .close_session(&cli(), now(), id(4), closing(EndReason::Normal))
        .await
        .unwrap();
    let list = |filter: SessionFilter| {
        let store = store.clone();
        async move {
            let page = store.sessions(now(), &filter, &PageRequest::all()).await.unwrap();
            page.items
                .into_iter()
                .map(|session| session.id)
                .collect::<Vec<_>>()
        }
    };
    let ids = |numbers: &[u128]| numbers.iter().map(|n| id(*n)).collect::<Vec<_>>();
    let all = SessionFilter::default;
    assert_eq!(
        list(SessionFilter {
            user: Some("ana".to_owned()),
            ..all()
        })
        .await,
        ids(&[8, 6, 4, 2])
    );
    let both = SessionFilter {
        user: Some("ANA".to_owned()),
        server: Some("web01".to_owned()),
        ..all()
    };
    assert_eq!(list(both).await, ids(&[6]));
    assert_eq!(
        list(SessionFilter {
            state: Some(SessionState::Closed),
            ..all()
        })
        .await,
        ids(&[4])
    );
    assert_eq!(
        list(SessionFilter {
            protocol: Some(Protocol::Rdp),
            ..all()
        })
        .await,
        ids(&[])
    );
    let moment = |text: &str| Some(at(text));
    let between = SessionFilter {
        since: moment("2026-01-31 12:00:03"),
        until: moment("2026-01-31 12:00:05"),
        ..all()
    };
    assert_eq!(list(between).await, ids(&[4, 3]));
    let mut page = PageRequest::first(4);
    let mut walked = Vec::new();
    while let Some(next) = {
        let got = store.sessions(now(), &all(), &page).await.unwrap();
        walked.extend(got.items.into_iter().map(|session| session.id));
        got.next
    } {
        page.after = Some(next);
    }
    assert_eq!(walked, ids(&[9, 8, 7, 6, 5, 4, 3, 2, 1]));
    assert_eq!(
        store.session(now(), &id(3).to_string()[..36]).await.unwrap().id,
        id(3)
    );
    let several = store.session(now(), "0193").await.unwrap_err();
    assert_eq!(several.field(), Some("id"));
    assert!(sentence(store.session(now(), "beef").await).contains("no session \"beef\""));
    let stranger = SessionFilter {
        user: Some("nobody".to_owned()),
        ..all()
    };
    assert!(
        store
            .sessions(now(), &stranger, &PageRequest::all())
            .await
            .is_err()
    );
    let open = store.open_sessions_of_node(now(), NODE).await.unwrap();
    assert_eq!(open.len(), 8);
    assert!(
        store
            .open_sessions_of_node(now(), NodeId(Uuid::from_u128(8)))
            .await
            .unwrap()
            .is_empty()
    );
}

async fn orders_to_kill_reach_the_node_until_they_are_done(place: &Place) {
    let (here, there) = (place.open().await, place.open().await);
    let (ana, bea) = (user(&here, "ana", &[]).await, user(&here, "bea", &[]).await);
    let web = server(&here, "web01").await;
    let first = opened(&here, &ana, &web, 1).await;
    let second = opened(&here, &bea, &web, 2).await;
    let kill = |target| {
        let there = there.clone();
        async move {
            there
                .request_kill(&cli(), now(), &target, Some("enough".to_owned()))
                .await
        }
    };
    assert_eq!(kill(KillTarget::User("ana".to_owned())).await.unwrap(), [first]);
    let orders = here.kill_requests(NODE).await.unwrap();
    assert_eq!(
        (
            orders[0].session,
            orders[0].by.as_str(),
            orders[0].reason.as_deref()
        ),
        (first, "cli:root@jump", Some("enough"))
    );
    assert!(
        here.kill_requests(NodeId(Uuid::from_u128(8)))
            .await
            .unwrap()
            .is_empty()
    );
    here.kill_done(&[orders[0].id]).await.unwrap();
    assert!(here.kill_requests(NODE).await.unwrap().is_empty());
    assert_eq!(kill(KillTarget::All).await.unwrap(), [first, second]);
    here.close_session(&cli(), now(), first, closing(EndReason::Killed))
        .await
        .unwrap();
    assert_eq!(
        here.kill_requests(NODE).await.unwrap().len(),
        1,
        "closing carries the order out"
    );
    let ended = sentence(kill(KillTarget::Session(first)).await);
    assert!(ended.ends_with("has ended already"), "{ended}");
    assert!(kill(KillTarget::Session(id(99))).await.is_err());
    assert_eq!(
        kill(KillTarget::Server("web01".to_owned())).await.unwrap(),
        [second]
    );
    let killed = actions(&here)
        .await
        .iter()
        .filter(|action| *action == "session.killed")
        .count();
    assert_eq!(killed, 4);
}

async fn transfers_belong_to_their_session(place: &Place) {
    let store = place.open().await;
    let (ana, web) = (user(&store, "ana", &[]).await, server(&store, "web01").await);
    let session = opened(&store, &ana, &web, 1).await;
    let transfer = NewTransfer {
        session,
        direction: TransferDirection::Upload,
        operation: "transfer".to_owned(),
        path: "/etc/motd\0x".to_owned(),
        target_path: None,
        bytes: 286,
        result: "ok".to_owned(),
        started_at: now(),
        duration: Duration::from_millis(100),
    };
    store.add_transfers(vec![transfer]).await.unwrap();
    let shown = store.session(now(), &session.to_string()).await.unwrap();
    assert_eq!(
        (
            shown.transfers[0].path.as_str(),
            shown.transfers[0].duration_seconds
        ),
        ("/etc/motd\u{FFFD}x", 0.1)
    );
}

async fn nodes_come_and_go(place: &Place) {
    let store = place.open().await;
    let address = Some("127.0.0.1:7022");
    store.register_node(now(), NODE, "jump", address).await.unwrap();
    let later = at("2026-01-31 13:00");
    let node = store.node(NODE).await.unwrap();
    assert_eq!(node.address.as_deref(), address);
    assert_eq!(
        (node.state(now()), node.state(later)),
        (NodeState::Serving, NodeState::Silent)
    );
    store.heartbeat(later, NODE).await.unwrap();
    assert_eq!(store.node(NODE).await.unwrap().state(later), NodeState::Serving);
    store.stop_node(later, NODE).await.unwrap();
    let node = store.nodes().await.unwrap().remove(0);
    assert_eq!(
        (node.name.as_str(), node.started_at, node.stopped_at),
        ("jump", now(), Some(later))
    );
    assert_eq!(node.state(later), NodeState::Stopped);
    store.register_node(later, NODE, "jump", None).await.unwrap();
    let node = store.nodes().await.unwrap().remove(0);
    assert_eq!(
        (node.started_at, node.stopped_at, node.address),
        (later, None, None)
    );
    assert!(store.node(NodeId(Uuid::from_u128(9))).await.is_err());
    assert!(store.heartbeat(now(), NodeId(Uuid::from_u128(9))).await.is_err());
    assert_eq!(
        actions(&store).await,
        ["node.started", "node.stopped", "node.started"]
    );
}

async fn nodes_that_start_at_once_have_the_same_authority(place: &Place) {
    let stores = [place.open().await, place.open().await];
    assert!(stores[0].node_authority().await.unwrap().is_none());
    let fresh = |n: u8| NodeAuthority {
        certificate: vec![n; 8],
        private: Secret::new(vec![n; 16]),
    };
    let actor = cli();
    let (first, second) = tokio::join!(
        stores[0].keep_node_authority(&actor, now(), fresh(1)),
        stores[1].keep_node_authority(&actor, now(), fresh(2)),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.certificate, second.certificate);
    let kept = stores[1].node_authority().await.unwrap().unwrap();
    assert_eq!(kept.private.expose(), first.private.expose());
    assert_eq!(kept.certificate[0], kept.private.expose()[0]);
    assert_eq!(actions(&stores[0]).await, ["node.authority_made"]);
    place
        .tamper("UPDATE node_authority SET certificate = sealed, sealed = certificate")
        .await;
    assert!(stores[0].node_authority().await.is_err());
}
