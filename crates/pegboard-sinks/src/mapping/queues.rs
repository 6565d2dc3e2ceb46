//! Queues: what an ACD calls them, what a WFM does.

use std::collections::{BTreeMap, HashMap};

use pegboard_model::report::QueueInterval;
use pegboard_model::{Channel, Direction, QueueId, SourceName, Text, Timestamp};

use super::{Mapping, Rows, Scope, same_name};

/// A queue of the WFM.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WfmQueue {
    /// Its id.
    pub id: Text,
    /// Its name.
    pub name: Text,
}

/// One row: contacts of this ACD queue are of that WFM queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRow {
    /// The ACD queue, by its id, or by its name whatever the case. Empty for contacts that were in none.
    pub queue: Text,
    /// Only contacts of this channel.
    pub channel: Option<Channel>,
    /// Only contacts of this direction.
    pub direction: Option<Direction>,
    /// For which source, and from when on.
    pub scope: Scope,
    /// The WFM queue. Several rows may name one.
    pub to: WfmQueue,
}

/// All rows, found by id or name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueMapping(Rows<QueueRow>);

/// How much a row says of a queue.
type Weight = (bool, bool, bool, (bool, Option<Timestamp>));

/// What the contacts of a row of a report were in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AcdQueue<'a> {
    pub(crate) source: &'a SourceName,
    pub(crate) id: &'a QueueId,
    pub(crate) name: &'a Text,
    pub(crate) channel: &'a Channel,
    pub(crate) direction: Direction,
}

/// What a queue is for: a queue of a WFM has one medium and one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueKind {
    /// The source.
    pub source: SourceName,
    /// The ACD's queue.
    pub queue: QueueId,
    /// Its channel.
    pub channel: Channel,
    /// Its direction.
    pub direction: Direction,
}

impl QueueKind {
    /// What most of the contacts of each queue were, by source and queue. Of equals inbound comes before outbound, then voice, chat,
    /// task and e-mail.
    pub fn of_most(queues: &[QueueInterval]) -> Vec<Self> {
        let mut offered: BTreeMap<_, u64> = BTreeMap::new();
        for row in queues {
            let kind = (row.direction == Direction::Outbound, rank(&row.channel), &row.channel);
            *offered.entry((&row.source, &row.queue_id, kind)).or_default() += row.offered;
        }
        let mut kinds: Vec<(u64, Self)> = Vec::new();
        for ((source, queue, (is_outbound, _, channel)), offered) in offered {
            let direction = if is_outbound { Direction::Outbound } else { Direction::Inbound };
            let kind =
                Self { source: source.clone(), queue: queue.clone(), channel: channel.clone(), direction };
            match kinds.last_mut() {
                Some((most, known)) if (&known.source, &known.queue) == (source, queue) => {
                    if offered > *most {
                        (*most, *known) = (offered, kind);
                    }
                }
                _ => kinds.push((offered, kind)),
            }
        }
        kinds.into_iter().map(|(_, kind)| kind).collect()
    }
}

/// What each queue is for, found by the queue.
#[derive(Debug, Default)]
pub(crate) struct MainKinds<'a>(HashMap<(&'a SourceName, &'a QueueId), (Direction, &'a Channel)>);

impl<'a> MainKinds<'a> {
    pub(crate) fn of(kinds: &'a [QueueKind]) -> Self {
        Self(
            kinds.iter().map(|kind| ((&kind.source, &kind.queue), (kind.direction, &kind.channel))).collect(),
        )
    }

    fn is_main(&self, queue: AcdQueue<'_>) -> bool {
        self.0.get(&(queue.source, queue.id)).is_none_or(|kind| *kind == (queue.direction, queue.channel))
    }
}

fn rank(channel: &Channel) -> u8 {
    match channel {
        Channel::Voice => 0,
        Channel::Chat => 1,
        Channel::Task => 2,
        Channel::Email => 3,
        Channel::Other(_) => 4,
    }
}

impl Mapping {
    /// The WFM's queue, and whether a row names it. Without a row it is the ACD's own, or, for what is not its main kind, a
    /// virtual one named `<queue>-<channel>-<direction>`. Nothing for contacts that were in no queue, and that no row names.
    pub(crate) fn queue(
        &self,
        queue: AcdQueue<'_>,
        main: &MainKinds<'_>,
        at: Timestamp,
    ) -> (Option<WfmQueue>, bool) {
        if let Some(row) = self.queues.find(queue, at) {
            let name = if row.to.name.is_empty() { &row.to.id } else { &row.to.name };
            return (Some(WfmQueue { id: row.to.id.clone(), name: name.clone() }), true);
        }
        if queue.id.as_str().is_empty() {
            return (None, false);
        }
        let own = self.prefixed(queue.source, queue.id.as_str());
        let name = if queue.name.is_empty() { &own } else { queue.name };
        if main.is_main(queue) {
            return (Some(WfmQueue { id: own.clone(), name: name.clone() }), false);
        }
        let kind = format!("{}-{}", queue.channel.as_str().to_lowercase(), queue.direction.as_str());
        let id = format!("{own}-{kind}").into();
        (Some(WfmQueue { id, name: format!("{name}-{kind}").into() }), false)
    }
}

