//! What a seed decides.

use std::sync::Arc;
use std::time::Duration;

use pegboard::config::SourceConfig;
use pegboard::runtime::folding::Upkeep;
use pegboard_model::Millis;
use pegboard_sim::Config;
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::random::Random;

use super::platform::LOOK_EVERY;
use super::stream::Stream;
use super::witness::{Missing, Window};
use super::{source, store};
use crate::support::day::{Day, late, morning, shuffled};
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
    pub(crate) const TURN: u64 = 1007;
    pub(crate) const RELOADS: u64 = 1008;
}

/// How long things happen.
const DAY: Millis = Millis::from_hours(3);

/// When a day begins on which the platform is asked, after the morning: many go home then.
const AFTERNOON: Millis = Millis::from_minutes(8 * 60 + 30);

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
    /// Whether its platform can be asked.
    pub(super) is_watched: bool,
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
    /// How far it steps, in minutes.
    pub(super) step_by: f64,
    /// How far ahead of the contact centre the machine's clock is, give or take a step: so far that nothing comes from its
    /// future.
    pub(super) ahead: Millis,
    pub(super) readers: usize,
    /// How many nodes share the store.
    pub(super) nodes: usize,
    /// What comes too late, and what is kept so that late events find their place.
    pub(super) window: Window,
    /// How often evidence is looked through that need not be kept.
    pub(super) folds_every: Duration,
    /// How often somebody asks for a reload of the day, in a look at the hub.
    pub(super) reloads: f64,
}

/// What a case has besides what every case may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    Plain,
    /// Records are kept for minutes only.
    Expiring,
    /// Late events are refused, and old evidence is folded.
    Folding,
    /// Events are lost, and the platform is asked for what they told.
    Watched,
    /// The day is made anew again and again, while records come late.
    Reloading,
}

impl Case {
    pub(super) fn of(seed: u64) -> Self {
        Self::with(Turn::Plain, seed)
    }

    pub(super) fn with(turn: Turn, seed: u64) -> Self {
        let random = &mut Random::new(seed, purpose::CASE);
        let [little, more, much] = [1, 20, 90].map(|minutes| Arrival::Late(Millis::from_minutes(minutes)));
        let arrives = [Arrival::Clean, Arrival::Clean, Arrival::Shuffled, little, more, much];
        let arrives = *random.choose(&arrives);
        Self::arriving(seed, arrives, turn, random)
    }

    /// One in which some records come late.
    pub(super) fn late(seed: u64) -> Self {
        let arrives = Arrival::Late(Millis::from_minutes(90));
        Self::arriving(seed, arrives, Turn::Plain, &mut Random::new(seed, purpose::CASE))
    }

    fn arriving(seed: u64, arrives: Arrival, turn: Turn, random: &mut Random) -> Self {
        let own = &mut Random::new(seed, purpose::TURN);
        let is_watched = turn == Turn::Watched;
        let is_reloaded = turn == Turn::Reloading;
        let window = match turn {
            Turn::Folding => Window { lateness: own.minutes(10.0, 40.0), margin: own.minutes(5.0, 30.0) },
            Turn::Plain | Turn::Expiring | Turn::Watched | Turn::Reloading => Window::WIDE,
        };
        let arrives = match arrives {
            Arrival::Shuffled if is_watched => Arrival::Clean,
            Arrival::Clean if is_reloaded => Arrival::Late(Millis::from_minutes(90)),
            arrives => arrives,
        };
        let count = if random.chance(0.2) { 2 } else { 1 };
        let centres = ["east", "west"][..count].iter();
        let centres =
            (0..).zip(centres).map(|(number, name)| centre(name, seed * 2 + number, arrives, turn, random));
        let centres = centres.collect();
        let speed = *random.choose(&[40, 80, 160]);
        Self {
            seed,
            centres,
            is_clean: arrives == Arrival::Clean,
            // Looks are seconds apart, and a stream that lags for minutes is not trusted to have told everything.
            speed: if is_watched { 20 } else { speed },
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
            step_by: if is_watched { 2.0 } else { 10.0 },
            ahead: match arrives {
                _ if is_watched => Millis::from_minutes(1),
                Arrival::Shuffled => Millis::from_minutes(11) + DAY,
                Arrival::Clean | Arrival::Late(_) => Millis::from_minutes(11),
            },
            readers: 1 + random.below(3),
            nodes: *random.choose(&[1, 1, 1, 2, 3]),
            window,
            reloads: if is_reloaded { *own.choose(&[0.02, 0.1, 0.3]) } else { 0.0 },
            folds_every: if turn == Turn::Plain {
                Upkeep::default().every
            } else {
                Duration::from_secs(*own.choose(&[5, 20]))
            },
        }
    }

