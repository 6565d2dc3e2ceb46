//! `GetMetricDataV2` over a simulated centre.
//!
//! From the service model of the API, version `2017-08-08`, and its documentation: what is required, which limits a request
//! keeps, what can be grouped by what, and that a figure may be 0, unknown or not there at all. Where they leave something
//! open this is a reading of them: times lie on the quarter of an hour, results are in the order of time, an ARN stands
//! beside each id, and days are those of UTC.

use std::collections::BTreeMap;

use pegboard_model::{Fixed, Millis, Timestamp};
use serde_json::{Map, Value, json};

use super::amazon_connect::{Refusal, invalid};
use super::metric_request::{Dimension, Filter, Metric, Query};
use crate::events::ContactRecordOut;
use crate::organisation::{AgentNo, Organisation, ProfileNo, QueueNo, TeamNo};
use crate::reports::{Activity, Basis, Contact, Worked, piece_of};
use crate::world::Change;

/// What happened, as far as the statistics know.
#[derive(Debug)]
pub(super) struct History {
    activity: Activity,
    contacts: BTreeMap<Timestamp, Vec<Contact>>,
}

/// What a result is about, by the dimensions of the request.
type Group = Vec<String>;

/// What there is of a group in an interval.
#[derive(Default)]
struct Found<'a> {
    contacts: Vec<&'a Contact>,
    worked: Option<Worked>,
}

impl History {
    pub(super) const fn new() -> Self {
        Self { activity: Activity::new(), contacts: BTreeMap::new() }
    }

    /// Takes in what has happened up to `until`, everything since the last time.
    pub(super) fn learn(
        &mut self,
        changes: &[Change],
        records: &[ContactRecordOut],
        until: Timestamp,
        organisation: &Organisation,
    ) {
        for change in changes {
            self.activity.observe(change, organisation);
        }
        for record in records.iter().filter(|record| record.edition == 0) {
            if let Some(contact) = Contact::of(record, record.delivered) {
                self.contacts.entry(piece_of(contact.disconnected)).or_default().push(contact);
            }
        }
        self.activity.settle(until);
    }

    /// Every result of a request, in order.
    pub(super) fn results(&self, query: &Query, place: &Place<'_>, now: Timestamp) -> Vec<Value> {
        let mut results = Vec::new();
        let mut start = query.start;
        while start < query.end {
            let end = query.length.map_or(query.end, |length| (start + length).min(query.end));
            for (group, found) in self.found(query, place, (start, end), now) {
                results.push(result(query, place, (start, end), &group, &found));
            }
            start = end;
        }
        results
    }

    fn found(
        &self,
        query: &Query,
        place: &Place<'_>,
        (start, end): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> BTreeMap<Group, Found<'_>> {
        let mut groups: BTreeMap<Group, Found<'_>> = BTreeMap::new();
        let contacts = self.contacts.range(start..end).flat_map(|(_, contacts)| contacts);
        for contact in contacts.filter(|contact| contact.known <= now) {
            if let Some(group) = place.group(query, &Subject::of_contact(contact)) {
                groups.entry(group).or_default().contacts.push(contact);
            }
        }
        if query.is_of_agents() {
            for (agent, worked) in self.activity.between(start, end) {
                if let Some(group) = place.group(query, &Subject::of_agent(agent, &worked)) {
                    let found = groups.entry(group).or_default();
                    match &mut found.worked {
                        Some(sum) => sum.add(&worked),
                        None => found.worked = Some(worked),
                    }
                }
            }
        }
        groups
    }
}

/// What has dimensions: a contact, or an agent's time.
struct Subject {
    agent: Option<AgentNo>,
    queue: Option<QueueNo>,
    profile: Option<ProfileNo>,
    team: Option<TeamNo>,
    channel: Option<&'static str>,
    initiation: Option<&'static str>,
}

impl Subject {
    fn of_contact(contact: &Contact) -> Self {
        let handled = contact.handled.as_ref();
        Self {
            agent: handled.map(|handled| handled.agent),
            queue: contact.queue,
            profile: handled.map(|handled| handled.profile),
            team: handled.map(|handled| handled.team),
            channel: Some(contact.channel.as_str()),
            initiation: Some(contact.initiation.as_str()),
        }
    }

