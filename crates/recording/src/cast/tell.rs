//! Casts told to people and to programs.

use serde_json::{Value, json};

use super::{CastData, CastEvent, CastHeader};
use crate::event::Exit;

impl CastHeader {
    /// What the channel was opened for, in a few words: `exec ls -l`.
    pub fn title(&self) -> String {
        let origin = &self.gatehouse;
        match (&self.command, &origin.subsystem) {
            (Some(command), _) => format!("{} {command}", origin.kind),
            (None, Some(subsystem)) => format!("{} {subsystem}", origin.kind),
            (None, None) => origin.kind.clone(),
        }
    }
}

impl CastEvent {
    /// The event as an object: `{"channel", "at", "kind", …}`.
    pub fn to_json(&self, channel: u32) -> Value {
        let mut value = match &self.data {
            CastData::Output(stream, bytes) => json!({ "kind": stream.as_str(), "text": bytes.text }),
            CastData::Input(bytes) => json!({ "kind": "input", "text": bytes.text }),
            CastData::InputLength(length) => json!({ "kind": "input", "bytes_not_kept": length }),
            CastData::Resize { cols, rows } => json!({ "kind": "resize", "columns": cols, "rows": rows }),
            CastData::Marker(text) => json!({ "kind": "marker", "text": text }),
            CastData::Binary(stream, length) => {
                json!({ "kind": "binary", "stream": stream.as_str(), "bytes": length })
            }
            CastData::Gap(length) => json!({ "kind": "gap", "bytes": length }),
            CastData::Eof(stream) => json!({ "kind": "eof", "stream": stream.as_str() }),
            CastData::Exit(Exit::Status(status)) => json!({ "kind": "exit", "status": status }),
            CastData::Exit(Exit::Signal(name)) => json!({ "kind": "exit", "signal": name }),
            CastData::Other { code, text } => json!({ "kind": "other", "code": code, "text": text }),
        };
        if let Value::Object(fields) = &mut value {
            fields.insert("channel".to_owned(), json!(channel));
            fields.insert("at".to_owned(), json!(self.at));
        }
        value
    }
}
