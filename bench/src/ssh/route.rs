//! The three ways to a server, and figures for each.

/// A way from the person to the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route {
    /// Nothing between.
    Direct,
    /// `ssh -J` through a second OpenSSH server.
    Jump,
    /// Through the gate, which records.
    Gate,
}

impl Route {
    /// In the order in which they take turns.
    pub(super) const ALL: [Self; 3] = [Self::Direct, Self::Jump, Self::Gate];
}

/// Something of each route.
#[derive(Clone, Debug, Default)]
pub(super) struct ByRoute<T> {
    pub(super) direct: T,
    pub(super) jump: T,
    pub(super) gate: T,
}

impl<T> ByRoute<T> {
    /// Makes it for one route after the other.
    pub(super) fn try_new<E>(mut make: impl FnMut(Route) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            direct: make(Route::Direct)?,
            jump: make(Route::Jump)?,
            gate: make(Route::Gate)?,
        })
    }

    pub(super) fn of(&mut self, route: Route) -> &mut T {
        match route {
            Route::Direct => &mut self.direct,
            Route::Jump => &mut self.jump,
            Route::Gate => &mut self.gate,
        }
    }

    pub(super) fn map<U>(&self, change: impl Fn(&T) -> U) -> ByRoute<U> {
        ByRoute {
            direct: change(&self.direct),
            jump: change(&self.jump),
            gate: change(&self.gate),
        }
    }
}
