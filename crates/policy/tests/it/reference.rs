//! A slow decision that is right by looking: every policy for every minute, windows by walking along the clock.
//! It shares no code with the crate but the rows.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use gatehouse_model::{PolicyId, Protocol, Timestamp, UserId};
use gatehouse_policy::{
    Destination, DirectoryRows, PolicyRow, PolicyTarget, Reason, Request, Schedule, Subject,
};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

/// Minutes looked at before and after the middle of a calendar.
const BEFORE: i64 = 3 * 1440;
const AFTER: i64 = 9 * 1440;

/// What the clock of a zone shows at each minute around an instant.
pub(crate) struct Calendar {
    first: Timestamp,
    clock: Vec<DateTime>,
}

pub(crate) fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// The calendar of a zone around an instant, made once.
pub(crate) fn calendar(zone: &str, middle: Timestamp) -> &'static Calendar {
    static MADE: OnceLock<Mutex<HashMap<(String, Timestamp), &'static Calendar>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap();
    made.entry((zone.to_owned(), middle)).or_insert_with(|| {
        let zone = TimeZone::get(zone).unwrap();
        let first = middle - minutes(BEFORE);
        let clock = (0..BEFORE + AFTER)
            .map(|n| zone.to_datetime(first + minutes(n)))
            .collect();
        Box::leak(Box::new(Calendar { first, clock }))
    })
}

impl Calendar {
    /// The first minute at which the clock shows `local` or more.
    fn reaches(&self, local: DateTime) -> usize {
        self.clock
            .iter()
            .position(|shown| *shown >= local)
            .unwrap_or(self.clock.len())
    }

    /// The last minute at which the clock shows `local`; if it is left out, the first after.
    fn passes(&self, local: DateTime) -> usize {
        self.clock
            .iter()
            .rposition(|shown| *shown == local)
            .unwrap_or_else(|| self.reaches(local))
    }

    fn dates(&self) -> Vec<Date> {
        let mut dates: Vec<Date> = self.clock.iter().map(|shown| shown.date()).collect();
        dates.sort_unstable();
        dates.dedup();
        dates
    }

    /// For each minute whether a window of the schedule is open. Right from a day after the first minute on.
    pub(crate) fn open(&self, schedule: &Schedule) -> Vec<bool> {
        let mut open = vec![false; self.clock.len()];
        let (months, days, weekdays) = (schedule.months(), schedule.days_of_month(), schedule.weekdays());
        let fits = |list: &[u8], value: i8| list.is_empty() || list.contains(&u8::try_from(value).unwrap());
        let clock = |text: String| {
            let (hour, minute) = text.split_once(':').unwrap();
            (hour.parse::<i64>().unwrap(), minute.parse::<i64>().unwrap())
        };
        let start = schedule.time_start().map_or((0, 0), clock);
        let end = schedule.time_end().map_or((24, 0), clock);
        for date in self.dates().into_iter().filter(|_| schedule.is_active()) {
            let matches = fits(&months, date.month())
                && fits(&days, date.day())
                && fits(&weekdays, date.weekday().to_monday_zero_offset());
            if !matches {
                continue;
            }
            let midnight = date.at(0, 0, 0, 0);
            let next_day = if end <= start { 24 } else { 0 };
            let from = self.reaches(midnight + start.0.hours().minutes(start.1));
            let to = self.passes(midnight + (end.0 + next_day).hours().minutes(end.1));
            // A window that the change of the clock left nothing of has its end before its start.
            open.iter_mut()
                .take(to)
                .skip(from)
                .for_each(|minute| *minute = true);
        }
        open
    }

    fn minute(&self, at: Timestamp) -> usize {
        usize::try_from(at.duration_since(self.first).as_secs() / 60).unwrap()
    }
}

/// The rows, with the minutes of all schedules worked out.
pub(crate) struct Reference<'r> {
    rows: &'r DirectoryRows,
    middle: Timestamp,
    default_zone: String,
    open: HashMap<Schedule, Vec<bool>>,
}

impl<'r> Reference<'r> {
    pub(crate) fn new(rows: &'r DirectoryRows, middle: Timestamp, default_zone: &str) -> Self {
        let mut open = HashMap::new();
        for schedule in rows.policies.iter().flat_map(|policy| &policy.rules.schedules) {
            let zone = schedule.timezone().unwrap_or(default_zone);
            open.entry(schedule.clone())
                .or_insert_with(|| calendar(zone, middle).open(schedule));
        }
        Self {
            rows,
            middle,
            default_zone: default_zone.to_owned(),
            open,
        }
    }

    /// The last minute that can be asked about.
    pub(crate) fn last(&self) -> Timestamp {
        // Windows of the last days are cut off.
        self.middle + minutes(AFTER - 3 * 1440)
    }

