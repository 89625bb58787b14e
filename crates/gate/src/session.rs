//! The third stage: a session that is being recorded, on its way to be accepted by the target.

mod failing;
mod login;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use arc_swap::ArcSwap;
use gatehouse_archive::{ArchiveError, Opened};
use gatehouse_audit::{Action, Actor, Draft};
use gatehouse_faults::point;
use gatehouse_model::{SessionId, Timestamp};
use gatehouse_recording::Offset;
use gatehouse_recording::manifest::{ManifestHead, RecordingEnd, RecordingTerms};
use gatehouse_store::{
    Activation, AgentUse, CredentialTrust, FirstUse, HostKeyState, NewSession, StoreError, Transition,
};
use gatehouse_telemetry::{BACKEND_SETUP_SECONDS, SESSION_SETUP_SECONDS, SESSIONS_OPENED};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::accepted::Decided;
use crate::clock::Epoch;
use crate::doing::{Counters, Doing};
use crate::forward::Ledger;
use crate::live::{Core, Live};
use crate::meters::ByteMeters;
use crate::outage::in_time;
use crate::supervise::{self, Command};
use crate::transfers::TransferRows;
use crate::watching::Slot;

use failing::{ROW_UNKNOWN, fail, no_recording};

pub use login::{Credential, FirstKey, HostKeyVerdict, LoginMethod, Proof};

