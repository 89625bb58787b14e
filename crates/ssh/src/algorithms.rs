//! Which algorithms are offered, to whom, in which order.
//!
//! Modern ones only, unless lists are configured: strict key exchange, ML-KEM and elliptic curves first, AEAD
//! ciphers, no CBC, no SHA-1. A server takes the first of the **client's** list that it knows (RFC 4253 section
//! 7.1), and OpenSSH puts ChaCha20 first, which costs twice the CPU of AES-GCM where the machine has AES
//! instructions; so OpenSSH is offered AES-GCM alone, and others AES-CTR as well.
//!
//! A server whose entry says so is asked for outdated algorithms too, after all others: SHA-1 and CBC. Never for
//! anything that can be broken outright: 1024-bit groups, DSA, 3DES, RC4, MD5.

use std::borrow::Cow;

use gatehouse_model::LegacyAlgorithms;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{AlgorithmKind, Preferred, cipher, compression, kex, mac};

use crate::ident::ClientKind;

/// Algorithm names as configured; an absent list means the built-in one.
#[derive(Clone, Debug, Default)]
pub struct AlgorithmLists {
    /// Key exchange methods, best first.
    pub kex: Option<Vec<String>>,
    /// Ciphers, best first; then every client is offered the same.
    pub ciphers: Option<Vec<String>>,
    /// Message authentication codes, best first.
    pub macs: Option<Vec<String>>,
    /// Host and user key algorithms, best first.
    pub host_keys: Option<Vec<String>>,
    /// Whether ChaCha20-Poly1305 is offered too, for machines without AES instructions.
    pub chacha20: Option<bool>,
}

/// An algorithm that cannot be offered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AlgorithmError {
    /// The name means nothing here.
    #[error("{name:?} in ssh.{list} is not an algorithm that the gate knows; choose from {choices}")]
    Unknown {
        /// The name.
        name: String,
        /// The configuration key.
        list: &'static str,
        /// What would do.
        choices: String,
    },
    /// A list without entries.
    #[error("ssh.{0} is empty, so nobody could connect; name at least one algorithm or remove the key")]
    Empty(&'static str),
}

/// The algorithms to offer.
#[derive(Clone, Debug)]
pub struct Algorithms {
    kex: Vec<kex::Name>,
    configured_ciphers: Option<Vec<cipher::Name>>,
    chacha20: bool,
    macs: Vec<mac::Name>,
    keys: Vec<Algorithm>,
}

const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G14_SHA256,
];
const KEX_EXTENSIONS: &[kex::Name] = &[
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];
const GCM: &[cipher::Name] = &[cipher::AES_128_GCM, cipher::AES_256_GCM];
const CTR: &[cipher::Name] = &[cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];
const MACS: &[mac::Name] = &[
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256,
    mac::HMAC_SHA512,
];

const LEGACY_KEX: &[kex::Name] = &[kex::DH_G14_SHA1];
const LEGACY_CIPHERS: &[cipher::Name] = &[cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC];
const LEGACY_MACS: &[mac::Name] = &[mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];
/// RSA with SHA-1 (RFC 4253 section 6.6).
const LEGACY_KEY: Algorithm = Algorithm::Rsa { hash: None };

/// Key algorithms by their names on the wire (RFC 4253, 5656, 8332, 8709).
fn key_algorithms() -> Vec<(&'static str, Algorithm)> {
    vec![
        ("ssh-ed25519", Algorithm::Ed25519),
        (
            "ecdsa-sha2-nistp256",
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP256,
            },
        ),
        (
            "ecdsa-sha2-nistp384",
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP384,
            },
        ),
        (
            "ecdsa-sha2-nistp521",
            Algorithm::Ecdsa {
                curve: EcdsaCurve::NistP521,
            },
        ),
        (
            "rsa-sha2-512",
            Algorithm::Rsa {
                hash: Some(HashAlg::Sha512),
            },
        ),
        (
            "rsa-sha2-256",
            Algorithm::Rsa {
                hash: Some(HashAlg::Sha256),
            },
        ),
    ]
}

