//! The audit book: whatever is done to it from outside is found, and where.

use gatehouse_store::{
    Action, Actor, AuditFilter, AuditOrder, AuditPace, AuditReport, Draft, Fault, Head, PageRequest,
    SealedHead, Store,
};

use crate::support::{Place, actions, at, cli, now, on_both, user};

on_both!(
    a_sound_book_verifies,
    a_changed_line_is_found,
    a_missing_line_is_found,
    reordered_lines_are_found,
    a_cut_off_book_is_found_by_its_sealed_head,
    what_came_after_a_known_line_is_checked_alone,
    a_book_written_anew_is_found_by_its_sealed_head,
    a_forged_head_is_found,
    appending_at_once_leaves_no_gap,
    events_are_found_by_filters_and_pages,
);

async fn write(store: &Store, lines: u32) {
    for n in 0..lines {
        let event = Draft::new(Action::SessionDenied, &Actor::system(), now())
            .user(format!("user{n}"))
            .reason("unknown_source")
            .detail("ratio", 0.1)
            .detail("nested", serde_json::json!({"b": [1, null], "a": "ü\u{1b}"}));
        store.record(event).await.unwrap();
    }
}

async fn verify(store: &Store) -> AuditReport {
    store.verify_audit(None, AuditPace::Fast).await.unwrap()
}

async fn a_sound_book_verifies(place: &Place) {
    let store = place.open().await;
    assert_eq!(verify(&store).await.head, Head::EMPTY);
    write(&store, 20).await;
    assert_eq!(verify(&store).await.sealed, SealedHead::None);
    let head = store.write_audit_head(at("2026-01-31 12:01")).await.unwrap();
    write(&store, 5).await;
    let report = verify(&store).await;
    assert_eq!((report.lines, report.fault), (25, None));
    assert_eq!(report.sealed, SealedHead::Kept(head, at("2026-01-31 12:01")));
    assert_eq!(report.head, store.audit_head().await.unwrap());
    assert_eq!(
        store
            .verify_audit(Some(report.head), AuditPace::Fast)
            .await
            .unwrap()
            .fault,
        None
    );
}

async fn a_changed_line_is_found(place: &Place) {
    let store = place.open().await;
    write(&store, 10).await;
    for change in [
        "reason = 'no_matching_policy'",
        "user_name = NULL, user_folded = NULL",
        "user_folded = 'hidden'",
        "actor = 'cli:root@jump'",
        "detail = '{}'",
        "detail = 'garbage'",
        "outcome = 'denied'",
        "outcome = 'garbage'",
        "action = 'session.opened'",
    ] {
        let place_of_its_own = "UPDATE audit SET hash = hash, reason = reason";
        place.tamper(place_of_its_own).await;
        assert_eq!(verify(&store).await.fault, None, "before {change}");
        let before = place.raw().await;
        let kept = sea_orm::ConnectionTrait::query_one_raw(
            &before,
            sea_orm::Statement::from_string(
                sea_orm::ConnectionTrait::get_database_backend(&before),
                "SELECT actor, action, outcome, reason, user_name, user_folded, detail FROM audit WHERE seq = 4",
            ),
        )
        .await
        .unwrap()
        .unwrap();
        assert_eq!(
            place
                .tamper(&format!("UPDATE audit SET {change} WHERE seq = 4"))
                .await,
            1
        );
        assert_eq!(
            verify(&store).await.fault,
            Some(Fault::Changed { seq: 4 }),
            "{change}"
        );
        let text = |column: &str| kept.try_get::<String>("", column).unwrap().replace('\'', "''");
        place
            .tamper(&format!(
                "UPDATE audit SET actor = '{}', action = '{}', outcome = '{}', reason = '{}', user_name = '{}', \
                 user_folded = '{}', detail = '{}' WHERE seq = 4",
                text("actor"),
                text("action"),
                text("outcome"),
                text("reason"),
                text("user_name"),
                text("user_folded"),
                text("detail"),
            ))
            .await;
        before.close().await.unwrap();
    }
}

