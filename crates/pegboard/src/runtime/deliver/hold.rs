//! When a whole picture of who is in which state is held back. Pure: time comes in.
//!
//! A target that is told everybody's present state forgets what it knew. Told of a source that is behind it would take old
//! states for present ones, and of a source that has lost sight of its agents it would take them for gone.

use pegboard_model::{Class, SourceName, Timestamp};
use pegboard_store::{AgentEntry, Present};

use crate::runtime::status::Freshness;

/// Fewer than so many agents out of sight are no collapse, however few there are.
pub const FEWEST_MISSING: u64 = 5;

/// When a whole picture is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldPolicy {
    /// While a source is stale, or not read up to the present yet.
    pub while_stale: bool,
    /// When so many hundredths of the agents whom the target knows as signed in are out of sight, and have not signed out.
    pub collapse: Option<u8>,
}

impl Default for HoldPolicy {
    /// While a source is stale, and when half of the agents are out of sight.
    fn default() -> Self {
        Self { while_stale: true, collapse: Some(50) }
    }
}

/// How many agents are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Picture {
    /// Signed in.
    present: u64,
    /// Signed out since the target was told last.
    signed_out: u64,
}

impl Picture {
    /// Everybody, for a target that was told last at `told`.
    pub(super) fn of<'a>(agents: impl IntoIterator<Item = &'a AgentEntry>, told: Timestamp) -> Self {
        let mut picture = Self::default();
        for AgentEntry { now, .. } in agents {
            let has_left = now.class == Class::SignedOut && now.since >= told;
            picture.present += u64::from(now.class.is_signed_in());
            picture.signed_out += u64::from(has_left);
        }
        picture
    }
}

impl HoldPolicy {
    /// Why sources speak against a whole picture.
    pub(super) fn doubt_of_sources<'a>(
        self,
        sources: impl IntoIterator<Item = (&'a SourceName, Freshness)>,
    ) -> Option<String> {
        let mut sources = sources.into_iter().filter(|_| self.while_stale);
        sources.find_map(|(name, freshness)| match freshness {
            Freshness::Fresh => None,
            Freshness::Unread => Some(format!("nothing of source {name} has been read yet")),
            Freshness::Stale { .. } => {
                Some(format!("source {name} is stale: it is not read up to the present"))
            }
        })
    }

    /// Why the agents in it do, of a target that knew so many as signed in.
    pub(super) fn doubt_of_agents(self, picture: Picture, before: Option<Present>) -> Option<String> {
        let (percent, before) = (self.collapse?, before?);
        let missing = before.agents.saturating_sub(picture.present + picture.signed_out);
        let is_collapse = missing >= FEWEST_MISSING && missing * 100 >= before.agents * u64::from(percent);
        let Present { agents, at } = before;
        is_collapse.then(|| format!("{missing} of the {agents} agents who were signed in at {at} are out of sight, and have not signed out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn doubt(policy: HoldPolicy, freshness: &[Freshness]) -> Option<String> {
        let names: Vec<SourceName> = (0..freshness.len()).map(|number| format!("s{number}").into()).collect();
        policy.doubt_of_sources(names.iter().zip(freshness.iter().copied()))
    }

    #[test]
    fn r15_a_picture_waits_for_every_source_to_be_read_up_to_the_present() {
        let (fresh, stale) = (Freshness::Fresh, Freshness::Stale { until: at(0) });
        let policy = HoldPolicy::default();
        assert_eq!(doubt(policy, &[fresh, fresh]), None);
        assert!(doubt(policy, &[fresh, stale]).unwrap().contains("source s1 is stale"));
        assert!(doubt(policy, &[Freshness::Unread, fresh]).unwrap().contains("nothing of source s0"));
        assert_eq!(doubt(HoldPolicy { while_stale: false, ..policy }, &[stale, Freshness::Unread]), None);
    }

    #[test]
    fn r15_a_collapse_is_agents_out_of_sight_and_not_agents_who_went_home() {
        let before = |agents| Some(Present { agents, at: at(0) });
        let doubt = |present, signed_out, before| {
            HoldPolicy::default().doubt_of_agents(Picture { present, signed_out }, before)
        };
        assert_eq!(doubt(0, 0, None), None, "nobody was there before");
        assert_eq!(doubt(51, 0, before(100)), None);
        let told = doubt(50, 0, before(100)).unwrap();
        assert!(told.starts_with("50 of the 100 agents"), "{told}");
        assert_eq!(doubt(0, 51, before(100)), None, "they went home");
        assert!(doubt(0, 50, before(100)).is_some());
        let few = FEWEST_MISSING;
        assert_eq!((doubt(0, 0, before(few - 1)), doubt(0, 0, before(few)).is_some()), (None, true));
        let never = HoldPolicy { collapse: None, ..HoldPolicy::default() };
        assert_eq!(never.doubt_of_agents(Picture::default(), before(100)), None);
    }
}
