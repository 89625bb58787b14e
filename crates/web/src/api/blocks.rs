//! Blocked sources.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use gatehouse_model::{AddressRange, SpanSeconds};
use gatehouse_store::{Block, Page};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::locks::until;
use super::user_addresses::range_of;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::shape::{Body, ListQuery, Listed};
use crate::site::Site;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_blocks, add_block))
        .routes(routes!(remove_block))
}

/// The blocks in force.
#[utoipa::path(get, path = "/blocks", tag = "blocks", params(ListQuery),
    responses((status = 200, body = Listed<Block>)))]
async fn list_blocks(State(site): State<Site>, list: ListQuery) -> Result<Response, Problem> {
    let now = site.now();
    list.answer(site, move |site, _| async move {
        let items = site.store().blocks(now).await?;
        Ok(Page { items, next: None })
    })
    .await
}

/// A source to be blocked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBlock {
    /// The address or range.
    range: AddressRange,
    /// How long; without it, until lifted.
    #[serde(rename = "for")]
    length: Option<SpanSeconds>,
    /// Why.
    reason: Option<String>,
}

/// Blocks a source: running sessions from it end. A block of the same range gets the new end and reason.
#[utoipa::path(post, path = "/blocks", tag = "blocks", request_body = NewBlock,
    responses((status = 201, body = Block)))]
async fn add_block(
    State(site): State<Site>,
    caller: Caller,
    Body(new): Body<NewBlock>,
) -> Result<(StatusCode, Json<Block>), Problem> {
    let now = site.now();
    if new.range.contains(caller.source.ip()) {
        return Err(Problem::invalid(
            "range",
            format!(
                "{} holds your own address {}, so you could not lift the block here; use the command line if that is meant",
                new.range, caller.source
            ),
        ));
    }
    let until = new.length.map(|span| until(now, span)).transpose()?;
    let block = site
        .store()
        .add_block(&caller.actor()?, now, new.range, until, new.reason)
        .await?;
    Ok((StatusCode::CREATED, Json(block)))
}

/// Lifts a block.
#[utoipa::path(delete, path = "/blocks/{range}", tag = "blocks",
    params(("range" = AddressRange, Path, description = "The address or range, `/` written as `%2F`")),
    responses((status = 204)))]
async fn remove_block(
    State(site): State<Site>,
    caller: Caller,
    Path(range): Path<String>,
) -> Result<StatusCode, Problem> {
    site.store()
        .remove_block(&caller.actor()?, site.now(), range_of(&range)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
