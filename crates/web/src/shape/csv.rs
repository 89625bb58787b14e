//! Lists as CSV (RFC 4180), for spreadsheets: read page by page while it is sent.
//!
//! INVARIANT **no-formula**: no text of the store begins a formula in the program that opens the file.

use std::collections::VecDeque;
use std::fmt;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use csv::{Terminator, WriterBuilder};
use futures::stream;
use gatehouse_store::{Page, PageRequest, StoreError};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::problem::Problem;

/// The media type.
pub(super) const MEDIA_TYPE: &str = "text/csv; charset=utf-8";
/// Rows that are read at once.
const PAGE: u64 = 500;
/// Most rows of a file.
const ROWS_MAX: usize = 100_000;

/// A list as CSV. The columns are the fields of the first item; the first page is read before anything is answered.
pub(super) async fn sent<C, T, F, R>(context: C, read: F) -> Result<Response, Problem>
where
    C: Clone + Send + 'static,
    T: Serialize + Send + 'static,
    F: Fn(C, PageRequest) -> R + Send + 'static,
    R: Future<Output = Result<Page<T>, StoreError>> + Send,
{
    let first = read(context.clone(), PageRequest::first(PAGE))
        .await
        .map_err(Problem::of_input)?;
    let mut writing = Writing::default();
    let begun = writing.page(first)?;
    let rest = stream::try_unfold((writing, context, read), async |(mut writing, context, read)| {
        let Some(after) = writing.next.pop_front() else {
            return Ok(None);
        };
        let page = PageRequest {
            after: Some(after),
            ..PageRequest::first(PAGE)
        };
        let page = read(context.clone(), page).await.inspect_err(|error| {
            let error = error as &(dyn std::error::Error + 'static);
            tracing::warn!(error, "a CSV answer breaks off");
        })?;
        let text = writing
            .page(page)
            .map_err(|problem| std::io::Error::other(problem.detail))?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Some((text, (writing, context, read))))
    });
    let whole = stream::StreamExt::chain(stream::iter([Ok(begun)]), rest);
    let media_type = HeaderValue::from_static(MEDIA_TYPE);
    Ok(([(header::CONTENT_TYPE, media_type)], Body::from_stream(whole)).into_response())
}

/// What has been written so far.
#[derive(Default)]
struct Writing {
    columns: Vec<String>,
    rows: usize,
    /// Where the next page begins; at most one.
    next: VecDeque<String>,
}

impl Writing {
    fn page<T: Serialize>(&mut self, page: Page<T>) -> Result<Vec<u8>, Problem> {
        let broken = |error: &(dyn std::error::Error + 'static)| {
            Problem::fault("an answer cannot be written as CSV", error)
        };
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(Vec::new());
        for item in page.items.iter().take(ROWS_MAX.saturating_sub(self.rows)) {
            let json = serde_json::to_string(item).map_err(|error| broken(&error))?;
            let Row(fields) = serde_json::from_str(&json).map_err(|error| broken(&error))?;
            if self.columns.is_empty() {
                self.columns = fields.iter().map(|(name, _)| name.clone()).collect();
                writer
                    .write_record(&self.columns)
                    .map_err(|error| broken(&error))?;
            }
            let value = |column: &String| fields.iter().find(|(name, _)| name == column);
            let cells = self
                .columns
                .iter()
                .map(|column| value(column).map_or_else(String::new, |(_, value)| cell(value)));
            writer.write_record(cells).map_err(|error| broken(&error))?;
            self.rows += 1;
        }
        self.next.extend(page.next.filter(|_| self.rows < ROWS_MAX));
        writer.into_inner().map_err(|error| broken(&error))
    }
}

/// What stands in a cell.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => return value.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            items.iter().map(word).collect::<Vec<_>>().join(", ")
        }
        Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The fields of a JSON object in the order in which they stand.
struct Row(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Row(fields))
            }
        }
        from.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Clone, Serialize)]
    struct Item {
        name: String,
        id: i64,
        groups: Vec<&'static str>,
        lock: Option<bool>,
    }

    fn item(name: &str, id: i64) -> Item {
        Item {
            name: name.to_owned(),
            id,
            groups: vec!["ops", "night"],
            lock: None,
        }
    }

    async fn text(items: Vec<Item>) -> String {
        let read = |items: Vec<Item>, page: PageRequest| async move {
            let from = page.after.map_or(0, |after| after.parse::<usize>().unwrap());
            let to = (from + usize::try_from(page.limit.unwrap()).unwrap()).min(items.len());
            Ok(Page {
                items: items[from..to].to_vec(),
                next: (to < items.len()).then(|| to.to_string()),
            })
        };
        let response = sent(items, read).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), 1 << 26).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn every_page_is_sent_in_the_order_of_the_fields_up_to_the_bound() {
        assert_eq!(
            text(vec![item("a", 1), item("b,\"c\"", -2)]).await,
            "name,id,groups,lock\r\na,1,\"ops, night\",\r\n\"b,\"\"c\"\"\",-2,\"ops, night\",\r\n"
        );
        let many = text((0..1_201).map(|id| item("x", id)).collect()).await;
        assert_eq!(many.lines().count(), 1_202);
        assert!(many.ends_with("x,1200,\"ops, night\",\r\n"));
        let most = text((0..100_700).map(|id| item("x", id)).collect()).await;
        assert_eq!(most.lines().count(), ROWS_MAX + 1);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(cell(&json!(bad)), format!("'{bad}"));
        }
        assert_eq!(cell(&json!(["=x", "y"])), "'=x, y");
        assert_eq!(cell(&json!(-1)), "-1");
        assert_eq!(cell(&json!({"a": [1]})), r#"{"a":[1]}"#);
    }
}
