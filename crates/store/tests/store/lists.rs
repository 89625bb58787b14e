//! Lists of everything else: filters, orders, cursors, counts.

use gatehouse_model::{Protocol, Role, ServerOs, Timestamp, parse_span};
use gatehouse_store::{
    Action, Actor, AlertFilter, AuditFilter, AuditOrder, BlockFilter, BlockSort, Draft, Edit, GroupFilter,
    GroupKind, GroupSort, LockTarget, NewGroup, Offence, Outcome, PageRequest, Past, PolicyEdit,
    PolicyFilter, PolicySort, PolicyState, ServerEdit, ServerFilter, ServerSort, Sort, UserEdit, UserFilter,
    UserSort,
};

use crate::support::{Place, cli, grant, name, now, on_both, range, rules, server, user};

on_both!(
    people_and_servers_come_in_each_order,
    groups_blocks_and_alerts_come_in_pages,
    grants_are_found_by_their_state_and_words,
    the_book_is_found_by_each_filter,
);

/// So many seconds after the moment that all tests begin at.
pub(crate) fn after(seconds: u32) -> Timestamp {
    now()
        .checked_add(std::time::Duration::from_secs(seconds.into()))
        .unwrap()
}

async fn people_and_servers_come_in_each_order(place: &Place) {
    let store = place.open().await;
    for (who, full, email, role) in [
        ("cem", None, Some("a@x.org"), Role::User),
        ("Ana", Some("Zoe"), None, Role::Operator),
        ("bea", Some("Ivo"), Some("b@x.org"), Role::Admin),
    ] {
        user(&store, who, &[]).await;
        let edit = UserEdit {
            full_name: full.map_or(Edit::Keep, |text| Edit::Set(text.to_owned())),
            email: email.map_or(Edit::Keep, |text| Edit::Set(text.to_owned())),
            role: Some(role),
            ..UserEdit::default()
        };
        store.edit_user(&cli(), now(), who, edit).await.unwrap();
    }
    for (word, wanted) in [
        ("created_at", ["cem", "Ana", "bea"]),
        ("-created_at", ["bea", "Ana", "cem"]),
        ("name", ["Ana", "bea", "cem"]),
        ("full_name", ["cem", "bea", "Ana"]),
        ("-email", ["bea", "cem", "Ana"]),
        ("role", ["bea", "Ana", "cem"]),
    ] {
        let sort: Sort<UserSort> = word.parse().unwrap();
        let filter = UserFilter {
            sort,
            ..UserFilter::default()
        };
        let first = store.users(now(), &filter, &PageRequest::first(1)).await.unwrap();
        let rest = PageRequest {
            limit: None,
            after: first.next.clone(),
        };
        let rest = store.users(now(), &filter, &rest).await.unwrap();
        let names: Vec<_> = first
            .items
            .iter()
            .chain(&rest.items)
            .map(|user| user.name.as_str())
            .collect();
        assert_eq!(names, wanted, "{word}");
    }
    let until = Some(after(60));
    store
        .lock(&cli(), now(), &LockTarget::User("bea".to_owned()), until, None)
        .await
        .unwrap();
    for (moment, locked, wanted) in [
        (now(), true, 1),
        (now(), false, 2),
        (after(60), true, 0),
        (after(60), false, 3),
    ] {
        let filter = UserFilter {
            locked: Some(locked),
            ..UserFilter::default()
        };
        assert_eq!(
            store.count_users(moment, &filter).await.unwrap().total,
            wanted,
            "{moment} {locked}"
        );
    }
    for what in ["web02", "db01", "web01"] {
        server(&store, what).await;
    }
    let edit = ServerEdit {
        os: Edit::Set(ServerOs::Windows),
        ..ServerEdit::default()
    };
    store.edit_server(&cli(), now(), "web01", edit).await.unwrap();
    for (word, wanted) in [
        ("-created_at", ["web01", "db01", "web02"]),
        ("name", ["db01", "web01", "web02"]),
        ("address", ["web02", "db01", "web01"]),
        ("-os", ["web01", "db01", "web02"]),
    ] {
        let sort: Sort<ServerSort> = word.parse().unwrap();
        let filter = ServerFilter {
            sort,
            ..ServerFilter::default()
        };
        let first = store
            .servers(now(), &filter, &PageRequest::first(2))
            .await
            .unwrap();
        let rest = PageRequest {
            limit: None,
            after: first.next.clone(),
        };
        let rest = store.servers(now(), &filter, &rest).await.unwrap();
        let names: Vec<_> = first
            .items
            .iter()
            .chain(&rest.items)
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, wanted, "{word}");
    }
    let windows = ServerFilter {
        os: Some(ServerOs::Windows),
        ..ServerFilter::default()
    };
    assert_eq!(store.count_servers(now(), &windows).await.unwrap().total, 1);
    store
        .lock(&cli(), now(), &LockTarget::Server("db01".to_owned()), None, None)
        .await
        .unwrap();
    let locked = ServerFilter {
        locked: Some(true),
        ..ServerFilter::default()
    };
    assert_eq!(store.count_servers(after(99), &locked).await.unwrap().total, 1);
}

