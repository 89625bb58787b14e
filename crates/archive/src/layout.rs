//! Where things lie below the archive's root.

use std::path::{Path, PathBuf};

use gatehouse_model::{NodeId, SessionId, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::ArchiveError;

/// The manifest's name in a recording's directory.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The first manifest before it has its name.
pub(crate) const MANIFEST_NEW: &str = "manifest.json.new";

/// A recording's place: `YYYY/MM/DD/{session id}`, by the day of its start in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Place {
    day: Date,
    session: SessionId,
}

impl Place {
    pub(crate) fn new(started: Timestamp, session: SessionId) -> Self {
        Self {
            day: started.to_zoned(TimeZone::UTC).date(),
            session,
        }
    }

    /// Reads a relative path. Nothing else gets near the file system, so that no path leads out of the archive.
    pub(crate) fn parse(path: &str) -> Result<Self, ArchiveError> {
        let bad = || ArchiveError::BadPath {
            path: path.to_owned(),
        };
        let (day, session) = path.rsplit_once('/').ok_or_else(bad)?;
        Self::of_parts(&day.replace('/', "-"), session)
            .filter(|place| place.relative() == path)
            .ok_or_else(bad)
    }

    pub(crate) fn session(self) -> SessionId {
        self.session
    }

    pub(crate) fn relative(self) -> String {
        format!(
            "{:04}/{:02}/{:02}/{}",
            self.day.year(),
            self.day.month(),
            self.day.day(),
            self.session
        )
    }

    pub(crate) fn directory(self, root: &Path) -> PathBuf {
        root.join(self.relative())
    }

    /// The directories from the root down to the one that holds the recording's.
    pub(crate) fn parents(self, root: &Path) -> Vec<PathBuf> {
        let mut path = root.to_owned();
        let mut parents = vec![path.clone()];
        let day = [
            format!("{:04}", self.day.year()),
            format!("{:02}", self.day.month()),
            format!("{:02}", self.day.day()),
        ];
        for part in day {
            path.push(part);
            parents.push(path.clone());
        }
        parents
    }

    /// The file that stands for an open recording of a node.
    pub(crate) fn marker(self, root: &Path, node: NodeId) -> PathBuf {
        let Self { day, session } = self;
        open_directory(root, node).join(format!(
            "{:04}-{:02}-{:02}.{session}",
            day.year(),
            day.month(),
            day.day()
        ))
    }

    /// Reads a marker's name.
    pub(crate) fn of_marker(name: &str) -> Option<Self> {
        let (day, session) = name.split_once('.')?;
        Self::of_parts(day, session)
    }

    fn of_parts(day: &str, session: &str) -> Option<Self> {
        Some(Self {
            day: day.parse().ok()?,
            session: session.parse().ok()?,
        })
    }
}

/// Where the markers of a node lie.
pub(crate) fn open_directory(root: &Path, node: NodeId) -> PathBuf {
    root.join(".open").join(node.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_one_spelling_and_lead_nowhere_else() {
        let id = "019301f0-0000-7000-8000-000000000001";
        let place = Place::new("2026-01-31T23:59:59.9Z".parse().unwrap(), id.parse().unwrap());
        assert_eq!(place.relative(), format!("2026/01/31/{id}"));
        assert_eq!(Place::parse(&place.relative()).unwrap(), place);
        let marker = place.marker(Path::new("/r"), NodeId(id.parse().unwrap()));
        assert_eq!(
            Place::of_marker(marker.file_name().unwrap().to_str().unwrap()),
            Some(place)
        );
        for bad in [
            "",
            "x",
            "2026/01/31/..",
            "../../etc/passwd",
            "/2026/01/31/x",
            "2026/1/31/019301f0-0000-7000-8000-000000000001",
        ] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }
}