impl QueueMapping {
    /// The mapping of these rows.
    pub fn new(rows: Vec<QueueRow>) -> Self {
        Self(Rows::new(rows, |row| &row.queue))
    }

    /// In the order of the table.
    pub fn rows(&self) -> &[QueueRow] {
        self.0.all()
    }

    pub(super) fn find(&self, queue: AcdQueue<'_>, at: Timestamp) -> Option<&QueueRow> {
        let fitting =
            self.0.named([queue.id.as_str(), queue.name]).filter(|row| row.scope.holds(queue.source, at));
        let weighed = fitting.filter_map(|row| Some((row.weight(queue)?, row)));
        weighed.max_by_key(|(weight, _)| *weight).map(|(_, row)| row)
    }
}

impl QueueRow {
    /// How much the row says of the queue: the id before the name, and the kind before none.
    fn weight(&self, queue: AcdQueue<'_>) -> Option<Weight> {
        let by_id = *self.queue == *queue.id.as_str();
        let fits = (by_id || (!self.queue.is_empty() && same_name(&self.queue, queue.name)))
            && self.channel.as_ref().is_none_or(|channel| channel == queue.channel)
            && self.direction.is_none_or(|direction| direction == queue.direction);
        fits.then_some((by_id, self.channel.is_some(), self.direction.is_some(), self.scope.weight()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(queue: &str, channel: Option<Channel>, to: &str) -> QueueRow {
        let to = WfmQueue { id: to.into(), name: "".into() };
        QueueRow { queue: queue.into(), channel, direction: None, scope: Scope::default(), to }
    }

    fn id(
        mapping: &Mapping,
        id: &str,
        name: &str,
        channel: &Channel,
        direction: Direction,
    ) -> Option<String> {
        let (source, id, name): (SourceName, QueueId, Text) = ("acme".into(), id.into(), name.into());
        let queue = AcdQueue { source: &source, id: &id, name: &name, channel, direction };
        let voice = Channel::Voice;
        let main = MainKinds([((&source, &id), (Direction::Inbound, &voice))].into());
        mapping.queue(queue, &main, Timestamp::default()).0.map(|queue| queue.id.to_string())
    }

    #[test]
    fn an_unmapped_queue_keeps_its_id_and_what_is_not_its_main_kind_is_a_queue_of_its_own() {
        let mut mapping = Mapping::default();
        let of = |mapping: &Mapping, channel, direction| id(mapping, "q-1", "Billing", &channel, direction);
        assert_eq!(of(&mapping, Channel::Voice, Direction::Inbound).as_deref(), Some("q-1"));
        assert_eq!(of(&mapping, Channel::Chat, Direction::Inbound).as_deref(), Some("q-1-chat-inbound"));
        mapping.prefixes.insert("acme".into(), "emea-".into());
        assert_eq!(
            of(&mapping, Channel::Voice, Direction::Outbound).as_deref(),
            Some("emea-q-1-voice-outbound")
        );
        assert_eq!(id(&mapping, "", "", &Channel::Voice, Direction::Outbound), None, "it was in no queue");
    }

    #[test]
    fn a_queue_is_for_what_most_of_its_contacts_were() {
        let row = |queue: &str, channel: Channel, direction, offered| QueueInterval {
            channel,
            direction,
            offered,
            ..crate::test_data::queue(queue)
        };
        let rows = [
            row("chats", Channel::Voice, Direction::Inbound, 1),
            row("chats", Channel::Chat, Direction::Inbound, 3),
            row("chats", Channel::Voice, Direction::Inbound, 1),
            row("even", Channel::Chat, Direction::Inbound, 2),
            row("even", Channel::Voice, Direction::Outbound, 2),
            row("even", Channel::Voice, Direction::Inbound, 2),
        ];
        let kinds = QueueKind::of_most(&rows);
        let shown: Vec<_> =
            kinds.iter().map(|kind| (kind.queue.as_str(), kind.channel.as_str(), kind.direction)).collect();
        let expected = [("chats", "CHAT", Direction::Inbound), ("even", "VOICE", Direction::Inbound)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_row_that_says_most_wins() {
        let rows = vec![
            row("billing", None, "by name"),
            row("q-1", None, "by id"),
            row("q-1", Some(Channel::Chat), "by id and channel"),
            row("", None, "no queue"),
        ];
        let mapping = Mapping { queues: QueueMapping::new(rows), ..Mapping::default() };
        let of = |queue, channel| id(&mapping, queue, "Billing", &channel, Direction::Inbound).unwrap();
        assert_eq!(of("q-1", Channel::Voice), "by id");
        assert_eq!(of("q-1", Channel::Chat), "by id and channel");
        assert_eq!(of("q-2", Channel::Voice), "by name");
        assert_eq!(id(&mapping, "", "", &Channel::Voice, Direction::Outbound).unwrap(), "no queue");
    }
}
