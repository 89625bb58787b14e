//! Pages as plain text, for people at a shell with `curl`: who am I, what is this server, what may I reach. Answers have at
//! most 80 columns where names permit; colour only if asked for.
//!
//! Who asks is the person of the source address, whatever `web.address_is_enough` says, or who a token or a sign-in
//! names. A stranger learns the own address and whom to ask.

mod access;
mod answer;
mod request;
mod server;
mod whoami;

use axum::Router;
use axum::routing::{get, post};

use crate::caller::person_at;
use crate::caller::{Caller, Means, Person};
use crate::gatekeeping::contact;
use crate::problem::{Code, Problem};
use crate::site::Site;

pub(crate) use answer::{Answer, Form};

/// The pages.
pub(crate) fn routes() -> Router<Site> {
    Router::new()
        .route("/whoami", get(whoami::whoami))
        .route("/i/{server}", get(server::server))
        .route("/p/list", get(access::list))
        .route(
            "/p/request/{protocol}/{server}",
            get(request::request).post(request::request),
        )
        .route("/p/add-ip/{address}", post(request::add_address))
        .route("/p/status/{number}", get(request::status))
}

/// The caller as the person who asks: of a known address with the role `user`.
///
/// # Errors
/// The address belongs to nobody, or to somebody who is switched off or locked.
pub(crate) fn as_asker(site: &Site, caller: Caller) -> Result<Caller, Problem> {
    let person = asker(site, &caller)?;
    let known = caller.known.clone().unwrap_or((person, Means::Address));
    Ok(Caller {
        known: Some(known),
        ..caller
    })
}

/// The person who asks.
///
/// # Errors
/// The address belongs to nobody, or to somebody who is switched off or locked.
pub(crate) fn asker(site: &Site, caller: &Caller) -> Result<Person, Problem> {
    let known = caller.known.as_ref().map(|(person, _)| person.clone());
    known
        .or_else(|| person_at(&site.gate().directory(), caller))
        .ok_or_else(|| {
            Problem::new(
                Code::Forbidden,
                format!(
                    "Your address {} is not registered here.\nAsk {}.",
                    caller.source,
                    contact(site)
                ),
            )
        })
}
