//! Changes of agents' states that wait to be sent. Pure: time comes in.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use pegboard_model::{AgentId, AgentNow, Millis, SourceName, Text, Timestamp};
use pegboard_sinks::mapping::Mapping;
use pegboard_sinks::{Changes, StateChange};
use pegboard_store::Cursor;

use super::places::Places;
use crate::runtime::mapping::Held;

/// An agent of a source.
pub(super) type Key = (SourceName, AgentId);

/// What waits, those of an agent in the order of the feed, and how far the feed is taken up.
///
/// Where the latest wins, that is the latest that the target is told of: a state that it is not told of, because nothing names it,
/// stands for none of those before it.
///
/// A state that was over before it had lasted for `shortest` is left out, and so is the next if it is no change then; one that lasts
/// still waits until it has.
#[derive(Debug)]
pub(super) struct Waiting {
    changes: Changes,
    shortest: Millis,
    tells: Tells,
    agents: BTreeMap<Key, VecDeque<StateChange>>,
    count: usize,
    /// The last state that was sent of an agent, where short ones are left out.
    sent: HashMap<Key, (Text, Text)>,
    places: Places,
    taken_up: Cursor,
}

/// Which states the target is told of.
#[derive(Debug, Clone)]
pub(super) struct Tells {
    /// By its lane.
    pub(super) by: fn(&Mapping, &AgentNow) -> bool,
    /// With this mapping.
    pub(super) held: Arc<Held>,
}

impl Tells {
    fn of(&self, change: &StateChange) -> bool {
        (self.by)(&self.held.mapping, &change.now)
    }
}

impl Waiting {
    /// Nothing waits after `taken_up`.
    pub(super) fn new(changes: Changes, shortest: Millis, tells: Tells, taken_up: Cursor) -> Self {
        Self {
            changes,
            shortest,
            tells,
            agents: BTreeMap::new(),
            count: 0,
            sent: HashMap::new(),
            places: Places::default(),
            taken_up,
        }
    }

    /// Notes what the feed told before: what is taken up may correct it.
    pub(super) fn remember(&mut self, now: &AgentNow) {
        self.places.of(now);
    }

    /// From now on this mapping says which states the target is told of.
    pub(super) fn follow(&mut self, held: Arc<Held>) {
        self.tells.held = held;
    }

    /// How far the feed is taken up.
    pub(super) fn taken_up(&self) -> &Cursor {
        &self.taken_up
    }

    /// How many changes wait.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Everything that waits is forgotten for the present states of everybody.
    pub(super) fn begin_anew(&mut self, present: impl IntoIterator<Item = AgentNow>, taken_up: Cursor) {
        self.agents.clear();
        self.sent.clear();
        self.count = 0;
        present.into_iter().for_each(|now| self.add(StateChange::new(None, now)));
        self.taken_up = taken_up;
    }

    /// Takes up what the feed tells.
    pub(super) fn take_up(&mut self, changes: impl IntoIterator<Item = StateChange>, taken_up: Cursor) {
        changes.into_iter().for_each(|change| self.add(change));
        self.taken_up = taken_up;
    }

    /// What an agent is told to be in, whatever waits of him.
    pub(super) fn tell_instead(&mut self, change: StateChange) {
        if let Some(own) = self.agents.remove(&key(&change.now)) {
            self.count -= own.len();
        }
        self.add(change);
    }

    /// Whether everything up to a cursor is taken up.
    pub(super) fn reaches(&self, cursor: &Cursor) -> bool {
        let seen = |source: &SourceName| self.taken_up.seen.get(source).copied().unwrap_or_default();
        cursor.seen.iter().all(|(source, number)| *number <= seen(source))
    }

    /// Has a present state sent once more, unless a newer one of the agent waits.
    pub(super) fn again(&mut self, change: StateChange) {
        let key = key(&change.now);
        if !self.agents.contains_key(&key) {
            self.sent.remove(&key);
            self.add(change);
        }
    }

    fn add(&mut self, change: StateChange) {
        let change = StateChange { place: self.places.of(&change.now), ..change };
        let key = key(&change.now);
        let own = self.agents.entry(key.clone()).or_default();
        let before = own.len();
        if !self.shortest.is_zero() {
            if own.back().is_some_and(|last| change.now.since.since(last.now.since) < self.shortest) {
                own.pop_back();
            }
            let known = own.back().map(|last| state(&last.now)).or_else(|| self.sent.get(&key).cloned());
            if known.is_some_and(|known| known == state(&change.now)) {
                self.count = self.count + own.len() - before;
                return;
            }
        }
        own.push_back(change);
        if self.changes == Changes::Latest {
            // The last may turn out to have been too short: then the one before it is the latest.
            let kept = if self.shortest.is_zero() { 1 } else { 2 };
            keep_latest(own, kept, &self.tells);
        }
        self.count = self.count + own.len() - before;
    }

