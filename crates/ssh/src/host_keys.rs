//! The gate's own host keys: made at first start, the same on all nodes and for all proxy addresses, save servers
//! that were given keys of their own.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gatehouse_gate::{Gate, GateHostKey};
use gatehouse_model::{Secret, ServerId};
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{KeypairData, RsaKeypair};
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};

use crate::algorithms::pin_name;

/// Bits of an RSA host key.
const RSA_BITS: usize = 3072;

/// A host key of the gate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// It cannot be read.
    #[error("the gate's stored {0} host key cannot be read")]
    Unreadable(String, #[source] russh::keys::ssh_key::Error),
    /// It is of a kind that the gate does not show, or protected by a passphrase.
    #[error(
        "a host key of the kind {0} cannot be shown by the gate; use an ed25519, ECDSA or RSA key without a passphrase"
    )]
    Unusable(String),
    /// One cannot be made.
    #[error("a host key cannot be made")]
    NotMade(#[source] russh::keys::ssh_key::Error),
    /// The store cannot be asked.
    #[error("the gate's host keys cannot be had from the database")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is none.
    #[error("the gate has no host key; the log says why none could be made")]
    None,
}

/// The gate's host keys in force. Cheap to clone; all clones see the same.
#[derive(Clone)]
pub struct HostKeys(Arc<ArcSwap<Set>>);

#[derive(Default)]
struct Set {
    shared: Vec<PrivateKey>,
    of_server: HashMap<ServerId, Vec<PrivateKey>>,
}

impl HostKeys {
    /// Reads the keys from the gate's store; those that are missing are made and kept there.
    ///
    /// # Errors
    /// The store cannot be asked, a key cannot be read, or there is none.
    pub async fn load(gate: &Gate) -> Result<Self, HostKeyError> {
        let keys = gate
            .host_keys(generate_missing)
            .await
            .map_err(|error| HostKeyError::Store(Box::new(error)))?;
        Ok(Self(Arc::new(ArcSwap::from_pointee(read(&keys)?))))
    }

    /// Keeps them true to the store until the gate stops.
    pub async fn follow(self, gate: Gate) {
        let mut changes = gate.directory_changes();
        loop {
            tokio::select! {
                () = gate.stopped() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
            match gate.stored_host_keys().await.map(|keys| read(&keys)) {
                Ok(Ok(set)) => self.0.store(Arc::new(set)),
                Ok(Err(error)) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "host keys stay as they were"
                    );
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "host keys could not be read; they stay as they were"
                    );
                }
            }
        }
    }

    /// The keys shown at the proxy addresses of a server: its own, else the shared ones.
    pub(crate) fn of(&self, server: Option<ServerId>) -> Vec<PrivateKey> {
        let set = self.0.load();
        let own = server.and_then(|server| set.of_server.get(&server));
        own.unwrap_or(&set.shared).clone()
    }
}

impl std::fmt::Debug for HostKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HostKeys")
    }
}

fn read(keys: &[GateHostKey]) -> Result<Set, HostKeyError> {
    let mut set = Set::default();
    for key in keys {
        let parsed = PrivateKey::from_openssh(key.private.expose())
            .map_err(|error| HostKeyError::Unreadable(key.algorithm.clone(), error))?;
        match key.server {
            None => set.shared.push(parsed),
            Some(server) => set.of_server.entry(server).or_default().push(parsed),
        }
    }
    if set.shared.is_empty() {
        Err(HostKeyError::None)
    } else {
        Ok(set)
    }
}

/// Makes the kinds of host key that are missing: Ed25519, ECDSA on P-256 and RSA.
fn generate_missing(present: &[GateHostKey]) -> Vec<GateHostKey> {
    let missing = kinds().into_iter().filter(|kind| {
        let name = pin_name(kind);
        !present
            .iter()
            .any(|key| key.server.is_none() && key.algorithm == name)
    });
    missing
        .filter_map(|kind| match generate(&kind) {
            Ok(key) => Some(key),
            Err(error) => {
                tracing::error!(%error, kind = pin_name(&kind), "a host key could not be made");
                None
            }
        })
        .collect()
}

fn kinds() -> [Algorithm; 3] {
    [
        Algorithm::Ed25519,
        Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256,
        },
        Algorithm::Rsa { hash: None },
    ]
}

/// Makes host keys of each kind for the proxy addresses of one server, to be stored.
///
/// # Errors
/// A key cannot be made.
pub fn generate_for_server(server: ServerId) -> Result<Vec<GateHostKey>, HostKeyError> {
    let made = kinds().into_iter().map(|kind| {
        let key = generate(&kind).map_err(HostKeyError::NotMade)?;
        Ok(GateHostKey {
            server: Some(server),
            ..key
        })
    });
    made.collect()
}

/// Takes a private key in OpenSSH's form as the host key of the gate at one server's proxy addresses, such as the key
/// that the server itself had when people connected to it directly.
///
/// # Errors
/// The key cannot be read, or is of a kind that the gate does not show.
pub fn adopt_for_server(server: ServerId, private: Secret) -> Result<GateHostKey, HostKeyError> {
    let given = || "given".to_owned();
    let key = PrivateKey::from_openssh(private.expose())
        .map_err(|error| HostKeyError::Unreadable(given(), error))?;
    let algorithm = pin_name(&key.algorithm());
    if key.algorithm() == Algorithm::Dsa || key.is_encrypted() {
        return Err(HostKeyError::Unusable(algorithm));
    }
    let mut public = key.public_key().clone();
    public.set_comment("");
    let public = public
        .to_openssh()
        .map_err(|error| HostKeyError::Unreadable(given(), error))?;
    Ok(GateHostKey {
        server: Some(server),
        algorithm,
        public,
        private,
    })
}

fn generate(kind: &Algorithm) -> Result<GateHostKey, russh::keys::ssh_key::Error> {
    let mut rng = rand::rng();
    let key = match kind {
        Algorithm::Rsa { .. } => {
            PrivateKey::new(KeypairData::from(RsaKeypair::random(&mut rng, RSA_BITS)?), "")?
        }
        other => PrivateKey::random(&mut rng, other.clone())?,
    };
    Ok(GateHostKey {
        server: None,
        algorithm: pin_name(kind),
        public: key.public_key().to_openssh()?,
        private: Secret::from(key.to_openssh(LineEnding::LF)?.to_string()),
    })
}
