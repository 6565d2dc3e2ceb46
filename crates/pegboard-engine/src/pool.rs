//! What many agents name, kept once.
//!
//! A decoder sees to that for what comes live; tracks that are read from a store have a copy each of their team, their
//! queues and their statuses, until they are shared.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use pegboard_model::{AgentContact, AgentProfile, ContactWork, PartitionId, Queue, State, Status, Text};

/// How many values are remembered. What agents have in common is far less, even in the largest centre; where it is more,
/// some of it is kept twice, and that is all.
const MOST_COPIES: usize = 100_000;

/// One copy of everything that tracks have in common which were [shared](crate::Track::share).
#[derive(Debug, Default)]
pub struct Pool {
    texts: HashSet<Text>,
    partitions: HashSet<PartitionId>,
    statuses: HashSet<Arc<Status>>,
    queues: HashSet<Arc<Queue>>,
}

impl Pool {
    /// Forgets everything if it is too much.
    pub(crate) fn bound(&mut self) {
        let count = self.texts.len() + self.partitions.len() + self.statuses.len() + self.queues.len();
        if count >= MOST_COPIES {
            *self = Self::default();
        }
    }

    pub(crate) fn partition(&mut self, partition: &mut PartitionId) {
        share(&mut self.partitions, partition);
    }

    pub(crate) fn status(&mut self, status: &mut Arc<Status>) {
        share(&mut self.statuses, status);
    }

    /// Shares the agent's groups. Login and name are nobody else's.
    pub(crate) fn profile(&mut self, profile: &mut Arc<AgentProfile>) {
        let AgentProfile { login: _, name: _, team, levels, routing_profile } = Arc::make_mut(profile);
        levels.iter_mut().chain([team, routing_profile]).for_each(|text| share(&mut self.texts, text));
    }

    pub(crate) fn contact(&mut self, contact: &mut AgentContact) {
        share(&mut self.texts, &mut contact.initiation);
        share(&mut self.texts, &mut contact.phase_text);
        if let Some(queue) = &mut contact.queue {
            share(&mut self.queues, queue);
        }
    }

    /// Shares what a state names, but for the profile.
    pub(crate) fn state(&mut self, state: &mut State) {
        if let Some(status) = &mut state.status {
            share(&mut self.statuses, status);
        }
        let Some(work) = &mut state.contact else { return };
        let ContactWork { id: _, channel: _, initiation, phase_text, queue } = Arc::make_mut(work);
        share(&mut self.texts, initiation);
        share(&mut self.texts, phase_text);
        if let Some(queue) = queue {
            share(&mut self.queues, queue);
        }
    }
}

/// Takes the known copy of a value; the first becomes it.
fn share<T: Clone + Eq + Hash>(known: &mut HashSet<T>, value: &mut T) {
    match known.get(value) {
        Some(copy) => value.clone_from(copy),
        None => drop(known.insert(value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use pegboard_model::{
        Channel, ContactPhase, Observation, Order, Position, Snapshot, StatusKind, Timestamp, What,
    };

    use super::*;
    use crate::{TimelinePolicy, Track};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_790_000_000 + seconds)
    }

    fn on_break() -> Snapshot {
        let profile = AgentProfile { login: "ann".into(), team: "Billing".into(), ..AgentProfile::default() };
        Snapshot {
            status: Arc::new(Status { id: None, name: "Break".into(), kind: StatusKind::Aux }),
            status_since: None,
            contacts: Vec::new(),
            profile: Some(Arc::new(profile)),
        }
    }

    fn talking() -> Snapshot {
        let queue = Queue { id: "q".into(), name: "Sales".into(), personal: false };
        let contact = AgentContact {
            id: "c".into(),
            channel: Channel::Voice,
            initiation: "INBOUND".into(),
            outbound: false,
            monitored: false,
            phase: ContactPhase::Connected,
            phase_text: "CONNECTED".into(),
            since: None,
            queue: Some(Arc::new(queue)),
        };
        Snapshot { contacts: vec![contact], ..on_break() }
    }

    /// A track as a store gives it: everything in it is a copy of its own.
    fn stored() -> Track {
        let mut track = Track::default();
        for (position, snapshot) in (0..).zip([on_break(), talking()]) {
            let seen = Observation {
                agent: "ann".into(),
                at: at(position),
                order: Order { partition: "p".into(), position: Position::Number(position.unsigned_abs()) },
                id: position.to_string().as_str().into(),
                what: What::Snapshot(snapshot),
            };
            track.apply(&seen, &TimelinePolicy::default(), &mut |_| ());
        }
        serde_json::from_str(&serde_json::to_string(&track).unwrap()).unwrap()
    }

    #[test]
    fn a_shared_track_is_the_same_track() {
        let mut track = stored();
        track.share(&mut Pool::default());
        assert_eq!(track, stored());
    }

    #[test]
    fn tracks_share_what_they_name() {
        let (mut one, mut other) = (stored(), stored());
        let mut pool = Pool::default();
        one.share(&mut pool);
        other.share(&mut pool);
        let (one_state, other_state) = (one.current().unwrap().1, other.current().unwrap().1);
        let (one_work, other_work) =
            (one_state.contact.as_ref().unwrap(), other_state.contact.as_ref().unwrap());
        assert!(Arc::ptr_eq(one.status().unwrap(), other.status().unwrap()));
        assert!(Arc::ptr_eq(one.status().unwrap(), one_state.status.as_ref().unwrap()));
        assert!(Arc::ptr_eq(one_work.queue.as_ref().unwrap(), other_work.queue.as_ref().unwrap()));
        assert!(Arc::ptr_eq(&one_work.phase_text, &other_work.phase_text));
        assert!(Arc::ptr_eq(&one.profile().team, &other.profile().team));
        assert!(Arc::ptr_eq(one.profile(), &one_state.profile), "it is the agent's own, once");
        assert!(!Arc::ptr_eq(one.profile(), other.profile()));
        let place = |track: &Track| track.last_partition().map(|partition| partition.as_str().as_ptr());
        assert_eq!(place(&one), place(&other));
    }

    #[test]
    fn r28_a_pool_remembers_100_000_values_and_begins_anew() {
        let mut pool = Pool::default();
        (0..100_000).for_each(|name| pool.partition(&mut name.to_string().into()));
        assert_eq!(pool.partitions.len(), 100_000);
        let mut track = stored();
        track.share(&mut pool);
        assert!(pool.partitions.len() == 1 && track == stored());
    }
}
