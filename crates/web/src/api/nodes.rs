//! Nodes, and the keys that they share.

use axum::Json;
use axum::extract::State;
use gatehouse_gate::GateHostKey;
use gatehouse_store::{Node, NodeState, RecordingKey};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_nodes))
        .routes(routes!(list_gate_keys))
        .routes(routes!(list_recording_keys))
}

/// A node, and whether it is there.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct NodeNow {
    #[serde(flatten)]
    node: Node,
    /// Whether it is there.
    state: NodeState,
    /// Whether it is the one that answers.
    this: bool,
}

/// Lists the nodes, the one that started first in front.
#[utoipa::path(get, path = "/nodes", tag = "nodes", responses((status = 200, body = Vec<NodeNow>)))]
async fn list_nodes(State(site): State<Site>) -> Result<Json<Vec<NodeNow>>, Problem> {
    Ok(Json(nodes_now(&site).await?))
}

pub(super) async fn nodes_now(site: &Site) -> Result<Vec<NodeNow>, Problem> {
    let (now, own) = (site.now(), site.gate().node());
    let nodes = site.store().nodes().await?.into_iter();
    Ok(nodes
        .map(|node| NodeNow {
            state: node.state(now),
            this: node.id == own,
            node,
        })
        .collect())
}

/// The public half of a host key of the gate.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct GateKey {
    /// The server whose proxy addresses show it; `null`: all that have none of their own.
    server: Option<String>,
    /// Its algorithm, such as `ssh-ed25519`.
    algorithm: String,
    /// The public key in OpenSSH's one-line form.
    public: String,
    /// `SHA256:…`, as OpenSSH prints it.
    fingerprint: Option<String>,
}

/// Lists the host keys that the gate shows.
#[utoipa::path(get, path = "/gate-keys", tag = "nodes", responses((status = 200, body = Vec<GateKey>)))]
async fn list_gate_keys(State(site): State<Site>) -> Result<Json<Vec<GateKey>>, Problem> {
    let directory = site.gate().directory();
    let keys = site.store().gate_host_keys().await?;
    let shown = keys.into_iter().map(|key: GateHostKey| GateKey {
        // One that was removed keeps its number until the next start.
        server: key.server.map(|id| match directory.server(id) {
            Some(server) => server.name.to_string(),
            None => id.to_string(),
        }),
        fingerprint: fingerprint(&key.public),
        algorithm: key.algorithm,
        public: key.public,
    });
    Ok(Json(shown.collect()))
}

/// The fingerprint of a key in OpenSSH's one-line form.
fn fingerprint(public: &str) -> Option<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use sha2::{Digest as _, Sha256};
    let blob = STANDARD.decode(public.split_whitespace().nth(1)?).ok()?;
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob))))
}

/// Lists the keys that sign or signed recordings, the oldest first.
#[utoipa::path(get, path = "/recording-keys", tag = "nodes", responses((status = 200, body = Vec<RecordingKey>)))]
async fn list_recording_keys(State(site): State<Site>) -> Result<Json<Vec<RecordingKey>>, Problem> {
    Ok(Json(site.store().recording_keys().await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_openssh() {
        // Made with ssh-keygen.
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA me";
        let made = fingerprint(key).unwrap();
        assert!(made.starts_with("SHA256:") && made.len() == 50, "{made}");
        assert_eq!(fingerprint("nothing"), None);
    }
}
