//! What kind of contact centre to simulate.

use std::fmt;

use pegboard_model::Timestamp;

/// The size and the habits of a simulated contact centre. The same configuration gives the same centre and
/// the same day, to the byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// How many agents are employed; not all of them work every day. At least 1.
    pub agents: usize,
    /// The number of the first of them. Everybody is known by his number: where those of two centres overlap, people work in
    /// both.
    pub first_agent: usize,
    /// When the simulation begins.
    pub start: Timestamp,
    /// How many hours [`Centre::run`](crate::Centre::run) covers.
    pub hours: u32,
    /// What everything random follows from.
    pub seed: u64,
    /// How many queues there are, at least 2.
    pub queues: usize,
    /// How many teams there are, at least 1.
    pub teams: usize,
    /// The share of agents who take chats and tasks (and a few calls), 0 to 1.
    pub chat_share: f64,
    /// How much customers ask for: 1 gives agents an occupancy of about 80%.
    pub traffic: f64,
    /// The clock that people live by, in minutes east of Greenwich.
    pub utc_offset_minutes: i64,
    /// Whether a contact that goes on hold may keep the start time of its conversation, as some of the
    /// platform's interfaces are known to do.
    pub hold_keeps_start: bool,
}

impl Config {
    /// A centre of usual proportions.
    pub fn new(agents: usize, start: Timestamp, hours: u32, seed: u64) -> Self {
        Self {
            agents: agents.max(1),
            first_agent: 0,
            start,
            hours,
            seed,
            queues: (agents / 15).clamp(3, 40),
            teams: (agents / 12).max(1),
            chat_share: 0.25,
            traffic: 1.0,
            utc_offset_minutes: 0,
            hold_keeps_start: false,
        }
    }

    /// The end of what [`Centre::run`](crate::Centre::run) covers.
    pub fn end(&self) -> Timestamp {
        self.start + pegboard_model::Millis::from_hours(i64::from(self.hours))
    }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed: {}", self.seed)?;
        writeln!(f, "agents: {}", self.agents)?;
        writeln!(f, "number of the first agent: {}", self.first_agent)?;
        writeln!(f, "from: {}", self.start)?;
        writeln!(f, "to: {} ({} hours)", self.end(), self.hours)?;
        writeln!(f, "queues: {}", self.queues)?;
        writeln!(f, "teams: {}", self.teams)?;
        writeln!(f, "share of chat agents: {}", self.chat_share)?;
        writeln!(f, "traffic: {}", self.traffic)?;
        writeln!(f, "local clock: {} minutes east of Greenwich", self.utc_offset_minutes)?;
        writeln!(f, "hold keeps the start of the conversation: {}", self.hold_keeps_start)
    }
}
