//! Requests for access: asked, told, decided by somebody else, and the door opens.

use gatehouse_e2e::{LIMIT, Letter, Mailbox, Receiver, Scene, Setup, wait_for};

#[test]
fn a_request_is_told_to_its_approver_and_opens_the_door_when_approved() {
    let (mailbox, slack) = (Mailbox::start(), Receiver::start());
    let setup = Setup {
        grant: None,
        ..Setup::default()
    };
    let scene = Scene::prepared(setup, |site, _, _| {
        site.write_config(&format!(
            "alerts.webhook = \"http://{}/T0/x\"\nalerts.webhook_format = \"slack\"\nmail.host = \"127.0.0.1\"\n\
             mail.port = {}\nmail.tls = \"off\"\nmail.from = \"Gatehouse <gate@example.com>\"\n\
             requests.four_eyes = true",
            slack.addr,
            mailbox.addr.port()
        ));
        site.ok(&["user", "edit", "alice", "--email", "alice@example.com"]);
        site.ok(&["user", "add", "ann", "--email", "ann@example.com"]);
        site.ok(&["server-group", "add", "web"]);
        site.ok(&["server-group", "member", "add", "web", "web01"]);
        site.ok(&["server-group", "approver", "add", "web", "--user", "ann"]);
    });
    let letter = |to: &str, words: &str| -> Letter {
        wait_for(&format!("a mail to {to}"), LIMIT, || mailbox.letter(to, words))
    };
    scene.ssh("id").done().exits(255);
    let site = &scene.site;
    let ask = [
        "request",
        "create",
        "--user",
        "alice",
        "--server",
        "web01",
        "--reason",
        "the disk is full",
    ];
    site.ok(&ask);
    let asked = letter("ann@example.com", "alice asks for access to web01");
    assert!(
        asked.text.contains("gatehouse request approve|deny 1"),
        "{asked:?}"
    );
    assert!(
        asked.text.contains("From: Gatehouse <gate@example.com>"),
        "{asked:?}"
    );
    wait_for("a message of Slack", LIMIT, || {
        let text = |json: &serde_json::Value| json["text"].as_str().unwrap_or_default().to_owned();
        slack.delivered(|json| text(json).contains("alice asks for access to web01"))
    });

    site.refused(&["request", "approve", "1"]);
    site.refused(&["request", "approve", "1", "--as", "alice"]);
    scene.ssh("id").done().exits(255);
    site.ok(&["request", "approve", "1", "--for", "1h", "--as", "ann"]);
    wait_for("the door to open", LIMIT, || {
        (scene.ssh("echo open").done().code == Some(0)).then_some(())
    });
    letter("alice@example.com", "request #1 of alice was approved by ann");
    let session = scene.site.closed_session();
    let shown = site.json(&["request", "show", "1"]);
    assert_eq!(shown["sessions"][0]["id"], session["id"]);
    assert_eq!(shown["policy"]["id"], session["policies"][0]);
}