    /// Up to `most` changes that can be sent, those of an agent in the order of the feed: all there are, or the latest.
    pub(super) fn ripe(&self, now: Timestamp, most: usize) -> Vec<StateChange> {
        let mut ripe = Vec::new();
        for own in self.agents.values() {
            let own = own.iter().take(self.ripe_of(own, now));
            match self.changes {
                Changes::Latest => ripe.extend(latest(own, &self.tells)),
                Changes::Every => ripe.extend(own),
            }
        }
        ripe.sort_by_key(|change| (change.number, change.now.since));
        if self.changes == Changes::Every {
            ripe.truncate(in_order_of_time(&ripe).min(most));
        }
        ripe.truncate(most);
        ripe.into_iter().cloned().collect()
    }

    /// How many of an agent's changes can be sent.
    fn ripe_of(&self, own: &VecDeque<StateChange>, now: Timestamp) -> usize {
        // Where none is too short, one that begins a little ahead of this clock is as good as any.
        let is_too_short = |last: &StateChange| now.since(last.now.since) < self.shortest;
        let lasts = !self.shortest.is_zero() && own.back().is_some_and(is_too_short);
        own.len() - usize::from(lasts)
    }

    /// When the next change can be sent that cannot yet.
    pub(super) fn next_ripe(&self) -> Option<Timestamp> {
        if self.shortest.is_zero() {
            return None;
        }
        self.agents.values().filter_map(|own| Some(own.back()?.now.since + self.shortest)).min()
    }

    /// These have arrived, and what they overtook waits no more.
    pub(super) fn arrived(&mut self, sent: &[StateChange]) {
        for change in sent {
            let key = key(&change.now);
            if !self.shortest.is_zero() {
                self.sent.insert(key.clone(), state(&change.now));
            }
            let Some(own) = self.agents.get_mut(&key) else { continue };
            let upto = own.iter().position(|waiting| waiting == change).map_or(0, |place| place + 1);
            own.drain(..upto);
            self.count -= upto;
            if own.is_empty() {
                self.agents.remove(&key);
            }
        }
    }

    /// Up to where everything in the feed has arrived or is overtaken; nothing while somebody's state of a look at everybody waits.
    pub(super) fn settled(&self) -> Option<Cursor> {
        let mut settled = self.taken_up.clone();
        for ((source, _), own) in &self.agents {
            let Some(first) = own.front() else { continue };
            let before = first.number?.saturating_sub(1);
            let seen = settled.seen.entry(source.clone()).or_insert(before);
            *seen = before.min(*seen);
        }
        Some(settled)
    }
}

/// Leaves the last `kept` of an agent's changes, and before them the latest that the target is told of, if none of those stands for it.
fn keep_latest(own: &mut VecDeque<StateChange>, kept: usize, tells: &Tells) {
    let before = own.len().saturating_sub(kept);
    let is_overtaken = own.get(before).is_none_or(|next| tells.of(next));
    let mut overtaken = own.drain(..before);
    let stands = if is_overtaken { None } else { overtaken.rfind(|change| tells.of(change)) };
    drop(overtaken);
    own.extend(stands);
    own.rotate_right(usize::from(own.len() > kept));
}

/// The latest of an agent's changes, and before it the latest that the target is told of, if that is another.
fn latest<'c>(
    own: impl DoubleEndedIterator<Item = &'c StateChange>,
    tells: &Tells,
) -> impl Iterator<Item = &'c StateChange> {
    let mut own = own.rev();
    let last = own.next();
    let is_told = last.is_none_or(|last| tells.of(last));
    let told = if is_told { None } else { own.find(|change| tells.of(change)) };
    told.into_iter().chain(last)
}

/// Of whom a state is.
pub(super) fn key(now: &AgentNow) -> Key {
    (now.source.clone(), now.agent_id.clone())
}

/// What a WFM is told of a state.
fn state(now: &AgentNow) -> (Text, Text) {
    (now.event_id.clone(), now.reason.clone())
}

/// How many changes there are before one of an agent that began before the one before it: an encoder may sort by time, and a
/// correction must not be overtaken by what it corrects.
fn in_order_of_time(changes: &[&StateChange]) -> usize {
    let mut since: HashMap<(&SourceName, &AgentId), Timestamp> = HashMap::new();
    for (place, StateChange { now, .. }) in changes.iter().copied().enumerate() {
        let before = since.insert((&now.source, &now.agent_id), now.since);
        if before.is_some_and(|before| now.since < before) {
            return place;
        }
    }
    changes.len()
}

