//! `gatehouse session export --format pcapng`: what forwards carried.

use std::io::Write;

use gatehouse_archive::Contents;
use gatehouse_recording::capture::{BLOCK_MAX, complete_blocks, file_of};

use super::casts::Recorded;
use crate::failure::Failure;

/// The captures that were asked for: that of one forward, or all there are.
pub(super) fn chosen(recording: &Recorded, forward: Option<u32>) -> Result<Vec<u32>, Failure> {
    let captures = recording.0.captures();
    let Some(forward) = forward else {
        return match captures {
            [] => Err(Failure::refused(
                "the session has no captured forwards; they are kept where record_forwards is on",
            )),
            captures => Ok(captures.to_vec()),
        };
    };
    let file = file_of(forward);
    match captures.iter().find(|number| **number == file) {
        Some(number) => Ok(vec![*number]),
        None => Err(Failure::refused(format!(
            "forward {forward} of the session was not captured; `gatehouse session show` names the files of those that were"
        ))),
    }
}

/// Writes captures one after the other: each is a section of its own, as pcapng has it.
pub(super) fn write(recording: &Recorded, captures: &[u32], out: &mut impl Write) -> Result<(), Failure> {
    for number in captures {
        whole_blocks(recording.capture(*number)?, *number, out)?;
    }
    Ok(())
}

/// Copies whole blocks only: a file that grows may end within one.
fn whole_blocks(mut from: Contents, number: u32, out: &mut impl Write) -> Result<(), Failure> {
    let mut waiting = Vec::new();
    loop {
        let piece = from.piece()?;
        if piece.is_empty() {
            return Ok(());
        }
        waiting.extend_from_slice(piece);
        let whole = complete_blocks(&waiting);
        out.write_all(waiting.get(..whole).unwrap_or_default())
            .map_err(Failure::Output)?;
        waiting.drain(..whole);
        if waiting.len() > BLOCK_MAX {
            return Err(Failure::refused(format!(
                "the capture forward-{number}.pcapng is damaged; what comes before is exported"
            )));
        }
    }
}
