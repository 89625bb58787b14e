//! The certificate of the pages: given, or made at the first start.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum Certificate {
    /// From these files, in PEM: the chain and the key.
    Files {
        /// The chain, the site's own certificate first.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// Made here if there is none yet, and kept in `web.crt` and `web.key` of this directory.
    SelfSigned {
        /// The directory.
        dir: PathBuf,
        /// The names and addresses it is for, if it has to be made.
        names: Vec<String>,
    },
}

/// The pages cannot be served over TLS.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{} cannot be {done}; check web.cert, web.key and the permissions", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        done: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A file holds no certificate or key.
    #[error("{} holds no {what} in PEM form", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key do not fit.
    #[error("the certificate and the key in web.cert and web.key cannot be used together")]
    Mismatch(#[source] rustls::Error),
    /// A certificate cannot be made.
    #[error("a certificate for {0} cannot be made; correct web.public_url")]
    Make(String, #[source] rcgen::Error),
}

/// What TLS needs.
///
/// # Errors
/// The files cannot be read, or hold something else.
pub fn server_config(certificate: &Certificate) -> Result<Arc<ServerConfig>, CertificateError> {
    let (cert, key) = match certificate {
        Certificate::Files { cert, key } => (cert.clone(), key.clone()),
        Certificate::SelfSigned { dir, names } => self_signed(dir, names)?,
    };
    let chain = chain(&cert)?;
    let private =
        PrivateKeyDer::from_pem_file(&key).map_err(|error| unreadable(&key, "private key", error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(CertificateError::Mismatch)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(CertificateError::Mismatch)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, "certificate", error))?;
    let chain: Result<Vec<_>, _> = read.collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(CertificateError::Pem {
            path: path.to_owned(),
            what: "certificate",
        }),
        Err(error) => Err(unreadable(path, "certificate", error)),
    }
}

fn unreadable(path: &Path, what: &'static str, error: rustls::pki_types::pem::Error) -> CertificateError {
    match error {
        rustls::pki_types::pem::Error::Io(source) => CertificateError::File {
            path: path.to_owned(),
            done: "read",
            source,
        },
        _ => CertificateError::Pem {
            path: path.to_owned(),
            what,
        },
    }
}

/// The files of the certificate that was made here; made now if one is missing.
fn self_signed(dir: &Path, names: &[String]) -> Result<(PathBuf, PathBuf), CertificateError> {
    let (cert, key) = (dir.join("web.crt"), dir.join("web.key"));
    if cert.exists() && key.exists() {
        return Ok((cert, key));
    }
    let shown = || names.join(", ");
    let made = |error| CertificateError::Make(shown(), error);
    let pair = KeyPair::generate().map_err(made)?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(made)?;
    let mut subject = DistinguishedName::new();
    subject.push(
        DnType::CommonName,
        names.first().map_or("gatehouse", String::as_str),
    );
    params.distinguished_name = subject;
    let signed = params.self_signed(&pair).map_err(made)?;
    // The key first: a certificate without its key would be taken for whole at the next start.
    write(&key, &pair.serialize_pem(), 0o600)?;
    write(&cert, &signed.pem(), 0o644)?;
    Ok((cert, key))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
    let written = || -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(|source| CertificateError::File {
        path: path.to_owned(),
        done: "written",
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let certificate = Certificate::SelfSigned {
            dir: dir.path().to_owned(),
            names: vec!["jump".to_owned(), "127.0.0.1".to_owned()],
        };
        server_config(&certificate).unwrap();
        let first = fs::read(dir.path().join("web.crt")).unwrap();
        server_config(&certificate).unwrap();
        assert_eq!(fs::read(dir.path().join("web.crt")).unwrap(), first);
        let mode = fs::metadata(dir.path().join("web.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("c"), dir.path().join("k"));
        let given = Certificate::Files {
            cert: cert.clone(),
            key: key.clone(),
        };
        assert!(matches!(
            server_config(&given),
            Err(CertificateError::File { .. })
        ));
        fs::write(&cert, "nothing").unwrap();
        fs::write(&key, "nothing").unwrap();
        let error = server_config(&given).unwrap_err().to_string();
        assert!(error.contains("holds no certificate"), "{error}");
    }
}
