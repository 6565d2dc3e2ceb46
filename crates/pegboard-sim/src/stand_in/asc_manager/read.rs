//! What the three kinds of bodies have in common: an envelope, and items that are good or bad each for itself.

use std::collections::BTreeSet;

use pegboard_model::{Millis, Timestamp};
use serde_json::Value;

use super::body::{Members, Problem};

/// What bodies are held against.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) acd_type: String,
    /// How long an interval is.
    pub(super) interval: Millis,
    /// How long after its end an interval is taken.
    pub(super) reach: Option<Millis>,
    /// The queues and the agents that there are; nothing where all are taken.
    pub(super) queues: Option<BTreeSet<String>>,
    pub(super) agents: Option<BTreeSet<String>>,
}

/// An interval, from its start to just before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// An item of a list of a body.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) list: &'static str,
    pub(super) index: usize,
    pub(super) problems: Vec<Problem>,
}

/// A body that was read.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) window: Option<Window>,
    /// What is wrong with the whole of it.
    pub(super) problems: Vec<Problem>,
    pub(super) items: Vec<Item>,
}

impl Read {
    /// Reads the items of a list.
    pub(super) fn items(
        &mut self,
        members: &mut Members<'_>,
        list: &'static str,
        mut read: impl FnMut(&mut Members<'_>),
    ) {
        for (index, item) in members.list(list).unwrap_or_default().iter().enumerate() {
            let problems = match Members::of(item, &format!("{list}[{index}]")) {
                Ok(mut members) => {
                    read(&mut members);
                    members.end()
                }
                Err(problem) => vec![problem],
            };
            self.items.push(Item { list, index, problems });
        }
    }

    /// The body without its bad items.
    pub(super) fn good_of(&self, body: &Value) -> Value {
        let mut good = body.clone();
        for item in self.items.iter().rev().filter(|item| !item.problems.is_empty()) {
            if let Some(list) = good.get_mut(item.list).and_then(Value::as_array_mut) {
                list.remove(item.index);
            }
        }
        good
    }
}

/// The kind of ACD: a name without blanks, and that of this tenant, which has only one.
pub(super) fn acd_type(members: &mut Members<'_>, rules: &Rules) {
    let Some(name) = members.text("acdType") else { return };
    if name.contains(char::is_whitespace) {
        members.problem("ACD_NAME", "acdType", "the name of an ACD has no blanks");
    } else if name != rules.acd_type {
        members.problem("ACD_NAME", "acdType", format!("the ACD of this tenant is {}", rules.acd_type));
    }
}

/// The window of a report, and what is wrong with it at `now`.
pub(super) fn window(members: &mut Members<'_>, rules: &Rules, now: Timestamp) -> Option<Window> {
    members.word("reportVersion", "1.0");
    let (start, end) = (members.time("startDate"), members.time("endDate"));
    let window = Window { start: start?, end: end? };
    if window.start.as_millis() % rules.interval.get() != 0 {
        members.problem("NOT_ALIGNED", "startDate", "no interval begins then");
    }
    if window.end.since(window.start) != rules.interval {
        let minutes = rules.interval.get() / 60_000;
        members.problem("NOT_ALIGNED", "endDate", format!("an interval is {minutes} minutes long"));
    }
    if window.end > now {
        members.problem("FUTURE_WINDOW", "endDate", format!("it is only {now}"));
    }
    if rules.reach.is_some_and(|reach| now.since(window.end) > reach) {
        members.problem(super::WINDOW_CLOSED, "endDate", "nothing is taken any more for this interval");
    }
    Some(window)
}

/// Both names of an agent; his id, where he is known.
pub(super) fn agent<'a>(members: &mut Members<'a>, rules: &Rules) -> Option<&'a str> {
    members.text("agentValue");
    let id = members.text("agentId")?;
    if rules.agents.as_ref().is_some_and(|agents| !agents.contains(id)) {
        members.problem("UNKNOWN_AGENT", "agentId", format!("there is no agent {id}"));
        return None;
    }
    Some(id)
}

/// The id of a queue, where it is known.
pub(super) fn queue<'a>(members: &mut Members<'a>, rules: &Rules) -> Option<&'a str> {
    let id = members.text("queueId")?;
    if rules.queues.as_ref().is_some_and(|queues| !queues.contains(id)) {
        members.problem("UNKNOWN_QUEUE", "queueId", format!("there is no queue {id}"));
        return None;
    }
    Some(id)
}
