//! Recordings on disk: how they begin, grow, end, survive a crash, and are read and checked.
//!
//! This crate knows nothing of protocols and databases. What is in the files is made by `gatehouse-recording`; here is
//! the order in which it becomes durable.
//!
//! # Where things lie
//!
//! ```text
//! root/YYYY/MM/DD/{session id}/manifest.json      day of the session's start, UTC
//!                              ssh-N.cast, ssh-N.bin.zst, ssh-N.chunks.jsonl, transfers.jsonl, forward-N.pcapng
//! root/.open/{node id}/YYYY-MM-DD.{session id}    the marker of an open recording
//! ```
//! Directories have mode 0700, files 0600.
//!
//! # The order of durable steps
//!
//! Beginning ([`Archive::create`]):
//! 1. The **marker** is made, and room for the sealed manifest is reserved in it.
//! 2. The directories are made.
//! 3. The manifest, in state `open`, is written to `manifest.json.new`.
//! 4. Contents and names of all of these are synced.
//! 5. The manifest is renamed to `manifest.json`, and its directory synced. Only now does `create` return.
//!
//! Growing ([`ChannelTap::push`]):
//!
//! 6. Events are handed to the writing threads before they are relayed, and written in whole lines, whole frames or whole blocks:
//!    at once if somebody waits for it or much has come together, else within a few milliseconds with what comes then.
//!    Every second what was written is synced, new names too.
//!
//! Closing ([`SessionRecorder::seal`]):
//!
//! 7. Channels are ended, and what waits is written; then the end mark of every encrypted file.
//! 8. The sealed manifest, with size and SHA-256 of every file, is signed and written over the reserved room in the
//!    marker, which is cut to its length.
//! 9. Every file, the marker and the files' names are synced.
//! 10. The marker is renamed to `manifest.json` — in one step the manifest is replaced and the marker is gone — and
//!     both directories are synced.
//!
//! # Invariants
//!
//! - **Manifest first.** No event can be pushed before step 5: the tap comes from the recorder, that from `create`.
//! - **Found again.** From step 1 to step 10 the marker exists, durably from before the manifest has its name. So
//!   [`Archive::recover`] finds every open recording of its node by listing one directory, and never walks the archive.
//! - **Crash at any step.** Before step 5 nothing had passed, and recovery clears away what there is. From step 5 to step
//!   10 recovery cuts torn tails off and seals. After step 10 the recording is sealed; only its row may be open.
//! - **Whole lines.** Whoever reads a growing or torn file sees each complete event and nothing else; after a failed write
//!   a file is cut back to whole lines. Of captured forwards the same holds for whole blocks.
//! - **A full disk can be closed.** Steps 8 to 10 write into reserved room only. What step 7 cannot write is lost, and
//!   counted in the manifest's `bytes_lost`; an end mark that cannot be written is missed in the manifest's list.
//! - **Bounded.** Of one session at most 256 KiB wait, or one event if it is larger, and nothing is taken while anything has
//!   waited for 100 ms. Whoever pushes waits; other sessions do not. Transfers that nobody takes are counted, never waited for.
//! - **A silent disk has failed.** Nobody waits longer than [`ArchiveConfig::patience`] for a disk that does not answer, whether
//!   to begin, to push, to have made durable or to close. Strictly that is a failure as any other; in best effort what passes is counted
//!   as lost until the disk answers. What hangs cannot be called back: it holds its thread until then.
//! - **Strict means strict.** After the first failed write nothing is taken any more, in any channel of the session, and
//!   [`RecordingFailed`] says how many bytes had been handed over in vain. In best effort the gap is in the cast (`g`),
//!   in [`Progress::lost`] and in the manifest.
//! - **One session's fault is its own.** A few threads write for all; a panic in one session's recorder fails that one.
//!
//! # Encryption and signature
//!
//! With recipients ([`Sealing`]) every file but the manifest is written in
//! [frames](gatehouse_recording::frames), under a key made for this recording. The order above stays as it is; this is
//! added:
//!
//! - **Key first.** The key is made, wrapped for the recipients and sealed by the [`KeyKeeper`] before step 1, and both are
//!   in the manifest of step 3. So whatever is durable in a file can be opened by a recipient, and by a node that
//!   recovers. If a key cannot be made or sealed there is no recording.
//! - **Nothing clear on the disk.** A file's bytes are encrypted before they reach the disk, in whichever step; the key is
//!   in memory while the recording is open, and nowhere on the disk but wrapped and sealed.
//! - **Durable as before.** Each batch that is written ends with a complete frame, so what lies before the last sync can be
//!   read, whatever comes after. A torn or failed write is cut back to whole frames that end whole lines.
//! - **A nonce is used once**, also after a failed write: see [`FrameWriter`](gatehouse_recording::frames::FrameWriter).
//!   Recovery adds nothing to a file but its end mark.
//! - **Recovery without the key.** Torn tails are told from the frames' heads. Without the key (the keeper does not open
//!   it) the recording is sealed all the same, without end marks.
//! - **Signed when sealed.** The manifest of step 8 is signed with the key in force; digests and sizes are of the bytes on
//!   the disk, so files and signature are checked without any key to the contents. Whoever closes the session's row
//!   writes [`Sealed::manifest_digest`] into the audit book: the anchor.
//! - **Dropped at seal.** With [`SealedKey::Dropped`] the sealed manifest no longer has the key that the keeper opens: from
//!   step 10 on, only recipients can read the recording.

mod archive;

mod captured;
mod casts;
mod contents;
mod disk;
mod error;
mod follow;
mod growing;
mod keys;
mod layout;
mod library;
mod pool;
mod queue;
mod recorder;
mod recover;
mod seal;
mod session;
mod tail;
mod verify;
mod writer;

use std::sync::Arc;

use gatehouse_recording::Offset;

pub use archive::{Archive, ArchiveConfig, Opened};
pub use captured::Captured;
pub use casts::{Casts, ChannelError, Shown, TranscriptLine, TranscriptLines};
pub use contents::Contents;
pub use error::{ArchiveError, PushError, RecordingFailed};
pub use follow::{FollowFrom, FollowedLine, Follower};
pub use keys::{KeeperError, KeyKeeper, Keyring, SealedKey, Sealing};
pub use library::{Events, Library, Recording};
pub use recover::Recovered;
pub use seal::Sealed;
pub use session::{ChannelTap, Progress, SessionRecorder};
pub use verify::{ContentsCheck, Expected, Part, Problem, Verification};

/// Tells the time since a session's start, from any thread. It should never go back.
pub type Clock = Arc<dyn Fn() -> Offset + Send + Sync>;

#[cfg(test)]
mod tests;