async fn groups_blocks_and_alerts_come_in_pages(place: &Place) {
    let store = place.open().await;
    let kind = GroupKind::Server;
    for group in ["Web", "api", "web-old"] {
        let new = NewGroup {
            name: name(group),
            parent: None,
            description: None,
        };
        store.add_group(&cli(), now(), kind, new).await.unwrap();
    }
    let filter = GroupFilter {
        text: Some("WEB".to_owned()),
        sort: Sort::descending(GroupSort::Name),
    };
    let page = store
        .groups_where(kind, &filter, &PageRequest::first(1))
        .await
        .unwrap();
    assert_eq!(
        (page.items[0].name.as_str(), page.next.is_some()),
        ("web-old", true)
    );
    assert_eq!(store.count_groups(kind, &filter).await.unwrap().total, 2);
    assert_eq!(
        store.count_groups(GroupKind::User, &filter).await.unwrap().total,
        0
    );

    let block = async |text: &str, until, reason: &str| {
        let (reason, range) = (Some(reason.to_owned()), range(text));
        store
            .add_block(&cli(), now(), range, until, reason)
            .await
            .unwrap();
    };
    block("192.0.2.1", None, "Scans").await;
    block("192.0.2.2", Some(after(60)), "load").await;
    let offence = Offence {
        range: range("192.0.2.3"),
        cause: "refused 20 times".to_owned(),
    };
    let ladder = gatehouse_store::BlockLadder {
        steps: vec![parse_span("10s").unwrap()],
        memory: parse_span("1d").unwrap(),
    };
    store
        .block_sources(&Actor::system(), now(), &[offence], &ladder)
        .await
        .unwrap();
    let sources = async |moment, filter: &BlockFilter| -> Vec<String> {
        let page = store
            .blocks_where(moment, filter, &PageRequest::first(10))
            .await
            .unwrap();
        page.items.iter().map(|block| block.range.to_string()).collect()
    };
    let all = BlockFilter {
        sort: Sort::ascending(BlockSort::Until),
        ..BlockFilter::default()
    };
    assert_eq!(
        sources(now(), &all).await,
        ["192.0.2.3", "192.0.2.2", "192.0.2.1"]
    );
    assert_eq!(sources(after(10), &all).await, ["192.0.2.2", "192.0.2.1"]);
    let scans = BlockFilter {
        text: Some("scan".to_owned()),
        ..BlockFilter::default()
    };
    assert_eq!(sources(now(), &scans).await, ["192.0.2.1"]);
    let by_node = BlockFilter {
        by_node: Some(true),
        ..BlockFilter::default()
    };
    assert_eq!(sources(now(), &by_node).await, ["192.0.2.3"]);
    assert_eq!(store.count_blocks(now(), &all).await.unwrap().total, 3);

    for second in 0..3 {
        let event = Draft::new(Action::SessionDenied, &Actor::system(), after(second)).detail("count", 1);
        store.record(event).await.unwrap();
    }
    let filter = AlertFilter {
        until: Some(after(2)),
        sort: "time".parse().unwrap(),
        ..AlertFilter::default()
    };
    let page = store.alerts(&filter, &PageRequest::all()).await.unwrap();
    let denied: Vec<_> = page
        .items
        .iter()
        .filter(|alert| alert.event["action"] == "session.denied")
        .collect();
    assert!(denied[0].time < denied[1].time && denied.len() == 2);
    assert_eq!(
        store.count_alerts(&filter).await.unwrap().total,
        page.items.len() as u64
    );
}

