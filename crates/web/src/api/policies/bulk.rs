//! Many grants at once.

use axum::Json;
use axum::extract::State;
use gatehouse_model::{PolicyId, SpanSeconds, Timestamp};
use gatehouse_store::{Actor, Kind, PolicyOrder, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::terms::Terms;
use super::usual_renewal;
use crate::caller::Caller;
use crate::problem::{FieldError, Problem};
use crate::shape::Body;
use crate::site::Site;

/// Most grants of one request.
const MOST: usize = 500;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(change_policies))
}

/// What is done with many grants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bulk {
    /// What.
    action: BulkAction,
    /// The grants, up to 500: their numbers, or for `grant` the terms of each.
    #[schema(value_type = Vec<Value>)]
    policies: Vec<Value>,
    /// For `renew`, by how much; 30 days if absent.
    #[serde(rename = "for")]
    length: Option<SpanSeconds>,
    /// Why: for `revoke` in the audit book, for `grant` that of grants that give none themselves.
    reason: Option<String>,
    /// Whether nothing is done if one cannot be.
    #[serde(default)]
    atomic: bool,
}

/// What is done with each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum BulkAction {
    /// It is made.
    Grant,
    /// It is taken back.
    Revoke,
    /// It gets a later end.
    Renew,
    /// It is deleted.
    Remove,
}

/// What became of each, in the order in which they were given.
#[derive(Debug, Serialize, ToSchema)]
struct BulkAnswer {
    /// One for each.
    results: Vec<BulkResult>,
}

/// What became of one of them.
#[derive(Debug, Serialize, ToSchema)]
struct BulkResult {
    /// Its place, from 0.
    index: usize,
    /// Its number; `null`: it was not made, or no number was given.
    id: Option<PolicyId>,
    /// Whether it was done.
    ok: bool,
    /// What is wrong and what to do.
    detail: Option<String>,
    /// Its wrong field, if one is; of several the first.
    field: Option<String>,
}

/// Makes, revokes, renews or removes many grants, each by itself. With `atomic` all or none: then the first that cannot
/// be done is the problem of the whole, and its field is `policies[3]` or `policies[3].end`.
#[utoipa::path(post, path = "/policies/bulk", tag = "policies", request_body = Bulk,
    responses((status = 200, body = BulkAnswer)))]
async fn change_policies(
    State(site): State<Site>,
    caller: Caller,
    Body(bulk): Body<Bulk>,
) -> Result<Json<BulkAnswer>, Problem> {
    if bulk.policies.is_empty() || bulk.policies.len() > MOST {
        return Err(Problem::invalid(
            "policies",
            format!("give 1 to {MOST} grants at a time"),
        ));
    }
    let (now, actor, atomic) = (site.now(), caller.actor()?, bulk.atomic);
    let orders = orders(bulk, now)?;
    let results = if atomic {
        together(&site, &actor, now, orders).await?
    } else {
        apart(&site, &actor, now, orders).await?
    };
    Ok(Json(BulkAnswer { results }))
}

/// All or none, in one transaction.
async fn together(
    site: &Site,
    actor: &Actor,
    now: Timestamp,
    orders: Vec<Result<PolicyOrder, Problem>>,
) -> Result<Vec<BulkResult>, Problem> {
    let mut sound = Vec::new();
    let mut errors = Vec::new();
    for (place, order) in orders.into_iter().enumerate() {
        match order {
            Ok(order) => sound.push(order),
            Err(problem) => errors.extend(placed(place, problem)),
        }
    }
    super::sound(errors)?;
    let ids: Vec<_> = sound.iter().map(PolicyOrder::policy).collect();
    let done = site.store().order_policies(actor, now, sound).await;
    let done = done.map_err(|(place, error)| {
        let mut problem = refused(error);
        if let Some(place) = place {
            problem.field = Some(field_at(place, problem.field.as_deref()));
        }
        problem
    })?;
    let results = ids.into_iter().zip(done).enumerate();
    Ok(results
        .map(|(index, (id, policy))| BulkResult::done(index, policy.map(|policy| policy.id).or(id)))
        .collect())
}

