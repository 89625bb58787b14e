//! Verifying recordings: files and signature, and the line of the audit book that anchors them.

use gatehouse_archive::{ArchiveError, ContentsCheck, Expected, Library, Part, Problem, Verification};
use gatehouse_audit::{Action, Actor, Draft, Fault, Outcome};
use gatehouse_model::Timestamp;
use gatehouse_recording::signature::{NotAPublicKey, PublicKey};
use gatehouse_store::{AnchorLine, Session, Store, StoreError};
use serde::Serialize;

const OK: &str = "ok";
const WRONG: &str = "wrong";

/// What was found of one recording.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct RecordingFinding {
    /// The session's id; of a copy without a manifest, its directory.
    pub session: String,
    /// The person.
    pub user: String,
    /// The server.
    pub server: String,
    /// Whether nothing is wrong.
    pub ok: bool,
    /// Files and the manifest's list of them.
    #[schema(value_type = String)]
    pub files: &'static str,
    /// The manifest's signature.
    #[schema(value_type = String)]
    pub signature: &'static str,
    /// The line in the audit book.
    #[schema(value_type = String)]
    pub anchor: &'static str,
    /// What encrypted files hold.
    #[schema(value_type = String)]
    pub contents: &'static str,
    /// The id of the key that signed.
    pub signed_by: Option<String>,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
}

/// The recordings of a site cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A public key in the store cannot be read.
    #[error("a stored key that signs recordings cannot be read")]
    Key(#[from] NotAPublicKey),
    /// The thread that read the files ended early.
    #[error("the files of the recording could not be read to their ends")]
    Reading(#[from] tokio::task::JoinError),
}

/// What the recordings of a site are held against.
#[derive(Clone)]
pub struct RecordingVerifier {
    store: Store,
    library: Library,
    keys: Vec<PublicKey>,
}

impl RecordingVerifier {
    /// With the public keys of this store.
    ///
    /// # Errors
    /// The store does not answer, or a key in it cannot be read.
    pub async fn new(store: Store, library: Library) -> Result<Self, VerifyError> {
        let kept = store.recording_keys().await?;
        let keys = kept.iter().map(|key| key.public.parse());
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            store,
            library,
        })
    }

    /// Checks files and signature of the recording at this path below the library's root, and the line in the book.
    /// `fault` is what is wrong with the book as a whole, where all of it was read.
    ///
    /// # Errors
    /// The store does not answer. Whatever is wrong with the recording is an answer.
    pub async fn check(
        &self,
        session: &Session,
        path: String,
        fault: Option<Fault>,
    ) -> Result<RecordingFinding, VerifyError> {
        let digest = session
            .recording
            .as_ref()
            .and_then(|recording| recording.digest.clone());
        let (library, keys) = (self.library.clone(), self.keys.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let expected = Expected {
                digest: digest.as_deref(),
                keys: &keys,
            };
            library.verify(&path, &expected)
        });
        let checked = match checked.await? {
            Ok(checked) => checked,
            Err(error) => return Ok(RecordingFinding::unreadable(session, &error)),
        };
        let lines = self.store.recording_anchors(session.id).await?;
        let anchor = Anchor::among(&lines, &checked, fault);
        Ok(RecordingFinding::of(&checked, "", &anchor).about(session))
    }

    /// Writes into the book what was found of one recording.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn record(
        &self,
        found: &RecordingFinding,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), VerifyError> {
        let mut draft = Draft::new(Action::RecordingVerified, actor, now)
            .user(&found.user)
            .server(&found.server)
            .session(&found.session);
        if !found.ok {
            draft = draft.outcome(Outcome::Failed).reason(found.problems.join("; "));
        }
        self.store.record(draft).await?;
        Ok(())
    }
}

/// What the book says of a recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// The book was not asked.
    NotChecked,
    /// The same.
    Fits,
    /// Something else, or nothing that can be trusted.
    Wrong(String),
}

