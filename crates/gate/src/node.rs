//! The node's own place: its data directory, its id, and the lock that keeps a second one out.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gatehouse_model::NodeId;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use uuid::Uuid;

/// Where a node's id is kept.
const ID_FILE: &str = "node.id";

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Making, reading or writing something in it failed.
    #[error("{path} cannot be used ({source}); give gatehouse a data_dir that it may write to")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another node holds the lock.
    #[error(
        "another gatehouse serve is running on {0}; stop it first, or give this one a data_dir of its own"
    )]
    Taken(PathBuf),
    /// The id file holds no id.
    #[error("{0} holds no node id; remove it, and a new one is made")]
    BadId(PathBuf),
}

/// A data directory held by this process. The lock lasts as long as the value.
#[derive(Debug)]
pub struct NodeHome {
    dir: PathBuf,
    id: NodeId,
    _lock: Flock<File>,
}

impl NodeHome {
    /// Takes the directory: makes it if missing (mode 0700), locks it, reads the node's id or makes `fresh` its id.
    ///
    /// # Errors
    /// The directory cannot be written, or another node holds it.
    pub fn take(dir: &Path, fresh: Uuid) -> Result<Self, NodeError> {
        make_private_dir(dir)?;
        let lock_path = dir.join("node.lock");
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| NodeError::Io { path, source }
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(io(&lock_path))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
            Errno::EWOULDBLOCK => NodeError::Taken(dir.to_owned()),
            other => NodeError::Io {
                path: lock_path.clone(),
                source: other.into(),
            },
        })?;
        let id = read_or_make_id(&dir.join(ID_FILE), fresh)?;
        Ok(Self {
            dir: dir.to_owned(),
            id,
            _lock: lock,
        })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The node's id.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Where the control socket is.
    pub fn control_socket(&self) -> PathBuf {
        control_socket(&self.dir)
    }
}

/// The id of the node with this data directory; `None`: there was none yet, or it cannot be read.
pub fn node_id_in(dir: &Path) -> Option<NodeId> {
    fs::read_to_string(dir.join(ID_FILE)).ok()?.trim().parse().ok()
}

/// Where the control socket of the node with this data directory is.
pub fn control_socket(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// Makes a directory that only its owner may enter; one that exists is left as it is.
///
/// # Errors
/// It cannot be made.
pub fn make_private_dir(dir: &Path) -> Result<(), NodeError> {
    if dir.is_dir() {
        return Ok(());
    }
    let io = |source| NodeError::Io {
        path: dir.to_owned(),
        source,
    };
    fs::create_dir_all(dir).map_err(io)?;
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(io)
}

fn read_or_make_id(path: &Path, fresh: Uuid) -> Result<NodeId, NodeError> {
    let io = |source| NodeError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(io)?;
    if text.trim().is_empty() {
        writeln!(file, "{fresh}").map_err(io)?;
        file.sync_all().map_err(io)?;
        return Ok(NodeId(fresh));
    }
    text.trim().parse().map_err(|_| NodeError::BadId(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_node_is_kept_out_and_the_id_stays() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("data");
        let first = NodeHome::take(&home, Uuid::from_u128(1)).unwrap();
        assert!(matches!(
            NodeHome::take(&home, Uuid::from_u128(2)),
            Err(NodeError::Taken(_))
        ));
        assert_eq!(first.id(), NodeId(Uuid::from_u128(1)));
        drop(first);
        assert_eq!(
            NodeHome::take(&home, Uuid::from_u128(2)).unwrap().id(),
            NodeId(Uuid::from_u128(1))
        );
        fs::write(home.join("node.id"), "nonsense").unwrap();
        assert!(matches!(
            NodeHome::take(&home, Uuid::from_u128(3)),
            Err(NodeError::BadId(_))
        ));
    }
}
