//! States and activities of agents to records. Pure.

use std::collections::HashSet;

use pegboard_client::{Activity, AgentActivities, AgentState};
use pegboard_model::{Millis, Timestamp};
use serde_json::Value;

use super::body::{Body, Faults, Sorted};
use super::words::Told;
use crate::api::error::ApiError;
use crate::config::SdkSettings;

/// What agents do now: each state lasts until something else is told. Those of a body are taken in the order of their `sequence`.
pub(super) fn states(body: &[u8], sdk: &SdkSettings, _: Timestamp) -> Result<Sorted, ApiError> {
    let mut body = Body::read(body, sdk)?;
    let items = body.list("agentStates")?;
    let mut sorted = body.end();
    sorted.take("agentStates", items, |state: AgentState, faults| {
        check_agent(&state.agent_value, &state.agent_id, faults);
        check_event(["eventId", "eventReason"], &state.event_id, &state.event_reason, faults);
        let told = Told {
            agent: &state.agent_id,
            login: &state.agent_value,
            event_id: &state.event_id,
            reason: &state.event_reason,
            at: state.event_time,
            until: None,
        };
        told.record(sdk).map(|record| (state.sequence, record)).into_iter().collect()
    });
    Ok(sorted)
}

/// What agents did: each activity has an end.
pub(super) fn activities(body: &[u8], sdk: &SdkSettings, _: Timestamp) -> Result<Sorted, ApiError> {
    let mut body = Body::read(body, sdk)?;
    body.window();
    let items = body.list("reportData")?;
    let mut sorted = body.end();
    let mut agents = HashSet::new();
    sorted.take("reportData", items, |agent: AgentActivities, faults| {
        check_agent(&agent.agent_value, &agent.agent_id, faults);
        let records = agent.activities.iter().enumerate();
        let records = records.filter_map(|(index, activity)| {
            check_activity(index, activity, faults);
            record(&agent, activity, sdk)
        });
        let records = records.map(|record| (0, record)).collect();
        if !agents.insert(agent.agent_id) {
            faults.note("DUPLICATE", "agentId", "this agent stands in the report already");
        }
        records
    });
    Ok(sorted)
}

fn record(agent: &AgentActivities, activity: &Activity, sdk: &SdkSettings) -> Option<Value> {
    let told = Told {
        agent: &agent.agent_id,
        login: &agent.agent_value,
        event_id: &activity.event_id,
        reason: &activity.event_reason,
        at: activity.start_time,
        until: Some(activity.end_time),
    };
    told.record(sdk)
}

fn check_agent(login: &str, id: &str, faults: &mut Faults) {
    faults.name("agentValue", login);
    faults.name("agentId", id);
}

fn check_event([id_key, reason_key]: [&str; 2], id: &str, reason: &str, faults: &mut Faults) {
    faults.name(id_key, id);
    if !reason.is_empty() {
        faults.name(reason_key, reason);
    }
}

fn check_activity(index: usize, activity: &Activity, faults: &mut Faults) {
    let key = |key: &str| format!("activities[{index}].{key}");
    let keys = [key("eventId"), key("eventReason")];
    check_event([&keys[0], &keys[1]], &activity.event_id, &activity.event_reason, faults);
    let time = activity.end_time.since(activity.start_time);
    if time < Millis::ZERO {
        faults.note("IDENTITY", &key("endTime"), "an activity ended before it began");
        return;
    }
    let told = i64::try_from(activity.duration).ok().and_then(|seconds| seconds.checked_mul(1000));
    if told.is_none_or(|told| (time.get() - told).abs() >= 1000) {
        faults.note(
            "IDENTITY",
            &key("duration"),
            "this is not the time from its start to its end, in seconds",
        );
    }
}