/// Commands to a session that may wait to be carried out.
const COMMANDS: usize = 16;
/// A session cannot be opened. The sentence is for the person; the source for the log.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The recording cannot be made.
    #[error(
        "this session cannot be recorded, and without a recording there is no session; tell your administrator"
    )]
    Recording(#[source] ArchiveError),
    /// The row cannot be written.
    #[error("the gate's database cannot be reached, so no session can be opened; try again shortly")]
    Store(#[source] StoreError),
    /// The access was taken away meanwhile.
    #[error("{0}")]
    Ended(String),
}

/// A session that is being recorded and has not been accepted by its target yet. Dropped without
/// [`activate`](Self::activate) or [`fail`](Self::fail), it is closed as failed.
pub struct Recording {
    pub(crate) core: Arc<Core>,
    settled: AtomicBool,
}

impl Recording {
    pub(crate) async fn open(decided: Decided) -> Result<Self, OpenError> {
        let decided = decide_anew(&decided)?;
        let gate = decided.accepted.gate().clone();
        if gate.is_stopping() {
            return Err(stopping());
        }
        let started = gate.clock().now();
        let id = SessionId(Uuid::now_v7());
        let terms = terms(&decided, &gate.settings().directory);
        decided
            .accepted
            .span()
            .record("session", tracing::field::display(id));
        let epoch = Epoch::start();
        let clock = Arc::new(move || Offset::from_micros(epoch.micros()));
        let head = manifest_head(&decided, id, started, terms);
        let Opened { recorder, transfers } = match gate.archive().create(head, clock).await {
            Ok(opened) => opened,
            Err(error) => return Err(no_recording(&decided, id, error).await),
        };
        let core = Arc::new(Core {
            id,
            started,
            epoch,
            terms,
            recorder,
            grant: ArcSwap::from_pointee(decided.grant.clone()),
            counters: Counters::default(),
            meters: ByteMeters::of_session(decided.accepted.protocol()),
            transfers: TransferRows::begin(&gate, id, started, transfers),
            doing: Doing::default(),
            watched: Slot::default(),
            closing: CancellationToken::new(),
            abort: CancellationToken::new(),
            finished: AtomicBool::new(false),
            loss_reported: AtomicBool::new(false),
            sealed_later: AtomicBool::new(false),
            channels: AtomicU32::new(0),
            subsystem: parking_lot::Mutex::new(None),
            ledger: Ledger::default(),
            regranted: watch::Sender::new(()),
            decided,
        });
        // Before the row, so that an order about it finds it here.
        let protocol = core.decided.accepted.protocol();
        gate.registry().open(id, protocol);
        // From here on its drop closes what there is. A row too, if there is one after all: a database that is lost in
        // the middle may have written it and not have said so.
        let recording = Self {
            core,
            settled: AtomicBool::new(false),
        };
        let row = new_session(&recording.core);
        if let Err(error) = in_time(gate.store().open_session(row)).await {
            tracing::error!(session = %id, error = &error as &dyn std::error::Error, "the session's row could not be written");
            recording.settled.store(true, Ordering::Release);
            let (core, sentence) = (Arc::clone(&recording.core), error.to_string());
            core.spawn(fail(Arc::clone(&core), ROW_UNKNOWN.to_owned(), sentence));
            return Err(OpenError::Store(error));
        }
        point!("gate.row-opening", id);
        Ok(recording)
    }

    /// What was decided.
    pub fn decided(&self) -> &Decided {
        &self.core.decided
    }

    /// The session's id.
    pub fn id(&self) -> SessionId {
        self.core.id
    }

    /// The stored credential that a person with this proof may use. The book says so before it is handed out.
    ///
    /// # Errors
    /// The store cannot be asked, or the book not be written.
    pub async fn credential(&self, proof: Proof) -> Result<Option<Credential>, StoreError> {
        let Some(stored) = self.core.decided.credential(proof).await? else {
            return Ok(None);
        };
        let gate = self.core.gate();
        let draft = Draft::new(Action::CredentialUsed, &self.core.actor(), gate.clock().now())
            .user(&self.core.decided.user)
            .server(&self.core.decided.server)
            .session(self.core.id)
            .detail("login", self.core.decided.login.as_str())
            .detail(
                "address_is_enough",
                stored.trust == CredentialTrust::AddressIsEnough,
            )
            .detail("proof", proof.as_str());
        in_time(gate.store().record(draft)).await?;
        Ok(Some(Credential::from(stored)))
    }

    /// The algorithms of the target's pinned host keys, to be asked for first.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub async fn pinned_algorithms(&self) -> Result<Vec<String>, StoreError> {
        let store = self.core.gate().store();
        let keys = in_time(store.host_keys_of(self.core.decided.grant.server)).await?;
        let accepted = keys.into_iter().filter(|key| key.state == HostKeyState::Accepted);
        Ok(accepted.map(|key| key.algorithm).collect())
    }

    /// Compares a host key that the target shows (`ALGORITHM BASE64`) with the pinned ones; the first is pinned,
    /// a changed one waits for an administrator.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub async fn check_host_key(&self, openssh: &str, first: FirstKey) -> Result<HostKeyVerdict, StoreError> {
        use gatehouse_store::HostKeyVerdict as Stored;
        let gate = self.core.gate();
        let first_use = match first {
            FirstKey::Pin => FirstUse::Accept,
            FirstKey::Hold => FirstUse::Hold,
        };
        let server = self.core.decided.grant.server;
        let actor = Actor::node(gate.node());
        let seen = gate
            .store()
            .see_host_key(&actor, gate.clock().now(), server, openssh, first_use);
        let verdict = in_time(seen).await?;
        Ok(match verdict {
            Stored::Known => HostKeyVerdict::Known,
            Stored::Pinned | Stored::Held => HostKeyVerdict::FirstSeen,
            Stored::Changed { accepted } => {
                tracing::warn!(
                    session = %self.core.id,
                    server = %self.core.decided.server,
                    accepted = accepted.join(","),
                    "the host key of the server has changed"
                );
                HostKeyVerdict::Changed
            }
        })
    }

    /// The target has accepted the person: the row becomes `active`, supervision begins.
    ///
    /// # Errors
    /// The row cannot be written, or the access has ended since it was decided.
    pub async fn activate(&self, method: LoginMethod) -> Result<(Live, mpsc::Receiver<Command>), OpenError> {
        let core = &self.core;
        let gate = core.gate();
        let activation = Activation {
            login: Some(core.decided.login.clone()),
            backend: None,
            agent: if method == LoginMethod::Agent {
                AgentUse::Used
            } else {
                AgentUse::NotUsed
            },
            method: Some(method.as_str().to_owned()),
        };
        // What was decided may be older than this by as long as a person takes to type, or to open a channel.
        let again = decide_anew(&core.decided)?;
        core.grant.store(Arc::new(again.grant));
        let (commands, receiver) = mpsc::channel(COMMANDS);
        gate.registry()
            .go_live(Arc::clone(core), commands.clone())
            .map_err(|ending| OpenError::Ended(ending.sentence))?;
        // After it can be found by the one who stops the gate.
        if gate.is_stopping() {
            return Err(stopping());
        }
        let actor = core.actor();
        let activated = gate
            .store()
            .activate_session(&actor, gate.clock().now(), core.id, activation);
        let transition = in_time(activated).await.map_err(OpenError::Store)?;
        if transition == Transition::AlreadyDone {
            return Err(OpenError::Ended(
                "this session was ended while it was being opened".to_owned(),
            ));
        }
        // One of the two always stands ready to close the row.
        let live = Live::new(Arc::clone(core));
        self.settled.store(true, Ordering::Release);
        point!("gate.row-active", core.id);
        gate.login_book().enter(core);
        core.spawn(supervise::guarded(Arc::clone(core), commands));
        let accepted = &core.decided.accepted;
        let protocol = [accepted.protocol().as_str()];
        SESSIONS_OPENED.count(&protocol);
        SESSION_SETUP_SECONDS.took(&protocol, accepted.age());
        BACKEND_SETUP_SECONDS.took(&protocol, core.epoch.elapsed());
        tracing::info!(
            session = %core.id,
            user = %core.decided.user,
            server = %core.decided.server,
            login = %core.decided.login,
            source = %core.decided.accepted.source(),
            method = method.as_str(),
            "session opened"
        );
        Ok((live, receiver))
    }

    /// The login came to nothing: the event `session.failed` stays, with a word and a sentence for why.
    pub async fn fail(&self, reason: &str, sentence: &str) {
        if !self.settled.swap(true, Ordering::AcqRel) {
            fail(Arc::clone(&self.core), reason.to_owned(), sentence.to_owned()).await;
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.settled.swap(true, Ordering::AcqRel) {
            let core = Arc::clone(&self.core);
            let sentence = "the connection ended before the login at the server was complete".to_owned();
            let failing = fail(Arc::clone(&core), "login_incomplete".to_owned(), sentence);
            core.spawn(failing);
        }
    }
}

