//! States: what an ACD calls them, what a WFM does.

use pegboard_model::{Class, SourceName, Text, Timestamp};

use super::{Scope, same_name, shipped};

/// What a row is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventMatch {
    /// Every event id that fits the pattern.
    Id(Pattern),
    /// Every state of a class, where no event id fits.
    Class(Class),
}

/// An event id, whatever its case, in which `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The texts between the stars, in lower case.
    parts: Vec<String>,
}

/// What a state is in the WFM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedState {
    /// The activity code.
    pub activity: Text,
    /// Whether the code is open: the agent is there for contacts.
    pub open: bool,
    /// The event id as it is sent, where it is not the ACD's own.
    pub send_as: Option<Text>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    /// For which states.
    pub event: EventMatch,
    /// With which reason, whatever its case; any where none is given.
    pub reason: Option<Text>,
    /// For which source, and from when on.
    pub scope: Scope,
    /// What they are.
    pub state: MappedState,
}

/// All rows, before those that come with Pegboard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateMapping {
    /// Those of the site.
    pub rows: Vec<StateRow>,
}

impl StateMapping {
    /// What a state is: by the site's rows, else by those that come with Pegboard. Nothing where neither says.
    pub fn find(
        &self,
        source: &SourceName,
        event_id: &str,
        reason: &str,
        class: Class,
        at: Timestamp,
    ) -> Option<&MappedState> {
        let seen = Seen { event_id: event_id.to_lowercase(), reason, class };
        let best = |rows: &'_ [StateRow]| {
            let fitting = rows.iter().enumerate().filter(|(_, row)| row.scope.holds(source, at));
            let weighed = fitting.filter_map(|(place, row)| Some((row.weight(&seen)?, place)));
            weighed.max().map(|(_, place)| place)
        };
        let shipped = shipped::states();
        best(&self.rows)
            .map(|place| &self.rows[place].state)
            .or_else(|| best(shipped).map(|place| &shipped[place].state))
    }
}

/// A state as it is looked up.
struct Seen<'a> {
    event_id: String,
    reason: &'a str,
    class: Class,
}

/// What a row says of a state, by rank: the id before the class, whole before with stars, with a reason before without, then by the
/// length of what is not a star, then by its scope.
type Weight = (u8, bool, usize, (bool, Option<Timestamp>));

impl StateRow {
    /// How much the row says of the state; nothing where it is not for it.
    fn weight(&self, seen: &Seen<'_>) -> Option<Weight> {
        if self.reason.as_ref().is_some_and(|reason| !same_name(reason, seen.reason)) {
            return None;
        }
        let (rank, length) = match &self.event {
            EventMatch::Id(pattern) if pattern.fits(&seen.event_id) => {
                (if pattern.is_whole() { 2 } else { 1 }, pattern.length())
            }
            EventMatch::Class(class) if *class == seen.class => (0, 0),
            EventMatch::Id(_) | EventMatch::Class(_) => return None,
        };
        Some((rank, self.reason.is_some(), length, self.scope.weight()))
    }
}

impl Pattern {
    /// The pattern that a text writes.
    pub fn new(text: &str) -> Self {
        Self { parts: text.to_lowercase().split('*').map(str::to_owned).collect() }
    }

    /// Whether it has no star.
    fn is_whole(&self) -> bool {
        self.parts.len() == 1
    }

    fn length(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }

    /// Whether a text in lower case fits.
    fn fits(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &*self.parts else { return self.parts[0] == text };
        let Some(rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
        else {
            return false;
        };
        let after = |rest: Option<&str>, part: &String| {
            let rest = rest?;
            rest.find(part.as_str()).map(|at| at + part.len())
        };
        let mut left = rest;
        middle.iter().all(|part| match after(Some(left), part) {
            Some(end) => {
                left = &left[end..];
                true
            }
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(event: &str, reason: &str, from: Option<i64>, activity: &str) -> StateRow {
        let event = match Class::ALL.into_iter().find(|class| format!("={}", class.as_str()) == event) {
            Some(class) => EventMatch::Class(class),
            None => EventMatch::Id(Pattern::new(event)),
        };
        StateRow {
            event,
            reason: (!reason.is_empty()).then(|| reason.into()),
            scope: Scope { source: None, from: from.map(Timestamp::from_seconds) },
            state: MappedState { activity: activity.into(), open: false, send_as: None },
        }
    }

    fn found(rows: Vec<StateRow>, event_id: &str, reason: &str, class: Class, at: i64) -> String {
        let mapping = StateMapping { rows };
        let found = mapping.find(&"acme".into(), event_id, reason, class, Timestamp::from_seconds(at));
        found.map(|state| state.activity.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_pattern_fits_whatever_stands_for_its_stars() {
        for (pattern, text, fits) in [
            ("VOICE-*-CONNECTED", "voice-inbound-connected", true),
            ("VOICE-*-CONNECTED", "voice-inbound-connected_onhold", false),
            ("voice-*", "voice-", true),
            ("*", "", true),
            ("*-QUEUE_TRANSFER-*", "chat-queue_transfer-ended", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("a", "A", false),
            ("Ä*", "ärger", true),
        ] {
            assert_eq!(Pattern::new(pattern).fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn the_row_that_says_most_wins() {
        let rows = || {
            vec![
                row("=aux", "", None, "class"),
                row("Lun*", "", None, "pattern"),
                row("Lunch*", "", None, "longer pattern"),
                row("lunch", "", None, "id"),
                row("LUNCH", "late", None, "id and reason"),
            ]
        };
        assert_eq!(found(rows(), "Lunch", "Late", Class::Aux, 0), "id and reason");
        assert_eq!(found(rows(), "LUNCH", "", Class::Aux, 0), "id");
        assert_eq!(found(rows(), "Lunch 2", "", Class::Aux, 0), "longer pattern");
        assert_eq!(found(rows(), "Lunar", "", Class::Aux, 0), "pattern");
        assert_eq!(found(rows(), "Training", "", Class::Aux, 0), "class");
    }

    #[test]
    fn a_row_holds_from_its_instant_on() {
        let rows = || {
            vec![
                row("Lunch", "", None, "old"),
                row("Lunch", "", Some(10), "new"),
                row("Lunch", "", Some(20), "newer"),
            ]
        };
        let at = |at| found(rows(), "Lunch", "", Class::Aux, at);
        assert_eq!([at(9), at(10), at(19), at(20)], ["old", "new", "new", "newer"]);
    }

    #[test]
    fn the_site_has_the_word_before_what_comes_with_pegboard() {
        let site = vec![row("VOICE-*", "", None, "Phone")];
        assert_eq!(found(site, "VOICE-INBOUND-CONNECTED", "", Class::Talk, 0), "Phone");
        assert_eq!(found(vec![], "VOICE-INBOUND-CONNECTED", "", Class::Talk, 0), "Open");
        assert_eq!(found(vec![], "chat-queue_transfer-ended", "", Class::Acw, 0), "Open");
        assert_eq!(found(vec![], "EMAIL-AGENT_REPLY-CONNECTED", "", Class::Talk, 0), "Open");
        assert_eq!(found(vec![], "Lunch", "", Class::Aux, 0), "", "nobody guesses what a site calls lunch");
        assert_eq!(found(vec![], "Feierabend", "", Class::SignedOut, 0), "Logoff");
    }
}
