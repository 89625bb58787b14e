//! Every operation of the directory and of grants: nobody, the role below, the role itself, and without freshness.

use gatehouse_model::Role;
use gatehouse_web::testing::{least_role, operations};

use crate::support::{Place, on_both};

on_both!(each_operation_asks_for_its_role);

const AUDITOR: &[(&str, &str)] = &[
    ("GET", "/users"),
    ("GET", "/users/{user}"),
    ("GET", "/users/{user}/addresses"),
    ("GET", "/users/{user}/keys"),
    ("GET", "/users/{user}/rights"),
    ("GET", "/users/{user}/reach"),
    ("GET", "/user-groups"),
    ("GET", "/user-groups/{group}"),
    ("GET", "/user-groups/{group}/members"),
    ("GET", "/user-groups/{group}/rights"),
    ("GET", "/server-groups"),
    ("GET", "/server-groups/{group}"),
    ("GET", "/server-groups/{group}/members"),
    ("GET", "/servers"),
    ("GET", "/servers/{server}"),
    ("GET", "/servers/{server}/who-can"),
    ("GET", "/servers/{server}/hostkeys"),
    ("GET", "/servers/{server}/credentials"),
    ("GET", "/pool"),
    ("GET", "/blocks"),
    ("GET", "/policies"),
    ("GET", "/policies/{id}"),
    ("POST", "/check"),
    ("POST", "/check/explain"),
];
const OPERATOR: &[(&str, &str)] = &[
    ("PUT", "/users/{user}/lock"),
    ("DELETE", "/users/{user}/lock"),
    ("PUT", "/servers/{server}/lock"),
    ("DELETE", "/servers/{server}/lock"),
    ("POST", "/blocks"),
    ("DELETE", "/blocks/{range}"),
];
const ADMIN: &[(&str, &str)] = &[
    ("POST", "/users"),
    ("PATCH", "/users/{user}"),
    ("DELETE", "/users/{user}"),
    ("POST", "/users/{user}/addresses"),
    ("PATCH", "/users/{user}/addresses/{range}"),
    ("DELETE", "/users/{user}/addresses/{range}"),
    ("POST", "/users/{user}/keys"),
    ("DELETE", "/users/{user}/keys/{fingerprint}"),
    ("PUT", "/users/{user}/rights/{right}"),
    ("DELETE", "/users/{user}/rights/{right}"),
    ("POST", "/user-groups"),
    ("PATCH", "/user-groups/{group}"),
    ("DELETE", "/user-groups/{group}"),
    ("PUT", "/user-groups/{group}/members/{user}"),
    ("DELETE", "/user-groups/{group}/members/{user}"),
    ("PUT", "/user-groups/{group}/rights/{right}"),
    ("DELETE", "/user-groups/{group}/rights/{right}"),
    ("POST", "/server-groups"),
    ("PATCH", "/server-groups/{group}"),
    ("DELETE", "/server-groups/{group}"),
    ("PUT", "/server-groups/{group}/members/{server}"),
    ("DELETE", "/server-groups/{group}/members/{server}"),
    ("POST", "/servers"),
    ("PATCH", "/servers/{server}"),
    ("DELETE", "/servers/{server}"),
    ("PUT", "/servers/{server}/proxy"),
    ("DELETE", "/servers/{server}/proxy"),
    ("POST", "/pool/ranges"),
    ("DELETE", "/pool/ranges/{range}"),
    ("POST", "/policies"),
    ("PATCH", "/policies/{id}"),
    ("DELETE", "/policies/{id}"),
    ("POST", "/policies/{id}/renew"),
    ("POST", "/policies/{id}/revoke"),
    ("POST", "/policies/{id}/clone"),
    ("POST", "/policies/bulk"),
    ("POST", "/policies/preview"),
];
const FRESH: &[(&str, &str)] = &[
    ("DELETE", "/servers/{server}/hostkeys"),
    ("POST", "/servers/{server}/hostkeys/accept"),
    ("POST", "/servers/{server}/credentials"),
    ("DELETE", "/servers/{server}/credentials/{login}"),
];

async fn each_operation_asks_for_its_role(site: &Place) {
    let cases = [
        (AUDITOR, Role::User, Role::Auditor, false),
        (OPERATOR, Role::Auditor, Role::Operator, false),
        (ADMIN, Role::Operator, Role::Admin, false),
        (FRESH, Role::Operator, Role::Admin, true),
    ];
    for (operations, below, needed, fresh) in cases {
        for (method, path) in operations {
            let what = format!("{method} {path}");
            assert_eq!(least_role(method, path), Some((needed, fresh)), "{what}");
            // Nothing of these names is there, so that who may is told 404 or 422 and nothing changes.
            let at = path
                .split('/')
                .map(|part| if part.starts_with('{') { "none" } else { part });
            let at = at.collect::<Vec<_>>().join("/");
            let unknown = site.send(None, method, &at, None, &[]).await;
            assert_eq!(unknown.status, 401, "{what}: {}", unknown.text);
            let wrong = site.ask(below, method, &at, None).await;
            assert_eq!(wrong.status, 403, "{what}: {}", wrong.text);
            let right = site.ask(needed, method, &at, None).await;
            assert!(
                matches!(right.status.as_u16(), 200 | 404 | 422),
                "{what}: {} {}",
                right.status,
                right.text
            );
            if fresh {
                let stale = site.send(Some(site.stale()), method, &at, None, &[]).await;
                assert_eq!(stale.status, 403, "{what}: {}", stale.text);
            }
        }
    }
}

#[test]
fn the_table_and_the_description_name_the_same_operations() {
    let (described, listed) = operations();
    assert_eq!(described, listed);
}
