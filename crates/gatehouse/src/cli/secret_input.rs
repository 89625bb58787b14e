//! Passwords, private keys and sealing keys from terminals, pipes and files.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use gatehouse_model::Secret;

use crate::failure::Failure;

/// Longest text that is read as a password or a key, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Where a password comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PasswordFrom {
    /// The first line of standard input.
    Stdin,
    /// The terminal, typed twice without echo.
    Terminal,
}

/// Reads a password. `option` names the option that takes it from standard input.
pub(crate) fn password(from: PasswordFrom, option: &str) -> Result<Secret, Failure> {
    let failed = |source| Failure::System {
        what: "the password cannot be read",
        source,
    };
    let text = match from {
        PasswordFrom::Stdin => {
            let text = read_stdin()?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        PasswordFrom::Terminal if !io::stdin().is_terminal() => {
            return Err(Failure::usage(format!(
                "there is no terminal to ask at; give the password with {option}"
            )));
        }
        PasswordFrom::Terminal => {
            let first = rpassword::prompt_password("Password: ").map_err(failed)?;
            let again = rpassword::prompt_password("Again: ").map_err(failed)?;
            if first != again {
                return Err(Failure::refused(
                    "the two passwords differ, so nothing was changed",
                ));
            }
            first
        }
    };
    if text.is_empty() {
        return Err(Failure::refused(
            "the password is empty; give at least one character",
        ));
    }
    Ok(Secret::from(text))
}

/// The text of a file, or of standard input if the path is `-`.
pub(crate) fn file_or_stdin(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        return read_stdin();
    }
    let failed = |source| Failure::File {
        path: path.to_owned(),
        done: "read",
        source,
    };
    let mut text = String::new();
    fs::File::open(path)
        .map_err(failed)?
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|source| Failure::System {
            what: "standard input cannot be read",
            source,
        })?;
    Ok(text)
}

/// A private key in OpenSSH's form that can be used without a passphrase.
pub(crate) fn private_key(path: &Path) -> Result<Secret, Failure> {
    const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
    const END: &str = "-----END OPENSSH PRIVATE KEY-----";
    let text = file_or_stdin(path)?;
    let shown = path.display();
    let Some(body) = text
        .trim()
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
    else {
        return Err(Failure::refused(format!(
            "{shown} is not a private key in OpenSSH's form; make one with ssh-keygen, or convert it with ssh-keygen -p -f FILE"
        )));
    };
    let body: String = body.split_whitespace().collect();
    // The name of the cipher stands right after `openssh-key-v1\0` (PROTOCOL.key of OpenSSH).
    if !body.starts_with("b3BlbnNzaC1rZXktdjEAAAAABG5vbmU") {
        return Err(Failure::refused(format!(
            "{shown} is protected by a passphrase, which nobody could type at the gate; remove it with ssh-keygen -p -f FILE (it is sealed in the store)"
        )));
    }
    Ok(Secret::from(text))
}

/// The sealing key in a file of its own, made if it is missing.
pub(crate) fn sealing_key(path: &Path) -> Result<Secret, Failure> {
    if !path.exists() {
        make_sealing_key(path)?;
    }
    secret_file(path)
}

/// A secret in a file that nobody else may read, without the white space around it.
pub(crate) fn secret_file(path: &Path) -> Result<Secret, Failure> {
    let failed = |source| Failure::File {
        path: path.to_owned(),
        done: "read",
        source,
    };
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        let shown = path.display();
        return Err(Failure::refused(format!(
            "{shown} can be read by others; run chmod 600 on it"
        )));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    Ok(Secret::from(text.trim().to_owned()))
}

fn make_sealing_key(path: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::File {
        path: path.to_owned(),
        done: "written",
        source,
    };
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| failed(io::Error::other(error.to_string())))?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(file) => file,
        // Another process made it a moment ago; its key counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    writeln!(file, "{digits}")
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[test]
    fn only_private_keys_without_passphrase_are_taken() {
        let plain = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n-----END OPENSSH PRIVATE KEY-----\n";
        let (_dir, path) = kept("key", plain);
        assert_eq!(private_key(&path).unwrap().expose(), plain.as_bytes());
        let locked = plain.replace("AABG5vbmU", "AACmFlczI");
        let (_dir, path) = kept("key", &locked);
        assert!(private_key(&path).unwrap_err().to_string().contains("passphrase"));
        let (_dir, path) = kept("key.pub", "ssh-ed25519 AAAA x\n");
        assert!(
            private_key(&path)
                .unwrap_err()
                .to_string()
                .contains("not a private key")
        );
    }

    #[test]
    fn a_missing_sealing_key_is_made_and_an_exposed_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/store.key");
        let made = sealing_key(&path).unwrap();
        assert_eq!(made.expose().len(), 64);
        assert_eq!(sealing_key(&path).unwrap().expose(), made.expose());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(sealing_key(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
