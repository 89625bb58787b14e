//! When the windows of one schedule open and close.
//!
//! Every instant here comes from the clock of the schedule's zone by three rules: a start or an end in the gap of
//! a clock turned forward is the first instant after it; of an hour that comes twice a start is the first
//! occurrence and an end the last; a window that has no length left is none.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::schedule::{DAY_MINUTES, Schedule};

/// How far ahead of an instant windows are looked for.
pub(crate) const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);

/// No zone turns its clock back by more than this; it decides only which windows are computed exactly.
const LARGEST_FOLD_MINUTES: i32 = 3 * 60;

/// A schedule with its zone.
#[derive(Clone, Debug)]
pub(crate) struct Windows {
    schedule: Schedule,
    zone: TimeZone,
    start: Time,
    end: Time,
    /// Start and end in minutes since the midnight before the start. The end is later than the start, and more
    /// than a day's minutes if the window crosses midnight.
    start_minutes: i32,
    end_minutes: i32,
}

/// When windows that follow each other without a break come to an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RunEnd {
    /// At this instant.
    At(Timestamp),
    /// Not before the horizon.
    BeyondHorizon,
}

#[derive(Clone, Copy)]
enum Side {
    Start,
    End,
}

impl Windows {
    pub(crate) fn new(schedule: Schedule, zone: TimeZone) -> Self {
        let (start, end) = schedule
            .hours()
            .map_or((0, DAY_MINUTES), |hours| (hours.start, hours.end));
        let clock = |minutes: u16| {
            let part = |n: u16| i8::try_from(n).unwrap_or(0);
            Time::new(part(minutes / 60 % 24), part(minutes % 60), 0, 0).unwrap_or_default()
        };
        let crosses = if end <= start { i32::from(DAY_MINUTES) } else { 0 };
        Self {
            start: clock(start),
            end: clock(end),
            start_minutes: i32::from(start),
            end_minutes: i32::from(end) + crosses,
            schedule,
            zone,
        }
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether a window is open at the instant.
    pub(crate) fn is_open(&self, at: Timestamp) -> bool {
        self.window_at(at).is_some()
    }

    /// If a window is open at the instant: when it began.
    pub(crate) fn open_since(&self, at: Timestamp) -> Option<Timestamp> {
        let (date, _) = self.window_at(at)?;
        self.start(date)
    }

    /// If a window is open at the instant: when it and those that follow without a break end.
    pub(crate) fn run_end(&self, at: Timestamp, horizon: Timestamp) -> Option<RunEnd> {
        let (mut date, mut end) = self.window_at(at)?;
        while end < horizon {
            let Some((next_date, next_end)) = self.adjoining(date, end) else {
                return Some(RunEnd::At(end));
            };
            date = next_date;
            end = end.max(next_end);
        }
        Some(RunEnd::BeyondHorizon)
    }

    /// The first instant after `after`, and not after `limit`, at which a window begins.
    pub(crate) fn next_start(&self, after: Timestamp, limit: Timestamp) -> Option<Timestamp> {
        if !self.schedule.is_active() || limit <= after {
            return None;
        }
        let mut date = self.zone.to_datetime(after).date();
        let last = self.zone.to_datetime(limit).date();
        while date <= last {
            if !self.schedule.starts_in_month_of(date) {
                date = date.last_of_month().tomorrow().ok()?;
                continue;
            }
            if let Some(start) = self.start(date).filter(|start| *start > after) {
                if start > limit {
                    return None;
                }
                if self.end(date).is_some_and(|end| start < end) {
                    return Some(start);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The window that is open at the instant: the day on which it starts, and its end.
    fn window_at(&self, at: Timestamp) -> Option<(Date, Timestamp)> {
        let local = self.zone.to_datetime(at);
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        // Windows of these days can hold the instant; the outer two only where a clock was turned back.
        for days in -2..=1 {
            let (start, end) = (self.start_minutes + 1440 * days, self.end_minutes + 1440 * days);
            if start > minute + LARGEST_FOLD_MINUTES || end <= minute - LARGEST_FOLD_MINUTES {
                continue;
            }
            let date = match days {
                -2 => local.date().yesterday().and_then(Date::yesterday),
                -1 => local.date().yesterday(),
                0 => Ok(local.date()),
                _ => local.date().tomorrow(),
            };
            let Ok(date) = date else { continue };
            match self.window(date) {
                Some((start, end)) if start <= at && at < end => return Some((date, end)),
                _ => {}
            }
        }
        None
    }

    /// The window after that of `date` if it begins before or when that one ends. The day after next counts where
    /// the zone has left out the day between.
    fn adjoining(&self, date: Date, end: Timestamp) -> Option<(Date, Timestamp)> {
        let mut date = date;
        for _ in 0..2 {
            date = date.tomorrow().ok()?;
            let Some(next_start) = self.start(date) else {
                continue;
            };
            if next_start > end {
                return None;
            }
            if let Some(next_end) = self.end(date).filter(|next_end| next_start < *next_end) {
                return Some((date, next_end));
            }
        }
        None
    }

    /// The window that starts on `date`.
    fn window(&self, date: Date) -> Option<(Timestamp, Timestamp)> {
        let (start, end) = (self.start(date)?, self.end(date)?);
        (start < end).then_some((start, end))
    }

    /// When the window of `date` starts, if there is one.
    fn start(&self, date: Date) -> Option<Timestamp> {
        let matches = self.schedule.is_active() && self.schedule.starts_on(date);
        matches
            .then(|| self.instant(date.to_datetime(self.start), Side::Start))
            .flatten()
    }

    /// When a window that starts on `date` ends.
    fn end(&self, date: Date) -> Option<Timestamp> {
        let date = if self.end_minutes < i32::from(DAY_MINUTES) {
            date
        } else {
            date.tomorrow().ok()?
        };
        self.instant(date.to_datetime(self.end), Side::End)
    }

    fn instant(&self, local: DateTime, side: Side) -> Option<Timestamp> {
        let offset = match (self.zone.to_ambiguous_timestamp(local).offset(), side) {
            (AmbiguousOffset::Unambiguous { offset }, _) => offset,
            (AmbiguousOffset::Fold { before, .. }, Side::Start) => before,
            (AmbiguousOffset::Fold { after, .. }, Side::End) => after,
            (AmbiguousOffset::Gap { before, after }, _) => return self.after_gap(local, before, after),
        };
        offset.to_timestamp(local).ok()
    }

    /// The instant at which the clock jumped over `local`: it lies between what `local` would be by the later
    /// offset and what it would be by the earlier one.
    fn after_gap(&self, local: DateTime, before: Offset, after: Offset) -> Option<Timestamp> {
        let earliest = after.to_timestamp(local).ok()?;
        let latest = before.to_timestamp(local).ok()?;
        let jump = self
            .zone
            .following(earliest)
            .find(|transition| transition.offset() == after);
        Some(jump.map_or(latest, |transition| transition.timestamp().min(latest)))
    }
}
