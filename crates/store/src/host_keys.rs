//! Host keys of backends, pinned per server and algorithm at first use.

use gatehouse_audit::{Action, Actor, Draft, Outcome};
use gatehouse_model::{ServerId, Timestamp};
use jiff::SignedDuration;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;

use crate::change::{Change, Scope};
use crate::entity::{host_key, server};
use crate::instant::{from_db, to_db};
use crate::keys::{PublicKey, full_fingerprint};
use crate::resolve::{find_server, not_found};
use crate::{Kind, Store, StoreError};

/// How exactly `last_seen` is kept, so that not every connection writes.
const LAST_SEEN_STEP: SignedDuration = SignedDuration::from_mins(1);

/// What a host key of a backend is to the gate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostKeyState {
    /// It is the server's.
    Accepted,
    /// The server showed it, and an administrator has to accept it first.
    Pending,
}

/// A host key that a server has shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct HostKey {
    /// Its algorithm, such as `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:…`, as OpenSSH prints it.
    pub fingerprint: String,
    /// The key in OpenSSH's one-line form.
    pub openssh: String,
    /// Whether it is accepted.
    pub state: HostKeyState,
    /// When it was seen for the first time.
    pub first_seen: Timestamp,
    /// When it was seen last (kept to the minute).
    pub last_seen: Timestamp,
    /// Who accepted it; `None`: it was the first one.
    pub accepted_by: Option<String>,
}

/// What is to be done with the first key that a server shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FirstUse {
    /// It is pinned.
    Accept,
    /// It waits for an administrator.
    Hold,
}

/// What the store says of a key that a server shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostKeyVerdict {
    /// It is the pinned one.
    Known,
    /// The server had none; this one is pinned now.
    Pinned,
    /// The server had none; this one waits for an administrator.
    Held,
    /// The server has others, of this algorithm or, since pinned algorithms are asked for first, of those it no
    /// longer offers. This one waits for an administrator; go no further.
    Changed {
        /// The fingerprints of the accepted keys.
        accepted: Vec<String>,
    },
}

impl HostKeyState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Pending => "pending",
        }
    }
}

impl Store {
    /// The host keys that a server has shown, by its name or id.
    ///
    /// # Errors
    /// There is no such server.
    pub async fn host_keys(&self, server: &str) -> Result<Vec<HostKey>, StoreError> {
        let row = find_server(self.connection(), server).await?;
        self.host_keys_of(ServerId(row.id)).await
    }

