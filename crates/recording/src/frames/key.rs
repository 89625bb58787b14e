//! The key of a recording, and those of its files.

use std::fmt;

use gatehouse_model::SessionId;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use zeroize::Zeroizing;

use super::{FrameHead, Tag};
use crate::FileName;

/// What keys are derived under; names the version of the form.
const SALT: &[u8] = b"gatehouse recording v1";
/// Bytes of a key's id.
const ID: usize = 16;

/// The key of one recording: random, made for it, and known only sealed or wrapped outside of the node's memory. It does
/// not print, and is wiped when dropped.
#[derive(Clone)]
pub struct FileKey(Zeroizing<[u8; Self::LENGTH]>);

impl FileKey {
    /// Bytes of a key.
    pub const LENGTH: usize = 32;

    /// Takes the bytes, which must be random.
    pub fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes the bytes if there are as many as a key has.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    /// The bytes, to be wrapped or sealed.
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Names the key without telling it: 32 hexadecimal digits.
    pub fn id(&self) -> String {
        let mut id = [0; ID];
        derive(&self.derivation(), &[b"id"], Length(ID), &mut id);
        hex::encode(id)
    }

    /// The key of a file of this session.
    pub fn of_file(&self, session: SessionId, name: FileName) -> FrameKey {
        let name = name.to_string();
        let mut key = Zeroizing::new([0; 32]);
        let info = [b"file".as_slice(), session.0.as_bytes(), name.as_bytes()];
        derive(&self.derivation(), &info, Length(32), &mut *key);
        FrameKey::new(&key)
    }

    fn derivation(&self) -> Prk {
        Salt::new(HKDF_SHA256, SALT).extract(self.expose())
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
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
fn derive(from: &Prk, info: &[&[u8]], length: Length, out: &mut [u8]) {
    from.expand(info, length)
        .and_then(|okm| okm.fill(out))
        .expect("less than 255 blocks");
}

/// The key of one file of a recording.
pub struct FrameKey(LessSafeKey);

impl FrameKey {
    #[expect(clippy::expect_used, reason = "a key of 32 bytes is one")]
    fn new(key: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes"),
        ))
    }

    /// Encrypts a plaintext in its place.
    #[expect(clippy::expect_used, reason = "the cipher refuses only more than 64 GiB")]
    pub(super) fn seal(&self, head: FrameHead, before: &Tag, plain: &mut [u8]) -> Tag {
        let sealed = self
            .0
            .seal_in_place_separate_tag(nonce(head), associated(head, before), plain)
            .expect("a frame is short");
        let mut tag = Tag::default();
        tag.copy_from_slice(sealed.as_ref());
        tag
    }

    /// Decrypts a ciphertext with its tag in their place; `None` if it is not what was sealed.
    pub(super) fn open<'b>(&self, head: FrameHead, before: &Tag, sealed: &'b mut [u8]) -> Option<&'b [u8]> {
        self.0
            .open_in_place(nonce(head), associated(head, before), sealed)
            .ok()
            .map(|plain| &*plain)
    }
}

impl fmt::Debug for FrameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

fn nonce(head: FrameHead) -> Nonce {
    let mut nonce = [0; 12];
    let (counter, kind) = nonce.split_at_mut(8);
    counter.copy_from_slice(&head.counter.to_be_bytes());
    kind.copy_from_slice(&u32::from(head.end).to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn associated(head: FrameHead, before: &Tag) -> Aad<Vec<u8>> {
    Aad::from([head.to_bytes().as_slice(), before].concat())
}
