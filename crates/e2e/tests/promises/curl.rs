//! A person at a shell asks with `curl`: who am I, what is this server, what may I reach.

use gatehouse_e2e::{Database, Run, Site, curl, free_port, web_site};
use serde_json::Value;

fn site(lines: &str) -> Site {
    let mut site = web_site(Database::Sqlite, lines);
    let pool = site.net.pool();
    site.ok(&["pool", "add", &pool]);
    let address = site.net.person(1).to_string();
    site.ok(&[
        "user",
        "add",
        "alice",
        "--address",
        &address,
        "--email",
        "alice@example.com",
    ]);
    for (name, number) in [("web01", 1), ("db01", 2)] {
        let server = site.net.server(number).to_string();
        site.ok(&["server", "add", name, &server, "--ssh", "--proxy", "auto"]);
    }
    site.ok(&["server-group", "add", "machines"]);
    site.ok(&["server-group", "member", "add", "machines", "web01"]);
    site.ok(&[
        "policy", "grant", "--user", "alice", "--server", "web01", "--for", "2h",
    ]);
    site.serve();
    site
}

fn ask(site: &Site, path: &str) -> String {
    curl(site.net.person(1), site.node().web(), path).done().ok()
}

#[test]
fn a_person_learns_who_she_is_and_what_she_may_reach() {
    let site = site("");
    let (address, proxy) = (site.net.person(1), site.net.proxy(1));
    assert_eq!(
        ask(&site, "/whoami"),
        format!("You are: alice (alice@example.com)\nSource IP: {address}\nActive grants: 1\n")
    );
    let list = ask(&site, "/p/list");
    assert!(
        list.starts_with(&format!("[SSH] {proxy} (web01) - expires 20")),
        "{list}"
    );
    assert_eq!(list.lines().count(), 1, "{list}");

    let server = site.net.server(1);
    for named in ["web01", &server.to_string(), &proxy.to_string()] {
        let shown = ask(&site, &format!("/i/{named}"));
        let head =
            format!("web01 ({server})\nProxy IP: {proxy}\nGroups: machines\nYour access: SSH until 20");
        assert!(shown.starts_with(&head), "{shown}");
    }
    let other = ask(&site, "/i/db01");
    assert!(
        other.contains("Your access: SSH no: You have no grant for db01 over SSH."),
        "{other}"
    );
    assert!(other.contains("/p/request/ssh/db01"), "how to ask: {other}");
    let longest = other
        .lines()
        .filter(|line| !line.contains("curl"))
        .map(str::len)
        .max();
    assert!(longest <= Some(80), "{other}");
    assert_eq!(ask(&site, "/i/nothing"), "There is no server \"nothing\" here.\n");
}

#[test]
fn a_stranger_learns_her_own_address_and_whom_to_ask_and_nothing_else() {
    let site = site("policy.contact = \"the help desk\"");
    let stranger = site.net.stranger();
    for path in ["/whoami", "/p/list", "/i/web01", "/i/nothing"] {
        let told = curl(stranger, site.node().web(), path).done().ok();
        assert_eq!(
            told,
            format!("Your address {stranger} is not registered here.\nAsk the help desk.\n"),
            "{path}"
        );
    }
    site.ok(&["user", "disable", "alice"]);
    gatehouse_e2e::wait_for("alice to be unknown", gatehouse_e2e::LIMIT, || {
        ask(&site, "/whoami")
            .contains("is not registered here")
            .then_some(())
    });
}

#[test]
fn programs_get_json_and_colour_is_only_for_who_asks() {
    let site = site("");
    let json = curl(site.net.person(1), site.node().web(), "/whoami")
        .args(["-H", "Accept: application/json"])
        .done()
        .ok();
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&value["user"], &value["active_grants"]),
        (&"alice".into(), &1.into())
    );
    assert!(!ask(&site, "/whoami").contains('\x1b'));
    assert!(ask(&site, "/whoami?colour=1").starts_with("\x1b[1mYou are:\x1b[0m alice"));
}

