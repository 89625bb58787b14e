//! The authority of a store's nodes, and the certificates that it signs.

use gatehouse_audit::Actor;
use gatehouse_model::{NodeId, Secret, Timestamp};
use gatehouse_store::{NodeAuthority, Store, StoreError};
use jiff::tz::TimeZone;
use jiff::{Span, civil};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The authority's name.
const COMMON_NAME: &str = "Gatehouse nodes";
/// Below this are the names of nodes, and of those who ask them.
const DOMAIN: &str = "gatehouse.internal";

/// No certificate can be had.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The store cannot be asked, or its sealed key not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key or certificate could not be made.
    #[error("a certificate for the way between nodes cannot be made")]
    Made(#[from] rcgen::Error),
    /// TLS does not take them.
    #[error("the certificates for the way between nodes cannot be used")]
    Used(#[from] rustls::Error),
    /// The same, told by the part that checks the other side.
    #[error("the certificates for the way between nodes cannot be used")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// Who a certificate is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holder {
    /// A node, which is asked by its name, and may ask.
    Node(NodeId),
    /// Somebody who asks only.
    Asker,
}

/// A certificate with its key, and the authority that signed it.
pub(super) struct Identity {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) authority: CertificateDer<'static>,
}

/// The name by which a node is asked.
pub(super) fn name_of(node: NodeId) -> String {
    format!("{node}.node.{DOMAIN}")
}

/// The authority of the store; the first node that needs it makes it.
pub(super) async fn establish(
    store: &Store,
    now: Timestamp,
    node: NodeId,
) -> Result<NodeAuthority, AuthorityError> {
    if let Some(kept) = store.node_authority().await? {
        return Ok(kept);
    }
    let fresh = make()?;
    Ok(store.keep_node_authority(&Actor::node(node), now, fresh).await?)
}

pub(super) fn make() -> Result<NodeAuthority, AuthorityError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = authority_terms()?.self_signed(&key)?;
    Ok(NodeAuthority {
        certificate: certificate.der().to_vec(),
        private: Secret::new(key.serialize_der()),
    })
}

/// The same at every signing: name and purposes of the authority. It lasts as long as dates go.
fn authority_terms() -> Result<CertificateParams, AuthorityError> {
    let mut terms = CertificateParams::new(Vec::new())?;
    terms.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    terms.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    terms.distinguished_name.push(DnType::CommonName, COMMON_NAME);
    Ok(terms)
}

/// Signs a certificate that is good from the day before to the day after tomorrow: clocks differ.
pub(super) fn sign(
    authority: &NodeAuthority,
    holder: Holder,
    now: Timestamp,
) -> Result<Identity, AuthorityError> {
    let signer = KeyPair::try_from(authority.private.expose())?;
    let issuer = Issuer::new(authority_terms()?, signer);
    let (name, purposes) = match holder {
        Holder::Node(node) => (
            name_of(node),
            vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
        ),
        Holder::Asker => (
            format!("asker.{DOMAIN}"),
            vec![ExtendedKeyUsagePurpose::ClientAuth],
        ),
    };
    let mut terms = CertificateParams::new(vec![name])?;
    terms.is_ca = IsCa::ExplicitNoCa;
    terms.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    terms.extended_key_usages = purposes;
    let midnight = |day: civil::Date| {
        date_time_ymd(
            i32::from(day.year()),
            u8::try_from(day.month()).unwrap_or(1),
            u8::try_from(day.day()).unwrap_or(1),
        )
    };
    let day = now.to_zoned(TimeZone::UTC).date();
    terms.not_before = midnight(day.saturating_sub(Span::new().days(1)));
    terms.not_after = midnight(day.saturating_add(Span::new().days(3)));
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = terms.signed_by(&key, &issuer)?;
    Ok(Identity {
        certificate: certificate.der().clone(),
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        authority: CertificateDer::from(authority.certificate.clone()),
    })
}
