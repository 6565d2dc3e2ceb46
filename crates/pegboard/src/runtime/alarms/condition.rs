//! The conditions that need somebody: `docs/alarms.md` lists them, and says which rule each of them is made for.

use std::fmt;

use pegboard_model::Millis;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is missing or will be; nobody's numbers are wrong yet.
    Warning,
    /// Numbers are late, lost or not delivered: somebody has to act now.
    Critical,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Warning, Self::Critical];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }
}

macro_rules! conditions {
    ($($(#[$doc:meta])+ $Name:ident = $id:literal $severity:ident after $after:literal s $title:literal $advice:literal;)+) => {
        /// What an alarm is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Condition { $($(#[$doc])+ $Name),+ }

        impl Condition {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$Name),+];

            /// Its name, which stays the same over releases.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Name => $id),+ }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$Name => Severity::$severity),+ }
            }

            /// How long it has to hold before it is an alarm: what passes by itself sooner needs nobody.
            pub const fn after(self) -> Millis {
                match self { $(Self::$Name => Millis::from_seconds($after)),+ }
            }

            /// What it is, in some words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$Name => $title),+ }
            }

            /// What to do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$Name => $advice),+ }
            }
        }
    };
}

conditions! {
    /// A part of a source has stopped, and stays so: too many records cannot be used, or the program itself failed.
    SourceStopped = "source-stopped" Critical after 0 s "A source has stopped"
        "If the vendor has changed its format, update pegboard; then restart it. What was not read is read then, as long as the \
         stream keeps it.";
    /// A part of a source fails and is tried again.
    SourceFailing = "source-failing" Critical after 120 s "A source fails"
        "It is tried again by itself. Look at the credentials, the network and the store; what is not read waits in the stream.";
    /// What is read is too far behind the present.
    SourceBehind = "source-behind" Warning after 120 s "A source is behind"
        "It catches up by itself if it was down. If it goes on, the stream has too few shards, or the machine too little to do it with.";
    /// Nobody reads a partition, or nothing has been read since the start.
    SourceUnread = "source-unread" Critical after 300 s "Something of a source is not read"
        "See on the page of sources which node should read it, and whether all nodes run; its watermark holds all reports.";
    /// Something is lost for good.
    DataLost = "data-lost" Critical after 0 s "Data is lost"
        "What stood there is unknown in all reports. Have the platform send it again if it can, and reload those days.";
    /// Intervals are not closed in time.
    ClosingLate = "closing-late" Critical after 60 s "Intervals are not closed in time"
        "Reports of what is not closed are not delivered. See which partition of the source is behind; an input that brings nothing \
         holds all others.";
    /// A file of a report of the ACD has not come.
    ReportLate = "report-late" Warning after 0 s "A file of a report is late"
        "See whether the report is still scheduled in the ACD, and still written to this bucket. It ends when the file, or a later \
         one, is there.";
    /// The platform's own snapshot cannot be used.
    SnapshotFailing = "snapshot-failing" Warning after 120 s "The platform's snapshot cannot be used"
        "States go on by the stream alone: what it loses is not repaired. See the credentials, and whether most agents really have \
         signed out at once.";
    /// A source does something in another way than configured.
    SourceFallback = "source-fallback" Warning after 300 s "A source does not do as configured"
        "It works, and is slower. Give it what it lacks, or configure what it does.";
    /// The archive is not written.
    ArchiveFailing = "archive-failing" Warning after 600 s "The archive is not written"
        "What is not written waits in the store, which grows. See the room and the rights of the folder, or the rights of the bucket.";
    /// What was read hours ago is not in the archive.
    ArchiveBehind = "archive-behind" Warning after 0 s "The archive is behind"
        "What waits for it lies in the store, which grows, and is lost with it. See whether the archive is written at all, and how fast.";
    /// Days that were to be reloaded are not.
    ReloadFailing = "reload-failing" Warning after 60 s "A reload fails"
        "It is tried again by itself. See the log of the node that leads the source.";
    /// Records could not be used.
    DeadLetters = "dead-letters" Warning after 0 s "Records could not be used"
        "See Repair on the page, or `pegboard dead-letters list`: mend the cause, then retry them, or drop them with a comment. It ends \
         a day after the last one came, or when none is left.";
    /// The target of a sink takes nothing.
    SinkFailing = "sink-failing" Critical after 120 s "A sink takes nothing"
        "It is tried again by itself, and nothing is lost. See the target, its certificate and the access key.";
    /// The target of a sink takes nothing until somebody acts.
    SinkShut = "sink-shut" Critical after 30 s "A sink is shut out"
        "Trying again changes nothing: the access key is refused, or nobody is at the address. Mend that; what waits is sent then.";
    /// The target of a sink has not answered for long.
    SinkLeftAlone = "sink-left-alone" Critical after 900 s "A target has not answered for long"
        "It is tried now and then, and nothing is lost as long as details are kept. Ask whoever runs it.";
    /// A target is not told everybody's state, because that may be wrong.
    SnapshotHeld = "snapshot-held" Critical after 300 s "A sink is not told agents' states"
        "It is told them by itself once its sources are read up to the present. If what is known is right as it is, release it: on the \
         page Delivery, or `pegboard ledger release`.";
    /// Intervals wait too long to be delivered.
    DeliveryLate = "delivery-late" Critical after 300 s "Reports are not delivered in time"
        "See why the sink does not take them, or whether intervals are closed late.";
    /// The target refuses intervals.
    DeliveryParked = "delivery-parked" Critical after 0 s "Deliveries are parked"
        "Trying again changes nothing: mend the mapping or the target, then retry them, or drop them with a comment.";
    /// The target refuses the states of agents.
    StateRefused = "state-refused" Warning after 0 s "States of agents are refused"
        "Map the agent or the state, or have the agent made in the WFM. The next state that the target takes ends it.";
    /// Names are delivered, or left out, that no row of a mapping has.
    NamesUnmapped = "names-unmapped" Warning after 300 s "Names have no row in a mapping"
        "Give each a row: on the page Mapping, where one button takes what is suggested, or by `pegboard mapping set`. It ends when none of \
         them was seen for a day, or none is listed.";
    /// This machine's clock, or another, is wrong.
    ClockWrong = "clock-wrong" Critical after 60 s "A clock is wrong"
        "Most often it is the clock of this machine: see that NTP runs. What is dated more than 5 minutes ahead is refused, and is a dead \
         letter: retry it when the clock is right.";
    /// The store has nearly used up its disk budget.
    StoreFull = "store-full" Critical after 0 s "The store is nearly full"
        "Raise `disk_budget`, or keep details for a shorter time: the oldest details are removed early at the limit.";
    /// An outlet of alarms cannot be told.
    OutletFailing = "outlet-failing" Warning after 120 s "An outlet of alarms cannot be told"
        "Alarms are kept for it for a day. See its address, its credentials and the network.";
}

/// How long a condition has to be over before its alarm is: what comes back sooner never was.
pub const RESTS: Millis = Millis::from_minutes(2);

impl Condition {
    /// The condition of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|condition| condition.as_str() == name)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| de::Error::custom(format!("no condition is called {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_its_own_and_is_found_again() {
        for condition in Condition::ALL {
            assert_eq!(Condition::from_name(condition.as_str()), Some(*condition));
        }
        assert_eq!(
            Severity::ALL.map(|severity| Severity::from_name(severity.as_str())),
            Severity::ALL.map(Some)
        );
        assert_eq!((Condition::from_name("source"), Severity::from_name("bad")), (None, None));
    }

    #[test]
    fn every_condition_says_what_it_is_and_what_to_do() {
        for condition in Condition::ALL {
            assert!(!condition.title().ends_with('.') && condition.advice().ends_with('.'), "{condition}");
        }
    }
}
