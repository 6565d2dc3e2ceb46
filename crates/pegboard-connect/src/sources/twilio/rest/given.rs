//! Which events need not be given: they were given, or posted, before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_model::Timestamp;

/// The most events that are remembered; beyond it all are forgotten, and some given once more.
pub(super) const MOST_REMEMBERED: usize = 200_000;

/// The events that were given and may be listed again: when they happened, by SID.
#[derive(Debug, Default)]
pub(super) struct Given(HashMap<String, Timestamp>);

impl Given {
    /// Whether an event was not given yet. Now it is.
    pub(super) fn is_new(&mut self, sid: String, at: Timestamp) -> bool {
        if self.0.contains_key(&sid) {
            return false;
        }
        if self.0.len() >= MOST_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(sid, at).is_none()
    }

    pub(super) fn forget_before(&mut self, time: Timestamp) {
        self.0.retain(|_, at| *at >= time);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The events that were posted, or streamed, and are read from where they are kept durably: whatever happens, they will be taken from there, and
/// need not be taken from a list as well. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Posted(Arc<Mutex<Given>>);

impl Posted {
    fn lock(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an event that can be read, by its SID, and when it happened.
    pub fn note(&self, sid: String, at: Timestamp) {
        self.lock().is_new(sid, at);
    }

    pub(super) fn has(&self, sid: &str) -> bool {
        self.lock().0.contains_key(sid)
    }

    pub(super) fn forget_before(&self, time: Timestamp) {
        self.lock().forget_before(time);
    }
}
