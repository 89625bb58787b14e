//! One line: an event's message and fields, then those of the spans around it that it does not have itself.

use std::fmt::{self, Write};

use gatehouse_model::{Timestamp, format_time};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::config::LogFormat;
use crate::terminal::clean;

/// Messages whose lines begin with themselves.
const BARE: &[&str] = &["listening", "ready"];
/// Longest line, in bytes; what is longer is cut.
const LINE_MAX: usize = 16 * 1024;

/// Fields in the order in which they were given.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == name)
    }

    fn set(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, crate::failure::sentence(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}

/// A line in the making.
pub(super) struct Line {
    level: Level,
    target: String,
    message: String,
    fields: Fields,
}

impl Line {
    pub(super) fn new(event: &Event<'_>) -> Self {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.iter().position(|(name, _)| *name == "message");
        let message = match message.map(|at| fields.0.remove(at)) {
            Some((_, Value::String(text))) => text,
            _ => String::new(),
        };
        Self {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            message,
            fields,
        }
    }

    /// Adds fields that the line does not have.
    pub(super) fn add_missing(&mut self, fields: &Fields) {
        for (name, value) in &fields.0 {
            if !self.fields.has(name) {
                self.fields.0.push((name, value.clone()));
            }
        }
    }

    pub(super) fn render(self, format: LogFormat) -> Vec<u8> {
        let mut line = match format {
            LogFormat::Text => self.text(),
            LogFormat::Json => self.json(),
        };
        line.push('\n');
        line.into_bytes()
    }

    fn text(&self) -> String {
        let mut line = String::new();
        if !(self.level == Level::INFO && BARE.contains(&self.message.as_str())) {
            let level = self.level.as_str().to_ascii_lowercase();
            let now = format_time(Timestamp::now());
            let _infallible = write!(line, "time={now} level={level} ");
        }
        line.push_str(&clean(&self.message));
        for (name, value) in &self.fields.0 {
            let value = match value {
                Value::String(text) => quoted(text),
                other => other.to_string(),
            };
            let _infallible = write!(line, " {name}={value}");
        }
        if line.len() > LINE_MAX {
            line.truncate(line.floor_char_boundary(LINE_MAX));
            line.push_str("… cut=true");
        }
        line
    }

    fn json(self) -> String {
        let mut object = Map::new();
        object.insert("time".to_owned(), format_time(Timestamp::now()).into());
        object.insert(
            "level".to_owned(),
            self.level.as_str().to_ascii_lowercase().into(),
        );
        object.insert("message".to_owned(), self.message.into());
        object.insert("target".to_owned(), self.target.into());
        for (name, value) in self.fields.0 {
            object.entry(name).or_insert(cut(value));
        }
        Value::Object(object).to_string()
    }
}

/// A value of a JSON line, which can only be cut as a whole.
fn cut(value: Value) -> Value {
    match value {
        Value::String(mut text) if text.len() > LINE_MAX / 4 => {
            text.truncate(text.floor_char_boundary(LINE_MAX / 4));
            text.push('…');
            Value::String(text)
        }
        other => other,
    }
}

fn quoted(value: &str) -> String {
    let cleaned = clean(value);
    let plain = !cleaned.is_empty() && !cleaned.contains([' ', '"', '=']);
    if plain {
        cleaned
    } else {
        format!("\"{}\"", cleaned.replace('"', "\\\""))
    }
}
