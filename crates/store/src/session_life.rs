//! The life of a session's row: opening, active, closed exactly once.

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_faults::point;
use gatehouse_model::{EndReason, PolicyId, SessionId, SessionState, Timestamp, format_time};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait,
    IntoActiveModel, QueryFilter, QuerySelect,
};

use crate::change::Scope;
use crate::entity::{forward, kill_request, session, session_policy};
use crate::instant::{from_db, to_db};
use crate::resolve::{fold, outside_text};
use crate::sort::address_key;
use crate::{
    Activation, AgentUse, Closing, NewSession, RecordingAnchor, SessionNote, SessionUpdate, Transition,
};
use crate::{Store, StoreError, search};

impl Store {
    /// Writes the row of a session in state `opening`, before the first byte to the server.
    ///
    /// # Errors
    /// The database cannot be written, or there is a session with this id.
    pub async fn open_session(&self, new: NewSession) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let (id, started_at, policies) = (new.id, new.started_at, new.policies);
        let (node, recorded) = (new.node, new.recording_path.is_some());
        let row = session::ActiveModel {
            id: Set(id.0),
            user_id: Set(new.user.0),
            user_folded: Set(fold(&new.user_name)),
            user_name: Set(new.user_name),
            server_id: Set(new.server.0),
            server_folded: Set(fold(&new.server_name)),
            server_name: Set(new.server_name),
            protocol: Set(new.protocol.to_string()),
            state: Set(SessionState::Opening.to_string()),
            node_id: Set(node.0),
            source: Set(new.source.to_string()),
            source_port: Set(i32::from(new.source_port)),
            proxy: Set(new.proxy.map(|proxy| proxy.to_string())),
            backend: Set(outside_text(new.backend)),
            login: Set(new.login.map(String::from)),
            subsystem: Set(None),
            agent_used: Set(false),
            policies: Set(policies_text(&policies)),
            started_at: Set(to_db(started_at)),
            ended_at: Set(None),
            end_reason: Set(None),
            ended_by: Set(None),
            end_detail: Set(None),
            allowed_until: Set(new.allowed_until.map(to_db)),
            bytes_in: Set(0),
            bytes_out: Set(0),
            recording_path: Set(new.recording_path),
            recording_size: Set(None),
            recording_digest: Set(None),
            recording_files: Set(None),
            what: Set(None),
            typed_at: Set(None),
            line: Set(None),
            duration_micros: Set(i64::MAX),
            bytes_total: Set(i64::MAX),
            source_key: Set(address_key(new.source.ip())),
        };
        session::Entity::insert(row)
            .exec_without_returning(change.db())
            .await?;
        note_policies(change.db(), id, started_at, &policies).await?;
        if recorded {
            search::begin(change.db(), id.0, node.0).await?;
        }
        point!("store.row-opening-uncommitted");
        change.commit().await?;
        Ok(())
    }

    /// The server has accepted the person: the session is `active`, and `session.opened` stands in the book.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn activate_session(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: SessionId,
        activation: Activation,
    ) -> Result<Transition, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let Some(mut row) = locked(change.db(), id, &[SessionState::Opening]).await? else {
            return Ok(Transition::AlreadyDone);
        };
        row.login = activation.login.map(String::from).or(row.login);
        row.backend = activation.backend.map_or(row.backend, outside_text);
        row.agent_used = activation.agent == AgentUse::Used;
        row.state = SessionState::Active.to_string();
        let policies: serde_json::Value = serde_json::from_str(&row.policies).unwrap_or_default();
        change.record(
            about(Action::SessionOpened, actor, now, &row)
                .detail("login", row.login.as_deref())
                .detail("method", activation.method)
                .detail("agent_used", row.agent_used)
                .detail("policies", policies)
                .detail(
                    "allowed_until",
                    row.allowed_until.map(|until| format_time(from_db(until))),
                ),
        );
        row.into_active_model().reset_all().update(change.db()).await?;
        point!("store.row-active-uncommitted");
        change.commit().await?;
        Ok(Transition::Done)
    }

    /// Keeps what became known of a session that is not closed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_session(&self, id: SessionId, update: SessionUpdate) -> Result<(), StoreError> {
        let change = self.change(Scope::Record).await?;
        let mut row = <session::ActiveModel as Default>::default();
        let mut allowed_by = None;
        if let Some(subsystem) = update.subsystem {
            row.subsystem = Set(Some(outside_text(subsystem)));
        }
        if let Some(agent) = update.agent {
            row.agent_used = Set(agent == AgentUse::Used);
        }
        if let Some((policies, until)) = update.terms {
            row.policies = Set(policies_text(&policies));
            row.allowed_until = Set(until.map(to_db));
            allowed_by = Some(policies);
        }
        if !row.is_changed() {
            return Ok(());
        }
        session::Entity::update_many()
            .set(row)
            .filter(open_row(id))
            .exec(change.db())
            .await?;
        if let Some(policies) = allowed_by {
            let found = session::Entity::find_by_id(id.0).one(change.db()).await?;
            if let Some(row) = found {
                note_policies(change.db(), id, from_db(row.started_at), &policies).await?;
            }
        }
        change.commit().await?;
        Ok(())
    }

    /// Keeps what is known of sessions that are not closed, in one transaction.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn note_sessions(&self, notes: &[(SessionId, SessionNote)]) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        let change = self.change(Scope::Record).await?;
        // In one order, so that two nodes never wait for each other.
        let mut notes: Vec<_> = notes.iter().collect();
        notes.sort_by_key(|(id, _)| *id);
        for (id, note) in notes {
            let row = session::ActiveModel {
                bytes_in: Set(signed(note.bytes.bytes_in)),
                bytes_out: Set(signed(note.bytes.bytes_out)),
                typed_at: Set(note.typed_at.map(to_db)),
                what: Set(note.what.clone().map(outside_text)),
                line: Set(note.line.clone()),
                ..Default::default()
            };
            session::Entity::update_many()
                .set(row)
                .filter(open_row(*id))
                .exec(change.db())
                .await?;
        }
        change.commit().await?;
        Ok(())
    }

    /// Closes a session and its forwards, and writes `session.closed`: once, whoever calls how often.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn close_session(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: SessionId,
        closing: Closing,
    ) -> Result<Transition, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let open = [SessionState::Opening, SessionState::Active];
        let Some(mut row) = locked(change.db(), id, &open).await? else {
            return Ok(Transition::AlreadyDone);
        };
        row.state = SessionState::Closed.to_string();
        row.ended_at = Some(to_db(now));
        row.end_reason = Some(closing.reason.to_string());
        row.ended_by = closing.ended_by.map(outside_text);
        row.end_detail = closing.detail.map(outside_text);
        row.bytes_in = signed(closing.bytes.bytes_in).max(row.bytes_in);
        row.bytes_out = signed(closing.bytes.bytes_out).max(row.bytes_out);
        row.bytes_total = row.bytes_in.saturating_add(row.bytes_out);
        let lasted = now.duration_since(from_db(row.started_at)).as_micros();
        row.duration_micros = i64::try_from(lasted).unwrap_or(i64::MAX).max(0);
        if let Some(note) = closing.note {
            row.typed_at = note.typed_at.map(to_db);
            row.what = note.what.map(outside_text);
            row.line = note.line;
        }
        if let Some(recording) = closing.recording {
            row.recording_path = Some(recording.path);
            row.recording_size = Some(signed(recording.size));
            row.recording_digest = recording.digest;
            row.recording_files = Some(serde_json::json!(recording.files).to_string());
        }
        change.record(closed_event(
            actor,
            now,
            &row,
            closing.reason,
            (closing.unrecorded_bytes, closing.anchor.as_ref()),
        ));
        row.into_active_model().reset_all().update(change.db()).await?;
        let still_open = Condition::all()
            .add(forward::Column::SessionId.eq(id.0))
            .add(forward::Column::EndedAt.is_null());
        let ended = forward::ActiveModel {
            ended_at: Set(Some(to_db(now))),
            ..Default::default()
        };
        forward::Entity::update_many()
            .set(ended)
            .filter(still_open)
            .exec(change.db())
            .await?;
        let orders = kill_request::Column::SessionId.eq(id.0);
        kill_request::Entity::delete_many()
            .filter(orders)
            .exec(change.db())
            .await?;
        point!("store.row-closing-uncommitted");
        change.commit().await?;
        Ok(Transition::Done)
    }

    /// The login came to nothing: the row goes, and `session.failed` stands in the book with `reason`, a word, and
    /// `sentence`, what was said; with it the anchor of the recording, if that could be closed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn fail_session(
        &self,
        actor: &Actor,
        now: Timestamp,
        id: SessionId,
        (reason, sentence): (&str, &str),
        anchor: Option<&RecordingAnchor>,
    ) -> Result<Transition, StoreError> {
        let mut change = self.change(Scope::Record).await?;
        let Some(row) = locked(change.db(), id, &[SessionState::Opening]).await? else {
            return Ok(Transition::AlreadyDone);
        };
        change.record(anchored(
            about(Action::SessionFailed, actor, now, &row)
                .outcome(Outcome::Failed)
                .reason(reason)
                .detail("sentence", sentence)
                .detail("login", row.login.as_deref()),
            anchor,
        ));
        session::Entity::delete_by_id(id.0).exec(change.db()).await?;
        point!("store.row-failing-uncommitted");
        change.commit().await?;
        Ok(Transition::Done)
    }
}

