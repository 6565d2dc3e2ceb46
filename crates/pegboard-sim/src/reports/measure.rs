//! What the platform's reports count and sum, by its own formulas.
//!
//! From the administrator guide, "Historical metrics definitions" and "Metrics definitions": handle time contains
//! after-contact work and pauses, a service level counts everything that left the queue in time, and agents' time is
//! split over the clock while contacts belong, whole, to the interval in which they end.

use pegboard_model::{Fixed, Millis};

use super::activity::Worked;
use super::contact::{Contact, Handled};
use crate::events::Initiation;

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of contacts.
    Count,
    /// Seconds.
    Seconds,
    /// Parts of a hundred.
    Percent,
}

/// How the contacts began that a measure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Begun {
    /// In whatever way.
    Anyhow,
    /// From outside, or handed over: not new chats.
    Incoming,
    /// An agent called.
    Outbound,
    /// A program began it.
    Api,
    /// A callback.
    Callback,
    /// Handed over by an agent or a queue.
    HandedOver,
    /// Handed over by an agent.
    ByAgent,
    /// Handed over by a queue.
    ByQueue,
}

impl Begun {
    /// The platform's words for these ways; nothing where all count.
    pub const fn methods(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Anyhow => None,
            Self::Incoming => Some(&["INBOUND", "TRANSFER", "QUEUE_TRANSFER"]),
            Self::HandedOver => Some(&["TRANSFER", "QUEUE_TRANSFER"]),
            Self::Outbound => Some(&["OUTBOUND"]),
            Self::Api => Some(&["API"]),
            Self::Callback => Some(&["CALLBACK"]),
            Self::ByAgent => Some(&["TRANSFER"]),
            Self::ByQueue => Some(&["QUEUE_TRANSFER"]),
        }
    }

    fn fits(self, initiation: Initiation) -> bool {
        self.methods().is_none_or(|methods| methods.contains(&initiation.as_str()))
    }
}

/// A part of a contact's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Conversation without hold and pauses.
    Interaction,
    /// Customer hold.
    Hold,
    /// Both.
    InteractionAndHold,
    /// After-contact work.
    AfterContactWork,
    /// Everything, pauses and after-contact work included.
    Handle,
    /// In the menu.
    Flow,
}

/// A part of an agent's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentTime {
    /// In any status but offline.
    Online,
    /// Routable and not on a contact.
    Idle,
    /// In a status of the site's own.
    NonProductive,
    /// On a contact.
    OnContact,
    /// Left with a contact that came to nothing.
    Error,
}

/// Something that the platform measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Contacts that entered a queue.
    Queued,
    /// Contacts that began so.
    Created(Begun),
    /// Contacts that began so and reached an agent.
    Handled(Begun),
    /// Contacts that the agent ended.
    HungUpFirst,
    /// Contacts that left the queue for nowhere.
    Abandoned,
    /// Of those the ones who waited less.
    AbandonedIn(Millis),
    /// Contacts that reached an agent after less.
    AnsweredIn(Millis),
    /// The share of the queued that left the queue after less, for wherever.
    ServiceLevel(Millis),
    /// Contacts that were on hold.
    PutOnHold,
    /// Contacts that were handed on.
    TransferredOut,
    /// Of those by an agent.
    TransferredOutByAgent,
    /// Of those from one queue to another.
    TransferredOutFromQueue,
    /// A time of all contacts together.
    Sum(Part),
    /// The same for one contact on average.
    Average(Part),
    /// How long the answered waited on average.
    QueueAnswerTime,
    /// How long the abandoned waited on average.
    QueueAbandonTime,
    /// How long anybody waited at most.
    MaximumQueuedTime,
    /// A time of agents.
    Agents(AgentTime),
    /// The share of contacts in the time on contacts and waiting for them.
    Occupancy,
    /// Offers that came to nothing.
    Missed,
}

/// What a figure is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Basis<'a> {
    pub(crate) contacts: &'a [&'a Contact],
    /// Nothing where queues are looked at, for which the platform does not give agents' time.
    pub(crate) worked: Option<&'a Worked>,
}

impl Measure {
    /// In what it is measured.
    pub const fn unit(self) -> Unit {
        match self {
            Self::ServiceLevel(_) | Self::Occupancy => Unit::Percent,
            Self::Sum(_)
            | Self::Average(_)
            | Self::QueueAnswerTime
            | Self::QueueAbandonTime
            | Self::MaximumQueuedTime
            | Self::Agents(_) => Unit::Seconds,
            _ => Unit::Count,
        }
    }

    /// Whether it is about agents' time, which no report of queues has.
    pub const fn is_of_agents(self) -> bool {
        matches!(self, Self::Agents(_) | Self::Occupancy | Self::Missed)
    }

