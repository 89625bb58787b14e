//! A schedule in words: `months May-Aug days 1-7 Mon-Fri 08:00-16:00 Europe/Warsaw`.

use super::{Choice, Draft, Schedule, ScheduleError, Switch, clock, find_zone, parse_clock, weekday_name};

const ALWAYS: &str = "always";
const INACTIVE: &str = "inactive";
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

pub(super) fn print(schedule: &Schedule) -> String {
    let mut words = Vec::new();
    if !schedule.is_active() {
        words.push(INACTIVE.to_owned());
    }
    if !schedule.months.is_any() {
        words.push(format!("months {}", print_months(schedule.months)));
    }
    if !schedule.days_of_month.is_any() {
        words.push(format!("days {}", print_days(schedule.days_of_month)));
    }
    if !schedule.weekdays.is_any() {
        words.push(ranges(schedule.weekdays, |n| weekday_name(n).to_owned()));
    }
    if let Some(hours) = schedule.hours {
        words.push(format!("{}-{}", clock(hours.start), clock(hours.end)));
    }
    if schedule.is_active() && words.is_empty() {
        words.push(ALWAYS.to_owned());
    }
    words.extend(schedule.timezone.clone());
    words.join(" ")
}

pub(super) fn print_months(months: Choice) -> String {
    ranges(months, |n| {
        let name = MONTHS.get(usize::from(n) - 1).copied().unwrap_or_default();
        name.char_indices()
            .take(3)
            .map(|(i, c)| if i == 0 { c.to_ascii_uppercase() } else { c })
            .collect()
    })
}

pub(super) fn print_days(days: Choice) -> String {
    ranges(days, |n| n.to_string())
}

/// `1-3,7`: runs of three and more as a range.
fn ranges(choice: Choice, name: impl Fn(u8) -> String) -> String {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for value in choice.values() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == value => *last = value,
            _ => runs.push((value, value)),
        }
    }
    let print = |(first, last): (u8, u8)| match last - first {
        0 => name(first),
        1 => format!("{},{}", name(first), name(last)),
        _ => format!("{}-{}", name(first), name(last)),
    };
    runs.into_iter().map(print).collect::<Vec<_>>().join(",")
}

pub(super) fn parse(text: &str) -> Result<Schedule, ScheduleError> {
    let joined = text.replace(" - ", "-").replace(", ", ",");
    let mut words = joined.split_whitespace().peekable();
    if words.peek().is_none() {
        return Err(ScheduleError::Empty);
    }
    let mut draft = Draft::default();
    let mut said_always = false;
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_str() {
            ALWAYS => said_always = true,
            INACTIVE => draft.switch = Switch::Off,
            "months" | "month" => {
                let list = words
                    .next()
                    .ok_or(ScheduleError::Missing("months", "May-Aug or 5-8"))?;
                once(
                    "months",
                    &mut draft.months,
                    choice(list, 1, 12, month).ok_or_else(|| bad(list))?,
                )?;
            }
            "days" | "day" => {
                let list = words
                    .next()
                    .ok_or(ScheduleError::Missing("days", "1-7 or 1,15"))?;
                let day = |word: &str| word.parse::<u8>().ok();
                once(
                    "days",
                    &mut draft.days_of_month,
                    choice(list, 1, 31, day).ok_or_else(|| bad(list))?,
                )?;
            }
            _ if word.contains(':') => hours(&mut draft, word)?,
            _ => match choice(word, 0, 6, weekday) {
                Some(weekdays) => once("weekdays", &mut draft.weekdays, weekdays)?,
                None => zone(&mut draft, word)?,
            },
        }
    }
    let schedule = draft.finish()?;
    if said_always && !schedule.clone().with_active(true).is_always() {
        return Err(bad(ALWAYS));
    }
    Ok(schedule)
}

fn bad(word: &str) -> ScheduleError {
    ScheduleError::Word(word.chars().take(64).collect())
}

fn once(what: &'static str, place: &mut Choice, value: Choice) -> Result<(), ScheduleError> {
    if place.is_any() {
        *place = value;
        Ok(())
    } else {
        Err(ScheduleError::Twice(what))
    }
}

/// A list of values and ranges. A range that runs past the last value goes on at the first (`Sat-Mon`, `Nov-Feb`).
fn choice(list: &str, first: u8, last: u8, read: impl Fn(&str) -> Option<u8>) -> Option<Choice> {
    let read = |word: &str| read(word).filter(|value| (first..=last).contains(value));
    let mut choice = Choice::default();
    for item in list.split(',') {
        let (from, to) = match item.split_once('-') {
            None => (read(item)?, read(item)?),
            Some((from, to)) => (read(from)?, read(to)?),
        };
        let mut value = from;
        loop {
            choice.add(value);
            if value == to {
                break;
            }
            value = if value == last { first } else { value + 1 };
        }
    }
    Some(choice)
}

fn weekday(word: &str) -> Option<u8> {
    named(word, &WEEKDAYS)
}

fn month(word: &str) -> Option<u8> {
    word.parse::<u8>()
        .ok()
        .or_else(|| named(word, &MONTHS).map(|index| index + 1))
}

/// The place of the name that `word` is, or begins with at least three letters of.
fn named(word: &str, names: &[&str]) -> Option<u8> {
    let word = word.to_ascii_lowercase();
    let index = names
        .iter()
        .position(|name| word.len() >= 3 && name.starts_with(&word))?;
    u8::try_from(index).ok()
}

fn hours(draft: &mut Draft, word: &str) -> Result<(), ScheduleError> {
    let error = || ScheduleError::Hours(word.chars().take(64).collect());
    if draft.start.is_some() {
        return Err(ScheduleError::Twice("hours"));
    }
    let (start, end) = word.split_once('-').ok_or_else(error)?;
    let start = parse_clock(start)
        .filter(|start| *start < super::DAY_MINUTES)
        .ok_or_else(error)?;
    draft.start = Some(start);
    draft.end = Some(parse_clock(end).ok_or_else(error)?);
    Ok(())
}

fn zone(draft: &mut Draft, word: &str) -> Result<(), ScheduleError> {
    let zone = find_zone(word).map_err(|unknown| {
        // Without a slash and without a likeness it was hardly meant as a zone.
        if word.contains('/') || unknown.nearest.is_some() {
            ScheduleError::Zone(unknown)
        } else {
            bad(word)
        }
    })?;
    if draft.timezone.is_some() {
        return Err(ScheduleError::Twice("time zone"));
    }
    draft.timezone = zone.iana_name().map(str::to_owned);
    Ok(())
}