    /// One in which events are lost and the platform is asked.
    pub(super) fn watched(seed: u64) -> Self {
        Self::arriving(seed, Arrival::Clean, Turn::Watched, &mut Random::new(seed, purpose::CASE))
    }

    /// The same without faults.
    pub(super) fn quiet(&self) -> Self {
        Self {
            source: source::Rates { fails: 0.0, slow: 0.0, most: 500, poll: Duration::from_secs(1) },
            store: store::Rates { fails_before: 0.0, fails_after: 0.0, slow: 0.0, dies: 0.0, no_closer: 0.0 },
            thefts: 0.0,
            steps: 0.0,
            reloads: 0.0,
            readers: 0,
            nodes: 1,
            window: Window::WIDE,
            ..self.clone()
        }
    }

    /// The same as if what is missing of each source had never been written.
    pub(super) fn without(&self, missing: &[&Missing]) -> Self {
        let centres = self.centres.iter().zip(missing).map(|(centre, missing)| centre.without(missing));
        Self { centres: centres.collect(), ..self.clone() }
    }

    /// How a node removes what is too old.
    pub(super) fn upkeep(&self) -> Upkeep {
        Upkeep { every: self.folds_every, margin: self.window.margin }
    }
}

fn centre(name: &'static str, seed: u64, arrives: Arrival, turn: Turn, random: &mut Random) -> Centre {
    let own = &mut Random::new(seed, purpose::TURN);
    let hours = u32::try_from(DAY.get() / 3_600_000).unwrap();
    let agents = *random.choose(&[6, 8, 12]);
    let day = if turn == Turn::Watched {
        let day = Day::simulate(Config::new(12, morning() + AFTERNOON, hours, seed));
        day.with_events(&Disturbance { lost: 0.1 + 0.2 * own.unit(), ..Disturbance::none(seed) })
    } else {
        Day::of(agents, hours, seed)
    };
    let keeps = (turn == Turn::Expiring).then(|| own.minutes(8.0, 25.0));
    let day = match arrives {
        Arrival::Clean => day,
        Arrival::Shuffled => day.disturbed(&shuffled(seed)),
        Arrival::Late(late_by) => day.disturbed(&late(seed, late_by)),
    };
    let stream = Stream::lay(&day, keeps, &mut Random::new(seed, purpose::STREAM));
    let has_heartbeat = random.chance(0.4);
    Centre { name, day, stream: Arc::new(stream), has_heartbeat, is_watched: turn == Turn::Watched }
}

impl Centre {
    fn without(&self, missing: &Missing) -> Self {
        let missing = missing.all();
        let day = self.day.without(&self.stream.deliveries(&missing));
        Self { day, stream: Arc::new(self.stream.without(&missing)), ..self.clone() }
    }

    pub(super) fn config(&self, window: Window) -> SourceConfig {
        let reconcile_every = Millis::new(i64::try_from(LOOK_EVERY.as_millis()).unwrap());
        SourceConfig { name: self.name.into(), lateness: window.lateness, reconcile_every, ..live::config() }
    }
}
