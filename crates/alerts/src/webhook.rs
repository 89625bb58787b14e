//! A webhook: a signed POST for each alert.
//!
//! ```text
//! POST /path HTTP/1.1
//! Content-Type: application/json
//! Gatehouse-Alert: 12
//! Gatehouse-Timestamp: 1769871600
//! Gatehouse-Signature: v1=HEX
//! ```
//!
//! `HEX` is HMAC-SHA256 with the secret over the timestamp, a full stop, and the body. Who receives it compares the
//! signature and refuses old timestamps; the number tells one that comes twice. Redirects are not followed: the
//! address is the one that was configured.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatehouse_model::{Secret, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Failure;
use crate::address::{WebhookAddress, WebhookError};

/// Bytes of headers that an answer may have.
const ANSWER_MAX: usize = 16 * 1_024;

/// A webhook that can be told of alerts.
#[derive(Clone)]
pub struct Webhook {
    address: WebhookAddress,
    secret: Option<Secret>,
    tls: Option<TlsConnector>,
    timeout: Duration,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook at this address, signed with this secret, if there is one; each attempt may take `timeout`. `authority` is a file of
    /// certificates (PEM) that are trusted instead of the system's.
    ///
    /// # Errors
    /// There is no certificate authority to trust.
    pub fn new(
        address: WebhookAddress,
        secret: Option<Secret>,
        authority: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, WebhookError> {
        let tls = if address.encrypted {
            Some(connector(authority)?)
        } else {
            None
        };
        Ok(Self {
            address,
            secret,
            tls,
            timeout,
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends the alert; the answer has to be one of success, in time.
    pub(crate) async fn tell(&self, id: i64, payload: Vec<u8>, now: Timestamp) -> Result<(), Failure> {
        let sent = tokio::time::timeout(self.timeout, self.send(id, payload, now)).await;
        let status = sent.unwrap_or_else(|_| {
            let seconds = self.timeout.as_secs();
            Err(format!(
                "{} did not answer within {seconds} seconds",
                self.address
            ))
        });
        judge(status.map_err(Failure::Unreachable)?, &self.address)
    }

    async fn send(&self, id: i64, payload: Vec<u8>, now: Timestamp) -> Result<StatusCode, String> {
        let address = &self.address;
        let failed = |error: &dyn std::error::Error| format!("{address} cannot be reached: {error}");
        let request = self.request(id, payload, now).map_err(|error| failed(&error))?;
        let stream = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .map_err(|error| failed(&error))?;
        match &self.tls {
            None => post(stream, request).await,
            Some(tls) => {
                let name = ServerName::try_from(address.host.clone()).map_err(|error| failed(&error))?;
                let stream = tls.connect(name, stream).await.map_err(|error| failed(&error))?;
                post(stream, request).await
            }
        }
        .map_err(|error| failed(&error))
    }

    fn request(
        &self,
        id: i64,
        payload: Vec<u8>,
        now: Timestamp,
    ) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let timestamp = now.as_second().to_string();
        let path = self
            .address
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let host = self
            .address
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let mut request = Request::post(path)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("gatehouse/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close")
            .header("Gatehouse-Alert", id.to_string());
        if let Some(secret) = &self.secret {
            request = request.header("Gatehouse-Signature", signature(secret, &timestamp, &payload));
        }
        request
            .header("Gatehouse-Timestamp", timestamp)
            .body(Full::new(Bytes::from(payload)))
    }
}

/// Sends one request over a connection of its own. What follows the headers of the answer is not read.
async fn post<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(ANSWER_MAX)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::pin!(connection);
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // The connection may end with the answer's last byte.
        ended = &mut connection => {
            ended?;
            answer.await
        }
    };
    Ok(answer?.status())
}

fn judge(status: StatusCode, address: &WebhookAddress) -> Result<(), Failure> {
    let text = format!("{address} answered {status}");
    if status.is_success() {
        Ok(())
    } else if status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
    {
        Err(Failure::Unreachable(text))
    } else {
        Err(Failure::Refused(text))
    }
}

fn signature(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    // A key of any length will do (RFC 2104 section 2).
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose()).map(|mut mac| {
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.finalize().into_bytes()
    });
    mac.map_or_else(|_| String::new(), |mac| format!("v1={}", hex::encode(mac)))
}

