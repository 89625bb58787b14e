//! Blocks that nodes make: how long they last, what they leave alone, and when they are forgotten.

use gatehouse_model::{NodeId, SpanSeconds, Timestamp};
use gatehouse_policy::BlockReach;
use gatehouse_store::{Actor, Block, BlockLadder, NODE_BLOCKS_MAX, Offence, Store};

use crate::support::{Place, actions, at, cli, now, on_both, range};

on_both!(
    each_repetition_lasts_longer_and_a_quiet_time_forgets,
    what_is_blocked_already_stays_as_it_is,
    ended_blocks_are_deleted_and_their_steps_remembered,
    the_blocks_of_nodes_are_bounded,
);

fn node() -> Actor {
    let id: NodeId = "00000000-0000-0000-0000-000000000007".parse().unwrap();
    Actor::node(id)
}

fn spans(texts: &[&str]) -> Vec<SpanSeconds> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn ladder() -> BlockLadder {
    BlockLadder {
        steps: spans(&["1m", "5m", "30m"]),
        memory: "1d".parse().unwrap(),
    }
}

fn offence(text: &str) -> Offence {
    Offence {
        range: range(text),
        cause: "31 denials".to_owned(),
    }
}

async fn block(store: &Store, time: Timestamp, text: &str) -> Option<Block> {
    let made = store
        .block_sources(&node(), time, &[offence(text)], &ladder())
        .await
        .unwrap();
    made.into_iter().next()
}

async fn each_repetition_lasts_longer_and_a_quiet_time_forgets(place: &Place) {
    let store = place.open().await;
    let before = store.revision().await.unwrap();
    for (time, until, repetition) in [
        ("2026-01-31 12:00", "2026-01-31 12:01", 1),
        ("2026-01-31 12:05", "2026-01-31 12:10", 2),
        ("2026-01-31 13:00", "2026-01-31 13:30", 3),
        // The last length repeats.
        ("2026-02-01 13:29", "2026-02-01 13:59", 3),
        // A day after its end all is forgotten.
        ("2026-02-02 13:59", "2026-02-02 14:00", 1),
    ] {
        let made = block(&store, at(time), "203.0.113.9").await.unwrap();
        assert_eq!(
            (made.until, made.repetition, made.reach),
            (Some(at(until)), Some(repetition), BlockReach::NewConnections),
            "{time}"
        );
        assert_eq!(made.reason.as_deref(), Some("31 denials"));
        assert_eq!(store.blocks(at(time)).await.unwrap(), [made]);
        assert!(store.blocks(at(until)).await.unwrap().is_empty());
    }
    assert_eq!(
        store.revision().await.unwrap(),
        before + 5,
        "every node learns of each"
    );
    assert_eq!(actions(&store).await, ["block.added"; 5]);
    let rows = store.directory_rows().await.unwrap();
    assert_eq!(rows.blocks.len(), 1);
    assert_eq!(rows.blocks[0].reach, BlockReach::NewConnections);
}

async fn what_is_blocked_already_stays_as_it_is(place: &Place) {
    let store = place.open().await;
    let until = at("2026-02-10 12:00");
    store
        .add_block(&cli(), now(), range("203.0.113.9"), Some(until), None)
        .await
        .unwrap();
    store
        .add_block(&cli(), now(), range("203.0.113.10"), None, None)
        .await
        .unwrap();
    block(&store, now(), "203.0.113.11").await.unwrap();
    let revision = store.revision().await.unwrap();
    for text in ["203.0.113.9", "203.0.113.10", "203.0.113.11"] {
        assert_eq!(block(&store, now(), text).await, None, "{text}");
    }
    assert_eq!(store.revision().await.unwrap(), revision, "nothing was written");
    let manual = &store.blocks(now()).await.unwrap()[0];
    assert_eq!((manual.until, manual.repetition), (Some(until), None));
    assert_eq!(manual.reach, BlockReach::Everything);

    // Lifting a block forgets its step.
    let later = at("2026-01-31 12:10");
    store
        .remove_block(&cli(), later, range("203.0.113.11"))
        .await
        .unwrap();
    assert_eq!(
        block(&store, later, "203.0.113.11").await.unwrap().repetition,
        Some(1)
    );
    // Where the ladder has no steps, nodes do not block.
    let none = BlockLadder {
        steps: Vec::new(),
        ..ladder()
    };
    let made = store
        .block_sources(&node(), now(), &[offence("203.0.113.12")], &none)
        .await
        .unwrap();
    assert_eq!(made, []);
}

async fn ended_blocks_are_deleted_and_their_steps_remembered(place: &Place) {
    let store = place.open().await;
    block(&store, now(), "203.0.113.9").await.unwrap();
    let until = Some(at("2026-01-31 12:01"));
    store
        .add_block(&cli(), now(), range("203.0.113.10"), until, None)
        .await
        .unwrap();
    store
        .add_block(&cli(), now(), range("203.0.113.11"), None, None)
        .await
        .unwrap();
    let memory = ladder().memory;
    let forget = async |time: &str| store.forget_blocks(at(time), memory).await.unwrap();
    assert_eq!(forget("2026-01-31 12:00:59").await, 0);
    assert_eq!(forget("2026-01-31 12:01").await, 1, "the one without a step");
    assert_eq!(forget("2026-02-01 12:00:59").await, 0);
    assert_eq!(forget("2026-02-01 12:01").await, 1);
    assert_eq!(
        store.directory_rows().await.unwrap().blocks.len(),
        1,
        "the one without an end"
    );
}

async fn the_blocks_of_nodes_are_bounded(place: &Place) {
    let store = place.open().await;
    let many = usize::try_from(NODE_BLOCKS_MAX).unwrap();
    let offences: Vec<_> = (0..many + 5)
        .map(|n| offence(&format!("10.{}.{}.{}", n / 65_536, n / 256 % 256, n % 256)))
        .collect();
    let mut made = 0;
    for batch in offences.chunks(2_000) {
        let blocks = store
            .block_sources(&node(), now(), batch, &ladder())
            .await
            .unwrap();
        made += blocks.len();
    }
    assert_eq!(made, many);
    let more = store
        .add_block(&cli(), now(), range("203.0.113.9"), None, None)
        .await;
    assert!(more.is_ok(), "an administrator can still block");
    assert!(
        block(&store, at("2026-01-31 12:02"), "203.0.113.10")
            .await
            .is_some(),
        "ended ones do not count"
    );
}
