//! What a change changed, for the audit book.

use serde::Serialize;
use serde_json::{Value, json};

/// `{"before": …, "after": …}`, or `null` (which the book leaves out) if nothing changed.
pub(crate) fn changed<T: PartialEq + Serialize>(before: &T, after: &T) -> Value {
    if before == after {
        Value::Null
    } else {
        json!({ "before": before, "after": after })
    }
}
