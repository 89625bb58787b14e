//! Every operation of this test binary × who may not and who may.

use gatehouse_model::Role;
use serde_json::json;

use crate::http::ask;
use crate::site::TestSite;

/// Method, path, the lowest role that may.
const OPERATIONS: &[(&str, &str, Role)] = &[
    ("GET", "/sessions", Role::User),
    ("GET", "/sessions/{id}", Role::User),
    ("POST", "/sessions/{id}/kill", Role::Operator),
    ("POST", "/sessions/kill", Role::Operator),
    ("GET", "/sessions/{id}/recording", Role::Auditor),
    ("GET", "/sessions/{id}/recording/channels", Role::Auditor),
    ("GET", "/sessions/{id}/recording/verify", Role::Auditor),
    ("GET", "/sessions/{id}/transcript", Role::Auditor),
    ("GET", "/sessions/{id}/live", Role::Auditor),
    ("GET", "/forwards", Role::Auditor),
    ("GET", "/audit", Role::Auditor),
    ("GET", "/audit/verification", Role::Auditor),
    ("POST", "/audit/verify", Role::Auditor),
    ("GET", "/alerts", Role::Auditor),
    ("POST", "/alerts/test", Role::Admin),
    ("GET", "/nodes", Role::Auditor),
    ("GET", "/gate-keys", Role::Auditor),
    ("GET", "/recording-keys", Role::Auditor),
    ("GET", "/settings", Role::Auditor),
    ("GET", "/palette", Role::User),
    ("GET", "/stats", Role::Auditor),
    ("GET", "/search", Role::Auditor),
];

#[tokio::test(flavor = "multi_thread")]
async fn who_may_what() {
    let site = TestSite::start().await;
    // One of alice's, so that her own is there for her and nobody's else.
    let id = site.ended("alice", &["$ "]).await;
    let roles = [
        ("alice", Role::User),
        ("audra", Role::Auditor),
        ("oscar", Role::Operator),
        ("ada", Role::Admin),
    ];
    for (method, path, least) in OPERATIONS {
        let path = format!("/api/v1{}", path.replace("{id}", &id));
        let body = (*method == "POST").then(|| json!({}));
        let nobody = ask(site.web, method, &path, &[], body.as_ref()).await;
        nobody.refused(401);
        for (who, role) in roles {
            let bearer = site.bearer(who);
            let headers = [("Authorization", bearer.as_str())];
            let answer = ask(site.web, method, &path, &headers, body.as_ref()).await;
            if role < *least {
                let detail = answer.refused(403);
                assert!(detail.contains(least.as_str()), "{method} {path}: {detail}");
            } else {
                // Whatever is said of the request itself: it was let through.
                let status = answer.status;
                assert!(
                    !matches!(status, 401 | 403 | 404 | 405 | 500..),
                    "{method} {path} {who}: {answer:?}"
                );
            }
        }
    }
}
