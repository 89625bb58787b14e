//! Telling a client of mosh why it cannot pass.
//!
//! mosh starts `mosh-server` over SSH and goes on over UDP, which does not pass the gate: nothing would be recorded, and
//! the client would wait for packets that never come. This is a courtesy, no rule: whoever starts the program under
//! another name is recorded like anyone, and still gets no packet through.

/// What the person is told.
pub(crate) const SENTENCE: &str =
    "mosh does not work through the gate, because its UDP packets do not pass it; use ssh.";

/// Whether a command is how a mosh client starts its server: `mosh-server new …`, by whatever path and quoting.
pub(crate) fn starts_server(command: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(command) else {
        return false;
    };
    let mut words = text
        .split_ascii_whitespace()
        .map(|word| word.trim_matches(['\'', '"']));
    let program = words.next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    name == "mosh-server" && words.next().is_none_or(|verb| verb == "new")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mosh_client_is_recognised_and_nobody_else() {
        for yes in [
            "mosh-server",
            "mosh-server new -s -c 256 -l LANG=C.UTF-8",
            "mosh-server 'new' '-c' '256' '-s' '-l' 'LANG=C.UTF-8'",
            "/opt/mosh/bin/mosh-server new",
            "'mosh-server' \"new\"",
        ] {
            assert!(starts_server(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "mosh-server --version",
            "apt-get install mosh-server",
            "pgrep mosh-server",
            "mosh-server-check new",
            "echo mosh-server new",
        ] {
            assert!(!starts_server(no.as_bytes()), "{no}");
        }
        assert!(!starts_server(b"mosh-server \xff"));
    }
}