async fn a_missing_line_is_found(place: &Place) {
    let store = place.open().await;
    write(&store, 10).await;
    place.tamper("DELETE FROM audit WHERE seq = 6").await;
    assert_eq!(verify(&store).await.fault, Some(Fault::Missing { seq: 6 }));
    // Closing the gap by moving the others up shows as well.
    place
        .tamper("UPDATE audit SET seq = seq - 1000 WHERE seq > 6")
        .await;
    place
        .tamper("UPDATE audit SET seq = seq + 999 WHERE seq < 0")
        .await;
    assert!(verify(&store).await.fault.is_some_and(|fault| fault.seq() == 6));
}

async fn reordered_lines_are_found(place: &Place) {
    let store = place.open().await;
    write(&store, 10).await;
    for sql in [
        "UPDATE audit SET seq = 1000 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 5",
        "UPDATE audit SET seq = 5 WHERE seq = 1000",
    ] {
        place.tamper(sql).await;
    }
    let fault = verify(&store).await.fault.unwrap();
    assert_eq!(fault.seq(), 4, "{fault}");
}

async fn a_cut_off_book_is_found_by_its_sealed_head(place: &Place) {
    let store = place.open().await;
    write(&store, 10).await;
    let head = store.write_audit_head(now()).await.unwrap();
    place.tamper("DELETE FROM audit WHERE seq > 7").await;
    assert_eq!(
        verify(&store).await.fault,
        Some(Fault::CutOff { last: 7, reached: 10 })
    );
    std::fs::remove_file(place.data_dir().join("audit.head")).unwrap();
    assert_eq!(
        verify(&store).await.fault,
        None,
        "without a kept head nothing shows"
    );
    let kept = store.verify_audit(Some(head), AuditPace::Fast).await.unwrap();
    assert_eq!(kept.fault, Some(Fault::CutOff { last: 7, reached: 10 }));
}

async fn what_came_after_a_known_line_is_checked_alone(place: &Place) {
    let store = place.open().await;
    let after = async |known: Head| store.verify_audit_after(known).await.unwrap();
    assert_eq!(after(Head::EMPTY).await.fault, None);
    write(&store, 10).await;
    let known = store.audit_head().await.unwrap();
    write(&store, 5).await;
    let head = store.audit_head().await.unwrap();
    let verdict = after(known).await;
    assert_eq!((verdict.lines, verdict.head, verdict.fault), (5, head, None));
    assert_eq!(after(Head::EMPTY).await.lines, 15);

    place.tamper("UPDATE audit SET actor = 'x' WHERE seq = 3").await;
    assert_eq!(after(known).await.fault, None, "before the known line");
    place.tamper("UPDATE audit SET actor = 'x' WHERE seq = 13").await;
    assert_eq!(after(known).await.fault, Some(Fault::Changed { seq: 13 }));
    place.tamper("DELETE FROM audit WHERE seq = 12").await;
    assert_eq!(after(known).await.fault, Some(Fault::Missing { seq: 12 }));
    place
        .tamper("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 9) WHERE seq = 10")
        .await;
    assert_eq!(after(known).await.fault, Some(Fault::Rewritten { seq: 10 }));
    place.tamper("DELETE FROM audit WHERE seq = 10").await;
    assert_eq!(after(known).await.fault, Some(Fault::Missing { seq: 10 }));
    place.tamper("DELETE FROM audit WHERE seq > 7").await;
    assert_eq!(
        after(known).await.fault,
        Some(Fault::CutOff { last: 7, reached: 10 })
    );
}

async fn a_book_written_anew_is_found_by_its_sealed_head(place: &Place) {
    let store = place.open().await;
    write(&store, 10).await;
    store.write_audit_head(now()).await.unwrap();
    place.tamper("DELETE FROM audit WHERE seq > 4").await;
    for _ in 0..8 {
        store
            .record(Draft::new(Action::UserAdded, &cli(), now()))
            .await
            .unwrap();
    }
    assert_eq!(verify(&store).await.fault, Some(Fault::Rewritten { seq: 10 }));
}

async fn a_forged_head_is_found(place: &Place) {
    let store = place.open().await;
    write(&store, 3).await;
    store.write_audit_head(now()).await.unwrap();
    let path = place.data_dir().join("audit.head");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with(&format!("{} ", store.audit_head().await.unwrap())),
        "{text}"
    );
    for forged in [
        text.replacen("3:", "2:", 1),
        String::new(),
        "3:x y z".to_owned(),
        text.replace("12:00", "12:01"),
    ] {
        std::fs::write(&path, &forged).unwrap();
        assert_eq!(verify(&store).await.sealed, SealedHead::Forged, "{forged:?}");
    }
}

