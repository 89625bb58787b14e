//! A large site, the same in every run.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};

use gatehouse_model::{
    AddressRange, Login, PolicyId, Protocol, ProxyAddr, Right, Role, ServerGroupId, ServerId, SourceAddr,
    TargetHost, Timestamp, UserGroupId, UserId,
};
use gatehouse_policy::{
    AllocationRow, Destination, DirectoryRows, GroupRow, PolicyRow, PolicyRules, PolicyTarget, Request,
    Schedule, ServerRow, SourceRow, Subject, UserRow,
};

use crate::random::Random;

const USERS: usize = 10_000;
const USER_GROUPS: usize = 500;
const SERVERS: usize = 5_000;
const SERVER_GROUPS: usize = 300;
const POLICIES: usize = 100_000;
pub(crate) const SCHEDULES: usize = 50;

/// Monday, 1 June 2026.
const MONDAY: i64 = 1_780_272_000;
const DAY: i64 = 86_400;
const WEEK: usize = 604_800;
const ZONES: [&str; 6] = [
    "Europe/Warsaw",
    "America/New_York",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "UTC",
];

pub(crate) fn rows() -> DirectoryRows {
    let mut random = Random::new(1);
    let mut rows = DirectoryRows {
        revision: 1,
        ..DirectoryRows::default()
    };
    rows.user_groups = groups(&mut random, USER_GROUPS, "people", UserGroupId);
    rows.server_groups = groups(&mut random, SERVER_GROUPS, "servers", ServerGroupId);
    for n in 0..USERS {
        let (id, Some(name)) = (UserId(number(n)), parsed(&format!("user{n}"))) else {
            continue;
        };
        rows.users.push(UserRow {
            id,
            name,
            email: None,
            active: true,
            lock: None,
            role: Role::User,
        });
        rows.sources.push(SourceRow {
            user: id,
            range: AddressRange::host(source(n)),
            active: true,
        });
        for _ in 0..=random.below(3) {
            rows.user_members.push((UserGroupId(random.int(USER_GROUPS)), id));
        }
    }
    for n in 0..SERVERS {
        let (id, Some(name)) = (ServerId(number(n)), parsed(&format!("server{n}"))) else {
            continue;
        };
        let address = TargetHost::Ip(IpAddr::V4(Ipv4Addr::from_bits(0x0a80_0000 + bits(n))));
        let mut services = vec![(Protocol::Ssh, 22)];
        if random.percent(30) {
            services.push((Protocol::Rdp, 3389));
        }
        rows.servers.push(ServerRow {
            id,
            name,
            address,
            services,
            active: true,
            lock: None,
            legacy_algorithms: gatehouse_model::LegacyAlgorithms::Off,
        });
        rows.allocations.push(AllocationRow {
            proxy: proxy(n),
            server: id,
            until: None,
        });
        for _ in 0..=random.below(2) {
            rows.server_members
                .push((ServerGroupId(random.int(SERVER_GROUPS)), id));
        }
    }
    rows.user_members.sort_unstable();
    rows.user_members.dedup();
    rows.server_members.sort_unstable();
    rows.server_members.dedup();
    let schedules = schedules(&mut random);
    rows.policies = (1..=POLICIES)
        .map(|id| policy(&mut random, number(id), &schedules))
        .collect();
    rows
}

/// Half of them ask for what a policy was made for, half for any server.
pub(crate) fn requests(rows: &DirectoryRows, count: usize) -> Vec<Request> {
    let mut random = Random::new(2);
    let mut requests = Vec::with_capacity(count);
    while requests.len() < count {
        let (mut user, mut server) = (random.int(USERS), random.int(SERVERS));
        if random.percent(50) {
            let Some(policy) = random.pick(&rows.policies) else {
                break;
            };
            user = match policy.subject {
                Subject::User(id) => id.0,
                Subject::Group(id) => member(&mut random, &rows.user_members, id).map_or(user, |id| id.0),
            };
            server = match policy.target {
                PolicyTarget::Server(id) => id.0,
                PolicyTarget::Group(id) => {
                    member(&mut random, &rows.server_members, id).map_or(server, |id| id.0)
                }
            };
        }
        requests.push(Request {
            source: SourceAddr::new(source(usize::try_from(user).unwrap_or(0))),
            destination: Destination::Proxy(proxy(usize::try_from(server).unwrap_or(0))),
            protocol: if random.percent(85) {
                Protocol::Ssh
            } else {
                Protocol::Rdp
            },
            login: if random.percent(50) {
                login(&mut random)
            } else {
                None
            },
            at: instant(MONDAY + random.int(WEEK)),
        });
    }
    requests
}

