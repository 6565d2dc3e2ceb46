//! What is wrong at one moment: pure functions from what is known of sources, sinks and the store.

use pegboard_connect::spec::MissingFile;
use pegboard_engine::IntervalLength;
use pegboard_model::{Millis, SinkName, SourceName, Timestamp};
use pegboard_sinks::mapping::MappedKind;
use pegboard_store::{
    DeadLetter, DeliveryState, Fullness, Gap, Hold, LedgerLine, RefusedState, UnmappedSeen,
};
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use crate::runtime::clock_off::ClockOff;
use crate::runtime::deliver::status::{DeliveryShown, LaneShown};
use crate::runtime::status::{Clocks, Trouble};
use crate::runtime::view::{Health, PartitionStatus};
use crate::runtime::{archive, late_files, reconcile, reload};

/// For how long a gap, and a dead letter, are news.
const NEWS: Millis = Millis::from_hours(24);

/// How much later than it should an interval may be closed.
const CLOSING_MARGIN: Millis = Millis::from_minutes(30);

/// For how long an interval may wait to be delivered, from its start.
const DELIVERED_WITHIN: Millis = Millis::from_hours(2);

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What.
    pub condition: Condition,
    /// What it holds of.
    pub subject: String,
    /// The source that it is about, if it is about one.
    pub source: Option<SourceName>,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// What, and where, in words.
    pub text: String,
}

impl Standing {
    /// Of a sink, an outlet, or the house.
    pub fn new(condition: Condition, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { condition, subject: subject.into(), source: None, since: None, text: text.into() }
    }

    /// Of a part of a source.
    fn of_source(
        condition: Condition,
        source: &SourceName,
        part: Option<&str>,
        text: impl Into<String>,
    ) -> Self {
        let subject = part.map_or_else(|| source.to_string(), |part| format!("{source} / {part}"));
        Self { source: Some(source.clone()), ..Self::new(condition, subject, text) }
    }

    fn since(self, since: Timestamp) -> Self {
        Self { since: Some(since), ..self }
    }
}

/// What only the node knows of a source that works on it.
#[derive(Debug)]
pub struct SourceHere<'a> {
    /// Its name.
    pub name: &'a SourceName,
    /// What fails.
    pub troubles: Vec<Trouble>,
    /// Files of reports that should be there.
    pub missing: Vec<MissingFile>,
    /// What it does in another way than configured.
    pub fallback: Option<String>,
}

/// What is wrong with a source, as only this node knows.
pub fn source_here(source: SourceHere<'_>) -> Vec<Standing> {
    let SourceHere { name, troubles, missing, fallback } = source;
    let troubles = troubles.into_iter().filter_map(|trouble| of_trouble(name, trouble));
    let fallback = fallback.map(|text| Standing::of_source(Condition::SourceFallback, name, None, text));
    troubles.chain(late_reports(name, &missing)).chain(fallback).collect()
}

fn of_trouble(source: &SourceName, trouble: Trouble) -> Option<Standing> {
    let Trouble { part, at, message, stopped } = trouble;
    let condition = match part.as_str() {
        _ if stopped => Condition::SourceStopped,
        // Its files are told by their names instead.
        late_files::PART => return None,
        reconcile::PART => Condition::SnapshotFailing,
        archive::PART => Condition::ArchiveFailing,
        archive::BACKLOG => Condition::ArchiveBehind,
        reload::PART => Condition::ReloadFailing,
        _ => Condition::SourceFailing,
    };
    Some(Standing::of_source(condition, source, Some(&part), message).since(at))
}

/// One for each report of which files are late: the first of them by its name.
fn late_reports(source: &SourceName, missing: &[MissingFile]) -> Vec<Standing> {
    let mut standing: Vec<Standing> = Vec::new();
    for file in missing.iter().filter(|file| file.is_late) {
        let MissingFile { report, name, run, from, .. } = file;
        let text = format!("`{name}` of the run at {run} is not there, which tells of {from} to {run}");
        let late = Standing::of_source(Condition::ReportLate, source, Some(report), text).since(*run);
        if !standing.iter().any(|known| known.subject == late.subject) {
            standing.push(late);
        }
    }
    standing
}

/// How the delivery to a sink goes, on the node that delivers.
pub fn sink_here(name: &SinkName, shown: &DeliveryShown) -> Vec<Standing> {
    let lane = |(lane, shown): (String, &LaneShown)| {
        let (since, error) = (shown.failing_since?, shown.error.as_deref().unwrap_or("no reason is known"));
        let text = format!("{} tries in a row have failed, the last because of: {error}", shown.failures);
        Some(Standing::new(Condition::SinkFailing, format!("{name} / {lane}"), text).since(since))
    };
    let store = shown.store_error.as_ref().map(|error| {
        Standing::new(Condition::SinkFailing, name.as_str(), format!("nothing is delivered: {error}"))
    });
    let lanes = [("states".to_owned(), &shown.states), ("reports".to_owned(), &shown.rows)].into_iter();
    let events =
        shown.events.iter().map(|events| (format!("{} of {}", events.lane, events.source), &events.shown));
    let is_failing = |_: &_| shown.shut.is_none();
    lanes
        .filter(is_failing)
        .chain(events)
        .filter_map(lane)
        .chain(store)
        .chain(of_target(name, shown))
        .collect()
}

