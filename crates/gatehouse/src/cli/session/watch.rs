//! `gatehouse session watch`: a running session live, from whichever node carries it.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use gatehouse_gate::{Viewer, WatchLine};
use gatehouse_model::{SessionState, Timestamp};
use gatehouse_recording::cast::{CastHeader, CastItem, CastReader};
use gatehouse_store::Session;
use tokio::time::Instant;

use super::play::Show;
use super::{Watch, find};
use crate::cli::context::absolute;
use crate::cli::{Answer, Context};
use crate::failure::Failure;

/// For a row to be closed after the session's last line.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

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
    let viewer = Viewer::Cli {
        login: context.login.clone(),
        host: context.host.clone(),
    };
    let which = (session.id, session.node);
    let mut watch = Box::pin(gatehouse_gate::watch(
        &directory,
        &context.store,
        context.now,
        which,
        &viewer,
    ))
    .await?;
    let mut show = Show::begin(false)?;
    let mut channels: BTreeMap<u32, (CastReader, Option<CastHeader>)> = BTreeMap::new();
    let end = loop {
        let line = tokio::select! {
            line = watch.next() => line,
            () = show.left() => break End::Left,
        };
        let wanted = |channel: u32| arguments.channel.is_none_or(|only| only == channel);
        match line {
            Ok(Some(WatchLine::Line { channel, line })) if wanted(channel) => {
                let (reader, header) = channels.entry(channel).or_default();
                reader.feed(line.as_bytes());
                reader.feed(b"\n");
                while let Some(item) = reader.next_item() {
                    match (item, &header) {
                        (Ok(CastItem::Header(begun)), _) => *header = Some(*begun),
                        (Ok(CastItem::Event(event)), Some(header)) => show.event(channel, header, &event)?,
                        // A line that cannot be read is left out, as it is when a recording is played.
                        (Ok(CastItem::Event(_)) | Err(_), _) => {}
                    }
                }
            }
            Ok(Some(WatchLine::Skipped { channel, bytes })) if wanted(channel) => {
                if let Some((_, Some(header))) = channels.get(&channel) {
                    show.skipped(channel, header, bytes)?;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break End::Over,
            Err(error) => {
                show.end()?;
                return Err(error.into());
            }
        }
    };
    show.end()?;
    let told = match end {
        End::Left => "left; the session goes on\n".to_owned(),
        End::Over => over(&session, context).await?,
    };
    let _nobody_listens = std::io::stderr().write_all(told.as_bytes());
    Ok(Answer::nothing())
}

/// Why nothing more is shown.
enum End {
    /// Whoever looked left.
    Left,
    /// The session has ended.
    Over,
}

/// The reason of the end: its row is closed a moment after its last line.
async fn over(session: &Session, context: &Context) -> Result<String, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let row = context
            .store
            .session(Timestamp::now(), &session.id.to_string())
            .await?;
        match row.end_reason {
            Some(reason) => return Ok(format!("the session has ended ({reason})\n")),
            None if Instant::now() > until => return Ok("the session has ended\n".to_owned()),
            None => tokio::time::sleep(LOOK).await,
        }
    }
}
