//! What queues and agents are called: the names of queues over time, and who is meant by a name.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pegboard_model::acd::Known;
use pegboard_model::{AgentId, AgentNow, ContactLeg, Millis, QueueId, SourceName, Text, Timestamp};
use pegboard_store::{QueueName, Store, StoreError};

/// How much later a name has to be seen again for that to be written down.
const SEEN_EVERY: Millis = Millis::from_hours(1);

/// How many names of queues are kept of one source; further ones are not.
const MOST_NAMES: usize = 20_000;

/// The longest name of a queue that is kept, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// From when to when a queue was seen under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: Timestamp,
    last: Timestamp,
}

/// A queue that is called otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The queue.
    pub queue: QueueId,
    /// What it was called.
    pub before: Text,
    /// What it is called.
    pub now: Text,
    /// Since when, as far as was seen.
    pub at: Timestamp,
}

/// The names of the queues of a source, over time.
#[derive(Debug, Default, Clone)]
struct Spans {
    queues: BTreeMap<QueueId, BTreeMap<Text, Span>>,
    count: usize,
}

impl Spans {
    fn of(stored: &[QueueName]) -> Self {
        let mut spans = Self::default();
        for seen in stored {
            spans.widen(seen);
        }
        spans
    }

    fn widen(&mut self, seen: &QueueName) {
        let names = self.queues.entry(seen.queue.clone()).or_default();
        let span = names.entry(seen.name.clone()).or_insert_with(|| {
            self.count += 1;
            Span { first: seen.first_seen, last: seen.last_seen }
        });
        span.first = span.first.min(seen.first_seen);
        span.last = span.last.max(seen.last_seen);
    }

    /// Whether it is worth a write that a queue was called so at an instant.
    fn is_news(&self, queue: &QueueId, name: &Text, at: Timestamp) -> bool {
        let Some(names) = self.queues.get(queue) else { return self.count < MOST_NAMES };
        let Some(span) = names.get(name) else { return self.count < MOST_NAMES };
        let is_newest = names.values().all(|other| other.last <= span.last);
        at < span.first || at >= span.last + SEEN_EVERY || (at > span.last && !is_newest)
    }

    /// The names of a queue, the one that was seen last first.
    fn newest_first(&self, queue: &QueueId) -> Vec<(&Text, Span)> {
        let names = self.queues.get(queue).into_iter().flatten();
        let mut names: Vec<_> = names.map(|(name, span)| (name, *span)).collect();
        names.sort_by_key(|(_, span)| std::cmp::Reverse((span.last, span.first)));
        names
    }

    fn renames(&self) -> Vec<Rename> {
        let rename = |queue: &QueueId| match &self.newest_first(queue)[..] {
            [(now, is), (before, was), ..] => Some(Rename {
                queue: queue.clone(),
                before: (*before).clone(),
                now: (*now).clone(),
                at: is.first.max(was.last),
            }),
            _ => None,
        };
        let mut renames: Vec<Rename> = self.queues.keys().filter_map(rename).collect();
        renames.sort_by_key(|rename| std::cmp::Reverse(rename.at));
        renames
    }
}

/// The names of the queues of a source, as its batches tell them.
#[derive(Debug, Default)]
pub struct QueueNames {
    spans: Mutex<Spans>,
}

impl QueueNames {
    /// Those that are stored.
    pub fn of(stored: &[QueueName]) -> Self {
        Self { spans: Mutex::new(Spans::of(stored)) }
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a batch tells of names and is not known yet.
    pub fn news<'a>(
        &self,
        contacts: impl Iterator<Item = &'a ContactLeg>,
        states: impl Iterator<Item = &'a AgentNow>,
    ) -> Vec<QueueName> {
        let of_contacts = contacts.filter_map(|leg| {
            let stay = leg.queue.as_ref().filter(|stay| !stay.queue.personal)?;
            Some((&stay.queue.id, &stay.queue.name, leg.disconnected.or(stay.entered)?))
        });
        let of_states =
            states.filter_map(|now| Some((now.queue_id.as_ref()?, now.queue_name.as_ref()?, now.since)));
        let spans = self.spans();
        let mut news = Spans::default();
        for (queue, name, at) in of_contacts.chain(of_states) {
            let is_name = !name.is_empty() && name.len() <= MAX_NAME_BYTES;
            if is_name && spans.is_news(queue, name, at) && spans.count + news.count <= MOST_NAMES {
                let (queue, name) = (queue.clone(), name.clone());
                news.widen(&QueueName { queue, name, first_seen: at, last_seen: at });
            }
        }
        let told = |(queue, names): (QueueId, BTreeMap<Text, Span>)| {
            names.into_iter().map(move |(name, span)| QueueName {
                queue: queue.clone(),
                name,
                first_seen: span.first,
                last_seen: span.last,
            })
        };
        news.queues.into_iter().flat_map(told).collect()
    }

