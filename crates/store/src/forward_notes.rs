//! Forwards as a session's gate tells of them: rows and events of many notes in one transaction.

use std::collections::HashMap;

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_model::{ForwardKind, SessionId, Timestamp};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::activity::{ForwardId, counted};
use crate::change::Scope;
use crate::entity::forward;
use crate::instant::to_db;
use crate::resolve::outside_text;
use crate::{ByteCount, Store, StoreError};

/// What is the same for all notes of a session.
#[derive(Clone, Debug)]
pub struct ForwardContext {
    /// The session.
    pub session: SessionId,
    /// In whose name events are written.
    pub actor: Actor,
    /// The person's name.
    pub user: String,
    /// The server's name.
    pub server: String,
}

/// What a forward is: which way it runs, and between what.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ForwardLine {
    /// Which way it runs.
    pub kind: ForwardKind,
    /// Where connections are accepted, or come from.
    pub listen: String,
    /// Where they lead.
    pub destination: String,
}

/// One thing that happened to a forward. `row` is the caller's number for it, unique within the session.
#[derive(Clone, Debug)]
pub enum ForwardNote {
    /// It begins: a row, and `forward.opened`.
    Opened {
        /// The caller's number.
        row: u32,
        /// What it is.
        line: ForwardLine,
        /// When.
        at: Timestamp,
    },
    /// It is in use again after it had ended.
    Reopened {
        /// The caller's number.
        row: u32,
    },
    /// From now on what it carries is kept.
    Captured {
        /// The caller's number.
        row: u32,
        /// The file of the recording.
        file: String,
    },
    /// A connection goes through it: `forward.connected`.
    Connected {
        /// What it goes through.
        line: ForwardLine,
        /// Where the connection says, or is seen, to come from.
        origin: String,
        /// When.
        at: Timestamp,
    },
    /// It ended.
    Ended {
        /// The caller's number.
        row: u32,
        /// The bytes it carried, in all.
        bytes: ByteCount,
        /// When.
        at: Timestamp,
    },
    /// The gate ended it, because it is not permitted any more: `forward.closed`.
    Revoked {
        /// What was ended.
        line: ForwardLine,
        /// The sentence that was shown.
        sentence: String,
        /// When.
        at: Timestamp,
    },
    /// It was refused: `forward.denied`.
    Denied {
        /// What was asked for.
        line: ForwardLine,
        /// The sentence that was shown.
        sentence: String,
        /// How often the same was refused since the last such note.
        count: u32,
        /// When.
        at: Timestamp,
    },
}

impl Store {
    /// Writes notes in their order, in one transaction: all of them or none. `ids` tells the rows of the caller's
    /// numbers; what is opened is added to it once it is written.
    ///
    /// # Errors
    /// The database cannot be written, or there is no such session.
    pub async fn note_forwards(
        &self,
        context: &ForwardContext,
        ids: &mut HashMap<u32, ForwardId>,
        notes: &[ForwardNote],
    ) -> Result<(), StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let mut opened = HashMap::new();
        for note in notes {
            let id_of = |row: &u32| opened.get(row).or_else(|| ids.get(row)).copied();
            match note {
                ForwardNote::Opened { row, line, at } => {
                    opened.insert(*row, insert(change.db(), context, line, *at).await?);
                }
                ForwardNote::Reopened { row } => {
                    if let Some(id) = id_of(row) {
                        let values = forward::ActiveModel {
                            ended_at: Set(None),
                            ..Default::default()
                        };
                        update(change.db(), id, values).await?;
                    }
                }
                ForwardNote::Captured { row, file } => {
                    if let Some(id) = id_of(row) {
                        let values = forward::ActiveModel {
                            capture: Set(Some(file.clone())),
                            ..Default::default()
                        };
                        update(change.db(), id, values).await?;
                    }
                }
                ForwardNote::Ended { row, bytes, at } => {
                    if let Some(id) = id_of(row) {
                        let values = forward::ActiveModel {
                            ended_at: Set(Some(to_db(*at))),
                            ..counted(*bytes)
                        };
                        update(change.db(), id, values).await?;
                    }
                }
                ForwardNote::Connected { .. } | ForwardNote::Revoked { .. } | ForwardNote::Denied { .. } => {}
            }
            if let Some(event) = event(context, note) {
                change.record(event);
            }
        }
        change.commit().await?;
        ids.extend(opened);
        Ok(())
    }
}

async fn insert(
    db: &impl ConnectionTrait,
    context: &ForwardContext,
    line: &ForwardLine,
    at: Timestamp,
) -> Result<ForwardId, StoreError> {
    let row = forward::ActiveModel {
        session_id: Set(context.session.0),
        kind: Set(line.kind.to_string()),
        listen: Set(outside_text(line.listen.clone())),
        destination: Set(outside_text(line.destination.clone())),
        bytes_in: Set(0),
        bytes_out: Set(0),
        started_at: Set(to_db(at)),
        ended_at: Set(None),
        ..Default::default()
    };
    Ok(ForwardId(row.insert(db).await?.id))
}

async fn update(
    db: &impl ConnectionTrait,
    id: ForwardId,
    values: forward::ActiveModel,
) -> Result<(), StoreError> {
    forward::Entity::update_many()
        .set(values)
        .filter(forward::Column::Id.eq(id.0))
        .exec(db)
        .await?;
    Ok(())
}

fn event(context: &ForwardContext, note: &ForwardNote) -> Option<Draft> {
    let draft = |action, line: &ForwardLine, at| {
        Draft::new(action, &context.actor, at)
            .user(&context.user)
            .server(&context.server)
            .session(context.session)
            .detail("kind", line.kind.as_str())
            .detail("listen", line.listen.as_str())
            .detail("destination", line.destination.as_str())
    };
    match note {
        ForwardNote::Opened { line, at, .. } => Some(draft(Action::ForwardOpened, line, *at)),
        ForwardNote::Connected { line, origin, at } => {
            Some(draft(Action::ForwardConnected, line, *at).detail("origin", origin.as_str()))
        }
        ForwardNote::Revoked { line, sentence, at } => Some(
            draft(Action::ForwardClosed, line, *at)
                .reason("not_permitted")
                .detail("sentence", sentence.as_str()),
        ),
        ForwardNote::Denied {
            line,
            sentence,
            count,
            at,
        } => Some(
            draft(Action::ForwardDenied, line, *at)
                .outcome(Outcome::Denied)
                .reason("not_permitted")
                .detail("sentence", sentence.as_str())
                .detail("count", *count),
        ),
        ForwardNote::Reopened { .. } | ForwardNote::Captured { .. } | ForwardNote::Ended { .. } => None,
    }
}
