//! The directory as decisions read it.

use std::time::{Duration, Instant};

use gatehouse_model::{Right, ServerGroupId, UserGroupId};
use gatehouse_policy::{PolicyTarget, Subject};
use gatehouse_store::{GroupKind, LockTarget, NewGroup, NewPolicy, RightHolder, SubjectRef, TargetRef};
use sea_orm::ConnectionTrait;

use crate::support::{Place, at, cli, name, now, on_both, range, rules, server, user};

on_both!(the_directory_holds_all_that_decisions_read);

async fn the_directory_holds_all_that_decisions_read(place: &Place) {
    let store = place.open().await;
    store
        .add_pool_range(&cli(), now(), range("127.0.20.0/24"), None)
        .await
        .unwrap();
    let ana = user(&store, "ana", &["10.0.0.7"]).await;
    let web = server(&store, "web01").await;
    let mut ids = Vec::new();
    for (kind, member) in [(GroupKind::User, "ana"), (GroupKind::Server, "web01")] {
        let top = NewGroup {
            name: name("top"),
            parent: None,
            description: None,
        };
        let top = store.add_group(&cli(), now(), kind, top).await.unwrap();
        let below = NewGroup {
            name: name("below"),
            parent: Some("top".to_owned()),
            description: None,
        };
        let below = store.add_group(&cli(), now(), kind, below).await.unwrap();
        store
            .add_group_member(&cli(), now(), kind, "below", member)
            .await
            .unwrap();
        ids.push((top.id, below.id));
    }
    let new = NewPolicy {
        subject: SubjectRef::Group("top".to_owned()),
        target: TargetRef::Group("top".to_owned()),
        rules: rules(),
        reason: None,
    };
    store.grant_policy(&cli(), now(), new).await.unwrap();
    store
        .add_right(&cli(), now(), &RightHolder::Group("top".to_owned()), Right::Agent)
        .await
        .unwrap();
    let until = at("2026-02-01");
    store
        .lock(
            &cli(),
            now(),
            &LockTarget::User("ana".to_owned()),
            Some(until),
            None,
        )
        .await
        .unwrap();
    store
        .add_block(&cli(), now(), range("192.0.2.1"), None, None)
        .await
        .unwrap();

    let rows = store.directory_rows().await.unwrap();
    assert_eq!(rows.revision, store.revision().await.unwrap());
    assert_eq!(
        (rows.users[0].id, rows.users[0].lock.as_ref().unwrap().until),
        (ana.id, Some(until))
    );
    assert_eq!(
        (rows.sources[0].user, rows.sources[0].range),
        (ana.id, range("10.0.0.7"))
    );
    assert_eq!(
        (rows.servers[0].id, rows.servers[0].services.as_slice()),
        (web.id, [(gatehouse_model::Protocol::Ssh, 22)].as_slice())
    );
    assert_eq!(
        (rows.allocations[0].proxy, rows.allocations[0].server),
        (web.proxies[0].address, web.id)
    );
    let (users, servers) = (ids[0], ids[1]);
    assert_eq!(rows.user_members, [(UserGroupId(users.1), ana.id)]);
    assert_eq!(rows.server_members, [(ServerGroupId(servers.1), web.id)]);
    assert_eq!(rows.user_groups[1].parent, Some(UserGroupId(users.0)));
    assert_eq!(rows.policies[0].subject, Subject::Group(UserGroupId(users.0)));
    assert_eq!(
        rows.policies[0].target,
        PolicyTarget::Group(ServerGroupId(servers.0))
    );
    assert_eq!(rows.group_rights, [(UserGroupId(users.0), Right::Agent)]);
    assert_eq!((rows.pool.len(), rows.blocks.len()), (1, 1));
}

/// Reading keeps up with the rebuilding that follows each change.
#[tokio::test]
async fn ten_thousand_grants_are_read_in_a_second() {
    let place = Place::sqlite();
    let store = place.open().await;
    user(&store, "ana", &[]).await;
    server(&store, "web01").await;
    let raw = place.raw().await;
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) ";
    for sql in [
        "INSERT INTO policies (id, user_id, server_id, start_at, use_schedules, created_at, created_by) \
         SELECT i, 1, 1, '2026-01-31T12:00:00+00:00', 1, '2026-01-31T12:00:00+00:00', 'x' FROM n",
        "INSERT INTO policy_terms (policy_id, kind, position, value) SELECT i, 'login', 0, 'root' FROM n",
        "INSERT INTO policy_terms (policy_id, kind, position, value) SELECT i, 'schedule', 0, 'Mon-Fri 08:00-16:00' FROM n",
    ] {
        let (insert, select) = sql.split_once("SELECT").unwrap();
        raw.execute_unprepared(&format!("{insert} {many} SELECT {select}"))
            .await
            .unwrap();
    }
    let begun = Instant::now();
    let rows = store.directory_rows().await.unwrap();
    assert_eq!(rows.policies.len(), 10_000);
    assert_eq!(
        (
            rows.policies[9].rules.logins.len(),
            rows.policies[9].rules.schedules.len()
        ),
        (1, 1)
    );
    // An optimised build takes a twentieth of it.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}