impl Algorithms {
    /// Reads configured lists.
    ///
    /// # Errors
    /// A name that is not known, or an empty list; the error names the configuration key and the choices.
    pub fn new(lists: &AlgorithmLists) -> Result<Self, AlgorithmError> {
        let known_keys = key_algorithms();
        Ok(Self {
            kex: pick(lists.kex.as_deref(), "kex", KEX)?.unwrap_or_else(|| KEX.to_vec()),
            configured_ciphers: pick(
                lists.ciphers.as_deref(),
                "ciphers",
                &[GCM, CTR, &[cipher::CHACHA20_POLY1305]].concat(),
            )?,
            chacha20: lists.chacha20.unwrap_or(false),
            macs: pick(lists.macs.as_deref(), "macs", MACS)?.unwrap_or_else(|| MACS.to_vec()),
            keys: match lists.host_keys.as_deref() {
                None => known_keys.into_iter().map(|(_, algorithm)| algorithm).collect(),
                Some([]) => return Err(AlgorithmError::Empty("host_keys")),
                Some(names) => names
                    .iter()
                    .map(|name| {
                        let found = known_keys.iter().find(|(known, _)| known == name);
                        found
                            .map(|(_, algorithm)| algorithm.clone())
                            .ok_or_else(|| AlgorithmError::Unknown {
                                name: name.clone(),
                                list: "host_keys",
                                choices: known_keys.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", "),
                            })
                    })
                    .collect::<Result<_, _>>()?,
            },
        })
    }

    /// What a client is offered.
    pub(crate) fn for_client(&self, kind: ClientKind) -> Preferred {
        let mut ciphers = GCM.to_vec();
        if kind == ClientKind::Other {
            ciphers.extend_from_slice(CTR);
        }
        self.preferred(ciphers, self.keys.clone())
    }

    /// What a backend is asked for. Algorithms whose keys are pinned come first, so that a server that offers a
    /// further key does not look changed.
    pub(crate) fn for_backend(&self, pinned: &[String], legacy: LegacyAlgorithms) -> Preferred {
        let mut keys = self.keys.clone();
        if legacy == LegacyAlgorithms::On {
            keys.push(LEGACY_KEY);
        }
        let (mut first, rest): (Vec<_>, Vec<_>) = keys
            .into_iter()
            .partition(|algorithm| pinned.contains(&pin_name(algorithm)));
        first.extend(rest);
        let mut preferred = self.preferred([GCM, CTR].concat(), first);
        if legacy == LegacyAlgorithms::On {
            // Before the extensions or behind them, an exchange method counts the same (RFC 8308 section 2.1).
            preferred.kex.to_mut().extend_from_slice(LEGACY_KEX);
            preferred.cipher.to_mut().extend_from_slice(LEGACY_CIPHERS);
            preferred.mac.to_mut().extend_from_slice(LEGACY_MACS);
        }
        preferred
    }

    fn preferred(&self, mut ciphers: Vec<cipher::Name>, keys: Vec<Algorithm>) -> Preferred {
        if let Some(configured) = &self.configured_ciphers {
            ciphers.clone_from(configured);
        } else if self.chacha20 {
            ciphers.push(cipher::CHACHA20_POLY1305);
        }
        Preferred {
            kex: Cow::Owned([self.kex.as_slice(), KEX_EXTENSIONS].concat()),
            key: Cow::Owned(keys),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Owned(ciphers),
            mac: Cow::Owned(self.macs.clone()),
            // A compressor for each connection costs memory and CPU; `ssh -C` falls back to none.
            compression: Cow::Borrowed(&[compression::NONE]),
        }
    }
}

/// Whether one of these names, which a server offers, is of those that are used towards old servers alone.
pub(crate) fn is_legacy(kind: &AlgorithmKind, offered: &[String]) -> bool {
    let known: Vec<&str> = match kind {
        AlgorithmKind::Kex => LEGACY_KEX.iter().map(AsRef::as_ref).collect(),
        AlgorithmKind::Key => vec!["ssh-rsa"],
        AlgorithmKind::Cipher => LEGACY_CIPHERS.iter().map(AsRef::as_ref).collect(),
        AlgorithmKind::Mac => LEGACY_MACS.iter().map(AsRef::as_ref).collect(),
        AlgorithmKind::Compression => Vec::new(),
    };
    offered.iter().any(|name| known.contains(&name.as_str()))
}

/// What a kind of algorithm is called in a sentence.
pub(crate) fn kind_words(kind: &AlgorithmKind) -> &'static str {
    match kind {
        AlgorithmKind::Kex => "key exchange methods",
        AlgorithmKind::Key => "host key algorithms",
        AlgorithmKind::Cipher => "ciphers",
        AlgorithmKind::Mac => "message authentication codes",
        AlgorithmKind::Compression => "compression methods",
    }
}

/// The name under which a key of this algorithm is pinned: an RSA key is the same key whatever the hash.
pub(crate) fn pin_name(algorithm: &Algorithm) -> String {
    match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
        other => other.as_str().to_owned(),
    }
}