#[cfg(test)]
mod tests {
    use pegboard_model::{AgentProfile, Class, State, Status, StatusKind};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn change(number: u64, agent: &str, since: i64, status: &str) -> StateChange {
        let state = State {
            class: Class::Aux,
            status: Some(Status { id: None, name: status.into(), kind: StatusKind::Aux }.into()),
            contact: None,
            signed_out: false,
            profile: AgentProfile::default().into(),
        };
        let now = AgentNow::new(&"a".into(), &agent.into(), at(since), &state, &AgentProfile::default());
        StateChange::new(Some(number), now)
    }

    fn cursor(number: u64) -> Cursor {
        format!("{}~a={number}", "0".repeat(32)).parse().unwrap()
    }

    fn waiting(changes: Changes, shortest: i64) -> Waiting {
        // Nobody knows what W... is.
        let tells = Tells { by: |_, now| !now.event_id.starts_with('W'), held: Arc::default() };
        Waiting::new(changes, Millis::from_seconds(shortest), tells, cursor(0))
    }

    fn take_up(waiting: &mut Waiting, changes: &[StateChange]) {
        let last = changes.last().and_then(|change| change.number).unwrap();
        waiting.take_up(changes.to_vec(), cursor(last));
    }

    fn numbers(changes: &[StateChange]) -> Vec<u64> {
        changes.iter().filter_map(|change| change.number).collect()
    }

    #[test]
    fn the_latest_of_each_agent_stands_for_those_before_it() {
        let mut waiting = waiting(Changes::Latest, 0);
        take_up(&mut waiting, &[change(1, "x", 1, "A"), change(2, "y", 1, "A"), change(3, "x", 2, "B")]);
        assert_eq!((numbers(&waiting.ripe(at(9), 10)), waiting.count()), (vec![2, 3], 2));
        assert_eq!(waiting.settled(), Some(cursor(1)), "the second has not arrived");
        waiting.arrived(&[change(2, "y", 1, "A")]);
        assert_eq!(waiting.settled(), Some(cursor(2)));
        waiting.arrived(&[change(3, "x", 2, "B")]);
        assert_eq!((waiting.settled(), waiting.count()), (Some(cursor(3)), 0));
    }

    #[test]
    fn a_state_that_the_target_is_not_told_of_stands_for_none_before_it() {
        let mut waiting = waiting(Changes::Latest, 0);
        let all = [(1, "Available"), (2, "Break"), (3, "Weird"), (4, "Wild")];
        take_up(
            &mut waiting,
            &all.map(|(number, state)| change(number, "x", i64::try_from(number).unwrap(), state)),
        );
        assert_eq!((numbers(&waiting.ripe(at(9), 10)), waiting.count()), (vec![2, 4], 2));
        assert_eq!(waiting.settled(), Some(cursor(1)), "the break has not arrived");
        waiting.arrived(&waiting.ripe(at(9), 10));
        assert_eq!((waiting.settled(), waiting.count()), (Some(cursor(4)), 0));
        take_up(&mut waiting, &[change(5, "x", 5, "Weird")]);
        assert_eq!(numbers(&waiting.ripe(at(9), 10)), [5], "the break was told once");
        take_up(
            &mut waiting,
            &[change(6, "x", 6, "Break"), change(7, "x", 7, "Wild"), change(8, "x", 8, "Lunch")],
        );
        assert_eq!(numbers(&waiting.ripe(at(9), 10)), [8]);
    }

    #[test]
    fn that_holds_also_where_the_last_may_be_too_short() {
        let mut waiting = waiting(Changes::Latest, 3);
        take_up(
            &mut waiting,
            &[change(1, "x", 10, "Break"), change(2, "x", 20, "Weird"), change(3, "x", 30, "Wild")],
        );
        assert_eq!(numbers(&waiting.ripe(at(31), 10)), [1, 2], "the last does not last yet");
        assert_eq!(numbers(&waiting.ripe(at(33), 10)), [1, 3]);
        take_up(&mut waiting, &[change(4, "x", 40, "Lunch")]);
        assert_eq!(numbers(&waiting.ripe(at(41), 10)), [1, 3]);
        assert_eq!((numbers(&waiting.ripe(at(43), 10)), waiting.count()), (vec![4], 3));
    }

    #[test]
    fn every_change_is_sent_in_the_order_of_the_feed_where_all_count() {
        let mut waiting = waiting(Changes::Every, 0);
        take_up(&mut waiting, &[change(1, "x", 1, "A"), change(2, "y", 1, "A"), change(3, "x", 2, "B")]);
        assert_eq!(numbers(&waiting.ripe(at(9), 2)), [1, 2]);
        waiting.arrived(&waiting.ripe(at(9), 2));
        assert_eq!((numbers(&waiting.ripe(at(9), 2)), waiting.settled()), (vec![3], Some(cursor(2))));
    }

