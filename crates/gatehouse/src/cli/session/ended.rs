//! Waiting for sessions to be ended, whoever ordered it.

use std::collections::BTreeMap;
use std::time::Duration;

use gatehouse_model::{NodeId, SessionId, SessionState, Timestamp};
use gatehouse_store::{NodeState, StoreError};
use tokio::time::Instant;

use crate::cli::Context;
use crate::failure::Failure;
use crate::terminal::age;

/// How long nodes may take; they follow within a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// What became of sessions that are to end.
pub(in crate::cli) struct Ended {
    all: usize,
    /// Those that are not closed, and the nodes that carry them.
    running: Vec<(SessionId, NodeId)>,
    /// Nodes among those that were not heard of lately, in words.
    silent: Vec<String>,
}

impl Ended {
    /// Waits until the sessions are closed, as long as nodes may take.
    pub(in crate::cli) async fn wait(ids: &[SessionId], context: &Context) -> Result<Self, Failure> {
        let until = Instant::now() + PATIENCE;
        let mut left = ids.to_vec();
        let running = loop {
            let mut running = Vec::with_capacity(left.len());
            for id in left {
                match context.store.session(Timestamp::now(), &id.to_string()).await {
                    Ok(session) if session.state == SessionState::Closed => {}
                    // One that was still opening leaves no row.
                    Err(StoreError::NotFound { .. }) => {}
                    Ok(session) => running.push((id, session.node)),
                    Err(error) => return Err(error.into()),
                }
            }
            if running.is_empty() || Instant::now() >= until {
                break running;
            }
            left = running.into_iter().map(|(id, _)| id).collect();
            tokio::time::sleep(LOOK).await;
        };
        Ok(Self {
            all: ids.len(),
            silent: silent(&running, context).await?,
            running,
        })
    }

    /// Those that are not closed.
    pub(in crate::cli) fn still_running(&self) -> Vec<SessionId> {
        self.running.iter().map(|(id, _)| *id).collect()
    }

    /// What became of them, in words; `None`: there were none.
    pub(in crate::cli) fn words(&self) -> Option<String> {
        let ended = self.all - self.running.len();
        let mut words = match (self.all, self.running.len()) {
            (0, _) => return None,
            (all, 0) => format!("ended {all} of {all} sessions"),
            (all, left) => {
                format!("ended {ended} of {all} sessions; {left} end as soon as their node reads the order")
            }
        };
        for node in &self.silent {
            words.push_str(&format!("; {node}"));
        }
        Some(words)
    }
}

/// The nodes among those that carry the sessions which were not heard of lately. They may have crashed, or be cut off
/// from the database and carry on.
async fn silent(running: &[(SessionId, NodeId)], context: &Context) -> Result<Vec<String>, Failure> {
    let mut carried: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (_, node) in running {
        *carried.entry(*node).or_default() += 1;
    }
    let mut words = Vec::new();
    let now = Timestamp::now();
    for (id, count) in carried {
        let node = match context.store.node(id).await {
            Ok(node) => node,
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        if node.state(now) != NodeState::Serving {
            let heard = age(now, node.heartbeat_at);
            words.push(format!(
                "node {} has {count} of them and was last heard of {heard}",
                node.name
            ));
        }
    }
    Ok(words)
}
