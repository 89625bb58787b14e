//! The sealing key: from the environment, or from a file that is made when missing.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gatehouse_model::Secret;
use zeroize::Zeroizing;

use crate::seal::fill_random;
use crate::{KeyError, KeySource, StoreError};

const VARIABLE: &str = "GATEHOUSE_STORE_KEY";
const FILE: &str = "store.key";

/// A key, and whether it was made just now.
pub(crate) struct LoadedKey {
    pub(crate) bytes: Zeroizing<[u8; 32]>,
    /// The file that was made for it, if it is new.
    pub(crate) made: Option<PathBuf>,
}

/// Finds the key, or makes one.
pub(crate) fn load_key(source: &KeySource, data_dir: &Path) -> Result<LoadedKey, StoreError> {
    match source {
        KeySource::Given(secret) => Ok(LoadedKey {
            bytes: parse(secret, "the given text")?,
            made: None,
        }),
        KeySource::EnvironmentOrFile => match std::env::var(VARIABLE) {
            Ok(text) if !text.is_empty() => Ok(LoadedKey {
                bytes: parse(&Secret::from(text), VARIABLE)?,
                made: None,
            }),
            _ => load_file(&data_dir.join(FILE)),
        },
    }
}

fn load_file(path: &Path) -> Result<LoadedKey, StoreError> {
    let made = match fs::metadata(path) {
        Ok(found) => {
            if found.permissions().mode() & 0o077 != 0 {
                return Err(KeyError::Exposed {
                    path: path.to_owned(),
                }
                .into());
            }
            false
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make_file(path)?,
        Err(error) => return Err(file_error(path, "read", error)),
    };
    let text = Secret::new(fs::read(path).map_err(|error| file_error(path, "read", error))?);
    let bytes = parse(&text, &path.display().to_string())?;
    Ok(LoadedKey {
        bytes,
        made: made.then(|| path.to_owned()),
    })
}

/// Makes the file complete at once: written and synced under another name, then linked, so that of several
/// processes one wins and none reads half a key. Says whether this process won.
fn make_file(path: &Path) -> Result<bool, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill_random(bytes.as_mut())?;
    let mut suffix = [0; 8];
    fill_random(&mut suffix)?;
    let draft = path.with_extension(format!("key.{}", hex::encode(suffix)));
    let text = Zeroizing::new(format!("{}\n", hex::encode(bytes.as_ref())));
    let linked = write_new(&draft, text.as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Ok(()) => {
            removed.map_err(|error| file_error(&draft, "removed", error))?;
            sync_directory(path);
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(file_error(path, "written", error)),
    }
}

/// Writes a file that only its owner may read, down to the disk.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a new name in the directory durable; where directories cannot be synced there is nothing to do.
pub(crate) fn sync_directory(path: &Path) {
    if let Some(Ok(directory)) = path.parent().map(File::open) {
        let _ = directory.sync_all();
    }
}

fn parse(text: &Secret, from: &str) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let digits = text.expose().trim_ascii();
    hex::decode_to_slice(digits, bytes.as_mut()).map_err(|_| KeyError::Malformed(from.to_owned()))?;
    Ok(bytes)
}

pub(crate) fn file_error(path: &Path, what: &'static str, source: std::io::Error) -> StoreError {
    StoreError::File {
        path: path.to_owned(),
        what,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let first = load_file(&path).unwrap();
        assert_eq!(first.made.as_deref(), Some(path.as_path()));
        let again = load_file(&path).unwrap();
        assert_eq!((again.made, again.bytes), (None, first.bytes));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        write_new(&path, b"not a key").unwrap();
        assert!(matches!(
            load_file(&path),
            Err(StoreError::Key(KeyError::Malformed(_)))
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            load_file(&path),
            Err(StoreError::Key(KeyError::Exposed { .. }))
        ));
    }
}