fn decide_anew(decided: &Decided) -> Result<Decided, OpenError> {
    decided.again().map_err(|denial| {
        decided
            .accepted
            .report(&denial, Some(decided.login.as_str()), None);
        OpenError::Ended(format!("Your access has ended. {}", denial.sentence))
    })
}

fn stopping() -> OpenError {
    OpenError::Ended("The gate is being stopped; connect again shortly.".to_owned())
}

fn terms(decided: &Decided, defaults: &gatehouse_policy::DirectorySettings) -> RecordingTerms {
    let granted = decided.grant.recording;
    RecordingTerms {
        mode: granted.mode.unwrap_or(defaults.record_mode),
        binary: granted.binary.unwrap_or(defaults.record_binary),
        input: granted.input.unwrap_or(defaults.record_input),
        forwards: granted.forwards.unwrap_or(defaults.record_forwards),
    }
}

fn manifest_head(
    decided: &Decided,
    id: SessionId,
    started: Timestamp,
    terms: RecordingTerms,
) -> ManifestHead {
    let accepted = &decided.accepted;
    ManifestHead {
        session: id,
        node: accepted.gate().node(),
        user: decided.user.to_string(),
        server: decided.server.to_string(),
        protocol: accepted.protocol(),
        login: Some(decided.login.to_string()),
        source: accepted.source(),
        source_port: accepted.source_port(),
        proxy: decided.proxy,
        backend: decided.target.to_string(),
        policies: decided.grant.policies.clone(),
        recording: terms,
        started_at: started,
    }
}

fn new_session(core: &Core) -> NewSession {
    let decided = &core.decided;
    NewSession {
        id: core.id,
        node: core.gate().node(),
        user: decided.grant.user,
        user_name: decided.user.to_string(),
        server: decided.grant.server,
        server_name: decided.server.to_string(),
        protocol: decided.accepted.protocol(),
        source: decided.accepted.source(),
        source_port: decided.accepted.source_port(),
        proxy: decided.proxy,
        backend: decided.target.to_string(),
        login: Some(decided.login.clone()),
        policies: decided.grant.policies.clone(),
        started_at: core.started,
        allowed_until: decided.grant.until,
        recording_path: Some(core.recording_path()),
    }
}

pub(crate) fn recording_end(at: Timestamp, reason: &str) -> RecordingEnd {
    RecordingEnd {
        ended_at: at,
        reason: reason.to_owned(),
    }
}
