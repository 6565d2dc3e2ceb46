//! What vendors define differently, by name. Every output says which policy it followed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that is not one of a policy's choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownChoice {
    given: String,
    choices: &'static [&'static str],
}

impl fmt::Display for UnknownChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is none of {}", self.given, self.choices.join(", "))
    }
}

impl std::error::Error for UnknownChoice {}

macro_rules! policy {
    ($(#[$doc:meta])* $Name:ident { $( $(#[$vdoc:meta])* $Variant:ident = $text:literal ),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub enum $Name { $( $(#[$vdoc])* #[serde(rename = $text)] $Variant ),+ }

        impl $Name {
            /// The names of all choices.
            pub const CHOICES: &'static [&'static str] = &[$($text),+];

            /// The name of this choice.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Variant => $text),+ }
            }
        }

        impl FromStr for $Name {
            type Err = UnknownChoice;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$Variant),)+
                    other => Err(UnknownChoice { given: other.into(), choices: Self::CHOICES }),
                }
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

policy! {
    /// Which interval a contact belongs to. Where the time is absent, that of the disconnect counts.
    Pegging {
        /// The contact's end, as Amazon and NICE do.
        #[default]
        Disconnect = "disconnect",
        /// The end of the after-contact work.
        AcwEnd = "acw_end",
        /// The moment of entering the queue.
        Enqueue = "enqueue",
        /// The moment of reaching an agent.
        Connect = "connect",
    }
}

policy! {
    /// How the service level is computed from the counts.
    ServiceLevelFormula {
        /// Answered in time, of the answered.
        Answered = "answered",
        /// Answered in time, of the answered and of those who gave up after the threshold.
        #[default]
        AnsweredAbandonedLate = "answered_abandoned_late",
        /// Answered or abandoned in time, of the offered.
        Offered = "offered",
        /// Removed from the queue in time for whatever reason, of the offered.
        Aws = "aws",
    }
}

policy! {
    /// Which of several simultaneous contacts decides an agent's class.
    Precedence {
        /// talk > hold > acw > ringing > error, then the status.
        #[default]
        ContactFirst = "contact_first",
        /// The order of Amazon Connect's own "agent activity": error, missed, rejected, on contact, after-contact
        /// work, incoming, then the status.
        Aws = "aws",
    }
}

policy! {
    /// What bounds a session.
    SessionPolicy {
        /// Sign-in to sign-out.
        #[default]
        Login = "login",
        /// Spans of staffed time by the status table.
        Staffed = "staffed",
    }
}

policy! {
    /// What counts as ready time in the agent system performance report.
    ReadyTime {
        /// Waiting for a contact.
        #[default]
        Waiting = "waiting",
        /// Signed in and neither in an unproductive status nor in error.
        Productive = "productive",
    }
}

policy! {
    /// Where the time counts in which a contact rings at an agent, for sources that can tell it apart.
    RingIn {
        /// In the queue.
        #[default]
        Queue = "queue",
        /// In the agent's handling.
        Handle = "handle",
        /// Nowhere.
        None = "none",
    }
}

policy! {
    /// By what agents are grouped for average positions staffed.
    GroupBy {
        /// The team.
        #[default]
        Team = "team",
        /// The top level of the hierarchy.
        Level1 = "level1",
        /// The second level.
        Level2 = "level2",
        /// The third level.
        Level3 = "level3",
        /// The fourth level.
        Level4 = "level4",
        /// The fifth level.
        Level5 = "level5",
        /// The routing profile.
        RoutingProfile = "routing-profile",
    }
}

impl GroupBy {
    /// The group that an agent with this profile belongs to.
    pub fn of(self, profile: &crate::AgentProfile) -> &crate::Text {
        match self {
            Self::Team => &profile.team,
            Self::Level1 => &profile.levels[0],
            Self::Level2 => &profile.levels[1],
            Self::Level3 => &profile.levels[2],
            Self::Level4 => &profile.levels[3],
            Self::Level5 => &profile.levels[4],
            Self::RoutingProfile => &profile.routing_profile,
        }
    }
}
