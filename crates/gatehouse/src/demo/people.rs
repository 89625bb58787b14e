//! The sample people, servers and grants, entered as an administrator would.

use std::fs;

use gatehouse_model::{
    AddressRange, Name, Protocol, ProxyAddr, Right, Role, Secret, SpanSeconds, Timestamp, to_micros,
};
use gatehouse_policy::PolicyRules;
use gatehouse_store::{
    Actor, CredentialKind, CredentialTrust, GroupKind, Inside, NewCredential, NewGroup, NewPolicy, NewServer,
    NewUser, ProxyChoice, Store, SubjectRef, TargetRef,
};

use super::place::Place;
use super::servers::Samples;
use crate::cli::{open_store, this_actor};
use crate::config::Config;
use crate::failure::Failure;

/// Somebody in the trial.
pub(super) struct Person {
    /// The name.
    pub(super) name: &'static str,
    /// The name in full.
    full_name: &'static str,
    /// Where they come from.
    pub(super) address: &'static str,
}

/// May log in.
pub(super) const ALICE: Person = Person {
    name: "alice",
    full_name: "Alice Allowed",
    address: "127.0.1.10",
};
/// Has a grant, and not for now.
pub(super) const BOB: Person = Person {
    name: "bob",
    full_name: "Bob Later",
    address: "127.0.1.11",
};
/// Has a grant that ends soon.
pub(super) const CAROL: Person = Person {
    name: "carol",
    full_name: "Carol Briefly",
    address: "127.0.1.12",
};
/// Looks after the site.
pub(super) const DANA: Person = Person {
    name: "dana",
    full_name: "Dana Administrator",
    address: "127.0.1.13",
};
/// Nobody knows this address.
pub(super) const STRANGER: &str = "127.0.1.99";

/// How long carol's grant lasts, in seconds.
const BRIEFLY: u64 = 120;

/// Enters everything, and answers the administrator's password, which is a new one each time. The store is closed again
/// when this is done.
pub(super) async fn enter(config: &Config, place: &Place, samples: &Samples) -> Result<String, Failure> {
    let store = open_store(config).await?;
    let (actor, now) = (this_actor(), to_micros(Timestamp::now()));
    let entry = Entry {
        store: &store,
        actor,
        place,
        samples,
        now,
    };
    let entered = match enter_into(&entry).await {
        Ok(()) => password(&store, now).await,
        Err(failure) => Err(failure),
    };
    store.close().await;
    entered
}

async fn password(store: &Store, now: Timestamp) -> Result<String, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::refused(format!("no random password can be had: {error}")))?;
    let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = Secret::from(password.clone());
    store
        .set_user_password(&this_actor(), now, DANA.name, secret, None)
        .await?;
    Ok(password)
}

struct Entry<'e> {
    store: &'e Store,
    actor: Actor,
    place: &'e Place,
    samples: &'e Samples,
    now: Timestamp,
}

async fn enter_into(entry: &Entry<'_>) -> Result<(), Failure> {
    let (store, now, actor) = (entry.store, entry.now, &entry.actor);
    store
        .add_pool_range(actor, now, range(&entry.place.pool())?, None)
        .await?;
    group(entry, GroupKind::Server, "machines").await?;
    for (number, sample) in (1..).zip(&entry.samples.servers) {
        let new = NewServer {
            name: name(sample.name)?,
            address: gatehouse_model::TargetHost::Ip(sample.addr.ip()),
            services: vec![(Protocol::Ssh, sample.addr.port())],
            os: Some(gatehouse_model::ServerOs::Linux),
            description: Some("a sample server of the trial".to_owned()),
            legacy_algorithms: gatehouse_model::LegacyAlgorithms::Off,
            proxy: ProxyChoice::Address(ProxyAddr::new(entry.place.proxy(number).into())),
        };
        store.add_server(actor, now, new).await?;
        store
            .add_group_member(actor, now, GroupKind::Server, "machines", sample.name)
            .await?;
        credential(entry, sample.name).await?;
    }
    group(entry, GroupKind::User, "ops").await?;
    for (person, role) in [
        (ALICE, Role::User),
        (BOB, Role::User),
        (CAROL, Role::User),
        (DANA, Role::Admin),
    ] {
        let new = NewUser {
            name: name(person.name)?,
            full_name: Some(person.full_name.to_owned()),
            email: None,
            role,
            addresses: vec![range(person.address)?],
        };
        store.add_user(actor, now, new, Inside::Refuse).await?;
    }
    store
        .add_group_member(actor, now, GroupKind::User, "ops", ALICE.name)
        .await?;
    grants(entry).await
}

