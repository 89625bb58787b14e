//! A person's side: unmodified OpenSSH clients from an address of their own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::agent::Agent;
use crate::run::Run;

/// Where a client connects to, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The login as the client gives it; may hold `@server`.
    pub login: String,
    /// Address and port.
    pub addr: SocketAddr,
}

impl Target {
    /// The same place with another login.
    pub fn login(&self, login: &str) -> Self {
        Self {
            login: login.to_owned(),
            addr: self.addr,
        }
    }
}

/// A person with a key, at a source address.
pub struct Client {
    folder: TempDir,
    source: IpAddr,
    agent: Option<Agent>,
    lines: Vec<String>,
}

impl Client {
    /// A person with a fresh key and an agent that holds it, forwarded by `-A`.
    pub fn with_agent(source: Ipv4Addr) -> Self {
        let mut client = Self::with_key(source);
        client.agent = Some(Agent::with_key(client.folder.path(), &client.key()));
        client.write_config();
        client
    }

    /// A person with a fresh key and no agent.
    pub fn with_key(source: Ipv4Addr) -> Self {
        let client = Self {
            folder: tempfile::tempdir().expect("a folder for the client"),
            source: source.into(),
            agent: None,
            lines: Vec::new(),
        };
        let keygen = Run::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "person", "-f"]);
        keygen.arg(client.key()).done().ok();
        client.write_config();
        client
    }

    /// Adds a line to the client's configuration.
    pub fn option(&mut self, line: &str) {
        self.lines.push(line.to_owned());
        self.write_config();
    }

    /// The private key's file; the public one is beside it with `.pub`.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("id")
    }

    /// The public key, as a line.
    pub fn public_key(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("id.pub"))
            .expect("the public key")
            .trim()
            .to_owned()
    }

    /// A folder for the person's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration file, for programs that call `ssh` themselves.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// `ssh -F … -p … login@address`, to which options and a command are added.
    pub fn ssh(&self, target: &Target) -> Run {
        self.ssh_with(target, &[])
    }

    /// The same with options before the destination.
    pub fn ssh_with(&self, target: &Target, options: &[&str]) -> Run {
        Run::new("ssh").args(self.ssh_words(target, options))
    }

    /// The words after `ssh`, for shells and terminals.
    pub fn ssh_words(&self, target: &Target, options: &[&str]) -> Vec<String> {
        let config = self.config().display().to_string();
        let port = target.addr.port().to_string();
        let login = ["-l", &target.login];
        let mut words: Vec<String> = ["-F", &config, "-p", &port]
            .iter()
            .map(|&w| w.to_owned())
            .collect();
        words.extend(options.iter().chain(&login).map(|&w| w.to_owned()));
        words.push(target.addr.ip().to_string());
        words
    }

    /// `scp` or `sftp` with the options that lead through the gate; remote paths as [`Client::remote`] writes them.
    pub fn copier(&self, program: &str, target: &Target) -> Run {
        let port = target.addr.port().to_string();
        // Unlike ssh they take the agent along only when told on the command line.
        let program = Run::new(program).arg("-A").arg("-F").arg(self.config());
        program.args(["-P", &port, "-o", &format!("User={}", target.login)])
    }

    /// `address:path`.
    pub fn remote(&self, target: &Target, path: &Path) -> String {
        format!("{}:{}", target.addr.ip(), path.display())
    }

    /// The `ssh` command line for rsync's `-e` and git's `GIT_SSH_COMMAND`.
    pub fn shell_words(&self, target: &Target) -> String {
        format!(
            "ssh -F {} -p {} -l {}",
            self.config().display(),
            target.addr.port(),
            target.login
        )
    }

    /// The socket of the person's agent.
    pub fn agent_socket(&self) -> Option<&Path> {
        self.agent.as_ref().map(|agent| agent.socket.as_path())
    }

    fn write_config(&self) {
        let folder = self.folder.path().display();
        let (agent, forward) = match &self.agent {
            Some(agent) => (agent.socket.display().to_string(), "yes"),
            None => ("none".to_owned(), "no"),
        };
        // The first value of an option counts: the test's own lines come first.
        let own = self.lines.join("\n");
        let text = format!(
            "{own}\nBindAddress {}\nUserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n\
             StrictHostKeyChecking accept-new\nIdentityFile {folder}/id\nIdentitiesOnly yes\nIdentityAgent {agent}\n\
             ForwardAgent {forward}\nConnectTimeout 20\nNumberOfPasswordPrompts 1\nControlPath none\n",
            self.source
        );
        std::fs::write(self.config(), text).expect("the client's configuration");
    }
}
