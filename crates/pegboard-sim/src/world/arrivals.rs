//! When customers turn up: as many as the staff that was planned for the moment can just about handle.

use std::collections::BTreeMap;

use pegboard_model::{Millis, Timestamp};

use super::Centre;
use super::agenda::Task;
use super::contacts::Origin;
use crate::events::{Channel, Initiation, Via};
use crate::organisation::{AgentNo, Organisation, QueueNo};
use crate::random::Random;

const BUCKET: Millis = Millis::from_minutes(15);

/// The part of their time signed in that agents are to spend on contacts that customers began. Their own calls
/// and callbacks come on top.
const OCCUPANCY: f64 = 0.78;

/// The part of a shift that is not break, lunch or coaching.
const AT_WORK: f64 = 0.88;

/// How much the demand of an hour may differ from the plan.
const SURPRISE: f64 = 0.12;

/// A stream of arrivals: customers of one channel who want one queue.
#[derive(Debug)]
struct ArrivalStream {
    queue: QueueNo,
    channel: Channel,
    /// Arrivals per second if every agent were at work, the greatest surprise included.
    peak: f64,
}

/// How many arrivals are to be expected when.
#[derive(Debug)]
pub(super) struct Forecast {
    streams: Vec<ArrivalStream>,
    /// Arrivals per second of each stream, by quarter of an hour.
    rates: BTreeMap<i64, Vec<f64>>,
    traffic: f64,
    seed: u64,
}

/// The share of an agent's time for a channel, and how many seconds of it one contact takes.
fn time_for(channel: Channel, digital_agent: bool) -> (f64, f64) {
    match (channel, digital_agent) {
        (Channel::Voice, false) => (1.0, 318.0),
        (Channel::Voice, true) => (0.12, 318.0),
        (Channel::Task, true) => (0.14, 440.0),
        // Two at a time, mostly.
        (Channel::Chat, true) => (0.74, 540.0 / 1.75),
        (Channel::Task | Channel::Chat, false) => (0.0, 1.0),
    }
}

impl Forecast {
    pub(super) fn new(organisation: &Organisation, traffic: f64, seed: u64) -> Self {
        let mut streams = Vec::new();
        for (number, queue) in organisation.queues.iter().enumerate() {
            let channels: &[_] = if queue.digital {
                &[Channel::Voice, Channel::Chat, Channel::Task]
            } else {
                &[Channel::Voice]
            };
            for channel in channels {
                streams.push(ArrivalStream { queue: QueueNo(number), channel: *channel, peak: 0.0 });
            }
        }
        let mut forecast = Self { streams, rates: BTreeMap::new(), traffic, seed };
        for agent in organisation.agent_numbers() {
            for stream in 0..forecast.streams.len() {
                let rate = forecast.rate_by(organisation, agent, stream);
                forecast.streams[stream].peak += rate * (1.0 + SURPRISE);
            }
        }
        forecast
    }

    /// The numbers of the streams that anybody is there for.
    pub(super) fn stream_numbers(&self) -> impl Iterator<Item = usize> + use<> {
        let served = |stream: &(usize, &ArrivalStream)| stream.1.peak > 0.0;
        self.streams
            .iter()
            .enumerate()
            .filter(served)
            .map(|(number, _)| number)
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Arrivals per second of a stream that one agent at work takes care of.
    fn rate_by(&self, organisation: &Organisation, agent: AgentNo, stream: usize) -> f64 {
        let profile = organisation.profile(organisation.agent(agent).profile);
        let ArrivalStream { queue, channel, .. } = self.streams[stream];
        if !profile.queues.contains(&queue) {
            return 0.0;
        }
        let (share, seconds) = time_for(channel, profile.digital);
        let queues: f64 = profile.queues.iter().map(|_| 1.0).sum();
        self.traffic * OCCUPANCY * AT_WORK * share / seconds / queues
    }

    /// Counts on an agent for a shift.
    pub(super) fn staff(
        &mut self,
        organisation: &Organisation,
        agent: AgentNo,
        start: Timestamp,
        end: Timestamp,
    ) {
        let rates: Vec<_> =
            (0..self.streams.len()).map(|stream| self.rate_by(organisation, agent, stream)).collect();
        for bucket in bucket_of(start)..bucket_of(end) {
            let surprise = 1.0 + SURPRISE * (2.0 * Random::new(self.seed, hour_of(bucket)).unit() - 1.0);
            let sums = self.rates.entry(bucket).or_insert_with(|| vec![0.0; rates.len()]);
            for (sum, rate) in sums.iter_mut().zip(&rates) {
                *sum += rate * surprise;
            }
        }
    }

    /// Forgets what is over.
    pub(super) fn forget_before(&mut self, at: Timestamp) {
        self.rates = self.rates.split_off(&bucket_of(at));
    }

    /// When a queue closes to a channel: the end of the quarters of an hour in a row in which anybody who takes it is at
    /// work, by plan; `at` itself if nobody is.
    pub(super) fn closing(&self, queue: QueueNo, channel: Channel, at: Timestamp) -> Timestamp {
        let of_both = |stream: &ArrivalStream| (stream.queue, stream.channel) == (queue, channel);
        let Some(stream) = self.streams.iter().position(of_both) else { return at };
        let mut bucket = bucket_of(at);
        while self.rates.get(&bucket).is_some_and(|rates| rates[stream] > 0.0) {
            bucket += 1;
        }
        Timestamp::from_millis(bucket * BUCKET.get()).max(at)
    }

    /// How likely a candidate arrival of the stream is one in truth (the method of thinning).
    fn likelihood(&self, stream: usize, at: Timestamp) -> f64 {
        let rate = self.rates.get(&bucket_of(at)).map_or(0.0, |rates| rates[stream]);
        rate / self.streams[stream].peak
    }
}

/// The purpose of the random numbers of an hour, apart from every other purpose.
const fn hour_of(bucket: i64) -> u64 {
    1000 + bucket.unsigned_abs() / 4
}

fn bucket_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(BUCKET.get())
}

impl Centre {
    /// Arranges the next candidate of a stream of arrivals.
    pub(super) fn await_arrival(&mut self, stream: usize, now: Timestamp) {
        let mean_seconds = 1.0 / self.forecast.streams[stream].peak;
        let gap = self.random.exponential(mean_seconds);
        self.agenda.add(now + gap, Task::Arrival(stream));
    }

    pub(super) fn arrival(&mut self, stream: usize, now: Timestamp) {
        self.await_arrival(stream, now);
        let likelihood = self.forecast.likelihood(stream, now);
        if !self.random.chance(likelihood) {
            return;
        }
        let ArrivalStream { queue, channel, .. } = self.forecast.streams[stream];
        let initiation = if channel == Channel::Voice { Initiation::Inbound } else { Initiation::Api };
        let leg = self.begin(&Origin { channel, initiation, via: None, from: None }, now);
        let menu = self.random.seconds(3.0, 40.0);
        if channel != Channel::Task && self.random.chance(0.03) {
            self.agenda.add(now + menu, Task::CustomerLeaves(leg));
            return;
        }
        self.leg(leg).leg.via = Some(Via::Queue(queue));
        self.agenda.add(now + menu, Task::Enqueue(leg));
    }
}
