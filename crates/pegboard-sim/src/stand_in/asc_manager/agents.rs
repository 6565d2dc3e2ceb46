//! What agents do now, and what they did.

use std::collections::BTreeSet;

use pegboard_model::{Millis, Timestamp};
use serde_json::Value;

use super::body::{Members, Problem};
use super::read::{self, Read, Rules, Window};

/// A list of states. Their order is for whoever keeps them to judge.
pub(super) fn states(body: &Value, rules: &Rules) -> Result<Read, Problem> {
    let mut members = Members::of(body, "")?;
    let mut read = Read::default();
    read::acd_type(&mut members, rules);
    read.items(&mut members, "agentStates", |state| {
        read::agent(state, rules);
        state.text("eventId");
        state.text_or_empty("eventReason");
        state.time("eventTime");
        state.whole("sequence");
    });
    read.problems = members.end();
    Ok(read)
}

/// The activities that agents completed in an interval.
pub(super) fn activities(body: &Value, rules: &Rules, now: Timestamp) -> Result<Read, Problem> {
    let mut members = Members::of(body, "")?;
    let mut read = Read::default();
    read::acd_type(&mut members, rules);
    let window = read::window(&mut members, rules, now);
    read.window = window;
    let mut agents = BTreeSet::new();
    read.items(&mut members, "reportData", |agent| {
        let id = read::agent(agent, rules);
        if id.is_some_and(|id| !agents.insert(id.to_owned())) {
            agent.problem("DUPLICATE", "agentId", "this agent stands in the report already");
        }
        for (index, activity) in agent.list("activities").unwrap_or_default().iter().enumerate() {
            for problem in activity_problems(activity, index, window) {
                agent.problem(problem.code, &problem.path, problem.message);
            }
        }
    });
    read.problems = members.end();
    Ok(read)
}

fn activity_problems(activity: &Value, index: usize, window: Option<Window>) -> Vec<Problem> {
    let mut activity = match Members::of(activity, &format!("activities[{index}]")) {
        Ok(activity) => activity,
        Err(problem) => return vec![problem],
    };
    activity.text("eventId");
    activity.text_or_empty("eventReason");
    let times = activity.time("startTime").zip(activity.time("endTime"));
    let seconds = activity.whole("duration");
    let (Some((start, end)), Some(seconds)) = (times, seconds) else { return activity.end() };
    if end < start {
        activity.problem("IDENTITY", "endTime", "an activity ended before it began");
    }
    if window.is_some_and(|window| end < window.start || end >= window.end) {
        activity.problem("OTHER_WINDOW", "endTime", "this activity was completed in another interval");
    }
    let seconds = Millis::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000));
    if (end.since(start) - seconds).get().abs() >= 1000 {
        activity.problem("IDENTITY", "duration", "this is not the time from its start to its end");
    }
    activity.end()
}
