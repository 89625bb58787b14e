//! Signatures in the form that OpenSSH makes and checks (`ssh-keygen -Y`, `PROTOCOL.sshsig`), with ed25519 keys
//! (RFC 8032, RFC 8709), so that who has no Gatehouse can check them too.
//!
//! Signing is deterministic, so it needs no randomness; a new key is made from 32 random bytes.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, STANDARD_NO_PAD};
use gatehouse_model::Secret;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256, Sha512};

/// What a signature is for; one for another purpose is none.
pub const NAMESPACE: &str = "gatehouse-recording";

const ALGORITHM: &[u8] = b"ssh-ed25519";
const MAGIC: &[u8; 6] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &[u8] = b"sha512";

/// The text is no public key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} holds no ed25519 public key in OpenSSH's form; give what `gatehouse recording-key export` prints, such as ssh-ed25519 AAAAC3…"
)]
pub struct NotAPublicKey(String);

/// A signature is not to be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// Not in OpenSSH's form, or of another kind or for another purpose.
    #[error("it is not a signature of a recording")]
    Malformed,
    /// It does not fit what was signed.
    #[error("it does not fit what was signed")]
    Wrong,
}

/// A key that signs. It does not print, and is wiped when dropped.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// The public key that belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// Bytes of the secret that a key is made from.
    pub const SEED: usize = 32;

    /// The key of this secret; `None` if it does not have [`Self::SEED`] bytes.
    pub fn from_seed(seed: &Secret) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok()?;
        let public = PublicKey(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { pair, public })
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs: the body of an OpenSSH signature file.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(&signed_data(message));
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&VERSION.to_be_bytes());
        put(&mut out, &self.public.blob());
        put(&mut out, NAMESPACE.as_bytes());
        put(&mut out, b"");
        put(&mut out, HASH);
        put(
            &mut out,
            &[string(ALGORITHM), string(signature.as_ref())].concat(),
        );
        out
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}

impl PublicKey {
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn id(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(self.blob())))
    }

    /// The keys of a text: a key in OpenSSH's form a line, or a file of allowed signers; empty lines and lines that begin
    /// with `#` are passed over.
    ///
    /// # Errors
    /// A line holds none.
    pub fn read_all(text: &str) -> Result<Vec<Self>, NotAPublicKey> {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::parse)
            .collect()
    }

    fn blob(&self) -> Vec<u8> {
        [string(ALGORITHM), string(&self.0)].concat()
    }

    fn of_blob(blob: &[u8]) -> Option<Self> {
        let mut rest = blob;
        let (algorithm, key) = (take(&mut rest)?, take(&mut rest)?);
        (algorithm == ALGORITHM && rest.is_empty())
            .then(|| key.try_into().ok())
            .flatten()
            .map(Self)
    }
}

impl FromStr for PublicKey {
    type Err = NotAPublicKey;

    fn from_str(line: &str) -> Result<Self, NotAPublicKey> {
        let mut words = line
            .split_whitespace()
            .skip_while(|word| word.as_bytes() != ALGORITHM);
        words
            .nth(1)
            .and_then(|blob| BASE64.decode(blob).ok())
            .and_then(|blob| Self::of_blob(&blob))
            .ok_or_else(|| NotAPublicKey(line.chars().take(80).collect()))
    }
}

impl fmt::Display for PublicKey {
    /// OpenSSH's one-line form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ssh-ed25519 {}", BASE64.encode(self.blob()))
    }
}

/// Checks a signature and tells whose it is. Whether that key is to be trusted is the caller's to decide.
///
/// # Errors
/// It is none, or of something else.
pub fn check(signature: &[u8], message: &[u8]) -> Result<PublicKey, SignatureError> {
    let (key, value) = parts(signature).ok_or(SignatureError::Malformed)?;
    UnparsedPublicKey::new(&ED25519, key.0)
        .verify(&signed_data(message), value)
        .map_err(|_| SignatureError::Wrong)?;
    Ok(key)
}

/// The key and the bare signature.
fn parts(signature: &[u8]) -> Option<(PublicKey, &[u8])> {
    let rest = signature.strip_prefix(MAGIC)?;
    let mut rest = rest.strip_prefix(VERSION.to_be_bytes().as_slice())?;
    let key = PublicKey::of_blob(take(&mut rest)?)?;
    let (namespace, reserved, hash) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
    let mut body = take(&mut rest)?;
    let (algorithm, value) = (take(&mut body)?, take(&mut body)?);
    let ours = namespace == NAMESPACE.as_bytes() && reserved.is_empty() && hash == HASH;
    let ours = ours && algorithm == ALGORITHM;
    (ours && rest.is_empty() && body.is_empty()).then_some((key, value))
}

fn signed_data(message: &[u8]) -> Vec<u8> {
    let mut data = MAGIC.to_vec();
    put(&mut data, NAMESPACE.as_bytes());
    put(&mut data, b"");
    put(&mut data, HASH);
    put(&mut data, &Sha512::digest(message));
    data
}

/// A string of RFC 4251 section 5.
fn string(bytes: &[u8]) -> Vec<u8> {
    // Never longer than a signature.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), bytes].concat()
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&string(bytes));
}

fn take<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (string, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&Secret::new(vec![byte; 32])).unwrap()
    }

    #[test]
    fn a_signature_is_of_one_message_by_one_key() {
        let signature = key(7).sign(b"what was said");
        assert_eq!(check(&signature, b"what was said"), Ok(key(7).public()));
        assert_eq!(check(&signature, b"what was sAid"), Err(SignatureError::Wrong));
        assert_eq!(
            signature,
            key(7).sign(b"what was said"),
            "signing is deterministic"
        );
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(
                check(&changed, b"what was said") != Ok(key(7).public()),
                "byte {at}"
            );
            assert!(check(&signature[..at], b"what was said").is_err(), "cut at {at}");
        }
        assert!(check(&[signature, vec![0]].concat(), b"what was said").is_err());
        assert!(SigningKey::from_seed(&Secret::new(vec![1; 31])).is_none());
    }

    #[test]
    fn public_keys_are_openssh_s() {
        let public = key(7).public();
        assert_eq!(public.to_string().parse(), Ok(public));
        assert_eq!(format!("{public} a comment").parse(), Ok(public));
        let signers = format!("# us\n\ngate namespaces=\"gatehouse-recording\" {public}\n");
        assert_eq!(PublicKey::read_all(&signers), Ok(vec![public]));
        assert!(public.id().starts_with("SHA256:") && public.id().len() == 50);
        for bad in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAA"] {
            assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
        }
        // Made with `ssh-keygen -t ed25519`; its fingerprint as `ssh-keygen -l` prints it.
        let known: PublicKey =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIY2WvPv7ySCxuh3Ul0hJjxGyS7mZKb7sE0mHf5YbB0e x"
                .parse()
                .unwrap();
        assert_eq!(known.id(), "SHA256:mfENIJv8d/EtgYOFRsPO0Dv3kM9yKXkTPc1c9DzMYM8");
    }
}