/// What keeps the target from taking anything at all.
fn of_target(name: &SinkName, shown: &DeliveryShown) -> Option<Standing> {
    if let Some(reason) = &shown.shut {
        return Some(Standing::new(Condition::SinkShut, name.as_str(), reason));
    }
    let text = "its target does not answer, and is only tried now and then";
    shown.left_alone.then(|| Standing::new(Condition::SinkLeftAlone, name.as_str(), text))
}

/// How far clocks are from this machine's, as a source tells of them.
pub fn clocks_of_source(source: &SourceName, clocks: Clocks, now: Timestamp) -> Vec<Standing> {
    let Clocks { events, platform } = clocks;
    let told = |part, what, off: Option<ClockOff>| {
        let off = off?;
        let text = format!("{what} {}", off.told(now)?);
        Some(Standing::of_source(Condition::ClockWrong, source, Some(part), text).since(off.heard()))
    };
    let events = told("events", "an event is dated", events);
    events.into_iter().chain(told("platform", "the clock of the platform is", platform)).collect()
}

/// The same, as the target of a sink does.
pub fn clock_of_sink(name: &SinkName, off: ClockOff, now: Timestamp) -> Option<Standing> {
    let text = format!("the clock of its target is {}", off.told(now)?);
    Some(Standing::new(Condition::ClockWrong, name.as_str(), text).since(off.heard()))
}

/// What the store and all nodes together know of a source.
#[derive(Debug)]
pub struct SourceThere<'a> {
    /// Its name.
    pub name: &'a SourceName,
    /// How it does, in one word.
    pub health: Health,
    /// Up to when all is known.
    pub watermark: Option<Timestamp>,
    /// Its partitions, each with the node that reads it.
    pub partitions: &'a [PartitionStatus],
    /// Up to when its intervals are closed.
    pub closed_until: Option<Timestamp>,
    /// Whether they are being caught up with: history is read that was there before the hub looked.
    pub catches_up: bool,
    /// How long they are.
    pub interval: IntervalLength,
    /// How long after its end one is closed.
    pub close_delay: Millis,
    /// Stretches that were lost, the newest first.
    pub gaps: &'a [Gap],
    /// The newest record that could not be used.
    pub letter: Option<&'a DeadLetter>,
}

/// What is wrong with a source, as every node can see.
pub fn source_there(source: &SourceThere<'_>, now: Timestamp) -> Vec<Standing> {
    let SourceThere { name, health, watermark, letter, .. } = source;
    let mut standing = Vec::new();
    let mut add = |condition, text: String| standing.push(Standing::of_source(condition, name, None, text));
    match (health, watermark) {
        (Health::Lagging, Some(until)) => add(
            Condition::SourceBehind,
            format!("everything is known up to {until}, and nothing after that is sure"),
        ),
        (Health::Starting, _) => add(Condition::SourceUnread, "nothing of it has been read yet".to_owned()),
        _ => {}
    }
    if let Some(letter) = letter.filter(|letter| now.since(letter.at) < NEWS) {
        let DeadLetter { at, partition, reason, .. } = letter;
        add(Condition::DeadLetters, format!("the newest is of {partition}, at {at}: {reason}"));
    }
    standing.extend(closing_late(source, now));
    standing.extend(unread(name, source.partitions));
    standing.extend(lost(name, source.gaps, now));
    standing
}

/// Partitions that were begun, have not ended, and are read by nobody.
fn unread(source: &SourceName, partitions: &[PartitionStatus]) -> impl Iterator<Item = Standing> {
    let unread =
        partitions.iter().filter(|known| known.position.is_some() && !known.finished && known.node.is_none());
    unread.map(move |partition| {
        let until = partition.watermark.map_or_else(String::new, |until| format!(" since {until}"));
        let text = format!("no node reads it; it holds the watermark of the source{until}");
        Standing::of_source(Condition::SourceUnread, source, Some(&partition.id), text)
    })
}

/// One for each partition: the newest gap, and how many there are.
fn lost(source: &SourceName, gaps: &[Gap], now: Timestamp) -> Vec<Standing> {
    let mut standing: Vec<Standing> = Vec::new();
    for gap in gaps.iter().filter(|gap| now.since(gap.at) < NEWS) {
        let Gap { partition, reason, from, to, at } = gap;
        let end =
            |at: &Option<Timestamp>| at.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
        let text = format!("from {} to {}: {reason}; noticed at {at}", end(from), end(to));
        let lost =
            Standing::of_source(Condition::DataLost, source, Some(partition.as_str()), text).since(*at);
        if !standing.iter().any(|known| known.subject == lost.subject) {
            standing.push(lost);
        }
    }
    standing
}

