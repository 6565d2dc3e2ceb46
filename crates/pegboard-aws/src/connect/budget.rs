//! One budget of requests for all that ask of one account and region.
//!
//! Amazon Connect counts requests by account and region, whichever instance they are about and whoever makes them (API reference,
//! "Amazon Connect service quotas"). Whoever here asks with the same credentials at the same endpoint therefore shares a pace, whatever it asks for: a
//! look at the signed-in agents and statistics of the last hours take turns. Which account credentials are of nobody tells without asking one more
//! service; two sets of one account are two budgets.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::pace::Paced;
use crate::config::Credentials;

/// The budgets that somebody holds.
static BUDGETS: Mutex<Vec<(Key, Weak<Mutex<Paced>>)>> = Mutex::new(Vec::new());

/// Whom requests are counted for, as far as that is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    endpoint: String,
    caller: String,
}

/// The part of a budget that a client draws on.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Mutex<Paced>>);

impl Budget {
    /// The budget of these credentials at an endpoint, which names the region. It lasts while anybody holds it.
    pub(super) fn of(endpoint: &str, credentials: &Credentials) -> Self {
        let key = Key { endpoint: endpoint.to_owned(), caller: caller(credentials) };
        let mut budgets = BUDGETS.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.retain(|(_, held)| held.strong_count() > 0);
        let known = budgets.iter().find(|(known, _)| *known == key).and_then(|(_, held)| held.upgrade());
        if let Some(known) = known {
            return Self(known);
        }
        let made = Arc::new(Mutex::new(Paced::default()));
        budgets.push((key, Arc::downgrade(&made)));
        Self(made)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Paced> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells callers apart; no secret.
fn caller(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Chain => "chain".to_owned(),
        Credentials::Profile(name) => format!("profile {name}"),
        Credentials::Static { key_id, .. } => format!("key {key_id}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::super::Pace;
    use super::*;

    #[test]
    fn r28_who_asks_of_one_account_and_region_shares_a_pace_and_others_do_not() {
        let profile = |name: &str| Credentials::Profile(name.to_owned());
        let of = |endpoint: &str, name: &str| Budget::of(endpoint, &profile(name));
        let (snapshots, statistics) = (of("https://eu", "one"), of("https://eu", "one"));
        let pace = Pace { every: Duration::from_millis(600), at_once: 3 };
        let now = Instant::now();
        let due = |budget: &Budget| budget.lock().take(pace, now) - now;
        let waits: Vec<_> = [&snapshots, &statistics, &snapshots, &statistics, &snapshots].map(due).into();
        let none = Duration::ZERO;
        assert_eq!(waits, [none, none, none, Duration::from_millis(600), Duration::from_millis(1200)]);
        assert_eq!(due(&of("https://us", "one")), none, "another region");
        assert_eq!(due(&of("https://eu", "two")), none, "other credentials");
    }

    #[test]
    fn a_budget_is_forgotten_when_nobody_holds_it() {
        let held = Budget::of("https://forgotten", &Credentials::Chain);
        let again = Budget::of("https://forgotten", &Credentials::Chain);
        assert!(Arc::ptr_eq(&held.0, &again.0));
        drop((held, again));
        drop(Budget::of("https://other", &Credentials::Chain));
        let _budget = Budget::of("https://last", &Credentials::Chain);
        let budgets = BUDGETS.lock().unwrap();
        assert!(budgets.iter().all(|(key, _)| key.endpoint != "https://forgotten"));
    }
}
