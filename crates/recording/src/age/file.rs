//! Age files that hold a key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use curve25519_dalek::montgomery::MontgomeryPoint;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use zeroize::Zeroizing;

use super::{Identity, Recipient};
use crate::frames::FileKey;

/// Longest age file that is read.
pub const FILE_MAX: usize = 64 * 1024;

const VERSION: &str = "age-encryption.org/v1\n";
const X25519: &str = "X25519";
const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";
/// What separates header and MAC; the MAC covers it.
const FOOT: &str = "---";
/// Columns of a stanza's body.
const COLUMNS: usize = 64;
/// Bytes of an age file's own key.
const AGE_KEY: usize = 16;
const TAG: usize = 16;
/// The nonce of the only, and so last, chunk of a payload.
const LAST_CHUNK: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// What was wrapped cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WrapError {
    /// Not an age file, or not whole, or what is in it is not a key.
    #[error("the wrapped key is damaged")]
    Damaged,
    /// It is for others.
    #[error("none of the identities is one that the key was wrapped for")]
    NoIdentityFits,
    /// Nobody could ever open it, or it could be opened by anybody.
    #[error("a recipient is not a point that can be used; make a new identity with age-keygen")]
    WeakRecipient,
}

/// Wraps a key for these recipients, as an age file. `entropy` must be random and of no other use.
///
/// # Errors
/// A recipient is a point of low order.
pub fn wrap(key: &FileKey, recipients: &[Recipient], entropy: &[u8; 32]) -> Result<Vec<u8>, WrapError> {
    let entropy = Zeroizing::new(*entropy);
    let age_key = Zeroizing::new(derive::<AGE_KEY>(&[], &*entropy, &[b"age file key"]));
    let mut header = VERSION.to_owned();
    for (number, recipient) in (0u64..).zip(recipients) {
        let info = [b"ephemeral".as_slice(), &number.to_be_bytes()];
        let ephemeral = Zeroizing::new(derive::<32>(&[], &*entropy, &info));
        let share = MontgomeryPoint::mul_base_clamped(*ephemeral).0;
        let shared = agree(*ephemeral, recipient.0).ok_or(WrapError::WeakRecipient)?;
        let wrapping = wrapping_key(&shared, &share, &recipient.0);
        let mut body = age_key.to_vec();
        let sealed = wrapping.seal_in_place_append_tag(nonce([0; 12]), Aad::empty(), &mut body);
        sealed.map_err(|_| WrapError::Damaged)?;
        header += &format!("-> {X25519} {}\n{}\n", BASE64.encode(share), BASE64.encode(body));
    }
    header += FOOT;
    let mac = hmac::sign(&mac_key(&age_key), header.as_bytes());
    header += &format!(" {}\n", BASE64.encode(mac));
    let salt = derive::<16>(&[], &*entropy, &[b"payload nonce"]);
    let mut payload = key.expose().to_vec();
    payload_key(&age_key, &salt)
        .seal_in_place_append_tag(nonce(LAST_CHUNK), Aad::empty(), &mut payload)
        .map_err(|_| WrapError::Damaged)?;
    Ok([header.as_bytes(), &salt, &payload].concat())
}

/// Opens what was wrapped for one of these identities, by [`wrap`] or by the program `age`.
///
/// # Errors
/// It is damaged, holds something else than a key, or is for others.
pub fn unwrap(file: &[u8], identities: &[Identity]) -> Result<FileKey, WrapError> {
    let parsed = Parsed::of(file).ok_or(WrapError::Damaged)?;
    let age_key = parsed
        .stanzas
        .iter()
        .find_map(|stanza| identities.iter().find_map(|identity| stanza.open(identity)))
        .ok_or(WrapError::NoIdentityFits)?;
    hmac::verify(&mac_key(&age_key), parsed.covered, &parsed.mac).map_err(|_| WrapError::Damaged)?;
    let (salt, sealed) = parsed
        .payload
        .split_first_chunk::<16>()
        .ok_or(WrapError::Damaged)?;
    let mut sealed = Zeroizing::new(sealed.to_vec());
    let plain = payload_key(&age_key, salt)
        .open_in_place(nonce(LAST_CHUNK), Aad::empty(), &mut sealed)
        .map_err(|_| WrapError::Damaged)?;
    FileKey::from_slice(plain).ok_or(WrapError::Damaged)
}

