//! Why two numbers differ, where what is computed tells.

use std::collections::BTreeMap;

use pegboard_model::acd::{AcdReport, Column};
use pegboard_model::policy::{Pegging, RingIn};
use serde_json::Value;

use super::Row;
use super::comparison::{Pair, units};
use crate::config::SourceConfig;

/// A difference.
pub(super) struct Asked {
    pub(super) report: AcdReport,
    pub(super) column: Column,
    pub(super) pair: Pair,
    /// Whether the numbers of the local day agree.
    pub(super) day_agrees: bool,
    /// By which time the ACD says that it counts contacts.
    pub(super) told_pegging: Option<Pegging>,
}

/// What the computed rows behind a number say besides it. In milliseconds, but for counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    login: i64,
    waiting: i64,
    ringing: i64,
    /// On contacts that are connected or have just been.
    work: i64,
    error: i64,
    aux: i64,
    unknown: i64,
    /// Hold of tasks: nobody holds a customer there, the task is paused.
    pauses: i64,
    /// What contacts come to that never entered a queue.
    unqueued: BTreeMap<Column, i64>,
    /// Whether a row was corrected after its interval was closed.
    is_corrected: bool,
}

impl Own {
    /// Of the rows that are compared, and of those without a queue as far as they are about the same; of these the columns
    /// that are compared matter.
    pub(super) fn of(rows: &[&Row], unqueued: &[&Row], columns: impl Iterator<Item = Column>) -> Self {
        let sum = |column: Column| rows.iter().map(|row| units(column, row)).sum::<i64>();
        let is_task = |row: &&&Row| row.get("channel").is_some_and(|channel| channel == "TASK");
        let without_queue = |column| (column, unqueued.iter().map(|row| units(column, row)).sum());
        Self {
            login: sum(Column::Login),
            waiting: sum(Column::Available),
            ringing: sum(Column::Ringing),
            work: sum(Column::Talk) + sum(Column::Hold) + sum(Column::AfterContactWork),
            error: sum(Column::Error),
            aux: sum(Column::Aux),
            unknown: sum(Column::Unknown),
            pauses: rows.iter().filter(is_task).map(|row| units(Column::Hold, row)).sum(),
            unqueued: columns.map(without_queue).collect(),
            is_corrected: rows.iter().any(|row| is_corrected(row)),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.login += other.login;
        self.waiting += other.waiting;
        self.ringing += other.ringing;
        self.work += other.work;
        self.error += other.error;
        self.aux += other.aux;
        self.unknown += other.unknown;
        self.pauses += other.pauses;
        for (column, sum) in &other.unqueued {
            *self.unqueued.entry(*column).or_default() += sum;
        }
        self.is_corrected |= other.is_corrected;
    }

    fn of_agent(&self, column: Column, pair: Pair) -> &'static str {
        match column {
            Column::Available => self.ready(pair),
            Column::Login
                if is_explained(-pair.difference(), self.work + self.ringing + self.error, pair) =>
            {
                "offline: work on contacts while Offline is signed in here"
            }
            Column::Aux if is_explained(pair.difference(), self.work + self.ringing + self.error, pair) => {
                "precedence: work on contacts in such a status is that work here"
            }
            Column::Error if is_explained(pair.difference(), self.login - self.error, pair) => {
                "precedence: a missed contact beside other work, or in a break, is that here"
            }
            _ if is_explained(pair.difference(), self.unknown, pair) => {
                "unknown: nobody told what the agent did for a part of it"
            }
            _ => "",
        }
    }

    /// What an ACD may call ready besides the time of waiting. Amazon's idle time has contained ringing since 2025, and the time
    /// in which a missed contact blocks routing all along (administrator guide, "Historical metrics definitions").
    fn ready(&self, pair: Pair) -> &'static str {
        let agrees = |other: i64| (pair.acd - other).abs() <= pair.allowed;
        let in_between = self.ringing + self.error;
        if agrees(self.login - self.aux - self.error) {
            "ready_time: the ACD's is productive, here it is waiting"
        } else if agrees(self.waiting + self.ringing) {
            "ready_time: the ACD's contains ringing, here it is waiting"
        } else if agrees(self.waiting + in_between) {
            "ready_time: the ACD's contains ringing and errors, here it is waiting"
        } else if is_explained(pair.difference(), in_between, pair) {
            "ready_time: the ACD's contains some of the ringing or of the errors, here it is waiting"
        } else if is_explained(pair.difference(), in_between + self.unknown, pair) {
            "unknown: nobody told what the agent did for a part of it"
        } else {
            ""
        }
    }

    fn of_contacts(&self, column: Column, pair: Pair) -> &'static str {
        let unqueued = self.unqueued.get(&column).copied().unwrap_or_default();
        if is_explained(pair.difference(), unqueued, pair) {
            return "not queued: the ACD also counts contacts that name the queue and never entered it, here they have none";
        }
        let is_paused = [Column::Hold, Column::Handle].contains(&column);
        if is_paused && is_explained(-pair.difference(), self.pauses, pair) {
            return "pauses: of a task they are hold here, and nothing to the ACD";
        }
        if pair.difference() < 0 && self.is_corrected {
            return "late: something became known after the interval was closed, and the ACD does not write its files again";
        }
        ""
    }
}

/// Whether a difference is one, and no more than what explains it.
const fn is_explained(difference: i64, by: i64, pair: Pair) -> bool {
    difference > 0 && by > 0 && difference <= by + pair.allowed
}

fn is_corrected(row: &Row) -> bool {
    row.get("reason").is_some_and(|reason| reason == "late" || reason == "recapture")
        && row.get("revision").and_then(Value::as_u64).is_some_and(|revision| revision > 1)
}

/// Why, where that is known; empty where it is not.
pub(super) fn reason(config: &SourceConfig, asked: &Asked, own: &Own) -> String {
    let Asked { report, column, pair, day_agrees, told_pegging } = *asked;
    if report == AcdReport::AgentInterval {
        return own.of_agent(column, pair).to_owned();
    }
    if let Some(told) = told_pegging.filter(|told| *told != config.pegging) {
        return format!("pegging: the ACD counts by {told}, here by {}", config.pegging);
    }
    if day_agrees {
        return "pegging: the day agrees, so contacts are counted in another interval".to_owned();
    }
    let waits = [Column::QueueAnswered, Column::QueueAbandoned, Column::Handle];
    if config.ring_in != RingIn::Queue && waits.contains(&column) {
        return format!("ring_in: here ring time counts as {}", config.ring_in);
    }
    own.of_contacts(column, pair).to_owned()
}
