//! The setting with which the adherence product switches the queues on and off.

use serde_json::{Map, Value};

/// The name of the setting: of the item in the table of settings (`tab`), and of the variable of the Lambda function (`env`).
pub const SETTING: &str = "WriteEventsToQueue";

/// What the setting says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// Events are sent to the queues.
    On,
    /// They are not. So it is at first, and where the setting is missing.
    Off,
}

/// A setting that says neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// An answer that is not what Lambda answers.
    #[error("the answer to the question for {SETTING} is not a JSON object")]
    NotAnAnswer,
    /// Another text, or no text.
    #[error("{SETTING} says neither True nor False: set it to one of them")]
    Neither,
}

impl Flag {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// Reads the setting as .NET reads a truth value: `True` or `False`, in which case and outer blanks do not matter.
    pub fn parse(text: &str) -> Result<Self, FlagError> {
        let text = text.trim();
        match () {
            () if text.eq_ignore_ascii_case("true") => Ok(Self::On),
            () if text.eq_ignore_ascii_case("false") => Ok(Self::Off),
            () => Err(FlagError::Neither),
        }
    }

    /// The setting in its row in DynamoDB, attributes with their types, or without one: mode `tab`.
    pub fn of_item(item: Option<&Map<String, Value>>) -> Result<Self, FlagError> {
        item.and_then(|item| item.get("Value")).map_or(Ok(Self::Off), |value| Self::of(value.get("S")))
    }

    /// The setting in Lambda's answer to `GetFunctionConfiguration`: mode `env`.
    pub fn of_function(answer: &[u8]) -> Result<Self, FlagError> {
        let answer: Map<String, Value> =
            serde_json::from_slice(answer).map_err(|_| FlagError::NotAnAnswer)?;
        let variables = answer.get("Environment").and_then(|environment| environment.get("Variables"));
        let value = variables.and_then(|variables| variables.get(SETTING));
        value.map_or(Ok(Self::Off), |value| Self::of(Some(value)))
    }

    fn of(value: Option<&Value>) -> Result<Self, FlagError> {
        value.and_then(Value::as_str).map_or(Err(FlagError::Neither), Self::parse)
    }
}

/// Which events are sent, so that whoever switches on, then reads the table, and then applies every event that is newer than its row, has no
/// gap.
///
/// The hub notices a switch only when it looks. So it does not begin with the next event, but behind the last of which is known that the table
/// had it when the setting was still off: what was applied before such a look began is in the table before the switch, and so before the
/// table is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarding {
    flag: Flag,
    done: u64,
}

impl Forwarding {
    /// Off until a look says otherwise; up to `done`, everything was sent or did not need to be. To be kept over a restart.
    pub const fn new(done: u64) -> Self {
        Self { flag: Flag::Off, done }
    }

    /// Notes what a look has shown; `applied` is the last event that the table had when the look began.
    pub fn look(&mut self, flag: Flag, applied: u64) {
        if flag == Flag::Off {
            self.done = self.done.max(applied);
        }
        self.flag = flag;
    }

    /// Notes that the events up to `sequence` were sent.
    pub fn sent(&mut self, sequence: u64) {
        self.done = self.done.max(sequence);
    }

    /// Where to go on sending; nothing while it is off.
    pub const fn next(&self) -> Option<u64> {
        match self.flag {
            Flag::On => Some(self.done + 1),
            Flag::Off => None,
        }
    }

