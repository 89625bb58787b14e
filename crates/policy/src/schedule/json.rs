//! A schedule as a JSON object.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serializer, de::Error};
use serde_json::Value;

use super::{Choice, Draft, Schedule, ScheduleError, Switch, find_zone, parse_clock};

type Object = BTreeMap<String, Value>;

const TIME: &str = "a time such as \"08:00\"";
const END: &str = "a time such as \"16:00\", at most \"24:00\"";

pub(super) fn parse(text: &str) -> Result<Schedule, ScheduleError> {
    let object =
        serde_json::from_str::<Object>(text).map_err(|error| ScheduleError::Json(error.to_string()))?;
    from_object(object)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Schedule, D::Error> {
    from_object(Object::deserialize(from)?).map_err(D::Error::custom)
}

pub(super) fn serialize<S: Serializer>(schedule: &Schedule, to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    let lists = [
        ("weekdays", schedule.weekdays()),
        ("months", schedule.months()),
        ("days_of_month", schedule.days_of_month()),
    ];
    for (field, values) in lists.iter().filter(|(_, values)| !values.is_empty()) {
        map.serialize_entry(field, values)?;
    }
    if let (Some(start), Some(end)) = (schedule.time_start(), schedule.time_end()) {
        map.serialize_entry("time_start", &start)?;
        map.serialize_entry("time_end", &end)?;
    }
    if let Some(zone) = schedule.timezone() {
        map.serialize_entry("timezone", zone)?;
    }
    if !schedule.is_active() {
        map.serialize_entry("is_active", &false)?;
    }
    map.end()
}

fn from_object(object: Object) -> Result<Schedule, ScheduleError> {
    let mut draft = Draft::default();
    for (field, value) in object {
        // An absent field means "any", and so does one that is null.
        let given = Some(value).filter(|value| !value.is_null());
        match field.as_str() {
            "weekdays" => {
                draft.weekdays = list("weekdays", given, 0, 6, "a list of 0 (Monday) to 6 (Sunday)")?
            }
            "months" => draft.months = list("months", given, 1, 12, "a list of 1 to 12")?,
            "days_of_month" => {
                draft.days_of_month = list("days_of_month", given, 1, 31, "a list of 1 to 31")?
            }
            "time_start" => draft.start = time("time_start", given, super::DAY_MINUTES - 1, TIME)?,
            "time_end" => draft.end = time("time_end", given, super::DAY_MINUTES, END)?,
            "timezone" => draft.timezone = zone(given)?,
            "is_active" => draft.switch = switch(given)?,
            _ => return Err(ScheduleError::UnknownField(field.chars().take(64).collect())),
        }
    }
    draft.finish()
}

fn wrong(field: &'static str, value: &Value, wanted: &'static str) -> ScheduleError {
    ScheduleError::Field {
        field,
        given: value.to_string().chars().take(64).collect(),
        wanted,
    }
}

fn list(
    field: &'static str,
    given: Option<Value>,
    from: u8,
    to: u8,
    wanted: &'static str,
) -> Result<Choice, ScheduleError> {
    let mut choice = Choice::default();
    let Some(value) = given else { return Ok(choice) };
    let Value::Array(items) = &value else {
        return Err(wrong(field, &value, wanted));
    };
    for item in items {
        match item
            .as_u64()
            .and_then(|n| u8::try_from(n).ok())
            .filter(|n| (from..=to).contains(n))
        {
            Some(n) => choice.add(n),
            None => return Err(wrong(field, item, wanted)),
        }
    }
    Ok(choice)
}

fn time(
    field: &'static str,
    given: Option<Value>,
    last: u16,
    wanted: &'static str,
) -> Result<Option<u16>, ScheduleError> {
    let Some(value) = given else { return Ok(None) };
    match value
        .as_str()
        .and_then(parse_clock)
        .filter(|minutes| *minutes <= last)
    {
        Some(minutes) => Ok(Some(minutes)),
        None => Err(wrong(field, &value, wanted)),
    }
}

fn zone(given: Option<Value>) -> Result<Option<String>, ScheduleError> {
    match given {
        None => Ok(None),
        Some(Value::String(name)) => Ok(find_zone(&name)?.iana_name().map(str::to_owned)),
        Some(other) => Err(wrong(
            "timezone",
            &other,
            "an IANA name such as \"Europe/Warsaw\"",
        )),
    }
}

fn switch(given: Option<Value>) -> Result<Switch, ScheduleError> {
    match given {
        None | Some(Value::Bool(true)) => Ok(Switch::On),
        Some(Value::Bool(false)) => Ok(Switch::Off),
        Some(other) => Err(wrong("is_active", &other, "true or false")),
    }
}
