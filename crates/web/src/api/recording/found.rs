//! Finding a session's recording, and writing into the book who looks at it.

use gatehouse_archive::{ArchiveError, Recording};
use gatehouse_audit::{Action, Draft};
use gatehouse_store::{Session, StoreError};

use crate::caller::{Caller, Means};
use crate::live::Looked;
use crate::problem::{Code, Problem};
use crate::site::Site;

/// A session and its recording.
pub(crate) struct Found {
    pub(crate) session: Session,
    pub(crate) recording: Recording,
}

/// Finds a recording by the id of its session, or a unique prefix.
pub(crate) async fn find(site: &Site, id: &str) -> Result<Found, Problem> {
    let session = site.store().session(site.now(), id).await?;
    open(site, session).await
}

/// Opens the recording of a session.
pub(crate) async fn open(site: &Site, session: Session) -> Result<Found, Problem> {
    let path = path_of(site, &session)?;
    let library = site.library().clone();
    match blocking(move || library.read(&path)).await? {
        Ok(recording) => Ok(Found { session, recording }),
        Err(ArchiveError::NotFound { .. }) if session.node != site.gate().node() => {
            Err(elsewhere(site, &session).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The path of a session's recording as the library has it.
pub(super) fn path_of(site: &Site, session: &Session) -> Result<String, Problem> {
    let recording = session
        .recording
        .as_ref()
        .ok_or_else(|| Problem::not_found(format!("session {} has no recording", session.id)))?;
    let base = &site.settings().data_dir;
    Ok(site.library().below_root(base, &recording.path))
}

/// The recording lies on the disk of another node.
pub(super) async fn elsewhere(site: &Site, session: &Session) -> Result<Problem, Problem> {
    let name = match site.store().node(session.node).await {
        Ok(node) => node.name,
        Err(StoreError::NotFound { .. }) => session.node.to_string(),
        Err(error) => return Err(error.into()),
    };
    Ok(Problem::new(
        Code::Conflict,
        format!(
            "the recording of session {} lies on node {name}; ask there",
            session.id
        ),
    ))
}

/// Does something that waits for a disk, apart from what serves requests.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::fault("a recording could not be read", &error))
}

/// Writes into the book that a recording is about to be shown. Call it before anything of it is. `part` is what of it.
pub(crate) async fn about_to_show(
    site: &Site,
    caller: &Caller,
    session: &Session,
    (action, how): (Action, &str),
    part: Option<String>,
) -> Result<(), Problem> {
    let mut draft = Draft::new(action, &caller.actor()?, site.now())
        .user(&session.user)
        .server(&session.server)
        .session(session.id)
        .detail("how", how);
    if let Some(part) = part {
        draft = draft.detail("part", part);
    }
    site.store().record(draft).await?;
    Ok(())
}

/// The same for what is asked for again and again: once in ten minutes for a session and a sign-in.
pub(crate) async fn look_once(
    site: &Site,
    caller: &Caller,
    session: &Session,
    (action, how): (Action, &'static str),
) -> Result<(), Problem> {
    let look = look_of(caller, session, how)?;
    if site.live().notebook.has(&look, site.now()) {
        return Ok(());
    }
    about_to_show(site, caller, session, (action, how), None).await?;
    looked(site, caller, session, how)
}

/// A look stands in the book now; what is asked for after it within ten minutes is the same one.
pub(super) fn looked(
    site: &Site,
    caller: &Caller,
    session: &Session,
    how: &'static str,
) -> Result<(), Problem> {
    let look = look_of(caller, session, how)?;
    site.live().notebook.wrote(look, site.now());
    Ok(())
}

fn look_of(caller: &Caller, session: &Session, how: &'static str) -> Result<Looked, Problem> {
    let person = caller.person()?.id;
    let means = caller.known.as_ref().map(|(_, means)| means);
    Ok(Looked::new(
        person,
        means.unwrap_or(&Means::Address),
        session.id,
        how,
    ))
}
