//! Twilio TaskRouter, which Twilio Flex is built on: agents ("workers"), contacts ("tasks") and what brings them together
//! ("reservations").
//!
//! The same events come in three ways: as posts of a form, one event each ([event callbacks]); as arrays of `CloudEvents`, of a
//! webhook or of Kinesis ([Event Streams]); and as pages of the [Events resource], which repair what the other two have lost.
//! [`decode`] reads all three into one [`Event`], whose id is the same in each; what Twilio adds to them is ignored.
//!
//! An event is about one entity and carries its version: versions decide within an entity, time across entities. Nothing is
//! promised about order or about being told once. No event is a heartbeat, so silence means nothing.
//!
//! - an agent's state is the activity, and the open reservations where the site leaves the activity alone during work
//!   ([`SiteStyle`]): [`observations`];
//! - contacts are put together from the events of a task: [`TaskBook`]. TaskRouter knows no hold, so hold is always 0.
//!
//! What is posted is signed: [`Signed`].
//!
//! What is posted is kept by the hub before it is acknowledged, and read from there; what is written to a stream is read from the
//! stream: [`TwilioSource`].
//!
//! [`rest`] asks TaskRouter, where a site lets it ([`Asking`]): for its events, window after window ([`rest::EventsPoller`]), which is
//! a partition beside the one into which events are posted, and for its agents as they are ([`TwilioSnapshots`]). An event counts once,
//! whichever way it comes. Up to when events were asked for is up to when everything is known.
//!
//! Where a site is not asked, what the WFM RTA feed of Flex posts may be taken for how its agents are ([`FedAgent`]).
//!
//! [event callbacks]: https://www.twilio.com/docs/taskrouter/api/event/reference
//! [Event Streams]: https://www.twilio.com/docs/events
//! [Events resource]: https://www.twilio.com/docs/taskrouter/api/event

mod agent;
mod asked;
mod assemble;
mod body;
mod contact;
mod event;
mod feed;
mod fields;
pub mod rest;
mod signature;
mod snapshot;
mod source;
mod streamed;
#[cfg(test)]
mod tests;

pub use self::agent::{Activities, SiteStyle, observations};
pub use self::asked::Asking;
pub use self::body::{Body, MAX_BODY_BYTES, MAX_EVENTS, decode, split};
pub use self::contact::{ContactSettings, MAX_TASK_EVENTS, TaskBook, TooManyEvents};
pub use self::event::{Event, Kind, Reservation, Task, Worker};
pub use self::feed::{FedAgent, MOST_FED};
pub use self::signature::{Content, NotSigned, Signed};
pub use self::snapshot::{MOST_QUESTIONS, TwilioSnapshots};
pub use self::source::{TwilioSite, TwilioSource};

/// The kind of this source, as the configuration and the command line name it.
pub const KIND: &str = "twilio";

/// The lane of what is posted.
pub const LANE: &str = "twilio";