    const fn of_agent(agent: AgentNo, worked: &Worked) -> Self {
        Self {
            agent: Some(agent),
            queue: None,
            profile: Some(worked.place.profile),
            team: Some(worked.place.team),
            channel: None,
            initiation: None,
        }
    }
}

/// The centre that is asked about.
pub(super) struct Place<'a> {
    pub(super) organisation: &'a Organisation,
    pub(super) instance_arn: String,
}

impl Place<'_> {
    /// The group of something, unless a filter leaves it out or it has no place in the groups.
    fn group(&self, query: &Query, subject: &Subject) -> Option<Group> {
        let fits = |filter: &Filter| {
            self.value(filter.dimension, subject).is_some_and(|value| filter.values.contains(&value))
        };
        if !query.filters.iter().all(fits) {
            return None;
        }
        query.groupings.iter().map(|dimension| self.value(*dimension, subject)).collect()
    }

    fn value(&self, dimension: Dimension, subject: &Subject) -> Option<String> {
        let organisation = self.organisation;
        Some(match dimension {
            Dimension::Agent => organisation.agent(subject.agent?).id.to_string(),
            Dimension::Queue => organisation.queue(subject.queue?).id.to_string(),
            Dimension::RoutingProfile => organisation.profile(subject.profile?).id.to_string(),
            Dimension::Level(level) => organisation.team(subject.team?).levels.get(level)?.id.to_string(),
            Dimension::Channel => subject.channel?.to_owned(),
            Dimension::Initiation => subject.initiation?.to_owned(),
        })
    }
}

fn result(
    query: &Query,
    place: &Place<'_>,
    (start, end): (Timestamp, Timestamp),
    group: &Group,
    found: &Found<'_>,
) -> Value {
    let mut dimensions = Map::new();
    for (dimension, value) in query.groupings.iter().zip(group) {
        let name = dimension.name();
        dimensions.insert(name.to_owned(), value.as_str().into());
        if let Some(kind) = dimension.kind_of_arn() {
            let arn = format!("{}/{kind}/{value}", place.instance_arn);
            dimensions.insert(format!("{name}_ARN"), arn.into());
        }
    }
    let collections: Vec<_> = query.metrics.iter().map(|metric| collection(metric, found)).collect();
    json!({
        "Dimensions": dimensions,
        "MetricInterval": { "Interval": query.period, "StartTime": seconds(start), "EndTime": seconds(end) },
        "Collections": collections,
    })
}

fn collection(metric: &Metric, found: &Found<'_>) -> Value {
    let contacts: Vec<&Contact> = found
        .contacts
        .iter()
        .copied()
        .filter(|contact| metric.filters.iter().all(|filter| filter.fits(contact)))
        .collect();
    let figure = metric.measure.figure(Basis { contacts: &contacts, worked: found.worked.as_ref() }, 3);
    json!({ "Metric": metric.told, "Value": figure.map(number) })
}

/// Figures are doubles.
fn number(figure: Fixed) -> f64 {
    figure.to_string().parse().expect("a decimal number is one")
}

/// Times are seconds.
fn seconds(at: Timestamp) -> Value {
    at.since(Timestamp::from_millis(0)).get().div_euclid(1000).into()
}

/// Refuses times that the model or its documentation does not allow.
pub(super) fn check_times(query: &Query, now: Timestamp) -> Result<(), Refusal> {
    const HISTORY: Millis = Millis::from_hours(24 * 92);
    let aligned = |at: Timestamp| piece_of(at) == at;
    let length = query.end.since(query.start);
    let faults = [
        (query.start >= query.end, "StartTime must be before EndTime"),
        (query.end > now, "EndTime cannot be later than the current time"),
        (query.start < now - HISTORY, "metrics are available for three months"),
        (length >= query.longest(), "the time range is too long for the interval period"),
        (!aligned(query.start) || !aligned(query.end), "times must lie on the quarter of an hour"),
    ];
    match faults.iter().find(|(is_there, _)| *is_there) {
        Some((_, fault)) => Err(invalid(*fault)),
        None => Ok(()),
    }
}
