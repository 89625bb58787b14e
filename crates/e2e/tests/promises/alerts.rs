//! Alerts: whoever has to know is told, also after an outage, and no session waits for it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use gatehouse_e2e::{
    Client, Database, LIMIT, Received, Receiver, Run, Running, Scene, Setup, Site, sql, wait_for,
};
use serde_json::Value;

const SECRET: &str = "hunter2-hunter2-hunter2";

/// A site with a webhook at the receiver; its path is a secret, too.
fn configure(site: &Site, receiver: &Receiver, lines: &str) {
    site.write_config(&format!(
        "alerts.webhook = \"http://{}/T0/path-secret\"\nalerts.webhook_secret = \"{SECRET}\"\n{lines}",
        receiver.addr
    ));
}

fn scene(receiver: &Receiver, lines: &str) -> Scene {
    Scene::prepared(Setup::default(), |site, _, _| configure(site, receiver, lines))
}

fn told(receiver: &Receiver, kind: &str) -> Received {
    wait_for(&format!("an alert {kind} at the webhook"), LIMIT, || {
        receiver.delivered(|alert| alert["kind"] == kind)
    })
}

#[test]
fn every_kind_of_trouble_is_told_to_the_command_and_to_the_webhook() {
    let receiver = Receiver::start();
    let mut scene = Scene::prepared(
        Setup {
            database: Database::Postgres,
            ..Setup::default()
        },
        |site, _, _| {
            let out = site.folder().join("alerts");
            configure(
                site,
                &receiver,
                &format!(
                    "alerts.command = [\"/bin/sh\", \"-c\", \"cat >>{}\"]\naudit.check = \
                     \"1s\"\nlimits.stranger_denials = \"2/10m\"",
                    out.display()
                ),
            );
        },
    );
    let stranger = Client::with_key(scene.site.net.stranger());
    for _ in 0..3 {
        stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    }
    let denied = told(&receiver, "denied").json();
    assert_eq!(denied["event"]["reason"], "unknown_source");
    assert!(
        denied["sentence"].as_str().unwrap().contains("was denied"),
        "{denied}"
    );
    let blocked = told(&receiver, "source_blocked").json();
    assert_eq!(
        blocked["event"]["detail"]["range"],
        scene.site.net.stranger().to_string()
    );

    recordings_that_fail_are_told(&scene, &receiver);
    assert_eq!(scene.ssh("echo pinned").done().ok(), "pinned\n");
    scene.sshd.change_host_key();
    scene.ssh("id").done().exits(255);
    assert_eq!(
        told(&receiver, "host_key_changed").json()["event"]["server"],
        "web01"
    );

    scene.site.ok(&["alert", "test"]);
    told(&receiver, "test");

    let seq = denied["event"]["seq"].as_i64().unwrap();
    sql(
        &scene.site.database_url,
        &format!("update audit set reason = 'nothing' where seq = {seq}"),
    );
    let broken = told(&receiver, "audit_broken").json();
    assert_eq!(broken["event"]["detail"]["line"], seq);

    command_and_list_say_the_same(&scene.site);
    nothing_shows_the_secrets(&scene.site);
}

fn recordings_that_fail_are_told(scene: &Scene, receiver: &Receiver) {
    let recordings = scene.site.data_dir().join("recordings");
    fs::rename(&recordings, scene.site.folder().join("away")).unwrap();
    fs::write(&recordings, "").unwrap();
    scene.ssh("id").done().exits(255);
    assert_eq!(
        told(receiver, "recording_failed").json()["event"]["user"],
        "alice"
    );
    fs::remove_file(&recordings).unwrap();
    fs::rename(scene.site.folder().join("away"), &recordings).unwrap();
}

/// The kinds of trouble that a test can make in one scene.
const KINDS: &[&str] = &[
    "denied",
    "source_blocked",
    "recording_failed",
    "host_key_changed",
    "test",
    "audit_broken",
];

