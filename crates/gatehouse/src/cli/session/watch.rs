//! `gatehouse session watch`: a running session live, through its node's control socket.

use std::collections::BTreeMap;
use std::io::Write;

use gatehouse_model::SessionState;
use gatehouse_recording::cast::{CastHeader, CastItem, CastReader};

use super::play::Show;
use super::{Watch, find};
use crate::cli::context::absolute;
use crate::cli::{Answer, Context};
use crate::failure::Failure;

pub(super) async fn run(arguments: &Watch, context: &Context) -> Result<Answer, Failure> {
    let session = find(&arguments.id, context).await?;
    if session.state != SessionState::Active {
        return Err(Failure::refused(format!(
            "session {} is not running; see it with `gatehouse session play {}`",
            session.id, arguments.id
        )));
    }
    let directory = absolute(&context.config.data_dir)?;
    // The node writes into the book who looks, before it shows anything.
    let mut watch = gatehouse_gate::watch(&directory, session.id, &context.login, &context.host).await?;
    let mut show = Show::begin(false)?;
    let mut channels: BTreeMap<u32, (CastReader, Option<CastHeader>)> = BTreeMap::new();
    loop {
        let line = tokio::select! {
            line = watch.next() => line,
            () = show.left() => break,
        };
        let line = match line {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                show.end()?;
                return Err(error.into());
            }
        };
        if arguments.channel.is_some_and(|only| only != line.channel) {
            continue;
        }
        let (reader, header) = channels.entry(line.channel).or_default();
        reader.feed(line.line.as_bytes());
        reader.feed(b"\n");
        while let Some(item) = reader.next_item() {
            match (item, &header) {
                (Ok(CastItem::Header(begun)), _) => *header = Some(*begun),
                (Ok(CastItem::Event(event)), Some(header)) => show.event(line.channel, header, &event)?,
                // A line that cannot be read is left out, as it is when a recording is played.
                (Ok(CastItem::Event(_)) | Err(_), _) => {}
            }
        }
    }
    show.end()?;
    let after = context
        .store
        .session(gatehouse_model::Timestamp::now(), &session.id.to_string())
        .await?;
    let end = match (after.state, after.end_reason) {
        (SessionState::Closed, Some(reason)) => format!("the session has ended ({reason})\n"),
        _ => "left; the session goes on\n".to_owned(),
    };
    let _nobody_listens = std::io::stderr().write_all(end.as_bytes());
    Ok(Answer::nothing())
}
