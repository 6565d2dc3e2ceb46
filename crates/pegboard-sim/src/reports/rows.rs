//! The rows of a report: what it states, and how that stands in its file.

use std::collections::BTreeMap;

use pegboard_model::{Text, Timestamp};

use super::Report;
use super::activity::Worked;
use super::contact::Contact;
use super::layout::{Column, Key, Layout};
use super::measure::{Basis, Measure};
use crate::events::Channel;
use crate::organisation::{AgentNo, Organisation, QueueNo};

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// In which report.
    pub report: Report,
    /// The name under which it is scheduled.
    pub name: Text,
    /// The first instant of the interval.
    pub start: Timestamp,
    /// The name of the queue, where the report has it.
    pub queue: Option<Text>,
    /// The name with which the agent signs in, where the report has it.
    pub agent: Option<Text>,
    /// The channel, where the report has it.
    pub channel: Option<&'static str>,
}

/// What a file states about something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedRow {
    /// About what.
    pub key: RowKey,
    /// The first instant after the interval.
    pub end: Timestamp,
    /// The figures, in the order of the columns.
    pub values: Vec<StatedValue>,
}

/// What stands in one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedValue {
    /// The label of the column in the file.
    pub label: String,
    /// What it is; nothing where it is no figure of the platform.
    pub measure: Option<Measure>,
    /// The value: a decimal number without zeros at its end, percentages without their sign, durations in seconds; or
    /// a text. Nothing where nothing is known.
    pub value: Option<String>,
}

/// By what rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    agent: Option<AgentNo>,
    queue: Option<QueueNo>,
    channel: Option<Channel>,
}

/// One interval of a report.
#[derive(Debug)]
pub(super) struct Interval<'a> {
    pub(super) report: Report,
    pub(super) name: &'a Text,
    pub(super) layout: &'a Layout,
    pub(super) organisation: &'a Organisation,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) contacts: Vec<&'a Contact>,
    pub(super) worked: BTreeMap<AgentNo, Worked>,
}

/// A row as text, and what it states.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) cells: Vec<String>,
    pub(super) states: StatedRow,
}

impl Interval<'_> {
    /// The rows of the interval. What was inactive has none.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut groups: BTreeMap<Group, Vec<&Contact>> = BTreeMap::new();
        for contact in &self.contacts {
            if let Some(group) = self.group_of(contact) {
                groups.entry(group).or_default().push(contact);
            }
        }
        for group in self.present() {
            groups.entry(group).or_default();
        }
        groups.iter().map(|(group, contacts)| self.line(*group, contacts)).collect()
    }

    fn group_of(&self, contact: &Contact) -> Option<Group> {
        let agent = contact.handled.as_ref().map(|handled| handled.agent);
        let channel = self.layout.has(Key::Channel).then_some(contact.channel);
        Some(match self.report {
            Report::Queue => Group { agent: None, queue: Some(contact.queue?), channel },
            Report::AgentQueue => Group { agent: Some(agent?), queue: Some(contact.queue?), channel },
            Report::Agent => Group { agent: Some(agent?), queue: None, channel: None },
        })
    }

    /// What has a row although no contact ended: whoever was there, and queues for which somebody was.
    fn present(&self) -> Vec<Group> {
        let bare = Group { agent: None, queue: None, channel: None };
        match self.report {
            Report::Agent => self.worked.keys().map(|agent| Group { agent: Some(*agent), ..bare }).collect(),
            Report::Queue if !self.layout.has(Key::Channel) => {
                let profiles = self.worked.values().map(|worked| worked.place.profile);
                let queues = profiles.flat_map(|profile| &self.organisation.profile(profile).queues);
                queues.map(|queue| Group { queue: Some(*queue), ..bare }).collect()
            }
            Report::Queue | Report::AgentQueue => Vec::new(),
        }
    }

    fn line(&self, group: Group, contacts: &[&Contact]) -> Line {
        let card = group.agent.map(|agent| self.organisation.agent(agent));
        let queue = group.queue.map(|queue| self.organisation.queue(queue).name.clone());
        let channel = group.channel.map(Channel::as_str);
        let worked = match self.report {
            Report::Agent => group.agent.and_then(|agent| self.worked.get(&agent)),
            Report::Queue | Report::AgentQueue => None,
        };
        let (mut cells, mut values) = (Vec::new(), Vec::new());
        for column in &self.layout.columns {
            let cell = match column {
                Column::Start => self.layout.time(self.start),
                Column::End => self.layout.time(self.end),
                Column::Key(Key::Queue) => queue.as_deref().unwrap_or_default().to_owned(),
                Column::Key(Key::Channel) => channel.unwrap_or_default().to_owned(),
                Column::Key(Key::Agent) => card.map_or("", |card| &*card.login).to_owned(),
                Column::Key(key @ (Key::FirstName | Key::LastName)) => {
                    let name = card.map_or("", |card| match key {
                        Key::FirstName => card.first_name,
                        _ => card.last_name,
                    });
                    values.push(said(key.label(), name));
                    name.to_owned()
                }
                Column::Figure { label, measure } => {
                    let figure = measure.figure(Basis { contacts, worked }, self.layout.places());
                    values.push(StatedValue {
                        label: label.clone(),
                        measure: Some(*measure),
                        value: figure.map(|figure| figure.to_string()),
                    });
                    self.layout.written(figure, measure.unit())
                }
                Column::Unknown(label) => {
                    let value = (contacts.len() % 10).to_string();
                    values.push(said(label, &value));
                    value
                }
            };
            cells.push(cell);
        }
        let agent = card.map(|card| card.login.clone());
        let name = self.name.clone();
        let key = RowKey { report: self.report, name, start: self.start, queue, agent, channel };
        Line { cells, states: StatedRow { key, end: self.end, values } }
    }
}

fn said(label: &str, value: &str) -> StatedValue {
    StatedValue { label: label.to_owned(), measure: None, value: Some(value.to_owned()) }
}