async fn grants_are_found_by_their_state_and_words(place: &Place) {
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    server(&store, "web01").await;
    let mut terms = rules();
    terms.protocol = Some(Protocol::Ssh);
    let active = grant(&store, "ana", "web01", terms.clone()).await.id;
    terms.protocol = None;
    terms.end = Some(after(60));
    let expired = grant(&store, "ana", "web01", terms.clone()).await.id;
    (terms.start, terms.end) = (after(3_600), Some(after(7_200)));
    let scheduled = grant(&store, "ana", "web01", terms).await.id;
    let revoked = grant(&store, "ana", "web01", rules()).await.id;
    store.revoke_policy(&cli(), now(), revoked, None).await.unwrap();
    let reason = PolicyEdit {
        reason: Edit::Set("Störung 100%".to_owned()),
        ..PolicyEdit::default()
    };
    store.edit_policy(&cli(), now(), active, reason).await.unwrap();
    let later = after(60);
    let found = async |filter: PolicyFilter| {
        let page = store
            .policies(later, &filter, &PageRequest::first(10))
            .await
            .unwrap();
        let count = store.count_policies(later, &filter).await.unwrap();
        assert_eq!(count.total, page.items.len() as u64);
        page
    };
    for (state, id) in [
        (PolicyState::Active, active),
        (PolicyState::Expired, expired),
        (PolicyState::Scheduled, scheduled),
        (PolicyState::Revoked, revoked),
    ] {
        let page = found(PolicyFilter {
            state: Some(state),
            ..PolicyFilter::default()
        })
        .await;
        let seen: Vec<_> = page
            .items
            .iter()
            .map(|policy| (policy.id, policy.state))
            .collect();
        assert_eq!(seen, [(id, state)]);
    }
    for (text, wanted) in [
        ("STÖR", &[active][..]),
        ("0%", &[active]),
        ("ANA", &[active, scheduled]),
        ("zzz", &[]),
    ] {
        let page = found(PolicyFilter {
            text: Some(text.to_owned()),
            ..PolicyFilter::default()
        })
        .await;
        let seen: Vec<_> = page.items.iter().map(|policy| policy.id).collect();
        assert_eq!(seen, wanted, "{text}");
    }
    let rdp = PolicyFilter {
        protocol: Some(Protocol::Rdp),
        ..PolicyFilter::default()
    };
    assert_eq!(
        found(rdp).await.items.len(),
        1,
        "what is for every protocol is for this one"
    );
    let by_end = PolicyFilter {
        past: Past::Include,
        sort: Sort::descending(PolicySort::End),
        ..PolicyFilter::default()
    };
    let ids: Vec<_> = found(by_end).await.items.iter().map(|policy| policy.id).collect();
    assert_eq!(ids, [revoked, active, scheduled, expired]);
}

async fn the_book_is_found_by_each_filter(place: &Place) {
    let store = place.open().await;
    let ana = || Actor::user(&name("ana"), Some("10.0.0.7".parse().unwrap()));
    for second in [0, 10, 20, 5] {
        let event = Draft::new(Action::SessionDenied, &ana(), after(second))
            .source("10.0.0.7")
            .outcome(Outcome::Denied)
            .reason("outside_schedule")
            .detail("sentence", format!("Geöffnet ab {second}"));
        store.record(event).await.unwrap();
    }
    store
        .record(Draft::new(Action::RecordingViewed, &cli(), after(7)))
        .await
        .unwrap();
    let all = AuditFilter::default;
    let actor = store.audit_after(0, 1).await.unwrap()[0].actor.clone();
    let cases: Vec<(AuditFilter, &[u64])> = vec![
        (all(), &[5, 4, 3, 2, 1]),
        (
            AuditFilter {
                actor: Some(actor),
                ..all()
            },
            &[4, 3, 2, 1],
        ),
        (
            AuditFilter {
                source: Some("10.0.0.7".parse().unwrap()),
                ..all()
            },
            &[4, 3, 2, 1],
        ),
        (
            AuditFilter {
                outcome: Some(Outcome::Ok),
                ..all()
            },
            &[5],
        ),
        (
            AuditFilter {
                text: Some("GEÖFFNET ab 1".to_owned()),
                ..all()
            },
            &[2],
        ),
        // By time, which is not the order of the book.
        (
            AuditFilter {
                since: Some(after(5)),
                ..all()
            },
            &[3, 2, 5, 4],
        ),
        (
            AuditFilter {
                since: Some(after(5)),
                action: Some("session".to_owned()),
                ..all()
            },
            &[3, 2, 4],
        ),
        (
            AuditFilter {
                until: Some(after(10)),
                order: AuditOrder::OldestFirst,
                ..all()
            },
            &[1, 4, 5],
        ),
    ];
    for (filter, wanted) in cases {
        let mut page = PageRequest::first(2);
        let mut walked = Vec::new();
        loop {
            let got = store.audit_events(&filter, &page).await.unwrap();
            walked.extend(got.items.iter().map(|event| event.seq));
            match got.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        assert_eq!(walked, wanted, "{filter:?}");
        let count = store.count_audit_events(&filter).await.unwrap();
        assert_eq!(count.total, wanted.len() as u64, "{filter:?}");
    }
    let new: Vec<_> = store
        .audit_after(2, 2)
        .await
        .unwrap()
        .iter()
        .map(|event| event.seq)
        .collect();
    assert_eq!(new, [3, 4]);
}
