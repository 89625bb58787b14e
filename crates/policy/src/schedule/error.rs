//! What can be wrong with the text of a schedule.

use super::UnknownZone;

/// The text is not a schedule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Nothing was given.
    #[error("a schedule is missing; write one such as \"Mon-Fri 08:00-16:00 Europe/Warsaw\", or \"always\"")]
    Empty,
    /// The text begins like JSON and is none.
    #[error("the schedule is not valid JSON: {0}")]
    Json(String),
    /// A field that schedules do not have.
    #[error(
        "a schedule has no field {0:?}; it has weekdays, time_start, time_end, months, days_of_month, timezone and is_active"
    )]
    UnknownField(String),
    /// A field with a value that it cannot have.
    #[error("the schedule's {field} is {given}; it must be {wanted}")]
    Field {
        /// The field.
        field: &'static str,
        /// Its value, as JSON.
        given: String,
        /// What would do.
        wanted: &'static str,
    },
    /// A word that schedules do not have.
    #[error(
        "{0:?} in the schedule is not understood; write it like \"months May-Aug days 1-7 Mon-Fri 08:00-16:00 Europe/Warsaw\""
    )]
    Word(String),
    /// `months` or `days` without a list after it.
    #[error("{0:?} in the schedule must be followed by a list, such as {1}")]
    Missing(&'static str, &'static str),
    /// The same thing said twice.
    #[error("the schedule gives its {0} twice; say it once, or make two schedules")]
    Twice(&'static str),
    /// A start without an end or a time that is none.
    #[error("{0:?} in the schedule is not a time of day; write it like 08:00-16:00, at most until 24:00")]
    Hours(String),
    /// No such time zone.
    #[error("{0}")]
    Zone(#[from] UnknownZone),
    /// Days that none of the months has.
    #[error("the schedule never matches: there is no day {days} in {months}")]
    NoSuchDate {
        /// The days of the month.
        days: String,
        /// The months.
        months: String,
    },
}