/// Each by itself; what cannot be done leaves the others alone.
async fn apart(
    site: &Site,
    actor: &Actor,
    now: Timestamp,
    orders: Vec<Result<PolicyOrder, Problem>>,
) -> Result<Vec<BulkResult>, Problem> {
    let mut results = Vec::with_capacity(orders.len());
    for (index, order) in orders.into_iter().enumerate() {
        let (id, done) = match order {
            Ok(order) => {
                let id = order.policy();
                let done = site.store().order_policies(actor, now, vec![order]).await;
                (id, done.map_err(|(_, error)| refused(error)))
            }
            Err(problem) => (None, Err(problem)),
        };
        results.push(match done {
            Ok(mut done) => {
                let made = done.pop().flatten().map(|policy| policy.id);
                BulkResult::done(index, made.or(id))
            }
            // What is our fault would befall the others as well.
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => BulkResult::failed(index, id, problem),
        });
    }
    Ok(results)
}

impl BulkResult {
    fn done(index: usize, id: Option<PolicyId>) -> Self {
        Self {
            index,
            id,
            ok: true,
            detail: None,
            field: None,
        }
    }

    fn failed(index: usize, id: Option<PolicyId>, mut problem: Problem) -> Self {
        let (detail, field) = if problem.errors.is_empty() {
            (problem.detail, problem.field)
        } else {
            let FieldError { field, detail } = problem.errors.swap_remove(0);
            (detail, Some(field))
        };
        Self {
            index,
            id,
            ok: false,
            detail: Some(detail),
            field,
        }
    }
}

/// A grant that is not there is no wrong field of it; whoever it is for, and what it is for, are.
fn refused(error: StoreError) -> Problem {
    match &error {
        StoreError::NotFound {
            kind: Kind::Policy, ..
        } => error.into(),
        _ => Problem::of_input(error),
    }
}

/// What is wrong with one of them, by the fields of the whole.
fn placed(place: usize, problem: Problem) -> Vec<FieldError> {
    if problem.errors.is_empty() {
        return vec![FieldError {
            field: field_at(place, problem.field.as_deref()),
            detail: problem.detail,
        }];
    }
    let errors = problem.errors.into_iter();
    errors
        .map(|error| FieldError {
            field: field_at(place, Some(&error.field)),
            detail: error.detail,
        })
        .collect()
}

fn field_at(place: usize, field: Option<&str>) -> String {
    match field {
        Some(field) => format!("policies[{place}].{field}"),
        None => format!("policies[{place}]"),
    }
}

fn orders(bulk: Bulk, now: Timestamp) -> Result<Vec<Result<PolicyOrder, Problem>>, Problem> {
    let length = bulk.length.map_or_else(usual_renewal, Ok)?;
    let (action, reason) = (bulk.action, bulk.reason);
    let order = |item: Value| match action {
        BulkAction::Grant => {
            let Value::Object(body) = item else {
                return Err(Problem::new(
                    crate::problem::Code::Invalid,
                    "a new grant is an object with its terms",
                ));
            };
            let mut errors = Vec::new();
            let mut new = Terms::read(body, &mut errors).new_policy(now, &mut errors);
            if let Some(new) = &mut new {
                new.reason = new.reason.take().or_else(|| reason.clone());
            }
            new.filter(|_| errors.is_empty())
                .map(|new| PolicyOrder::Grant(Box::new(new)))
                .ok_or_else(|| Problem::invalid_fields(errors))
        }
        BulkAction::Revoke => number(&item).map(|id| PolicyOrder::Revoke(id, reason.clone())),
        BulkAction::Renew => number(&item).map(|id| PolicyOrder::Renew(id, length)),
        BulkAction::Remove => number(&item).map(PolicyOrder::Remove),
    };
    Ok(bulk.policies.into_iter().map(order).collect())
}

fn number(item: &Value) -> Result<PolicyId, Problem> {
    item.as_i64().map(PolicyId).ok_or_else(|| {
        Problem::new(
            crate::problem::Code::Invalid,
            "this must be the number of a grant",
        )
    })
}
