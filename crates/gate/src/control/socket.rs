//! The socket in the data directory.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use tokio::net::UnixListener;

use super::{From, converse};
use crate::Gate;
use crate::start::StartError;

/// Makes the socket and serves it until the gate stops.
pub(crate) fn serve(gate: &Gate) -> Result<(), StartError> {
    let path = gate.home().control_socket();
    let error = |source| StartError::Control {
        path: path.clone(),
        source,
    };
    // What lies there is left over: the node's lock says that no other one runs.
    match std::fs::remove_file(&path) {
        Ok(()) => {}
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {}
        Err(other) => return Err(error(other)),
    }
    // Nobody else may connect in between, whatever the mode of the directory.
    let mask = umask(Mode::S_IRWXG | Mode::S_IRWXO);
    let listener = UnixListener::bind(&path);
    umask(mask);
    let listener = listener.map_err(error)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(error)?;
    let gate = gate.clone();
    let tasks = gate.tasks().clone();
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = gate.stopped() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let gate = gate.clone();
                        gate.tasks().clone().spawn(async move { converse(&gate, stream, From::Here).await });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the control socket could not accept");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    });
    Ok(())
}
