//! Fields of a body read one by one, so that everything that is wrong is told at once.

use std::fmt::Display;
use std::str::FromStr;

use gatehouse_store::Edit;
use serde_json::{Map, Value};

use crate::problem::FieldError;

/// Most items of a list.
const ITEMS_MAX: usize = 1_000;

/// The fields of an object that are not read yet, and what was wrong so far.
pub(super) struct Fields<'e> {
    map: Map<String, Value>,
    /// What stands before the names of fields in errors.
    place: &'static str,
    errors: &'e mut Vec<FieldError>,
}

impl<'e> Fields<'e> {
    pub(super) fn new(map: Map<String, Value>, place: &'static str, errors: &'e mut Vec<FieldError>) -> Self {
        Self { map, place, errors }
    }

    /// A field; one that is wrong is noted and stays.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(Value) -> Result<T, String>,
    ) -> Edit<T> {
        match self.map.remove(name) {
            None => Edit::Keep,
            Some(Value::Null) => Edit::Clear,
            Some(value) => match parse(value) {
                Ok(value) => Edit::Set(value),
                Err(detail) => {
                    self.wrong(name, detail);
                    Edit::Keep
                }
            },
        }
    }

    /// A field that is one word or text.
    pub(super) fn word<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Edit<T> {
        self.read(name, word)
    }

    /// A field that is a list. Each item that is wrong is noted by its place, such as `logins[0]`, and left out.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(Value) -> Result<T, String>,
    ) -> Edit<Vec<T>> {
        let items = self.read(name, |value| match value {
            Value::Array(items) if items.len() <= ITEMS_MAX => Ok(items),
            Value::Array(items) => Err(format!(
                "{} items are too many; give {ITEMS_MAX} at most",
                items.len()
            )),
            _ => Err("this must be a list".to_owned()),
        });
        let items = match items {
            Edit::Keep => return Edit::Keep,
            Edit::Clear => return Edit::Clear,
            Edit::Set(items) => items,
        };
        let mut read = Vec::with_capacity(items.len());
        for (place, item) in items.into_iter().enumerate() {
            match parse(item) {
                Ok(item) => read.push(item),
                Err(detail) => self.wrong(&format!("{name}[{place}]"), detail),
            }
        }
        Edit::Set(read)
    }

    pub(super) fn object(&mut self, name: &'static str) -> Edit<Map<String, Value>> {
        self.read(name, |value| match value {
            Value::Object(map) => Ok(map),
            _ => Err("this must be an object".to_owned()),
        })
    }

    pub(super) fn switch(&mut self, name: &'static str) -> Edit<bool> {
        self.read(name, |value| {
            value
                .as_bool()
                .ok_or_else(|| "this must be true or false".to_owned())
        })
    }

    pub(super) fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError {
            field: format!("{}{name}", self.place),
            detail: detail.into(),
        });
    }

    /// What is left is not known.
    pub(super) fn finish(mut self) {
        for name in std::mem::take(&mut self.map).into_iter().map(|(name, _)| name) {
            let name: String = name.chars().take(64).collect();
            self.wrong(
                &name,
                format!("{name} is not known here; see /api/v1/openapi.json"),
            );
        }
    }
}

/// A value that is written as text.
pub(super) fn word<T: FromStr<Err: Display>>(value: Value) -> Result<T, String> {
    match value {
        Value::String(text) => text.parse().map_err(|error: T::Err| error.to_string()),
        _ => Err("this must be text".to_owned()),
    }
}

/// The same, where a number may stand for its digits.
pub(super) fn number_or_word<T: FromStr<Err: Display>>(value: Value) -> Result<T, String> {
    match value {
        Value::Number(number) => word(Value::String(number.to_string())),
        value => word(value),
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_model::Login;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_wrong_item_is_named_by_its_place() {
        let body = json!({"logins": ["root", "", 5, null, "ana"], "many": vec!["x"; 1_001], "colour": "red"});
        let Value::Object(map) = body else { unreachable!() };
        let mut errors = Vec::new();
        let mut fields = Fields::new(map, "terms.", &mut errors);
        let logins = fields.list("logins", word::<Login>).apply(None).unwrap();
        assert_eq!(logins.len(), 2);
        assert_eq!(fields.list("many", word::<Login>), Edit::Keep);
        assert_eq!(fields.list("absent", word::<Login>), Edit::Keep);
        fields.finish();
        let named: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        let want = ["logins[1]", "logins[2]", "logins[3]", "many", "colour"];
        assert_eq!(named, want.map(|name| format!("terms.{name}")));
    }
}
