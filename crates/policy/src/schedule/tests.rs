use proptest::prelude::*;

use super::*;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> String {
    text.parse::<Schedule>().unwrap_err().to_string()
}

#[test]
fn words_print_back_as_they_were_read() {
    for text in [
        "Mon-Fri 08:00-16:00 Europe/Warsaw",
        "days 1-7 Sat 04:00-08:00 UTC",
        "months May-Aug Mon-Fri Europe/Warsaw",
        "always",
        "always Europe/Warsaw",
        "inactive",
        "inactive Sat,Sun 22:00-02:00",
        "Mon,Wed,Fri-Sun 08:00-24:00",
        "months Jan,Feb,Nov,Dec days 1,15-17,31 05:00-05:00 America/New_York",
    ] {
        assert_eq!(schedule(text).to_string(), text);
    }
}

#[test]
fn json_has_the_same_meaning() {
    let words = schedule("Mon-Fri 08:00-16:00 Europe/Warsaw");
    let json =
        r#"{"weekdays":[0,1,2,3,4],"time_start":"08:00","time_end":"16:00","timezone":"Europe/Warsaw"}"#;
    assert_eq!(schedule(json), words);
    assert_eq!(serde_json::to_string(&words).unwrap(), json);
    assert_eq!(
        serde_json::to_string(&schedule("inactive")).unwrap(),
        r#"{"is_active":false}"#
    );
    assert_eq!(schedule("{}"), schedule("always"));
    let nulls = r#"{"weekdays":null,"time_start":null,"months":[],"is_active":true}"#;
    assert_eq!(schedule(nulls), Schedule::default());
}

#[test]
fn equal_meanings_are_equal() {
    for (one, other) in [
        ("Mon-Sun", "always"),
        ("months Jan-Dec days 1-31 00:00-24:00", "always"),
        ("00:00-00:00", "always"),
        ("22:00-00:00", "22:00-24:00"),
        ("sat-mon", "Mon,Sat,Sun"),
        ("months nov-feb", "months 1,2,11,12"),
        (
            "Monday, Tuesday 8:00 - 16:00 europe/warsaw",
            "Mon,Tue 08:00-16:00 Europe/Warsaw",
        ),
        (r#"{"time_start":"08:00"}"#, "08:00-24:00"),
        (r#"{"time_end":"08:00"}"#, "00:00-08:00"),
    ] {
        assert_eq!(schedule(one), schedule(other), "{one} and {other}");
    }
}

#[test]
fn refusals_name_the_part_and_what_would_do() {
    for (text, want) in [
        ("", "a schedule is missing"),
        ("Mon-Fri 08:00", "\"08:00\" in the schedule is not a time of day"),
        ("Mon-Fri 24:00-08:00", "not a time of day"),
        ("08:00-25:00", "not a time of day"),
        ("Mon-Fri Tue", "gives its weekdays twice"),
        ("08:00-09:00 10:00-11:00", "gives its hours twice"),
        ("UTC Europe/Warsaw", "gives its time zone twice"),
        ("months", "\"months\" in the schedule must be followed by a list"),
        ("days 0-7", "\"0-7\" in the schedule is not understood"),
        ("days 1-32", "\"1-32\" in the schedule is not understood"),
        ("whenever", "\"whenever\" in the schedule is not understood"),
        ("always Mon", "\"always\" in the schedule is not understood"),
        (
            "Europe/Warszawa",
            "\"Europe/Warszawa\" is not a time zone (did you mean Europe/Warsaw?)",
        ),
        (
            "Mars/Olympus",
            "\"Mars/Olympus\" is not a time zone; write an IANA name",
        ),
        (
            "months Feb days 30",
            "the schedule never matches: there is no day 30 in Feb",
        ),
        ("months Apr,Jun days 31", "there is no day 31 in Apr,Jun"),
        ("{", "not valid JSON"),
        (
            r#"{"weekday":[1]}"#,
            "a schedule has no field \"weekday\"; it has weekdays, time_start",
        ),
        (
            r#"{"weekdays":[7]}"#,
            "the schedule's weekdays is 7; it must be a list of 0 (Monday) to 6 (Sunday)",
        ),
        (
            r#"{"weekdays":"Mon"}"#,
            "the schedule's weekdays is \"Mon\"; it must be a list of 0",
        ),
        (
            r#"{"time_start":"24:00"}"#,
            "the schedule's time_start is \"24:00\"; it must be a time",
        ),
        (r#"{"time_end":"24:01"}"#, "the schedule's time_end is \"24:01\""),
        (r#"{"time_end":1600}"#, "the schedule's time_end is 1600"),
        (r#"{"months":[0]}"#, "the schedule's months is 0"),
        (
            r#"{"days_of_month":[1.5]}"#,
            "the schedule's days_of_month is 1.5",
        ),
        (
            r#"{"is_active":"yes"}"#,
            "the schedule's is_active is \"yes\"; it must be true or false",
        ),
        (r#"{"timezone":"Nowhere"}"#, "\"Nowhere\" is not a time zone"),
    ] {
        assert!(refusal(text).contains(want), "{text}: {}", refusal(text));
    }
    let error = serde_json::from_str::<Vec<Schedule>>(r#"[{"months":[13]}]"#)
        .unwrap_err()
        .to_string();
    assert!(error.contains("the schedule's months is 13"), "{error}");
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let zone = prop::sample::select(vec![
        None,
        Some("UTC"),
        Some("Europe/Warsaw"),
        Some("Australia/Lord_Howe"),
    ]);
    let hours = prop::option::of((0u16..DAY_MINUTES, 0u16..=DAY_MINUTES));
    (0u32..128, 0u32..4096, any::<u32>(), hours, zone, any::<bool>()).prop_filter_map(
        "a date must exist",
        |(weekdays, months, days, hours, zone, is_active)| {
            let draft = Draft {
                weekdays: Choice(weekdays),
                months: Choice(months << 1),
                days_of_month: Choice(days & !1),
                start: hours.map(|h| h.0),
                end: hours.map(|h| h.1),
                timezone: zone.map(str::to_owned),
                switch: if is_active { Switch::On } else { Switch::Off },
            };
            draft.finish().ok()
        },
    )
}

proptest! {
    #[test]
    fn both_forms_round_trip(schedule in any_schedule()) {
        prop_assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule.clone());
        let json = serde_json::to_string(&schedule).unwrap();
        prop_assert_eq!(json.parse::<Schedule>().unwrap(), schedule.clone());
        prop_assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", words in "((mon|fri|days|months|1|31|8:00|24:00|-|,| |UTC|\\{|\\}){0,12})") {
        let _ = text.parse::<Schedule>();
        let _ = words.parse::<Schedule>();
    }
}
