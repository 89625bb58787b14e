//! Mail against a small mail server of our own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use gatehouse_model::{Secret, Timestamp};
use gatehouse_store::{AlertKind, DueAlert};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use crate::{Failure, MailAddress, MailEncryption, MailHook, MailServer};

/// What the server has taken.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<Mail>>>);

#[derive(Clone, Debug, PartialEq)]
struct Mail {
    to: String,
    text: String,
    login: Option<String>,
}

impl Taken {
    fn all(&self) -> Vec<Mail> {
        self.0.lock().unwrap().clone()
    }

    fn to(&self) -> Vec<String> {
        self.all().into_iter().map(|mail| mail.to).collect()
    }
}

/// A server that takes mail for anybody but `no@…` (never) and `later@…` (not now), and is silent if told so.
async fn server(silent: bool) -> (u16, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Taken::default();
    let kept = taken.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let taken = kept.clone();
            tokio::spawn(async move {
                if silent {
                    std::future::pending::<()>().await;
                }
                serve(stream, taken).await
            });
        }
    });
    (port, taken)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, taken: Taken) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await?;
    let (mut to, mut login) = (String::new(), None);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer = match line.split([' ', '\r']).next().unwrap_or_default() {
            "EHLO" => "250-test\r\n250-AUTH PLAIN\r\n250 8BITMIME",
            "AUTH" => {
                login = Some(line.trim().to_owned());
                "235 welcome"
            }
            "RCPT" if line.contains("<no@") => "550 nobody of this name",
            "RCPT" if line.contains("<later@") => "451 not now",
            "RCPT" => {
                to = line
                    .trim()
                    .trim_start_matches("RCPT TO:<")
                    .trim_end_matches('>')
                    .to_owned();
                "250 ok"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    assert!(stream.read_line(&mut text).await? > 0, "cut off");
                }
                let (to, login) = (to.clone(), login.clone());
                taken.0.lock().unwrap().push(Mail { to, text, login });
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

fn address(text: &str) -> MailAddress {
    MailAddress::parse(text).unwrap()
}

fn hook(port: u16, encryption: MailEncryption, to: &[&str]) -> MailHook {
    let server = MailServer {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        encryption,
        authority: None,
        credentials: Some(("gate".to_owned(), Secret::from("hunter2".to_owned()))),
        timeout: Duration::from_secs(5),
    };
    let to = to.iter().map(|text| address(text)).collect();
    MailHook::new(
        server,
        address("Gatehouse <gate@example.com>"),
        to,
        "https://jump:5000/".to_owned(),
    )
    .unwrap()
}

fn alert(kind: AlertKind, sentence: &str) -> DueAlert {
    DueAlert {
        id: 7,
        kind,
        time: Timestamp::from_second(1_769_871_600).unwrap(),
        sentence: sentence.to_owned(),
        event: json!({"detail": {"request": 12}}),
        attempt: 1,
    }
}

fn people(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn each_person_gets_a_mail_that_says_what_to_do() {
    let (port, taken) = server(false).await;
    let hook = hook(port, MailEncryption::Off, &["ops@example.com"]);
    let created = alert(
        AlertKind::RequestCreated,
        "alice asks for access to wéb01 (request #12)",
    );
    let approvers = people(&["ann@example.com", "bob@example.com", "no address"]);
    hook.tell(&created, "jump", &approvers).await.unwrap();
    assert_eq!(taken.to(), ["ann@example.com", "bob@example.com"]);
    let mail = taken.all().remove(0);
    let text = mail.text.replace("=\r\n", "");
    for part in [
        "From: Gatehouse <gate@example.com>",
        "To: ann@example.com",
        "Auto-Submitted: auto-generated",
        "Message-ID: <alert-7-1769871600000000@example.com>",
        "Subject: [Gatehouse] alice asks for access to =?utf-8?b?",
        "https://jump:5000/requests/12",
        "gatehouse request approve|deny 12",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    // \0gate\0hunter2
    assert_eq!(mail.login.as_deref(), Some("AUTH PLAIN AGdhdGUAaHVudGVyMg=="));
    assert!(!format!("{hook:?}").contains("hunter2"));
}

#[tokio::test]
async fn who_is_configured_is_told_of_alerts_and_of_requests_without_approvers() {
    let (port, taken) = server(false).await;
    let hook = hook(port, MailEncryption::Off, &["ops@example.com"]);
    hook.tell(&alert(AlertKind::Denied, "denied"), "jump", &[])
        .await
        .unwrap();
    hook.tell(&alert(AlertKind::RequestCreated, "asked"), "jump", &[])
        .await
        .unwrap();
    let alice = people(&["alice@example.com"]);
    hook.tell(&alert(AlertKind::RequestDecided, "approved"), "jump", &alice)
        .await
        .unwrap();
    hook.tell(&alert(AlertKind::RequestDecided, "no address"), "jump", &[])
        .await
        .unwrap();
    let admins = people(&["root@example.com", "ops@example.com"]);
    hook.tell(&alert(AlertKind::BreakGlass, "opened"), "jump", &admins)
        .await
        .unwrap();
    let (ops, alice, root) = ("ops@example.com", "alice@example.com", "root@example.com");
    assert_eq!(taken.to(), [ops, ops, alice, root, ops]);
    assert_eq!(hook.wanted(vec![AlertKind::Denied]).len(), 4);
    let nobody = super::mail_tests::hook(port, MailEncryption::Off, &[]);
    assert!(
        !nobody
            .wanted(AlertKind::ALL.to_vec())
            .contains(&AlertKind::Denied)
    );
}

#[tokio::test]
async fn an_address_that_fails_holds_up_no_other_and_fills_no_box() {
    let (port, taken) = server(false).await;
    let hook = hook(port, MailEncryption::Off, &[]);
    let opened = alert(AlertKind::BreakGlass, "opened");
    let admins = people(&["ann@example.com", "no@example.com", "bob@example.com"]);
    for _ in 0..3 {
        let refused = hook.tell(&opened, "jump", &admins).await;
        let Err(Failure::Refused(text)) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            text.contains("no@example.com") && text.contains("nobody of this name"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert_eq!(taken.to(), ["ann@example.com", "bob@example.com"]);
    let later = hook.tell(&opened, "jump", &people(&["later@example.com"])).await;
    assert!(matches!(later, Err(Failure::Unreachable(_))), "{later:?}");
}

#[tokio::test]
async fn a_server_that_is_silent_or_does_not_encrypt_gets_nothing() {
    let (port, taken) = server(false).await;
    let denied = alert(AlertKind::Denied, "denied");
    let plain = hook(port, MailEncryption::StartTls, &["ops@example.com"]);
    let outcome = plain.tell(&denied, "jump", &[]).await;
    assert!(matches!(outcome, Err(Failure::Unreachable(_))), "{outcome:?}");
    assert!(
        taken.all().is_empty(),
        "neither mail nor password goes in the clear"
    );

    let (port, _) = server(true).await;
    let mut silent = hook(port, MailEncryption::Off, &["ops@example.com"]);
    silent.set_timeout(Duration::from_millis(200));
    let outcome = silent.tell(&denied, "jump", &[]).await;
    assert!(matches!(outcome, Err(Failure::Unreachable(_))), "{outcome:?}");
}

/// A server that encrypts from the beginning, with a certificate of its own.
async fn encrypting(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>) -> (u16, Taken) {
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Taken::default();
    let kept = taken.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, taken) = (acceptor.clone(), kept.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate goes away here.
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let _gone = serve(stream, taken).await;
            });
        }
    });
    (port, taken)
}

