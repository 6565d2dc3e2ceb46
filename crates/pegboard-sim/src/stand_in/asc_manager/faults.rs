//! What goes wrong, on demand or at random.

use std::time::Duration;

use super::Route;
use crate::random::Random;

/// Something that goes wrong on demand.
#[derive(Debug, Clone)]
pub struct Fault {
    /// With which requests; nothing means all of them.
    pub route: Option<Route>,
    /// How often.
    pub times: u32,
    /// What.
    pub what: Wrong,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing is done: 401, though the token is good.
    Unauthorised,
    /// Nothing is done: 403.
    Forbidden,
    /// Nothing is done: 413.
    TooLarge,
    /// Nothing is done: 429, with a `Retry-After` where one is given.
    Throttled {
        /// Seconds, or a date.
        retry_after: Option<String>,
    },
    /// Nothing is done: an error of the server.
    ServerError(u16),
    /// Nothing is done: the answer leads elsewhere.
    Redirected,
    /// Nothing is done: the connection ends without an answer.
    Cut,
    /// It is done, and the connection ends in the middle of the answer.
    CutAnswer,
    /// It is done, and the answer says that the server failed.
    FailsAfterwards(u16),
    /// It is done, and the answer comes late.
    Slow(Duration),
    /// It is done, and the answer is a page for people.
    Garbled,
    /// Nothing is done: an error of the server that repeats what it was sent, its authorisation too.
    Echo,
    /// It is done, and the answer is filled up with blanks to so many bytes.
    Padded(usize),
}

impl Wrong {
    /// Its name in the counts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unauthorised => "unauthorised",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too_large",
            Self::Throttled { .. } => "throttled",
            Self::ServerError(_) => "server_error",
            Self::Redirected => "redirected",
            Self::Cut => "cut",
            Self::CutAnswer => "cut_answer",
            Self::FailsAfterwards(_) => "fails_afterwards",
            Self::Slow(_) => "slow",
            Self::Garbled => "garbled",
            Self::Echo => "echo",
            Self::Padded(_) => "padded",
        }
    }
}

/// What goes wrong next.
#[derive(Debug, Default)]
pub(super) struct Faults {
    demanded: Vec<Fault>,
    random: Option<(Random, Vec<(f64, Wrong)>)>,
}

impl Faults {
    pub(super) fn demand(&mut self, fault: Fault) {
        self.demanded.push(fault);
    }

    pub(super) fn at_random(&mut self, seed: u64, chances: Vec<(f64, Wrong)>) {
        self.random = Some((Random::new(seed, 0xa5c), chances));
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What goes wrong with the next request: what was demanded first, else what chance says.
    pub(super) fn next(&mut self, route: Route) -> Option<Wrong> {
        let fits = |fault: &&mut Fault| fault.times > 0 && fault.route.is_none_or(|of| of == route);
        if let Some(fault) = self.demanded.iter_mut().find(fits) {
            fault.times -= 1;
            return Some(fault.what.clone());
        }
        let (random, chances) = self.random.as_mut()?;
        let mut drawn = random.unit();
        let hit = chances.iter().find(|(chance, _)| {
            drawn -= chance;
            drawn < 0.0
        });
        // By chance only tokens are not taken: an access key that is refused now and then is none that exists.
        let hit = hit.map(|(_, wrong)| wrong.clone());
        hit.filter(|wrong| !(route.is_login() && *wrong == Wrong::Unauthorised))
    }
}
