//! Every operation that the description knows, asked by everybody: a stranger, a known address, each role, and somebody
//! whose sign-in is not fresh. An operation that is added is among them by itself.

use std::time::{Duration, Instant};

use gatehouse_model::Role;
use gatehouse_store::{Actor, Inside, NewAddress};
use gatehouse_web::testing::{Needed, needed, operations};

use crate::support::{Answer, Place, on_both};

on_both!(each_operation_is_for_those_whom_the_table_names);

/// An address of the person without a role.
const KNOWN: &str = "127.0.9.10:40000";
/// What is answered without end, so that only refusals are asked for.
const ENDLESS: &[&str] = &["/events"];

/// Nothing of these names is there, so nothing changes.
fn at(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{id}" => "999999",
        part if part.starts_with('{') => "none",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn is_refused(answer: &Answer) -> bool {
    match answer.status.as_u16() {
        // A wrong password is told so as well, by an operation for anyone.
        401 => answer.json()["detail"].as_str().unwrap().contains("sign in"),
        403 => ["forbidden", "confirm"].contains(&answer.json()["code"].as_str().unwrap()),
        _ => false,
    }
}

async fn known_address(site: &Place) {
    let address = NewAddress {
        range: "127.0.9.10".parse().unwrap(),
        label: None,
        inside: Inside::Refuse,
    };
    let now = gatehouse_model::Timestamp::now();
    site.store
        .add_user_address(&Actor::system(), now, "the-user", address)
        .await
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while site.send_from(KNOWN, None, "GET", "/me", None, &[]).await.status != 200 {
        assert!(Instant::now() < deadline, "the address does not become known");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn each_operation_is_for_those_whom_the_table_names(site: &Place) {
    known_address(site).await;
    let (described, _) = operations();
    assert!(described.len() > 100, "{}", described.len());
    for (method, path) in described {
        let what = format!("{method} {path}");
        let (needed, fresh) = needed(&method, &path).unwrap_or_else(|| panic!("{what} has no row"));
        let endless = ENDLESS.contains(&path.as_str());
        let path = at(&path);
        let ask = async |from: &str, token: Option<&str>, permitted: bool| {
            if permitted && endless {
                return;
            }
            let answer = site.send_from(from, token, &method, &path, None, &[]).await;
            assert_eq!(
                !is_refused(&answer),
                permitted,
                "{what} from {from}: {} {}",
                answer.status,
                answer.text
            );
            assert!(answer.status != 500, "{what}: {}", answer.text);
        };
        ask("127.0.9.9:40000", None, needed == Needed::Nothing).await;
        ask(KNOWN, None, matches!(needed, Needed::Nothing | Needed::Address)).await;
        for role in [Role::User, Role::Auditor, Role::Operator, Role::Admin] {
            let permitted = match needed {
                Needed::Role(least) => role >= least,
                _ => true,
            };
            ask("127.0.9.9:40000", Some(site.token(role)), permitted).await;
        }
        if fresh {
            ask("127.0.9.9:40000", Some(site.stale()), false).await;
        }
        let wrong = site.send(Some("gh_wrong"), &method, &path, None, &[]).await;
        assert_eq!(wrong.status, 401, "{what} with a wrong token");
    }
}
