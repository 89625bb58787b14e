//! What a person saw: a transcript as plain text, and a rendering that is safe for another terminal.

mod safe;
mod transcript;

pub use safe::{RESTORE, SafeRenderer};
pub use transcript::{TimedLine, Transcript};
