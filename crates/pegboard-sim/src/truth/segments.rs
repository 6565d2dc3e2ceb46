//! The segments report.

use pegboard_model::report::SegmentRow;
use pegboard_model::{Millis, Text, Timestamp};

use super::Book;
use super::timeline::{Condition, Timeline, Work};
use crate::events::{Channel, Via};
use crate::organisation::AgentNo;

/// What a segment is called: its event id and its reason.
struct Words {
    event_id: Text,
    reason: Text,
}

impl Book<'_> {
    pub(super) fn segments(&self, timeline: &Timeline) -> Vec<SegmentRow> {
        if timeline.begins >= self.window.to {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for span in timeline.between(self.window.from, self.window.to) {
            for (start, end) in pieces(timeline, span.start, span.end) {
                let Some((start, end, length)) = self.window.clip(start, end) else { continue };
                let words = self.words(&span.condition);
                rows.push(self.segment(timeline.agent, &span.condition, words, (start, end, length)));
            }
        }
        let inside = self.window.from..self.window.to;
        for sign_in in timeline.sign_ins.iter().filter(|sign_in| inside.contains(&sign_in.at)) {
            let words = Words { event_id: "LOGIN".into(), reason: self.status_name(&sign_in.condition) };
            let point = (sign_in.at, Some(sign_in.at), Millis::ZERO);
            rows.push(self.segment(timeline.agent, &sign_in.condition, words, point));
        }
        rows.sort_by_key(|row| (row.start, &*row.event_id != "LOGIN"));
        rows
    }

    fn segment(
        &self,
        agent: AgentNo,
        condition: &Condition,
        words: Words,
        span: (Timestamp, Option<Timestamp>, Millis),
    ) -> SegmentRow {
        let card = self.organisation.agent(agent);
        let queue = condition.work.and_then(|work| work.via).map(|via| self.queue(via));
        SegmentRow {
            source: self.settings.source.clone(),
            agent_id: card.agent_id.clone(),
            agent_login: card.login.clone(),
            start: span.0,
            end: span.1,
            duration_s: span.2,
            class: condition.class,
            status_id: condition.status.map(|status| self.organisation.status(status).status_id.clone()),
            status_name: self.status_name(condition),
            contact_id: condition.work.map(|work| work.id.to_string().as_str().into()),
            channel: condition.work.map(|work| model_channel(work.channel)),
            initiation: condition.work.map(|work| work.initiation.as_str().into()),
            queue_id: queue.as_ref().map(|(id, _)| id.clone()),
            queue_name: queue.map(|(_, name)| name),
            event_id: words.event_id,
            reason: words.reason,
        }
    }

    /// A personal queue has its agent's id and no name.
    fn queue(&self, via: Via) -> (pegboard_model::QueueId, Text) {
        match via {
            Via::Queue(queue) => {
                let card = self.organisation.queue(queue);
                (card.queue_id.clone(), card.name.clone())
            }
            Via::Personal(agent) => {
                (self.organisation.agent(agent).id.to_string().as_str().into(), Text::default())
            }
        }
    }

    fn status_name(&self, condition: &Condition) -> Text {
        condition.status.map_or_else(Text::default, |status| self.organisation.status(status).name.clone())
    }

    fn words(&self, condition: &Condition) -> Words {
        let status = self.status_name(condition);
        match condition.work {
            _ if condition.logout => Words { event_id: "LOGOUT".into(), reason: status },
            Some(work) => Words { event_id: contact_event_id(&work).into(), reason: status },
            None => Words { event_id: status, reason: Text::default() },
        }
    }
}

fn contact_event_id(work: &Work) -> String {
    [work.channel.as_str(), work.initiation.as_str(), work.state.as_str()].join("-")
}

/// The channel as the reports know it.
pub(super) fn model_channel(channel: Channel) -> pegboard_model::Channel {
    match channel {
        Channel::Voice => pegboard_model::Channel::Voice,
        Channel::Chat => pegboard_model::Channel::Chat,
        Channel::Task => pegboard_model::Channel::Task,
    }
}

/// The span, cut at every sign-in inside it.
fn pieces(
    timeline: &Timeline,
    start: Timestamp,
    end: Option<Timestamp>,
) -> Vec<(Timestamp, Option<Timestamp>)> {
    let inside = |at: &Timestamp| start < *at && end.is_none_or(|end| *at < end);
    let cuts: Vec<_> = timeline.sign_ins.iter().map(|sign_in| sign_in.at).filter(inside).collect();
    let starts = std::iter::once(start).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().map(Some).chain([end]);
    starts.zip(ends).collect()
}