fn member<Group: Copy + Ord, Id: Copy>(
    random: &mut Random,
    members: &[(Group, Id)],
    group: Group,
) -> Option<Id> {
    let from = members.partition_point(|(g, _)| *g < group);
    let to = members.partition_point(|(g, _)| *g <= group);
    random.pick(members.get(from..to)?).map(|(_, id)| *id)
}

/// A forest at most five levels deep.
fn groups<Id: Copy>(random: &mut Random, count: usize, name: &str, id: fn(i64) -> Id) -> Vec<GroupRow<Id>> {
    let mut depths: Vec<usize> = Vec::with_capacity(count);
    let mut rows = Vec::with_capacity(count);
    for n in 0..count {
        let above = random.below(n);
        let depth = depths
            .get(above)
            .copied()
            .filter(|depth| n > 0 && *depth < 5 && !random.percent(5));
        depths.push(depth.map_or(1, |depth| depth + 1));
        let Some(name) = parsed(&format!("{name}{n}")) else {
            continue;
        };
        rows.push(GroupRow {
            id: id(number(n)),
            name,
            parent: depth.map(|_| id(number(above))),
        });
    }
    rows
}

fn schedules(random: &mut Random) -> Vec<Schedule> {
    let days = [
        "Mon-Fri",
        "Mon-Sat",
        "Sat,Sun",
        "days 1-7 Mon-Fri",
        "months Jan-Nov Mon-Fri",
        "Mon,Wed,Fri",
    ];
    let hours = [
        "08:00-16:00",
        "06:00-14:00",
        "14:00-22:00",
        "22:00-06:00",
        "00:00-12:00",
        "",
    ];
    let mut schedules = Vec::with_capacity(SCHEDULES);
    while schedules.len() < SCHEDULES {
        let mut one = |list: &[&'static str]| random.pick(list).copied().unwrap_or_default();
        let words = format!("{} {} {}", one(&days), one(&hours), one(&ZONES));
        match words.parse::<Schedule>() {
            Ok(schedule) if !schedules.contains(&schedule) => schedules.push(schedule),
            _ => {}
        }
    }
    schedules
}

fn policy(random: &mut Random, id: i64, schedules: &[Schedule]) -> PolicyRow {
    let subject = if random.percent(60) {
        Subject::User(UserId(random.int(USERS)))
    } else {
        Subject::Group(UserGroupId(random.int(USER_GROUPS)))
    };
    let target = if random.percent(50) {
        PolicyTarget::Server(ServerId(random.int(SERVERS)))
    } else {
        PolicyTarget::Group(ServerGroupId(random.int(SERVER_GROUPS)))
    };
    let windows = if random.percent(40) {
        1 + random.below(2)
    } else {
        0
    };
    let from = random
        .percent(5)
        .then(|| AddressRange::host(source(random.below(USERS))));
    let rules = PolicyRules {
        protocol: random.percent(50).then_some(Protocol::Ssh),
        from,
        logins: if random.percent(40) {
            (0..2).filter_map(|_| login(random)).collect()
        } else {
            Vec::new()
        },
        start: instant(MONDAY + DAY * (random.int(120) - 110)),
        end: random
            .percent(50)
            .then(|| instant(MONDAY + DAY * (random.int(120) - 10))),
        schedules: (0..windows)
            .filter_map(|_| random.pick(schedules).cloned())
            .collect(),
        use_schedules: true,
        rights: if random.percent(30) {
            vec![Right::ForwardLocal, Right::ForwardRemote]
        } else {
            Vec::new()
        },
        destinations: Vec::new(),
        blocked_ports: Vec::new(),
        record_mode: None,
        record_binary: None,
        record_input: None,
        record_forwards: None,
        idle: None,
        max_length: None,
    };
    PolicyRow {
        id: PolicyId(id),
        subject,
        target,
        revoked_at: None,
        rules,
    }
}

fn login(random: &mut Random) -> Option<Login> {
    random
        .pick(&["root", "www", "deploy", "postgres", "backup"])
        .and_then(|login| parsed(login))
}

fn parsed<T: std::str::FromStr<Err: Error>>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn source(n: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + bits(n)))
}

fn proxy(n: usize) -> ProxyAddr {
    ProxyAddr::new(IpAddr::V4(Ipv4Addr::from_bits(0x7f14_0000 + bits(n))))
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(0)
}

fn bits(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(0)
}