    /// Takes over what was committed.
    pub fn note(&self, written: &[QueueName]) {
        let mut spans = self.spans();
        for seen in written {
            spans.widen(seen);
        }
    }

    /// Queues that are called otherwise than before, the latest first.
    pub fn renames(&self) -> Vec<Rename> {
        self.spans().renames()
    }
}

/// Who is meant by a name or a login, for rows of an ACD that knows nothing else.
#[derive(Debug, Default)]
pub struct Directory {
    spans: Spans,
    /// The queues that were ever called so.
    called: HashMap<Text, Vec<QueueId>>,
    logins: HashMap<Text, AgentId>,
    agents: HashMap<AgentId, AgentNow>,
}

impl Directory {
    /// What the hub has seen of a source.
    pub async fn load(store: &dyn Store, source: &SourceName) -> Result<Self, StoreError> {
        let names = store.queue_names(source).await?;
        let agents = store.agents(std::slice::from_ref(source)).await?.agents;
        Ok(Self::of(&names, agents.into_iter().map(|entry| entry.now)))
    }

    fn of(names: &[QueueName], agents: impl Iterator<Item = AgentNow>) -> Self {
        let mut directory = Self::default();
        for seen in names {
            directory.called.entry(seen.name.clone()).or_default().push(seen.queue.clone());
        }
        directory.spans = Spans::of(names);
        for now in agents {
            directory.logins.insert(now.agent_login.clone(), now.agent_id.clone());
            directory.agents.insert(now.agent_id.clone(), now);
        }
        directory
    }

    /// The id of a queue and its name at an instant. The id is empty where nobody knows, or several queues are called so.
    pub fn queue(&self, known: &Known<QueueId>, at: Timestamp) -> (QueueId, Text) {
        match known {
            Known::Id(id) => (id.clone(), self.name_of(id, at)),
            Known::Name(name) => (self.queue_called(name, at).unwrap_or_default(), name.clone()),
        }
    }

    /// The queue that somebody means by its id, or by its name at an instant.
    pub fn queue_meant(&self, text: &str, at: Timestamp) -> Option<(QueueId, Text)> {
        let id = QueueId::from(text);
        let id = if self.spans.queues.contains_key(&id) { id } else { self.queue_called(&text.into(), at)? };
        let name = self.name_of(&id, at);
        Some((id, name))
    }

    /// Of several queues that were ever called so, the only one that was at the instant.
    fn queue_called(&self, name: &Text, at: Timestamp) -> Option<QueueId> {
        let called = self.called.get(name)?;
        if let [only] = &called[..] {
            return Some(only.clone());
        }
        let mut then = called.iter().filter(|queue| self.name_by(queue, at) == Some(name));
        then.next().filter(|_| then.next().is_none()).cloned()
    }

    /// What a queue was called at an instant; before anybody saw it, as it was called first.
    fn name_of(&self, queue: &QueueId, at: Timestamp) -> Text {
        let names = self.spans.queues.get(queue).into_iter().flatten();
        let first = || names.min_by_key(|(_, span)| span.first).map(|(name, _)| name);
        self.name_by(queue, at).or_else(first).cloned().unwrap_or_default()
    }

    /// Of the names that a queue had been seen under by an instant one that was seen after it too, and of those the latest.
    fn name_by(&self, queue: &QueueId, at: Timestamp) -> Option<&Text> {
        let begun = self.spans.queues.get(queue)?.iter().filter(|(_, span)| span.first <= at);
        begun.max_by_key(|(_, span)| (span.last >= at, span.first)).map(|(name, _)| name)
    }

