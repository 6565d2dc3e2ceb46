//! States and time by person.

use std::collections::{BTreeMap, HashMap};

use pegboard_model::policy::ReadyTime;
use pegboard_model::report::{AgentInterval, SegmentRow};
use pegboard_model::{AgentId, Class, Millis, SourceName, Text, Timestamp};

use super::{AgentLine, Lines, present};
use crate::mapping::{Inbox, MappedKind, Unmapped, WfmAgent};
use crate::settings::UnmappedPolicy;
use crate::{Interval, Known};

/// A change of a person's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) agent: WfmAgent,
    pub(crate) source: SourceName,
    pub(crate) at: Timestamp,
    /// Its place in time among all that is told of the person.
    pub(crate) place: Timestamp,
    /// When the next state begins; nothing while this one lasts.
    pub(crate) end: Option<Timestamp>,
    pub(crate) class: Class,
    pub(crate) event_id: Text,
    pub(crate) reason: Text,
    /// Whether it is an event rather than a state: a sign-in.
    pub(crate) is_mark: bool,
}

/// What a person has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) agent: WfmAgent,
    pub(crate) source: SourceName,
    pub(crate) class: Class,
    pub(crate) event_id: Text,
    pub(crate) reason: Text,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) duration: Millis,
}

/// From a sign-in to a sign-out that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedIn {
    pub(crate) agent: WfmAgent,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// An agent of an ACD.
type AcdAgent<'k> = (&'k SourceName, &'k AgentId);

/// Everybody, and the timelines of those who are several agents.
#[derive(Debug)]
pub(crate) struct People<'k> {
    known: &'k Known,
    /// By the id of the person.
    unions: HashMap<Text, (WfmAgent, Vec<Piece<'k>>)>,
    /// Their changes, by the same, where changes are told as they happen: how long a state lasts is not known then.
    present: HashMap<Text, Vec<Change>>,
    /// The places of changes that began before what was told already.
    places: HashMap<(AcdAgent<'k>, Timestamp), Timestamp>,
}

/// A span in which one agent decides what the person is in.
#[derive(Debug, Clone, Copy)]
struct Piece<'k> {
    start: Timestamp,
    /// How far it is known.
    end: Timestamp,
    is_open: bool,
    row: &'k SegmentRow,
}

impl<'k> People<'k> {
    pub(crate) fn of(known: &'k Known) -> Self {
        let mut tracks: HashMap<Text, BTreeMap<AcdAgent<'k>, Vec<&'k SegmentRow>>> = HashMap::new();
        let mut agents: HashMap<Text, WfmAgent> = HashMap::new();
        if !known.mapping.agents.rows().is_empty() && known.changes.is_empty() {
            for row in &known.states {
                let (agent, _) = person(known, row);
                let track = tracks.entry(agent.id.clone()).or_default();
                track.entry((&row.source, &row.agent_id)).or_default().push(row);
                agents.entry(agent.id.clone()).or_insert(agent);
            }
        }
        let several = tracks.into_iter().filter(|(_, tracks)| tracks.len() > 1);
        let unions = several
            .filter_map(|(id, tracks)| {
                let tracks: Vec<_> = tracks.into_values().collect();
                Some((id.clone(), (agents.remove(&id)?, union(&tracks))))
            })
            .collect();
        Self { known, unions, present: present::changes(known), places: places(known) }
    }

    /// The changes of everybody's state, by time and then by person. What nobody knows, or has no name, is left out.
    pub(crate) fn changes(&self, inbox: &mut Inbox) -> Vec<Change> {
        let mut changes = Vec::with_capacity(self.known.states.len());
        for row in self.known.states.iter().filter(|row| tells(row.class, &row.event_id)) {
            let (agent, is_mapped) = person(self.known, row);
            let is_several = self.unions.contains_key(&agent.id) || self.present.contains_key(&agent.id);
            if !is_several && self.is_sent(row, is_mapped, inbox) {
                let place = self.places.get(&((&row.source, &row.agent_id), row.start)).copied();
                let change = change(agent, row.start, row.end, row);
                changes.push(Change { place: place.unwrap_or(row.start), ..change });
            }
        }
        for (agent, pieces) in self.unions.values() {
            changes.extend(union_changes(agent, pieces));
        }
        changes.extend(self.present.values().flatten().cloned());
        changes.sort_by(|a, b| (a.at, &a.agent.id, !a.is_mark).cmp(&(b.at, &b.agent.id, !b.is_mark)));
        changes
    }