    /// The host keys that a server has shown. A gate asks for the accepted ones' algorithms first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn host_keys_of(&self, server: ServerId) -> Result<Vec<HostKey>, StoreError> {
        Ok(rows_of(self.connection(), server.0)
            .await?
            .into_iter()
            .map(view)
            .collect())
    }

    /// A server shows this key (`ALGORITHM BASE64`). The first one is pinned or held; one that is not pinned is kept
    /// as pending, audited as `hostkey.changed` when seen for the first time.
    ///
    /// # Errors
    /// The key is none, there is no such server, or the database cannot be written.
    pub async fn see_host_key(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: ServerId,
        openssh: &str,
        first_use: FirstUse,
    ) -> Result<HostKeyVerdict, StoreError> {
        let key = PublicKey::parse(openssh)?;
        let known = rows_of(self.connection(), server.0).await?;
        if let Some(row) = known
            .iter()
            .find(|row| row.fingerprint == key.fingerprint && is_accepted(row))
            && now.duration_since(from_db(row.last_seen)) < LAST_SEEN_STEP
        {
            return Ok(HostKeyVerdict::Known);
        }
        let mut change = self.change(Scope::Record).await?;
        // Locked, so that of two keys seen at once one is the first (SQLite has one writer anyway).
        let row = server::Entity::find_by_id(server.0)
            .lock_exclusive()
            .one(change.db())
            .await?;
        let row = row.ok_or_else(|| StoreError::absent(Kind::Server, server))?;
        let verdict = judge(&mut change, actor, now, &row, &key, first_use).await?;
        change.commit().await?;
        Ok(verdict)
    }

    /// Accepts a pending key: the one with this fingerprint, or the only one. Accepted keys of its algorithm go.
    ///
    /// # Errors
    /// There is no such server or pending key, or several are pending and none is named.
    pub async fn accept_host_key(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
        fingerprint: Option<&str>,
    ) -> Result<HostKey, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let server = find_server(change.db(), server).await?;
        let rows = rows_of(change.db(), server.id).await?;
        let chosen = choose(&server.name, &rows, fingerprint)?;
        host_key::Entity::delete_many()
            .filter(host_key::Column::ServerId.eq(server.id))
            .filter(host_key::Column::Algorithm.eq(&chosen.algorithm))
            .filter(host_key::Column::Id.ne(chosen.id))
            .filter(host_key::Column::State.eq(HostKeyState::Accepted.as_str()))
            .exec(change.db())
            .await?;
        let mut row = chosen.clone().into_active_model();
        row.state = Set(HostKeyState::Accepted.as_str().to_owned());
        row.accepted_by = Set(Some(actor.name().to_owned()));
        let row = row.update(change.db()).await?;
        change.record(event(
            Action::HostKeyAccepted,
            actor,
            now,
            &server,
            &row.algorithm,
            &row.fingerprint,
        ));
        change.commit().await?;
        Ok(view(row))
    }

    /// Forgets the host keys of a server, and says how many there were. The next one that it shows is a first one.
    ///
    /// # Errors
    /// There is no such server, or it has shown none.
    pub async fn forget_host_keys(
        &self,
        actor: &Actor,
        now: Timestamp,
        server: &str,
    ) -> Result<u64, StoreError> {
        let mut change = self.change(Scope::Directory).await?;
        let server = find_server(change.db(), server).await?;
        let rows = rows_of(change.db(), server.id).await?;
        if rows.is_empty() {
            return Err(StoreError::Conflict(format!(
                "no host key of {} is known",
                server.name
            )));
        }
        let of_server = host_key::Column::ServerId.eq(server.id);
        let deleted = host_key::Entity::delete_many()
            .filter(of_server)
            .exec(change.db())
            .await?;
        let fingerprints: Vec<String> = rows.into_iter().map(|row| row.fingerprint).collect();
        let event = Draft::new(Action::HostKeyForgotten, actor, now).server(&server.name);
        change.record(event.detail("fingerprints", fingerprints));
        change.commit().await?;
        Ok(deleted.rows_affected)
    }
}

async fn judge(
    change: &mut Change<'_>,
    actor: &Actor,
    now: Timestamp,
    server: &server::Model,
    key: &PublicKey,
    first_use: FirstUse,
) -> Result<HostKeyVerdict, StoreError> {
    let rows = rows_of(change.db(), server.id).await?;
    let accepted: Vec<String> = rows
        .iter()
        .filter(|row| is_accepted(row))
        .map(|row| row.fingerprint.clone())
        .collect();
    // A key that waits already says that the one to trust is not known: another one is no first one.
    let others_wait = rows
        .iter()
        .any(|row| !is_accepted(row) && row.fingerprint != key.fingerprint);
    let seen = rows.into_iter().find(|row| row.fingerprint == key.fingerprint);
    let is_new = seen.is_none();
    let verdict = match &seen {
        Some(row) if is_accepted(row) => HostKeyVerdict::Known,
        _ if !accepted.is_empty() || others_wait => HostKeyVerdict::Changed {
            accepted: accepted.clone(),
        },
        _ if first_use == FirstUse::Accept => HostKeyVerdict::Pinned,
        _ => HostKeyVerdict::Held,
    };
    match seen {
        Some(row) => {
            let mut row = row.into_active_model();
            row.last_seen = Set(to_db(now));
            if verdict == HostKeyVerdict::Pinned {
                row.state = Set(HostKeyState::Accepted.as_str().to_owned());
            }
            row.update(change.db()).await?;
        }
        None => {
            let state = if verdict == HostKeyVerdict::Pinned {
                HostKeyState::Accepted
            } else {
                HostKeyState::Pending
            };
            let row = host_key::ActiveModel {
                server_id: Set(server.id),
                algorithm: Set(key.algorithm.clone()),
                fingerprint: Set(key.fingerprint.clone()),
                openssh: Set(key.openssh()),
                state: Set(state.as_str().to_owned()),
                first_seen: Set(to_db(now)),
                last_seen: Set(to_db(now)),
                ..Default::default()
            };
            row.insert(change.db()).await?;
        }
    }
    if is_new {
        let action = if verdict == HostKeyVerdict::Pinned {
            Action::HostKeyPinned
        } else {
            Action::HostKeyChanged
        };
        let outcome = if verdict == HostKeyVerdict::Pinned {
            Outcome::Ok
        } else {
            Outcome::Denied
        };
        let event = event(action, actor, now, server, &key.algorithm, &key.fingerprint).outcome(outcome);
        change.record(event.detail("accepted", accepted));
    }
    Ok(verdict)
}