    /// The id, login and name of an agent; empty where nobody knows.
    pub fn agent(&self, known: &Known<AgentId>) -> (AgentId, Text, Text) {
        let now = match known {
            Known::Id(id) => self.agents.get(id),
            Known::Name(login) => self.logins.get(login).and_then(|id| self.agents.get(id)),
        };
        match (now, known) {
            (Some(now), _) => (now.agent_id.clone(), now.agent_login.clone(), now.agent_name.clone()),
            (None, Known::Id(id)) => (id.clone(), Text::default(), Text::default()),
            (None, Known::Name(login)) => (AgentId::default(), login.clone(), Text::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_seconds(1_772_355_600 + minutes * 60)
    }

    fn seen(queue: &str, name: &str, first: i64, last: i64) -> QueueName {
        QueueName { queue: queue.into(), name: name.into(), first_seen: at(first), last_seen: at(last) }
    }

    fn is_news(stored: &[QueueName], name: &str, minutes: i64) -> bool {
        Spans::of(stored).is_news(&"q".into(), &name.into(), at(minutes))
    }

    #[test]
    fn a_name_is_written_when_it_is_new_and_then_once_an_hour() {
        assert!(is_news(&[], "Sales", 0));
        let known = || [seen("q", "Sales", 0, 10)];
        assert!(
            !is_news(&known(), "Sales", 69)
                && is_news(&known(), "Sales", 70)
                && is_news(&known(), "Sales", -1)
        );
        assert!(is_news(&known(), "Service", 5));
    }

    #[test]
    fn a_queue_that_takes_its_old_name_back_is_seen_at_once() {
        let known = || [seen("q", "Sales", 0, 10), seen("q", "Service", 11, 12)];
        assert!(
            is_news(&known(), "Sales", 13)
                && !is_news(&known(), "Sales", 9)
                && !is_news(&known(), "Service", 13)
        );
        let mut spans = Spans::of(&known());
        let rename =
            |spans: &Spans| spans.renames().into_iter().map(|one| (one.before, one.now, one.at)).next();
        assert_eq!(rename(&spans), Some(("Sales".into(), "Service".into(), at(11))));
        spans.widen(&seen("q", "Sales", 13, 13));
        assert_eq!(rename(&spans), Some(("Service".into(), "Sales".into(), at(12))));
    }

    #[test]
    fn r28_only_so_many_names_are_kept() {
        let names: Vec<_> = (0..MOST_NAMES - 1).map(|number| seen("q", &number.to_string(), 0, 0)).collect();
        let mut spans = Spans::of(&names);
        assert!(spans.is_news(&"q".into(), &"last".into(), at(1)));
        spans.widen(&seen("q", "last", 1, 1));
        assert!(!spans.is_news(&"q".into(), &"more".into(), at(1)));
        assert!(spans.is_news(&"q".into(), &"last".into(), at(61)), "what is known goes on to be seen");
    }

    #[test]
    fn a_queue_is_found_by_what_it_was_called_at_the_time() {
        let names = vec![
            seen("q-1", "Sales", 0, 100),
            seen("q-1", "Old sales", 101, 200),
            seen("q-2", "Sales", 110, 200),
            seen("q-3", "Twin", 0, 9),
            seen("q-4", "Twin", 0, 9),
        ];
        let directory = Directory::of(&names, std::iter::empty());
        let queue = |name: &str, minutes| directory.queue(&Known::Name(name.into()), at(minutes)).0;
        assert_eq!(queue("Sales", 50).as_str(), "q-1");
        assert_eq!(queue("Sales", 150).as_str(), "q-2");
        assert_eq!(queue("Old sales", 50).as_str(), "q-1", "it is the only one that was ever called so");
        assert_eq!(queue("Twin", 5).as_str(), "", "nobody can tell which");
        let name = |minutes| directory.queue(&Known::Id("q-1".into()), at(minutes)).1;
        assert_eq!((&*name(-9), &*name(100), &*name(101)), ("Sales", "Sales", "Old sales"));
    }
}
