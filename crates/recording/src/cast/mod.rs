//! Casts: what a channel showed, as asciicast v2 — a header line and one JSON line for each event.
//!
//! Version 2 because every asciinema tool plays it, those of Debian 12 included, and because its times count from
//! the start and not from the event before, so that a line can be read without those before it.
//!
//! An event is `[seconds, code, text]`. Codes of the format: `o` output, `i` input, `r` size as `COLSxROWS`,
//! `m` marker. Codes of our own, which players pass over:
//!
//! | code | text | meaning |
//! | --- | --- | --- |
//! | `b` | base64 | the exact bytes of the `o` or `i` event in the next line (it holds U+FFFD for what is not UTF-8) |
//! | `e` | empty | the `o` event in the next line (or the one after a `b`) came from the error stream |
//! | `l` | a number | so many bytes were typed that are not kept |
//! | `d` | `STREAM LENGTH` | so many bytes of binary are in the chunk list and not here |
//! | `g` | `LENGTH` | so many bytes are lost, because writing failed |
//! | `f` | `STREAM` | the stream ended |
//! | `x` | a number or `SIGNAL name` | the command ended so |
//!
//! A channel without a pty has `"newlines": "crlf"` in the `gatehouse` part of its header: each line feed of its
//! output stands as CR LF, so that players show lines. Taking one CR away before each LF gives the bytes back.

mod encode;
mod read;
mod tell;

use gatehouse_model::{InputMode, SessionId};
use serde::{Deserialize, Serialize};

pub use encode::CastEncoder;
pub use read::{CastError, CastReader};

use crate::event::{Exit, Stream};
use crate::offset::Offset;

/// The first line of a cast.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CastHeader {
    /// 2.
    pub version: u32,
    /// Columns at the start.
    pub width: u32,
    /// Rows at the start.
    pub height: u32,
    /// The session's start in whole seconds since 1970.
    pub timestamp: i64,
    /// The command, for players to show; escaped as paths are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// `TERM` and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<CastEnv>,
    /// What only we need.
    pub gatehouse: CastOrigin,
}

/// The environment as far as players want it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CastEnv {
    /// The terminal's type.
    #[serde(rename = "TERM")]
    pub term: String,
}

/// The part of a header under the key `gatehouse`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CastOrigin {
    /// The session.
    pub session: SessionId,
    /// The channel's number.
    pub channel: u32,
    /// `shell`, `exec` or `subsystem`.
    pub kind: String,
    /// The subsystem's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsystem: Option<String>,
    /// Whether the channel has a pty.
    pub pty: bool,
    /// How line feeds of the output are written.
    pub newlines: Newlines,
    /// What is kept of typed input.
    pub input: InputMode,
    /// The session's start, RFC 3339 with microseconds.
    pub started_at: String,
}

/// How line feeds stand in the output events of a cast.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Newlines {
    /// As they came: a terminal made them.
    Raw,
    /// Each as CR LF: no terminal was there to do it.
    CrLf,
}

/// Bytes of an event, and the text that stands for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CastBytes {
    /// As players show it.
    pub text: String,
    /// Exactly as they passed.
    pub bytes: Vec<u8>,
}

/// What an event says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CastData {
    /// The target sent this; the stream is [`Stream::Output`] or [`Stream::Error`].
    Output(Stream, CastBytes),
    /// The person typed this.
    Input(CastBytes),
    /// The person typed so many bytes that are not kept.
    InputLength(u64),
    /// The window changed.
    Resize {
        /// Columns.
        cols: u32,
        /// Rows.
        rows: u32,
    },
    /// A remark.
    Marker(String),
    /// Binary of this length is in the chunk list.
    Binary(Stream, u64),
    /// So many bytes are lost.
    Gap(u64),
    /// A stream ended.
    Eof(Stream),
    /// The command ended.
    Exit(Exit),
    /// An event of another program, or of a later release.
    Other {
        /// Its code.
        code: String,
        /// Its text.
        text: String,
    },
}

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CastEvent {
    /// When, since the session's start.
    pub at: Offset,
    /// What.
    pub data: CastData,
}

