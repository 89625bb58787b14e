//! Random directories in which most questions get as far as the schedules.

use gatehouse_model::{
    Login, Name, PolicyId, Protocol, ServerGroupId, ServerId, Timestamp, UserGroupId, UserId,
};
use gatehouse_policy::{
    AllocationRow, BlockReach, BlockRow, Destination, GroupRow, Lock, PolicyRow, PolicyRules, PolicyTarget,
    Request, Schedule, SourceRow, Subject,
};
use proptest::prelude::*;

use crate::reference::minutes;
use crate::world::{World, at, permanent, range};

/// Middles of what is looked at, each some hours before a change of the clock, and the zone that changes then.
const MIDDLES: [(&str, &str); 6] = [
    ("2026-03-28 20:00", "Europe/Warsaw"),
    ("2026-10-24 20:00", "Europe/Warsaw"),
    ("2026-03-08 00:00", "America/New_York"),
    ("2026-10-31 22:00", "America/New_York"),
    ("2026-04-04 08:00", "Australia/Lord_Howe"),
    ("2026-10-03 08:00", "Australia/Lord_Howe"),
];
const ZONES: [&str; 4] = ["UTC", "Europe/Warsaw", "America/New_York", "Australia/Lord_Howe"];
/// Times of day at which windows like to meet, and those around which clocks change.
const CLOCKS: [&str; 12] = [
    "00:00", "01:00", "01:30", "01:45", "02:00", "02:15", "02:30", "03:00", "08:00", "12:00", "16:00",
    "22:00",
];

/// A directory, the middle of the time looked at, and a question.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) middle: Timestamp,
    pub(crate) request: Request,
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    prop::sample::select(&MIDDLES[..]).prop_flat_map(|(middle, zone)| {
        let middle = at(middle);
        (world(middle, zone), request(middle)).prop_map(move |(world, request)| Case {
            world,
            middle,
            request,
        })
    })
}

/// One policy with one or two schedules, and the question asked half a day before the clock changes.
pub(crate) fn windows_case() -> impl Strategy<Value = Case> {
    (
        prop::sample::select(&MIDDLES[..]),
        prop::collection::vec(schedule(), 1..3),
    )
        .prop_map(|((middle, zone), schedules)| {
            let middle = at(middle);
            let mut world = World::small();
            world.settings.default_zone = zone.to_owned();
            world.grant_ann().schedules = schedules;
            let ask = crate::world::request("2026-01-01");
            Case {
                world,
                middle,
                request: Request {
                    at: middle - minutes(720),
                    ..ask
                },
            }
        })
}

fn request(middle: Timestamp) -> impl Strategy<Value = Request> {
    let proxy = |n: u8| Destination::Proxy(format!("127.0.20.{n}").parse().unwrap());
    let destination = prop_oneof![
        8 => Just(Destination::Server(ServerId(1))),
        8 => Just(proxy(0)),
        1 => (2i64..4).prop_map(|id| Destination::Server(ServerId(id))),
        1 => (1u8..4).prop_map(proxy),
    ];
    let source = prop_oneof![
        12 => Just("10.0.0.1"),
        1 => prop::sample::select(vec!["10.0.0.2", "10.0.0.3", "10.0.0.9", "10.0.1.1"]),
    ];
    let protocol = prop_oneof![6 => Just(Protocol::Ssh), 1 => Just(Protocol::Rdp)];
    let login = prop::option::weighted(0.3, login());
    (source, destination, protocol, login, instant(middle)).prop_map(
        |(source, destination, protocol, login, at)| Request {
            source: source.parse().unwrap(),
            destination,
            protocol,
            login,
            at,
        },
    )
}

/// An instant on a minute, more often than not on the hour, within some days of the middle.
fn instant(middle: Timestamp) -> impl Strategy<Value = Timestamp> {
    let offset = prop_oneof![3 => (-24i64..72).prop_map(|hours| hours * 60), 1 => -2 * 1440i64..4 * 1440];
    offset.prop_map(move |offset| middle + minutes(offset))
}

