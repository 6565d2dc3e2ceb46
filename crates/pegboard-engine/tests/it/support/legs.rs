//! Contact records, told as briefly as the days of agents.

use std::sync::Arc;

use pegboard_engine::queues::{ContactBook, QueueGoals, QueueReport};
use pegboard_engine::{Grid, Window};
use pegboard_model::policy::{Pegging, RingIn, ServiceLevelFormula};
use pegboard_model::{
    AgentLeg, Channel, ContactLeg, ContactVersion, Direction, Millis, Queue, QueueStay, Text, Timestamp,
};

use super::{at, grid, queue};

/// A contact record in the making.
#[derive(Debug, Clone)]
pub(crate) struct Leg(pub(crate) ContactLeg);

/// An inbound call, over at 09:10, that named no queue and reached no agent.
pub(crate) fn leg(id: &str) -> Leg {
    Leg(ContactLeg {
        id: id.into(),
        version: ContactVersion { updated: at("12:00"), content: 0 },
        channel: Channel::Voice,
        initiation: "INBOUND".into(),
        direction: Direction::Inbound,
        monitored: false,
        queue: None,
        agent: None,
        disconnected: Some(at("09:10")),
        handed_on: false,
        transferred_in: false,
    })
}

impl Leg {
    /// Entered the queue at a time and stayed for so many seconds.
    pub(crate) fn queued(self, id: &str, entered: &str, waited: i64) -> Self {
        self.stay(id, Some(at(entered)), Some(Millis::from_seconds(waited)))
    }

    /// Names a queue without having entered it.
    pub(crate) fn names(self, id: &str) -> Self {
        self.stay(id, None, None)
    }

    fn stay(mut self, id: &str, entered: Option<Timestamp>, waited: Option<Millis>) -> Self {
        self.0.queue = Some(QueueStay { queue: queue(id), entered, waited, rang: None });
        self
    }

    fn change_stay(mut self, change: impl FnOnce(&mut QueueStay)) -> Self {
        change(self.0.queue.as_mut().expect("a queue before what happened in it"));
        self
    }

    /// Waited for so many milliseconds.
    pub(crate) fn waited_ms(self, waited: i64) -> Self {
        self.change_stay(|stay| stay.waited = Some(Millis::new(waited)))
    }

    /// Of the time in queue it rang for so many seconds.
    pub(crate) fn rang(self, seconds: i64) -> Self {
        self.change_stay(|stay| stay.rang = Some(Millis::from_seconds(seconds)))
    }

    /// The queue is one agent's own.
    pub(crate) fn personal(self) -> Self {
        self.change_stay(|stay| {
            stay.queue = Arc::new(Queue { personal: true, ..Queue::clone(&stay.queue) });
        })
    }

    /// The queue's name at the time.
    pub(crate) fn queue_name(self, name: &str) -> Self {
        self.change_stay(|stay| {
            stay.queue = Arc::new(Queue { name: name.into(), ..Queue::clone(&stay.queue) });
        })
    }

    /// Reached an agent; talk, hold and after-contact work in seconds.
    pub(crate) fn answered(mut self, agent: &str, connected: &str, [talk, hold, acw]: [i64; 3]) -> Self {
        self.0.agent = Some(AgentLeg {
            agent: agent.into(),
            login: Text::from(agent),
            connected: Some(at(connected)),
            talk: Millis::from_seconds(talk),
            hold: Millis::from_seconds(hold),
            acw: Millis::from_seconds(acw),
            acw_end: None,
            passed_on: false,
        });
        self
    }

    fn change_agent(mut self, change: impl FnOnce(&mut AgentLeg)) -> Self {
        change(self.0.agent.as_mut().expect("an agent before what the agent did"));
        self
    }

    /// The agent was offered it and never had it.
    pub(crate) fn missed(self) -> Self {
        self.change_agent(|agent| agent.connected = None)
    }

    pub(crate) fn acw_end(self, time: &str) -> Self {
        self.change_agent(|agent| agent.acw_end = Some(at(time)))
    }

    pub(crate) fn passed_on(self) -> Self {
        self.change_agent(|agent| agent.passed_on = true)
    }

    pub(crate) fn login(self, login: &str) -> Self {
        self.change_agent(|agent| agent.login = login.into())
    }

    pub(crate) fn disconnected(mut self, time: &str) -> Self {
        self.0.disconnected = Some(at(time));
        self
    }

    pub(crate) fn still_going_on(mut self) -> Self {
        self.0.disconnected = None;
        self
    }

    pub(crate) fn handed_on(mut self) -> Self {
        self.0.handed_on = true;
        self
    }

    pub(crate) fn transferred_in(mut self) -> Self {
        self.0.transferred_in = true;
        self
    }

    pub(crate) fn monitored(mut self) -> Self {
        self.0.monitored = true;
        self
    }

    pub(crate) fn outbound(mut self) -> Self {
        self.0.direction = Direction::Outbound;
        self
    }

    pub(crate) fn channel(mut self, channel: &str) -> Self {
        self.0.channel = channel.into();
        self
    }

    pub(crate) fn version(mut self, updated: &str, content: u64) -> Self {
        self.0.version = ContactVersion { updated: at(updated), content };
        self
    }
}

/// The newest version of each contact, whatever the order.
pub(crate) fn book(legs: &[Leg]) -> ContactBook {
    let mut book = ContactBook::default();
    for leg in legs {
        book.take(leg.0.clone());
    }
    book
}

/// Quarters of an hour within a window, every policy at its default.
pub(crate) fn queue_report(window: Window) -> QueueReport {
    queue_report_on(grid(15, window))
}

/// The same on another grid.
pub(crate) fn queue_report_on(grid: Grid) -> QueueReport {
    QueueReport {
        source: "acd".into(),
        grid,
        goals: std::collections::HashMap::default(),
        default_goals: QueueGoals::default(),
        formula: ServiceLevelFormula::default(),
        pegging: Pegging::default(),
        ring_in: RingIn::default(),
        personal_queues: false,
    }
}