    /// What everybody has done, by its end and then by person.
    pub(crate) fn done(&self, inbox: &mut Inbox) -> Vec<Done> {
        let mut done = Vec::new();
        for activity in self.known.activities.iter().filter(|activity| !activity.event_id.is_empty()) {
            let Some(end) = activity.end else { continue };
            let (agent, is_mapped) = self.known.mapping.agent(
                &activity.source,
                &activity.agent_id,
                &activity.agent_login,
                activity.start,
            );
            if self.unions.contains_key(&agent.id)
                || !self.note(
                    &activity.source,
                    &activity.agent_id,
                    &activity.agent_login,
                    activity.start,
                    is_mapped,
                    inbox,
                )
            {
                continue;
            }
            done.push(Done {
                agent,
                source: activity.source.clone(),
                class: activity.class,
                event_id: activity.event_id.clone(),
                reason: activity.reason.clone(),
                start: activity.start,
                end,
                duration: activity.duration_s,
            });
        }
        for (agent, pieces) in self.unions.values() {
            done.extend(union_changes(agent, pieces).into_iter().filter_map(finished));
        }
        done.sort_by(|a, b| (a.end, &a.agent.id, a.start).cmp(&(b.end, &b.agent.id, b.start)));
        done
    }

    /// When everybody was signed in, by the sign-out and then by person. Agents whom nobody names and who wait are left out.
    pub(crate) fn sessions(&self) -> Vec<SignedIn> {
        let mut sessions = Vec::new();
        let mut listed_elsewhere = Inbox::default();
        for session in &self.known.sessions {
            let Some(end) = session.sign_out else { continue };
            let (source, id, login) = (&session.source, &session.agent_id, &session.agent_login);
            let (agent, is_mapped) = self.known.mapping.agent(source, id, login, session.sign_in);
            let is_sent = self.note(source, id, login, session.sign_in, is_mapped, &mut listed_elsewhere);
            if is_sent && !self.unions.contains_key(&agent.id) {
                sessions.push(SignedIn { agent, start: session.sign_in, end });
            }
        }
        sessions.extend(self.unions.values().flat_map(|(agent, pieces)| union_sessions(agent, pieces)));
        sessions.sort_by(|a, b| (a.end, &a.agent.id).cmp(&(b.end, &b.agent.id)));
        sessions
    }

    /// Adds everybody's time to the lines of the intervals.
    pub(super) fn add_time(&self, known: &Known, lines: &mut BTreeMap<Timestamp, Lines>, inbox: &mut Inbox) {
        let ready = known.mapping.settings.ready_time;
        let mut sums: BTreeMap<(Timestamp, Text), AgentLine> = BTreeMap::new();
        for row in &known.agents {
            let start = row.interval_start;
            let (agent, is_mapped) = known.mapping.agent(&row.source, &row.agent_id, &row.agent_login, start);
            if !self.note(&row.source, &row.agent_id, &row.agent_login, start, is_mapped, inbox) {
                continue;
            }
            let line = match self.unions.get(&agent.id) {
                Some((agent, pieces)) => {
                    let interval = Interval { start, end: start + row.interval_s };
                    union_time(agent, pieces, interval, ready)
                }
                None => own_time(agent, row, ready),
            };
            sums.insert((start, line.agent.id.clone()), line);
        }
        for ((start, _), line) in sums {
            lines.entry(start).or_default().agents.push(line);
        }
    }

    fn is_sent(&self, row: &SegmentRow, is_mapped: bool, inbox: &mut Inbox) -> bool {
        self.note(&row.source, &row.agent_id, &row.agent_login, row.start, is_mapped, inbox)
    }

    /// Whether what an agent did goes out. An agent whom no row names is listed, where there are rows.
    fn note(
        &self,
        source: &SourceName,
        agent: &AgentId,
        login: &Text,
        at: Timestamp,
        is_mapped: bool,
        inbox: &mut Inbox,
    ) -> bool {
        let mapping = &self.known.mapping;
        if is_mapped || mapping.agents.rows().is_empty() {
            return true;
        }
        inbox.note(Unmapped {
            kind: MappedKind::Agent,
            source: source.clone(),
            id: agent.as_str().into(),
            detail: login.clone(),
            count: 1,
            first: at,
            last: at,
            suggestion: agent.as_str().into(),
            agents: [agent.as_str().into()].into(),
        });
        mapping.settings.unmapped == UnmappedPolicy::Send
    }
}

/// Who an agent is when a state begins.
fn person(known: &Known, row: &SegmentRow) -> (WfmAgent, bool) {
    known.mapping.agent(&row.source, &row.agent_id, &row.agent_login, row.start)
}

/// Whether a state tells a WFM anything.
pub(crate) fn tells(class: Class, event_id: &Text) -> bool {
    class != Class::Unknown && !event_id.is_empty()
}

/// A sign-in is a segment without length.
fn is_mark(row: &SegmentRow) -> bool {
    row.end == Some(row.start)
}

fn change(agent: WfmAgent, at: Timestamp, end: Option<Timestamp>, row: &SegmentRow) -> Change {
    Change {
        agent,
        source: row.source.clone(),
        at,
        place: at,
        end,
        class: row.class,
        event_id: row.event_id.clone(),
        reason: row.reason.clone(),
        is_mark: is_mark(row),
    }
}

/// The places of changes that are not told as of when they began, by agent and beginning.
fn places(known: &Known) -> HashMap<(AcdAgent<'_>, Timestamp), Timestamp> {
    let moved = known.changes.iter().filter(|change| change.place != change.now.since);
    moved
        .map(|change| (((&change.now.source, &change.now.agent_id), change.now.since), change.place))
        .collect()
}

