//! `gatehouse session export`.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gatehouse_audit::Action;
use gatehouse_recording::Exit;
use gatehouse_recording::cast::CastData;
use gatehouse_store::Session;
use serde_json::{Value, json};

use super::casts::{Casts, Recorded as Recording, Shown};
use super::{about_to_show, find, text};
use crate::cli::context::to_json;
use crate::cli::{Answer, Context, examples};
use crate::failure::Failure;

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse session export 0193a7 -o session.cast && asciinema play session.cast",
    "gatehouse session export 0193a7 --format txt",
    "gatehouse session export 0193a7 --format json -o session.json",
))]
pub(crate) struct Arguments {
    /// Id of the session, any prefix that is unique, or `last`
    id: String,
    /// cast: for the asciinema tools; txt: the plain transcript; json: every event with all that is known
    #[arg(long, value_name = "FORMAT", default_value = "cast")]
    format: Format,
    /// Only this channel
    #[arg(long, value_name = "N")]
    channel: Option<u32>,
    /// Where to; without it, standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A format of export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Asciicast
    Cast,
    /// Plain transcript
    Txt,
    /// Every event
    Json,
    /// For RDP sessions
    Pyrdp,
    /// For RDP sessions
    Mp4,
}

pub(super) async fn run(arguments: &Arguments, context: &Context) -> Result<Answer, Failure> {
    if matches!(arguments.format, Format::Pyrdp | Format::Mp4) {
        return Err(Failure::refused(
            "pyrdp and mp4 are formats of RDP sessions; export SSH sessions as cast, txt or json",
        ));
    }
    let session = find(&arguments.id, context).await?;
    let recording = Recording::of(&session, context)?;
    let channels = match (recording.chosen(arguments.channel), arguments.format) {
        // A session of transfers alone has no cast, and its events are still worth exporting.
        (Err(_), Format::Json) if arguments.channel.is_none() => Vec::new(),
        (chosen, _) => chosen?,
    };
    if let (Format::Cast, [_, _, ..]) = (arguments.format, channels.as_slice()) {
        let numbers: Vec<_> = channels.iter().map(ToString::to_string).collect();
        return Err(Failure::refused(format!(
            "the session has several channels ({}), and a cast holds one; choose it with --channel",
            numbers.join(", ")
        )));
    }
    let mut casts = recording.read(&channels)?;
    let format = arguments
        .format
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned());
    about_to_show(&session, Action::RecordingExported, &format, context).await?;
    let mut out = Output::open(arguments.output.as_deref())?;
    match arguments.format {
        Format::Txt => text::write(&mut casts, channels.len() > 1, &mut out.writer)?,
        Format::Json => write_json(&session, &mut casts, &mut out.writer)?,
        Format::Cast | Format::Pyrdp | Format::Mp4 => {
            for channel in &channels {
                copy(&recording.cast(*channel), &mut out.writer)?;
            }
        }
    }
    out.finish()?;
    match &arguments.output {
        Some(path) if path != Path::new("-") => {
            context.done(&format!("exported {} to {}", session.id, path.display()))
        }
        _ => Ok(Answer::nothing()),
    }
}

/// Where an export goes. A file is readable by its owner only, as the recording is.
struct Output {
    writer: BufWriter<Box<dyn Write>>,
    path: Option<PathBuf>,
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self {
                writer: BufWriter::new(Box::new(std::io::stdout())),
                path: None,
            });
        };
        let failed = |source| Failure::File {
            path: path.to_owned(),
            done: "written",
            source,
        };
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        Ok(Self {
            writer: BufWriter::new(Box::new(file)),
            path: Some(path.to_owned()),
        })
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|source| match self.path {
            Some(path) => Failure::File {
                path,
                done: "written",
                source,
            },
            None => Failure::Output(source),
        })
    }
}

fn copy(from: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let failed = |source| Failure::File {
        path: from.to_owned(),
        done: "read",
        source,
    };
    let mut file = File::open(from).map_err(failed)?;
    std::io::copy(&mut file, out).map_err(Failure::Output)?;
    Ok(())
}

/// `{"session": …, "channels": […], "events": […]}`, one event a line, written as it is read.
fn write_json(session: &Session, casts: &mut Casts, out: &mut impl Write) -> Result<(), Failure> {
    let head = to_json(session)?;
    write!(out, "{{\"session\": {},\n\"events\": [", head.trim_end()).map_err(Failure::Output)?;
    let mut separator = "\n";
    while let Some(shown) = casts.next() {
        write!(out, "{separator}{}", event(&shown)).map_err(Failure::Output)?;
        separator = ",\n";
    }
    writeln!(out, "\n],\n\"damage\": {}}}", json!(casts.damage())).map_err(Failure::Output)
}

fn event(shown: &Shown<'_>) -> Value {
    let mut value = match &shown.event.data {
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
        fields.insert("channel".to_owned(), json!(shown.channel));
        fields.insert("at".to_owned(), json!(shown.event.at));
    }
    value
}