impl RecordingFinding {
    /// What a check found; `place` stands for the session where there is no manifest to tell it.
    pub fn of(checked: &Verification, place: &str, anchor: &Anchor) -> Self {
        let mut problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
        let anchor = match anchor {
            Anchor::NotChecked => "not_checked",
            Anchor::Fits => OK,
            Anchor::Wrong(why) => {
                problems.push(why.clone());
                WRONG
            }
        };
        let state = |part| match checked.wrong_with(part).next() {
            None => OK,
            Some(_) => WRONG,
        };
        // A manifest that cannot be read says nothing of its signature.
        let signature = match (&checked.manifest, state(Part::Signature)) {
            (Some(_), state) if !not_sealed(checked) => state,
            _ => "not_checked",
        };
        let contents = match (checked.contents, state(Part::Contents)) {
            (_, WRONG) => WRONG,
            (ContentsCheck::NotEncrypted, _) => "not_encrypted",
            (ContentsCheck::NoKey, _) => "no_key",
            (ContentsCheck::Read, _) => OK,
        };
        let head = checked.manifest.as_ref().map(|manifest| &manifest.head);
        Self {
            session: head.map_or_else(|| place.to_owned(), |head| head.session.to_string()),
            user: head.map_or_else(String::new, |head| head.user.clone()),
            server: head.map_or_else(String::new, |head| head.server.clone()),
            ok: problems.is_empty(),
            files: state(Part::Files),
            signature,
            anchor,
            contents,
            signed_by: checked.signed_by.map(|key| key.id()),
            problems,
        }
    }

    /// The same, named as the store names the session.
    pub fn about(self, session: &Session) -> Self {
        Self {
            session: session.id.to_string(),
            user: session.user.clone(),
            server: session.server.clone(),
            ..self
        }
    }

    /// A recording that could not be looked at.
    pub fn unreadable(session: &Session, error: &ArchiveError) -> Self {
        Self {
            session: session.id.to_string(),
            user: session.user.clone(),
            server: session.server.clone(),
            ok: false,
            files: WRONG,
            signature: "not_checked",
            anchor: "not_checked",
            contents: "not_checked",
            signed_by: None,
            problems: vec![error.to_string()],
        }
    }

    /// What is said when nothing is wrong.
    pub fn good_words(&self) -> &'static str {
        match self.contents {
            "no_key" => "as it was written; encrypted, and not read for want of a key",
            _ => "as it was written",
        }
    }
}

fn not_sealed(checked: &Verification) -> bool {
    checked.problems.contains(&Problem::NotSealed)
}

impl Anchor {
    /// Looks for the recording among the lines of the book that are about its session, the newest first. `fault`: the
    /// first thing that is wrong with the book as a whole, where all of it was read.
    pub fn among(lines: &[AnchorLine], checked: &Verification, fault: Option<Fault>) -> Self {
        let Some(digest) = checked.manifest_digest.as_deref() else {
            return Self::NotChecked;
        };
        if not_sealed(checked) {
            return Self::NotChecked;
        }
        let fits = lines.iter().find(|line| line.manifest_digest() == Some(digest));
        if let Some(line) = fits.filter(|line| line.sound) {
            return match fault.filter(|fault| fault.seq() <= line.event.seq) {
                None => Self::Fits,
                Some(fault) => Self::Wrong(format!(
                    "the audit book is not what was written, so line {} that anchors the recording proves nothing: {fault}",
                    line.event.seq
                )),
            };
        }
        let changed = fits.or_else(|| lines.iter().find(|line| !line.sound));
        let newest = lines.iter().find(|line| line.manifest_digest().is_some());
        Self::Wrong(match (changed, newest) {
            (Some(line), _) => format!(
                "line {} of the audit book, which anchors the recording, was changed (or the line before it)",
                line.event.seq
            ),
            (None, Some(line)) => format!(
                "manifest.json is not the one that line {} of the audit book names",
                line.event.seq
            ),
            (None, None) => "the audit book has no line that anchors the recording".to_owned(),
        })
    }
}