fn command_and_list_say_the_same(site: &Site) {
    let out = site.folder().join("alerts");
    wait_for("the command to be told of all", LIMIT, || {
        let text = fs::read_to_string(&out).unwrap_or_default();
        let alerts: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let all = KINDS
            .iter()
            .all(|kind| alerts.iter().any(|alert| alert["kind"] == *kind));
        all.then_some(())
    });
    wait_for("the list to say so", LIMIT, || {
        let alerts = site.list(&["alert", "list", "--limit", "0"]);
        let done = |alert: &Value| {
            let deliveries = alert["deliveries"].as_array().unwrap();
            deliveries.len() == 2 && deliveries.iter().all(|one| one["state"] == "delivered")
        };
        let told = |kind: &&str| alerts.iter().any(|alert| alert["kind"] == **kind && done(alert));
        KINDS.iter().all(told).then_some(())
    });
}

fn nothing_shows_the_secrets(site: &Site) {
    let shown = site.ok(&["config", "show"]);
    assert!(shown.contains("http://127.0.0.1:"), "{shown}");
    let listed = site.ok(&["alert", "list"]);
    for text in [
        shown,
        listed,
        site.node().log(),
        site.ok(&["audit", "list", "--json"]),
    ] {
        assert!(!text.contains(SECRET) && !text.contains("path-secret"), "{text}");
    }
}

#[test]
fn a_webhooks_alert_is_signed_with_the_secret() {
    let receiver = Receiver::start();
    let scene = scene(&receiver, "");
    scene.site.ok(&["alert", "test"]);
    let request = told(&receiver, "test");
    assert_eq!(request.line, "POST /T0/path-secret HTTP/1.1");
    let header = |name: &str| request.headers[name].as_str();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("gatehouse-alert"), request.json()["id"].to_string());
    let signed = [header("gatehouse-timestamp").as_bytes(), b".", &request.body].concat();
    let printed = Run::new("openssl")
        .args(["dgst", "-sha256", "-hmac", SECRET, "-r"])
        .stdin(signed)
        .done()
        .ok();
    let digest = printed.split_whitespace().next().unwrap();
    assert_eq!(header("gatehouse-signature"), format!("v1={digest}"));
    let event = scene.site.audited("alert.tested", |_| true);
    assert_eq!(request.json()["event"]["seq"], event["seq"]);
}

#[test]
fn an_alert_waits_out_an_outage_and_a_restart_and_the_log_tells_of_it_once() {
    let receiver = Receiver::start();
    receiver.answer(503);
    let mut scene = scene(&receiver, "");
    scene.site.ok(&["alert", "test"]);
    scene.site.ok(&["alert", "test"]);
    wait_for("two attempts", LIMIT, || {
        (receiver.received().len() >= 2).then_some(())
    });
    let ids: Vec<_> = receiver
        .received()
        .iter()
        .map(|request| request.json()["id"].clone())
        .collect();
    assert!(
        ids.windows(2).all(|pair| pair[0] == pair[1]),
        "while it is out it is tried with one alert: {ids:?}"
    );
    let log = scene.site.node().log();
    assert_eq!(log.matches("alerts cannot be told").count(), 1, "{log}");
    assert_eq!(scene.ssh("echo unharmed").done().ok(), "unharmed\n");
    scene.site.take_node().terminate();
    receiver.answer(204);
    scene.site.serve();
    wait_for("both alerts", LIMIT, || {
        let delivered = receiver
            .received()
            .into_iter()
            .filter(|request| request.status == 204);
        let mut ids: Vec<_> = delivered
            .map(|request| request.json()["id"].as_i64().unwrap())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        (ids.len() == 2).then_some(())
    });
    wait_for("the list to say so", LIMIT, || {
        let alerts = scene.site.list(&["alert", "list", "--kind", "test"]);
        let all = alerts
            .iter()
            .all(|alert| alert["deliveries"][0]["state"] == "delivered");
        (all && alerts.len() == 2).then_some(())
    });
}

#[test]
fn a_command_that_hangs_holds_up_no_session_and_is_killed() {
    let scene = Scene::with(Setup {
        config: "alerts.command = [\"/bin/sh\", \"-c\", \"sleep 1000 & wait\"]\nalerts.timeout = \"2s\"",
        ..Setup::default()
    });
    scene.site.ok(&["alert", "test"]);
    let start = Instant::now();
    assert_eq!(scene.ssh("echo unharmed").done().ok(), "unharmed\n");
    assert!(start.elapsed() < LIMIT / 2, "{:?}", start.elapsed());
    wait_for("the list to say why", LIMIT, || {
        let alerts = scene.site.list(&["alert", "list", "--kind", "test"]);
        let delivery = &alerts[0]["deliveries"][0];
        let said = delivery["error"].as_str().unwrap_or_default();
        (delivery["state"] == "waiting" && said.contains("longer than 2 seconds")).then_some(())
    });
    assert!(scene.site.ok(&["alert", "list"]).contains("command: not yet"));
}

