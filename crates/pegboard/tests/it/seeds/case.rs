//! What a seed decides.

use std::sync::Arc;
use std::time::Duration;

use pegboard::config::SourceConfig;
use pegboard_model::Millis;
use pegboard_sim::random::Random;

use super::stream::Stream;
use super::{source, store};
use crate::support::day::{Day, late, shuffled};
use crate::support::live;

/// The purposes of randomness: more draws for one shift nothing of the others.
pub(super) mod purpose {
    pub(crate) const CASE: u64 = 1000;
    pub(crate) const STREAM: u64 = 1001;
    pub(crate) const SOURCE: u64 = 1002;
    pub(crate) const LIVES: u64 = 1003;
    pub(crate) const READERS: u64 = 1004;
    pub(crate) const THIEF: u64 = 1005;
    pub(crate) const QUERIES: u64 = 1006;
}

/// How long things happen.
const DAY: Millis = Millis::from_hours(3);

/// How records arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// Once, and in order.
    Clean,
    /// Some twice, and some late by up to so much.
    Late(Millis),
    /// In any order over the whole day.
    Shuffled,
}

/// One contact centre.
#[derive(Debug, Clone)]
pub(super) struct Centre {
    pub(super) name: &'static str,
    pub(super) day: Day,
    pub(super) stream: Arc<Stream>,
    pub(super) has_heartbeat: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) centres: Vec<Centre>,
    /// Whether records come once and in order.
    pub(super) is_clean: bool,
    /// How much time of the centre passes in one of the hub.
    pub(super) speed: i64,
    pub(super) source: source::Rates,
    pub(super) store: store::Rates,
    /// How long a hub lives, if it does not die in a call.
    pub(super) life: Duration,
    /// How often somebody else takes a partition or the closer, per second.
    pub(super) thefts: f64,
    /// How often the machine's clock steps, per second.
    pub(super) steps: f64,
    /// How far ahead of the contact centre the machine's clock is, give or take ten minutes: so far that nothing comes
    /// from its future.
    pub(super) ahead: Millis,
    pub(super) readers: usize,
    /// How many nodes share the store.
    pub(super) nodes: usize,
}

impl Case {
    pub(super) fn of(seed: u64) -> Self {
        let random = &mut Random::new(seed, purpose::CASE);
        let [little, more, much] = [1, 20, 90].map(|minutes| Arrival::Late(Millis::from_minutes(minutes)));
        let arrives = [Arrival::Clean, Arrival::Clean, Arrival::Shuffled, little, more, much];
        let arrives = *random.choose(&arrives);
        Self::arriving(seed, arrives, random)
    }

    /// One in which some records come late.
    pub(super) fn late(seed: u64) -> Self {
        let arrives = Arrival::Late(Millis::from_minutes(90));
        Self::arriving(seed, arrives, &mut Random::new(seed, purpose::CASE))
    }

    fn arriving(seed: u64, arrives: Arrival, random: &mut Random) -> Self {
        let count = if random.chance(0.2) { 2 } else { 1 };
        let centres = ["east", "west"][..count].iter();
        let centres =
            (0..).zip(centres).map(|(number, name)| centre(name, seed * 2 + number, arrives, random));
        Self {
            seed,
            centres: centres.collect(),
            is_clean: arrives == Arrival::Clean,
            speed: *random.choose(&[40, 80, 160]),
            source: source::Rates {
                fails: *random.choose(&[0.0, 0.01, 0.05, 0.2]),
                slow: *random.choose(&[0.0, 0.01, 0.05]),
                most: *random.choose(&[1, 5, 40, 200]),
                poll: Duration::from_millis(*random.choose(&[500, 1_000, 3_000])),
            },
            store: store::Rates {
                fails_before: *random.choose(&[0.0, 0.003, 0.02]),
                fails_after: *random.choose(&[0.0, 0.005, 0.05]),
                slow: *random.choose(&[0.0, 0.01, 0.1]),
                dies: *random.choose(&[0.0, 0.000_3, 0.001]),
                no_closer: *random.choose(&[0.0, 0.0, 0.8]),
            },
            life: Duration::from_secs(*random.choose(&[10, 30, 90])),
            thefts: *random.choose(&[0.0, 0.02, 0.1]),
            steps: *random.choose(&[0.0, 0.05]),
            ahead: Millis::from_minutes(11) + if arrives == Arrival::Shuffled { DAY } else { Millis::ZERO },
            readers: 1 + random.below(3),
            nodes: *random.choose(&[1, 1, 1, 2, 3]),
        }
    }

    /// The same without faults.
    pub(super) fn quiet(&self) -> Self {
        Self {
            source: source::Rates { fails: 0.0, slow: 0.0, most: 500, poll: Duration::from_secs(1) },
            store: store::Rates { fails_before: 0.0, fails_after: 0.0, slow: 0.0, dies: 0.0, no_closer: 0.0 },
            thefts: 0.0,
            steps: 0.0,
            readers: 0,
            nodes: 1,
            ..self.clone()
        }
    }
}

fn centre(name: &'static str, seed: u64, arrives: Arrival, random: &mut Random) -> Centre {
    let hours = u32::try_from(DAY.get() / 3_600_000).unwrap();
    let day = Day::of(*random.choose(&[6, 8, 12]), hours, seed);
    let day = match arrives {
        Arrival::Clean => day,
        Arrival::Shuffled => day.disturbed(&shuffled(seed)),
        Arrival::Late(late_by) => day.disturbed(&late(seed, late_by)),
    };
    let stream = Stream::lay(&day, &mut Random::new(seed, purpose::STREAM));
    Centre { name, day, stream: Arc::new(stream), has_heartbeat: random.chance(0.4) }
}

impl Centre {
    pub(super) fn config(&self) -> SourceConfig {
        SourceConfig { name: self.name.into(), ..live::config() }
    }
}