/// What a reader yields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CastItem {
    /// The first line.
    Header(Box<CastHeader>),
    /// A later one.
    Event(CastEvent),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_stream() -> impl Strategy<Value = Stream> {
        prop_oneof![Just(Stream::Output), Just(Stream::Error)]
    }

    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 1..40),
            "[a-zż☃\r\n\x1b\u{9b}\u{7f}\"\\\\]{1,20}".prop_map(String::into_bytes),
        ]
    }

    #[derive(Clone, Debug)]
    enum Step {
        Output(Stream, Vec<u8>),
        Input(Vec<u8>),
        Other(CastData),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any_stream(), any_bytes()).prop_map(|(stream, bytes)| Step::Output(stream, bytes)),
            any_bytes().prop_map(Step::Input),
            (1u32..500, 1u32..500).prop_map(|(cols, rows)| Step::Other(CastData::Resize { cols, rows })),
            any::<u64>().prop_map(|length| Step::Other(CastData::InputLength(length))),
            any::<u64>().prop_map(|length| Step::Other(CastData::Binary(Stream::Input, length))),
            any::<u64>().prop_map(|length| Step::Other(CastData::Gap(length))),
            ".{0,10}".prop_map(|text| Step::Other(CastData::Marker(text))),
            Just(Step::Other(CastData::Eof(Stream::Output))),
            any::<u32>().prop_map(|status| Step::Other(CastData::Exit(Exit::Status(status)))),
            Just(Step::Other(CastData::Exit(Exit::Signal("TERM".into())))),
        ]
    }

    pub(super) fn header(newlines: Newlines) -> CastHeader {
        CastHeader {
            version: 2,
            width: 80,
            height: 24,
            timestamp: 1_700_000_000,
            command: Some("uname -a".into()),
            env: Some(CastEnv { term: "xterm".into() }),
            gatehouse: CastOrigin {
                session: "019301f0-0000-7000-8000-000000000001".parse().unwrap(),
                channel: 0,
                kind: "exec".into(),
                subsystem: None,
                pty: newlines == Newlines::Raw,
                newlines,
                input: InputMode::Echoed,
                started_at: "2023-11-14T22:13:20Z".into(),
            },
        }
    }

    fn written(newlines: Newlines, steps: &[(u32, Step)]) -> (Vec<u8>, Vec<CastEvent>) {
        let mut encoder = CastEncoder::new(&header(newlines));
        let (mut now, mut want) = (0u64, Vec::new());
        for (pause, step) in steps {
            now += u64::from(*pause);
            let at = Offset::from_micros(now);
            match step {
                Step::Output(stream, bytes) => encoder.output(at, *stream, bytes),
                Step::Input(bytes) => encoder.input(at, bytes),
                Step::Other(data) => {
                    encoder.event(at, data);
                    want.push(CastEvent {
                        at,
                        data: data.clone(),
                    });
                }
            }
        }
        (encoder.take(), want)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            crlf in any::<bool>(),
            steps in prop::collection::vec((any::<u32>(), any_step()), 0..20),
            cuts in prop::collection::vec(1usize..60, 0..40),
        ) {
            let newlines = if crlf { Newlines::CrLf } else { Newlines::Raw };
            let (file, want) = written(newlines, &steps);
            let mut reader = CastReader::new();
            let (mut rest, mut items) = (&file[..], Vec::new());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                reader.feed(piece);
                while let Some(item) = reader.next_item() { items.push(item.unwrap()); }
                rest = after;
            }
            prop_assert_eq!(items.remove(0), CastItem::Header(Box::new(header(newlines))));
            let events: Vec<CastEvent> = items
                .into_iter()
                .map(|item| match item { CastItem::Event(event) => event, CastItem::Header(_) => panic!("second header") })
                .collect();
            let bytes_of = |wanted: Option<Stream>| -> Vec<u8> {
                events.iter().flat_map(|event| match (&event.data, wanted) {
                    (CastData::Output(stream, data), Some(wanted)) if *stream == wanted => data.bytes.clone(),
                    (CastData::Input(data), None) => data.bytes.clone(),
                    _ => Vec::new(),
                }).collect()
            };
            for stream in [Stream::Output, Stream::Error] {
                let sent: Vec<u8> = steps.iter().flat_map(|(_, step)| match step {
                    Step::Output(on, bytes) if *on == stream => bytes.clone(),
                    _ => Vec::new(),
                }).collect();
                prop_assert_eq!(bytes_of(Some(stream)), sent);
            }
            let typed: Vec<u8> = steps.iter().flat_map(|(_, step)| match step {
                Step::Input(bytes) => bytes.clone(),
                _ => Vec::new(),
            }).collect();
            prop_assert_eq!(bytes_of(None), typed);
            let others: Vec<CastEvent> = events
                .into_iter()
                .filter(|event| !matches!(event.data, CastData::Output(..) | CastData::Input(_)))
                .collect();
            prop_assert_eq!(others, want);
        }

        #[test]
        fn a_torn_file_yields_a_prefix(steps in prop::collection::vec((any::<u32>(), any_step()), 1..12), keep in 0.0f64..1.0) {
            let (file, _) = written(Newlines::Raw, &steps);
            let read = |bytes: &[u8]| {
                let mut reader = CastReader::new();
                reader.feed(bytes);
                std::iter::from_fn(|| reader.next_item()).map(Result::unwrap).collect::<Vec<_>>()
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a small file")]
            let cut = (file.len() as f64 * keep) as usize;
            let (whole, torn) = (read(&file), read(&file[..cut]));
            prop_assert!(whole.starts_with(&torn));
            let complete_lines = file[..cut].iter().filter(|b| **b == b'\n').count();
            prop_assert!(torn.len() <= complete_lines);
        }

        #[test]
        fn garbage_is_no_cast_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut reader = CastReader::new();
            reader.feed(&bytes);
            while let Some(item) = reader.next_item() { drop(item); }
        }
    }

    #[test]
    fn every_line_is_three_values_and_free_of_control_characters() {
        let (file, _) = written(
            Newlines::CrLf,
            &[
                (
                    5,
                    Step::Output(Stream::Error, b"a\xff\n\x1b\x7f\xc2\x9b".to_vec()),
                ),
                (1, Step::Input(b"x".to_vec())),
            ],
        );
        let text = String::from_utf8(file).unwrap();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        for line in text.lines().skip(1) {
            let values: (f64, String, String) = serde_json::from_str(line).unwrap();
            assert_eq!(values.1.len(), 1);
        }
        let event = |code, data| format!("[0.000005, \"{code}\", \"{data}\"]\n");
        let want = [("e", ""), ("o", "a"), ("b", "/w=="), ("e", ""), ("o", "\u{fffd}")];
        let mut want: String = want.into_iter().map(|(code, data)| event(code, data)).collect();
        want.push_str(&(event("e", "") + &event("o", "\\r\\n\\u001b\\u007f\\u009b")));
        assert!(text.contains(&want), "{text}");
    }
}
