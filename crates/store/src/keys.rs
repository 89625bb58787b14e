//! The public keys that people have registered, and OpenSSH's one-line form of keys.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD};
use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_model::Timestamp;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::change::Scope;
use crate::chunks::in_chunks;
use crate::entity::{user, user_key};
use crate::instant::{from_db, to_db};
use crate::resolve::{find_user, free_text, not_found};
use crate::{Kind, Store, StoreError};

/// Algorithms whose keys are taken.
const ALGORITHMS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];
/// Fewest bits of an RSA modulus (RFC 8332 section 6 by way of NIST SP 800-131A).
const RSA_BITS_MIN: usize = 2_048;

/// A registered public key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct UserKey {
    /// Its algorithm, such as `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:…`, as OpenSSH prints it.
    pub fingerprint: String,
    /// The comment that came with it.
    pub comment: Option<String>,
    /// The key in OpenSSH's one-line form, without comment.
    pub openssh: String,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Store {
    /// Registers a public key, given as the content of a `.pub` file. From then on the person needs one of the
    /// registered keys at the gate.
    ///
    /// # Errors
    /// The text is not one key, or the key is weak, or registered already.
    pub async fn add_user_key(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        text: &str,
    ) -> Result<UserKey, StoreError> {
        let key = PublicKey::parse(text)?;
        let comment = free_text("comment", key.comment.clone())?;
        let mut change = self.change(Scope::Directory).await?;
        let user = find_user(change.db(), who).await?;
        let known = user_key::Entity::find()
            .filter(user_key::Column::Fingerprint.eq(&key.fingerprint))
            .one(change.db())
            .await?;
        if let Some(known) = known {
            let holder = user::Entity::find_by_id(known.user_id).one(change.db()).await?;
            let holder = holder.map(|holder| holder.name).unwrap_or_default();
            return Err(StoreError::Conflict(format!(
                "the key {} is registered for {holder} already",
                key.fingerprint
            )));
        }
        let row = user_key::ActiveModel {
            user_id: Set(user.id),
            algorithm: Set(key.algorithm.clone()),
            fingerprint: Set(key.fingerprint.clone()),
            openssh: Set(key.openssh()),
            comment: Set(comment),
            created_at: Set(to_db(now)),
            ..Default::default()
        };
        let row = row.insert(change.db()).await?;
        change.record(
            Draft::new(Action::KeyAdded, actor, now)
                .user(&user.name)
                .detail("fingerprint", key.fingerprint)
                .detail("algorithm", key.algorithm),
        );
        change.commit().await?;
        Ok(view(row))
    }

    /// The registered keys of a person.
    ///
    /// # Errors
    /// There is no such person.
    pub async fn user_keys(&self, who: &str) -> Result<Vec<UserKey>, StoreError> {
        let user = find_user(self.connection(), who).await?;
        Ok(keys_of(self.connection(), &[user.id])
            .await?
            .remove(&user.id)
            .unwrap_or_default())
    }

    /// Deletes a registered key, by its fingerprint (with or without `SHA256:`).
    ///
    /// # Errors
    /// The person has no such key.
    pub async fn remove_user_key(
        &self,
        actor: &Actor,
        now: Timestamp,
        who: &str,
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let user = find_user(change.db(), who).await?;
        let wanted = full_fingerprint(fingerprint);
        let keys = user_key::Entity::find()
            .filter(user_key::Column::UserId.eq(user.id))
            .all(change.db())
            .await?;
        let known = keys.iter().map(|key| key.fingerprint.clone()).collect();
        let Some(key) = keys.into_iter().find(|key| key.fingerprint == wanted) else {
            return Err(not_found(Kind::Key, fingerprint, known));
        };
        key.delete(change.db()).await?;
        let event = Draft::new(Action::KeyRemoved, actor, now).user(&user.name);
        change.record(event.detail("fingerprint", wanted));
        change.commit().await?;
        Ok(())
    }
}

/// The keys of people, by the people's ids.
pub(crate) async fn keys_of(
    db: &impl ConnectionTrait,
    users: &[i64],
) -> Result<HashMap<i64, Vec<UserKey>>, StoreError> {
    let mut result: HashMap<i64, Vec<UserKey>> = HashMap::new();
    for row in in_chunks::<user_key::Entity>(db, user_key::Column::UserId, users).await? {
        result.entry(row.user_id).or_default().push(view(row));
    }
    Ok(result)
}

fn view(row: user_key::Model) -> UserKey {
    UserKey {
        algorithm: row.algorithm,
        fingerprint: row.fingerprint,
        comment: row.comment,
        openssh: row.openssh,
        created_at: from_db(row.created_at),
    }
}

/// A fingerprint with its `SHA256:`.
pub(crate) fn full_fingerprint(text: &str) -> String {
    let bare = text.strip_prefix("SHA256:").unwrap_or(text).trim_end_matches('=');
    format!("SHA256:{bare}")
}

