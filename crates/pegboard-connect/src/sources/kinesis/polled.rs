//! Shards that are polled although enhanced fan-out is configured.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_aws::{Event, Observer};

/// Remembers which shards are polled instead, and passes on everything that it is told.
#[derive(Debug)]
pub(super) struct PolledShards {
    next: Arc<dyn Observer>,
    /// Why, by shard.
    reasons: Mutex<BTreeMap<String, String>>,
}

impl PolledShards {
    pub(super) fn telling(next: Arc<dyn Observer>) -> Self {
        Self { next, reasons: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is done instead of what was asked for, and why.
    pub(super) fn told(&self) -> Option<String> {
        let reasons = self.lock();
        let (shard, reason) = reasons.first_key_value()?;
        let others = match reasons.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        Some(format!(
            "{shard}{others} polled until pegboard is restarted, because enhanced fan-out cannot be had: {reason}"
        ))
    }
}

impl Observer for PolledShards {
    fn notice(&self, event: &Event<'_>) {
        match event {
            Event::PolledInstead { shard, error } => {
                self.lock().insert(shard.to_string(), error.to_string());
            }
            Event::Subscribed { shard } => {
                self.lock().remove(&shard.to_string());
            }
            _ => {}
        }
        self.next.notice(event);
    }
}
