//! What tests of the API need that no program does: requests without a socket, and the table.

use std::net::SocketAddr;

use axum::extract::Request;

use crate::authority::{Freshness, TABLE, Who};
use crate::caller::Peer;

/// The request as if it came on a socket with these ends.
pub fn from_socket(mut request: Request, remote: SocketAddr, local: SocketAddr) -> Request {
    request.extensions_mut().insert(Peer { remote, local });
    request
}

/// Who may do an operation, by method and path as the table has them: the least role, and whether the sign-in must be
/// fresh.
pub fn least_role(method: &str, path: &str) -> Option<(gatehouse_model::Role, bool)> {
    let row = TABLE
        .iter()
        .find(|row| row.method == method && row.path == path)?;
    let Who::AtLeast(role) = row.who else { return None };
    Some((role, row.freshness == Freshness::Fresh))
}

/// Who may do an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needed {
    /// Anyone.
    Nothing,
    /// A known address.
    Address,
    /// A sign-in or a token.
    Person,
    /// That of somebody with this role.
    Role(gatehouse_model::Role),
}

/// Who may do an operation, and whether the sign-in must be fresh.
pub fn needed(method: &str, path: &str) -> Option<(Needed, bool)> {
    let row = TABLE
        .iter()
        .find(|row| row.method == method && row.path == path)?;
    let needed = match row.who {
        Who::Anyone => Needed::Nothing,
        Who::OneSelf => Needed::Address,
        Who::Signed => Needed::Person,
        Who::AtLeast(role) => Needed::Role(role),
    };
    Some((needed, row.freshness == Freshness::Fresh))
}

/// Operations as method and path.
pub type Operations = Vec<(String, String)>;

/// Every operation of the description and of the table, as method and path, sorted.
pub fn operations() -> (Operations, Operations) {
    let description = serde_json::to_value(crate::api::document()).unwrap_or_default();
    let prefix = crate::authority::PREFIX;
    let mut described = Vec::new();
    for (path, methods) in description
        .get("paths")
        .and_then(|paths| paths.as_object())
        .into_iter()
        .flatten()
    {
        let methods = methods.as_object().into_iter().flatten();
        described.extend(methods.map(|(method, _)| {
            let path = path.strip_prefix(prefix).unwrap_or(path);
            (method.to_uppercase(), path.to_owned())
        }));
    }
    described.sort();
    let mut listed: Vec<_> = TABLE
        .iter()
        .map(|row| (row.method.to_owned(), row.path.to_owned()))
        .collect();
    listed.sort();
    (described, listed)
}

/// The description.
pub fn document() -> utoipa::openapi::OpenApi {
    crate::api::document()
}
