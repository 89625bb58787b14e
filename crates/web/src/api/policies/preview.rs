//! A grant before it is made.

use axum::Json;
use axum::extract::State;
use gatehouse_model::Timestamp;
use gatehouse_policy::{PolicyTarget, Subject, preview};
use gatehouse_store::{GroupKind, StoreError, SubjectRef, TargetRef};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::PolicyTerms;
use super::terms::Terms;
use crate::api::reach::computed;
use crate::problem::{FieldError, Problem};
use crate::shape::Body;
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(preview_policy))
}

/// What a grant would be.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
struct PolicyPreview {
    /// What will be true, in one sentence; empty where something is wrong.
    sentence: String,
    /// How many people in use it covers.
    users: usize,
    /// How many servers in use it covers that offer what it is for.
    servers: usize,
    /// How many pairs of these.
    connections: usize,
    /// The next three windows of its schedules; none if it has no schedules.
    windows: Vec<[Timestamp; 2]>,
    /// When it ends; `null`: never.
    ends_at: Option<Timestamp>,
    /// What may not be meant, a sentence each.
    warnings: Vec<String>,
    /// All that is wrong.
    errors: Vec<FieldError>,
}

/// Shows what a grant would be, without making it. What is wrong is told in `errors`, all of it at once.
#[utoipa::path(post, path = "/policies/preview", tag = "policies", request_body = PolicyTerms,
    responses((status = 200, body = PolicyPreview)))]
async fn preview_policy(
    State(site): State<Site>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Json<PolicyPreview>, Problem> {
    let now = site.now();
    let mut errors = Vec::new();
    let terms = Terms::read(body, &mut errors);
    let subject = terms.subject(None, &mut errors);
    let target = terms.target(None, &mut errors);
    let rules = terms.rules(now, &mut errors);
    let subject = match subject {
        Some(subject) => known(subject_of(&site, subject).await, &mut errors)?,
        None => None,
    };
    let target = match target {
        Some(target) => known(target_of(&site, target).await, &mut errors)?,
        None => None,
    };
    let (Some(subject), Some(target), true) = (subject, target, errors.is_empty()) else {
        return Ok(Json(PolicyPreview {
            errors,
            ..PolicyPreview::default()
        }));
    };
    let directory = site.directory().await;
    // Counts through everybody.
    let seen = computed(move || preview(&directory, subject, target, &rules, now)).await?;
    let seen = seen.map_err(|error| Problem::invalid("schedules", error.to_string()))?;
    Ok(Json(PolicyPreview {
        sentence: seen.sentence,
        users: seen.users,
        servers: seen.servers,
        connections: seen.connections,
        windows: seen.windows.into_iter().map(|(from, to)| [from, to]).collect(),
        ends_at: seen.ends_at,
        warnings: seen.warnings.iter().map(ToString::to_string).collect(),
        errors,
    }))
}

async fn subject_of(site: &Site, subject: SubjectRef) -> Result<Subject, StoreError> {
    Ok(match subject {
        SubjectRef::User(user) => Subject::User(site.store().user(site.now(), &user).await?.id),
        SubjectRef::Group(group) => {
            let group = site.store().group(GroupKind::User, &group).await?;
            Subject::Group(gatehouse_model::UserGroupId(group.id))
        }
    })
}

async fn target_of(site: &Site, target: TargetRef) -> Result<PolicyTarget, StoreError> {
    Ok(match target {
        TargetRef::Server(server) => PolicyTarget::Server(site.store().server(site.now(), &server).await?.id),
        TargetRef::Group(group) => {
            let group = site.store().group(GroupKind::Server, &group).await?;
            PolicyTarget::Group(gatehouse_model::ServerGroupId(group.id))
        }
    })
}

/// What is not known is a wrong field; other errors end the request.
fn known<T>(found: Result<T, StoreError>, errors: &mut Vec<FieldError>) -> Result<Option<T>, Problem> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            let problem = Problem::of_input(error);
            match &problem.field {
                Some(field) => {
                    errors.push(FieldError {
                        field: field.clone(),
                        detail: problem.detail.clone(),
                    });
                    Ok(None)
                }
                None => Err(problem),
            }
        }
    }
}
