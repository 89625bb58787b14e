//! A terminal with a person at it: programs run on a pty, text is typed and awaited.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::pty::{Winsize, openpty};

use crate::process::kill_tree;
use crate::run::{Collected, Run};
use crate::wait::{LIMIT, wait_for};

/// A program on a pty.
pub struct Terminal {
    child: Child,
    keyboard: File,
    name: PathBuf,
    screen: Collected,
    read: usize,
    // Keeps the pty alive until the program has ended, so that what it printed last can still be read.
    slave: Option<OwnedFd>,
}

impl Terminal {
    /// Starts a program on a new pty of 24 rows and 80 columns.
    pub fn start(program: &str, args: &[String]) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).expect("a pty");
        let name = nix::unistd::ttyname(&pty.slave).expect("the pty's name");
        let end = || Stdio::from(pty.slave.try_clone().expect("the pty's end"));
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", program])
            .args(args)
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("a program on a terminal");
        let keyboard = File::from(pty.master);
        let screen = Collected::from(keyboard.try_clone().ok());
        Self {
            child,
            keyboard,
            name,
            screen,
            read: 0,
            slave: Some(pty.slave),
        }
    }

    /// Types.
    pub fn types(&mut self, text: &str) {
        self.keyboard
            .write_all(text.as_bytes())
            .expect("the terminal takes what is typed");
    }

    /// Waits until this text appears behind what was awaited before; returns what came before it.
    #[track_caller]
    pub fn shows(&mut self, text: &str) -> String {
        self.shows_within(text, LIMIT)
    }

    /// The same with a deadline of its own.
    #[track_caller]
    pub fn shows_within(&mut self, text: &str, limit: Duration) -> String {
        let start = std::time::Instant::now();
        loop {
            let all = self.all();
            let rest = all.get(self.read..).unwrap_or_default();
            if let Some(at) = rest.find(text) {
                let before = rest.get(..at).unwrap_or_default().to_owned();
                self.read += at + text.len();
                return before;
            }
            assert!(
                start.elapsed() < limit,
                "{text:?} did not appear within {limit:?} on the screen:\n{all}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything shown so far.
    pub fn all(&self) -> String {
        String::from_utf8_lossy(&self.screen.so_far()).into_owned()
    }

    /// Changes the size of the window.
    pub fn resize(&self, rows: u16, columns: u16) {
        let stty = Run::new("stty").arg("-F").arg(&self.name);
        stty.args(["rows", &rows.to_string(), "cols", &columns.to_string()])
            .done()
            .ok();
    }

    /// Waits for the program's end, and for all it showed, and gives its exit status.
    #[track_caller]
    pub fn ends(&mut self) -> i32 {
        let start = std::time::Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.slave = None;
                self.screen.all();
                return status.code().unwrap_or(-1);
            }
            assert!(
                start.elapsed() < LIMIT,
                "the program did not end within {LIMIT:?}:\n{}",
                self.all()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Waits until what is shown fulfils a condition.
    #[track_caller]
    pub fn shows_what(&self, what: &str, condition: impl Fn(&str) -> bool) {
        wait_for(what, LIMIT, || condition(&self.all()).then_some(()));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if !self.has_ended() {
            kill_tree(self.child.id());
        }
        let _ = self.child.wait();
    }
}
