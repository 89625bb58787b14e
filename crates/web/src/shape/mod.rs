//! The forms that requests and answers have in common.

mod body;
mod csv;
mod edit;
mod list;
mod moment;
mod query;
mod tag;

pub(crate) use body::{BODY_MAX, Body};
pub(crate) use edit::edit;
pub(crate) use list::{ListQuery, Listed};
pub(crate) use moment::Moment;
pub(crate) use query::{Query, read_query};
pub(crate) use tag::{Expected, Tagged, TaggedAs};
