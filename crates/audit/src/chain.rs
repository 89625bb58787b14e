//! The chain through the book, and its verification in one pass.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Event, Hash};

/// The last event of a book: its number and hash. Whoever keeps one can later prove that everything up to it is
/// still there and unchanged. Written `SEQ:HASH`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last event; 0 in an empty book.
    pub seq: u64,
    /// Its hash; zeros in an empty book.
    pub hash: Hash,
}

/// The text is not a head.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not the head of an audit book; give it as SEQ:HASH, as `gatehouse audit verify` prints it")]
pub struct HeadError(String);

impl Head {
    /// The head of an empty book.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: Hash::ZERO,
    };

    /// The head once `event` is the last one.
    pub fn of(event: &Event) -> Self {
        Self {
            seq: event.seq,
            hash: event.hash,
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || HeadError(text.chars().take(100).collect());
        let (seq, hash) = text.trim().split_once(':').ok_or_else(error)?;
        if seq.is_empty() || !seq.bytes().all(|b| b.is_ascii_digit()) {
            return Err(error());
        }
        Ok(Self {
            seq: seq.parse().map_err(|_| error())?,
            hash: hash.parse().map_err(|_| error())?,
        })
    }
}

/// What is wrong with a book, at the first place where it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// The line is not what was written.
    #[error("line {seq} was changed: it does not have the hash that its content gives")]
    Changed {
        /// Its number.
        seq: u64,
    },
    /// The line is not there.
    #[error("line {seq} is missing")]
    Missing {
        /// Its number.
        seq: u64,
    },
    /// The line does not stand where it was written.
    #[error("line {seq} is out of order: another line stands in its place")]
    Reordered {
        /// Its number.
        seq: u64,
    },
    /// The end of the book is gone.
    #[error(
        "the book was cut off: it ends with line {last}, and a kept head says that it reached line {reached}"
    )]
    CutOff {
        /// The last line that is there.
        last: u64,
        /// The last line that is known to have been there.
        reached: u64,
    },
    /// The lines agree with each other and not with what was kept elsewhere.
    #[error("the book was written anew: line {seq} does not have the hash that a kept head says")]
    Rewritten {
        /// The line that a kept head names.
        seq: u64,
    },
}

impl Fault {
    /// The first line at which it shows.
    pub fn seq(self) -> u64 {
        match self {
            Self::Changed { seq }
            | Self::Missing { seq }
            | Self::Reordered { seq }
            | Self::Rewritten { seq } => seq,
            Self::CutOff { last, .. } => last + 1,
        }
    }

    /// A word for it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Changed { .. } => "changed",
            Self::Missing { .. } => "missing",
            Self::Reordered { .. } => "reordered",
            Self::CutOff { .. } => "cut_off",
            Self::Rewritten { .. } => "rewritten",
        }
    }
}

/// What a verification found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// How many lines were read.
    pub lines: u64,
    /// The last line that is right.
    pub head: Head,
    /// The first fault, if there is one.
    pub fault: Option<Fault>,
}

/// Checks a book line by line, in the order in which the lines stand, in constant memory.
///
/// After the first fault it reads on only as far as needed to say of which kind it is: a line that is not where it
/// should be is *missing*, unless it comes later (*reordered*); a line whose hash does not fit is *changed*, unless
/// the next line would fit in its place (*reordered*).
#[derive(Debug)]
pub struct ChainVerifier {
    kept: Vec<Head>,
    lines: u64,
    head: Head,
    state: State,
}

#[derive(Debug)]
enum State {
    Sound,
    /// This line did not come when it should have.
    Gap(u64),
    /// This line did not have the right hash; the next one will tell why.
    Mismatch(u64),
    Found(Fault),
}

impl ChainVerifier {
    /// Begins at the first line. `kept` are heads that were kept elsewhere; the book must agree with each.
    pub fn new(mut kept: Vec<Head>) -> Self {
        kept.retain(|head| head.seq > 0);
        Self {
            kept,
            lines: 0,
            head: Head::EMPTY,
            state: State::Sound,
        }
    }

    /// Begins after a line that is known to be right. Faults before it are not looked for.
    pub fn after(known: Head, kept: Vec<Head>) -> Self {
        let mut verifier = Self::new(kept);
        verifier.kept.retain(|head| head.seq > known.seq);
        verifier.head = known;
        verifier
    }

    /// Takes the next line.
    pub fn push(&mut self, event: &Event) {
        self.lines += 1;
        match self.state {
            State::Sound => self.push_sound(event),
            State::Gap(seq) if event.seq == seq => self.state = State::Found(Fault::Reordered { seq }),
            State::Mismatch(seq) => {
                let swapped = event.hash_as(self.head.hash, seq) == event.hash;
                self.state = State::Found(if swapped {
                    Fault::Reordered { seq }
                } else {
                    Fault::Changed { seq }
                });
            }
            State::Gap(_) | State::Found(_) => {}
        }
    }

    fn push_sound(&mut self, event: &Event) {
        let expected = self.head.seq + 1;
        if event.seq < expected {
            self.state = State::Found(Fault::Reordered { seq: event.seq });
        } else if event.seq > expected {
            self.state = State::Gap(expected);
        } else if event.hash_after(self.head.hash) != event.hash {
            self.state = State::Mismatch(expected);
        } else {
            self.head = Head::of(event);
            if self
                .kept
                .iter()
                .any(|kept| kept.seq == event.seq && kept.hash != event.hash)
            {
                self.state = State::Found(Fault::Rewritten { seq: event.seq });
            }
        }
    }

    /// Whether the kind of the first fault is known, so that reading on is of no use.
    pub fn is_decided(&self) -> bool {
        matches!(self.state, State::Found(_))
    }

    /// The end of the book has been reached.
    pub fn finish(self) -> Verdict {
        let fault = match self.state {
            State::Found(fault) => Some(fault),
            State::Gap(seq) => Some(Fault::Missing { seq }),
            State::Mismatch(seq) => Some(Fault::Changed { seq }),
            State::Sound => {
                let reached = self.kept.iter().map(|kept| kept.seq).max().unwrap_or(0);
                (reached > self.head.seq).then_some(Fault::CutOff {
                    last: self.head.seq,
                    reached,
                })
            }
        };
        Verdict {
            lines: self.lines,
            head: self.head,
            fault,
        }
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
