//! `GET /sessions/{id}/recording`: a recording as a file.

use std::fs::File;
use std::io;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gatehouse_archive::{ArchiveError, Casts, Recording};
use gatehouse_audit::Action;
use gatehouse_recording::FileName;
use gatehouse_recording::manifest::ManifestState;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::pieces::{Everything, Pieces, Stored, Text, body, whole_lines};
use super::range::{Wanted, wanted};
use super::{Found, about_to_show, blocking, find};
use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::shape::Query;
use crate::site::Site;

/// What lists the files of a recording.
const MANIFEST: &str = "manifest.json";

pub(super) fn operations() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(download_recording))
}

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Asciicast, as it was stored, decrypted where it is encrypted.
    #[default]
    Cast,
    /// The plain transcript.
    Txt,
    /// Every event with all that is known.
    Json,
    /// What a forward carried, for Wireshark, decrypted where it is encrypted.
    Pcapng,
    /// A file as it lies on the disk, encrypted where it is.
    Original,
}

impl Format {
    fn word(self) -> &'static str {
        match self {
            Self::Cast => "cast",
            Self::Txt => "txt",
            Self::Json => "json",
            Self::Pcapng => "pcapng",
            Self::Original => "original",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Cast => "application/x-asciicast",
            Self::Txt => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Pcapng => "application/vnd.tcpdump.pcap",
            Self::Original => "application/octet-stream",
        }
    }
}

/// What is wanted of a recording.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct What {
    /// In which form; `cast` if absent.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// This channel only. A cast holds one. Of pcapng, the number in the name of the forward's file.
    channel: Option<u32>,
    /// With `original`: which file, by a name of the recording.
    file: Option<String>,
}

/// A recording as a file. Files that lie there as they are asked for can be had in parts (`Range`).
#[utoipa::path(get, path = "/sessions/{id}/recording", tag = "recordings",
    params(("id" = String, Path, description = "Id, or a unique prefix of it"), What),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "A part of it.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn download_recording(
    State(site): State<Site>,
    caller: Caller,
    Path(id): Path<String>,
    Query(what): Query<What>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Found { session, recording } = find(&site, &id).await?;
    let choice = choose(&what, &recording)?;
    let row = serde_json::to_value(&session)
        .map_err(|error| Problem::fault("a session cannot be written as JSON", &error))?;
    let part = choice.part();
    let file_name = choice.file_name(&session.id.to_string());
    // Opened before it is audited: what cannot be shown was not.
    let opened = blocking(move || choice.open(&recording, &row)).await??;
    let wanted = match &opened {
        Opened::File { length, tag, .. } => wanted(&headers, *length, tag.as_deref()),
        Opened::Made(_) => Wanted::Whole,
    };
    if wanted == Wanted::Nothing {
        return Ok(beyond(&opened));
    }
    let how = (Action::RecordingExported, what.format.word());
    about_to_show(&site, &caller, &session, how, part).await?;
    let mut response = answer(opened, wanted)?;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(what.format.media_type()),
    );
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// What was asked for, and is there.
enum Choice {
    Cast(u32),
    Text(Vec<u32>),
    Everything(Vec<u32>),
    Capture(u32),
    /// A file, by a name that a recording can have.
    Original(Original),
}

enum Original {
    Manifest,
    File(FileName),
}

/// Something that can be sent.
enum Opened {
    /// A file as it lies on the disk.
    File {
        file: File,
        length: u64,
        /// A strong tag, if the file will not change.
        tag: Option<String>,
    },
    /// Something made on the way.
    Made(Box<dyn Pieces>),
}

fn choose(what: &What, recording: &Recording) -> Result<Choice, Problem> {
    let channels = || {
        recording
            .choose(what.channel)
            .map_err(|error| Problem::invalid("channel", error.to_string()))
    };
    if what.file.is_some() && what.format != Format::Original {
        return Err(Problem::invalid(
            "file",
            "only an original is asked for by its file; add format=original",
        ));
    }
    match what.format {
        Format::Original => original(what, recording).map(Choice::Original),
        Format::Txt => channels().map(Choice::Text),
        // A session of transfers alone has no cast, and can be exported all the same.
        Format::Json if recording.channels().is_empty() && what.channel.is_none() => {
            Ok(Choice::Everything(Vec::new()))
        }
        Format::Json => channels().map(Choice::Everything),
        Format::Cast => match channels()?.as_slice() {
            [one] => Ok(Choice::Cast(*one)),
            several => Err(several_of("channels", "a cast", several)),
        },
        Format::Pcapng => match (what.channel, recording.captures()) {
            (None, [one]) => Ok(Choice::Capture(*one)),
            (Some(number), there) if there.contains(&number) => Ok(Choice::Capture(number)),
            (None, several @ [_, _, ..]) => Err(several_of("captured forwards", "a file", several)),
            _ => Err(Problem::invalid(
                "channel",
                "the session has no such captured forward; they are kept where record_forwards is on",
            )),
        },
    }
}

fn several_of(things: &str, holder: &str, numbers: &[u32]) -> Problem {
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    Problem::invalid(
        "channel",
        format!(
            "the session has several {things} ({}), and {holder} holds one; choose it with channel=",
            numbers.join(", ")
        ),
    )
}

