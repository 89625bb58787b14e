//! When a schedule is open, on ordinary days and on those when clocks change.

use gatehouse_model::Timestamp;
use gatehouse_policy::{Decision, Directory, Request, Waiting, decide};

use crate::world::{World, at, request};

/// The stretches of time between two instants in which a policy with this schedule allows, found by going from end
/// to beginning to end.
fn open(schedule: &str, from: &str, to: &str) -> Vec<(Timestamp, Timestamp)> {
    let mut world = World::small();
    world.grant_ann().schedules.push(
        schedule
            .parse()
            .unwrap_or_else(|error| panic!("{schedule}: {error}")),
    );
    let directory = world.build();
    let (mut now, end) = (at(from), at(to));
    let mut found = Vec::new();
    while now < end {
        match ask(&directory, now) {
            Decision::Allow(grant) => {
                let until = grant.until.unwrap_or(end).min(end);
                assert!(until > now);
                found.push((now, until));
                now = until;
            }
            Decision::Deny(denial) => match denial.next {
                Waiting::Until(next) => now = next,
                Waiting::Never => break,
            },
        }
    }
    for (start, end) in &found {
        let inside = |instant: Timestamp| matches!(ask(&directory, instant), Decision::Allow(_));
        let just = jiff::SignedDuration::from_nanos(1);
        assert!(
            inside(*start) && inside(*end - just),
            "{schedule}: open from {start} to {end}"
        );
        assert!(
            *start == at(from) || !inside(*start - just),
            "{schedule}: closed before {start}"
        );
        assert!(*end == at(to) || !inside(*end), "{schedule}: closed at {end}");
    }
    found
}

fn ask(directory: &Directory, now: Timestamp) -> Decision {
    decide(
        directory,
        &Request {
            at: now,
            ..request("2026-01-01")
        },
    )
}

type Line<'t> = (&'t str, &'t str, &'t str, &'t [(&'t str, &'t str)]);

