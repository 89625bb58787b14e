//! `gatehouse session text`: what a person saw, as plain lines.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use gatehouse_audit::Action;
use gatehouse_recording::cast::CastHeader;
use gatehouse_recording::screen::Transcript;
use serde_json::json;

use super::Recorded;
use super::casts::{Casts, heading};
use super::source::Desk;
use crate::cli::Answer;
use crate::cli::context::{Format, to_json};
use crate::failure::Failure;
use crate::terminal::clean;

pub(super) async fn run(arguments: &Recorded, desk: &Desk<'_>) -> Result<Answer, Failure> {
    let found = desk.find(&arguments.source).await?;
    let channels = found.recorded.chosen(arguments.channel)?;
    desk.about_to_show(&found, Action::RecordingViewed, "text")
        .await?;
    let mut casts = found.recorded.read(&channels)?;
    if desk.format() == Format::Json {
        let mut lines = Vec::new();
        transcribe(&mut casts, |line| {
            if let Line::Text(channel, text) = line {
                lines.push(json!({ "channel": channel, "text": text }));
            }
            Ok(())
        })?;
        return Ok(Answer::text(to_json(
            &json!({ "session": found.recorded.session(), "lines": lines }),
        )?));
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    write(&mut casts, channels.len() > 1, &mut out)?;
    casts
        .damage()
        .map_or(Ok(Answer::nothing()), |damage| Err(Failure::refused(damage)))
}

/// Writes the transcript as text, with a heading before each change of channel if there are several.
pub(super) fn write(casts: &mut Casts, several: bool, out: &mut impl Write) -> Result<(), Failure> {
    transcribe(casts, |line| match line {
        Line::Heading(heading) if several => writeln!(out, "== {heading} ==").map_err(Failure::Output),
        Line::Heading(_) => Ok(()),
        Line::Text(_, text) => writeln!(out, "{}", clean(text)).map_err(Failure::Output),
    })?;
    out.flush().map_err(Failure::Output)
}

/// A line of a transcript.
enum Line<'t> {
    /// Lines of another channel follow.
    Heading(&'t str),
    /// A line of this channel.
    Text(u32, &'t str),
}

struct Channel {
    heading: String,
    transcript: Transcript,
}

/// A screen of the size that the channel began with; 80 by 24 where the client named none.
fn screen(header: &CastHeader) -> Transcript {
    let or = |size: u32, usual| if size == 0 { usual } else { size };
    Transcript::new(or(header.width, 80), or(header.height, 24))
}

/// Gives the lines of all channels as they were complete.
fn transcribe(
    casts: &mut Casts,
    mut give: impl FnMut(Line<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut channels: BTreeMap<u32, Channel> = BTreeMap::new();
    let mut last = None;
    let mut give_all = |number: u32, heading: &str, lines: &[String]| {
        if !lines.is_empty() && last.replace(number) != Some(number) {
            give(Line::Heading(heading))?;
        }
        lines.iter().try_for_each(|line| give(Line::Text(number, line)))
    };
    while let Some(shown) = casts.next() {
        let channel = channels.entry(shown.channel).or_insert_with(|| Channel {
            heading: heading(shown.channel, shown.header),
            transcript: screen(shown.header),
        });
        let lines = channel.transcript.feed(&shown.event);
        give_all(shown.channel, &channel.heading, &lines)?;
    }
    for (number, channel) in channels {
        give_all(number, &channel.heading, &channel.transcript.finish())?;
    }
    Ok(())
}
