//! What the platform tells, typed: agent events, and contacts once they are over.
//!
//! [`wire`](crate::wire) writes these as the platform does; [`truth`](crate::truth) reckons with them directly.

use std::fmt;
use std::sync::Arc;

use pegboard_model::{Millis, Timestamp};

use crate::organisation::{AgentNo, ProfileNo, QueueNo, StatusNo, TeamNo};

/// An id as the platform makes them. Order is that of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub(crate) [u8; 16]);

impl Uuid {
    /// The 36 characters of the text.
    pub(crate) fn text(self) -> [u8; 36] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
            at += 2;
        }
        text
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Declares the words of a fixed list with the platform's spelling.
macro_rules! words {
    ($(#[$doc:meta])* $Name:ident { $( $(#[$vdoc:meta])* $Variant:ident = $text:literal ),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name { $( $(#[$vdoc])* $Variant ),+ }

        impl $Name {
            /// The platform's word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $text),+ }
            }
        }
    };
}

words! {
    /// The kind of conversation.
    Channel {
        /// Telephone.
        Voice = "VOICE",
        /// Chat.
        Chat = "CHAT",
        /// A task.
        Task = "TASK",
    }
}

words! {
    /// How a contact began.
    Initiation {
        /// The customer called.
        Inbound = "INBOUND",
        /// An agent called.
        Outbound = "OUTBOUND",
        /// An agent passed it to another agent.
        Transfer = "TRANSFER",
        /// It was passed to another queue.
        QueueTransfer = "QUEUE_TRANSFER",
        /// The customer asked to be called back.
        Callback = "CALLBACK",
        /// A program began it: chats and tasks.
        Api = "API",
        /// A supervisor listens.
        Monitor = "MONITOR",
    }
}

words! {
    /// How far a contact has come with an agent.
    ContactState {
        /// A callback is offered.
        Incoming = "INCOMING",
        /// It rings at the agent, or at the customer whom the agent calls.
        Connecting = "CONNECTING",
        /// They talk.
        Connected = "CONNECTED",
        /// The customer is on hold.
        OnHold = "CONNECTED_ONHOLD",
        /// A task is set aside.
        Paused = "PAUSED",
        /// The agent did not answer.
        Missed = "MISSED",
        /// The agent declined, or the customer left while it was offered.
        Rejected = "REJECTED",
        /// The attempt failed.
        Error = "ERROR",
        /// The conversation is over; the agent is in after-contact work.
        Ended = "ENDED",
    }
}

words! {
    /// Why an agent event was published.
    EventKind {
        /// The agent signed in.
        Login = "LOGIN",
        /// The agent signed out.
        Logout = "LOGOUT",
        /// Something about the agent changed.
        StateChange = "STATE_CHANGE",
        /// Nothing changed for 120 seconds.
        HeartBeat = "HEART_BEAT",
    }
}

/// Through what a contact came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Via {
    /// A queue.
    Queue(QueueNo),
    /// An agent's personal queue.
    Personal(AgentNo),
}

/// A contact as one agent has it at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactView {
    /// Its id.
    pub id: Uuid,
    /// The id of the first contact of the chain, for transfers.
    pub initial: Option<Uuid>,
    /// Its channel.
    pub channel: Channel,
    /// How it began.
    pub initiation: Initiation,
    /// How far it has come.
    pub state: ContactState,
    /// Since when, as the platform tells.
    pub told_since: Timestamp,
    /// Since when in truth; differs where the platform keeps the old start on hold. Not told.
    pub since: Timestamp,
    /// When agent and customer were connected.
    pub connected: Option<Timestamp>,
    /// Through what it came.
    pub via: Option<Via>,
    /// When it entered the queue.
    pub queued: Option<Timestamp>,
}

/// The status that an agent has chosen for the moment when the work at hand is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextStatus {
    /// Which status.
    pub status: StatusNo,
    /// When it was chosen.
    pub chosen: Timestamp,
}

