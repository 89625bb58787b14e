//! The login a client sends, where the gate is reached by an address of its own: `LOGIN@SERVER` or
//! `LOGIN%SERVER`, split at the last sign.

/// The two halves of a login that names its server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginAtServer<'a> {
    /// The account at the server; may itself hold `@` (`user@domain@web01`).
    pub login: &'a str,
    /// The server's name or address.
    pub server: &'a str,
}

/// Splits a login at its last `@`, or else its last `%`. `None`: it names no server.
pub fn split_login(text: &str) -> Option<LoginAtServer<'_>> {
    let (login, server) = text.rsplit_once('@').or_else(|| text.rsplit_once('%'))?;
    (!login.is_empty() && !server.is_empty()).then_some(LoginAtServer { login, server })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sign_splits() {
        let split = |text| split_login(text).map(|l| (l.login, l.server));
        assert_eq!(split("root@web01"), Some(("root", "web01")));
        assert_eq!(split("root%web01"), Some(("root", "web01")));
        assert_eq!(split("user@domain@web01"), Some(("user@domain", "web01")));
        assert_eq!(split("user%x@web01"), Some(("user%x", "web01")));
        for none in ["root", "", "@web01", "root@", "%x", "x%"] {
            assert_eq!(split(none), None, "{none:?}");
        }
    }
}
