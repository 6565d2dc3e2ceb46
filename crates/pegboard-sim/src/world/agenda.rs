//! What is going to happen, in order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use pegboard_model::{Millis, Timestamp};

use super::contacts::LegNo;
use crate::organisation::{AgentNo, ProfileNo, StatusNo, TeamNo};

/// Something that is going to happen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Task {
    /// The shifts of a local day are planned; the day after the current one is always known.
    PlanDay(i64),
    /// An agent does something without a contact's cause.
    Duty(AgentNo, Duty),
    /// 120 seconds may have gone by without an event of the agent.
    HeartBeat(AgentNo),
    /// A customer may turn up, at the number of a stream of arrivals.
    Arrival(usize),
    /// A contact enters its queue.
    Enqueue(LegNo),
    /// A customer's patience is over.
    PatienceEnds(LegNo),
    /// The queue closes in which a contact waits that nobody gives up: nobody is there for it until another day.
    QueueCloses(LegNo),
    /// A contact that still waits is passed to another queue.
    Overflow(LegNo),
    /// An agent is looked for work.
    Route(AgentNo),
    /// An offer, by its number, comes to its end.
    OfferEnds(LegNo, u32, OfferEnd),
    /// The next part of a conversation, by its number.
    Step(LegNo, u32),
    /// The colleague has answered, or not, whom an agent wants to pass a contact to.
    Consulted(LegNo, bool),
    /// After-contact work is over.
    AcwEnds(LegNo),
    /// An agent clears a contact that was missed, rejected or failed.
    Clear(AgentNo, LegNo),
    /// The customer's end is over: in the menu, or long after the agent's.
    CustomerLeaves(LegNo),
    /// Nobody answers an agent's own call.
    CallFails(LegNo),
    /// A supervisor stops listening.
    MonitorEnds(LegNo),
}

/// What an agent does of his own accord or by plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Duty {
    SignIn(Ending),
    GoAvailable,
    Rest { status: StatusNo, length: Millis },
    RestOver(StatusNo),
    FulfilWish,
    ShiftEnds,
    LogOut,
    Vanish,
    DialOut,
    Monitor,
    MoveTeam(TeamNo),
    MoveProfile(ProfileNo),
}

/// How an agent leaves work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Offline, then a logout.
    Proper,
    /// A logout out of Available.
    Direct,
    /// The browser is closed in Available: no logout ever.
    CloseBrowser,
    /// Offline, and the browser is closed some time later.
    FadeAway,
    /// Offline, and still signed in the next morning.
    StayOvernight,
}

/// How an offer to an agent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OfferEnd {
    /// The agent takes it.
    Accepted,
    /// The agent does not answer, or declines.
    Refused,
    /// The customer, called back, answers.
    CustomerAnswers,
    /// The customer, called back, does not answer.
    CustomerSilent,
}

/// Tasks in order of time; of one instant, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    made: u64,
}

#[derive(Debug)]
struct Entry {
    at: Timestamp,
    number: u64,
    task: Task,
}

impl Agenda {
    pub(super) fn add(&mut self, at: Timestamp, task: Task) {
        self.heap.push(Reverse(Entry { at, number: self.made, task }));
        self.made += 1;
    }

    /// The next task not later than `until`.
    pub(super) fn next(&mut self, until: Timestamp) -> Option<(Timestamp, Task)> {
        let Reverse(first) = self.heap.peek()?;
        if first.at > until {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.task))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}
