//! `GET /openapi.json`: the API, described.

use std::sync::LazyLock;

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::authority::{PREFIX, TABLE, Who};
use crate::problem::Problem;
use crate::site::Site;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gatehouse",
        description = "The only door to a site's machines. Rules that hold for all operations: docs/design/web.md.",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem))
)]
struct Base;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(document);

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(describe_api))
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "api", responses((status = 200, body = Object)))]
async fn describe_api() -> Json<&'static utoipa::openapi::OpenApi> {
    Json(&DOCUMENT)
}

/// The description of every operation, with who may as it stands in the table.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut described = super::operations().into_openapi();
    let mut document = Base::openapi();
    if let Some(components) = document.components.as_mut() {
        components.add_security_scheme(
            "token",
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
        );
        components.add_security_scheme(
            "cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-gatehouse"))),
        );
    }
    let paths = std::mem::take(&mut described.paths.paths);
    for (path, mut item) in paths {
        for row in TABLE.iter().filter(|row| row.path == path) {
            if let Some(operation) = operation_of(&mut item, row.method) {
                note_authority(operation, row.who);
            }
        }
        described.paths.paths.insert(format!("{PREFIX}{path}"), item);
    }
    document.merge(described);
    document
}

fn operation_of<'i>(
    item: &'i mut utoipa::openapi::PathItem,
    method: &str,
) -> Option<&'i mut utoipa::openapi::path::Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// Writes who may into the description, and that anybody else gets a problem.
fn note_authority(operation: &mut utoipa::openapi::path::Operation, who: Who) {
    use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
    let who = match who {
        Who::Anyone => "Anyone.".to_owned(),
        Who::OneSelf => "A known person, by address too, for what is theirs.".to_owned(),
        Who::Signed => "A person who signed in, for what is theirs.".to_owned(),
        Who::AtLeast(role) => format!("The role {role} or a higher one."),
    };
    let before = operation.description.take().unwrap_or_default();
    operation.description = Some(format!("{before}\n\nWho may: {who}").trim().to_owned());
    let problem = ResponseBuilder::new()
        .description("A refusal or a fault, one sentence.")
        .content(
            "application/problem+json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build(),
        )
        .build();
    operation
        .responses
        .responses
        .entry("default".to_owned())
        .or_insert_with(|| problem.into());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_and_the_description_name_the_same_operations() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let (mut described, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(id) = operation.get("operationId") {
                    assert!(ids.insert(id.as_str().unwrap().to_owned()), "{id} twice");
                    let path = path.strip_prefix(PREFIX).unwrap();
                    described.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        let listed: BTreeSet<String> = TABLE
            .iter()
            .map(|row| format!("{} {}", row.method, row.path))
            .collect();
        assert_eq!(listed.len(), TABLE.len(), "a row stands there twice");
        assert_eq!(listed, described);
    }
}
