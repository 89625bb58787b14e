//! Until when, what changes before, and what a grant holds.

use gatehouse_model::{
    BinaryMode, ForwardCapture, InputMode, PolicyId, RecordMode, Right, SpanSeconds, UserId,
};

use crate::world::{World, at};

const NOW: &str = "2026-01-30 10:00";

#[test]
fn the_earlier_of_end_and_window_counts() {
    let mut world = World::small();
    let rules = world.grant_ann();
    rules.end = Some(at("2026-01-31 12:00"));
    rules.schedules.push("08:00-16:00 UTC".parse().unwrap());
    assert_eq!(world.allowed(NOW).until, Some(at("2026-01-30 16:00")));
    assert_eq!(
        world.allowed("2026-01-31 10:00").until,
        Some(at("2026-01-31 12:00"))
    );
}

#[test]
fn back_to_back_windows_and_overlapping_policies_are_looked_through() {
    let mut world = World::small();
    world.grant_ann().schedules = vec![
        "08:00-12:00 UTC".parse().unwrap(),
        "12:00-16:00 UTC".parse().unwrap(),
    ];
    let grant = world.allowed(NOW);
    assert_eq!(
        (grant.until, grant.next_change),
        (Some(at("2026-01-30 16:00")), Some(at("2026-01-30 16:00")))
    );

    // Another policy takes over at 15:00 and a third, right at its end, at 20:00 until tomorrow.
    let second = world.grant_ann();
    (second.start, second.end) = (at("2026-01-30 15:00"), Some(at("2026-01-30 20:00")));
    let third = world.grant_ann();
    (third.start, third.end) = (at("2026-01-30 20:00"), Some(at("2026-01-31 08:00")));
    let grant = world.allowed(NOW);
    assert_eq!(
        grant.until,
        Some(at("2026-01-31 16:00")),
        "and then the first one's window again"
    );
    assert_eq!(
        grant.next_change,
        Some(at("2026-01-30 15:00")),
        "the second policy joins"
    );
    assert_eq!(grant.policies, [PolicyId(1)]);
    assert_eq!(
        world.allowed("2026-01-30 15:00").policies,
        [PolicyId(1), PolicyId(2)]
    );
}

#[test]
fn a_gap_of_a_second_ends_access() {
    let mut world = World::small();
    world.grant_ann().end = Some(at("2026-01-30 12:00"));
    world.grant_ann().start = at("2026-01-30 12:00:01");
    assert_eq!(world.allowed(NOW).until, Some(at("2026-01-30 12:00")));
    world.rows.policies[1].rules.start = at("2026-01-30 12:00");
    let grant = world.allowed(NOW);
    assert_eq!(
        (grant.until, grant.next_change),
        (None, Some(at("2026-01-30 12:00")))
    );
}

#[test]
fn a_permanent_grant_still_changes_when_another_joins_or_leaves() {
    let mut world = World::small();
    world.grant_ann();
    world
        .grant_ann()
        .schedules
        .push("months Dec UTC".parse().unwrap());
    let grant = world.allowed(NOW);
    assert_eq!((grant.until, grant.next_change), (None, Some(at("2026-12-01"))));
    let far = world.grant_ann();
    far.start = at("2026-02-01");
    assert_eq!(world.allowed(NOW).next_change, Some(at("2026-02-01")));
    world.rows.policies[1].revoked_at = Some(at("2026-01-02"));
    world.rows.policies[2].rules.start = at("2029-01-01");
    assert_eq!(
        world.allowed(NOW).next_change,
        Some(at("2029-01-01")),
        "however far a start is"
    );
}

#[test]
fn rights_come_from_policies_the_person_and_the_groups_above() {
    let mut world = World::small();
    let staff = world.user_group("staff", None);
    let ops = world.user_group("ops", Some(staff));
    world.rows.user_members.push((ops, UserId(1)));
    world.rows.group_rights.push((staff, Right::Agent));
    world.rows.user_rights.push((UserId(1), Right::X11));
    world.grant_ann().rights = vec![Right::ForwardLocal];
    world.grant_ann();
    let rights = world.allowed(NOW).rights;
    for (right, has) in [
        (Right::Agent, true),
        (Right::X11, true),
        (Right::ForwardLocal, true),
        (Right::ForwardRemote, false),
    ] {
        assert_eq!(rights.allows(right), has, "{right}");
    }
    assert_eq!(rights.sets.len(), 2, "policies without rights have no entry");
}

#[test]
fn the_strictest_recording_and_the_longest_limits_count() {
    let mut world = World::small();
    let first = world.grant_ann();
    first.record_mode = Some(RecordMode::BestEffort);
    first.record_binary = Some(BinaryMode::Full);
    first.record_input = Some(InputMode::None);
    first.record_forwards = Some(ForwardCapture::On);
    first.idle = SpanSeconds::new(60);
    first.max_length = SpanSeconds::new(600);
    let alone = world.allowed(NOW);
    assert_eq!(alone.recording.mode, Some(RecordMode::BestEffort));
    assert_eq!(alone.recording.binary, Some(BinaryMode::Full));
    assert_eq!(alone.recording.input, Some(InputMode::None));
    assert_eq!(alone.recording.forwards, Some(ForwardCapture::On));
    assert_eq!(
        (alone.idle, alone.max_length),
        (SpanSeconds::new(60), SpanSeconds::new(600))
    );

    // A policy that says nothing stands for what is configured: strict, digest, echoed, off.
    let second = world.grant_ann();
    second.idle = SpanSeconds::new(90);
    let both = world.allowed(NOW);
    assert_eq!(both.recording.mode, Some(RecordMode::Strict));
    assert_eq!(both.recording.binary, Some(BinaryMode::Full));
    assert_eq!(both.recording.input, Some(InputMode::Echoed));
    assert_eq!(both.recording.forwards, Some(ForwardCapture::On));
    assert_eq!((both.idle, both.max_length), (SpanSeconds::new(90), None));
}
