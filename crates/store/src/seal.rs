//! Sealing of secrets at rest: XChaCha20-Poly1305 with a random nonce of 24 bytes.
//!
//! A sealed value is one byte of version, the nonce, and the ciphertext with its tag. The associated data names the
//! table and the row, so that a value moved to another row does not open.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use gatehouse_model::Secret;

use crate::{KeyError, StoreError};

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Seals and opens with the store's key.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Seals `plain` for the row that `place` names.
    pub(crate) fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce)?;
        let payload = Payload {
            msg: plain,
            aad: place.as_bytes(),
        };
        // The cipher refuses only what is longer than 256 GiB.
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::invalid("secret", "the secret is too long to be sealed"))?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for the row that `place` names. `what` is for the error.
    pub(crate) fn open(&self, what: &'static str, place: &str, sealed: &[u8]) -> Result<Secret, KeyError> {
        let damaged = || KeyError::Damaged(what);
        let (&VERSION, rest) = sealed.split_first().ok_or_else(damaged)? else {
            return Err(damaged());
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        let payload = Payload {
            msg: sealed,
            aad: place.as_bytes(),
        };
        self.0
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Secret::new)
            .map_err(|_| damaged())
    }
}

/// Fills `bytes` from the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|error| StoreError::File {
        path: "/dev/urandom".into(),
        what: "read",
        source: std::io::Error::other(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_with_its_key_only() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("credential:1:root", b"hunter2").unwrap();
        assert_eq!(
            sealer.open("x", "credential:1:root", &sealed).unwrap().expose(),
            b"hunter2"
        );
        assert!(!sealed.windows(7).any(|w| w == b"hunter2"));
        assert!(sealer.open("x", "credential:2:root", &sealed).is_err());
        assert!(
            Sealer::new(&[8; 32])
                .open("x", "credential:1:root", &sealed)
                .is_err()
        );
        for n in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[n] ^= 1;
            assert!(
                sealer.open("x", "credential:1:root", &damaged).is_err(),
                "byte {n}"
            );
            assert!(
                sealer.open("x", "credential:1:root", &sealed[..n]).is_err(),
                "cut at {n}"
            );
        }
        assert_ne!(sealed, sealer.seal("credential:1:root", b"hunter2").unwrap());
    }
}
