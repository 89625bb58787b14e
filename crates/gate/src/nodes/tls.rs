//! What TLS between nodes is made of.

use std::sync::Arc;

use gatehouse_model::{NodeId, Timestamp};
use gatehouse_store::NodeAuthority;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::authority::{AuthorityError, Holder, Identity, sign};

/// The protocol's name; another version has another one.
const PROTOCOL: &[u8] = b"gatehouse-node/1";

/// What a node shows and demands.
pub(super) fn server(
    authority: &NodeAuthority,
    node: NodeId,
    now: Timestamp,
) -> Result<Arc<ServerConfig>, AuthorityError> {
    let Identity {
        certificate,
        key,
        authority,
    } = sign(authority, Holder::Node(node), now)?;
    let askers =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots(authority)?), provider()).build()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(askers)
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    // Each conversation proves itself anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// What an asker shows and demands.
pub(super) fn client(authority: &NodeAuthority, now: Timestamp) -> Result<Arc<ClientConfig>, AuthorityError> {
    let Identity {
        certificate,
        key,
        authority,
    } = sign(authority, Holder::Asker, now)?;
    let nodes =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots(authority)?), provider()).build()?;
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_webpki_verifier(nodes)
        .with_client_auth_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

fn roots(authority: CertificateDer<'static>) -> Result<RootCertStore, AuthorityError> {
    let mut roots = RootCertStore::empty();
    roots.add(authority)?;
    Ok(roots)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;
    use tokio_rustls::{TlsAcceptor, TlsConnector};
    use uuid::Uuid;

    use super::super::authority::{make, name_of};
    use super::*;

    const NODE: NodeId = NodeId(Uuid::from_u128(1));

    fn now() -> Timestamp {
        "2026-01-31T23:59:59Z".parse().unwrap()
    }

    /// Whether the two shake hands, when `name` is asked for.
    async fn shakes(server: Arc<ServerConfig>, client: Arc<ClientConfig>, name: String) -> bool {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let name = ServerName::try_from(name).unwrap();
        let (accepted, connected) = tokio::join!(
            TlsAcceptor::from(server).accept(far),
            TlsConnector::from(client).connect(name, near)
        );
        accepted.is_ok() && connected.is_ok()
    }

    #[tokio::test]
    async fn those_of_one_authority_know_each_other_and_nobody_else() {
        let (ours, theirs) = (make().unwrap(), make().unwrap());
        let serves = |authority| server(authority, NODE, Timestamp::now()).unwrap();
        let asks = |authority| client(authority, Timestamp::now()).unwrap();
        let other = NodeId(Uuid::from_u128(2));
        assert!(shakes(serves(&ours), asks(&ours), name_of(NODE)).await);
        assert!(!shakes(serves(&ours), asks(&ours), name_of(other)).await);
        assert!(!shakes(serves(&ours), asks(&theirs), name_of(NODE)).await);
        assert!(!shakes(serves(&theirs), asks(&ours), name_of(NODE)).await);
    }

    #[tokio::test]
    async fn who_only_asks_cannot_stand_for_a_node() {
        let ours = make().unwrap();
        let Identity { certificate, key, .. } = sign(&ours, Holder::Asker, Timestamp::now()).unwrap();
        let mut posing = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        posing.alpn_protocols = vec![PROTOCOL.to_vec()];
        let asker = client(&ours, Timestamp::now()).unwrap();
        let name = "asker.gatehouse.internal".to_owned();
        assert!(!shakes(Arc::new(posing), asker, name).await);
    }

    #[tokio::test]
    async fn certificates_are_good_for_two_days_and_no_longer() {
        let ours = make().unwrap();
        for (days, good) in [(-2, false), (-1, true), (0, true), (2, true), (4, false)] {
            let shifted = Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(24 * days));
            let serves = server(&ours, NODE, shifted.unwrap()).unwrap();
            let asks = client(&ours, Timestamp::now()).unwrap();
            assert_eq!(shakes(serves, asks, name_of(NODE)).await, good, "{days} days old");
        }
    }

    #[test]
    fn the_last_day_of_a_month_is_no_obstacle() {
        let ours = make().unwrap();
        for holder in [Holder::Node(NODE), Holder::Asker] {
            assert!(sign(&ours, holder, now()).is_ok());
        }
    }
}