fn login() -> impl Strategy<Value = Login> {
    prop::sample::select(vec!["root", "www"]).prop_map(|login| login.parse().unwrap())
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let clock = || {
        prop_oneof![
            8 => prop::sample::select(&CLOCKS[..]).prop_map(str::to_owned),
            1 => (0u8..24, 0u8..60).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}")),
        ]
    };
    let hours = prop::option::weighted(0.9, (clock(), clock()));
    let weekdays = prop::option::weighted(0.3, prop::collection::vec(0u8..7, 1..6));
    let days = prop::option::weighted(0.1, prop::collection::vec(prop_oneof![1u8..8, 24u8..32], 4..12));
    let months = prop::option::weighted(0.1, prop::collection::vec(prop_oneof![3u8..5, 9u8..12], 1..4));
    let zone = prop::option::weighted(0.3, prop::sample::select(&ZONES[..]));
    (hours, weekdays, days, months, zone, prop::bool::weighted(0.95)).prop_filter_map(
        "a date must exist",
        |(hours, weekdays, days, months, zone, active)| {
            let (start, end) = hours.unzip();
            let json = serde_json::json!({
                "weekdays": weekdays, "days_of_month": days, "months": months, "timezone": zone, "is_active": active,
                "time_start": start, "time_end": end,
            });
            json.to_string().parse().ok()
        },
    )
}

fn policy(middle: Timestamp) -> impl Strategy<Value = PolicyRow> {
    let subject = prop_oneof![
        4 => Just(Subject::User(UserId(1))),
        4 => (1i64..4).prop_map(|id| Subject::Group(UserGroupId(id))),
        1 => (2i64..4).prop_map(|id| Subject::User(UserId(id))),
        1 => Just(Subject::Group(UserGroupId(4))),
    ];
    let target = prop_oneof![
        4 => Just(PolicyTarget::Server(ServerId(1))),
        4 => (1i64..4).prop_map(|id| PolicyTarget::Group(ServerGroupId(id))),
        1 => (2i64..4).prop_map(|id| PolicyTarget::Server(ServerId(id))),
        1 => Just(PolicyTarget::Group(ServerGroupId(4))),
    ];
    let from = prop_oneof![
        8 => Just(None),
        1 => prop::sample::select(vec![Some("10.0.0.0/30"), Some("10.0.0.1"), Some("10.0.0.2")]),
    ];
    let protocol = prop_oneof![6 => Just(None), 1 => prop::sample::select(vec![Some(Protocol::Ssh), Some(Protocol::Rdp)])];
    let time = (
        prop::option::weighted(0.3, instant(middle)),
        prop::option::weighted(0.4, instant(middle)),
    );
    let schedules = prop_oneof![1 => Just(Vec::new()), 5 => prop::collection::vec(schedule(), 1..4)];
    let logins = prop_oneof![3 => Just(Vec::new()), 1 => login().prop_map(|login| vec![login])];
    let flags = (prop::bool::weighted(0.05), prop::bool::weighted(0.95));
    (subject, target, from, protocol, time, schedules, logins, flags).prop_map(
        move |(
            subject,
            target,
            from,
            protocol,
            (start, end),
            schedules,
            logins,
            (revoked, use_schedules),
        )| {
            let start = start.unwrap_or(middle - minutes(9 * 1440));
            let from = from.map(range);
            let rules = PolicyRules {
                protocol,
                from,
                logins,
                start,
                end,
                schedules,
                use_schedules,
                ..permanent()
            };
            let revoked_at = revoked.then_some(middle);
            PolicyRow {
                id: PolicyId(0),
                subject,
                target,
                revoked_at,
                rules,
            }
        },
    )
}

/// What stands in the way apart from policies: locks, blocks, switches, an address given back.
#[derive(Clone, Debug)]
struct Obstacles {
    user_locks: Vec<Option<Lock>>,
    server_locks: Vec<Option<Lock>>,
    blocks: Vec<BlockRow>,
    given_back: Option<Timestamp>,
    switches: Vec<bool>,
}

