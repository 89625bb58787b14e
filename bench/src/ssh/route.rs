//! The ways to a server, and figures for each.

/// A way from the person to the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route {
    /// Nothing between.
    Direct,
    /// `ssh -J` through a second OpenSSH server.
    Jump,
    /// Through the gate, which records.
    Gate,
    /// Through a proxy of Go's `x/crypto/ssh`.
    Go,
    /// Through a proxy of Paramiko.
    Paramiko,
}

impl Route {
    /// Those that are always there, in the order in which they take turns.
    pub(super) const ALL: [Self; 3] = [Self::Direct, Self::Jump, Self::Gate];
    /// Proxies to compare with, which may be missing.
    pub(super) const PEERS: [Self; 2] = [Self::Go, Self::Paramiko];

    /// As tables call it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Jump => "`ssh -J`",
            Self::Gate => "gate",
            Self::Go => "Go",
            Self::Paramiko => "Paramiko",
        }
    }
}

/// Something of each route.
#[derive(Clone, Debug, Default)]
pub(super) struct ByRoute<T> {
    pub(super) direct: T,
    pub(super) jump: T,
    pub(super) gate: T,
    pub(super) go: T,
    pub(super) paramiko: T,
}

impl<T> ByRoute<T> {
    pub(super) fn of(&mut self, route: Route) -> &mut T {
        match route {
            Route::Direct => &mut self.direct,
            Route::Jump => &mut self.jump,
            Route::Gate => &mut self.gate,
            Route::Go => &mut self.go,
            Route::Paramiko => &mut self.paramiko,
        }
    }

    pub(super) fn get(&self, route: Route) -> &T {
        match route {
            Route::Direct => &self.direct,
            Route::Jump => &self.jump,
            Route::Gate => &self.gate,
            Route::Go => &self.go,
            Route::Paramiko => &self.paramiko,
        }
    }

    pub(super) fn map<U>(&self, change: impl Fn(&T) -> U) -> ByRoute<U> {
        ByRoute {
            direct: change(&self.direct),
            jump: change(&self.jump),
            gate: change(&self.gate),
            go: change(&self.go),
            paramiko: change(&self.paramiko),
        }
    }
}
