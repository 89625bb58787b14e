//! A denial in words, for the person.

use std::fmt::Write;

use gatehouse_model::{Protocol, Timestamp};
use jiff::tz::TimeZone;

use crate::decision::{Destination, Reason};
use crate::directory::{Directory, Policy, printable};
use crate::evaluate::{Evaluation, Question};
use crate::rows::Lock;

/// Most grants, logins or schedules that a sentence lists.
const LISTED: usize = 4;
/// Longest text of somebody else's within a sentence.
const QUOTED: usize = 120;

/// What there is to say.
pub(crate) struct Refusal<'r, 'd> {
    pub(crate) directory: &'d Directory,
    pub(crate) question: &'r Question<'r>,
    pub(crate) found: &'r Evaluation<'d>,
    pub(crate) reason: Reason,
    pub(crate) survivors: &'r [&'d Policy],
    pub(crate) since: Option<Timestamp>,
    pub(crate) opening: Option<(Timestamp, &'r Policy)>,
}

impl Refusal<'_, '_> {
    /// What is wrong, when it would be allowed, and whom to ask: a line each.
    pub(crate) fn sentence(&self) -> String {
        let mut text = String::with_capacity(240);
        // Writing to a string cannot fail.
        let _ = self.what(&mut text);
        if self.found.user.is_some() {
            let _ = self.when(&mut text);
        }
        let _ = self.whom(&mut text);
        text
    }

    fn what(&self, text: &mut String) -> std::fmt::Result {
        let server = self
            .found
            .server
            .map_or("this server", |(_, server)| server.name.as_str());
        let label = self.question.protocol.label();
        match self.reason {
            Reason::SourceBlocked => self.blocked(text),
            Reason::UnknownSource => match self.question.who.source() {
                Some(source) => write!(text, "Your address {source} is not registered here."),
                None => write!(text, "This person is not registered here."),
            },
            Reason::UserInactive => self.inactive(text),
            Reason::UserLocked => {
                let user = self.found.user.map(|(_, user)| user);
                write!(
                    text,
                    "Your account {} is locked",
                    user.map_or("", |user| user.name.as_str())
                )?;
                self.lock(text, user.and_then(|user| user.lock.as_ref()))
            }
            Reason::UnknownDestination => self.unknown_destination(text),
            Reason::ServerInactive => write!(text, "The server {server} is switched off."),
            Reason::ServerLocked => {
                write!(text, "The server {server} is locked")?;
                self.lock(
                    text,
                    self.found.server.and_then(|(_, server)| server.lock.as_ref()),
                )
            }
            Reason::ProtocolNotOffered => {
                write!(text, "The server {server} does not offer {label}")?;
                let offers = self
                    .found
                    .server
                    .map(|(_, server)| server.services.iter().map(|(p, _)| p.label()));
                let offers = offers.into_iter().flatten().collect::<Vec<_>>().join(" and ");
                if offers.is_empty() {
                    text.write_str(".")
                } else {
                    write!(text, "; it offers {offers}.")
                }
            }
            Reason::NoMatchingPolicy if self.survivors.is_empty() => {
                write!(text, "You have no grant for {server} over {label}.")
            }
            Reason::NoMatchingPolicy => self.other_grants(text, server),
            Reason::NotYetValid => self.begins(text, server),
            Reason::Expired => {
                let last = self.survivors.iter().filter(|policy| policy.end() == self.since);
                let last: Vec<String> = last.map(|policy| format!("#{}", policy.id)).collect();
                let grant = if last.len() == 1 { "grant" } else { "grants" };
                write!(text, "Your {grant} ")?;
                self.listed(text, &last, " and ", |text, number| text.write_str(number))?;
                write!(text, " for {server} ended ")?;
                let zone = self.zone_of(self.survivors.first().copied());
                self.since.map_or(Ok(()), |since| moment(text, zone, since))?;
                text.write_str(".")
            }
            Reason::OutsideSchedule => self.hours(text, server),
            Reason::LoginNotAllowed => self.logins(text, server),
        }
    }

    fn blocked(&self, text: &mut String) -> std::fmt::Result {
        let Some(source) = self.question.who.source() else {
            return Ok(());
        };
        write!(text, "Connections from your address {source} are blocked")?;
        let ends = self.directory.blocks.containing(source.ip());
        let in_force = ends.filter(|until| until.is_none_or(|until| until > self.question.at));
        let last = in_force
            .copied()
            .reduce(|one, other| one.zip(other).map(|(one, other)| one.max(other)));
        self.until(text, last.flatten())?;
        text.write_str(".")
    }

