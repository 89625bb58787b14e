//! Lists: which part is wanted, and the answer as JSON or CSV.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use gatehouse_store::{Count, Page, PageRequest, Sort, SortKey, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::csv;
use super::query::read_query;
use crate::problem::Problem;

/// Items of a page when nothing is said.
const USUAL: u64 = 50;
/// Most items of a page.
const MOST: u64 = 500;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// At most so many items, 1 to 500; 50 if absent.
    pub(crate) limit: Option<u64>,
    /// Where the page begins: `next` of the one before.
    pub(crate) cursor: Option<String>,
    /// The field to sort by, with `-` before it for descending.
    pub(crate) sort: Option<String>,
    /// Whether to count as well.
    #[serde(default)]
    pub(crate) count: bool,
    /// `csv` for the whole list as CSV, up to 100,000 rows; `Accept: text/csv` says the same.
    #[serde(default)]
    pub(crate) format: Form,
}

/// In which form a list is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    /// A page, as JSON.
    #[default]
    Json,
    /// All pages, as CSV.
    Csv,
}

impl ListQuery {
    /// Answers a list in the form that is wanted. `read` reads one page of it with what is in `context`, `count` counts
    /// the whole.
    ///
    /// # Errors
    /// The limit is out of its bounds, or what `read` says of the first page.
    pub(crate) async fn answer<C, T, F, R, G, S>(
        &self,
        context: C,
        read: F,
        count: G,
    ) -> Result<Response, Problem>
    where
        C: Clone + Send + 'static,
        T: Serialize + Send + 'static,
        F: Fn(C, PageRequest) -> R + Send + 'static,
        R: Future<Output = Result<Page<T>, StoreError>> + Send,
        G: FnOnce(C) -> S,
        S: Future<Output = Result<Count, StoreError>>,
    {
        if self.format == Form::Csv {
            return csv::sent(context, read).await;
        }
        let page = read(context.clone(), self.page()?).await;
        let mut listed = Listed::from(page.map_err(Problem::of_input)?);
        if self.count {
            listed.counted(count(context).await.map_err(Problem::of_input)?);
        }
        Ok(Json(listed).into_response())
    }

    /// The order; that of the list if nothing is said.
    ///
    /// # Errors
    /// The list cannot be sorted so.
    pub(crate) fn sort<K: SortKey>(&self) -> Result<Option<Sort<K>>, Problem> {
        let read = |text: &str| text.parse().map_err(Problem::from);
        self.sort.as_deref().map(read).transpose()
    }

    /// The part of the list.
    ///
    /// # Errors
    /// The limit is out of its bounds.
    pub(crate) fn page(&self) -> Result<PageRequest, Problem> {
        let limit = self.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::invalid(
                "limit",
                format!("{limit} is out of bounds; ask for 1 to {MOST} items a page"),
            ));
        }
        Ok(PageRequest {
            limit: Some(limit),
            after: self.cursor.clone(),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut query: Self = read_query(parts)?;
        let wants_csv = |accept: &str| accept.trim_start().starts_with("text/csv");
        let accepts = parts.headers.get(header::ACCEPT);
        if accepts
            .and_then(|value| value.to_str().ok())
            .is_some_and(wants_csv)
        {
            query.format = Form::Csv;
        }
        Ok(query)
    }
}

/// A part of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; `null`: this is the last.
    pub(crate) next: Option<String>,
    /// How many there are in all, if that was asked for; counting ends at 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
    /// Whether there are more than `total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_is_more: Option<bool>,
}

impl<T> Listed<T> {
    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self {
            items: Vec::new(),
            next: None,
            total: None,
            total_is_more: None,
        }
    }

    /// Tells how many there are in all.
    pub(crate) fn counted(&mut self, count: Count) {
        self.total = Some(count.total);
        self.total_is_more = Some(count.total_is_more);
    }
}

impl<T> From<Page<T>> for Listed<T> {
    fn from(page: Page<T>) -> Self {
        Self {
            items: page.items,
            next: page.next,
            total: None,
            total_is_more: None,
        }
    }
}
