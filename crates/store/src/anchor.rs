//! Anchors: the lines of the book that hold what a recording was when it was closed.

use gatehouse_audit::{Action, Actor, Draft, Event, Hash};
use gatehouse_model::{SessionId, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::book::event;
use crate::entity::audit;
use crate::session_life::anchored;
use crate::{Store, StoreError};

/// What the book is told of a closed recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingAnchor {
    /// `sha256:…` of the sealed manifest as it lies on the disk.
    pub manifest_digest: String,
    /// The id of the key that signed it.
    pub signed_by: Option<String>,
}

/// A line of the book that says how a session's recording was closed.
#[derive(Clone, PartialEq, Debug)]
pub struct AnchorLine {
    /// The line.
    pub event: Event,
    /// Whether its hash is the one that its content and the line before it give.
    pub sound: bool,
}

impl AnchorLine {
    /// The actions whose events anchor a recording.
    pub const ACTIONS: [Action; 3] = [
        Action::SessionClosed,
        Action::SessionFailed,
        Action::RecordingSealed,
    ];

    /// The digest of the manifest that the line names.
    pub fn manifest_digest(&self) -> Option<&str> {
        self.event.detail.get("manifest_digest")?.as_str()
    }
}

impl Store {
    /// Writes into the book how a recording was closed whose session has no open row any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn anchor_recording(
        &self,
        actor: &Actor,
        now: Timestamp,
        (session, user, server): (SessionId, &str, &str),
        anchor: &RecordingAnchor,
    ) -> Result<(), StoreError> {
        let draft = Draft::new(Action::RecordingSealed, actor, now)
            .user(user)
            .server(server)
            .session(session);
        self.record(anchored(draft, Some(anchor))).await?;
        Ok(())
    }

    /// The lines of the book that say how the recording of a session was closed, the newest first. Normally one; none if
    /// it is not closed, or the line was taken away.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn recording_anchors(&self, session: SessionId) -> Result<Vec<AnchorLine>, StoreError> {
        let rows = audit::Entity::find()
            .filter(audit::Column::Session.eq(session.to_string()))
            .filter(audit::Column::Action.is_in(AnchorLine::ACTIONS.map(Action::code)))
            .order_by_desc(audit::Column::Seq)
            .all(self.connection())
            .await?;
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let before = audit::Entity::find_by_id(row.seq - 1)
                .one(self.connection())
                .await?;
            let event = event(row);
            let sound = match before {
                Some(before) => event.hash_after(crate::book::event(before).hash) == event.hash,
                None => event.seq == 1 && event.hash_after(Hash::ZERO) == event.hash,
            };
            lines.push(AnchorLine { event, sound });
        }
        Ok(lines)
    }
}
