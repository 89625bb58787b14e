//! Tokens for programs.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gatehouse_model::{AccessDuration, AddressRange, Timestamp, TokenScope, parse_access_duration};
use gatehouse_store::{NewToken, Token};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::shape::{Body, ListQuery, Listed, Query};
use crate::site::Site;

/// How long a token lasts when nothing is said.
const USUAL: &str = "90d";

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
        .routes(routes!(list_my_tokens, create_my_token))
        .routes(routes!(revoke_my_token))
}

/// Which tokens.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this person.
    user: Option<String>,
}

/// Lists tokens of everybody, without their texts.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(ListQuery, Which),
    responses((status = 200, body = Listed<Token>)))]
async fn list_tokens(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
    Query(which): Query<Which>,
) -> Result<Json<Listed<Token>>, Problem> {
    let page = site
        .store()
        .tokens(caller.now, which.user.as_deref(), &list.page()?)
        .await
        .map_err(Problem::of_input)?;
    Ok(Json(page.into()))
}

/// A token to be made for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenFor {
    /// Whose; it never exceeds their role.
    user: String,
    /// What it is for.
    label: Option<String>,
    /// How long it lasts, such as `30d`, or `permanent`; `90d` if absent.
    r#for: Option<String>,
    /// How far it reaches; `read` if absent.
    scope: Option<TokenScope>,
    /// From where alone it may be used.
    from: Option<AddressRange>,
}

/// A token of one's own to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OwnToken {
    /// What it is for.
    label: Option<String>,
    /// How long it lasts, such as `30d`, or `permanent`; `90d` if absent.
    r#for: Option<String>,
    /// How far it reaches; `own` if absent.
    scope: Option<TokenScope>,
    /// From where alone it may be used.
    from: Option<AddressRange>,
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct MadeToken {
    /// It.
    #[serde(flatten)]
    made: Token,
    /// Its text, shown this once.
    token: String,
}

/// Makes a token for a person; its text is answered this once.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = TokenFor,
    responses((status = 201, body = MadeToken)))]
async fn create_token(
    State(site): State<Site>,
    caller: Caller,
    Body(asked): Body<TokenFor>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let new = NewToken {
        label: asked.label,
        scope: asked.scope.unwrap_or(TokenScope::Read),
        source: asked.from,
        expires_at: end(asked.r#for.as_deref(), caller.now)?,
    };
    make(&site, &caller, &asked.user, new).await
}

/// Takes a token back.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = i64, Path)),
    responses((status = 204)))]
async fn revoke_token(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    site.store()
        .revoke_token(&caller.actor()?, caller.now, id, None)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists one's own tokens.
#[utoipa::path(get, path = "/me/tokens", tag = "me", params(ListQuery),
    responses((status = 200, body = Listed<Token>)))]
async fn list_my_tokens(
    State(site): State<Site>,
    caller: Caller,
    list: ListQuery,
) -> Result<Json<Listed<Token>>, Problem> {
    let user = caller.person()?.id.to_string();
    let page = site
        .store()
        .tokens(caller.now, Some(&user), &list.page()?)
        .await?;
    Ok(Json(page.into()))
}

/// Makes a token of one's own; its text is answered this once.
#[utoipa::path(post, path = "/me/tokens", tag = "me", request_body = OwnToken,
    responses((status = 201, body = MadeToken)))]
async fn create_my_token(
    State(site): State<Site>,
    caller: Caller,
    Body(asked): Body<OwnToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let person = caller.person()?;
    let scope = asked.scope.unwrap_or(TokenScope::Own);
    if scope.role() > person.role {
        return Err(Problem::invalid(
            "scope",
            format!(
                "a token with the scope {scope} would reach further than your role {}",
                person.role
            ),
        ));
    }
    let new = NewToken {
        label: asked.label,
        scope,
        source: asked.from,
        expires_at: end(asked.r#for.as_deref(), caller.now)?,
    };
    make(&site, &caller, &person.id.to_string(), new).await
}

/// Takes back a token of one's own.
#[utoipa::path(delete, path = "/me/tokens/{id}", tag = "me", params(("id" = i64, Path)),
    responses((status = 204)))]
async fn revoke_my_token(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    let own = Some(caller.person()?.id);
    site.store()
        .revoke_token(&caller.actor()?, caller.now, id, own)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn make(
    site: &Site,
    caller: &Caller,
    user: &str,
    new: NewToken,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let (made, token) = site
        .store()
        .create_token(&caller.actor()?, caller.now, user, new)
        .await
        .map_err(Problem::of_input)?;
    Ok((StatusCode::CREATED, Json(MadeToken { made, token })))
}

/// The end of a token that lasts so long.
fn end(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let wrong = |sentence: String| Problem::invalid("for", sentence);
    match parse_access_duration(text.unwrap_or(USUAL)) {
        Err(error) => Err(wrong(error.to_string())),
        Ok(AccessDuration::Permanent) => Ok(None),
        Ok(AccessDuration::For(span)) => now
            .checked_add(span.std())
            .map(Some)
            .map_err(|_| Problem::new(Code::Invalid, "that is beyond the end of time; give less")),
    }
}