fn closing_late(source: &SourceThere<'_>, now: Timestamp) -> Option<Standing> {
    let until = source.closed_until?;
    let length = match source.interval {
        IntervalLength::Minutes(minutes) => Millis::from_minutes(minutes.into()),
        // The longest there is.
        IntervalLength::Day => Millis::from_hours(25),
    };
    let has_ended = source.partitions.iter().all(|partition| partition.finished);
    let is_late = now.since(until) > length + source.close_delay + CLOSING_MARGIN;
    let late = || {
        let text =
            format!("intervals are closed up to {until}, and those after that are missing in every report");
        // Not since then: that it is late was not so for as long.
        Standing::of_source(Condition::ClosingLate, source.name, None, text)
    };
    (is_late && !has_ended && !source.catches_up).then(late)
}

/// What is wrong with what a sink has, as every node can see.
pub fn sink_there(
    name: &SinkName,
    ledger: &[LedgerLine],
    refused: Option<&RefusedState>,
    hold: Option<&Hold>,
    now: Timestamp,
) -> Vec<Standing> {
    let of_report = |line: &LedgerLine| {
        let LedgerLine { report, units, oldest, state, .. } = line;
        let subject = format!("{name} / {report}");
        match state {
            DeliveryState::Parked => {
                let text = format!("{units} intervals are refused, the oldest of {oldest}");
                Some(Standing::new(Condition::DeliveryParked, subject, text))
            }
            DeliveryState::Waiting if now.since(*oldest) > DELIVERED_WITHIN => {
                let text = format!("{units} intervals wait, the oldest since {oldest}");
                Some(Standing::new(Condition::DeliveryLate, subject, text))
            }
            DeliveryState::Waiting | DeliveryState::Acknowledged | DeliveryState::Dropped => None,
        }
    };
    let refused = refused.filter(|refused| now.since(refused.last_at) < NEWS).map(|state| {
        let text = format!("agent {} of source {}: {}", state.agent, state.source, state.reason);
        Standing::new(Condition::StateRefused, name.as_str(), text).since(state.first_at)
    });
    let held = hold.filter(|hold| hold.released.is_none()).map(|Hold { since, reason, .. }| {
        Standing::new(Condition::SnapshotHeld, name.as_str(), reason.to_string()).since(*since)
    });
    ledger.iter().filter_map(of_report).chain(refused).chain(held).collect()
}

/// What no row of a sink's mapping names, of what is listed, what was seen last first.
pub fn unmapped_there(name: &SinkName, listed: &[UnmappedSeen], now: Timestamp) -> Option<Standing> {
    let names = || {
        listed
            .iter()
            .filter(|seen| MappedKind::from_name(&seen.kind).is_some() && now.since(seen.last) < NEWS)
    };
    let newest = names().next()?;
    let since = names().map(|seen| seen.first).min()?;
    let others = match names().count() - 1 {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    let UnmappedSeen { kind, source, id, count, .. } = newest;
    let text = format!("{kind} \"{id}\" of source {source}, seen {count} times{others}");
    Some(Standing::new(Condition::NamesUnmapped, name.as_str(), text).since(since))
}

/// What is wrong with the store.
pub fn store(fullness: Option<Fullness>) -> Option<Standing> {
    let Fullness { used, budget } = fullness?;
    let text = format!("it holds {used} bytes of the {budget} that its disk budget allows");
    (used > budget / 10 * 9).then(|| Standing::new(Condition::StoreFull, "store", text))
}

/// The most of one condition; what is more is told as one.
pub const MOST_OF_ONE: usize = 50;

/// The most characters of a text.
const MOST_TEXT: usize = 1000;

/// Each once, none too long, and a storm bounded: the alarms of a condition beyond [`MOST_OF_ONE`] are one that counts them.
pub fn bounded(standing: impl IntoIterator<Item = Standing>) -> Vec<Standing> {
    let mut all: Vec<Standing> = standing.into_iter().map(cut).collect();
    all.sort_by(|a, b| (a.condition, &a.subject).cmp(&(b.condition, &b.subject)));
    // Two nodes may tell the same.
    all.dedup_by(|b, a| (a.condition, &a.subject) == (b.condition, &b.subject));
    let mut bounded = Vec::with_capacity(all.len());
    for of_one in all.chunk_by(|a, b| a.condition == b.condition) {
        let (told, more) = of_one.split_at(of_one.len().min(MOST_OF_ONE));
        bounded.extend_from_slice(told);
        if let Some(first) = more.first() {
            let text =
                format!("the same holds of {} more, the first of which is {}", more.len(), first.subject);
            bounded.push(Standing::new(first.condition, "(more)", text));
        }
    }
    bounded
}

fn cut(mut standing: Standing) -> Standing {
    for text in [&mut standing.text, &mut standing.subject] {
        if let Some((end, _)) = text.char_indices().nth(MOST_TEXT) {
            text.truncate(end);
            text.push('…');
        }
    }
    standing
}

#[cfg(test)]
mod tests;
