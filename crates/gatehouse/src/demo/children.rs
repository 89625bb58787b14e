//! The trial's processes: started in groups of their own, so that Ctrl-C reaches only the trial itself, which ends
//! them in order.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::failure::Failure;

/// Between two looks at a file or a process.
const LOOK: Duration = Duration::from_millis(30);
/// For a process that ends gracefully.
const GRACE: Duration = Duration::from_secs(8);

/// How a process is ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pace {
    /// It is asked to, and given time.
    Graceful,
    /// At once.
    AtOnce,
}

/// A process of the trial, ended when dropped.
pub(super) struct Child {
    process: std::process::Child,
    what: &'static str,
    log: PathBuf,
    pace: Pace,
}

impl Child {
    /// Starts a node.
    pub(super) fn node(program: &Path, config: &Path, log: &Path, pace: Pace) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(config);
        // The trial's configuration alone counts.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("GATEHOUSE_")) {
                command.env_remove(name);
            }
        }
        Self::start(command, "the gate", log, pace)
    }

    /// Starts a process whose messages go to `log`.
    pub(super) fn start(
        mut command: Command,
        what: &'static str,
        log: &Path,
        pace: Pace,
    ) -> Result<Self, Failure> {
        let file = File::create(log).map_err(|source| Failure::File {
            path: log.to_owned(),
            done: "written",
            source,
        })?;
        let process = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(|source| Failure::System {
                what: "a process of the trial cannot be started",
                source,
            })?;
        Ok(Self {
            process,
            what,
            log: log.to_owned(),
            pace,
        })
    }

    /// Waits until its log has this line.
    pub(super) async fn wait_for_line(&mut self, line: &str, patience: Duration) -> Result<(), Failure> {
        let until = Instant::now() + patience;
        loop {
            if fs::read_to_string(&self.log).is_ok_and(|text| text.lines().any(|found| found == line)) {
                return Ok(());
            }
            self.still_runs()?;
            if Instant::now() >= until {
                return Err(self.failure("did not get ready in time"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until it listens there.
    pub(super) async fn wait_for_port(&mut self, addr: std::net::SocketAddr) -> Result<(), Failure> {
        let until = Instant::now() + GRACE;
        while tokio::net::TcpStream::connect(addr).await.is_err() {
            self.still_runs()?;
            if Instant::now() >= until {
                return Err(self.failure("does not listen"));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until it ends by itself, which it is not meant to.
    pub(super) async fn ended(&mut self) -> Result<(), Failure> {
        loop {
            self.still_runs()?;
            tokio::time::sleep(LOOK * 10).await;
        }
    }

    fn still_runs(&mut self) -> Result<(), Failure> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(self.failure("ended")),
        }
    }

    /// What happened, with the last line of its log.
    fn failure(&self, happened: &str) -> Failure {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let last = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("it left no message");
        let last = last.strip_prefix("gatehouse: ").unwrap_or(last);
        Failure::refused(format!("{} of the trial {happened}: {last}", self.what))
    }

    fn signal(&self, signal: Signal) {
        if let Ok(id) = i32::try_from(self.process.id()) {
            // A group that is gone needs no signal.
            let _gone = killpg(Pid::from_raw(id), signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.pace == Pace::Graceful {
            self.signal(Signal::SIGTERM);
            let until = Instant::now() + GRACE;
            while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(LOOK);
            }
        }
        self.signal(Signal::SIGKILL);
        let _gone = self.process.wait();
    }
}
