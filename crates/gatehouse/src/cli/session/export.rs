//! `gatehouse session export`.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gatehouse_archive::{Casts, Contents};
use gatehouse_audit::Action;
use serde_json::json;

use super::capture;
use super::casts::Recorded;
use super::source::{Desk, Found, Source};
use super::text;
use crate::cli::context::{self, to_json};
use crate::cli::{Answer, examples};
use crate::failure::Failure;

#[derive(Args)]
#[command(after_long_help = examples!(
    "gatehouse session export 0193a7 -o session.cast && asciinema play session.cast",
    "gatehouse session export 0193a7 --format txt",
    "gatehouse session export 0193a7 --format json -o session.json",
    "gatehouse session export 0193a7 --format pcapng -o forwards.pcapng && wireshark forwards.pcapng",
    "gatehouse session export --dir ./0193a7… --identity key.txt -o session.cast",
))]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// cast: for the asciinema tools; txt: the plain transcript; json: every event with all that is known;
    /// pcapng: what its forwards carried, for Wireshark
    #[arg(long, value_name = "FORMAT", default_value = "cast")]
    format: Format,
    /// Only this channel
    #[arg(long, value_name = "N")]
    channel: Option<u32>,
    /// Only this forward, by the number in the name of its file (pcapng)
    #[arg(long, value_name = "N", conflicts_with = "channel")]
    forward: Option<u32>,
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
    /// What forwards carried
    Pcapng,
    /// For RDP sessions
    Pyrdp,
    /// For RDP sessions
    Mp4,
}

impl Arguments {
    /// Which recording.
    pub(super) fn source(&self) -> &Source {
        &self.source
    }
}

pub(super) async fn run(arguments: &Arguments, desk: &Desk<'_>) -> Result<Answer, Failure> {
    if matches!(arguments.format, Format::Pyrdp | Format::Mp4) {
        return Err(Failure::refused(
            "pyrdp and mp4 are formats of RDP sessions; export SSH sessions as cast, txt or json",
        ));
    }
    if (arguments.format == Format::Pcapng && arguments.channel.is_some())
        || (arguments.format != Format::Pcapng && arguments.forward.is_some())
    {
        return Err(Failure::usage(
            "forwards are exported as pcapng, with --forward for one of them; channels in the other formats, with --channel",
        ));
    }
    let found = desk.find(&arguments.source).await?;
    let recording = &found.recorded;
    let chosen = chosen(arguments, recording)?;
    let format = arguments
        .format
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned());
    desk.about_to_show(&found, Action::RecordingExported, &format)
        .await?;
    let mut out = Output::open(arguments.output.as_deref())?;
    match arguments.format {
        Format::Txt => {
            text::write(recording.read(&chosen)?, chosen.len() > 1, &mut out.writer)?;
        }
        Format::Json => write_json(&found, &mut recording.read(&chosen)?, &mut out.writer)?,
        Format::Pcapng => capture::write(recording, &chosen, &mut out.writer)?,
        Format::Cast | Format::Pyrdp | Format::Mp4 => {
            for channel in &chosen {
                copy(recording.cast(*channel)?, &mut out.writer)?;
            }
        }
    }
    out.finish()?;
    match &arguments.output {
        Some(path) if path != Path::new("-") => {
            let sentence = format!("exported {} to {}", recording.session(), path.display());
            Ok(Answer::text(match desk.format() {
                context::Format::Json => to_json(&json!({ "done": sentence }))?,
                context::Format::Text => format!("{}\n", crate::terminal::clean(&sentence)),
            }))
        }
        _ => Ok(Answer::nothing()),
    }
}

/// The channels, or captures of forwards, that go into the export.
fn chosen(arguments: &Arguments, recording: &Recorded) -> Result<Vec<u32>, Failure> {
    if arguments.format == Format::Pcapng {
        return capture::chosen(recording, arguments.forward);
    }
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
    Ok(channels)
}

/// Where an export goes. A file is readable by its owner only, as the recording is.
pub(in crate::cli) struct Output {
    /// Takes what is exported.
    pub(in crate::cli) writer: BufWriter<Box<dyn Write>>,
    path: Option<PathBuf>,
}

impl Output {
    /// A file, or standard output.
    pub(in crate::cli) fn open(path: Option<&Path>) -> Result<Self, Failure> {
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

    /// Writes what still waits.
    pub(in crate::cli) fn finish(mut self) -> Result<(), Failure> {
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

fn copy(mut from: Contents, out: &mut impl Write) -> Result<(), Failure> {
    loop {
        let piece = from.piece()?;
        if piece.is_empty() {
            return Ok(());
        }
        out.write_all(piece).map_err(Failure::Output)?;
    }
}

/// `{"session": …, "events": […], "damage": …}`, one event a line, written as it is read. Without a store, the session is
/// told by the manifest.
fn write_json(found: &Found, casts: &mut Casts, out: &mut impl Write) -> Result<(), Failure> {
    let head = match &found.session {
        Some(session) => to_json(session)?,
        None => to_json(&found.recorded.0.manifest().head)?,
    };
    write!(out, "{{\"session\": {},\n\"events\": [", head.trim_end()).map_err(Failure::Output)?;
    let mut separator = "\n";
    while let Some(shown) = casts.next() {
        write!(out, "{separator}{}", shown.event.to_json(shown.channel)).map_err(Failure::Output)?;
        separator = ",\n";
    }
    writeln!(out, "\n],\n\"damage\": {}}}", json!(casts.damage())).map_err(Failure::Output)
}
