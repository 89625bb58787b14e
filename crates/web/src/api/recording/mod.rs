//! Recordings: found, told of, read, downloaded, verified. Whoever looks at one stands in the book before the first byte.

mod channels;
mod download;
mod found;
mod pieces;
mod range;
mod transcript;
mod verify;

use utoipa_axum::router::OpenApiRouter;

use crate::site::Site;

pub(crate) use channels::Measured;
pub(crate) use found::{Found, blocking, find, look_once};
use found::{about_to_show, looked};
pub(crate) use transcript::{TranscriptPlace, TranscriptReader};

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .merge(channels::operations())
        .merge(download::operations())
        .merge(transcript::operations())
        .merge(verify::operations())
}
