//! An `ssh-agent` of one person.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::run::Run;
use crate::wait::{LIMIT, wait_for};

pub(crate) struct Agent {
    child: Child,
    pub(crate) socket: PathBuf,
}

impl Agent {
    /// Starts an agent in this folder and gives it a key.
    pub(crate) fn with_key(folder: &Path, key: &Path) -> Self {
        let socket = folder.join("agent");
        let child = Command::new("ssh-agent")
            .args([Path::new("-D"), Path::new("-a"), &socket])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ssh-agent starts");
        let agent = Self { child, socket };
        wait_for("the agent to answer", LIMIT, || {
            UnixStream::connect(&agent.socket).ok()
        });
        Run::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &agent.socket)
            .done()
            .ok();
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
