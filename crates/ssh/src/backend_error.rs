//! Why a backend cannot be reached or not be trusted.

use std::io;

use gatehouse_model::{LegacyAlgorithms, Target};

use crate::algorithms::{is_legacy, kind_words};

/// Longest list of a backend's algorithms that a sentence shows, in characters.
const OFFERED_MAX: usize = 200;

/// The backend cannot be reached or not be trusted. Each is a sentence for the person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackendError {
    /// Its name does not resolve.
    #[error("the name of {server} ({target}) could not be resolved; tell your administrator")]
    Unresolved { server: String, target: Target },
    /// It refuses connections.
    #[error(
        "{server} ({target}) refuses the connection: nothing listens there; it may be down or restarting"
    )]
    Refused { server: String, target: Target },
    /// It does not answer.
    #[error("{server} ({target}) did not answer within {seconds} seconds; it may be down or cut off")]
    Slow {
        server: String,
        target: Target,
        seconds: u64,
    },
    /// There is no way to it.
    #[error("{server} ({target}) cannot be reached: {source}")]
    Unreachable {
        server: String,
        target: Target,
        source: io::Error,
    },
    /// Its host key is not the pinned one.
    #[error(
        "the host key of {server} has changed: it now shows {fingerprint}, which is not the key known for it. Nothing \
         was sent to it. An administrator must look into this, and can accept the key with `gatehouse server hostkey \
         accept {server}`"
    )]
    KeyChanged { server: String, fingerprint: String },
    /// Its host key is known to nobody yet and no password may go to it.
    #[error(
        "the host key of {server}, {fingerprint}, is seen for the first time and must be accepted by an administrator \
         before a password is sent to it (`gatehouse server hostkey accept {server}`)"
    )]
    KeyUnaccepted { server: String, fingerprint: String },
    /// The key store could not be asked.
    #[error("the host key of {server} could not be checked, so nothing was sent to it; try again shortly")]
    KeyUnchecked { server: String },
    /// It speaks no SSH, or none that fits.
    #[error("{server} ({target}) and the gate could not agree on a secure connection: {source}")]
    Handshake {
        server: String,
        target: Target,
        source: russh::Error,
    },
    /// It knows only algorithms that are used towards servers whose entry allows them.
    #[error(
        "{server} ({target}) offers outdated {what} only ({offered}), and its entry does not allow them. Update the \
         server; if that cannot be, an administrator can allow them with `gatehouse server edit {server} \
         --legacy-algorithms on`"
    )]
    Outdated {
        server: String,
        target: Target,
        what: &'static str,
        offered: String,
    },
    /// It knows no algorithm that the gate knows.
    #[error(
        "{server} ({target}) offers {what} that the gate does not use ({offered}); tell your administrator"
    )]
    Incompatible {
        server: String,
        target: Target,
        what: &'static str,
        offered: String,
    },
    /// It went away.
    #[error("{server} ended the connection during the login")]
    Gone { server: String },
}

impl BackendError {
    /// The word for the audit book.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unresolved { .. } => "backend_unresolved",
            Self::Refused { .. } => "backend_refused",
            Self::Slow { .. } => "backend_timeout",
            Self::Unreachable { .. } => "backend_unreachable",
            Self::KeyChanged { .. } => "host_key_changed",
            Self::KeyUnaccepted { .. } => "host_key_unaccepted",
            Self::KeyUnchecked { .. } => "host_key_unchecked",
            Self::Outdated { .. } => "backend_outdated",
            Self::Handshake { .. } | Self::Incompatible { .. } => "backend_handshake",
            Self::Gone { .. } => "backend_gone",
        }
    }

    /// Why the key exchange with a backend failed. What it offers comes from outside: bounded, and cleared where it is
    /// shown.
    pub(crate) fn of_handshake(
        server: String,
        target: Target,
        legacy: LegacyAlgorithms,
        source: russh::Error,
    ) -> Self {
        let russh::Error::NoCommonAlgo { kind, theirs, .. } = &source else {
            return Self::Handshake {
                server,
                target,
                source,
            };
        };
        let what = kind_words(kind);
        let offered: String = theirs.join(", ").chars().take(OFFERED_MAX).collect();
        if legacy == LegacyAlgorithms::Off && is_legacy(kind, theirs) {
            Self::Outdated {
                server,
                target,
                what,
                offered,
            }
        } else {
            Self::Incompatible {
                server,
                target,
                what,
                offered,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_telemetry::words::SESSION_FAILURES;

    use super::*;

    #[test]
    fn every_code_is_counted_under_its_own_word() {
        let server = || "web01".to_owned();
        let fingerprint = server;
        let target = || Target {
            host: "127.0.3.1".parse().unwrap(),
            port: 22,
        };
        let refused = io::ErrorKind::ConnectionReset;
        let errors = [
            BackendError::Unresolved {
                server: server(),
                target: target(),
            },
            BackendError::Refused {
                server: server(),
                target: target(),
            },
            BackendError::Slow {
                server: server(),
                target: target(),
                seconds: 1,
            },
            BackendError::Unreachable {
                server: server(),
                target: target(),
                source: refused.into(),
            },
            BackendError::KeyChanged {
                server: server(),
                fingerprint: fingerprint(),
            },
            BackendError::KeyUnaccepted {
                server: server(),
                fingerprint: fingerprint(),
            },
            BackendError::KeyUnchecked { server: server() },
            BackendError::Handshake {
                server: server(),
                target: target(),
                source: russh::Error::HUP,
            },
            BackendError::Outdated {
                server: server(),
                target: target(),
                what: "ciphers",
                offered: server(),
            },
            BackendError::Gone { server: server() },
        ];
        for error in errors {
            assert!(SESSION_FAILURES.contains(&error.code()), "{}", error.code());
        }
    }
}
