//! The names of a recording's files.

use std::fmt;
use std::str::FromStr;

/// A file of a recording. Only these names exist; whatever else lies in the directory does not belong to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileName {
    /// `ssh-N.cast`: what a channel showed, as asciicast v2.
    Cast(u32),
    /// `ssh-N.bin.zst`: binary that was kept, each piece a zstd frame of its own.
    Binary(u32),
    /// `ssh-N.chunks.jsonl`: time, direction, length and digest of binary, and where it was kept.
    Chunks(u32),
    /// `transfers.jsonl`: transfers and changes of files.
    Transfers,
    /// `forward-N.pcapng`: what went through a forward, as packets.
    Forward(u32),
}

/// The text does not name a file of a recording.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not the name of a file of a recording, such as ssh-0.cast")]
pub struct NotARecordingFile(String);

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cast(number) => write!(f, "ssh-{number}.cast"),
            Self::Binary(number) => write!(f, "ssh-{number}.bin.zst"),
            Self::Chunks(number) => write!(f, "ssh-{number}.chunks.jsonl"),
            Self::Transfers => f.write_str("transfers.jsonl"),
            Self::Forward(number) => write!(f, "forward-{number}.pcapng"),
        }
    }
}

impl FromStr for FileName {
    type Err = NotARecordingFile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = if text == "transfers.jsonl" {
            Some(Self::Transfers)
        } else if let Some(rest) = text.strip_prefix("forward-") {
            rest.strip_suffix(".pcapng")
                .and_then(|number| Some(Self::Forward(number.parse().ok()?)))
        } else {
            text.strip_prefix("ssh-")
                .and_then(|rest| rest.split_once('.'))
                .and_then(|(number, kind)| {
                    let number = number.parse().ok()?;
                    match kind {
                        "cast" => Some(Self::Cast(number)),
                        "bin.zst" => Some(Self::Binary(number)),
                        "chunks.jsonl" => Some(Self::Chunks(number)),
                        _ => None,
                    }
                })
        };
        // One spelling each: `ssh-007.cast` and `ssh-+7.cast` are nobody's.
        parsed
            .filter(|name| name.to_string() == text)
            .ok_or_else(|| NotARecordingFile(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for name in [
            FileName::Cast(0),
            FileName::Binary(12),
            FileName::Chunks(7),
            FileName::Transfers,
            FileName::Forward(3),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for bad in [
            "",
            "ssh-.cast",
            "ssh-01.cast",
            "ssh-+1.cast",
            "ssh-1.cast.x",
            "../ssh-1.cast",
            "manifest.json",
            "forward-.pcapng",
            "forward-03.pcapng",
            "forward-3.pcapng.gz",
        ] {
            assert!(bad.parse::<FileName>().is_err(), "{bad}");
        }
    }
}
