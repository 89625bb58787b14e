//! A piece of typed text that waits for its echo; see `echo` for the rule.

use std::time::Duration;

use super::shown::Novelty;
use crate::offset::Offset;

/// The time in which an echo must come.
pub(super) const ECHO_WITHIN: Duration = Duration::from_secs(1);
/// Shortest piece that is searched for as a whole.
pub(super) const WHOLE_MIN: usize = 3;

/// Text typed between two keys.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) text: Vec<(char, Offset)>,
    /// Bytes of the text.
    pub(super) length: usize,
    /// Characters that were echoed as typed.
    pub(super) echoed: usize,
    /// Whether it may still be echoed as typed.
    pub(super) as_typed: bool,
    /// Whether its last character was typed.
    pub(super) complete: bool,
    pub(super) failed: bool,
    /// The line it belongs to.
    pub(super) line: u64,
    /// Where in all that was shown it began.
    pub(super) shown_from: u64,
}

impl Piece {
    pub(super) fn is_echoed(&self) -> bool {
        self.echoed >= self.text.len()
    }

    pub(super) fn is_decided(&self) -> bool {
        self.failed || (self.complete && self.is_echoed())
    }

    pub(super) fn deadline(&self) -> Option<Offset> {
        if self.failed || self.is_echoed() {
            return None;
        }
        let waiting = if self.as_typed {
            self.text.get(self.echoed)
        } else {
            self.text.last()
        };
        waiting.map(|(_, typed)| typed.plus(ECHO_WITHIN))
    }

    pub(super) fn expire(&mut self, at: Offset) {
        if self.as_typed && self.deadline().is_some_and(|deadline| deadline <= at) {
            self.miss();
        }
        if !self.as_typed && self.deadline().is_some_and(|deadline| deadline <= at) {
            self.failed = true;
        }
    }

    pub(super) fn show(&mut self, shown: char, novelty: Novelty) {
        if !self.as_typed || self.failed {
            return;
        }
        let Some((expected, _)) = self.text.get(self.echoed) else {
            return;
        };
        if *expected == shown {
            self.echoed += 1;
        } else if novelty == Novelty::New && shown != ' ' {
            self.miss();
        }
    }

    fn miss(&mut self) {
        self.as_typed = false;
        self.echoed = 0;
    }
}

impl std::fmt::Display for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        self.text
            .iter()
            .try_for_each(|(character, _)| f.write_char(*character))
    }
}
