//! `segments` and `activities`: the timeline itself, as rows.

use std::sync::Arc;

use pegboard_model::report::{Activity, SegmentRow};
use pegboard_model::{AgentProfile, SourceName, Timestamp};

use crate::grid::Window;
use crate::timeline::{Span, Timeline};

/// The segments of one agent within `window`, clipped to it.
pub fn segment_rows(
    source: &SourceName,
    timeline: &Timeline,
    window: Window,
    known_until: Timestamp,
) -> Vec<SegmentRow> {
    let leading = timeline.leading_state();
    let first = timeline.first_profile();
    let spans = timeline.spans(window, known_until, &leading);
    spans.map(|span| segment_row(source, timeline, &span, &first)).collect()
}

/// The activities of one agent within `window`: segments joined while event id and reason stay the same. What
/// else a row says is that of its first segment.
pub fn activity_rows(
    source: &SourceName,
    timeline: &Timeline,
    window: Window,
    known_until: Timestamp,
) -> Vec<Activity> {
    let mut activities: Vec<Activity> = Vec::new();
    for row in segment_rows(source, timeline, window, known_until) {
        if let Some(last) = activities.last_mut()
            && last.event_id == row.event_id
            && last.reason == row.reason
        {
            last.end = row.end;
            last.duration_s += row.duration_s;
            continue;
        }
        activities.push(Activity {
            source: row.source,
            agent_id: row.agent_id,
            agent_login: row.agent_login,
            start: row.start,
            end: row.end,
            duration_s: row.duration_s,
            class: row.class,
            status_id: row.status_id,
            status_name: row.status_name,
            contact_id: row.contact_id,
            channel: row.channel,
            initiation: row.initiation,
            queue_id: row.queue_id,
            queue_name: row.queue_name,
            event_id: row.event_id,
            reason: row.reason,
        });
    }
    activities
}

fn segment_row(
    source: &SourceName,
    timeline: &Timeline,
    span: &Span<'_>,
    first: &Arc<AgentProfile>,
) -> SegmentRow {
    let state = span.state;
    let work = state.contact.as_ref();
    let queue = work.and_then(|work| work.queue.as_ref());
    let profile = if state.profile.login.is_empty() { first } else { &state.profile };
    let (event_id, reason) = state.words(span.mark);
    SegmentRow {
        source: source.clone(),
        agent_id: timeline.agent.clone(),
        agent_login: profile.login.clone(),
        start: span.start,
        end: (!span.open).then_some(span.end),
        duration_s: span.end.since(span.start),
        class: state.class,
        status_id: state.status.as_ref().and_then(|status| status.id.clone()),
        status_name: state.status_name(),
        contact_id: work.map(|work| work.id.clone()),
        channel: work.map(|work| work.channel.clone()),
        initiation: work.map(|work| work.initiation.clone()),
        queue_id: queue.map(|queue| queue.id.clone()),
        queue_name: queue.map(|queue| queue.name.clone()),
        event_id,
        reason,
    }
}
