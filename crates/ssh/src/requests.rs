//! What a client has asked for on a session channel before it starts anything.

use russh::Pty;

/// Variables that a channel may set.
const VARIABLES: usize = 64;
/// Bytes of a variable's name and value together.
const VARIABLE_BYTES: usize = 32 * 1024;

/// A terminal as the client asked for it (RFC 4254 section 6.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PtyRequest {
    pub(crate) term: String,
    pub(crate) cols: u32,
    pub(crate) rows: u32,
    pub(crate) pixel_width: u32,
    pub(crate) pixel_height: u32,
    pub(crate) modes: Vec<(Pty, u32)>,
}

/// Windows as the client asked for them (RFC 4254 section 6.3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct X11Request {
    pub(crate) single: bool,
    pub(crate) protocol: String,
    pub(crate) cookie: String,
    pub(crate) screen: u32,
}

/// The requests of a channel, in the order in which they are to be passed on.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub(crate) pty: Option<PtyRequest>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) agent: bool,
    pub(crate) x11: Option<X11Request>,
    pub(crate) started: bool,
}

impl Requests {
    /// Keeps a variable; one too many or too long is dropped, as servers drop what they do not accept.
    pub(crate) fn keep_variable(&mut self, name: &str, value: &str) -> bool {
        let fits = self.variables.len() < VARIABLES && name.len() + value.len() <= VARIABLE_BYTES;
        if fits {
            self.variables.push((name.to_owned(), value.to_owned()));
        }
        fits
    }

    /// Notes that a shell, command or subsystem was asked for; a channel has one (RFC 4254 section 6.5).
    pub(crate) fn start_once(&mut self) -> bool {
        !std::mem::replace(&mut self.started, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_bounded_and_a_channel_starts_once() {
        let mut requests = Requests::default();
        for n in 0..VARIABLES {
            assert!(requests.keep_variable(&format!("V{n}"), "x"));
        }
        assert!(!requests.keep_variable("MORE", "x"));
        assert!(!Requests::default().keep_variable("LONG", &"x".repeat(VARIABLE_BYTES)));
        assert!(requests.start_once());
        assert!(!requests.start_once());
    }
}