fn pick<N: AsRef<str> + Copy>(
    names: Option<&[String]>,
    list: &'static str,
    known: &[N],
) -> Result<Option<Vec<N>>, AlgorithmError> {
    let Some(names) = names else { return Ok(None) };
    if names.is_empty() {
        return Err(AlgorithmError::Empty(list));
    }
    let found = names.iter().map(|name| {
        known
            .iter()
            .copied()
            .find(|k| k.as_ref() == name)
            .ok_or_else(|| AlgorithmError::Unknown {
                name: name.clone(),
                list,
                choices: known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "),
            })
    });
    found.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(preferred: &Preferred) -> Vec<&str> {
        preferred.cipher.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn openssh_is_offered_aes_gcm_alone_and_others_aes_ctr_too() {
        let algorithms = Algorithms::new(&AlgorithmLists::default()).unwrap();
        let openssh = algorithms.for_client(ClientKind::OpenSsh);
        assert_eq!(
            names(&openssh),
            ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]
        );
        assert!(names(&algorithms.for_client(ClientKind::Other)).contains(&"aes256-ctr"));
        for preferred in [openssh, algorithms.for_backend(&[], LegacyAlgorithms::Off)] {
            let all = preferred
                .kex
                .iter()
                .map(AsRef::as_ref)
                .chain(preferred.mac.iter().map(AsRef::as_ref));
            assert!(
                all.chain(names(&preferred))
                    .all(|n: &str| !n.contains("sha1") && !n.contains("cbc"))
            );
            assert!(!preferred.key.contains(&Algorithm::Rsa { hash: None }));
            assert!(
                preferred
                    .kex
                    .contains(&kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER)
            );
        }
    }

    #[test]
    fn pinned_algorithms_are_asked_for_first() {
        let algorithms = Algorithms::new(&AlgorithmLists::default()).unwrap();
        let preferred = algorithms.for_backend(&["ssh-rsa".to_owned()], LegacyAlgorithms::Off);
        assert!(matches!(
            preferred.key.first(),
            Some(Algorithm::Rsa { hash: Some(_) })
        ));
        assert!(preferred.key.contains(&Algorithm::Ed25519));
    }

    #[test]
    fn an_old_server_is_asked_for_outdated_algorithms_last_and_only_if_its_entry_says_so() {
        let algorithms = Algorithms::new(&AlgorithmLists::default()).unwrap();
        let modern = algorithms.for_backend(&[], LegacyAlgorithms::Off);
        let old = algorithms.for_backend(&[], LegacyAlgorithms::On);
        assert!(old.key.starts_with(&modern.key) && old.key.ends_with(&[LEGACY_KEY]));
        assert!(old.cipher.starts_with(&modern.cipher) && old.cipher.ends_with(LEGACY_CIPHERS));
        assert!(old.mac.starts_with(&modern.mac) && old.mac.ends_with(LEGACY_MACS));
        assert!(old.kex.starts_with(&modern.kex) && old.kex.ends_with(LEGACY_KEX));
        let pinned = algorithms.for_backend(&["ssh-rsa".to_owned()], LegacyAlgorithms::On);
        assert_eq!(pinned.key.iter().position(|key| *key == LEGACY_KEY), Some(2));
        for never in ["diffie-hellman-group1-sha1", "3des-cbc", "none", "ssh-dss"] {
            let names = [never.to_owned()];
            let all = old.kex.iter().map(AsRef::as_ref);
            let mut all = all.chain(old.cipher.iter().map(AsRef::as_ref));
            assert!(all.all(|name: &str| name != never));
            assert!(!is_legacy(&AlgorithmKind::Kex, &names) && !is_legacy(&AlgorithmKind::Cipher, &names));
        }
        assert!(is_legacy(&AlgorithmKind::Key, &["ssh-rsa".to_owned()]));
    }

    #[test]
    fn a_wrong_name_is_told_with_the_choices() {
        let lists = AlgorithmLists {
            ciphers: Some(vec!["aes128-cbc".into()]),
            ..Default::default()
        };
        let error = Algorithms::new(&lists).unwrap_err().to_string();
        assert!(
            error.contains("\"aes128-cbc\"") && error.contains("aes128-gcm@openssh.com"),
            "{error}"
        );
        let lists = AlgorithmLists {
            kex: Some(vec![]),
            ..Default::default()
        };
        assert_eq!(Algorithms::new(&lists).unwrap_err(), AlgorithmError::Empty("kex"));
    }
}
