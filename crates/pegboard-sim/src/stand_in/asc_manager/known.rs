//! What was answered to a request, and which requests were accepted before.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use super::Route;
use super::body::Problem;
use super::read::Read;

/// How many idempotency keys are remembered: the oldest go.
pub const MOST_KEYS: usize = 100_000;

/// How many problems an answer names.
const MOST_ERRORS: usize = 1_000;

/// An answer: `WFMReportResponseDTO`, and its status.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    pub(super) status: u16,
    pub(super) word: &'static str,
    pub(super) accepted: usize,
    pub(super) rejected: usize,
    pub(super) errors: Vec<Problem>,
}

impl Verdict {
    /// Nothing of it is taken.
    pub(super) fn refused(status: u16, errors: Vec<Problem>) -> Self {
        Self { status, word: "REJECTED", accepted: 0, rejected: 0, errors }
    }

    /// What becomes of a body that was read. With `whole_only` one bad item spoils all.
    pub(super) fn of(read: &Read, whole_only: bool) -> Self {
        let items = read.items.len();
        if !read.problems.is_empty() {
            let is_closed = read.problems.iter().any(|problem| problem.code == super::WINDOW_CLOSED);
            let refused = Self::refused(if is_closed { 409 } else { 422 }, read.problems.clone());
            return Self { rejected: items, ..refused };
        }
        let bad: Vec<_> = read.items.iter().filter(|item| !item.problems.is_empty()).collect();
        let errors = bad.iter().flat_map(|item| &item.problems).cloned().collect();
        match bad.len() {
            0 => Self { status: 202, word: "ACCEPTED", accepted: items, rejected: 0, errors },
            bad if bad == items || whole_only => Self { rejected: items, ..Self::refused(422, errors) },
            bad => Self { status: 202, word: "PARTIAL", accepted: items - bad, rejected: bad, errors },
        }
    }

    /// The same, said again.
    pub(super) fn again(&self) -> Self {
        let known = Problem::new(super::ALREADY_ACCEPTED, "", "this was accepted before");
        let errors = [vec![known], self.errors.clone()].concat();
        Self { status: 409, errors, ..self.clone() }
    }

    pub(super) fn body(&self, request_id: &str) -> Value {
        let errors =
            self.errors.iter().take(MOST_ERRORS).map(
                |problem| json!({ "code": problem.code, "path": problem.path, "message": problem.message }),
            );
        json!({
            "status": self.word, "requestId": request_id, "accepted": self.accepted, "rejected": self.rejected,
            "errors": errors.collect::<Vec<_>>(),
        })
    }
}

/// A request that was accepted under a key.
#[derive(Debug)]
struct Before {
    route: Route,
    content: (usize, u64),
    verdict: Verdict,
}

/// The requests that were accepted, by their idempotency keys.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_key: BTreeMap<String, Before>,
    in_order: VecDeque<String>,
}

impl Known {
    /// What is answered to a request whose key is known.
    pub(super) fn answer(&self, key: &str, route: Route, sent: &[u8]) -> Option<Verdict> {
        let before = self.by_key.get(key)?;
        if (before.route, before.content) == (route, content(sent)) {
            return Some(before.verdict.again());
        }
        let problem =
            Problem::new("KEY_REUSED", "", "another request was accepted under this idempotency key");
        Some(Verdict::refused(409, vec![problem]))
    }

    pub(super) fn remember(&mut self, key: &str, route: Route, sent: &[u8], verdict: Verdict) {
        self.by_key.insert(key.to_owned(), Before { route, content: content(sent), verdict });
        self.in_order.push_back(key.to_owned());
        if self.in_order.len() > MOST_KEYS
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }
}

/// What tells contents apart: length and hash.
fn content(sent: &[u8]) -> (usize, u64) {
    let mut hasher = DefaultHasher::new();
    sent.hash(&mut hasher);
    (sent.len(), hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_the_stand_in_remembers_the_last_100_000_keys() {
        let mut known = Known::default();
        for number in 0..=MOST_KEYS {
            let verdict =
                Verdict { status: 202, word: "ACCEPTED", accepted: 1, rejected: 0, errors: Vec::new() };
            known.remember(&number.to_string(), Route::AgentStates, b"{}", verdict);
        }
        assert_eq!(known.by_key.len(), MOST_KEYS);
        assert!(known.answer("0", Route::AgentStates, b"{}").is_none());
        assert!(known.answer("1", Route::AgentStates, b"{}").is_some());
    }
}
