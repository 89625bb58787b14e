//! The targets: each takes any bytes, must not panic, and holds what its parser promises.

mod recording;
mod text;

pub use recording::{cast, channel, scp, screen, sftp};
pub use text::{duration, login, schedule};
