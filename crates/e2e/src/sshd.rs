//! A real OpenSSH server.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::net::free_port;
use crate::process::kill_with_variable;
use crate::run::Run;
use crate::this_login;
use crate::wait::{LIMIT, wait_for};

/// The kind of a server's host key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HostKey {
    /// Ed25519.
    #[default]
    Ed25519,
    /// RSA, signed with whatever hash the server's configuration allows.
    Rsa,
}

/// What a server is like.
#[derive(Clone, Default)]
pub struct SshdSetup {
    /// Public keys that may log in, as lines.
    pub authorized: Vec<String>,
    /// Lines of its configuration; they come before the usual ones and so win.
    pub lines: Vec<String>,
}

/// A server on a loopback address, as the account that the tests run as.
pub struct Sshd {
    folder: TempDir,
    child: Option<Child>,
    setup: SshdSetup,
    host_key: HostKey,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Sshd {
    /// Starts a server at a free port of this address.
    pub fn start(address: Ipv4Addr, setup: SshdSetup) -> Self {
        Self::with_host_key(address, setup, HostKey::default())
    }

    /// The same with this kind of host key.
    pub fn with_host_key(address: Ipv4Addr, setup: SshdSetup, host_key: HostKey) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let addr = SocketAddr::from((address, free_port(address)));
        let mut sshd = Self {
            folder,
            child: None,
            setup,
            host_key,
            addr,
        };
        sshd.make_host_key();
        sshd.launch();
        sshd
    }

    /// Lets another key in.
    pub fn authorize(&mut self, public_key: &str) {
        self.setup.authorized.push(public_key.to_owned());
        self.write_files();
    }

    /// Ends the server; connections of it that are under way go on.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again at the same port.
    pub fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// Gives it another host key and starts it again.
    pub fn change_host_key(&mut self) {
        self.stop();
        let _ = fs::remove_file(self.path("host_key"));
        let _ = fs::remove_file(self.path("host_key.pub"));
        self.make_host_key();
        self.launch();
    }

    /// The fingerprint of its host key, `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let line = Run::new("ssh-keygen")
            .arg("-lf")
            .arg(self.path("host_key.pub"))
            .done()
            .ok();
        line.split_whitespace().nth(1).expect("a fingerprint").to_owned()
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read(self.path("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// A folder on the server for the test's files.
    pub fn files(&self) -> PathBuf {
        self.path("files")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make_host_key(&self) {
        let kind = match self.host_key {
            HostKey::Ed25519 => "ed25519",
            HostKey::Rsa => "rsa",
        };
        let keygen = Run::new("ssh-keygen").args(["-q", "-t", kind, "-N", "", "-f"]);
        keygen.arg(self.path("host_key")).done().ok();
    }

    /// Logins find an empty home, so that nothing of this machine's own shows in what they print.
    fn write_files(&self) {
        let folder = self.folder.path().display();
        let own = self.setup.lines.join("\n");
        let text = format!(
            "{own}\nListenAddress {}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized\n\
             PidFile none\nStrictModes no\nUsePAM no\nUseDNS no\nPermitRootLogin yes\nSetEnv HOME={folder}/files\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPrintMotd no\nPrintLastLog no\nAcceptEnv GH_*\nMaxStartups 200\n\
             MaxSessions 200\nSubsystem sftp internal-sftp\nLogLevel VERBOSE\n",
            self.addr
        );
        fs::write(self.path("config"), text).expect("the server's configuration");
        fs::write(self.path("authorized"), self.setup.authorized.join("\n")).expect("the authorized keys");
    }

    fn launch(&mut self) {
        if nix::unistd::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").expect("the folder that sshd changes its root to");
        }
        // Accounts other than the one of the test read their keys there, too.
        let permissions = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        fs::set_permissions(self.folder.path(), permissions).expect("permissions of the server's folder");
        fs::create_dir_all(self.files()).expect("the server's folder for files");
        self.write_files();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-f"])
            .arg(self.path("config"))
            .arg("-E")
            .arg(self.path("log"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sshd starts");
        self.child = Some(child);
        wait_for("sshd to listen", LIMIT, || {
            let running = self
                .child
                .as_mut()
                .is_some_and(|child| matches!(child.try_wait(), Ok(None)));
            assert!(running, "sshd ended:\n{}", self.log());
            TcpStream::connect(self.addr).ok()
        });
    }

    /// The login that it lets in.
    pub fn login(&self) -> String {
        this_login()
    }
}

impl Drop for Sshd {
    #[expect(clippy::print_stderr, reason = "shown with a failed test")]
    fn drop(&mut self) {
        self.stop();
        // What logins have left running, and would run for ever now that the folder goes.
        kill_with_variable(&format!("HOME={}", self.files().display()));
        if std::thread::panicking() {
            eprintln!("-- log of sshd at {}\n{}", self.addr, self.log());
        }
    }
}
