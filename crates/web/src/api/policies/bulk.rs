//! Many grants at once.

use axum::Json;
use axum::extract::State;
use gatehouse_model::{PolicyId, SpanSeconds, Timestamp};
use gatehouse_store::{Policy, PolicyOrder};
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
const MOST: usize = 1_000;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(change_policies))
}

/// What is done with many grants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bulk {
    /// What.
    action: BulkAction,
    /// The grants, up to 1,000: their numbers, or for `grant` the terms of each.
    #[schema(value_type = Vec<Value>)]
    policies: Vec<Value>,
    /// For `renew`, by how much; 30 days if absent.
    #[serde(rename = "for")]
    length: Option<SpanSeconds>,
    /// For `revoke`, why.
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

/// What became of one of them.
#[derive(Debug, Serialize, ToSchema)]
struct BulkResult {
    /// Its number; `null`: it was not made.
    id: Option<PolicyId>,
    /// The grant as it is now; `null`: it was removed, or `problem` says why not.
    policy: Option<Policy>,
    /// Why it could not be done.
    problem: Option<Problem>,
}

/// Makes, revokes, renews or removes many grants. With `atomic` all or none; else each by itself.
#[utoipa::path(post, path = "/policies/bulk", tag = "policies", request_body = Bulk,
    responses((status = 200, body = Vec<BulkResult>)))]
async fn change_policies(
    State(site): State<Site>,
    caller: Caller,
    Body(bulk): Body<Bulk>,
) -> Result<Json<Vec<BulkResult>>, Problem> {
    if bulk.policies.is_empty() || bulk.policies.len() > MOST {
        return Err(Problem::invalid(
            "policies",
            format!("give 1 to {MOST} grants at a time"),
        ));
    }
    let (now, actor, atomic) = (site.now(), caller.actor()?, bulk.atomic);
    let orders = orders(bulk, now)?;
    if atomic {
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
        let done = site.store().order_policies(&actor, now, sound).await;
        let done = done.map_err(|(place, error)| {
            let mut problem = Problem::of_input(error);
            if let Some(place) = place {
                problem.field = Some(format!("policies[{place}]"));
            }
            problem
        })?;
        let results = ids.into_iter().zip(done).map(|(id, policy)| BulkResult {
            id: policy.as_ref().map(|policy| policy.id).or(id),
            policy,
            problem: None,
        });
        return Ok(Json(results.collect()));
    }
    let mut results = Vec::with_capacity(orders.len());
    for order in orders {
        results.push(match order {
            Ok(order) => {
                let id = order.policy();
                let done = site.store().order_policies(&actor, now, vec![order]).await;
                match done {
                    Ok(mut done) => {
                        let policy = done.pop().flatten();
                        BulkResult {
                            id: policy.as_ref().map(|policy| policy.id).or(id),
                            policy,
                            problem: None,
                        }
                    }
                    Err((_, error)) => failed(id, Problem::of_input(error)),
                }
            }
            Err(problem) => failed(None, problem),
        });
    }
    Ok(Json(results))
}

fn failed(id: Option<PolicyId>, problem: Problem) -> BulkResult {
    BulkResult {
        id,
        policy: None,
        problem: Some(problem),
    }
}

/// What is wrong with one of them, by the fields of the whole.
fn placed(place: usize, problem: Problem) -> Vec<FieldError> {
    if problem.errors.is_empty() {
        let field = match &problem.field {
            Some(field) => format!("policies[{place}].{field}"),
            None => format!("policies[{place}]"),
        };
        return vec![FieldError {
            field,
            detail: problem.detail,
        }];
    }
    let errors = problem.errors.into_iter();
    errors
        .map(|error| FieldError {
            field: format!("policies[{place}].{}", error.field),
            detail: error.detail,
        })
        .collect()
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
            let new = Terms::read(body, &mut errors).new_policy(now, &mut errors);
            new.filter(|_| errors.is_empty())
                .map(PolicyOrder::Grant)
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