#[test]
fn the_plain_listener_has_these_pages_and_sends_all_else_to_the_public_address() {
    let probe = Site::new(Database::Sqlite, "");
    let port = free_port(probe.net.gate());
    let site = site(&format!("web.plain_listen = [\"{}:{port}\"]", probe.net.gate()));
    let plain = site.node().web_at(1);
    let list = curl(site.net.person(1), plain, &format!("http://{plain}/p/list"))
        .done()
        .ok();
    assert!(list.contains("(web01)"), "{list}");
    let elsewhere = curl(
        site.net.person(1),
        plain,
        &format!("http://{plain}/api/v1/users?limit=1"),
    )
    .args(["--head", "--write-out", "%{redirect_url}"])
    .done()
    .ok();
    assert!(elsewhere.contains("308 Permanent Redirect"), "{elsewhere}");
    let to = format!("https://{}/api/v1/users?limit=1", site.node().web());
    assert!(elsewhere.ends_with(&to), "{elsewhere}");
}

#[test]
fn a_request_for_another_host_is_refused() {
    let site = site("");
    let refused = curl(site.net.person(1), site.node().web(), "/whoami")
        .args(["-H", "Host: evil.example"])
        .done()
        .ok();
    assert!(refused.contains("is not a name of this site"), "{refused}");
}

#[test]
fn who_is_listed_as_a_proxy_says_where_a_request_comes_from_and_nobody_else() {
    let probe = Site::new(Database::Sqlite, "");
    let proxy = probe.net.host(77);
    let site = site(&format!("web.trusted_proxies = [\"{proxy}\"]"));
    let forwarded = format!("X-Forwarded-For: 9.9.9.9, {}", site.net.person(1));
    let through = |source| {
        curl(source, site.node().web(), "/whoami")
            .args(["-H", &forwarded])
            .done()
            .ok()
    };
    assert!(through(proxy).starts_with("You are: alice"), "{}", through(proxy));
    let stranger = site.net.stranger();
    assert!(through(stranger).starts_with(&format!("Your address {stranger} is not registered")));
}

/// A token of an administrator's.
fn token(site: &Site) -> String {
    site.ok(&["user", "add", "root", "--role", "admin"]);
    let made = site.json(&["token", "create", "--user", "root", "--scope", "admin"]);
    made["token"].as_str().unwrap().to_owned()
}

/// Asks the API as this token's person.
fn api(site: &Site, token: &str, method: &str, path: &str, body: &str) -> Run {
    let authorization = format!("Authorization: Bearer {token}");
    curl(site.net.stranger(), site.node().web(), &format!("/api/v1{path}")).args([
        "--request",
        method,
        "-H",
        authorization.as_str(),
        "-H",
        "Content-Type: application/json",
        "--data",
        body,
    ])
}