fn own_time(agent: WfmAgent, row: &AgentInterval, ready: ReadyTime) -> AgentLine {
    AgentLine { agent, login: row.login_s, ready: row.ready(ready), not_ready: row.not_ready() }
}

/// What decides of several agents: a contact before a status, as it does for one; then who may be given contacts, who is signed
/// in, what is not known, and last who is not there.
pub(super) fn rank(class: Class) -> u8 {
    match class {
        Class::Talk => 0,
        Class::Hold => 1,
        Class::Acw => 2,
        Class::Ringing => 3,
        Class::Error => 4,
        Class::Available => 5,
        Class::Aux => 6,
        Class::Unknown => 7,
        Class::SignedOut => 8,
    }
}

/// One timeline of several: at every instant the state that decides, of equals the one that began first. Sign-ins stand where
/// nobody was signed in before.
fn union<'k>(tracks: &[Vec<&'k SegmentRow>]) -> Vec<Piece<'k>> {
    let rows = || tracks.iter().flatten().copied();
    let mut edges: Vec<_> = rows().flat_map(|row| [row.start, known_end(row)]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut places = vec![0; tracks.len()];
    let mut pieces: Vec<Piece<'k>> = Vec::new();
    for edge in edges.windows(2) {
        let [start, end] = [edge[0], edge[1]];
        let now = tracks.iter().zip(&mut places).filter_map(|(track, place)| {
            while track.get(*place).is_some_and(|row| known_end(row) <= start) {
                *place += 1;
            }
            track.get(*place).copied().filter(|row| row.start <= start)
        });
        let Some(row) = now.min_by_key(|row| (rank(row.class), row.start, &row.agent_id)) else { continue };
        match pieces.last_mut() {
            Some(last) if std::ptr::eq(last.row, row) && last.end == start => last.end = end,
            last => {
                let was_in = last.is_some_and(|last| last.end == start && last.row.class.is_signed_in());
                let sign_in = rows().find(|row| is_mark(row) && row.start == start).filter(|_| !was_in);
                pieces.extend(sign_in.map(|row| Piece { start, end: start, is_open: false, row }));
                pieces.push(Piece { start, end, is_open: false, row });
            }
        }
    }
    if let Some(last) = pieces.last_mut() {
        last.is_open = last.row.end.is_none();
    }
    pieces
}

/// How far a segment is known.
fn known_end(row: &SegmentRow) -> Timestamp {
    row.end.unwrap_or(row.start + row.duration_s)
}

/// The changes of a person's state. Two agents of the person in the same state are no change.
fn union_changes(agent: &WfmAgent, pieces: &[Piece<'_>]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for piece in pieces.iter().filter(|piece| tells(piece.row.class, &piece.row.event_id)) {
        let end = (!piece.is_open).then_some(piece.end);
        match changes.last_mut() {
            Some(last)
                if last.end == Some(piece.start)
                    && (&last.event_id, &last.reason) == (&piece.row.event_id, &piece.row.reason) =>
            {
                last.end = end;
            }
            _ => changes.push(change(agent.clone(), piece.start, end, piece.row)),
        }
    }
    changes
}

/// The maximal spans in which a person was signed in as whomever, but for one that lasts.
fn union_sessions(agent: &WfmAgent, pieces: &[Piece<'_>]) -> Vec<SignedIn> {
    let mut sessions: Vec<SignedIn> = Vec::new();
    let mut lasts = false;
    for piece in pieces.iter().filter(|piece| piece.row.class.is_signed_in()) {
        lasts = piece.is_open;
        match sessions.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => sessions.push(SignedIn { agent: agent.clone(), start: piece.start, end: piece.end }),
        }
    }
    if lasts {
        sessions.pop();
    }
    sessions
}

/// What a state was, once it is over.
fn finished(change: Change) -> Option<Done> {
    let end = change.end?;
    Some(Done {
        agent: change.agent,
        source: change.source,
        class: change.class,
        event_id: change.event_id,
        reason: change.reason,
        start: change.at,
        end,
        duration: end.since(change.at),
    })
}

fn union_time(agent: &WfmAgent, pieces: &[Piece<'_>], interval: Interval, policy: ReadyTime) -> AgentLine {
    let mut of_class: HashMap<Class, Millis> = HashMap::new();
    let first = pieces.partition_point(|piece| piece.end <= interval.start);
    for piece in pieces[first..].iter().take_while(|piece| piece.start < interval.end) {
        let part = piece.end.min(interval.end).since(piece.start.max(interval.start));
        *of_class.entry(piece.row.class).or_default() += part;
    }
    let time = |class| of_class.get(&class).copied().unwrap_or_default();
    let login = Class::ALL.into_iter().filter(|class| class.is_signed_in()).map(time).sum();
    let not_ready = time(Class::Aux) + time(Class::Error);
    let ready = match policy {
        ReadyTime::Waiting => time(Class::Available),
        ReadyTime::Productive => login - not_ready,
    };
    AgentLine { agent: agent.clone(), login, ready, not_ready }
}