fn obstacles(middle: Timestamp) -> impl Strategy<Value = Obstacles> {
    let lock = move || {
        let lock =
            prop::option::weighted(0.9, instant(middle)).prop_map(|until| Lock { until, reason: None });
        prop::collection::vec(prop::option::weighted(0.15, lock), 3)
    };
    let block = (
        prop::sample::select(vec!["10.0.0.1", "10.0.0.0/30", "10.0.0.0/8"]),
        prop::option::weighted(0.9, instant(middle)),
        prop::sample::select(vec![BlockReach::Everything, BlockReach::NewConnections]),
    );
    let block = block.prop_map(|(text, until, reach)| BlockRow {
        range: range(text),
        until,
        reach,
    });
    let blocks = prop_oneof![5 => Just(Vec::new()), 1 => prop::collection::vec(block, 1..3)];
    let given_back = prop::option::weighted(0.25, instant(middle));
    let switches = prop::collection::vec(prop::bool::weighted(0.97), 12);
    (lock(), lock(), blocks, given_back, switches).prop_map(
        |(user_locks, server_locks, blocks, given_back, switches)| Obstacles {
            user_locks,
            server_locks,
            blocks,
            given_back,
            switches,
        },
    )
}

fn world(middle: Timestamp, zone: &'static str) -> impl Strategy<Value = World> {
    let members = || (1i64..4, prop::collection::vec((1i64..5, 1i64..4), 0..4));
    let zone = prop_oneof![4 => Just(zone), 1 => prop::sample::select(&ZONES[..])];
    let policies = prop::collection::vec(policy(middle), 1..8);
    (obstacles(middle), members(), members(), zone, policies).prop_map(
        |(obstacles, (user_group, mut user_members), (server_group, mut server_members), zone, policies)| {
            let mut world = World::default();
            world.settings.default_zone = zone.to_owned();
            people_and_servers(&mut world, &obstacles);
            groups(&mut world);
            user_members.push((user_group, 1));
            server_members.push((server_group, 1));
            let rows = &mut world.rows;
            rows.user_members = user_members
                .into_iter()
                .map(|(g, m)| (UserGroupId(g), UserId(m)))
                .collect();
            rows.server_members = server_members
                .into_iter()
                .map(|(g, m)| (ServerGroupId(g), ServerId(m)))
                .collect();
            rows.blocks = obstacles.blocks;
            rows.policies = policies;
            for (id, row) in (1..).zip(&mut rows.policies) {
                row.id = PolicyId(id);
            }
            world
        },
    )
}

/// Three people and three servers, each with an address of its own.
fn people_and_servers(world: &mut World, obstacles: &Obstacles) {
    let switches = &obstacles.switches;
    for n in 0..3 {
        let user = world.user(&format!("user{n}"));
        world.rows.users[n].lock = obstacles.user_locks[n].clone();
        world.rows.users[n].active = switches[n];
        let own = range(&format!("10.0.0.{}", n + 1));
        world.rows.sources.push(SourceRow {
            user,
            range: own,
            active: switches[3 + n],
        });

        let server = world.server(&format!("server{n}"), &format!("10.9.0.{n}"));
        let row = &mut world.rows.servers[n];
        row.lock = obstacles.server_locks[n].clone();
        row.active = switches[6 + n];
        if switches[9 + n] {
            row.services.push((Protocol::Rdp, 3389));
        }
        let proxy = format!("127.0.20.{n}").parse().unwrap();
        world.rows.allocations.push(AllocationRow {
            proxy,
            server,
            until: obstacles.given_back.filter(|_| n == 0),
        });
    }
    world.rows.sources.push(SourceRow {
        user: UserId(2),
        range: range("10.0.0.0/24"),
        active: true,
    });
}

/// 1 above 2 above 3, and 4 apart.
fn groups(world: &mut World) {
    for n in 1..5i64 {
        let name: Name = format!("group{n}").parse().unwrap();
        let parent = Some(n - 1).filter(|_| n == 2 || n == 3);
        let above = parent.map(UserGroupId);
        world.rows.user_groups.push(GroupRow {
            id: UserGroupId(n),
            name: name.clone(),
            parent: above,
        });
        let above = parent.map(ServerGroupId);
        world.rows.server_groups.push(GroupRow {
            id: ServerGroupId(n),
            name,
            parent: above,
        });
    }
}