#[test]
fn only_the_kinds_that_are_asked_for_are_told() {
    let receiver = Receiver::start();
    let scene = scene(&receiver, "alerts.kinds = [\"test\"]");
    let stranger = Client::with_key(scene.site.net.stranger());
    stranger.ssh(&scene.web01()).arg("id").done().exits(255);
    scene.site.audited("session.denied", |_| true);
    scene.site.ok(&["alert", "test"]);
    told(&receiver, "test");
    assert_eq!(receiver.received().len(), 1);
    let kinds: Vec<_> = scene
        .site
        .list(&["alert", "list"])
        .iter()
        .map(|alert| alert["kind"].clone())
        .collect();
    assert_eq!(kinds, ["test", "denied"], "the list has all");
}

#[test]
fn a_webhook_over_tls_is_told_only_if_its_certificate_is_trusted() {
    let mut site = Site::new(Database::Sqlite, "");
    let folder = site.folder().to_owned();
    certificates(&folder);
    let (server, port) = tls_server(&folder);
    let config = |authority: &str| {
        format!(
            "alerts.webhook = \"https://127.0.0.1:{port}/x\"\nalerts.webhook_secret_file = \
             {:?}\nalerts.webhook_ca = {:?}",
            folder.join("secret"),
            folder.join(authority),
        )
    };
    fs::write(folder.join("secret"), format!("{SECRET}\n")).unwrap();
    site.write_config(&config("other.pem"));
    let refused = site.serve_in_vain().exits(1);
    assert!(refused.err().contains("chmod 600"), "{refused}");
    let private = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    fs::set_permissions(folder.join("secret"), private).unwrap();

    site.serve();
    site.ok(&["alert", "test"]);
    wait_for("the certificate to be refused", LIMIT, || {
        let alerts = site.list(&["alert", "list"]);
        let said = alerts[0]["deliveries"][0]["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        said.contains("certificate").then_some(())
    });
    assert!(!folder.join("body").exists(), "nothing was sent");
    site.take_node().terminate();

    site.write_config(&config("ca.pem"));
    site.serve();
    wait_for("the alert over TLS", LIMIT, || {
        let body = fs::read_to_string(folder.join("body")).ok()?;
        let alert: Value = serde_json::from_str(&body).ok()?;
        (alert["kind"] == "test").then_some(())
    });
    drop(server);
}

/// An authority, a certificate of it for 127.0.0.1, and an authority that has nothing to do with it.
fn certificates(folder: &Path) {
    let openssl = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        Run::new("openssl").args(&words).in_folder(folder).done().ok();
    };
    fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    for name in ["ca", "other"] {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.pem -days 2 \
             -subj /CN={name}"
        ));
    }
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj /CN=leaf",
    );
    openssl(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out leaf.pem",
    );
}

/// Python's own web server with that certificate; it keeps the body of the last request.
fn tls_server(folder: &Path) -> (Running, u16) {
    const SERVER: &str = "import http.server, ssl, os\n\
        class Hook(http.server.BaseHTTPRequestHandler):\n    \
            def do_POST(self):\n        \
                body = self.rfile.read(int(self.headers['Content-Length']))\n        \
                open('body.part', 'wb').write(body)\n        \
                os.rename('body.part', 'body')\n        \
                self.send_response(200)\n        \
                self.end_headers()\n    \
            def log_message(self, *words): pass\n\
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Hook)\n\
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n\
        context.load_cert_chain('leaf.pem', 'leaf.key')\n\
        server.socket = context.wrap_socket(server.socket, server_side=True)\n\
        print('port', server.server_port, flush=True)\n\
        server.serve_forever()\n";
    let mut running = Run::new("python3").args(["-c", SERVER]).in_folder(folder).start();
    running.prints("\n");
    let port = running
        .stdout_so_far()
        .trim()
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    (running, port)
}
