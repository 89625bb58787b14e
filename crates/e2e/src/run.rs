//! Running a program with a deadline.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::process::kill_tree;
use crate::tools::missing;
use crate::wait::LIMIT;

/// How long output may still come after a program has ended (a child of it may hold the pipe).
const DRAIN: Duration = Duration::from_secs(2);

/// What a program did.
#[derive(Clone, Debug)]
pub struct Done {
    /// The whole command, for messages.
    pub command: String,
    /// Exit status; `None` after a signal.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output, byte for byte.
    pub stdout: Vec<u8>,
    /// Standard error, byte for byte.
    pub stderr: Vec<u8>,
}

impl Done {
    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Fails the test unless the program exited with 0; returns its output.
    #[track_caller]
    pub fn ok(self) -> String {
        self.exits(0).out()
    }

    /// Fails the test unless the program exited so.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.command)?;
        writeln!(f, "exit {:?}, signal {:?}", self.code, self.signal)?;
        writeln!(f, "-- stdout\n{}", shortened(&self.stdout))?;
        writeln!(f, "-- stderr\n{}", shortened(&self.stderr))
    }
}

fn shortened(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(4_000).collect()
}

/// A program about to run.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
    keep_stdin_open: bool,
    limit: Duration,
}

/// A program under way.
pub struct Running {
    name: String,
    child: Child,
    stdout: Collected,
    stderr: Collected,
    limit: Duration,
    open_stdin: Option<std::process::ChildStdin>,
}

impl Run {
    /// A program found on the path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            command: Command::new(program),
            stdin: Vec::new(),
            keep_stdin_open: false,
            limit: LIMIT,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes away what the person who runs the tests may have set for the product.
    pub(crate) fn env_clean(mut self) -> Self {
        env_clean(&mut self.command);
        self
    }

    /// Where it runs.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads; by default nothing.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Its standard input stays open until it ends.
    pub fn waiting_stdin(mut self) -> Self {
        self.keep_stdin_open = true;
        self
    }

    /// Another deadline than [`LIMIT`].
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn done(self) -> Done {
        self.start().done()
    }

    /// Starts it.
    #[track_caller]
    pub fn start(mut self) -> Running {
        let name = format!("{:?}", self.command);
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                panic!("{}", missing(&self.command.get_program().to_string_lossy()))
            }
            _ => panic!("{name}: {e}"),
        });
        let mut stdin = child.stdin.take();
        let bytes = std::mem::take(&mut self.stdin);
        if !self.keep_stdin_open
            && let Some(mut pipe) = stdin.take()
        {
            thread::spawn(move || {
                // The program may end without reading it all.
                let _ = pipe.write_all(&bytes);
            });
        }
        let stdout = Collected::from(child.stdout.take());
        let stderr = Collected::from(child.stderr.take());
        Running {
            name,
            child,
            stdout,
            stderr,
            limit: self.limit,
            open_stdin: stdin,
        }
    }
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input, which stayed open.
    pub fn types(&mut self, text: &str) {
        let stdin = self.open_stdin.as_mut().expect("the input was kept open");
        stdin.write_all(text.as_bytes()).expect("the program reads");
    }

    /// What it has printed so far.
    pub fn stdout_so_far(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// What it has complained so far.
    pub fn stderr_so_far(&self) -> String {
        String::from_utf8_lossy(&self.stderr.so_far()).into_owned()
    }

    /// Waits until its standard output holds this text; fails the test at once if it ends without it.
    #[track_caller]
    pub fn prints(&mut self, text: &str) {
        let start = std::time::Instant::now();
        while !self.stdout_so_far().contains(text) {
            // What it printed last may come in after its end.
            let over = !self.is_running() && !String::from_utf8_lossy(&self.stdout.all()).contains(text);
            if over || start.elapsed() > self.limit {
                let what = if over { "ended" } else { "ran on" };
                let (stdout, stderr) = (self.stdout.so_far(), self.stderr.so_far());
                let (stdout, stderr) = (shortened(&stdout), shortened(&stderr));
                panic!(
                    "{} {what} without {text:?}\n-- stdout\n{stdout}\n-- stderr\n{stderr}",
                    self.name
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        send_signal(self.pid(), signal);
    }

    /// Waits for its end; kills it and fails the test if that does not come in time.
    #[track_caller]
    pub fn done(mut self) -> Done {
        let start = std::time::Instant::now();
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if start.elapsed() < self.limit => thread::sleep(Duration::from_millis(5)),
                _ => {
                    let _ = self.child.kill();
                    panic!(
                        "{} did not end within {:?}\n-- stdout\n{}\n-- stderr\n{}",
                        self.name,
                        self.limit,
                        shortened(&self.stdout.so_far()),
                        shortened(&self.stderr.so_far())
                    );
                }
            }
        };
        Done {
            command: self.name.clone(),
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Unless it has ended: its number may be another's by now.
        if self.is_running() {
            kill_tree(self.pid());
        }
        let _ = self.child.wait();
    }
}

pub(crate) fn env_clean(command: &mut Command) {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("GATEHOUSE_")) {
        command.env_remove(name);
    }
}

pub(crate) fn send_signal(pid: u32, signal: nix::sys::signal::Signal) {
    let pid = i32::try_from(pid).expect("a process id");
    // It may have ended by itself meanwhile.
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    ended: bool,
}

/// Output read in the background.
pub(crate) struct Collected {
    state: Arc<(Mutex<Output>, Condvar)>,
}

impl Collected {
    pub(crate) fn from(pipe: Option<impl Read + Send + 'static>) -> Self {
        let state = Arc::new((Mutex::new(Output::default()), Condvar::new()));
        let theirs = Arc::clone(&state);
        let mut pipe = pipe.expect("the pipe was asked for");
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let read = pipe.read(&mut buffer).unwrap_or(0);
                let mut state = theirs.0.lock().unwrap();
                match buffer.get(..read) {
                    Some(bytes) if read > 0 => state.bytes.extend_from_slice(bytes),
                    _ => {
                        state.ended = true;
                        theirs.1.notify_all();
                        return;
                    }
                }
            }
        });
        Self { state }
    }

    pub(crate) fn so_far(&self) -> Vec<u8> {
        self.state.0.lock().unwrap().bytes.clone()
    }

    pub(crate) fn all(&self) -> Vec<u8> {
        let state = self.state.0.lock().unwrap();
        self.state
            .1
            .wait_timeout_while(state, DRAIN, |output| !output.ended)
            .unwrap()
            .0
            .bytes
            .clone()
    }
}
