//! The places in time of what is told of agents. Pure.

use std::collections::HashMap;

use pegboard_model::{AgentNow, Millis, Timestamp};

use super::waiting::{Key, key};

/// What was told last of each agent. What comes late may have a state begin earlier than one that was told: a target that goes by
/// time would take the correction for old.
#[derive(Debug, Default)]
pub(super) struct Places {
    last: HashMap<Key, Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    since: Timestamp,
    place: Timestamp,
}

impl Places {
    /// The place of a state that is told now: when it began, or right after the one before. The same state again has the same.
    pub(super) fn of(&mut self, now: &AgentNow) -> Timestamp {
        let since = now.since;
        let place = match self.last.get(&key(now)) {
            Some(last) if last.since == since => last.place,
            Some(last) if since <= last.place => last.place + Millis::new(1),
            _ => since,
        };
        self.last.insert(key(now), Last { since, place });
        place
    }
}

#[cfg(test)]
mod tests {
    use pegboard_model::{AgentProfile, Class, State};

    use super::*;

    fn now(agent: &str, since: i64) -> AgentNow {
        let profile = AgentProfile::default();
        let state = State {
            class: Class::Available,
            status: None,
            contact: None,
            signed_out: false,
            profile: profile.clone().into(),
        };
        AgentNow::new(&"a".into(), &agent.into(), Timestamp::from_millis(since), &state, &profile)
    }

    #[test]
    fn a_place_is_the_beginning_or_right_after_the_one_before() {
        let mut places = Places::default();
        let mut of = |agent: &str, since| places.of(&now(agent, since)).as_millis();
        let told = [("x", 10), ("x", 40), ("y", 20), ("x", 15), ("x", 15), ("x", 30), ("x", 42), ("x", 50)];
        let got = told.map(|(agent, since)| of(agent, since));
        assert_eq!(got, [10, 40, 20, 41, 41, 42, 43, 50]);
    }
}
