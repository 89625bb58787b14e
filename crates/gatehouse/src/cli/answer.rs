//! What a verb answers, written only once it is whole.

use std::io::Write;
use std::process::ExitCode;

use crate::failure::Failure;

/// What the exit status says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Verdict {
    /// Done; allowed; right.
    #[default]
    Yes,
    /// Denied; damaged.
    No,
}

/// A whole answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    body: String,
    verdict: Verdict,
}

impl Answer {
    /// This text.
    pub(crate) fn text(body: String) -> Self {
        Self {
            body,
            verdict: Verdict::Yes,
        }
    }

    /// Nothing: all was written already.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// The same answer with an exit status of its own.
    #[must_use]
    pub(crate) fn with(self, verdict: Verdict) -> Self {
        Self { verdict, ..self }
    }

    /// Writes it to standard output.
    pub(crate) fn write(self) -> Result<ExitCode, Failure> {
        let mut out = std::io::stdout().lock();
        out.write_all(self.body.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Failure::Output)?;
        Ok(match self.verdict {
            Verdict::Yes => ExitCode::SUCCESS,
            Verdict::No => ExitCode::FAILURE,
        })
    }
}