fn pem(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(certificate.cert.der());
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[tokio::test]
async fn a_certificate_has_to_be_trusted() {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (port, taken) = encrypting(&certificate).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem(&certificate)).unwrap();
    let other = folder.path().join("other.pem");
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&other, pem(&stranger)).unwrap();
    let hook = |authority: &std::path::Path| {
        let server = MailServer {
            host: "localhost".to_owned(),
            port: Some(port),
            encryption: MailEncryption::Tls,
            authority: Some(authority.to_owned()),
            credentials: None,
            timeout: Duration::from_secs(5),
        };
        let to = vec![address("ops@example.com")];
        MailHook::new(server, address("gate@example.com"), to, "https://jump".to_owned())
    };
    let denied = alert(AlertKind::Denied, "denied");
    let refused = hook(&other).unwrap().tell(&denied, "jump", &[]).await;
    assert!(matches!(refused, Err(Failure::Unreachable(_))), "{refused:?}");
    assert!(taken.all().is_empty());
    hook(&path).unwrap().tell(&denied, "jump", &[]).await.unwrap();
    assert_eq!(taken.to(), ["ops@example.com"]);
    assert!(hook(&folder.path().join("absent")).is_err());
}

#[test]
fn what_is_no_address_is_refused() {
    for bad in [
        "",
        "ops",
        "ops@",
        "@example.com",
        "a@example.com\r\nBcc: b@example.com",
    ] {
        assert!(MailAddress::parse(bad).is_err(), "{bad:?}");
    }
}