/// The parts of an age file.
struct Parsed<'f> {
    stanzas: Vec<Stanza<'f>>,
    /// What the MAC covers.
    covered: &'f [u8],
    mac: Vec<u8>,
    payload: &'f [u8],
}

struct Stanza<'f> {
    arguments: Vec<&'f str>,
    body: Vec<u8>,
}

impl<'f> Parsed<'f> {
    fn of(file: &'f [u8]) -> Option<Self> {
        if file.len() > FILE_MAX {
            return None;
        }
        let mut rest = file.strip_prefix(VERSION.as_bytes())?;
        let mut stanzas = Vec::new();
        loop {
            let begin = rest;
            let line = take_line(&mut rest)?;
            if let Some(mac) = line.strip_prefix(FOOT) {
                let head = file.len() - begin.len() + FOOT.len();
                return Some(Self {
                    stanzas,
                    covered: file.get(..head)?,
                    mac: BASE64.decode(mac.strip_prefix(' ')?).ok()?,
                    payload: rest,
                });
            }
            let arguments = line.strip_prefix("-> ")?.split(' ').collect();
            let mut body = Vec::new();
            loop {
                let line = take_line(&mut rest)?;
                if line.len() > COLUMNS {
                    return None;
                }
                body.extend(BASE64.decode(line).ok()?);
                if line.len() < COLUMNS {
                    break;
                }
            }
            stanzas.push(Stanza { arguments, body });
        }
    }
}

fn take_line<'f>(rest: &mut &'f [u8]) -> Option<&'f str> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, after) = rest.split_at_checked(end)?;
    *rest = after.get(1..)?;
    std::str::from_utf8(line).ok()
}

impl Stanza<'_> {
    /// The file's key, if this stanza is for the identity. Stanzas of other kinds are for others.
    fn open(&self, identity: &Identity) -> Option<Zeroizing<[u8; AGE_KEY]>> {
        let [X25519, share] = self.arguments.as_slice() else {
            return None;
        };
        let share: [u8; 32] = BASE64.decode(share).ok()?.try_into().ok()?;
        let mut body = Zeroizing::new(self.body.clone());
        if body.len() != AGE_KEY + TAG {
            return None;
        }
        let shared = agree(*identity.0, share)?;
        let plain = wrapping_key(&shared, &share, &identity.recipient().0)
            .open_in_place(nonce([0; 12]), Aad::empty(), &mut body)
            .ok()?;
        (&*plain).try_into().ok().map(Zeroizing::new)
    }
}

/// X25519 (RFC 7748); `None` for a point of low order.
fn agree(secret: [u8; 32], public: [u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let shared = Zeroizing::new(MontgomeryPoint(public).mul_clamped(secret).0);
    (*shared != [0; 32]).then_some(shared)
}

fn wrapping_key(shared: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> LessSafeKey {
    let salt = [share.as_slice(), recipient].concat();
    cipher(&derive::<32>(&salt, shared, &[X25519_INFO]))
}

fn payload_key(age_key: &[u8; AGE_KEY], salt: &[u8; 16]) -> LessSafeKey {
    cipher(&derive::<32>(salt, age_key, &[b"payload"]))
}

fn mac_key(age_key: &[u8; AGE_KEY]) -> hmac::Key {
    hmac::Key::new(
        hmac::HMAC_SHA256,
        &Zeroizing::new(derive::<32>(&[], age_key, &[b"header"]))[..],
    )
}

#[expect(clippy::expect_used, reason = "a key of 32 bytes is one")]
fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key of 32 bytes"))
}

fn nonce(bytes: [u8; 12]) -> Nonce {
    Nonce::assume_unique_for_key(bytes)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[expect(
    clippy::expect_used,
    reason = "HKDF refuses only more than 255 blocks of output"
)]
fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(info, Length(N))
        .and_then(|okm| okm.fill(&mut out))
        .expect("less than 255 blocks");
    out
}
