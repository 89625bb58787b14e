//! Recurring windows: their fields, and their two text forms (JSON and words).

mod error;
mod json;
mod words;
mod zone;

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::ScheduleError;
pub use zone::{UnknownZone, find_zone};

/// Minutes of a day; also the last value that an end can have (`24:00`).
pub(crate) const DAY_MINUTES: u16 = 24 * 60;

/// A recurring window of local time.
///
/// All fields must fit; an absent field means "any". Ends are exclusive. If the end is at or before the start, the
/// window crosses midnight and belongs to the day on which it **starts**. Two schedules are equal if they mean the
/// same: all seven weekdays are "any", `00:00`–`24:00` is the whole day, an end of `00:00` is `24:00`.
///
/// Read with [`FromStr`] from JSON (`{"weekdays":[0,1],"time_start":"08:00"}`) or from words
/// (`Mon,Tue 08:00-24:00`); printed in words. Serialized as a JSON object with the same field names.
///
/// The words, in the order in which they are printed (any order is read):
/// `inactive`, `months May-Aug`, `days 1-7`, `Mon-Fri`, `08:00-16:00`, `Europe/Warsaw`. A schedule that says
/// nothing is `always`. `inactive` marks a schedule that is switched off (`"is_active": false`): it matches never.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Schedule {
    weekdays: Choice,
    hours: Option<Hours>,
    months: Choice,
    days_of_month: Choice,
    timezone: Option<String>,
    switch: Switch,
}

/// Whether a schedule counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) enum Switch {
    #[default]
    On,
    Off,
}

/// From when to when, in minutes since midnight. `end` may be at or before `start`: it is then on the next day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Hours {
    pub(crate) start: u16,
    pub(crate) end: u16,
}

impl Schedule {
    /// The weekdays on which the window starts, 0 = Monday … 6; empty: any.
    pub fn weekdays(&self) -> Vec<u8> {
        self.weekdays.values().collect()
    }

    /// The months in which the window starts, 1–12; empty: any.
    pub fn months(&self) -> Vec<u8> {
        self.months.values().collect()
    }

    /// The days of the month on which the window starts, 1–31; empty: any.
    pub fn days_of_month(&self) -> Vec<u8> {
        self.days_of_month.values().collect()
    }

    /// The start of the window as `HH:MM`; `None`: the whole day.
    pub fn time_start(&self) -> Option<String> {
        self.hours.map(|hours| clock(hours.start))
    }

    /// The end of the window as `HH:MM`, exclusive, up to `24:00`; `None`: the whole day.
    pub fn time_end(&self) -> Option<String> {
        self.hours.map(|hours| clock(hours.end))
    }

    /// The IANA name of the zone whose clock is meant; `None`: the configured default.
    pub fn timezone(&self) -> Option<&str> {
        self.timezone.as_deref()
    }

    /// Whether the schedule counts. One that is switched off matches never.
    pub fn is_active(&self) -> bool {
        self.switch == Switch::On
    }

    /// The same schedule, switched on or off.
    #[must_use]
    pub fn with_active(self, is_active: bool) -> Self {
        Self {
            switch: if is_active { Switch::On } else { Switch::Off },
            ..self
        }
    }

    /// The hours; `None`: the whole day.
    pub(crate) fn hours(&self) -> Option<Hours> {
        self.hours
    }

    /// Whether it matches at every instant.
    pub(crate) fn is_always(&self) -> bool {
        self.is_active()
            && self.hours.is_none()
            && [self.weekdays, self.months, self.days_of_month]
                .iter()
                .all(|choice| choice.is_any())
    }

    /// Whether the window starts on days such as `date`.
    pub(crate) fn starts_on(&self, date: Date) -> bool {
        self.months.has(date.month().unsigned_abs())
            && self.days_of_month.has(date.day().unsigned_abs())
            && self
                .weekdays
                .has(date.weekday().to_monday_zero_offset().unsigned_abs())
    }

    /// Whether the window starts in months such as that of `date`.
    pub(crate) fn starts_in_month_of(&self, date: Date) -> bool {
        self.months.has(date.month().unsigned_abs())
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        if trimmed.starts_with('{') {
            json::parse(trimmed)
        } else {
            words::parse(trimmed)
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&words::print(self))
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        json::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        json::deserialize(from)
    }
}

/// Which of a few small numbers are meant; none: any of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
struct Choice(u32);

impl Choice {
    fn is_any(self) -> bool {
        self.0 == 0
    }

    /// Whether `value` (below 32) is meant.
    fn has(self, value: u8) -> bool {
        self.is_any() || self.0 & 1u32.checked_shl(u32::from(value)).unwrap_or(0) != 0
    }

    fn add(&mut self, value: u8) {
        self.0 |= 1u32.checked_shl(u32::from(value)).unwrap_or(0);
    }

    fn values(self) -> impl Iterator<Item = u8> {
        (0..32u8).filter(move |value| self.0 & (1 << value) != 0)
    }

    /// All of `from..=to` is the same as any.
    fn normalised(self, from: u8, to: u8) -> Self {
        if (from..=to).all(|value| !self.is_any() && self.has(value)) {
            Self(0)
        } else {
            self
        }
    }
}

/// What a text form has said so far.
#[derive(Default, Debug)]
struct Draft {
    weekdays: Choice,
    months: Choice,
    days_of_month: Choice,
    start: Option<u16>,
    end: Option<u16>,
    timezone: Option<String>,
    switch: Switch,
}

impl Draft {
    /// The one place where a schedule is made: brings equal meanings to one form and refuses what can never be.
    fn finish(self) -> Result<Schedule, ScheduleError> {
        let months = self.months.normalised(1, 12);
        let days_of_month = self.days_of_month.normalised(1, 31);
        let longest = |month: u8| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let earliest_day = days_of_month.values().next().unwrap_or(1);
        if !months.is_any() && months.values().all(|month| earliest_day > longest(month)) {
            return Err(ScheduleError::NoSuchDate {
                days: words::print_days(days_of_month),
                months: words::print_months(months),
            });
        }
        let hours = match (self.start, self.end) {
            (None, None) => None,
            (start, end) => {
                let end = end.filter(|end| *end != 0).unwrap_or(DAY_MINUTES);
                Some(Hours {
                    start: start.unwrap_or(0),
                    end,
                })
                .filter(|h| (h.start, h.end) != (0, DAY_MINUTES))
            }
        };
        Ok(Schedule {
            weekdays: self.weekdays.normalised(0, 6),
            hours,
            months,
            days_of_month,
            timezone: self.timezone,
            switch: self.switch,
        })
    }
}

/// Minutes since midnight as `HH:MM`.
fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `HH:MM` as minutes since midnight, `24:00` included.
fn parse_clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if !(1..=2).contains(&hours.len()) || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY_MINUTES).then_some(total)
}

/// The English name of a weekday, 0 = Monday.
fn weekday_name(index: u8) -> &'static str {
    match Weekday::from_monday_zero_offset(i8::try_from(index).unwrap_or(0)) {
        Ok(Weekday::Monday) => "Mon",
        Ok(Weekday::Tuesday) => "Tue",
        Ok(Weekday::Wednesday) => "Wed",
        Ok(Weekday::Thursday) => "Thu",
        Ok(Weekday::Friday) => "Fri",
        Ok(Weekday::Saturday) => "Sat",
        _ => "Sun",
    }
}

#[cfg(test)]
mod tests;
