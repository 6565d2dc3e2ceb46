//! Aspect WFM: what the AWS side of its Quick Start for Amazon Connect writes.
//!
//! The Quick Start (`AlvariaYF/aspect-workforce-connect-integration`, before it `aws-quickstart/connect-integration-aspect-wfm`) has two
//! halves, and so has this module. Both read the agent event stream of Amazon Connect as it stands, event by event, and nothing else: this is
//! the one sink that takes a vendor's raw records, so it serves sources of Amazon Connect only.
//!
//! - [`Productivity`]: a CSV line for each event, in objects of five minutes ([`DeliveryStream`]).
//! - [`Rta`]: the DynamoDB table of present states and the FIFO queues of events, with the [`Forwarding`] setting that the adherence
//!   product switches.
//!
//! All but the lanes ([`AspectSink`]) is pure. What `docs/sinks/aspect.md` lists as mended has a test named after the defect.

mod columns;
mod dry_run;
mod event;
mod forwarding;
mod hierarchy;
mod object;
mod productivity;
mod productivity_lane;
mod queue;
mod reduced;
mod rta;
mod rta_lane;
mod rta_target;
mod seen;
mod settings;
mod sink;
mod state_type;
mod switch;
mod table;
mod time;

pub use self::columns::{Columns, NoSuchProfile};
pub use self::dry_run::{PRODUCTIVITY, RTA};
pub use self::event::{AgentEvent, AgentStatus, Snapshot, Unusable};
pub use self::forwarding::{Flag, FlagError, Forwarding, SETTING};
pub use self::hierarchy::{BadFilter, HierarchyFilter};
pub use self::object::{
    BadName, DeliveryStream, MOST_BLANK_OBJECTS, MOST_OBJECT_BYTES, Object, SLOT, SourceStream,
};
pub use self::productivity::{Productivity, ProductivityCounts};
pub use self::productivity_lane::ProductivityConfig;
pub use self::queue::{
    BadQueueCount, GROUP_OF_ALL, MAX_MESSAGE_BYTES, Message, MessageGroup, QueueCount, QueueNumber,
};
pub use self::rta::{Rta, RtaCounts, RtaSettings, Step};
pub use self::rta_lane::MOST_KEPT;
pub use self::rta_target::RtaConfig;
pub use self::seen::MOST_REMEMBERED;
pub use self::settings::Settings;
pub use self::sink::AspectSink;
pub use self::state_type::{StateType, StateTypes};
pub use self::switch::SwitchConfig;
pub use self::table::{Applied, MOST_AGENTS, TableWrite};