    /// Says neither whose the address is nor was: it may have another holder by now.
    fn inactive(&self, text: &mut String) -> std::fmt::Result {
        match (self.question.who.source(), self.found.user) {
            (Some(source), Some((_, user))) if !user.active => {
                write!(
                    text,
                    "The account that your address {source} belongs to is switched off."
                )
            }
            (Some(source), _) => write!(text, "Your address {source} is switched off."),
            (None, _) => write!(text, "This account is switched off."),
        }
    }

    fn lock(&self, text: &mut String, lock: Option<&Lock>) -> std::fmt::Result {
        self.until(text, lock.and_then(|lock| lock.until))?;
        match lock
            .and_then(|lock| lock.reason.as_deref())
            .map(|reason| printable(reason.trim(), QUOTED))
        {
            Some(reason) if !reason.trim().is_empty() => write!(text, " ({reason})."),
            _ => text.write_str("."),
        }
    }

    fn until(&self, text: &mut String, until: Option<Timestamp>) -> std::fmt::Result {
        let Some(until) = until else { return Ok(()) };
        text.write_str(" until ")?;
        moment(text, self.directory.default_zone(), until)
    }

    fn unknown_destination(&self, text: &mut String) -> std::fmt::Result {
        match self.question.destination {
            Destination::Proxy(proxy) => write!(text, "The address {proxy} leads to no server."),
            Destination::Server(_) => write!(text, "The server does not exist any more."),
            Destination::ServerAt(id, proxy) => {
                let server = self
                    .directory
                    .server(*id)
                    .map_or("the server", |server| server.name.as_str());
                write!(text, "The address {proxy} does not lead to {server} any more.")
            }
            Destination::Named(name) if name.trim().is_empty() => {
                write!(
                    text,
                    "No server was named; log in as LOGIN@SERVER, such as root@web01."
                )
            }
            Destination::Named(name) => {
                let several = name.parse().is_ok_and(|address| {
                    self.directory
                        .server_addresses
                        .get(&address)
                        .is_some_and(|servers| servers.len() > 1)
                });
                let name = printable(name, 64);
                if several {
                    write!(
                        text,
                        "Several servers have the address {name}; name the one that you mean."
                    )
                } else {
                    write!(text, "No server here has the name or address \"{name}\".")
                }
            }
        }
    }

    fn other_grants(&self, text: &mut String, server: &str) -> std::fmt::Result {
        let one = self.survivors.len() == 1;
        let (grants, do_not) = if one {
            ("grant", "does not")
        } else {
            ("grants", "do not")
        };
        write!(text, "Your {grants} for {server} {do_not} fit: ")?;
        self.listed(text, self.survivors, "; ", |text, policy| {
            write!(text, "#{} is for ", policy.id)?;
            match (self.directory.policies.from(policy), policy.protocol) {
                (_, Some(protocol)) if protocol != self.question.protocol => {
                    write!(text, "{} only", protocol.label())
                }
                (Some(from), _) => write!(text, "connections from {from} only"),
                (None, _) => write!(text, "something else"),
            }
        })?;
        text.write_str(".")
    }

    fn begins(&self, text: &mut String, server: &str) -> std::fmt::Result {
        let coming = self
            .survivors
            .iter()
            .filter(|policy| policy.start > self.question.at);
        let Some(first) = coming.min_by_key(|policy| (policy.start, policy.id)) else {
            return Ok(());
        };
        write!(text, "Your grant #{} for {server} begins ", first.id)?;
        moment(text, self.zone_of(Some(first)), first.start)?;
        text.write_str(".")
    }

    fn hours(&self, text: &mut String, server: &str) -> std::fmt::Result {
        write!(text, "Your access to {server} is limited in time: ")?;
        self.listed(text, self.survivors, "; ", |text, policy| {
            for (n, windows) in self.directory.policies.windows(policy).take(LISTED).enumerate() {
                let separator = if n == 0 { "" } else { ", " };
                write!(text, "{separator}{}", windows.schedule())?;
                if windows.schedule().timezone().is_none() {
                    write!(text, " {}", zone_name(windows.zone()))?;
                }
            }
            write!(text, " (grant #{})", policy.id)
        })?;
        text.write_str(".")
    }

