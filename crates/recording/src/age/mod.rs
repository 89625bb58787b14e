//! The part of age that wraps a key: the format `age-encryption.org/v1` with X25519 recipients
//! (<https://c2sp.org/age>), for a payload of one key.
//!
//! What [`wrap`] makes is an age file, so that anybody with an identity can open it with `age -d` and without this
//! program. Bodies of recordings are not in this format but in [frames](crate::frames), which can be read while they
//! grow.
//!
//! Invariants:
//! - **No randomness.** Entropy is an input; the same entropy must not be used twice.
//! - **Bounded.** No more than [`FILE_MAX`] bytes are looked at, and each length is checked before it is used.
//! - **Secrets are wiped** and do not print.

mod bech32;
mod file;
mod keys;
#[cfg(test)]
mod tests;

pub use file::{FILE_MAX, WrapError, unwrap, wrap};
pub use keys::{Identity, KeyError, Recipient, read_identities};