    /// The figure, with so many decimals where it is no whole number. Nothing where it cannot be computed.
    pub(crate) fn figure(self, basis: Basis<'_>, places: u32) -> Option<Fixed> {
        let Basis { contacts, worked } = basis;
        let count = |fits: &dyn Fn(&Contact) -> bool| -> Option<Fixed> {
            Some(Fixed::new(number(contacts.iter().filter(|contact| fits(contact)).count()), 0))
        };
        let waited_less = |contact: &Contact, limit: Millis| {
            contact.waited.is_some_and(|waited| waited * 1000 < limit.get())
        };
        match self {
            Self::Queued => count(&|contact| contact.enqueued),
            Self::Created(begun) => count(&|contact| begun.fits(contact.initiation)),
            Self::Handled(begun) => {
                count(&|contact| contact.handled.is_some() && begun.fits(contact.initiation))
            }
            Self::HungUpFirst => {
                count(&|contact| contact.handled.is_some() && contact.reason == "AGENT_DISCONNECT")
            }
            Self::Abandoned => count(&Contact::was_abandoned),
            Self::AbandonedIn(limit) => {
                count(&|contact| contact.was_abandoned() && waited_less(contact, limit))
            }
            Self::AnsweredIn(limit) => {
                count(&|contact| contact.enqueued && contact.handled.is_some() && waited_less(contact, limit))
            }
            Self::ServiceLevel(limit) => {
                let queued = contacts.iter().filter(|contact| contact.enqueued).count();
                let left = contacts.iter().filter(|contact| waited_less(contact, limit)).count();
                Fixed::percent(number(left), number(queued))
            }
            Self::PutOnHold => {
                count(&|contact| contact.handled.as_ref().is_some_and(|handled| handled.holds > 0))
            }
            Self::TransferredOut => count(&|contact| contact.handed_on || passed_on(contact)),
            Self::TransferredOutByAgent => count(&passed_on),
            Self::TransferredOutFromQueue => count(&|contact| contact.handed_on),
            Self::Sum(part) => Some(Fixed::new(times(contacts, part).iter().sum(), 0)),
            Self::Average(part) => mean(&times(contacts, part), places),
            Self::QueueAnswerTime => {
                mean(&waits(contacts, |contact| contact.enqueued && contact.handled.is_some()), places)
            }
            Self::QueueAbandonTime => mean(&waits(contacts, Contact::was_abandoned), places),
            Self::MaximumQueuedTime => {
                waits(contacts, |_| true).into_iter().max().map(|longest| Fixed::new(longest, 0))
            }
            Self::Agents(time) => Fixed::ratio(time.of(worked?).get(), 1000, places),
            Self::Occupancy => {
                let worked = worked?;
                Fixed::percent(worked.on_contact.get(), (worked.on_contact + worked.idle).get())
            }
            Self::Missed => Some(Fixed::new(i64::try_from(worked?.missed).unwrap_or(i64::MAX), 0)),
        }
    }
}

impl AgentTime {
    const fn of(self, worked: &Worked) -> Millis {
        match self {
            Self::Online => worked.online,
            Self::Idle => worked.idle,
            Self::NonProductive => worked.non_productive,
            Self::OnContact => worked.on_contact,
            Self::Error => worked.error,
        }
    }
}

fn passed_on(contact: &Contact) -> bool {
    contact.handled.as_ref().is_some_and(|handled| handled.passed_on)
}

/// The time of each contact that has any.
fn times(contacts: &[&Contact], part: Part) -> Vec<i64> {
    let of_agent = |time: fn(&Handled) -> i64| {
        contacts.iter().filter_map(|contact| contact.handled.as_ref()).map(time).collect()
    };
    match part {
        Part::Interaction => of_agent(|handled| handled.interaction),
        Part::Hold => of_agent(|handled| handled.hold),
        Part::InteractionAndHold => of_agent(|handled| handled.interaction + handled.hold),
        Part::AfterContactWork => of_agent(|handled| handled.acw),
        Part::Handle => of_agent(|handled| handled.interaction + handled.hold + handled.pause + handled.acw),
        Part::Flow => {
            let through_a_menu = contacts
                .iter()
                .filter(|contact| !matches!(contact.initiation, Initiation::Outbound | Initiation::Callback));
            through_a_menu.map(|contact| contact.in_flow).collect()
        }
    }
}

fn waits(contacts: &[&Contact], fits: impl Fn(&Contact) -> bool) -> Vec<i64> {
    contacts.iter().filter(|contact| fits(contact)).filter_map(|contact| contact.waited).collect()
}

fn mean(times: &[i64], places: u32) -> Option<Fixed> {
    Fixed::ratio(times.iter().sum(), number(times.len()), places)
}

fn number(count: usize) -> i64 {
    i64::try_from(count).expect("counts are small")
}
