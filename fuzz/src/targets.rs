//! The targets: each takes any bytes, must not panic, and holds what its parser promises.

mod network;
mod recording;
mod text;

pub use network::proxy_header;
pub use recording::{cast, channel, scp, screen, sftp};
pub use text::{duration, login, schedule};