fn choose<'r>(
    server: &str,
    rows: &'r [host_key::Model],
    fingerprint: Option<&str>,
) -> Result<&'r host_key::Model, StoreError> {
    let pending: Vec<&host_key::Model> = rows.iter().filter(|row| !is_accepted(row)).collect();
    if let Some(fingerprint) = fingerprint {
        let wanted = full_fingerprint(fingerprint);
        if rows
            .iter()
            .any(|row| row.fingerprint == wanted && is_accepted(row))
        {
            return Err(StoreError::Conflict(format!(
                "{wanted} is accepted for {server} already"
            )));
        }
        let known = || pending.iter().map(|row| row.fingerprint.clone()).collect();
        let found = pending.iter().find(|row| row.fingerprint == wanted);
        return found
            .copied()
            .ok_or_else(|| not_found(Kind::HostKey, fingerprint, known()));
    }
    match pending.as_slice() {
        [] => Err(StoreError::Conflict(format!(
            "no host key of {server} waits to be accepted"
        ))),
        [one] => Ok(one),
        several => {
            let shown: Vec<String> = several
                .iter()
                .map(|row| format!("{} {}", row.algorithm, row.fingerprint))
                .collect();
            Err(StoreError::invalid(
                "fingerprint",
                format!(
                    "several host keys of {server} wait ({}); name the fingerprint of one",
                    shown.join(", ")
                ),
            ))
        }
    }
}

fn event(
    action: Action,
    actor: &Actor,
    now: Timestamp,
    server: &server::Model,
    algorithm: &str,
    fingerprint: &str,
) -> Draft {
    let event = Draft::new(action, actor, now).server(&server.name);
    event
        .detail("algorithm", algorithm)
        .detail("fingerprint", fingerprint)
}

async fn rows_of(db: &impl ConnectionTrait, server: i64) -> Result<Vec<host_key::Model>, StoreError> {
    let of_server = host_key::Entity::find().filter(host_key::Column::ServerId.eq(server));
    Ok(of_server.order_by_asc(host_key::Column::Id).all(db).await?)
}

fn is_accepted(row: &host_key::Model) -> bool {
    row.state == HostKeyState::Accepted.as_str()
}

fn view(row: host_key::Model) -> HostKey {
    HostKey {
        state: if is_accepted(&row) {
            HostKeyState::Accepted
        } else {
            HostKeyState::Pending
        },
        algorithm: row.algorithm,
        fingerprint: row.fingerprint,
        openssh: row.openssh,
        first_seen: from_db(row.first_seen),
        last_seen: from_db(row.last_seen),
        accepted_by: row.accepted_by,
    }
}
