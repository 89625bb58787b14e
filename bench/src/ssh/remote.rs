//! A command under way at the other end, whose start is no part of the measurement.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::place::{Place, Terms};
use super::route::Route;

/// What the command has at its ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ends {
    /// Pipes, as for data.
    Pipes,
    /// A terminal, as for a person; the command answers keys, not the terminal.
    Terminal,
}

/// A command that has said that it is ready.
pub(super) struct Remote {
    child: Child,
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: ChildStdout,
}

impl Remote {
    /// Starts a command behind `ssh` and waits until the other end is about to run it.
    pub(super) fn start(
        place: &Place,
        terms: Terms,
        route: Route,
        ends: Ends,
        command: &str,
    ) -> io::Result<Self> {
        let (options, silence): (&[&str], _) = match ends {
            Ends::Pipes => (&[], ""),
            Ends::Terminal => (&["-tt"], "stty -icanon -echo; "),
        };
        let line = format!("{silence}echo ready; {command}");
        let mut child = place.ssh(terms, route, options, &line)?.spawn()?;
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else {
            return Err(io::Error::other("the pipe was asked for"));
        };
        let mut remote = Self { child, stdin, stdout };
        remote.wait_until_ready()?;
        Ok(remote)
    }

    /// Sends all of it.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(bytes))
    }

    /// A terminal shows what the gate has to say first.
    fn wait_until_ready(&mut self) -> io::Result<()> {
        let mut shown = Vec::new();
        let mut byte = [0];
        while !(shown.ends_with(b"ready\n") || shown.ends_with(b"ready\r\n")) {
            self.stdout
                .read_exact(&mut byte)
                .map_err(|e| io::Error::new(e.kind(), format!("ssh ended before the command began: {e}")))?;
            shown.extend_from_slice(&byte);
        }
        Ok(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.stdin = None;
        // `timeout` hands the signal on; one that has ended waits for us, so that the number is still its own.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}
