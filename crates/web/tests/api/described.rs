//! Holds answers against the OpenAPI document: what is answered is what was described.

use axum::http::HeaderMap;
use serde_json::Value;

/// Whether a schema describes all fields of a thing, or is one of several that do together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

/// The document.
pub(crate) struct Described(Value);

impl Described {
    pub(crate) fn new(document: &impl serde::Serialize) -> Self {
        Self(serde_json::to_value(document).unwrap())
    }

    /// Fails if an answer's status or JSON is not described.
    pub(crate) fn check(&self, method: &str, path: &str, status: u16, headers: &HeaderMap, text: &str) {
        let Some(operation) = self.operation(method, path) else {
            return;
        };
        let responses = &operation["responses"];
        let described = match &responses[status.to_string()] {
            Value::Null if status >= 400 => &responses["default"],
            described => described,
        };
        assert!(
            !described.is_null(),
            "{method} {path}: {status} is not described: {text}"
        );
        let media_type = headers.get("content-type").and_then(|value| value.to_str().ok());
        let Some(media_type) = media_type.and_then(|value| value.split(';').next()) else {
            return;
        };
        let schema = &described["content"][media_type]["schema"];
        if !media_type.ends_with("json") || schema.is_null() {
            return;
        }
        let answer: Value = serde_json::from_str(text).unwrap();
        let mut wrong = Vec::new();
        self.differences((schema, Whole::Yes), &answer, "answer", &mut wrong);
        assert!(
            wrong.is_empty(),
            "{method} {path} {status}: {wrong:#?} in {answer:#}"
        );
    }

    /// The operation at a path: of several the one with the most words that stand as they are.
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let wanted: Vec<_> = path.split('/').collect();
        let paths = self.0["paths"].as_object()?.iter();
        let fitting = paths.filter_map(|(template, item)| {
            let words: Vec<_> = template.strip_prefix("/api/v1")?.split('/').collect();
            let is_open = |word: &str| word.starts_with('{');
            let fits = words.len() == wanted.len()
                && words
                    .iter()
                    .zip(&wanted)
                    .all(|(word, want)| is_open(word) || word == want);
            let operation = item.get(method.to_ascii_lowercase())?;
            fits.then(|| (words.iter().filter(|word| is_open(word)).count(), operation))
        });
        fitting
            .min_by_key(|(open, _)| *open)
            .map(|(_, operation)| operation)
    }

    fn differences(
        &self,
        (schema, whole): (&Value, Whole),
        value: &Value,
        at: &str,
        wrong: &mut Vec<String>,
    ) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/components/schemas/");
            return self.differences((&self.0["components"]["schemas"][name], whole), value, at, wrong);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.differences((part, Whole::No), value, at, wrong);
        }
        for word in ["oneOf", "anyOf"] {
            let Some(choices) = schema[word].as_array() else {
                continue;
            };
            let fits = |choice| {
                let mut wrong = Vec::new();
                self.differences((choice, whole), value, at, &mut wrong);
                wrong.is_empty()
            };
            if !choices.iter().any(fits) {
                wrong.push(format!("{at} fits no choice: {value}"));
            }
        }
        if !is_of_type(&schema["type"], value) {
            wrong.push(format!("{at} is not of the type {}: {value}", schema["type"]));
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            wrong.push(format!("{at} is not one of {words:?}: {value}"));
        }
        if let Some(items) = value.as_array()
            && schema["items"].is_object()
        {
            for (place, item) in items.iter().enumerate() {
                self.differences(
                    (&schema["items"], Whole::Yes),
                    item,
                    &format!("{at}[{place}]"),
                    wrong,
                );
            }
        }
        if let Some(fields) = value.as_object() {
            for name in schema["required"].as_array().into_iter().flatten() {
                if !fields.contains_key(name.as_str().unwrap()) {
                    wrong.push(format!("{at} lacks {name}"));
                }
            }
            for (name, field) in fields {
                let described = &schema["properties"][name];
                self.differences((described, Whole::Yes), field, &format!("{at}.{name}"), wrong);
                if described.is_null() && whole == Whole::Yes && schema["properties"].is_object() {
                    wrong.push(format!("{at}.{name} is not described"));
                }
            }
        }
    }
}

fn is_of_type(described: &Value, value: &Value) -> bool {
    let fits = |word: &str| match word {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    match described {
        Value::String(word) => fits(word),
        Value::Array(words) => words.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    }
}