/// The whole of an agent at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// What the agent selected.
    pub status: StatusNo,
    /// Since when.
    pub status_since: Timestamp,
    /// What comes next.
    pub next: Option<NextStatus>,
    /// The team.
    pub team: TeamNo,
    /// The routing profile.
    pub profile: ProfileNo,
    /// The contacts.
    pub contacts: Vec<ContactView>,
}

/// An agent event.
#[derive(Debug, Clone)]
pub struct AgentEventRecord {
    /// Its id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// When it reaches the reader.
    pub delivered: Timestamp,
    /// Whom it is about.
    pub agent: AgentNo,
    /// Why it was published.
    pub kind: EventKind,
    /// The agent after it.
    pub current: Arc<AgentView>,
    /// The agent before it; nothing at the very first event of an agent.
    pub previous: Option<Arc<AgentView>>,
}

/// What an agent did with a leg of a contact, to the millisecond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    /// Which agent.
    pub agent: AgentNo,
    /// The agent's team at the time.
    pub team: TeamNo,
    /// The agent's routing profile at the time.
    pub profile: ProfileNo,
    /// When they were connected; nothing for a call that the customer did not answer.
    pub connected: Option<Timestamp>,
    /// Conversation without hold and pauses.
    pub talk: Millis,
    /// Customer hold.
    pub hold: Millis,
    /// How many times.
    pub holds: u32,
    /// The longest of them.
    pub longest_hold: Millis,
    /// Pauses of a task.
    pub pause: Millis,
    /// How many of them.
    pub pauses: u32,
    /// When the after-contact work began.
    pub acw_start: Option<Timestamp>,
    /// When it was over.
    pub acw_end: Option<Timestamp>,
}

/// One leg of a contact, once it is over, to the millisecond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Its id.
    pub id: Uuid,
    /// The first of the chain.
    pub initial: Option<Uuid>,
    /// The one before in the chain.
    pub previous: Option<Uuid>,
    /// The next in the chain.
    pub next: Option<Uuid>,
    /// Its channel.
    pub channel: Channel,
    /// How it began.
    pub initiation: Initiation,
    /// When it began.
    pub initiated: Timestamp,
    /// Through what it came, or was placed.
    pub via: Option<Via>,
    /// When it entered the queue.
    pub enqueued: Option<Timestamp>,
    /// When it left the queue.
    pub dequeued: Option<Timestamp>,
    /// How many times it was offered to agents.
    pub attempts: u32,
    /// What an agent did with it.
    pub handling: Option<Handling>,
    /// When the customer's end of it was over.
    pub disconnected: Option<Timestamp>,
    /// Why.
    pub reason: &'static str,
    /// When a cold transfer was completed.
    pub transfer_completed: Option<Timestamp>,
    /// The last four digits of the number that it was passed to.
    pub transferred_to: Option<u16>,
    /// The last four digits of the customer's number.
    pub customer: u16,
}

/// A contact record.
#[derive(Debug, Clone)]
pub struct ContactRecordOut {
    /// When it reaches the reader.
    pub delivered: Timestamp,
    /// The version of the record: when the platform last touched it, in whole seconds.
    pub updated: Timestamp,
    /// Which edition: 0, and greater where something was added later.
    pub edition: u32,
    /// What it tells of.
    pub leg: Arc<Leg>,
}

/// Something that reaches a reader at some time.
pub trait Delivered {
    /// When.
    fn delivered(&self) -> Timestamp;
    /// Moves the time.
    fn deliver_at(&mut self, at: Timestamp);
}

macro_rules! delivered {
    ($($Name:ident),+) => {
        $(impl Delivered for $Name {
            fn delivered(&self) -> Timestamp {
                self.delivered
            }
            fn deliver_at(&mut self, at: Timestamp) {
                self.delivered = at;
            }
        })+
    };
}

delivered!(AgentEventRecord, ContactRecordOut);