/// A file by its name. Only names that files of a recording can have get near the disk.
fn original(what: &What, recording: &Recording) -> Result<Original, Problem> {
    let unknown = || {
        let listed = recording.manifest().files.iter().map(|file| file.name.as_str());
        let there: Vec<_> = listed.chain([MANIFEST]).collect();
        Problem::invalid(
            "file",
            format!("the recording has these files: {}", there.join(", ")),
        )
    };
    let name = what.file.as_deref().ok_or_else(unknown)?;
    if name == MANIFEST {
        return Ok(Original::Manifest);
    }
    let parsed: FileName = name.parse().map_err(|_| unknown())?;
    let manifest = recording.manifest();
    let listed = manifest.files.iter().any(|file| file.name == name);
    // While it grows, its manifest lists nothing.
    if listed || manifest.state == ManifestState::Open {
        Ok(Original::File(parsed))
    } else {
        Err(unknown())
    }
}

impl Choice {
    /// Which part of the recording it is, for the book.
    fn part(&self) -> Option<String> {
        match self {
            Self::Cast(number) => Some(FileName::Cast(*number).to_string()),
            Self::Capture(number) => Some(FileName::Forward(*number).to_string()),
            Self::Original(Original::Manifest) => Some(MANIFEST.to_owned()),
            Self::Original(Original::File(name)) => Some(name.to_string()),
            Self::Text(channels) | Self::Everything(channels) => match channels.as_slice() {
                [one] => Some(FileName::Cast(*one).to_string()),
                _ => None,
            },
        }
    }

    fn file_name(&self, session: &str) -> String {
        match (self, self.part()) {
            (Self::Text(_), _) => format!("{session}.txt"),
            (Self::Everything(_), _) => format!("{session}.json"),
            (_, Some(part)) => format!("{session}-{part}"),
            (_, None) => session.to_owned(),
        }
    }

    /// Opens it. Waits for the disk.
    fn open(self, recording: &Recording, row: &serde_json::Value) -> Result<Opened, Problem> {
        let casts = |channels: &[u32]| -> Result<Casts, ArchiveError> {
            recording.readable()?;
            recording.casts(channels)
        };
        Ok(match self {
            Self::Cast(number) if !recording.is_encrypted() => {
                let (mut file, mut length, tag) = stored(recording, FileName::Cast(number))?;
                if tag.is_none() {
                    length = whole_lines(&mut file, length).map_err(unreadable)?;
                }
                Opened::File { file, length, tag }
            }
            Self::Cast(number) => Opened::Made(Box::new(recording.contents(FileName::Cast(number))?)),
            Self::Capture(number) => Opened::Made(Box::new(recording.captured(number)?)),
            Self::Text(channels) => Opened::Made(Box::new(Text::new(casts(&channels)?))),
            Self::Everything(channels) => Opened::Made(Box::new(Everything::new(row, casts(&channels)?))),
            Self::Original(Original::File(name)) => {
                let (file, length, tag) = stored(recording, name)?;
                Opened::File { file, length, tag }
            }
            Self::Original(Original::Manifest) => {
                let file = File::open(recording.manifest_file()).map_err(unreadable)?;
                let length = file.metadata().map_err(unreadable)?.len();
                let tag = None;
                Opened::File { file, length, tag }
            }
        })
    }
}

/// A file as it lies on the disk, its length, and a strong tag if it will not change.
fn stored(recording: &Recording, name: FileName) -> Result<(File, u64, Option<String>), Problem> {
    let file = File::open(recording.file(name)).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let name = name.to_string();
    let listed = recording.manifest().files.iter().find(|file| file.name == name);
    Ok((file, length, listed.map(|file| file.sha256.clone())))
}

fn unreadable(error: io::Error) -> Problem {
    if error.kind() == io::ErrorKind::NotFound {
        return Problem::not_found("the recording has no such file");
    }
    tracing::error!(%error, "a file of a recording could not be read");
    Problem::new(
        Code::Unavailable,
        "the file cannot be read now; try again, and tell an administrator if this goes on",
    )
}

fn answer(opened: Opened, wanted: Wanted) -> Result<Response, Problem> {
    let (file, length, tag) = match opened {
        Opened::Made(pieces) => {
            let mut response = body(pieces).into_response();
            response
                .headers_mut()
                .insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
            return Ok(response);
        }
        Opened::File { file, length, tag } => (file, length, tag),
    };
    let (from, count) = match wanted {
        Wanted::Part(first, last) => (first, last - first + 1),
        Wanted::Whole | Wanted::Nothing => (0, length),
    };
    let pieces = Stored::new(file, from, count).map_err(unreadable)?;
    let mut response = body(Box::new(pieces)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    if let Some(Ok(tag)) = tag.map(|tag| HeaderValue::from_str(&format!("\"{tag}\""))) {
        headers.insert(header::ETAG, tag);
    }
    if let Wanted::Part(first, last) = wanted {
        let part = HeaderValue::from_str(&format!("bytes {first}-{last}/{length}"));
        if let Ok(part) = part {
            headers.insert(header::CONTENT_RANGE, part);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// The range that was asked for lies beyond the end.
fn beyond(opened: &Opened) -> Response {
    let length = match opened {
        Opened::File { length, .. } => *length,
        Opened::Made(_) => 0,
    };
    let problem = Problem::new(
        Code::Range,
        format!("the file has {length} bytes; ask for a range within them"),
    );
    let mut response = problem.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}