    fn logins(&self, text: &mut String, server: &str) -> std::fmt::Result {
        let asked = self
            .question
            .login
            .map_or(String::new(), |login| printable(login.as_str(), 64));
        write!(
            text,
            "The login \"{asked}\" is not among those of your grants for {server}: "
        )?;
        let terms = self
            .survivors
            .iter()
            .filter_map(|policy| self.directory.policies.terms(policy));
        let mut logins: Vec<_> = terms.flat_map(|terms| &terms.logins).collect();
        logins.sort_unstable();
        logins.dedup();
        self.listed(text, &logins, ", ", |text, login| {
            text.write_str(&printable(login.as_str(), 64))
        })?;
        text.write_str(".")
    }

    /// The first few, and how many more.
    fn listed<T>(
        &self,
        text: &mut String,
        items: &[T],
        separator: &str,
        print: impl Fn(&mut String, &T) -> std::fmt::Result,
    ) -> std::fmt::Result {
        for (n, item) in items.iter().take(LISTED).enumerate() {
            text.write_str(if n == 0 { "" } else { separator })?;
            print(text, item)?;
        }
        match items.len().checked_sub(LISTED) {
            None | Some(0) => Ok(()),
            Some(more) => write!(text, " and {more} more"),
        }
    }

    fn when(&self, text: &mut String) -> std::fmt::Result {
        let Some((instant, policy)) = self.opening else {
            return Ok(());
        };
        text.write_str("\nYou will be allowed from ")?;
        moment(text, self.zone_of(Some(policy)), instant)?;
        text.write_str(".")
    }

    /// The contact, and for what a request can change the command that makes one.
    fn whom(&self, text: &mut String) -> std::fmt::Result {
        let settings = self.directory.settings();
        write!(text, "\nAsk {}", settings.contact)?;
        let can_ask = self.reason >= Reason::NoMatchingPolicy && self.found.user.is_some();
        let (true, Some(url), Some((_, server))) = (can_ask, &settings.public_url, self.found.server) else {
            return text.write_str(".");
        };
        let (protocol, name) = (self.question.protocol, escaped(server.name.as_str()));
        match self
            .question
            .login
            .filter(|_| self.reason == Reason::LoginNotAllowed && protocol == Protocol::Ssh)
        {
            None => write!(text, ", or: curl {url}/p/request/{protocol}/{name}"),
            // Quoted, because a shell would take the question mark for a pattern.
            Some(login) => {
                write!(
                    text,
                    ", or: curl '{url}/p/request/{protocol}/{name}?login={}'",
                    escaped(login.as_str())
                )
            }
        }
    }

    /// The zone in which a policy's times are shown: that of its first schedule, or the default.
    fn zone_of(&self, policy: Option<&Policy>) -> &TimeZone {
        let windows = policy.and_then(|policy| self.directory.policies.windows(policy).next());
        windows.map_or(self.directory.default_zone(), |windows| windows.zone())
    }
}

fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// `Mon 2026-02-02 08:00 Europe/Warsaw (07:00 UTC)`; seconds where there are any.
pub(crate) fn moment(text: &mut String, zone: &TimeZone, at: Timestamp) -> std::fmt::Result {
    let local = zone.to_datetime(at);
    let universal = TimeZone::UTC.to_datetime(at);
    let clock = |text: &mut String, time: jiff::civil::Time| {
        write!(text, "{:02}:{:02}", time.hour(), time.minute())?;
        if time.second() == 0 {
            Ok(())
        } else {
            write!(text, ":{:02}", time.second())
        }
    };
    let date = local.date();
    let weekday = match date.weekday().to_monday_zero_offset() {
        0 => "Mon",
        1 => "Tue",
        2 => "Wed",
        3 => "Thu",
        4 => "Fri",
        5 => "Sat",
        _ => "Sun",
    };
    write!(
        text,
        "{weekday} {:04}-{:02}-{:02} ",
        date.year(),
        date.month(),
        date.day()
    )?;
    clock(text, local.time())?;
    write!(text, " {}", zone_name(zone))?;
    if zone_name(zone) == "UTC" {
        return Ok(());
    }
    text.write_str(" (")?;
    if universal.date() != date {
        let date = universal.date();
        write!(text, "{:04}-{:02}-{:02} ", date.year(), date.month(), date.day())?;
    }
    clock(text, universal.time())?;
    text.write_str(" UTC)")
}

/// RFC 3986 section 2.1.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}