async fn appending_at_once_leaves_no_gap(place: &Place) {
    let stores = [place.open().await, place.open().await, place.open().await];
    let writers: Vec<_> = stores
        .iter()
        .cloned()
        .map(|store| tokio::spawn(async move { write(&store, 30).await }))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let report = verify(&stores[0]).await;
    assert_eq!((report.lines, report.head.seq, report.fault), (90, 90, None));
}

async fn events_are_found_by_filters_and_pages(place: &Place) {
    let store = place.open().await;
    user(&store, "Ünal", &["10.0.0.1"]).await;
    store
        .remove_user(&cli(), at("2026-01-31 13:00"), "ünal")
        .await
        .unwrap();
    write(&store, 3).await;
    let list = |filter: AuditFilter| {
        let store = store.clone();
        async move {
            let page = store.audit_events(&filter, &PageRequest::all()).await.unwrap();
            page.items.into_iter().map(|event| event.seq).collect::<Vec<_>>()
        }
    };
    let all = AuditFilter::default;
    assert_eq!(
        list(AuditFilter {
            user: Some("ÜNAL".to_owned()),
            ..all()
        })
        .await,
        [3, 2, 1]
    );
    assert_eq!(
        list(AuditFilter {
            action: Some("user".to_owned()),
            ..all()
        })
        .await,
        [3, 1]
    );
    let oldest = AuditFilter {
        action: Some("user.*".to_owned()),
        order: AuditOrder::OldestFirst,
        ..all()
    };
    assert_eq!(list(oldest).await, [1, 3]);
    assert_eq!(
        list(AuditFilter {
            action: Some("address.added".to_owned()),
            ..all()
        })
        .await,
        [2]
    );
    assert_eq!(
        list(AuditFilter {
            since: Some(at("2026-01-31 13:00")),
            ..all()
        })
        .await,
        [3]
    );
    assert_eq!(
        list(AuditFilter {
            until: Some(at("2026-01-31 12:00")),
            ..all()
        })
        .await,
        [0u64; 0]
    );
    let unknown = AuditFilter {
        action: Some("user.exploded".to_owned()),
        ..all()
    };
    assert_eq!(
        store
            .audit_events(&unknown, &PageRequest::all())
            .await
            .unwrap_err()
            .field(),
        Some("action")
    );
    let first = store.audit_events(&all(), &PageRequest::first(4)).await.unwrap();
    assert_eq!((first.items.len(), first.next.as_deref()), (4, Some("3")));
    let rest = PageRequest {
        limit: Some(4),
        after: first.next,
    };
    assert_eq!(store.audit_events(&all(), &rest).await.unwrap().items.len(), 2);
    assert_eq!(actions(&store).await.len(), 6);
}

/// The promise is about an optimised build; it is checked there: `cargo test --release -- --ignored`.
#[tokio::test]
#[ignore = "takes a minute to write the book; run it with --release"]
async fn a_million_lines_are_verified_in_ten_seconds() {
    let place = Place::sqlite();
    let store = place.open().await;
    write(&store, 1).await;
    let mut head = store.audit_head().await.unwrap();
    let raw = place.raw().await;
    for _ in 0..1_000 {
        let mut values = Vec::new();
        for _ in 0..1_000 {
            let event = Draft::new(Action::SessionDenied, &Actor::system(), now())
                .source("10.0.0.7")
                .detail("destination", "127.0.20.1")
                .chain(head);
            head = Head::of(&event);
            values.push(format!(
                "({}, '2026-01-31 12:00:00+00:00', 'session.denied', 'system', '10.0.0.7', 'ok', '{}', X'{}')",
                event.seq,
                event.canonical_detail(),
                event.hash
            ));
        }
        let sql = format!(
            "INSERT INTO audit (seq, time, action, actor, source, outcome, detail, hash) VALUES {}",
            values.join(",")
        );
        sea_orm::ConnectionTrait::execute_unprepared(&raw, &sql)
            .await
            .unwrap();
    }
    let begun = std::time::Instant::now();
    let report = verify(&store).await;
    let took = begun.elapsed();
    assert_eq!((report.lines, report.fault), (1_000_001, None));
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}
