//! Recordings as bytes: what a session leaves behind, made from events and read again.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`cast`] | asciicast v2 and our own events in it; encoder, and a reader for growing and torn casts |
//! | [`channel`] | the recorder of one channel: text told from binary, typed input by its echo, transfers |
//! | [`capture`] | what forwards carried, as pcapng |
//! | [`tap`] | listeners to SFTP and scp |
//! | [`transfer`], [`path`](mod@path) | the transfer log, and hostile paths as text |
//! | [`manifest`] | what belongs to a recording, with digests, the encryption header and the signature |
//! | [`signature`] | signatures in OpenSSH's form |
//! | [`frames`] | the form of encrypted files: readable while they grow, torn or whole |
//! | [`age`] | wrapping a recording's key for those who may read it |
//! | [`screen`] | what a person saw: transcript, and a rendering that is safe for another terminal |
//!
//! Invariants:
//! - **No I/O, no clock, no randomness.** Bytes, instants and entropy come in, bytes go out. Files are
//!   `gatehouse-archive`'s.
//! - **Bytes decide, never words.** Whether a channel is text, binary, SFTP or scp is told by what passes, not by the
//!   command that was asked for. What cannot be told is recorded.
//! - **Nothing shown escapes.** Each byte that a target sends is in the cast, or accounted for in the chunk list (length and
//!   digest), or it is contents of a transfer that is in the log. A property test holds this.
//! - **Nothing hidden is kept.** Under `echoed`, typed text stands in the recording only if the output repeated it.
//! - **Cuts change nothing.** The same bytes at the same instants leave the same contents, whatever the packets were.
//! - **Whole lines, whole frames, whole blocks.** Whatever is appended to a file can be read without what comes later.
//! - **Bounded.** A channel holds at most: one block of 4 KiB and one chunk for each stream (64 KiB kept bytes, or 256 KiB where
//!   all is kept), 4 KiB of typed input that waits for its echo, and a tap's tables, each with a limit.
//! - **Bytes from a target are hostile.** No reader panics on them, each length is checked before it is used, and paths
//!   and casts hold no control characters.

pub mod age;
pub mod capture;
pub mod cast;
pub mod channel;
mod event;
mod file_name;
pub mod frames;
pub mod manifest;
mod offset;
pub mod path;
pub mod screen;
pub mod signature;
pub mod tap;
pub mod transfer;

pub use event::{ChannelKind, ChannelSpec, Event, Exit, Pty, SessionStamp, Stream};
pub use file_name::{FileName, NotARecordingFile};
pub use offset::Offset;
pub use transfer::Transfer;
