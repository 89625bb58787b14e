//! `GET /palette`: where somebody who types a few letters may want to go.

use axum::Json;
use axum::extract::State;
use gatehouse_model::Role;
use gatehouse_policy::{Directory, reach};
use gatehouse_store::{PageRequest, Session, SessionFilter, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::{Caller, Person};
use crate::problem::Problem;
use crate::shape::Query;
use crate::site::Site;

/// Most of each kind.
const EACH: usize = 8;
/// Sessions that are looked through, the newest first.
const SESSIONS: u64 = 200;
/// Longest text that is looked for, in characters.
const TEXT_MAX: usize = 100;

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(search_palette))
}

/// What is looked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// A part of a name, an address or the beginning of an id.
    #[serde(default)]
    q: String,
}

/// What matches, at most eight of each. Who is no auditor finds the servers that they can reach and their own sessions.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
struct Palette {
    /// People.
    users: Vec<FoundUser>,
    /// Servers.
    servers: Vec<FoundServer>,
    /// Sessions, the newest first.
    sessions: Vec<FoundSession>,
}

#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
struct FoundUser {
    name: String,
    email: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
struct FoundServer {
    name: String,
    address: String,
}

#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
struct FoundSession {
    id: String,
    user: String,
    server: String,
    state: String,
    #[schema(value_type = String)]
    started_at: gatehouse_model::Timestamp,
}

/// People, servers and sessions that match, as far as the caller may know of them.
#[utoipa::path(get, path = "/palette", tag = "palette", params(Which), responses((status = 200, body = Palette)))]
async fn search_palette(
    State(site): State<Site>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Palette>, Problem> {
    let text: String = which.q.trim().chars().take(TEXT_MAX).collect();
    let text = text.to_lowercase();
    if text.is_empty() {
        return Ok(Json(Palette::default()));
    }
    let directory = site.gate().directory();
    let person = caller.person()?;
    let sees_all = caller.is_at_least(Role::Auditor);
    Ok(Json(Palette {
        users: if sees_all {
            users(&directory, &text)
        } else {
            Vec::new()
        },
        servers: if sees_all {
            servers(&directory, &text)
        } else {
            reached(&directory, person, caller.now, &text)
        },
        sessions: sessions(&site, (!sees_all).then_some(person), &text).await?,
    }))
}

/// How well a name fits: the smaller, the better; `None`: not at all.
fn fit(name: &str, text: &str) -> Option<(usize, usize)> {
    let folded = name.to_lowercase();
    folded.find(text).map(|at| (at, folded.len()))
}

/// The best of those that fit.
fn best<T>(found: impl Iterator<Item = ((usize, usize), T)>) -> Vec<T> {
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|(fit, _)| *fit);
    found.into_iter().take(EACH).map(|(_, item)| item).collect()
}

fn users(directory: &Directory, text: &str) -> Vec<FoundUser> {
    best(directory.users().iter().filter_map(|user| {
        let by_mail = || user.email.as_deref().and_then(|email| fit(email, text));
        let fit = fit(user.name.as_str(), text).or_else(by_mail)?;
        let found = FoundUser {
            name: user.name.to_string(),
            email: user.email.clone(),
        };
        Some((fit, found))
    }))
}

fn servers(directory: &Directory, text: &str) -> Vec<FoundServer> {
    best(directory.servers().iter().filter_map(|server| {
        let address = server.address.to_string();
        let fit = fit(server.name.as_str(), text).or_else(|| fit(&address, text))?;
        let name = server.name.to_string();
        Some((fit, FoundServer { name, address }))
    }))
}

/// The servers that a person can reach now.
fn reached(
    directory: &Directory,
    person: &Person,
    now: gatehouse_model::Timestamp,
    text: &str,
) -> Vec<FoundServer> {
    let mut reached: Vec<_> = reach(directory, person.id, now)
        .into_iter()
        .map(|reach| reach.grant.server)
        .collect();
    reached.sort_unstable();
    reached.dedup();
    let rows = reached.into_iter().filter_map(|id| directory.server(id));
    best(rows.filter_map(|server| {
        let found = FoundServer {
            name: server.name.to_string(),
            address: server.address.to_string(),
        };
        Some((fit(&found.name, text)?, found))
    }))
}

async fn sessions(site: &Site, only: Option<&Person>, text: &str) -> Result<Vec<FoundSession>, Problem> {
    let filter = SessionFilter {
        user: only.map(|person| person.id.to_string()),
        ..SessionFilter::default()
    };
    let page = site
        .store()
        .sessions(site.now(), &filter, &PageRequest::first(SESSIONS))
        .await;
    let newest = match page {
        Ok(page) => page.items,
        Err(StoreError::NotFound { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let fits = |session: &Session| {
        session.id.to_string().starts_with(text)
            || fit(&session.user, text).is_some()
            || fit(&session.server, text).is_some()
    };
    let found = newest.into_iter().filter(fits).take(EACH);
    Ok(found
        .map(|session| FoundSession {
            id: session.id.to_string(),
            user: session.user,
            server: session.server,
            state: session.state.to_string(),
            started_at: session.started_at,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_so_come_first_and_the_shortest_of_them() {
        let names = ["my-web", "web01-long", "Web01", "db"];
        let found = best(names.iter().filter_map(|name| Some((fit(name, "web")?, *name))));
        assert_eq!(found, ["Web01", "web01-long", "my-web"]);
    }
}