/// The row of a session that is in one of these states, held until the commit (SQLite has one writer anyway).
async fn locked(
    db: &impl ConnectionTrait,
    id: SessionId,
    states: &[SessionState],
) -> Result<Option<session::Model>, StoreError> {
    let row = session::Entity::find_by_id(id.0).lock_exclusive().one(db).await?;
    Ok(row.filter(|row| states.iter().any(|state| state.as_str() == row.state)))
}

fn open_row(id: SessionId) -> Condition {
    Condition::all()
        .add(session::Column::Id.eq(id.0))
        .add(session::Column::State.ne(SessionState::Closed.as_str()))
}

fn about(action: Action, actor: &Actor, now: Timestamp, row: &session::Model) -> Draft {
    Draft::new(action, actor, now)
        .source(&row.source)
        .user(&row.user_name)
        .server(&row.server_name)
        .session(row.id.hyphenated())
        .detail("protocol", row.protocol.as_str())
        .detail("proxy", row.proxy.as_deref())
        .detail("backend", row.backend.as_str())
}

fn closed_event(
    actor: &Actor,
    now: Timestamp,
    row: &session::Model,
    reason: EndReason,
    (unrecorded_bytes, anchor): (u64, Option<&RecordingAnchor>),
) -> Draft {
    let millis = now.duration_since(from_db(row.started_at)).as_millis();
    let event = about(Action::SessionClosed, actor, now, row)
        .outcome(if reason == EndReason::Error {
            Outcome::Failed
        } else {
            Outcome::Ok
        })
        .reason(reason)
        .detail("ended_by", row.ended_by.as_deref())
        .detail("sentence", row.end_detail.as_deref())
        .detail("duration_milliseconds", i64::try_from(millis).unwrap_or(i64::MAX))
        .detail("bytes_in", row.bytes_in)
        .detail("bytes_out", row.bytes_out)
        .detail("recording_size", row.recording_size)
        .detail("recording_digest", row.recording_digest.as_deref());
    let event = anchored(event, anchor);
    if unrecorded_bytes > 0 {
        event.detail("unrecorded_bytes", unrecorded_bytes)
    } else {
        event
    }
}

