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
