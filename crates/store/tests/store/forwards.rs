//! Forwards: their rows and events, written note by note and in one transaction.

use std::collections::HashMap;

use gatehouse_model::{EndReason, ForwardKind};
use gatehouse_store::{ByteCount, ForwardContext, ForwardLine, ForwardNote, PageRequest, Past};

use crate::sessions::{closing, opened};
use crate::support::{Place, actions, at, cli, now, on_both, server, user};

on_both!(
    notes_of_forwards_become_rows_and_events,
    notes_that_cannot_be_written_leave_nothing,
);

fn line(destination: &str) -> ForwardLine {
    ForwardLine {
        kind: ForwardKind::Local,
        listen: "client".to_owned(),
        destination: destination.to_owned(),
    }
}

fn open(row: u32, destination: &str) -> ForwardNote {
    ForwardNote::Opened {
        row,
        line: line(destination),
        at: now(),
    }
}

fn bytes(bytes_in: u64, bytes_out: u64) -> ByteCount {
    ByteCount { bytes_in, bytes_out }
}

async fn notes_of_forwards_become_rows_and_events(place: &Place) {
    let store = place.open().await;
    let (ana, web) = (user(&store, "ana", &[]).await, server(&store, "web01").await);
    let session = opened(&store, &ana, &web, 1).await;
    let context = ForwardContext {
        session,
        actor: cli(),
        user: "ana".to_owned(),
        server: "web01".to_owned(),
    };
    let mut ids = HashMap::new();
    let later = at("2026-02-01T10:00:00Z");
    let first = [
        open(1, "db:5432"),
        ForwardNote::Connected {
            line: line("db:5432"),
            origin: "127.0.0.1:4000".to_owned(),
            at: now(),
        },
        ForwardNote::Ended {
            row: 1,
            bytes: bytes(3, 4),
            at: now(),
        },
        open(2, "db:5433"),
        ForwardNote::Captured {
            row: 2,
            file: "forward-2.pcapng".to_owned(),
        },
    ];
    store.note_forwards(&context, &mut ids, &first).await.unwrap();
    store
        .count_forward_bytes(&[(ids[&2], bytes(1, 2)), (ids[&1], bytes(9, 9))])
        .await
        .unwrap();
    let shown = store.session(now(), &session.to_string()).await.unwrap();
    let rows: Vec<_> = shown.forwards.iter().map(|f| (f.bytes_in, f.ended_at)).collect();
    assert_eq!(rows, [(3, Some(now())), (1, None)]);
    let captures: Vec<_> = shown.forwards.iter().map(|f| f.capture.as_deref()).collect();
    assert_eq!(captures, [None, Some("forward-2.pcapng")]);
    let second = [
        ForwardNote::Reopened { row: 1 },
        ForwardNote::Denied {
            line: line("db:1"),
            sentence: "no".to_owned(),
            count: 2,
            at: later,
        },
        ForwardNote::Revoked {
            line: line("db:5433"),
            sentence: "no longer".to_owned(),
            at: later,
        },
        ForwardNote::Ended {
            row: 2,
            bytes: bytes(5, 6),
            at: later,
        },
    ];
    store.note_forwards(&context, &mut ids, &second).await.unwrap();
    let running = store
        .forwards(Past::Omit, &PageRequest::all())
        .await
        .unwrap()
        .items;
    let running: Vec<_> = running
        .iter()
        .map(|f| (f.user.as_str(), f.forward.destination.as_str()))
        .collect();
    assert_eq!(running, [("ana", "db:5432")]);
    let written = actions(&store).await;
    let of_forwards: Vec<_> = written.iter().filter(|a| a.starts_with("forward.")).collect();
    assert_eq!(
        of_forwards,
        [
            "forward.opened",
            "forward.connected",
            "forward.opened",
            "forward.denied",
            "forward.closed"
        ]
    );
    store
        .close_session(&cli(), now(), session, closing(EndReason::Normal))
        .await
        .unwrap();
    assert!(
        store
            .forwards(Past::Omit, &PageRequest::all())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

async fn notes_that_cannot_be_written_leave_nothing(place: &Place) {
    let store = place.open().await;
    let context = ForwardContext {
        session: gatehouse_model::SessionId(uuid::Uuid::from_u128(404)),
        actor: cli(),
        user: "ana".to_owned(),
        server: "web01".to_owned(),
    };
    let mut ids = HashMap::new();
    let denied = ForwardNote::Denied {
        line: line("db:1"),
        sentence: "no".to_owned(),
        count: 1,
        at: now(),
    };
    let failed = store
        .note_forwards(&context, &mut ids, &[denied, open(1, "db:2")])
        .await;
    assert!(failed.is_err());
    assert!(ids.is_empty());
    assert!(!actions(&store).await.iter().any(|a| a == "forward.denied"));
}