/// Adds what a closed recording is known by.
pub(crate) fn anchored(event: Draft, anchor: Option<&RecordingAnchor>) -> Draft {
    event
        .detail(
            "manifest_digest",
            anchor.map(|anchor| anchor.manifest_digest.as_str()),
        )
        .detail(
            "manifest_key",
            anchor.and_then(|anchor| anchor.signed_by.as_deref()),
        )
}

/// Keeps which grants allow a session, beside those that did before.
async fn note_policies(
    db: &impl ConnectionTrait,
    id: SessionId,
    started_at: Timestamp,
    policies: &[PolicyId],
) -> Result<(), StoreError> {
    let rows = policies.iter().map(|policy| session_policy::ActiveModel {
        session_id: Set(id.0),
        policy_id: Set(policy.0),
        started_at: Set(to_db(started_at)),
    });
    let known = OnConflict::columns([
        session_policy::Column::SessionId,
        session_policy::Column::PolicyId,
    ])
    .do_nothing()
    .to_owned();
    if !policies.is_empty() {
        session_policy::Entity::insert_many(rows)
            .on_conflict(known)
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

fn policies_text(policies: &[PolicyId]) -> String {
    serde_json::json!(policies).to_string()
}

/// Counters as the databases have them; no session moves more than 8 EiB.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
