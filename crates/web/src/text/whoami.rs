//! `GET /whoami`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gatehouse_policy::reach_from;
use serde_json::json;

use super::answer::{Line, refused};
use super::{Answer, Form, asker};
use crate::caller::Caller;
use crate::site::Site;

/// Who asks, from where, and how much they may reach.
pub(super) async fn whoami(State(site): State<Site>, caller: Caller, form: Form) -> Response {
    let person = match asker(&site, &caller) {
        Ok(person) => person,
        Err(problem) => return refused(form, problem),
    };
    let email = match site.store().user(site.now(), &person.id.to_string()).await {
        Ok(user) => user.email,
        Err(error) => return refused(form, error.into()),
    };
    let grants = reach_from(&site.gate().directory(), caller.source, caller.now).len();
    let named = match &email {
        Some(email) => format!("{} ({email})", person.name),
        None => person.name.to_string(),
    };
    Answer {
        form,
        status: StatusCode::OK,
        lines: vec![
            Line::Field("You are", named),
            Line::Field("Source IP", caller.source.to_string()),
            Line::Field("Active grants", grants.to_string()),
        ],
        value: json!({
            "user": person.name,
            "email": email,
            "source": caller.source,
            "active_grants": grants,
        }),
    }
    .into_response()
}
