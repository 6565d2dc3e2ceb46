//! Agent events.

use pegboard_model::StatusKind;

use super::text::{json, put, put_id, put_id_or_null, put_millis, put_millis_or_null, put_plain};
use super::{ACCOUNT, Writer, arn};
use crate::events::{AgentEventRecord, AgentView, ContactView, Initiation};
use crate::organisation::{AgentNo, Organisation, RoutingProfile, Team};

/// The parts of an event that are the same again and again, ready to be copied.
#[derive(Debug)]
pub(super) struct Fragments {
    /// `{"Level1":...}` of each team.
    groups: Vec<String>,
    /// Each routing profile up to the list of channels.
    profile_heads: Vec<String>,
    /// Each routing profile from the list of channels to that of queues.
    profile_middles: Vec<String>,
    /// Each routing profile from the first queue on that is not the agent's own.
    profile_tails: Vec<String>,
    /// The start of each status.
    statuses: Vec<String>,
}

impl Fragments {
    pub(super) fn prepare(organisation: &Organisation, instance: &str) -> Self {
        let queue = |number: crate::organisation::QueueNo| {
            let card = organisation.queue(number);
            let channels = if card.digital { r#""VOICE","CHAT","TASK""# } else { r#""VOICE""# };
            let (arn, name) = (arn(instance, "queue", card.id), json(&card.name));
            format!(r#"{{"ARN":"{arn}","Channels":[{channels}],"Name":{name}}}"#)
        };
        let head = |profile: &RoutingProfile| {
            format!(
                r#""RoutingProfile":{{"ARN":"{}","Concurrency":["#,
                arn(instance, "routing-profile", profile.id)
            )
        };
        let middle = |profile: &RoutingProfile| {
            format!(r#"],"DefaultOutboundQueue":{},"InboundQueues":["#, queue(profile.outbound))
        };
        let tail = |profile: &RoutingProfile| {
            let queues =
                profile.queues.iter().fold(String::new(), |text, number| text + "," + &queue(*number));
            format!(r#"{queues}],"Name":{}}}"#, json(&profile.name))
        };
        let statuses = organisation.statuses.iter().map(|status| {
            let (arn, name) = (arn(instance, "agent-state", status.id), json(&status.name));
            format!(r#"{{"ARN":"{arn}","Name":{name}"#)
        });
        Self {
            groups: organisation.teams.iter().map(|team| groups(team, instance)).collect(),
            profile_heads: organisation.profiles.iter().map(head).collect(),
            profile_middles: organisation.profiles.iter().map(middle).collect(),
            profile_tails: organisation.profiles.iter().map(tail).collect(),
            statuses: statuses.collect(),
        }
    }
}

fn groups(team: &Team, instance: &str) -> String {
    let mut out = String::from("{");
    for (index, group) in team.levels.iter().enumerate() {
        let (arn, name) = (arn(instance, "agent-group", group.id), json(&group.name));
        put(&mut out, format_args!(r#""Level{}":{{"ARN":"{arn}","Name":{name}}},"#, index + 1));
    }
    out + r#""Level4":null,"Level5":null}"#
}

const fn type_of(kind: StatusKind) -> &'static str {
    match kind {
        StatusKind::Routable => "ROUTABLE",
        StatusKind::Aux => "CUSTOM",
        StatusKind::Offline => "OFFLINE",
    }
}

impl Writer {
    /// Adds an agent event as one line of JSON, without a line end.
    pub fn write_agent_event(&self, event: &AgentEventRecord, out: &mut String) {
        put(out, format_args!(r#"{{"AWSAccountId":"{ACCOUNT}","AgentARN":"#));
        put_plain(out, &self.agent_arn(event.agent));
        out.push_str(r#","CurrentAgentSnapshot":"#);
        let snapshot_start = out.len();
        self.put_view(event.agent, &event.current, out);
        let snapshot_end = out.len();
        out.push_str(r#","EventId":"#);
        put_id(out, event.id);
        out.push_str(r#","EventTimestamp":"#);
        put_millis(out, event.at);
        out.push_str(r#","EventType":"#);
        put_plain(out, event.kind.as_str());
        out.push_str(r#","InstanceARN":"#);
        put_plain(out, &self.instance_arn);
        out.push_str(r#","PreviousAgentSnapshot":"#);
        match &event.previous {
            Some(previous) if std::sync::Arc::ptr_eq(previous, &event.current) => {
                out.extend_from_within(snapshot_start..snapshot_end);
            }
            Some(previous) => self.put_view(event.agent, previous, out),
            None => out.push_str("null"),
        }
        out.push_str(r#","Version":"2017-10-01"}"#);
    }

    fn put_view(&self, agent: AgentNo, view: &AgentView, out: &mut String) {
        out.push_str(r#"{"AgentStatus":"#);
        out.push_str(&self.fragments.statuses[view.status.0]);
        out.push_str(r#","StartTimestamp":"#);
        put_millis(out, view.status_since);
        out.push_str(r#","Type":"#);
        put_plain(out, type_of(self.organisation.status(view.status).kind));
        out.push_str(r#"},"Configuration":"#);
        self.put_configuration(agent, view, out);
        out.push_str(r#","Contacts":["#);
        for (index, contact) in view.contacts.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.put_contact(contact, out);
        }
        out.push_str(r#"],"NextAgentStatus":"#);
        match view.next {
            None => out.push_str("null"),
            Some(next) => {
                out.push_str(&self.fragments.statuses[next.status.0]);
                out.push_str(r#","EnqueuedTimestamp":"#);
                put_millis(out, next.chosen);
                out.push('}');
            }
        }
        out.push('}');
    }

    fn put_configuration(&self, agent: AgentNo, view: &AgentView, out: &mut String) {
        let card = self.organisation.agent(agent);
        out.push_str(r#"{"AgentHierarchyGroups":"#);
        out.push_str(&self.fragments.groups[view.team.0]);
        out.push_str(r#","FirstName":"#);
        put_plain(out, card.first_name);
        out.push_str(r#","LastName":"#);
        put_plain(out, card.last_name);
        out.push(',');
        out.push_str(&self.fragments.profile_heads[view.profile.0]);
        self.put_concurrency(view, out);
        out.push_str(&self.fragments.profile_middles[view.profile.0]);
        out.push_str(r#"{"ARN":"#);
        put_plain(out, &self.personal_queue_arn(agent));
        out.push_str(r#","Channels":["VOICE","TASK"],"Name":null}"#);
        out.push_str(&self.fragments.profile_tails[view.profile.0]);
        out.push_str(r#","Username":"#);
        put_plain(out, &card.login);
        out.push('}');
    }

    fn put_concurrency(&self, view: &AgentView, out: &mut String) {
        for (index, (channel, slots)) in
            self.organisation.profile(view.profile).concurrency().iter().enumerate()
        {
            let takes = |contact: &&ContactView| {
                contact.channel == *channel && contact.initiation != Initiation::Monitor
            };
            let free = slots.saturating_sub(view.contacts.iter().filter(takes).count());
            let comma = if index > 0 { "," } else { "" };
            let channel = channel.as_str();
            put(
                out,
                format_args!(
                    r#"{comma}{{"AvailableSlots":{free},"Channel":"{channel}","MaximumSlots":{slots}}}"#
                ),
            );
        }
    }

    fn put_contact(&self, contact: &ContactView, out: &mut String) {
        out.push_str(r#"{"Channel":"#);
        put_plain(out, contact.channel.as_str());
        out.push_str(r#","ConnectedToAgentTimestamp":"#);
        put_millis_or_null(out, contact.connected);
        out.push_str(r#","ContactId":"#);
        put_id(out, contact.id);
        out.push_str(r#","InitialContactId":"#);
        put_id_or_null(out, contact.initial);
        out.push_str(r#","InitiationMethod":"#);
        put_plain(out, contact.initiation.as_str());
        out.push_str(r#","Queue":"#);
        match contact.via.map(|via| self.queue_arn_and_name(via)) {
            Some((arn, name)) => put(out, format_args!(r#"{{"ARN":"{arn}","Name":{name}}}"#)),
            None => out.push_str("null"),
        }
        out.push_str(r#","QueueTimestamp":"#);
        put_millis_or_null(out, contact.queued);
        out.push_str(r#","State":"#);
        put_plain(out, contact.state.as_str());
        out.push_str(r#","StateStartTimestamp":"#);
        put_millis(out, contact.told_since);
        out.push('}');
    }
}
