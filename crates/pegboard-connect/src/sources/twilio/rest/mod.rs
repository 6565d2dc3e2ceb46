//! What TaskRouter is asked: its REST API, version 1. The hub only reads.
//!
//! [`TaskRouter`] asks: page by page, within a [`Pace`] that leaves the site's own Flex its part of the limits, and waits when it is
//! told to. [`EventsPoller`] asks for the events of one window after the other, and says up to when they are complete.
//!
//! - Paths, filters and answers: Twilio's OpenAPI document `twilio_taskrouter_v1`.
//! - The next page is where `meta.next_page_url` says, and is asked only at the very same origin: no answer can make the hub send its
//!   key somewhere else.
//! - Limits are for each workspace and resource, and not published; 429 is answered beyond them, with or without `Retry-After`.
//!
//! <https://www.twilio.com/docs/taskrouter/api>

mod address;
mod answer;
mod budget;
mod error;
mod events;
mod exchange;
mod given;
mod list;
mod poller;
mod repair;
mod task_router;
#[cfg(test)]
mod tests;

pub use self::address::{DEFAULT_ADDRESS, InvalidRegion, InvalidSid, MAX_SID_BYTES, Sid, regional};
pub use self::answer::{Activity, HeldReservation, OpenTask, TaskChannel, TaskQueue, Worker, Workflow};
pub use self::budget::{InvalidPace, MOST_AT_ONCE, MOST_PER_SECOND, Pace, Usage};
pub use self::error::{Fault, RestError};
pub use self::events::{EventRecord, EventsRead};
pub use self::exchange::{Credentials, Exchange, Https};
pub use self::given::Posted;
pub use self::list::{Holder, Window};
pub use self::poller::{EventsPoller, Polled};
pub use self::repair::{REACH, Repair, RepairSettings, TooDense};
pub use self::task_router::TaskRouter;
