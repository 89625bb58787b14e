//! `gatehouse node`: the nodes that share this store.

use clap::Subcommand;
use gatehouse_model::{NodeId, SessionState, Timestamp};
use gatehouse_store::{Node, NodeState, PageRequest, SessionFilter};
use serde::Serialize;

use super::{Answer, Context, examples};
use crate::failure::Failure;
use crate::terminal::{Cell, Table, Tone, age};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List the nodes: where they are reached, when they were heard of, how many sessions they carry
    #[command(after_long_help = examples!("gatehouse node list", "gatehouse node list --json"))]
    List,
}

/// A node, as it is listed.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    node: Node,
    state: NodeState,
    sessions: usize,
}

pub(super) async fn run(verb: Verb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        Verb::List => list(context).await,
    }
}

async fn list(context: &Context) -> Result<Answer, Failure> {
    let active = SessionFilter {
        state: Some(SessionState::Active),
        ..SessionFilter::default()
    };
    let sessions = context
        .store
        .sessions(context.now, &active, &PageRequest::all())
        .await?
        .items;
    let carried = |id: NodeId| sessions.iter().filter(|session| session.node == id).count();
    let nodes: Vec<_> = context
        .store
        .nodes()
        .await?
        .into_iter()
        .map(|node| Listed {
            state: node.state(context.now),
            sessions: carried(node.id),
            node,
        })
        .collect();
    context.answer(&nodes, |screen| {
        let mut table = Table::new(&["NAME", "STATE", "HEARD", "ADDRESS", "SESSIONS", "STARTED", "ID"]);
        for listed in &nodes {
            let node = &listed.node;
            table.row([
                node.name.as_str().into(),
                state(listed.state),
                age(context.now, node.heartbeat_at).into(),
                node.address.as_deref().unwrap_or("-").into(),
                listed.sessions.to_string().into(),
                day(node.started_at).into(),
                node.id.to_string().into(),
            ]);
        }
        table.render(screen, "no node has served yet")
    })
}

fn state(state: NodeState) -> Cell {
    match state {
        NodeState::Serving => Cell::toned("serving", Tone::Good),
        NodeState::Silent => Cell::toned("silent", Tone::Bad),
        NodeState::Stopped => Cell::toned("stopped", Tone::Dim),
    }
}

fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M").to_string()
}