    /// The policies that allow, or the reason.
    pub(crate) fn decide(&self, request: &Request) -> Result<Vec<PolicyId>, Reason> {
        let at = request.at;
        let on = |until: Option<Timestamp>| until.is_none_or(|until| at < until);
        if self
            .rows
            .blocks
            .iter()
            .any(|block| block.range.contains(request.source.ip()) && on(block.until))
        {
            return Err(Reason::SourceBlocked);
        }
        let holders = self
            .rows
            .sources
            .iter()
            .filter(|row| row.range.contains(request.source.ip()));
        let Some(source) = holders.max_by_key(|row| row.range.prefix_len()) else {
            return Err(Reason::UnknownSource);
        };
        let user = self
            .rows
            .users
            .iter()
            .find(|user| user.id == source.user)
            .unwrap();
        if !source.active || !user.active {
            return Err(Reason::UserInactive);
        }
        if user.lock.as_ref().is_some_and(|lock| on(lock.until)) {
            return Err(Reason::UserLocked);
        }
        let server = match &request.destination {
            Destination::Proxy(proxy) => {
                let given = self
                    .rows
                    .allocations
                    .iter()
                    .find(|row| row.proxy == *proxy && on(row.until));
                given.map(|row| row.server)
            }
            Destination::Server(id) => Some(*id),
            other => panic!("{other:?} is not asked about"),
        };
        let Some(server) = self.rows.servers.iter().find(|row| Some(row.id) == server) else {
            return Err(Reason::UnknownDestination);
        };
        if !server.active {
            return Err(Reason::ServerInactive);
        }
        if server.lock.as_ref().is_some_and(|lock| on(lock.until)) {
            return Err(Reason::ServerLocked);
        }
        if !server
            .services
            .iter()
            .any(|(protocol, _)| *protocol == request.protocol)
        {
            return Err(Reason::ProtocolNotOffered);
        }
        self.policies(request, user.id, server.id)
    }

    fn policies(
        &self,
        request: &Request,
        user: UserId,
        server: gatehouse_model::ServerId,
    ) -> Result<Vec<PolicyId>, Reason> {
        let at = request.at;
        let mut left: Vec<&PolicyRow> = self.rows.policies.iter().collect();
        left.retain(|policy| policy.revoked_at.is_none() && self.covers(policy, user, server));
        left.retain(|policy| {
            policy
                .rules
                .from
                .is_none_or(|from| from.contains(request.source.ip()))
        });
        left.retain(|policy| {
            policy
                .rules
                .protocol
                .is_none_or(|protocol| protocol == request.protocol)
        });
        if left.is_empty() {
            return Err(Reason::NoMatchingPolicy);
        }
        let to_begin = left.iter().any(|policy| policy.rules.start > at);
        left.retain(|policy| policy.rules.start <= at && policy.rules.end.is_none_or(|end| at < end));
        if left.is_empty() {
            return Err(if to_begin {
                Reason::NotYetValid
            } else {
                Reason::Expired
            });
        }
        left.retain(|policy| {
            let rules = &policy.rules;
            !rules.use_schedules
                || rules.schedules.is_empty()
                || rules.schedules.iter().any(|s| self.is_open(s, at))
        });
        if left.is_empty() {
            return Err(Reason::OutsideSchedule);
        }
        if let (Some(login), Protocol::Ssh) = (&request.login, request.protocol) {
            left.retain(|policy| policy.rules.logins.is_empty() || policy.rules.logins.contains(login));
        }
        if left.is_empty() {
            return Err(Reason::LoginNotAllowed);
        }
        let mut ids: Vec<PolicyId> = left.iter().map(|policy| policy.id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn is_open(&self, schedule: &Schedule, at: Timestamp) -> bool {
        let zone = schedule.timezone().unwrap_or(&self.default_zone);
        self.open[schedule][calendar(zone, self.middle).minute(at)]
    }

    fn covers(&self, policy: &PolicyRow, user: UserId, server: gatehouse_model::ServerId) -> bool {
        let subject = match policy.subject {
            Subject::User(id) => id == user,
            Subject::Group(group) => self.rows.user_members.iter().any(|(direct, member)| {
                let mut above = Some(*direct);
                *member == user
                    && std::iter::from_fn(|| {
                        let here = above?;
                        above = self
                            .rows
                            .user_groups
                            .iter()
                            .find(|row| row.id == here)
                            .and_then(|row| row.parent);
                        Some(here)
                    })
                    .any(|here| here == group)
            }),
        };
        let target = match policy.target {
            PolicyTarget::Server(id) => id == server,
            PolicyTarget::Group(group) => self.rows.server_members.iter().any(|(direct, member)| {
                let mut above = Some(*direct);
                *member == server
                    && std::iter::from_fn(|| {
                        let here = above?;
                        above = self
                            .rows
                            .server_groups
                            .iter()
                            .find(|row| row.id == here)
                            .and_then(|row| row.parent);
                        Some(here)
                    })
                    .any(|here| here == group)
            }),
        };
        subject && target
    }
}