    /// The last event that was sent or did not need to be.
    pub const fn done(&self) -> u64 {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_setting_is_read_as_dotnet_reads_it() {
        for (text, flag) in
            [("True", Flag::On), (" true ", Flag::On), ("FALSE", Flag::Off), ("False\n", Flag::Off)]
        {
            assert_eq!(Flag::parse(text), Ok(flag), "{text}");
        }
        for text in ["1", "0", "", "yes", "True."] {
            assert_eq!(Flag::parse(text), Err(FlagError::Neither), "{text}");
        }
    }

    #[test]
    fn a_setting_that_is_missing_is_off() {
        let item = |item: &str| Flag::of_item(Some(&serde_json::from_str(item).unwrap()));
        assert_eq!(item(r#"{"Setting":{"S":"WriteEventsToQueue"},"Value":{"S":"True"}}"#), Ok(Flag::On));
        assert_eq!(Flag::of_item(None), Ok(Flag::Off));
        assert_eq!(item(r#"{"Setting":{"S":"WriteEventsToQueue"}}"#), Ok(Flag::Off));
        assert_eq!(item(r#"{"Value":{"BOOL":true}}"#), Err(FlagError::Neither));
        let function = |answer: &str| Flag::of_function(answer.as_bytes());
        assert_eq!(function(r#"{"Environment":{"Variables":{"WriteEventsToQueue":"true"}}}"#), Ok(Flag::On));
        assert_eq!(function(r#"{"Environment":{"Variables":{"LogLevel":"Debug"}}}"#), Ok(Flag::Off));
        assert_eq!(function(r#"{"FunctionName":"f"}"#), Ok(Flag::Off));
        assert_eq!(function(r#"{"Environment":null}"#), Ok(Flag::Off));
        assert_eq!(function("[]"), Err(FlagError::NotAnAnswer));
        assert_eq!(function("<html>"), Err(FlagError::NotAnAnswer));
        assert_eq!(
            function(r#"{"Environment":{"Variables":{"WriteEventsToQueue":1}}}"#),
            Err(FlagError::Neither)
        );
    }

    #[test]
    fn it_begins_behind_the_last_look_that_said_off() {
        let mut forwarding = Forwarding::new(3);
        assert_eq!(forwarding.next(), None);
        forwarding.look(Flag::Off, 10);
        forwarding.look(Flag::On, 17);
        assert_eq!(forwarding.next(), Some(11), "11 to 17 may have come after the switch");
        forwarding.sent(17);
        assert_eq!(forwarding.next(), Some(18));
        forwarding.look(Flag::Off, 30);
        assert_eq!((forwarding.next(), forwarding.done()), (None, 30));
        forwarding.look(Flag::On, 31);
        assert_eq!(forwarding.next(), Some(31));
        assert_eq!(Forwarding::new(forwarding.done()).next(), None, "after a restart, nothing before a look");
    }

    #[derive(Debug, Clone, Copy)]
    enum Turn {
        Event,
        Apply,
        LookBegins,
        /// And has seen the setting as it is now, or as it was when it began.
        LookEnds {
            now: bool,
        },
        Send,
        Switch,
        Scan,
    }

    fn turns() -> impl Strategy<Value = Vec<Turn>> {
        use Turn::{Apply, Event, LookBegins, LookEnds, Scan, Send, Switch};
        let turn = prop_oneof![
            4 => Just(Event), 4 => Just(Apply), 2 => Just(LookBegins), 2 => any::<bool>().prop_map(|now| LookEnds { now }),
            2 => Just(Send), 1 => Just(Switch), 1 => Just(Scan),
        ];
        prop::collection::vec(turn, 0..60)
    }

    proptest! {
        /// However hub and adherence product take turns: what was neither in the table when it was read nor on the queue by the end is lost.
        #[test]
        fn nothing_is_lost_by_whoever_switches_on_and_then_reads_the_table(turns in turns()) {
            let mut forwarding = Forwarding::new(0);
            let (mut events, mut applied, mut setting) = (0_u64, 0_u64, Flag::Off);
            let (mut look, mut scanned) = (None, None);
            let mut queued = std::collections::BTreeSet::new();
            let send = |forwarding: &mut Forwarding, applied: u64, queued: &mut std::collections::BTreeSet<u64>| {
                while let Some(next) = forwarding.next().filter(|next| *next <= applied) {
                    queued.insert(next);
                    forwarding.sent(next);
                }
            };
            for turn in turns {
                match turn {
                    Turn::Event => events += 1,
                    Turn::Apply => applied = (applied + 1).min(events),
                    Turn::LookBegins => look = Some((setting, applied)),
                    Turn::LookEnds { now } => if let Some((seen, applied)) = look.take() {
                        forwarding.look(if now { setting } else { seen }, applied);
                    },
                    Turn::Send => send(&mut forwarding, applied, &mut queued),
                    Turn::Switch => setting = Flag::On,
                    Turn::Scan => if setting == Flag::On && scanned.is_none() { scanned = Some(applied) },
                }
            }
            let Some(scanned) = scanned else { return Ok(()) };
            applied = events;
            forwarding.look(Flag::On, applied);
            send(&mut forwarding, applied, &mut queued);
            for event in scanned + 1..=events {
                prop_assert!(queued.contains(&event), "event {event} of {events}, table read at {scanned}");
            }
        }
    }
}
