//! `GET /sessions/{id}/recording/verify`: whether a recording is what was written.

use axum::Json;
use axum::extract::{Path, State};
use gatehouse_archive::ArchiveError;
use gatehouse_gate::{RecordingFinding, RecordingVerifier, VerifyError};
use gatehouse_model::SessionState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::blocking;
use super::found::{elsewhere, path_of};
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(verify_recording))
}

/// Checks files, signature and the line in the audit book. The check is audited.
#[utoipa::path(get, path = "/sessions/{id}/recording/verify", tag = "recordings",
    params(("id" = String, Path, description = "Id, or a unique prefix of it")),
    responses((status = 200, body = RecordingFinding)))]
async fn verify_recording(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RecordingFinding>, Problem> {
    let session = site.store().session(site.now(), &id).await?;
    let path = path_of(&site, &session)?;
    if session.state != SessionState::Closed {
        return Err(Problem::new(
            Code::Conflict,
            format!(
                "session {} is still running; verify it when it has ended",
                session.id
            ),
        ));
    }
    if session.node != site.gate().node() {
        let (library, path) = (site.library().clone(), path.clone());
        let read = blocking(move || library.read(&path)).await?;
        if matches!(read, Err(ArchiveError::NotFound { .. })) {
            return Err(elsewhere(&site, &session).await?);
        }
    }
    let _scan = site.live().scan().await?;
    let verifier = RecordingVerifier::new(site.store().clone(), site.library().clone());
    let verifier = verifier.await.map_err(problem_of)?;
    let found = verifier.check(&session, path, None).await.map_err(problem_of)?;
    verifier
        .record(&found, &caller.actor()?, site.now())
        .await
        .map_err(problem_of)?;
    Ok(Json(found))
}

fn problem_of(error: VerifyError) -> Problem {
    match error {
        VerifyError::Store(error) => error.into(),
        other => Problem::fault("a recording could not be verified", &other),
    }
}
