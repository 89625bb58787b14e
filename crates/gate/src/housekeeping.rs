//! What a node does by the clock: heartbeat, orders to end sessions, byte counts, denials, rows that are over.

use std::sync::Arc;
use std::time::Duration;

use gatehouse_model::EndReason;
use gatehouse_store::StoreError;
use gatehouse_telemetry::STORE_UP;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::Gate;
use crate::forward;
use crate::outage::{Outage, in_time};
use crate::supervise::{self, Ending};

/// Orders from other processes are read this often.
const KILLS: Duration = Duration::from_millis(250);
/// Heartbeat, counts and denials are written this often.
const COUNTS: Duration = Duration::from_secs(5);
/// What sessions have begun to do is written this often, if there is anything.
const NEWS: Duration = Duration::from_secs(1);
/// Rows that are over are deleted this often.
const SWEEP: Duration = Duration::from_secs(60);

/// Runs until the gate stops. A failure is logged once per outage and tried again at the next tick.
pub(crate) async fn run(gate: Gate) {
    let mut counts = ticker(COUNTS);
    let mut news = ticker(NEWS);
    let mut sweep = ticker(SWEEP);
    let mut outage = Outage::default();
    loop {
        let outcome = tokio::select! {
            () = gate.stopped() => return,
            _ = counts.tick() => in_time(write_counts(&gate)).await,
            _ = news.tick() => if gate.registry().take_stirred() { in_time(write_news(&gate)).await } else { continue },
            _ = sweep.tick() => in_time(sweep_up(&gate)).await,
        };
        outage.note(outcome);
    }
}

/// Carries out orders to end sessions until the gate stops; apart from the rest, which may take longer.
pub(crate) async fn watch_kills(gate: Gate) {
    let mut kills = ticker(KILLS);
    loop {
        tokio::select! {
            () = gate.stopped() => return,
            _ = kills.tick() => {}
        }
        if let Err(error) = in_time(carry_out_kills(&gate)).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "orders to end sessions could not be read"
            );
        }
    }
}

pub(crate) fn ticker(every: Duration) -> Interval {
    let mut ticker = interval(every);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}

async fn carry_out_kills(gate: &Gate) -> Result<(), StoreError> {
    let orders = gate.store().kill_requests(gate.node()).await?;
    if orders.is_empty() {
        return Ok(());
    }
    for order in &orders {
        let because = order
            .reason
            .as_deref()
            .map_or(String::new(), |reason| format!(" The reason given: {reason}"));
        let ending = Ending {
            reason: EndReason::Killed,
            by: Some(order.by.clone()),
            sentence: format!("This session was ended by an administrator.{because}"),
        };
        // One that is gone has got what was ordered; one that is opening will not go live.
        if let Some(entry) = gate.registry().order_end(order.session, &ending) {
            let core = Arc::clone(&entry.core);
            core.spawn(async move { supervise::end(&entry.core, &entry.commands, ending).await });
        }
    }
    let done: Vec<i64> = orders.iter().map(|order| order.id).collect();
    gate.store().kill_done(&done).await
}

async fn write_counts(gate: &Gate) -> Result<(), StoreError> {
    let now = gate.clock().now();
    let beat = gate.store().heartbeat(now, gate.node()).await;
    STORE_UP.set(&[], u64::from(beat.is_ok()));
    beat?;
    write_news(gate).await?;
    forward::write_counts(gate).await?;
    gate.store().flush_denials(now).await
}

/// Writes what the rows of running sessions do not say yet.
async fn write_news(gate: &Gate) -> Result<(), StoreError> {
    let now = gate.clock().now();
    let news: Vec<_> = gate
        .registry()
        .all()
        .into_iter()
        .filter_map(|entry| {
            let core = entry.core;
            let news = core.doing.news(&core.counters, core.epoch, now)?;
            Some((core, news))
        })
        .collect();
    let notes: Vec<_> = news
        .iter()
        .map(|(core, news)| (core.id, news.note.clone()))
        .collect();
    gate.store().note_sessions(&notes).await?;
    for (core, news) in news {
        core.doing.wrote(news);
    }
    Ok(())
}

/// What is over by the clock: requests that nobody decided, reviews that are late, rows that are not needed.
async fn sweep_up(gate: &Gate) -> Result<(), StoreError> {
    let now = gate.clock().now();
    let expired = gate.store().expire_requests(now).await?;
    let unreviewed = gate.store().remind_of_unreviewed(now).await?;
    if expired + unreviewed > 0 {
        tracing::info!(
            expired,
            unreviewed,
            "requests have expired, or wait for a review for a day"
        );
    }
    delete_old(gate).await
}

/// Blocks that have ended and need not be remembered, and old alerts.
async fn delete_old(gate: &Gate) -> Result<(), StoreError> {
    let (now, settings) = (gate.clock().now(), gate.settings());
    let blocks = gate
        .store()
        .forget_blocks(now, settings.guard.block_memory)
        .await?;
    let alerts = gate.store().prune_alerts(now, settings.keep_alerts).await?;
    if blocks + alerts > 0 {
        tracing::debug!(blocks, alerts, "rows that are over were deleted");
    }
    Ok(())
}
