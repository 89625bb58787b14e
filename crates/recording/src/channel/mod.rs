//! The recorder of one channel: a state machine over events, without clock and without files.
//!
//! - **With a pty** everything the target sends is in the cast, whatever its bytes.
//! - **Without a pty** text is told from binary by the bytes alone: bursts by blocks of 4 KiB, as described in `run`.
//!   Text is in the cast; binary is in the chunk list, and kept as [`BinaryMode`](gatehouse_model::BinaryMode) says, as described in `chunks`.
//! - **Input** is kept as [`InputMode`](gatehouse_model::InputMode) says, by the rule described in `echo`.
//! - **SFTP and scp** are logged as transfers and not recorded, for as long as both directions keep to the protocol.
//!
//! What is recorded does not depend on how a stream was cut into events of the same instant, and every rule that
//! involves time gives the same result whether [`ChannelRecorder::tick`] came on time or not.

mod chunks;
mod echo;
mod echo_piece;
mod no_text;
mod recorder;
mod run;
mod shown;
mod typed;
mod utf8;

pub use chunks::{ChunkLine, FRAME_MAX, complete_frames, read_chunks};
pub use recorder::ChannelRecorder;

use crate::file_name::FileName;
use crate::transfer::Transfer;

/// Where a recorder puts what it makes.
pub trait Sink {
    /// Adds whole lines or whole frames to the end of a file, which begins to exist with the first ones.
    fn append(&mut self, file: FileName, bytes: &[u8]);

    /// A transfer or change has ended. Its line in the log was appended before.
    fn transferred(&mut self, transfer: Transfer);
}

/// What a recorder says to an event.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Verdict {
    /// The event may be relayed.
    Continue,
    /// The channel is to be ended and the event not relayed; the sentence is for the person.
    EndChannel(&'static str),
}

#[cfg(test)]
mod tests;