async fn credential(entry: &Entry<'_>, server: &str) -> Result<(), Failure> {
    let path = &entry.samples.key;
    let key = fs::read(path).map_err(|source| Failure::File {
        path: path.clone(),
        done: "read",
        source,
    })?;
    let login = entry
        .samples
        .login
        .parse()
        .map_err(|error| Failure::refused(format!("{error}")))?;
    let new = NewCredential {
        login: Some(login),
        kind: CredentialKind::Key,
        secret: Secret::new(key),
        trust: CredentialTrust::AddressIsEnough,
    };
    entry
        .store
        .add_credential(&entry.actor, entry.now, server, new)
        .await?;
    Ok(())
}

async fn group(entry: &Entry<'_>, kind: GroupKind, called: &str) -> Result<(), Failure> {
    let new = NewGroup {
        name: name(called)?,
        parent: None,
        description: Some("made by the trial".to_owned()),
    };
    entry.store.add_group(&entry.actor, entry.now, kind, new).await?;
    Ok(())
}

async fn grants(entry: &Entry<'_>) -> Result<(), Failure> {
    let now = entry.now;
    let machines = || TargetRef::Group("machines".to_owned());
    let mut open = terms(now);
    open.rights = vec![Right::ForwardLocal];
    grant(
        entry,
        SubjectRef::Group("ops".to_owned()),
        machines(),
        open,
        "the trial's operators",
    )
    .await?;

    let mut later = terms(now);
    later.schedules = vec![
        window_not_now(now)
            .parse()
            .map_err(|error| Failure::refused(format!("{error}")))?,
    ];
    grant(
        entry,
        SubjectRef::User(BOB.name.to_owned()),
        machines(),
        later,
        "at other hours only",
    )
    .await?;

    let mut brief = terms(now);
    let span = SpanSeconds::new(BRIEFLY)
        .map(SpanSeconds::signed)
        .unwrap_or_default();
    brief.end = now.checked_add(span).ok();
    let web = TargetRef::Server(
        super::servers::NAMES
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned(),
    );
    grant(
        entry,
        SubjectRef::User(CAROL.name.to_owned()),
        web,
        brief,
        "for two minutes",
    )
    .await
}

async fn grant(
    entry: &Entry<'_>,
    subject: SubjectRef,
    target: TargetRef,
    rules: PolicyRules,
    reason: &str,
) -> Result<(), Failure> {
    let new = NewPolicy {
        subject,
        target,
        rules,
        reason: Some(reason.to_owned()),
    };
    entry.store.grant_policy(&entry.actor, entry.now, new).await?;
    Ok(())
}

fn terms(now: Timestamp) -> PolicyRules {
    PolicyRules {
        protocol: Some(Protocol::Ssh),
        from: None,
        logins: Vec::new(),
        start: now,
        end: None,
        schedules: Vec::new(),
        use_schedules: true,
        rights: Vec::new(),
        destinations: Vec::new(),
        blocked_ports: Vec::new(),
        record_mode: None,
        record_binary: None,
        record_input: None,
        record_forwards: None,
        idle: None,
        max_length: None,
    }
}

/// A daily window of two hours that begins in two hours, in the words of schedules.
fn window_not_now(now: Timestamp) -> String {
    let hour = now.to_zoned(jiff::tz::TimeZone::UTC).hour();
    format!("{:02}:00-{:02}:00 UTC", (hour + 2) % 24, (hour + 4) % 24)
}

fn name(text: &str) -> Result<Name, Failure> {
    text.parse().map_err(|error| Failure::refused(format!("{error}")))
}

fn range(text: &str) -> Result<AddressRange, Failure> {
    text.parse().map_err(|error| Failure::refused(format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bobs_window_is_never_now() {
        for hour in 0..24 {
            let now: Timestamp = format!("2026-01-31T{hour:02}:59:59Z").parse().unwrap();
            let text = window_not_now(now);
            assert!(text.parse::<gatehouse_policy::Schedule>().is_ok(), "{text}");
            assert!(!text.starts_with(&format!("{hour:02}:")), "{text}");
        }
    }
}
