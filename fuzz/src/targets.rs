//! The targets: each takes any bytes, must not panic, and holds what its parser promises.

mod network;
mod recording;
mod sealed;
mod text;

pub use network::proxy_header;
pub use recording::{capture, cast, channel, scp, screen, sftp};
pub use sealed::{frames, genuine_frames, genuine_manifest, genuine_wrapped_key, manifest, wrapped_key};
pub use text::{duration, login, schedule};