#[test]
fn access_is_asked_for_by_curl_approved_through_the_api_and_then_there() {
    let site = site("");
    let token = token(&site);
    let asked = curl(
        site.net.person(1),
        site.node().web(),
        "/p/request/ssh/db01?for=2h&reason=ticket%204711",
    )
    .args(["--request", "POST"])
    .done()
    .ok();
    let url = format!("https://{}", site.node().web());
    assert_eq!(
        asked,
        format!(
            "Access request created: #1\nServer: db01\nProtocol: SSH\nStatus: Pending admin approval\nView: {url}/p/status/1\n"
        )
    );
    // The same again is the same request.
    assert!(
        ask(&site, "/p/request/ssh/db01?for=2h&reason=ticket%204711").starts_with("Access request: #1\n")
    );
    assert!(ask(&site, "/p/status/1").contains("Status: Pending admin approval"));
    let stranger = curl(site.net.stranger(), site.node().web(), "/p/status/1")
        .done()
        .ok();
    assert!(stranger.contains("is not registered here"), "{stranger}");
    let listed: Value = serde_json::from_str(
        &api(&site, &token, "GET", "/requests?state=pending", "")
            .done()
            .ok(),
    )
    .unwrap();
    assert_eq!(listed["items"][0]["reason"], "ticket 4711", "{listed}");
    let approved = api(
        &site,
        &token,
        "POST",
        "/requests/1/approve",
        r#"{"for": "1h", "note": "only today"}"#,
    )
    .done()
    .ok();
    let approved: Value = serde_json::from_str(&approved).unwrap();
    assert_eq!(approved["state"], "approved", "{approved}");
    gatehouse_e2e::wait_for("db01 to be within reach", gatehouse_e2e::LIMIT, || {
        ask(&site, "/p/list").contains("(db01)").then_some(())
    });
    let status = ask(&site, "/p/status/1");
    assert!(
        status.contains("Status: Approved by root\nNote: only today"),
        "{status}"
    );
    let granted = site.list(&["policy", "list", "--user", "alice", "--server", "db01"]);
    assert_eq!(granted[0]["id"], approved["policy_id"]);
}

#[test]
fn a_link_that_is_followed_opens_no_door_and_no_other_site_asks() {
    let site = site("");
    site.ok(&[
        "approval-rule",
        "add",
        "--user",
        "alice",
        "--server-group",
        "machines",
        "--max-for",
        "1d",
    ]);
    site.ok(&["server-group", "member", "add", "machines", "db01"]);
    let followed = ask(&site, "/p/request/ssh/db01?for=1h");
    assert!(followed.contains("Pending admin approval"), "{followed}");
    for header in [
        "Origin: https://evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        let forged = curl(
            site.net.person(1),
            site.node().web(),
            "/p/request/ssh/db01?for=3h",
        )
        .args(["--request", "POST", "-H", header])
        .done()
        .ok();
        assert!(!forged.contains("created"), "{header}: {forged}");
    }
    assert_eq!(site.list(&["request", "list"]).len(), 1);
    let meant = curl(
        site.net.person(1),
        site.node().web(),
        "/p/request/ssh/db01?for=2h",
    )
    .args(["--request", "POST"])
    .done()
    .ok();
    assert!(meant.contains("Status: Approved by rule #1"), "{meant}");
}

#[test]
fn a_further_address_is_asked_for_and_wrong_words_are_told() {
    let site = site("");
    let further = site.net.person(2);
    let post = |path: &str| {
        curl(site.net.person(1), site.node().web(), path)
            .args(["--request", "POST"])
            .done()
            .ok()
    };
    let asked = post(&format!("/p/add-ip/{further}"));
    assert!(asked.starts_with("Request created: #1\n"), "{asked}");
    site.ok(&["request", "approve", "1"]);
    gatehouse_e2e::wait_for("the address to be alice's", gatehouse_e2e::LIMIT, || {
        let told = curl(further, site.node().web(), "/whoami").done().ok();
        told.starts_with("You are: alice").then_some(())
    });
    for (path, words) in [
        (
            format!("/p/add-ip/{}", site.net.proxy(1)),
            "is an address of the gate",
        ),
        ("/p/add-ip/10.0.0.0%2F8".to_owned(), "not one host address"),
        ("/p/request/telnet/web01".to_owned(), "telnet"),
        ("/p/request/ssh/nothing".to_owned(), "nothing"),
        ("/p/request/ssh/db01?for=soon".to_owned(), "soon"),
        ("/p/status/999".to_owned(), "There is no request #999 of yours"),
    ] {
        let told = if path.contains("status") {
            ask(&site, &path)
        } else {
            post(&path)
        };
        assert!(
            told.contains(words) && told.trim_end().lines().count() <= 2,
            "{path}: {told}"
        );
    }
    assert_eq!(site.list(&["request", "list"]).len(), 1);
}
