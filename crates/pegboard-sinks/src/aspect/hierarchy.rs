//! The hierarchy filter of real-time adherence.

use std::collections::HashSet;

use super::event::AgentEvent;

/// Which agents are passed on: those whose group on one level of the hierarchy is among these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HierarchyFilter {
    level: usize,
    groups: HashSet<String>,
}

/// A filter that lets nobody or nothing through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// A level that is none.
    #[error("the hierarchy has the levels 1 to 5 and 0 switches the filter off: there is no level {0}")]
    Level(u8),
    /// No group.
    #[error("a filter without groups lets nobody through: name some, or switch it off with level 0")]
    NoGroups,
}

impl HierarchyFilter {
    /// The filter on `level`, none on level 0. The case of names does not matter, nor do outer blanks.
    pub fn new<'a>(level: u8, groups: impl IntoIterator<Item = &'a str>) -> Result<Option<Self>, BadFilter> {
        if level > 5 {
            return Err(BadFilter::Level(level));
        }
        let Some(level) = usize::from(level).checked_sub(1) else { return Ok(None) };
        let groups: HashSet<_> = groups.into_iter().map(folded).filter(|group| !group.is_empty()).collect();
        if groups.is_empty() { Err(BadFilter::NoGroups) } else { Ok(Some(Self { level, groups })) }
    }

    /// Whether it lets the event through. One that shows no group on the level is held back.
    pub fn lets_through(&self, event: &AgentEvent<'_>) -> bool {
        let group = event.snapshot.as_ref().and_then(|snapshot| snapshot.levels.get(self.level)?.as_deref());
        group.is_some_and(|group| self.groups.contains(&folded(group)))
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_on_the_level_decides() {
        let event = |groups: &str| {
            format!(
                r#"{{"AgentARN":"a","EventType":"HEART_BEAT","EventId":"e","EventTimestamp":"2026-03-02T09:00:00Z",
                   "CurrentAgentSnapshot":{{"Configuration":{{"AgentHierarchyGroups":{groups}}}}}}}"#
            )
        };
        let filter = HierarchyFilter::new(2, [" Größe ", "north"]).unwrap().unwrap();
        let passes =
            |text: &str| filter.lets_through(&AgentEvent::read(event(text).as_bytes()).unwrap().unwrap());
        assert!(passes(r#"{"Level2":{"Name":"NORTH"}}"#));
        assert!(passes(r#"{"Level2":{"Name":"größe "}}"#));
        assert!(!passes(r#"{"Level1":{"Name":"north"},"Level2":{"Name":"south"}}"#));
        assert!(!passes(r#"{"Level2":null}"#));
        assert!(!passes("null"));
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_refused() {
        assert_eq!(HierarchyFilter::new(0, ["x"]), Ok(None));
        assert_eq!(HierarchyFilter::new(6, ["x"]), Err(BadFilter::Level(6)));
        assert_eq!(HierarchyFilter::new(5, [" "]), Err(BadFilter::NoGroups));
        assert!(HierarchyFilter::new(5, ["x"]).unwrap().is_some());
    }
}
