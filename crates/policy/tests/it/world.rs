//! Small directories, written as a few lines.

use gatehouse_model::{
    AddressRange, PolicyId, Protocol, ProxyAddr, Role, ServerGroupId, ServerId, Timestamp, UserGroupId,
    UserId, parse_time,
};
use gatehouse_policy::{
    AllocationRow, BlockReach, BlockRow, Decision, Denial, Destination, Directory, DirectoryRows,
    DirectorySettings, Grant, GroupRow, Lock, PolicyRow, PolicyRules, PolicyTarget, Request, ServerRow,
    SourceRow, Subject, UserRow, decide,
};

/// Rows under construction. People are 1, 2, …; so are servers and groups.
#[derive(Clone, Default, Debug)]
pub(crate) struct World {
    pub(crate) rows: DirectoryRows,
    pub(crate) settings: DirectorySettings,
}

pub(crate) fn at(text: &str) -> Timestamp {
    parse_time(text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn range(text: &str) -> AddressRange {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn next_id(rows: usize) -> i64 {
    i64::try_from(rows).unwrap() + 1
}

impl World {
    /// ann at 10.0.0.1, the server web (10.9.0.1) at the proxy address 127.0.20.1, and a contact.
    pub(crate) fn small() -> Self {
        let mut world = Self::default();
        world.settings.contact = "security@example.com".into();
        world.settings.public_url = Some("https://jump:5000/".into());
        world.settings.default_zone = "Europe/Warsaw".into();
        let ann = world.user("ann");
        world.source(ann, "10.0.0.1");
        let web = world.server("web", "10.9.0.1");
        world.rows.pool.push(range("127.0.20.0/24"));
        world.allocate("127.0.20.1", web, None);
        world
    }

    pub(crate) fn user(&mut self, name: &str) -> UserId {
        let id = UserId(next_id(self.rows.users.len()));
        let name = name.parse().unwrap();
        self.rows.users.push(UserRow {
            id,
            name,
            email: None,
            active: true,
            lock: None,
            role: Role::User,
        });
        id
    }

    pub(crate) fn source(&mut self, user: UserId, text: &str) -> &mut SourceRow {
        self.rows.sources.push(SourceRow {
            user,
            range: range(text),
            active: true,
        });
        self.rows.sources.last_mut().unwrap()
    }

    pub(crate) fn user_group(&mut self, name: &str, parent: Option<UserGroupId>) -> UserGroupId {
        let id = UserGroupId(next_id(self.rows.user_groups.len()));
        self.rows.user_groups.push(GroupRow {
            id,
            name: name.parse().unwrap(),
            parent,
        });
        id
    }

    pub(crate) fn server(&mut self, name: &str, address: &str) -> ServerId {
        let id = ServerId(next_id(self.rows.servers.len()));
        let (name, address) = (name.parse().unwrap(), address.parse().unwrap());
        let services = vec![(Protocol::Ssh, 22)];
        self.rows.servers.push(ServerRow {
            id,
            name,
            address,
            services,
            active: true,
            lock: None,
            legacy_algorithms: gatehouse_model::LegacyAlgorithms::Off,
        });
        id
    }

    pub(crate) fn server_group(&mut self, name: &str, parent: Option<ServerGroupId>) -> ServerGroupId {
        let id = ServerGroupId(next_id(self.rows.server_groups.len()));
        self.rows.server_groups.push(GroupRow {
            id,
            name: name.parse().unwrap(),
            parent,
        });
        id
    }

    pub(crate) fn allocate(&mut self, proxy: &str, server: ServerId, until: Option<&str>) {
        let (proxy, until): (ProxyAddr, _) = (proxy.parse().unwrap(), until.map(at));
        self.rows.allocations.push(AllocationRow { proxy, server, until });
    }

    pub(crate) fn block(&mut self, text: &str, until: Option<&str>) {
        self.rows.blocks.push(BlockRow {
            range: range(text),
            until: until.map(at),
            reach: BlockReach::Everything,
        });
    }

    /// A policy that began in 2026 and never ends; the terms can be changed.
    pub(crate) fn grant(&mut self, subject: Subject, target: PolicyTarget) -> &mut PolicyRules {
        let id = PolicyId(next_id(self.rows.policies.len()));
        let rules = permanent();
        self.rows.policies.push(PolicyRow {
            id,
            subject,
            target,
            revoked_at: None,
            rules,
        });
        &mut self.rows.policies.last_mut().unwrap().rules
    }

    /// The same for ann and web.
    pub(crate) fn grant_ann(&mut self) -> &mut PolicyRules {
        self.grant(Subject::User(UserId(1)), PolicyTarget::Server(ServerId(1)))
    }

    pub(crate) fn lock_user(&mut self, index: usize, until: Option<&str>, reason: Option<&str>) {
        self.rows.users[index].lock = Some(Lock {
            until: until.map(at),
            reason: reason.map(str::to_owned),
        });
    }

    pub(crate) fn lock_server(&mut self, index: usize, until: Option<&str>, reason: Option<&str>) {
        self.rows.servers[index].lock = Some(Lock {
            until: until.map(at),
            reason: reason.map(str::to_owned),
        });
    }

    pub(crate) fn build(&self) -> Directory {
        Directory::build(self.rows.clone(), self.settings.clone()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Decides on ann's connection to web's proxy address, the login unknown.
    pub(crate) fn ask(&self, time: &str) -> Decision {
        self.decide(&request(time))
    }

    pub(crate) fn decide(&self, request: &Request) -> Decision {
        decide(&self.build(), request)
    }

    pub(crate) fn denied(&self, time: &str) -> Denial {
        denied(self.ask(time))
    }

    pub(crate) fn allowed(&self, time: &str) -> Grant {
        allowed(self.ask(time))
    }
}

/// ann's connection to web's proxy address.
pub(crate) fn request(time: &str) -> Request {
    Request {
        source: "10.0.0.1".parse().unwrap(),
        destination: Destination::Proxy("127.0.20.1".parse().unwrap()),
        protocol: Protocol::Ssh,
        login: None,
        at: at(time),
    }
}

pub(crate) fn permanent() -> PolicyRules {
    PolicyRules {
        protocol: None,
        from: None,
        logins: Vec::new(),
        start: at("2026-01-01"),
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

pub(crate) fn denied(decision: Decision) -> Denial {
    match decision {
        Decision::Deny(denial) => denial,
        Decision::Allow(grant) => panic!("{grant:?}"),
    }
}

pub(crate) fn allowed(decision: Decision) -> Grant {
    match decision {
        Decision::Allow(grant) => grant,
        Decision::Deny(denial) => panic!("{denial:?}"),
    }
}
