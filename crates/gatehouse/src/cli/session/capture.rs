//! `gatehouse session export --format pcapng`: what forwards carried.

use std::io::Write;

use gatehouse_recording::capture::file_of;

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
        let mut captured = recording.0.captured(*number)?;
        loop {
            let blocks = captured.piece()?;
            if blocks.is_empty() {
                break;
            }
            out.write_all(&blocks).map_err(Failure::Output)?;
        }
    }
    Ok(())
}