fn connector(authority: Option<&Path>) -> Result<TlsConnector, WebhookError> {
    let mut roots = RootCertStore::empty();
    match authority {
        Some(path) => {
            let unreadable = |what: String| WebhookError::Certificates {
                path: path.to_owned(),
                what,
            };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable("there is none in it".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(WebhookError::NoAuthority);
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn secret() -> Secret {
        Secret::from("hunter2-hunter2".to_owned())
    }

    #[test]
    fn the_signature_is_hmac_sha256_over_timestamp_and_body() {
        // echo -n '1769871600.{"id":1}' | openssl dgst -sha256 -hmac hunter2-hunter2
        assert_eq!(
            signature(&secret(), "1769871600", b"{\"id\":1}"),
            "v1=85ed418e92d2859c6b7ce7b90b6583fa564c14e315b2401a57644b0b034791cc"
        );
    }

    #[test]
    fn nothing_shows_the_secret_or_the_path() {
        let address = WebhookAddress::parse("http://127.0.0.1:1/T0/path-secret").unwrap();
        let webhook = Webhook::new(address, Some(secret()), None, Duration::from_secs(1)).unwrap();
        let shown = format!("{webhook:?}");
        assert!(
            !shown.contains("hunter2") && !shown.contains("path-secret"),
            "{shown}"
        );
    }

    #[test]
    fn what_an_answer_means() {
        let address = WebhookAddress::parse("https://h/").unwrap();
        let of = |code: u16| judge(StatusCode::from_u16(code).unwrap(), &address);
        for code in [200, 201, 202, 204] {
            assert_eq!(of(code), Ok(()));
        }
        for code in [408, 429, 500, 502, 503] {
            assert!(matches!(of(code), Err(Failure::Unreachable(_))), "{code}");
        }
        for code in [301, 302, 400, 401, 403, 404, 410] {
            assert!(matches!(of(code), Err(Failure::Refused(_))), "{code}");
        }
    }

    async fn answered(answer: &'static [u8]) -> Result<(), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 4_096];
            let count = stream.read(&mut read).await.unwrap();
            stream.write_all(answer).await.unwrap();
            // Held open: the client must not wait for the end of the answer.
            read.truncate(count);
            (read, stream)
        });
        let address = WebhookAddress::parse(&format!("http://127.0.0.1:{port}/hook?x=1")).unwrap();
        let webhook = Webhook::new(address, Some(secret()), None, Duration::from_secs(2)).unwrap();
        let now = Timestamp::from_second(1_769_871_600).unwrap();
        let outcome = webhook.tell(12, b"{\"id\":1}".to_vec(), now).await;
        let (request, _held) = server.await.unwrap();
        let request = String::from_utf8(request).unwrap().to_lowercase();
        for line in [
            "post /hook?x=1 http/1.1\r\n",
            "gatehouse-alert: 12\r\n",
            "gatehouse-timestamp: 1769871600\r\n",
            "content-type: application/json\r\n",
            "\r\n\r\n{\"id\":1}",
        ] {
            assert!(request.contains(line), "{line} is missing: {request}");
        }
        assert!(request.contains(&signature(&secret(), "1769871600", b"{\"id\":1}")));
        outcome
    }

    #[test]
    fn without_a_secret_nothing_is_signed() {
        let address = WebhookAddress::parse("http://127.0.0.1:1/T0/x").unwrap();
        let now = Timestamp::from_second(1_769_871_600).unwrap();
        for (secret, signed) in [(None, false), (Some(secret()), true)] {
            let webhook = Webhook::new(address.clone(), secret, None, Duration::from_secs(1)).unwrap();
            let request = webhook.request(7, b"{}".to_vec(), now).unwrap();
            assert_eq!(request.headers().contains_key("Gatehouse-Signature"), signed);
        }
    }

    #[tokio::test]
    async fn answers_of_all_kinds_are_understood_and_bounded() {
        assert_eq!(answered(b"HTTP/1.1 204 No Content\r\n\r\n").await, Ok(()));
        assert_eq!(
            answered(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nendless").await,
            Ok(())
        );
        let refused = answered(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
        assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
        for odd in [&b"garbage\r\n\r\n"[..], &[b'x'; 40_000]] {
            let failed = answered(odd).await;
            assert!(matches!(failed, Err(Failure::Unreachable(_))), "{failed:?}");
        }
        let silent = answered(b"").await;
        let Err(Failure::Unreachable(text)) = silent else {
            panic!("{silent:?}");
        };
        assert!(text.contains("did not answer within 2 seconds"), "{text}");
    }
}
