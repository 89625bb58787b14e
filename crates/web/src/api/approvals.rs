//! What is approved by itself, and who approves for a group of servers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{ApprovalRuleId, Login, Protocol, SpanSeconds};
use gatehouse_store::{
    Activity, ApprovalRule, ApprovalRuleEdit, Approvers, Edit, NewApprovalRule, SubjectRef, TargetRef,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{Body, edit};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_approval_rules, add_approval_rule))
        .routes(routes!(
            show_approval_rule,
            edit_approval_rule,
            remove_approval_rule
        ))
        .routes(routes!(show_approvers, set_approvers))
}

/// Whose requests: one person's, or those of a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Subject {
    /// One person.
    User(String),
    /// A group of people.
    Group(String),
}

/// For what: one server, or those of a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Target {
    /// One server.
    Server(String),
    /// A group of servers.
    Group(String),
}

impl From<Subject> for SubjectRef {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::User(name) => Self::User(name),
            Subject::Group(name) => Self::Group(name),
        }
    }
}

impl From<Target> for TargetRef {
    fn from(target: Target) -> Self {
        match target {
            Target::Server(name) => Self::Server(name),
            Target::Group(name) => Self::Group(name),
        }
    }
}

/// Lists the rules by which requests are approved by themselves.
#[utoipa::path(get, path = "/approval-rules", tag = "requests", responses((status = 200, body = Vec<ApprovalRule>)))]
async fn list_approval_rules(State(site): State<Site>) -> Result<Json<Vec<ApprovalRule>>, Problem> {
    Ok(Json(site.store().approval_rules().await?))
}

/// A rule to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RuleToAdd {
    /// Whose requests.
    subject: Subject,
    /// For what.
    target: Target,
    /// By which protocol; any if absent.
    protocol: Option<Protocol>,
    /// For which logins; empty: any.
    #[serde(default)]
    logins: Vec<Login>,
    /// For how long at most.
    max_for: SpanSeconds,
}

/// Makes a rule.
#[utoipa::path(post, path = "/approval-rules", tag = "requests", request_body = RuleToAdd,
    responses((status = 201, body = ApprovalRule)))]
async fn add_approval_rule(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<RuleToAdd>,
) -> Result<(StatusCode, Json<ApprovalRule>), Problem> {
    let new = NewApprovalRule {
        subject: new.subject.into(),
        target: new.target.into(),
        protocol: new.protocol,
        logins: new.logins,
        max_for: new.max_for,
    };
    let added = site
        .store()
        .add_approval_rule(&caller.actor()?, caller.now, new)
        .await
        .map_err(Problem::of_input)?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// One rule.
#[utoipa::path(get, path = "/approval-rules/{id}", tag = "requests", params(("id" = i64, Path)),
    responses((status = 200, body = ApprovalRule)))]
async fn show_approval_rule(
    State(site): State<Site>,
    Path(id): Path<i64>,
) -> Result<Json<ApprovalRule>, Problem> {
    Ok(Json(site.store().approval_rule(ApprovalRuleId(id)).await?))
}

/// Changes to a rule; what is absent stays, `null` clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RuleChange {
    /// Another subject.
    subject: Option<Subject>,
    /// Another target.
    target: Option<Target>,
    /// Another protocol.
    #[serde(default, deserialize_with = "edit")]
    #[schema(value_type = Option<Protocol>)]
    protocol: Edit<Protocol>,
    /// Other logins; empty: any.
    logins: Option<Vec<Login>>,
    /// Another longest time.
    max_for: Option<SpanSeconds>,
    /// Whether it is in use.
    active: Option<bool>,
}

/// Changes a rule.
#[utoipa::path(patch, path = "/approval-rules/{id}", tag = "requests", params(("id" = i64, Path)),
    request_body = RuleChange, responses((status = 200, body = ApprovalRule)))]
async fn edit_approval_rule(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(change): Body<RuleChange>,
) -> Result<Json<ApprovalRule>, Problem> {
    let edits = ApprovalRuleEdit {
        subject: change.subject.map(Into::into),
        target: change.target.map(Into::into),
        protocol: change.protocol,
        logins: change.logins,
        max_for: change.max_for,
        activity: change.active.map(Activity::from_switch),
    };
    let edited = site
        .store()
        .edit_approval_rule(&caller.actor()?, caller.now, ApprovalRuleId(id), edits)
        .await?;
    Ok(Json(edited))
}

/// Deletes a rule; what it approved stays.
#[utoipa::path(delete, path = "/approval-rules/{id}", tag = "requests", params(("id" = i64, Path)),
    responses((status = 204)))]
async fn remove_approval_rule(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    site.store()
        .remove_approval_rule(&caller.actor()?, caller.now, ApprovalRuleId(id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who approves requests for the servers of a group and those below.
#[utoipa::path(get, path = "/server-groups/{group}/approvers", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id")), responses((status = 200, body = Approvers)))]
async fn show_approvers(
    State(site): State<Site>,
    Path(group): Path<String>,
) -> Result<Json<Approvers>, Problem> {
    Ok(Json(site.store().approvers(&group).await?))
}

/// Approvers by name or id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NamedApprovers {
    /// People.
    #[serde(default)]
    users: Vec<String>,
    /// Groups of people.
    #[serde(default)]
    groups: Vec<String>,
}

/// Says who approves, in place of those before.
#[utoipa::path(put, path = "/server-groups/{group}/approvers", tag = "server-groups",
    params(("group" = String, Path, description = "Name or id")), request_body = NamedApprovers,
    responses((status = 200, body = Approvers)))]
async fn set_approvers(
    State(site): State<Site>,
    caller: Caller,
    Path(group): Path<String>,
    Body(named): Body<NamedApprovers>,
) -> Result<Json<Approvers>, Problem> {
    let store = site.store();
    // What is not known hereafter is an approver.
    store.approvers(&group).await?;
    let people = named.users.into_iter().map(SubjectRef::User);
    let approvers: Vec<_> = people
        .chain(named.groups.into_iter().map(SubjectRef::Group))
        .collect();
    let set = store
        .set_approvers(&caller.actor()?, caller.now, &group, &approvers)
        .await
        .map_err(Problem::of_input)?;
    Ok(Json(set))
}
