//! Two sample OpenSSH servers, run as whoever runs the trial, who is also the login at them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::children::{Child, Pace};
use super::place::{Place, free_port};
use crate::failure::Failure;

/// The sample servers' names.
pub(super) const NAMES: [&str; 2] = ["web01", "db01"];
/// Where programs of administrators lie, beside those on the path.
const ADMIN_PATHS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
/// The directory that a server run by root changes its root to.
const PRIVILEGE_DIR: &str = "/run/sshd";

/// The programs that the trial needs.
pub(super) struct Tools {
    sshd: PathBuf,
    keygen: PathBuf,
}

impl Tools {
    /// Finds them.
    pub(super) fn find() -> Result<Self, Failure> {
        match (program("sshd"), program("ssh-keygen"), program("ssh")) {
            (Some(sshd), Some(keygen), Some(_)) => Ok(Self { sshd, keygen }),
            _ => Err(Failure::refused(
                "the trial needs OpenSSH for its sample servers; install it with: sudo apt-get install openssh-server openssh-client",
            )),
        }
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(ADMIN_PATHS.iter().map(PathBuf::from));
    places.map(|place| place.join(name)).find(|file| file.is_file())
}

/// A running sample server.
pub(super) struct Sample {
    /// Its name.
    pub(super) name: &'static str,
    /// Where it listens.
    pub(super) addr: SocketAddr,
    _child: Child,
}

/// The running sample servers, and how the gate logs in.
pub(super) struct Samples {
    /// The servers.
    pub(super) servers: Vec<Sample>,
    /// The private key that they know.
    pub(super) key: PathBuf,
    /// The login at them.
    pub(super) login: String,
}

/// Starts the sample servers and waits until they listen.
pub(super) async fn start(tools: &Tools, place: &Place) -> Result<Samples, Failure> {
    make_privilege_dir()?;
    let key = place.file("login_key");
    make_key(tools, &key)?;
    let mut servers = Vec::new();
    for (number, name) in (1..).zip(NAMES) {
        let address = place.server(number);
        let addr = SocketAddr::from((address, free_port(address)?));
        make_key(tools, &place.file(&format!("{name}_host_key")))?;
        let config = place.file(&format!("{name}_sshd_config"));
        write(&config, &configuration(place.dir(), name, addr))?;
        let mut command = Command::new(&tools.sshd);
        command.args(["-D", "-e", "-f"]).arg(&config);
        let log = place.file(&format!("{name}_sshd.log"));
        let mut child = Child::start(command, "a sample server", &log, Pace::AtOnce)?;
        child.wait_for_port(addr).await?;
        servers.push(Sample {
            name,
            addr,
            _child: child,
        });
    }
    let uid = nix::unistd::geteuid();
    let user = nix::unistd::User::from_uid(uid).ok().flatten();
    let user = user.ok_or_else(|| Failure::refused(format!("the user {uid} has no name on this machine")))?;
    Ok(Samples {
        servers,
        key,
        login: user.name,
    })
}

fn configuration(dir: &Path, name: &str, addr: SocketAddr) -> String {
    let dir = dir.display();
    // Without PAM the server refuses a login whose password is locked, which root's often is.
    let pam = if root_is_locked() { "yes" } else { "no" };
    format!(
        "ListenAddress {addr}\nHostKey \"{dir}/{name}_host_key\"\nAuthorizedKeysFile \"{dir}/login_key.pub\"\n\
         PidFile none\nStrictModes no\nUsePAM {pam}\nUseDNS no\nPermitRootLogin prohibit-password\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPrintMotd no\nPrintLastLog no\n\
         Subsystem sftp internal-sftp\nSetEnv GATEHOUSE_DEMO={name}\n"
    )
}

/// Whether the login is root and has a locked password. Nobody else can read that, nor needs to.
fn root_is_locked() -> bool {
    let shadow = fs::read_to_string("/etc/shadow").unwrap_or_default();
    let root = shadow.lines().find_map(|line| line.strip_prefix("root:"));
    nix::unistd::geteuid().is_root() && root.is_some_and(|rest| rest.starts_with('!'))
}

fn make_key(tools: &Tools, path: &Path) -> Result<(), Failure> {
    let comment = "gatehouse demo";
    let made = Command::new(&tools.keygen)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|source| Failure::System {
            what: "ssh-keygen cannot be started",
            source,
        })?;
    if made.success() {
        Ok(())
    } else {
        Err(Failure::refused(format!(
            "ssh-keygen could not make {}",
            path.display()
        )))
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|source| Failure::File {
        path: path.to_owned(),
        done: "written",
        source,
    })
}

/// Makes the directory that a server run by root needs, as its own service does. It stays: other servers of the
/// machine may have begun to rely on it, and without it they take no connection.
fn make_privilege_dir() -> Result<(), Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    fs::create_dir_all(PRIVILEGE_DIR).map_err(|source| Failure::File {
        path: PRIVILEGE_DIR.into(),
        done: "made",
        source,
    })
}
