//! A command that is run for each alert, with the alert on its standard input.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};

use crate::Failure;

/// Error output that is kept.
const COMPLAINT_MAX: u64 = 1_000;
/// For the rest of the error output after the command has ended; a child that it left may hold it open.
const COMPLAINT_PATIENCE: Duration = Duration::from_millis(200);
/// Variables of the node's environment that the command gets. The others may hold secrets.
const ENVIRONMENT: &[&str] = &["PATH", "LANG"];

/// A command, and how long it may run.
#[derive(Clone, Debug)]
pub struct CommandHook {
    /// The program, by its whole path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may run.
    pub timeout: Duration,
}

/// The process group of a command; killed when dropped before the command has ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended just before.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl CommandHook {
    /// Runs the command; it has to end with exit status 0 in time.
    pub(crate) async fn tell(&self, payload: &[u8]) -> Result<(), Failure> {
        let kept = ENVIRONMENT
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(kept)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| {
                Failure::Unreachable(format!("{} cannot be run: {error}", self.program.display()))
            })?;
        let pid = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        let mut group = Group(pid);
        let complaint = tokio::spawn(complaint(child.stderr.take()));
        let ended = tokio::time::timeout(self.timeout, feed(&mut child, payload)).await;
        let status = match ended {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Err(Failure::Unreachable(format!("the command was lost: {error}"))),
            Err(_) => {
                let text = format!("the command ran longer than {} seconds", self.timeout.as_secs());
                return Err(Failure::Unreachable(text));
            }
        };
        // What it left in the background lives on; the group's number may soon be another's.
        group.0 = None;
        if status.success() {
            return Ok(());
        }
        let complaint = tokio::time::timeout(COMPLAINT_PATIENCE, complaint).await;
        let complaint = complaint.ok().and_then(Result::ok).unwrap_or_default();
        let text = format!("the command ended with {status}{complaint}");
        Err(Failure::Refused(text))
    }
}

/// Writes the payload and waits for the end. A command need not read it.
async fn feed(child: &mut Child, payload: &[u8]) -> std::io::Result<ExitStatus> {
    let stdin = child.stdin.take();
    let write = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(payload).await;
            let _ = stdin.write_all(b"\n").await;
        }
    };
    let (status, ()) = tokio::join!(child.wait(), write);
    status
}

/// The beginning of the error output, on one line; the rest is read and dropped, so that the command is not held up.
async fn complaint(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else {
        return String::new();
    };
    let mut kept = Vec::new();
    let _ = (&mut stderr).take(COMPLAINT_MAX).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    let text = String::from_utf8_lossy(&kept);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    if line.is_empty() {
        line
    } else {
        format!(": {line}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str, timeout: Duration) -> CommandHook {
        CommandHook {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            timeout,
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn the_alert_is_on_standard_input_and_nothing_of_the_node_in_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let script = format!("cat >{0}; pwd >>{0}; env | cut -d= -f1 >>{0}", out.display());
        shell(&script, LONG).tell(b"{\"id\":1}").await.unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        assert!(text.starts_with("{\"id\":1}\n/\n"), "{text}");
        let names: Vec<_> = text.lines().skip(2).collect();
        assert!(names.contains(&"PATH"));
        assert!(
            names
                .iter()
                .all(|name| ["PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"].contains(name)),
            "{names:?}"
        );
    }

    #[tokio::test]
    async fn a_failure_says_why_on_one_line() {
        let failed = shell("echo 'no\nmail' >&2; exit 75", LONG).tell(b"{}").await;
        assert_eq!(
            failed,
            Err(Failure::Refused(
                "the command ended with exit status: 75: no mail".to_owned()
            ))
        );
        let missing = CommandHook {
            program: "/nonexistent/hook".into(),
            ..shell("", LONG)
        };
        let Err(Failure::Unreachable(text)) = missing.tell(b"{}").await else {
            panic!("it cannot have been run");
        };
        assert!(text.starts_with("/nonexistent/hook cannot be run"), "{text}");
    }

    #[tokio::test]
    async fn a_command_that_reads_nothing_and_complains_much_is_not_held_up() {
        let payload = vec![b'x'; 1_000_000];
        shell("exec <&-; head -c 1000000 /dev/zero >&2", LONG)
            .tell(&payload)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let script = format!("sleep 600 & echo $$ $! >{}; wait", pids.display());
        let started = Instant::now();
        let outcome = shell(&script, Duration::from_secs(1)).tell(b"{}").await;
        assert!(matches!(outcome, Err(Failure::Unreachable(_))), "{outcome:?}");
        assert!(started.elapsed() < LONG);
        let pids = std::fs::read_to_string(&pids).unwrap();
        for pid in pids.split_whitespace() {
            let gone = async {
                while is_alive(pid) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::time::timeout(LONG, gone).await.unwrap();
        }
    }

    /// Whether the process runs; one that only waits to be reaped does not.
    fn is_alive(pid: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
            !stat
                .rsplit(')')
                .next()
                .unwrap_or_default()
                .trim_start()
                .starts_with('Z')
        })
    }
}
