//! Contact records.

use super::text::{json, put, put_id, put_id_or_null, put_plain, seconds, whole_seconds};
use super::{ACCOUNT, Writer};
use crate::events::{Channel, ContactRecordOut, Handling, Initiation, Leg};
use crate::organisation::Team;

impl Writer {
    /// Adds a contact record as one line of JSON, without a line end.
    pub fn write_contact_record(&self, record: &ContactRecordOut, out: &mut String) {
        let leg = &*record.leg;
        put(
            out,
            format_args!(
                r#"{{"AWSAccountId":"{ACCOUNT}","AWSContactTraceRecordFormatVersion":"2017-03-10","#
            ),
        );
        out.push_str(r#""Agent":"#);
        match &leg.handling {
            Some(handling) => self.put_agent(leg, handling, out),
            None => out.push_str("null"),
        }
        put(out, format_args!(r#","AgentConnectionAttempts":{}"#, leg.attempts));
        out.push_str(r#","AnsweringMachineDetectionStatus":null,"Attributes":"#);
        put_attributes(record, out);
        out.push_str(r#","Campaign":{"CampaignId":null},"Channel":"#);
        put_plain(out, leg.channel.as_str());
        put(out, format_args!(r#","ConnectedToSystemTimestamp":{}"#, seconds(Some(leg.initiated))));
        out.push_str(r#","ContactDetails":{},"ContactId":"#);
        put_id(out, leg.id);
        out.push_str(r#","CustomerEndpoint":"#);
        put_customer(leg, out);
        put(out, format_args!(r#","DisconnectReason":"{}""#, leg.reason));
        put(out, format_args!(r#","DisconnectTimestamp":{},"InitialContactId":"#, seconds(leg.disconnected)));
        put_id_or_null(out, leg.initial);
        put(out, format_args!(r#","InitiationMethod":"{}""#, leg.initiation.as_str()));
        put(out, format_args!(r#","InitiationTimestamp":{},"InstanceARN":"#, seconds(Some(leg.initiated))));
        put_plain(out, &self.instance_arn);
        put(out, format_args!(r#","LastUpdateTimestamp":{}"#, seconds(Some(record.updated))));
        out.push_str(r#","MediaStreams":[{"Type":"AUDIO"}],"NextContactId":"#);
        put_id_or_null(out, leg.next);
        out.push_str(r#","PreviousContactId":"#);
        put_id_or_null(out, leg.previous);
        out.push_str(r#","Queue":"#);
        self.put_queue(leg, out);
        out.push_str(r#","Recording":null,"Recordings":null,"References":[],"RelatedContactId":null,"#);
        out.push_str(r#""ScheduledTimestamp":null,"SystemEndpoint":"#);
        put_system(leg, out);
        let pause = leg.handling.as_ref().filter(|_| leg.channel == Channel::Task);
        let (pauses, paused) = pause.map_or((0, 0), |work| (work.pauses, whole_seconds(work.pause)));
        put(out, format_args!(r#","TotalPauseCount":{pauses},"TotalPauseDurationInSeconds":{paused}"#));
        put(out, format_args!(r#","TransferCompletedTimestamp":{}"#, seconds(leg.transfer_completed)));
        out.push_str(r#","TransferredToEndpoint":"#);
        put_phone(leg.transferred_to, out);
        out.push_str(r#","VoiceIdResult":null}"#);
    }

    fn put_agent(&self, leg: &Leg, handling: &Handling, out: &mut String) {
        let card = self.organisation.agent(handling.agent);
        let acw =
            handling.acw_start.zip(handling.acw_end).map(|(start, end)| whole_seconds(end.since(start)));
        let acw = acw.map_or_else(|| "null".to_owned(), |acw| acw.to_string());
        out.push_str(r#"{"ARN":"#);
        put_plain(out, &self.agent_arn(handling.agent));
        put(out, format_args!(r#","AfterContactWorkDuration":{acw}"#));
        put(out, format_args!(r#","AfterContactWorkEndTimestamp":{}"#, seconds(handling.acw_end)));
        put(out, format_args!(r#","AfterContactWorkStartTimestamp":{}"#, seconds(handling.acw_start)));
        put(out, format_args!(r#","AgentInteractionDuration":{}"#, whole_seconds(handling.talk)));
        put(out, format_args!(r#","AgentPauseDuration":{}"#, whole_seconds(handling.pause)));
        put(out, format_args!(r#","ConnectedToAgentTimestamp":{}"#, seconds(handling.connected)));
        put(
            out,
            format_args!(r#","CustomerHoldDuration":{},"HierarchyGroups":"#, whole_seconds(handling.hold)),
        );
        self.put_groups(self.organisation.team(handling.team), out);
        put(out, format_args!(r#","LongestHoldDuration":{}"#, whole_seconds(handling.longest_hold)));
        put(out, format_args!(r#","NumberOfHolds":{},"RoutingProfile":{{"ARN":"#, handling.holds));
        let profile = self.organisation.profile(handling.profile);
        put_plain(out, &self.arn("routing-profile", profile.id));
        put(out, format_args!(r#","Name":{}}},"StateTransitions":"#, json(&profile.name)));
        if leg.initiation == Initiation::Monitor {
            let (start, end) = (seconds(handling.connected), seconds(leg.disconnected));
            put(
                out,
                format_args!(
                    r#"[{{"state":"SILENT_MONITOR","stateEndTimestamp":{end},"stateStartTimestamp":{start}}}]"#
                ),
            );
        } else {
            out.push_str("null");
        }
        out.push_str(r#","Username":"#);
        put_plain(out, &card.login);
        out.push('}');
    }

    fn put_groups(&self, team: &Team, out: &mut String) {
        out.push('{');
        for (index, group) in team.levels.iter().enumerate() {
            let (arn, name) = (self.arn("agent-group", group.id), json(&group.name));
            put(out, format_args!(r#""Level{}":{{"ARN":"{arn}","GroupName":{name}}},"#, index + 1));
        }
        out.push_str(r#""Level4":null,"Level5":null}"#);
    }

    fn put_queue(&self, leg: &Leg, out: &mut String) {
        let Some((arn, name)) = leg.via.map(|via| self.queue_arn_and_name(via)) else {
            return out.push_str("null");
        };
        let waited = leg.enqueued.zip(leg.dequeued).map_or(0, |(from, to)| whole_seconds(to.since(from)));
        put(out, format_args!(r#"{{"ARN":"{arn}","DequeueTimestamp":{}"#, seconds(leg.dequeued)));
        put(out, format_args!(r#","Duration":{waited},"EnqueueTimestamp":{}"#, seconds(leg.enqueued)));
        put(out, format_args!(r#","Name":{name}}}"#));
    }
}

/// What the flow noted down. In some contacts a text looks like the seam between two records, and with each
/// edition something is added.
fn put_attributes(record: &ContactRecordOut, out: &mut String) {
    let [first, second, ..] = record.leg.id.0;
    put(out, format_args!(r#"{{"language":"en","menu":"{}""#, first % 9 + 1));
    if second % 16 == 0 {
        out.push_str(r#","basket":"{\"items\":1}{\"items\":2}""#);
    }
    for edition in 1..=record.edition {
        put(out, format_args!(r#","survey_answer_{edition}":"{}""#, second % 5 + 1));
    }
    out.push('}');
}

fn put_customer(leg: &Leg, out: &mut String) {
    put_phone((leg.channel == Channel::Voice).then_some(leg.customer), out);
}

/// The number that was called; transfers, callbacks and listeners have none.
fn put_system(leg: &Leg, out: &mut String) {
    let has_one = matches!(leg.initiation, Initiation::Inbound | Initiation::Outbound | Initiation::Transfer);
    put_phone((leg.channel == Channel::Voice && has_one).then_some(100), out);
}

/// A telephone number from the range that is kept for fiction.
fn put_phone(last_digits: Option<u16>, out: &mut String) {
    match last_digits {
        Some(digits) => {
            put(out, format_args!(r#"{{"Address":"+1202555{digits:04}","Type":"TELEPHONE_NUMBER"}}"#));
        }
        None => out.push_str("null"),
    }
}
