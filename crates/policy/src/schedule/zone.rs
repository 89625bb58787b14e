//! Time zones by name, from the tables that are built into the binary: no file is read.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The name is no time zone.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{given:?} is not a time zone{hint}; write an IANA name such as Europe/Warsaw or UTC", hint = hint(.nearest))]
pub struct UnknownZone {
    /// What was written.
    pub given: String,
    /// The name that looks most like it.
    pub nearest: Option<String>,
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!(" (did you mean {name}?)"))
        .unwrap_or_default()
}

/// The zone of an IANA name, in any case. Its own name ([`TimeZone::iana_name`]) is in the usual case.
///
/// # Errors
/// There is no such zone; the error names the nearest one.
pub fn find_zone(name: &str) -> Result<TimeZone, UnknownZone> {
    // The database would take other spellings of UTC that are no IANA names.
    match ZONES.get(name) {
        Ok(zone) if zone.iana_name().is_some() => Ok(zone),
        _ => Err(UnknownZone {
            given: name.chars().take(64).collect(),
            nearest: nearest(name),
        }),
    }
}

fn nearest(name: &str) -> Option<String> {
    let folded: String = name
        .to_lowercase()
        .chars()
        .take(64)
        .map(|c| if c == ' ' { '_' } else { c })
        .collect();
    let distance = |zone: &str| {
        let zone = zone.to_lowercase();
        let city = zone.rsplit('/').next().unwrap_or(&zone);
        strsim::osa_distance(&zone, &folded).min(strsim::osa_distance(city, &folded))
    };
    ZONES
        .available()
        .map(|zone| (distance(zone.as_str()), zone.as_str().to_owned()))
        .min()
        .filter(|(distance, _)| *distance <= 3 && *distance * 3 < folded.chars().count().max(1))
        .map(|(_, zone)| zone)
}
