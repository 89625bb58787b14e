//! The only HTTP server: the API, plain text for `curl`, the page; metrics and health apart.
//!
//! Invariants:
//! - **Only here.** No other crate knows a status code.
//! - **listed-or-refused** (`authority`): what a caller may do is one table, looked up before any handler.
//! - **looked-up-each-time** (`caller`): who asks is found anew at each request; a known address has the role `user`,
//!   a token at most its person's.
//! - **Not talked into** (`gatekeeping`): a request for another host is refused, and so is what a page of another site
//!   makes a browser send.
//! - **One sentence** (`problem`): each refusal is one, the same that the command line prints; faults are logged in
//!   full and told in general.
//! - **Booked first** (`api/recording`): who looks at a recording or a running session stands in the audit book before the
//!   first byte of it is sent.
//! - **Bounded.** Connections, heads, bodies, pages of lists; a peer that takes nothing is dropped.
//! - **Decides nothing by itself.** What is allowed within an operation is decided by `store` and `policy`, which the
//!   command line asks as well.
//!
//! The order of a request: host → blocked source → caller → forged? → table → body → operation (one transaction, with
//! its audit event) → answer.

#![expect(
    unused_qualifications,
    reason = "the macros that describe operations write whole paths"
)]

mod address;
mod api;
mod authority;
mod caller;
mod exporter;
mod gatekeeping;
mod idempotency;
mod live;
mod page;
mod pages;
mod passkey;
mod problem;
mod routes;
mod serve;
mod shape;
mod site;
mod site_serve;
#[doc(hidden)]
pub mod testing;
mod text;
mod tls;

pub use address::{PublicUrl, PublicUrlError};
pub use exporter::{Exporter, ExporterError};
pub use pages::{pages, plain_pages};
pub use routes::{Health, Observe, operations};
pub use serve::serve;
pub use site::{AddressTrust, Site, Transport, WebSettings};
pub use site_serve::{Speech, serve_pages};
pub use tls::{Certificate, CertificateError, server_config};
