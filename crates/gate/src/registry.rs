//! The sessions of this node that have a row: opening and live ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gatehouse_model::{Protocol, SessionId};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::live::Core;
use crate::supervise::{Command, Ending};

/// One live session and the way to command it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) core: Arc<Core>,
    pub(crate) commands: mpsc::Sender<Command>,
}

/// Where a session is.
enum Place {
    /// Its target has not accepted the person yet; an order to end it waits here.
    Opening(Protocol, Option<Ending>),
    /// It runs.
    Live(Entry),
}

/// Sessions by id. They go when they begin to close.
///
/// INVARIANT: an order to end a session is never lost between its opening and its going live: both happen under
/// one lock.
pub(crate) struct Registry {
    places: Mutex<HashMap<SessionId, Place>>,
    count: watch::Sender<usize>,
    /// Something happened that lists of sessions are to show soon.
    stirred: AtomicBool,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            places: Mutex::default(),
            count: watch::Sender::new(0),
            stirred: AtomicBool::new(false),
        }
    }
}

impl Registry {
    /// A session is being opened.
    pub(crate) fn open(&self, id: SessionId, protocol: Protocol) {
        let mut places = self.places.lock();
        places.insert(id, Place::Opening(protocol, None));
        self.count.send_replace(places.len());
    }

    /// A session goes live.
    ///
    /// # Errors
    /// It was ordered to end meanwhile.
    pub(crate) fn go_live(&self, core: Arc<Core>, commands: mpsc::Sender<Command>) -> Result<(), Ending> {
        let mut places = self.places.lock();
        let id = core.id;
        if let Some(Place::Opening(_, Some(ending))) = places.get(&id) {
            return Err(ending.clone());
        }
        places.insert(id, Place::Live(Entry { core, commands }));
        self.count.send_replace(places.len());
        Ok(())
    }

    /// A session is to be ended. One that is still opening will not go live; a live one is answered.
    pub(crate) fn order_end(&self, id: SessionId, ending: &Ending) -> Option<Entry> {
        match self.places.lock().get_mut(&id) {
            Some(Place::Live(entry)) => Some(entry.clone()),
            Some(Place::Opening(_, order)) => {
                order.get_or_insert_with(|| ending.clone());
                None
            }
            None => None,
        }
    }

    pub(crate) fn remove(&self, id: SessionId) {
        let mut places = self.places.lock();
        places.remove(&id);
        self.count.send_replace(places.len());
    }

    pub(crate) fn find(&self, id: SessionId) -> Option<Entry> {
        match self.places.lock().get(&id) {
            Some(Place::Live(entry)) => Some(entry.clone()),
            _ => None,
        }
    }

    /// The protocols of those that are being opened.
    pub(crate) fn opening(&self) -> Vec<Protocol> {
        let places = self.places.lock();
        let opening = places.values().filter_map(|place| match place {
            Place::Opening(protocol, _) => Some(*protocol),
            Place::Live(_) => None,
        });
        opening.collect()
    }

    /// The live ones.
    pub(crate) fn all(&self) -> Vec<Entry> {
        let places = self.places.lock();
        let live = places.values().filter_map(|place| match place {
            Place::Live(entry) => Some(entry.clone()),
            Place::Opening(..) => None,
        });
        live.collect()
    }

    /// Something happened in a session that its row is to say soon.
    pub(crate) fn stir(&self) {
        self.stirred.store(true, Ordering::Release);
    }

    /// Whether anything did since this was asked last.
    pub(crate) fn take_stirred(&self) -> bool {
        self.stirred.swap(false, Ordering::AcqRel)
    }

    /// Resolves when there is none, opening ones included.
    pub(crate) async fn empty(&self) {
        let mut count = self.count.subscribe();
        let _ = count.wait_for(|count| *count == 0).await;
    }
}
