//! How long a measurement may take.

/// The length of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Length {
    /// As the published figures are made.
    Full,
    /// To see whether it works, and the order of magnitude.
    Quick,
}

/// How much of something is measured in a run of each length.
#[derive(Clone, Copy)]
pub(crate) struct Effort<T> {
    pub(crate) full: T,
    pub(crate) quick: T,
}

impl<T> Effort<T> {
    pub(crate) fn at(self, length: Length) -> T {
        match length {
            Length::Full => self.full,
            Length::Quick => self.quick,
        }
    }
}
