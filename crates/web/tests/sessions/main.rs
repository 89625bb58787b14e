//! Sessions, recordings, looking on and the audit book through the API, against a real node and its listener.

mod authority;
mod book;
mod http;
mod live;
mod recordings;
mod rows;
mod site;
mod stream;