/// A public key in OpenSSH's one-line form: `ALGORITHM BASE64 [COMMENT]` (RFC 4253 section 6.6 for what is in it).
pub(crate) struct PublicKey {
    pub(crate) algorithm: String,
    pub(crate) fingerprint: String,
    comment: Option<String>,
    blob: Vec<u8>,
}

impl PublicKey {
    /// Reads the only key of a text; empty lines and comment lines are skipped.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let invalid = |sentence: &str| StoreError::invalid("key", sentence);
        if text.contains("PRIVATE KEY-----") {
            return Err(invalid(
                "this is a private key; give the public one, which lies beside it with the ending .pub",
            ));
        }
        let mut lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines
            .next()
            .ok_or_else(|| invalid("the key is missing; give the content of a .pub file"))?;
        if lines.next().is_some() {
            return Err(invalid("there is more than one key; give them one by one"));
        }
        let mut parts = line.splitn(3, char::is_whitespace);
        let algorithm = parts.next().unwrap_or_default();
        if !ALGORITHMS.contains(&algorithm) {
            return Err(StoreError::invalid(
                "key",
                format!(
                    "{algorithm:?} is not the algorithm of a key; give an OpenSSH public key, without options"
                ),
            ));
        }
        let not_a_key = || invalid("the key is damaged; copy the whole line of the .pub file");
        let blob = BASE64
            .decode(parts.next().unwrap_or_default().trim())
            .map_err(|_| not_a_key())?;
        let (named, rest) = ssh_string(&blob).ok_or_else(not_a_key)?;
        if named != algorithm.as_bytes() || rest.is_empty() {
            return Err(not_a_key());
        }
        if algorithm == "ssh-rsa" {
            let bits = rsa_bits(rest).ok_or_else(not_a_key)?;
            if bits < RSA_BITS_MIN {
                return Err(StoreError::invalid(
                    "key",
                    format!(
                        "the RSA key has {bits} bits, which is too weak; use ed25519, or RSA from {RSA_BITS_MIN} bits"
                    ),
                ));
            }
        }
        let comment = parts
            .next()
            .map(|comment| comment.trim().to_owned())
            .filter(|comment| !comment.is_empty());
        let fingerprint = format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob)));
        Ok(Self {
            algorithm: algorithm.to_owned(),
            fingerprint,
            comment,
            blob,
        })
    }

    /// The one-line form without comment.
    pub(crate) fn openssh(&self) -> String {
        format!("{} {}", self.algorithm, BASE64.encode(&self.blob))
    }
}

/// A string of RFC 4251 section 5, and what comes after it.
fn ssh_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The bits of the modulus, after the exponent.
fn rsa_bits(rest: &[u8]) -> Option<usize> {
    let (_exponent, rest) = ssh_string(rest)?;
    let (modulus, _) = ssh_string(rest)?;
    let start = modulus.iter().position(|byte| *byte != 0)?;
    let modulus = modulus.get(start..)?;
    let leading = usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    Some(modulus.len() * 8 - leading)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHf0TiZ4PmZ7zEuFDwL6IrhJmqwNlsTBCxvHTQ2Zq3Bx ana@laptop one";

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
    }

    fn rsa(bits: usize) -> String {
        let mut modulus = vec![0xff; bits / 8];
        modulus.insert(0, 0);
        let blob = [string(b"ssh-rsa"), string(&[1, 0, 1]), string(&modulus)].concat();
        format!("ssh-rsa {}", BASE64.encode(blob))
    }

    #[test]
    fn one_public_key_is_read_with_its_fingerprint() {
        let key = PublicKey::parse(&format!("# mine\n\n{ED25519}\n")).unwrap();
        assert_eq!(key.comment.as_deref(), Some("ana@laptop one"));
        assert_eq!(format!("{} ana@laptop one", key.openssh()), ED25519);
        assert_eq!(key.fingerprint.len(), "SHA256:".len() + 43);
        assert_eq!(
            full_fingerprint(key.fingerprint.trim_start_matches("SHA256:")),
            key.fingerprint
        );
        assert!(PublicKey::parse(&rsa(3_072)).is_ok());
    }

    #[test]
    fn what_is_no_single_sound_key_is_refused_in_words() {
        let weak = rsa(1_024);
        let two = format!("{ED25519}\n{ED25519}");
        for (bad, words) in [
            ("", "missing"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
            (two.as_str(), "one by one"),
            ("ssh-dss AAAA", "not the algorithm"),
            ("command=\"x\" ssh-ed25519 AAAA", "not the algorithm"),
            ("ssh-ed25519 AAAA", "damaged"),
            ("ssh-ed25519", "damaged"),
            (
                "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIHf0TiZ4PmZ7zEuFDwL6IrhJmqwNlsTBCxvHTQ2Zq3Bx",
                "damaged",
            ),
            (weak.as_str(), "1024 bits"),
        ] {
            let Err(error) = PublicKey::parse(bad) else {
                panic!("{bad}")
            };
            assert!(error.to_string().contains(words), "{bad}: {error}");
            assert_eq!(error.field(), Some("key"));
        }
    }
}
