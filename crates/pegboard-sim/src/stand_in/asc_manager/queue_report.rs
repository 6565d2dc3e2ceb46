//! The queue report with its three lists, and the identities that its numbers obey.

use std::collections::BTreeSet;

use pegboard_model::{Millis, Timestamp};
use serde_json::Value;

use super::body::{Members, Problem};
use super::read::{self, Read, Rules};

/// What calls of an outbound campaign came to; zeros for all others.
const PARTIES: [&str; 6] = [
    "rightPartyContacts",
    "rightPartyTalkTime",
    "rightPartyWorkTime",
    "wrongPartyContacts",
    "wrongPartyTalkTime",
    "wrongPartyWorkTime",
];

pub(super) fn read(body: &Value, rules: &Rules, now: Timestamp) -> Result<Read, Problem> {
    let mut members = Members::of(body, "")?;
    let mut read = Read::default();
    read::acd_type(&mut members, rules);
    read.window = read::window(&mut members, rules, now);
    let mut queues = BTreeSet::new();
    read.items(&mut members, "queueReport", |row| {
        let id = queue_row(row, rules);
        if id.is_some_and(|id| !queues.insert(id.to_owned())) {
            row.problem("DUPLICATE", "queueId", "this queue stands in the report already");
        }
    });
    let mut pairs = BTreeSet::new();
    read.items(&mut members, "agentQueueReport", |row| {
        let pair = agent_queue_row(row, rules);
        if pair.is_some_and(|(agent, queue)| !pairs.insert((agent.to_owned(), queue.to_owned()))) {
            row.problem("DUPLICATE", "agentId", "this agent stands in the report already with this queue");
        }
    });
    let mut agents = BTreeSet::new();
    read.items(&mut members, "agentSystemPerformanceReport", |row| {
        let id = performance_row(row, rules);
        if id.is_some_and(|id| !agents.insert(id.to_owned())) {
            row.problem("DUPLICATE", "agentId", "this agent stands in the report already");
        }
    });
    read.problems = members.end();
    Ok(read)
}

fn queue_row<'a>(row: &mut Members<'a>, rules: &Rules) -> Option<&'a str> {
    row.text("queueValue");
    let id = read::queue(row, rules);
    let contacts =
        row.wholes(["contactsReceived", "handledShort", "handledLong", "abandonedShort", "abandonedLong"]);
    let times = row.wholes(["handleTime", "holdTime", "workTime"]);
    row.whole("queueDelayTime");
    row.percent("serviceLevelPercent");
    let backlog = row.wholes(["backlog", "backlogExpired", "backlogNotExpired"]);
    row.wholes(PARTIES);
    row.whole("active");
    if let Some([received, gone @ ..]) = contacts
        && received < sum(gone)
    {
        row.problem("IDENTITY", "contactsReceived", "more contacts were handled and abandoned than received");
    }
    if let (Some([_, short, long, ..]), Some(times)) = (contacts, times) {
        handled(row, sum([short, long]), times);
    }
    if let Some([backlog, parts @ ..]) = backlog
        && backlog != sum(parts)
    {
        row.problem("IDENTITY", "backlog", "this is not what is expired and what is not together");
    }
    id
}

fn agent_queue_row<'a>(row: &mut Members<'a>, rules: &Rules) -> Option<(&'a str, &'a str)> {
    let agent = read::agent(row, rules);
    let queue = read::queue(row, rules);
    let contacts = row.whole("contactsHandled");
    let times = row.wholes(["handleTime", "holdTime", "workTime"]);
    row.wholes(PARTIES);
    row.whole("active");
    if let (Some(contacts), Some(times)) = (contacts, times) {
        handled(row, contacts, times);
    }
    agent.zip(queue)
}

/// What goes together wherever contacts are handled.
fn handled(row: &mut Members<'_>, contacts: u64, [handle, hold, work]: [u64; 3]) {
    if hold > handle {
        row.problem("IDENTITY", "handleTime", "handle time holds hold time, and is less here");
    }
    if contacts == 0 && sum([handle, hold, work]) > 0 {
        row.problem("IDENTITY", "handleTime", "nobody was handled, and there are times of it");
    }
}

fn performance_row<'a>(row: &mut Members<'a>, rules: &Rules) -> Option<&'a str> {
    let agent = read::agent(row, rules);
    let Some([ready, not_ready, login]) = row.wholes(["readyTime", "notReady", "loginTime"]) else {
        return agent;
    };
    // Each of them is rounded by itself, which makes two halves a second that there was not.
    if sum([ready, not_ready]) > login.saturating_add(1) {
        row.problem("IDENTITY", "loginTime", "an agent was ready and not ready for longer than signed in");
    }
    if Millis::from_seconds(i64::try_from(login).unwrap_or(i64::MAX / 1000)) > rules.interval {
        row.problem("IDENTITY", "loginTime", "an agent was signed in for longer than the interval is");
    }
    agent
}

fn sum<const N: usize>(numbers: [u64; N]) -> u64 {
    numbers.into_iter().fold(0, u64::saturating_add)
}
