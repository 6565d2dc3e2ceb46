//! Sessions of the page: who signed in by pasting a token. Kept in memory, bounded in number and age.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pegboard_model::{Millis, Timestamp};
use subtle::ConstantTimeEq as _;

use crate::api::tokens::{self, Hash};

/// How long a session lasts.
pub(crate) const LIFETIME: Millis = Millis::from_hours(12);
/// How many sessions there are at most; the oldest goes first.
const LIMIT: usize = 4096;
/// How many of one token, so that one token cannot end the sessions of the others.
const LIMIT_PER_TOKEN: usize = 32;

/// The sessions. A session lives no longer than its token: whoever uses it looks up the token by its hash.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// By the hash of the cookie, for the same reason for which tokens are found by their hash.
    sessions: Mutex<HashMap<Hash, Session>>,
}

/// One session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Its key: the hash of its cookie.
    pub(crate) key: Hash,
    /// The token that signed in.
    pub(crate) token: Hash,
    /// What writes must carry in their header.
    pub(crate) csrf: Csrf,
    made: Timestamp,
}

/// The proof that a write comes from the page itself.
#[derive(Clone)]
pub(crate) struct Csrf(Arc<str>);

impl Csrf {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is the proof, compared in constant time.
    pub(crate) fn matches(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Csrf(..)")
    }
}

impl Sessions {
    /// Opens a session of a token: the session, and the text of its cookie.
    pub(crate) fn open(&self, token: Hash, now: Timestamp) -> (Session, String) {
        let cookie = tokens::random_text();
        let key = tokens::hash(&cookie);
        let session = Session { key, token, csrf: Csrf(tokens::random_text().into()), made: now };
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now));
        make_room(&mut sessions, LIMIT, |_| true);
        make_room(&mut sessions, LIMIT_PER_TOKEN, |session| session.token == token);
        sessions.insert(key, session.clone());
        (session, cookie)
    }

    /// The session of a cookie.
    pub(crate) fn find(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        self.by_key(&tokens::hash(cookie), now)
    }

    /// The session with this key, if it still lasts.
    pub(crate) fn by_key(&self, key: &Hash, now: Timestamp) -> Option<Session> {
        self.lock().get(key).filter(|session| !session.is_over(now)).cloned()
    }

    /// Ends a session.
    pub(crate) fn close(&self, key: &Hash) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.made) >= LIFETIME
    }
}

/// Removes the oldest of those that count until one more has room under `limit`.
fn make_room(sessions: &mut HashMap<Hash, Session>, limit: usize, counts: impl Fn(&Session) -> bool) {
    let mut counted: Vec<_> =
        sessions.values().filter(|session| counts(session)).map(|s| (s.made, s.key)).collect();
    let excess = (counted.len() + 1).saturating_sub(limit);
    counted.sort_unstable();
    for (_, key) in counted.into_iter().take(excess) {
        sessions.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_session_ends_with_its_time_or_with_signing_out() {
        let sessions = Sessions::default();
        let (session, cookie) = sessions.open([1; 32], START);
        assert_eq!(sessions.find(&cookie, START + Millis::from_hours(11)).unwrap().token, [1; 32]);
        assert!(sessions.find(&cookie, START + LIFETIME).is_none());
        assert!(sessions.find("another", START).is_none());
        sessions.close(&session.key);
        assert!(sessions.find(&cookie, START).is_none());
    }

    #[test]
    fn r28_one_token_has_a_bounded_number_of_sessions_and_ends_none_of_the_others() {
        let sessions = Sessions::default();
        let (_, other) = sessions.open([2; 32], START);
        let cookies: Vec<_> = (0..=LIMIT_PER_TOKEN)
            .map(|n| sessions.open([1; 32], START + Millis::from_seconds(i64::try_from(n).unwrap())).1)
            .collect();
        let now = START + Millis::from_minutes(5);
        assert!(sessions.find(&cookies[0], now).is_none(), "the oldest went");
        assert!(cookies[1..].iter().all(|cookie| sessions.find(cookie, now).is_some()));
        assert!(sessions.find(&other, now).is_some());
    }

    #[test]
    fn r28_the_number_of_sessions_is_bounded() {
        let sessions = Sessions::default();
        for n in 0..=u16::try_from(LIMIT).unwrap() {
            let mut token = [0; 32];
            token[..2].copy_from_slice(&n.to_be_bytes());
            sessions.open(token, START);
        }
        assert_eq!(sessions.lock().len(), LIMIT);
    }

    #[test]
    fn sessions_that_are_over_take_no_room() {
        let sessions = Sessions::default();
        sessions.open([1; 32], START);
        sessions.open([2; 32], START + LIFETIME);
        assert_eq!(sessions.lock().len(), 1);
    }

    #[test]
    fn the_proof_of_a_write_must_match_to_the_letter() {
        let (session, cookie) = Sessions::default().open([1; 32], START);
        assert!(session.csrf.matches(session.csrf.as_str().as_bytes()));
        assert!(!session.csrf.matches(b""));
        assert!(!session.csrf.matches(cookie.as_bytes()));
        assert!(!format!("{session:?}").contains(session.csrf.as_str()));
    }
}
