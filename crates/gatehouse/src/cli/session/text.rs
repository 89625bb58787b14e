//! `gatehouse session text`: what a person saw, as plain lines.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use gatehouse_archive::Casts;
use gatehouse_audit::Action;
use serde_json::json;

use super::Recorded;
use super::casts::heading;
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
    let casts = found.recorded.read(&channels)?;
    if desk.format() == Format::Json {
        let lines: Vec<_> = casts
            .transcript()
            .map(|line| json!({ "channel": line.channel, "text": line.text }))
            .collect();
        return Ok(Answer::text(to_json(
            &json!({ "session": found.recorded.session(), "lines": lines }),
        )?));
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    write(casts, channels.len() > 1, &mut out)?
        .map_or(Ok(Answer::nothing()), |damage| Err(Failure::refused(damage)))
}

/// Writes the transcript as text, with a heading before each change of channel if there are several. Says what is damaged.
pub(super) fn write(casts: Casts, several: bool, out: &mut impl Write) -> Result<Option<String>, Failure> {
    let mut headings = BTreeMap::new();
    for channel in casts.channels() {
        if let Some(header) = casts.header(channel) {
            headings.insert(channel, heading(channel, header));
        }
    }
    let mut lines = casts.transcript();
    let mut last = None;
    for line in &mut lines {
        if last.replace(line.channel) != Some(line.channel)
            && several
            && let Some(heading) = headings.get(&line.channel)
        {
            writeln!(out, "== {heading} ==").map_err(Failure::Output)?;
        }
        writeln!(out, "{}", clean(&line.text)).map_err(Failure::Output)?;
    }
    out.flush().map_err(Failure::Output)?;
    Ok(lines.damage().map(str::to_owned))
}
