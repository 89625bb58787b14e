//! `/p/request/{protocol}/{server}`, `/p/add-ip/{address}`, `/p/status/{number}`: asking, and what became of it.
//!
//! INVARIANT **no-link-opens-a-door**: a request may be made by `GET`, because that is what `curl URL` does; rules approve
//! nothing then, since a link may have been followed for the person. Browsers' cross-site requests make none at all.

use std::net::IpAddr;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatehouse_model::{Login, Protocol, RequestId, RequestKind, RequestState, SpanSeconds};
use gatehouse_store::{AccessRequest, AutoApproval, RequestTarget};
use serde::Deserialize;

use super::access::moment;
use super::answer::{Line, refused};
use super::server::find;
use super::{Answer, Form, as_asker};
use crate::api::{ask, reader};
use crate::caller::Caller;
use crate::gatekeeping::is_cross_site;
use crate::problem::{Code, Problem};
use crate::shape::Query;
use crate::site::Site;

/// What may stand after `?`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Terms {
    reason: Option<String>,
    r#for: Option<SpanSeconds>,
    login: Option<Login>,
}

/// Asks for access to a server.
pub(super) async fn request(
    State(site): State<Site>,
    caller: Caller,
    form: Form,
    Path((protocol, named)): Path<(String, String)>,
    request: Request,
) -> Response {
    // A browser shows the page, where the person says that this is meant.
    if form == Form::Page && request.method() == Method::GET {
        return crate::page::index();
    }
    let (parts, _) = request.into_parts();
    let auto = if parts.method == Method::GET {
        AutoApproval::Withheld
    } else {
        AutoApproval::Allowed
    };
    let made = async {
        let caller = as_asker(&site, caller)?;
        refuse_cross_site(&parts.headers)?;
        let protocol: Protocol = protocol
            .parse()
            .map_err(|error: gatehouse_model::UnknownWord| Problem::invalid("protocol", error.to_string()))?;
        let terms: Terms = crate::shape::read_query(&parts)?;
        let directory = site.gate().directory();
        let server =
            find(&directory, &named, &caller).map_or_else(|| named.clone(), |row| row.name.to_string());
        let wanted = RequestTarget::Access {
            server,
            protocol,
            logins: terms.login.into_iter().collect(),
            length: terms.r#for,
        };
        ask(&site, &caller, wanted, terms.reason, auto).await
    };
    match made.await {
        Ok(asked) => answered(&site, form, &asked.request, asked.existing, &asked.remarks),
        Err(problem) => refused(form, problem),
    }
}

/// Asks for a further source address.
pub(super) async fn add_address(
    State(site): State<Site>,
    caller: Caller,
    form: Form,
    Path(address): Path<String>,
    headers: HeaderMap,
    Query(terms): Query<Terms>,
) -> Response {
    let made = async {
        let caller = as_asker(&site, caller)?;
        refuse_cross_site(&headers)?;
        let address: IpAddr = address.parse().map_err(|_| {
            let shown: String = address.chars().filter(|c| !c.is_control()).take(60).collect();
            Problem::invalid(
                "address",
                format!("{shown:?} is not one host address, such as 10.0.0.7"),
            )
        })?;
        let wanted = RequestTarget::Address(address.to_canonical());
        ask(&site, &caller, wanted, terms.reason, AutoApproval::Allowed).await
    };
    match made.await {
        Ok(asked) => answered(&site, form, &asked.request, asked.existing, &asked.remarks),
        Err(problem) => refused(form, problem),
    }
}

/// What became of a request of the asker's.
pub(super) async fn status(
    State(site): State<Site>,
    caller: Caller,
    form: Form,
    Path(number): Path<String>,
) -> Response {
    let found = async {
        let caller = as_asker(&site, caller)?;
        let absent = || {
            Problem::not_found(format!(
                "There is no request #{} of yours.",
                shown_number(&number)
            ))
        };
        let id: i64 = number.trim_start_matches('#').parse().map_err(|_| absent())?;
        let detail = site
            .store()
            .request(caller.now, &reader(&caller)?, RequestId(id))
            .await
            .map_err(|error| match error {
                gatehouse_store::StoreError::NotFound { .. } => absent(),
                other => other.into(),
            })?;
        let own = site
            .store()
            .user(caller.now, &caller.person()?.id.to_string())
            .await?;
        if detail.request.user != own.name.as_str() {
            return Err(absent());
        }
        Ok(detail.request)
    };
    match found.await {
        Ok(request) => answered(&site, form, &request, true, &[]),
        Err(problem) => refused(form, problem),
    }
}

fn shown_number(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).take(20).collect()
}

/// A page of another site must not ask for the person. Programs say nothing of this.
fn refuse_cross_site(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let fetched_for = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    // Only what the person typed; not even a page of this site asks here.
    let typed = fetched_for.is_none_or(|site| site == "none");
    if typed && !is_cross_site(headers, &host.unwrap_or("").to_ascii_lowercase()) {
        Ok(())
    } else {
        Err(Problem::new(
            Code::Forbidden,
            "A page asked your browser for this; ask on the page itself, or with curl.",
        ))
    }
}

fn answered(site: &Site, form: Form, request: &AccessRequest, known: bool, remarks: &[String]) -> Response {
    let head = match (request.kind, known) {
        (_, true) => format!("Access request: #{}", request.id),
        (RequestKind::Address, false) => format!("Request created: #{}", request.id),
        (_, false) => format!("Access request created: #{}", request.id),
    };
    let mut lines = vec![Line::Plain(head)];
    if let Some(server) = &request.server {
        lines.push(Line::Field("Server", server.clone()));
    }
    if let Some(protocol) = request.protocol {
        lines.push(Line::Field("Protocol", protocol.label().to_owned()));
    }
    if let Some(address) = request.address {
        lines.push(Line::Field("Address", address.to_string()));
    }
    lines.push(Line::Field("Status", status_words(request)));
    if let Some(note) = &request.note {
        lines.push(Line::Field("Note", note.clone()));
    }
    lines.extend(remarks.iter().map(|remark| Line::Plain(remark.clone())));
    let url = site.settings().public_url.as_str();
    lines.push(Line::Field("View", format!("{url}/p/status/{}", request.id)));
    let value = match serde_json::to_value(request) {
        Ok(value) => value,
        Err(error) => {
            return refused(
                form,
                Problem::fault("a request cannot be written as JSON", &error),
            );
        }
    };
    let status = if known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Answer {
        form,
        status,
        lines,
        value,
    }
    .into_response()
}

fn status_words(request: &AccessRequest) -> String {
    let by = request
        .decided_by
        .as_deref()
        .map(|by| format!(" by {by}"))
        .unwrap_or_default();
    match request.state {
        RequestState::Pending => "Pending admin approval".to_owned(),
        RequestState::Approved => format!("Approved{by}"),
        RequestState::Denied => format!("Denied{by}"),
        RequestState::Withdrawn => "Withdrawn".to_owned(),
        RequestState::Expired => format!("Expired {}", moment(request.expires_at)),
    }
}