/// Each line: the schedule, the time looked at, and when it is open (all in UTC).
fn check(table: &[Line<'_>]) {
    for (schedule, from, to, want) in table {
        let want: Vec<_> = want.iter().map(|(start, end)| (at(start), at(end))).collect();
        assert_eq!(open(schedule, from, to), want, "{schedule}");
    }
}

#[test]
fn warsaw_loses_the_hour_from_two_to_three_on_29_march() {
    let (from, to) = ("2026-03-28 12:00", "2026-03-29 23:00");
    check(&[
        // A start in the gap is the first instant after it, and so is an end.
        (
            "02:30-04:00 Europe/Warsaw",
            from,
            to,
            &[("2026-03-29 01:00", "2026-03-29 02:00")],
        ),
        (
            "01:00-02:30 Europe/Warsaw",
            from,
            to,
            &[("2026-03-29 00:00", "2026-03-29 01:00")],
        ),
        ("02:15-02:45 Europe/Warsaw", from, to, &[]),
        ("02:00-03:00 Europe/Warsaw", from, to, &[]),
        (
            "Sat 22:00-02:30 Europe/Warsaw",
            from,
            to,
            &[("2026-03-28 21:00", "2026-03-29 01:00")],
        ),
        (
            "Sat 22:00-03:30 Europe/Warsaw",
            from,
            to,
            &[("2026-03-28 21:00", "2026-03-29 01:30")],
        ),
        // The whole day has 23 hours.
        (
            "Sun Europe/Warsaw",
            from,
            to,
            &[("2026-03-28 23:00", "2026-03-29 22:00")],
        ),
        (
            "Sun 00:00-24:00 Europe/Warsaw",
            from,
            to,
            &[("2026-03-28 23:00", "2026-03-29 22:00")],
        ),
        (
            "Sun 08:00-16:00 Europe/Warsaw",
            from,
            to,
            &[("2026-03-29 06:00", "2026-03-29 14:00")],
        ),
        // In another zone nothing happens.
        (
            "Sun 01:00-02:30 UTC",
            from,
            to,
            &[("2026-03-29 01:00", "2026-03-29 02:30")],
        ),
    ]);
    // The day after, all is as usual.
    check(&[(
        "02:30-04:00 Europe/Warsaw",
        "2026-03-30 00:00",
        "2026-03-30 12:00",
        &[("2026-03-30 00:30", "2026-03-30 02:00")],
    )]);
}

#[test]
fn warsaw_has_the_hour_from_two_to_three_twice_on_25_october() {
    let (from, to) = ("2026-10-24 12:00", "2026-10-25 22:00");
    check(&[
        // A start is the first occurrence, an end the last.
        (
            "02:30-04:00 Europe/Warsaw",
            from,
            to,
            &[("2026-10-25 00:30", "2026-10-25 03:00")],
        ),
        (
            "01:00-02:30 Europe/Warsaw",
            from,
            to,
            &[("2026-10-24 23:00", "2026-10-25 01:30")],
        ),
        (
            "02:15-02:45 Europe/Warsaw",
            from,
            to,
            &[("2026-10-25 00:15", "2026-10-25 01:45")],
        ),
        (
            "01:00-02:00 Europe/Warsaw",
            from,
            to,
            &[("2026-10-24 23:00", "2026-10-25 01:00")],
        ),
        (
            "03:00-04:00 Europe/Warsaw",
            from,
            to,
            &[("2026-10-25 02:00", "2026-10-25 03:00")],
        ),
        (
            "Sat 22:00-02:30 Europe/Warsaw",
            from,
            to,
            &[("2026-10-24 20:00", "2026-10-25 01:30")],
        ),
        (
            "Sat 22:00-24:00 Europe/Warsaw",
            from,
            to,
            &[("2026-10-24 20:00", "2026-10-24 22:00")],
        ),
        // The whole day has 25 hours.
        (
            "Sun Europe/Warsaw",
            "2026-10-24 12:00",
            "2026-10-26 12:00",
            &[("2026-10-24 22:00", "2026-10-25 23:00")],
        ),
        // 24 hours by the clock are 25, and the next ones begin before these end.
        (
            "Sat,Sun 02:30-02:30 Europe/Warsaw",
            "2026-10-23 12:00",
            "2026-10-27 00:00",
            &[("2026-10-24 00:30", "2026-10-26 01:30")],
        ),
    ]);
}

#[test]
fn new_york_changes_on_8_march_and_1_november() {
    let (from, to) = ("2026-03-08 00:00", "2026-03-09 04:00");
    check(&[
        (
            "02:30-03:30 America/New_York",
            from,
            to,
            &[("2026-03-08 07:00", "2026-03-08 07:30")],
        ),
        (
            "Sat 23:00-02:15 America/New_York",
            from,
            to,
            &[("2026-03-08 04:00", "2026-03-08 07:00")],
        ),
        ("02:10-02:50 America/New_York", from, to, &[]),
        (
            "Sun America/New_York",
            from,
            "2026-03-09 12:00",
            &[("2026-03-08 05:00", "2026-03-09 04:00")],
        ),
    ]);
    let (from, to) = ("2026-11-01 00:00", "2026-11-02 00:00");
    check(&[
        (
            "01:30-01:45 America/New_York",
            from,
            to,
            &[("2026-11-01 05:30", "2026-11-01 06:45")],
        ),
        (
            "Sat 22:00-01:30 America/New_York",
            from,
            to,
            &[("2026-11-01 02:00", "2026-11-01 06:30")],
        ),
        (
            "Sun 00:00-01:30 America/New_York",
            from,
            to,
            &[("2026-11-01 04:00", "2026-11-01 06:30")],
        ),
        (
            "Sun 01:30-03:00 America/New_York",
            from,
            to,
            &[("2026-11-01 05:30", "2026-11-01 08:00")],
        ),
        (
            "Sun 02:00-03:00 America/New_York",
            from,
            to,
            &[("2026-11-01 07:00", "2026-11-01 08:00")],
        ),
    ]);
}

#[test]
fn lord_howe_changes_by_half_an_hour_on_5_april_and_4_october() {
    let (from, to) = ("2026-04-04 10:00", "2026-04-05 10:00");
    check(&[
        (
            "01:45-03:00 Australia/Lord_Howe",
            from,
            to,
            &[("2026-04-04 14:45", "2026-04-04 16:30")],
        ),
        (
            "00:00-01:45 Australia/Lord_Howe",
            from,
            to,
            &[("2026-04-04 13:00", "2026-04-04 15:15")],
        ),
        (
            "01:35-01:40 Australia/Lord_Howe",
            from,
            to,
            &[("2026-04-04 14:35", "2026-04-04 15:10")],
        ),
        (
            "Sat 22:00-01:50 Australia/Lord_Howe",
            from,
            to,
            &[("2026-04-04 11:00", "2026-04-04 15:20")],
        ),
        (
            "Sun Australia/Lord_Howe",
            from,
            "2026-04-06 00:00",
            &[("2026-04-04 13:00", "2026-04-05 13:30")],
        ),
    ]);
    let (from, to) = ("2026-10-03 10:00", "2026-10-04 10:00");
    check(&[
        (
            "02:15-03:00 Australia/Lord_Howe",
            from,
            to,
            &[("2026-10-03 15:30", "2026-10-03 16:00")],
        ),
        (
            "01:00-02:10 Australia/Lord_Howe",
            from,
            to,
            &[("2026-10-03 14:30", "2026-10-03 15:30")],
        ),
        ("02:05-02:25 Australia/Lord_Howe", from, to, &[]),
        (
            "02:05-02:45 Australia/Lord_Howe",
            from,
            to,
            &[("2026-10-03 15:30", "2026-10-03 15:45")],
        ),
        (
            "Sat 22:00-02:10 Australia/Lord_Howe",
            from,
            to,
            &[("2026-10-03 11:30", "2026-10-03 15:30")],
        ),
        (
            "Sun Australia/Lord_Howe",
            from,
            "2026-10-05 00:00",
            &[("2026-10-03 13:30", "2026-10-04 13:00")],
        ),
    ]);
}

#[test]
fn havana_changes_at_midnight_and_apia_left_out_a_day() {
    check(&[
        // 00:00 becomes 01:00: Saturday ends and Sunday begins at the jump.
        (
            "Sat America/Havana",
            "2026-03-07 00:00",
            "2026-03-09 12:00",
            &[("2026-03-07 05:00", "2026-03-08 05:00")],
        ),
        (
            "Sun America/Havana",
            "2026-03-07 00:00",
            "2026-03-09 12:00",
            &[("2026-03-08 05:00", "2026-03-09 04:00")],
        ),
        // 01:00 becomes 00:00: midnight comes twice; Sunday begins with the first, Saturday ends with the last.
        (
            "Sat America/Havana",
            "2026-10-31 00:00",
            "2026-11-02 12:00",
            &[("2026-10-31 04:00", "2026-11-01 05:00")],
        ),
        (
            "Sun America/Havana",
            "2026-10-31 00:00",
            "2026-11-02 12:00",
            &[("2026-11-01 04:00", "2026-11-02 05:00")],
        ),
    ]);
    // There was no 30 December 2011 in Apia: what lay on it is gone, what lay around it adjoins.
    let mut world = World::small();
    world
        .grant_ann()
        .schedules
        .push("days 29,31 Pacific/Apia".parse().unwrap());
    world.rows.policies[0].rules.start = at("2011-01-01");
    let grant = world.allowed("2011-12-29 12:00");
    assert_eq!(grant.until, Some(at("2011-12-31 10:00")));
    world.rows.policies[0].rules.schedules = vec!["days 30 08:00-16:00 Pacific/Apia".parse().unwrap()];
    let denial = world.denied("2011-12-29 12:00");
    assert_eq!(denial.next, Waiting::Until(at("2012-01-29 18:00")));
}

#[test]
fn a_window_across_midnight_belongs_to_the_day_on_which_it_starts() {
    check(&[
        (
            "Fri 22:00-02:00 UTC",
            "2026-06-05 00:00",
            "2026-06-07 00:00",
            &[("2026-06-05 22:00", "2026-06-06 02:00")],
        ),
        (
            "months Dec days 31 22:00-02:00 UTC",
            "2026-12-30 00:00",
            "2027-01-05 00:00",
            &[("2026-12-31 22:00", "2027-01-01 02:00")],
        ),
        (
            "months Jan days 1 22:00-02:00 UTC",
            "2026-12-30 00:00",
            "2027-01-05 00:00",
            &[("2027-01-01 22:00", "2027-01-02 02:00")],
        ),
        (
            "Fri 22:00-24:00 UTC",
            "2026-06-05 00:00",
            "2026-06-07 00:00",
            &[("2026-06-05 22:00", "2026-06-06 00:00")],
        ),
        (
            "Fri 05:00-05:00 UTC",
            "2026-06-05 00:00",
            "2026-06-08 00:00",
            &[("2026-06-05 05:00", "2026-06-06 05:00")],
        ),
    ]);
}

#[test]
fn months_days_and_weekdays_must_all_fit() {
    check(&[
        (
            "days 1-7 Sat 04:00-08:00 UTC",
            "2026-05-01",
            "2026-07-01",
            &[
                ("2026-05-02 04:00", "2026-05-02 08:00"),
                ("2026-06-06 04:00", "2026-06-06 08:00"),
            ],
        ),
        // The last day of August is a Monday, the first of May a Friday.
        (
            "months May-Aug Mon-Fri Europe/Warsaw",
            "2026-04-01",
            "2026-05-05",
            &[
                ("2026-04-30 22:00", "2026-05-01 22:00"),
                ("2026-05-03 22:00", "2026-05-05 00:00"),
            ],
        ),
        (
            "months May-Aug Mon-Fri Europe/Warsaw",
            "2026-08-31 00:00",
            "2027-05-03 12:00",
            &[
                ("2026-08-31 00:00", "2026-08-31 22:00"),
                ("2027-05-02 22:00", "2027-05-03 12:00"),
            ],
        ),
        (
            "days 29-31 months Feb,Apr 10:00-11:00 UTC",
            "2026-02-01",
            "2026-12-31",
            &[
                ("2026-04-29 10:00", "2026-04-29 11:00"),
                ("2026-04-30 10:00", "2026-04-30 11:00"),
            ],
        ),
    ]);
}

#[test]
fn windows_of_whole_days_adjoin() {
    check(&[(
        "Mon-Fri UTC",
        "2026-06-03 09:00",
        "2026-06-10 00:00",
        &[
            ("2026-06-03 09:00", "2026-06-06 00:00"),
            ("2026-06-08 00:00", "2026-06-10 00:00"),
        ],
    )]);
}

#[test]
fn a_schedule_without_zone_follows_the_default() {
    // World::small has Europe/Warsaw.
    check(&[(
        "08:00-16:00",
        "2026-01-05 00:00",
        "2026-01-06 00:00",
        &[("2026-01-05 07:00", "2026-01-05 15:00")],
    )]);
}

#[test]
fn an_inactive_schedule_matches_never_and_one_that_always_matches_counts_as_none() {
    check(&[("inactive Mon-Fri", "2026-01-05 00:00", "2026-02-05 00:00", &[])]);
    let mut world = World::small();
    let rules = world.grant_ann();
    rules.schedules = vec!["Mon 08:00-09:00".parse().unwrap(), "always".parse().unwrap()];
    let grant = world.allowed("2026-01-06");
    assert_eq!((grant.until, grant.next_change), (None, None));
    world.rows.policies[0].rules.schedules = vec!["inactive".parse().unwrap()];
    assert_eq!(world.denied("2026-01-06").next, Waiting::Never);
    world.rows.policies[0].rules.use_schedules = false;
    assert_eq!(world.allowed("2026-01-06").until, None);
}

#[test]
fn looking_ahead_stops_after_400_days() {
    let mut world = World::small();
    let rules = world.grant_ann();
    // Two halves of a day that follow each other for ever.
    rules.schedules = vec![
        "08:00-20:00 UTC".parse().unwrap(),
        "20:00-08:00 UTC".parse().unwrap(),
    ];
    let grant = world.allowed("2026-03-01 12:00");
    assert_eq!(grant.until, None);
    assert_eq!(
        grant.next_change,
        Some(at("2026-03-02")),
        "an end may come into sight"
    );
    world.rows.policies[0].rules.end = Some(at("2028-01-01"));
    assert_eq!(world.allowed("2026-03-01 12:00").until, Some(at("2028-01-01")));
    world.rows.policies[0].rules.end = Some(at("2026-04-01"));
    let near = world.allowed("2026-03-01 12:00");
    assert_eq!(
        (near.until, near.next_change),
        (Some(at("2026-04-01")), Some(at("2026-04-01")))
    );
    // 29 February is further away than that.
    world.rows.policies[0].rules.end = None;
    world.rows.policies[0].rules.schedules = vec!["months Feb days 29 UTC".parse().unwrap()];
    assert_eq!(world.denied("2026-03-01").next, Waiting::Never);
    assert_eq!(world.denied("2027-03-01").next, Waiting::Until(at("2028-02-29")));
}
