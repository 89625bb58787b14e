//! What the peers could not do, for which a table has no figure.

use std::fmt;
use std::io;

use super::route::Route;

/// A sentence for each figure that there is not, said once.
#[derive(Default)]
pub(super) struct Absent {
    failures: Vec<(Route, String, String)>,
    others: Vec<String>,
}

impl Absent {
    /// What a failure on this route means: a peer that cannot do something has no figure, and the others have to. The first
    /// failure of a peer at something is kept.
    pub(super) fn allow<T>(
        &mut self,
        route: Route,
        what: &str,
        outcome: io::Result<T>,
    ) -> io::Result<Option<T>> {
        match outcome {
            Err(error) if Route::PEERS.contains(&route) => {
                let known = |(by, at, _): &(Route, String, String)| *by == route && at == what;
                if !self.failures.iter().any(known) {
                    let error = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                    self.failures.push((route, what.to_owned(), error));
                }
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }

    /// Sentences of others about peers that are not there; two places may say the same.
    pub(super) fn also(&mut self, sentences: &[String]) {
        for sentence in sentences {
            if !self.others.contains(sentence) {
                self.others.push(sentence.clone());
            }
        }
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sentence in &self.others {
            writeln!(f, "{sentence}\n")?;
        }
        for (route, what, error) in &self.failures {
            writeln!(
                f,
                "The {} proxy has no figure for {what}: {error}.\n",
                route.words()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(words: &str) -> io::Result<()> {
        Err(io::Error::other(words.to_owned()))
    }

    #[test]
    fn a_peer_that_fails_is_told_once_for_each_figure() {
        let mut absent = Absent::default();
        for (what, words) in [("keys", "no\npty"), ("keys", "closed"), ("MB/s up", "closed")] {
            let allowed = absent.allow(Route::Paramiko, what, failure(words));
            assert_eq!(allowed.unwrap(), None);
        }
        assert_eq!(absent.allow(Route::Go, "keys", Ok(7)).unwrap(), Some(7));
        absent.also(&["The Go proxy was not measured: no go.".to_owned()]);
        absent.also(&["The Go proxy was not measured: no go.".to_owned()]);
        assert_eq!(
            absent.to_string(),
            "The Go proxy was not measured: no go.\n\n\
             The Paramiko proxy has no figure for keys: no pty.\n\n\
             The Paramiko proxy has no figure for MB/s up: closed.\n\n"
        );
    }

    #[test]
    fn the_gate_and_openssh_may_not_fail() {
        let mut absent = Absent::default();
        for route in Route::ALL {
            assert!(absent.allow(route, "keys", failure("closed")).is_err());
        }
        assert_eq!(absent.to_string(), "");
    }
}