    #[test]
    fn r21_a_correction_is_not_sent_together_with_what_it_corrects() {
        let mut waiting = waiting(Changes::Every, 0);
        take_up(&mut waiting, &[change(1, "x", 5, "A"), change(2, "y", 1, "A"), change(3, "x", 2, "A")]);
        assert_eq!(numbers(&waiting.ripe(at(9), 10)), [1, 2]);
        waiting.arrived(&waiting.ripe(at(9), 10));
        assert_eq!(numbers(&waiting.ripe(at(9), 10)), [3]);
    }

    #[test]
    fn r21_a_correction_has_a_later_place_than_what_it_corrects() {
        for changes in [Changes::Latest, Changes::Every] {
            let mut waiting = waiting(changes, 0);
            waiting.remember(&change(1, "x", 5, "A").now);
            take_up(&mut waiting, &[change(2, "x", 2, "B"), change(3, "y", 3, "A")]);
            let places = waiting.ripe(at(9), 10).into_iter().map(|change| change.place);
            assert_eq!(places.collect::<Vec<_>>(), [at(5) + Millis::new(1), at(3)]);
        }
    }

    #[test]
    fn a_state_waits_until_it_has_lasted_long_enough() {
        for changes in [Changes::Latest, Changes::Every] {
            let mut waiting = waiting(changes, 3);
            take_up(&mut waiting, &[change(1, "x", 10, "A")]);
            assert_eq!(numbers(&waiting.ripe(at(12), 10)), [0; 0]);
            assert_eq!((waiting.next_ripe(), waiting.settled()), (Some(at(13)), Some(cursor(0))));
            assert_eq!(numbers(&waiting.ripe(at(13), 10)), [1]);
        }
    }

    #[test]
    fn a_short_state_is_left_out_and_so_is_the_return_to_the_one_before() {
        for changes in [Changes::Latest, Changes::Every] {
            let mut waiting = waiting(changes, 3);
            take_up(&mut waiting, &[change(1, "x", 10, "A")]);
            waiting.arrived(&waiting.ripe(at(13), 10));
            take_up(&mut waiting, &[change(2, "x", 20, "B")]);
            take_up(&mut waiting, &[change(3, "x", 22, "A")]);
            assert_eq!((waiting.count(), waiting.next_ripe()), (0, None), "it is in A as before");
            assert_eq!(waiting.settled(), Some(cursor(3)), "and nobody has to be told");
            take_up(&mut waiting, &[change(4, "x", 30, "B"), change(5, "x", 31, "C")]);
            assert_eq!(numbers(&waiting.ripe(at(40), 10)), [5]);
        }
    }

    #[test]
    fn a_state_of_an_acd_whose_clock_is_ahead_is_not_waited_for() {
        let mut waiting = waiting(Changes::Latest, 0);
        take_up(&mut waiting, &[change(1, "x", 12, "A")]);
        assert_eq!(numbers(&waiting.ripe(at(9), 10)), [1]);
    }

    #[test]
    fn what_is_told_instead_overtakes_what_waits_and_is_settled_when_it_has_arrived() {
        for changes in [Changes::Latest, Changes::Every] {
            let mut waiting = waiting(changes, 0);
            take_up(&mut waiting, &[change(1, "x", 1, "A"), change(2, "y", 1, "A"), change(3, "x", 2, "B")]);
            waiting.tell_instead(StateChange::new(None, change(0, "x", 5, "Stale").now));
            let ripe = waiting.ripe(at(9), 10);
            assert_eq!((ripe.len(), &*ripe[0].now.event_id, waiting.count()), (2, "Stale", 2));
            assert_eq!(waiting.settled(), None);
            waiting.arrived(&ripe);
            assert_eq!((waiting.settled(), waiting.count()), (Some(cursor(3)), 0));
        }
    }

    #[test]
    fn a_look_at_everybody_is_not_settled_before_all_of_it_has_arrived() {
        let mut waiting = waiting(Changes::Latest, 0);
        let present = ["x", "y"].map(|agent| change(0, agent, 1, "A").now);
        waiting.begin_anew(present, cursor(7));
        assert_eq!((waiting.settled(), waiting.count()), (None, 2));
        waiting.arrived(&waiting.ripe(at(9), 1));
        assert_eq!(waiting.settled(), None);
        waiting.arrived(&waiting.ripe(at(9), 1));
        assert_eq!(waiting.settled(), Some(cursor(7)));
    }
}
