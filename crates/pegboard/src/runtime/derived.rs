//! Rows as they follow from facts: for the closer, and for whoever makes a day anew.

use std::collections::HashSet;

use pegboard_engine::Window;
use pegboard_model::report::Row;
use pegboard_model::{Text, Timestamp};
use pegboard_store::{RowWrite, RowsOf, Store, StoreError};

use super::reports::Facts;
use super::silence::Silence;
use super::source::Shared;
use crate::report_text::json_object;

/// The reports whose rows are stored.
pub const STORED_REPORTS: [&str; 4] =
    ["agent_interval", "group_interval", "queue_interval", "agent_queue_interval"];

/// Those of them that are made of agents' states, or of contacts.
pub(super) const fn stored_reports(rows: RowsOf) -> [&'static str; 2] {
    let [agents, groups, queues, agent_queues] = STORED_REPORTS;
    match rows {
        RowsOf::Agents => [agents, groups],
        RowsOf::Contacts => [queues, agent_queues],
    }
}

/// A row that no longer exists: report, start of interval, key.
pub(super) type GoneRow = (Text, Timestamp, String);

/// The rows of a window.
#[derive(Debug)]
pub(super) struct Derived {
    pub(super) rows: Vec<RowWrite>,
    /// How many segments or contacts they are made of.
    pub(super) facts: u64,
}

/// The rows of a window, from what `facts` holds now. Open states are known to last until `known_until`.
pub(super) async fn derive(
    shared: &Shared,
    facts: &dyn Store,
    rows: RowsOf,
    window: Window,
    known_until: Timestamp,
    reason: &str,
) -> Result<Derived, StoreError> {
    let facts = Facts::load(facts, &shared.config, rows, window, known_until).await?;
    derive_from(shared, &facts, rows, reason).await
}

/// The rows that some facts make.
pub(super) async fn derive_from(
    shared: &Shared,
    facts: &Facts,
    rows: RowsOf,
    reason: &str,
) -> Result<Derived, StoreError> {
    let rows = match rows {
        RowsOf::Agents => rows_of_agents(shared, facts, reason),
        RowsOf::Contacts => rows_of_contacts(shared, facts, &Silence::load(shared).await?, reason),
    };
    Ok(Derived { rows, facts: facts.count() })
}

/// Stored rows of the window that no fact stands behind any more.
pub(super) async fn gone(
    shared: &Shared,
    of: RowsOf,
    window: Window,
    rows: &[RowWrite],
) -> Result<Vec<GoneRow>, StoreError> {
    let present: HashSet<(&str, Timestamp, &str)> =
        rows.iter().map(|row| (&*row.report, row.interval_start, &*row.key)).collect();
    let mut gone = Vec::new();
    for report in stored_reports(of) {
        let stored = shared.store.rows(&shared.config.name, report, window.from, window.to).await?;
        let absent =
            stored.into_iter().filter(|row| !present.contains(&(report, row.interval_start, &*row.key)));
        gone.extend(absent.map(|row| (report.into(), row.interval_start, row.key)));
    }
    Ok(gone)
}

fn rows_of_agents(shared: &Shared, facts: &Facts, reason: &str) -> Vec<RowWrite> {
    let config = &shared.config;
    let (of_agents, of_groups) = facts.agent_and_group_rows(config, config.interval);
    let of_agents =
        of_agents.iter().map(|row| write_of(row, row.interval_start, &[row.agent_id.as_str()], reason));
    let of_groups = of_groups.iter().map(|row| write_of(row, row.interval_start, &[&row.group], reason));
    of_agents.chain(of_groups).collect()
}

fn rows_of_contacts(shared: &Shared, facts: &Facts, silence: &Silence, reason: &str) -> Vec<RowWrite> {
    let config = &shared.config;
    let meant = |setting: &str, at| silence.queue(setting, at);
    let of_queues = facts.queue_rows_with_silence(config, meant, |interval| silence.is_complete(interval));
    let of_agents = facts.agent_queue_rows(config, config.interval);
    let of_queues = of_queues.iter().map(|row| {
        let key = [row.queue_id.as_str(), row.channel.as_str(), row.direction.as_str()];
        write_of(row, row.interval_start, &key, reason)
    });
    let of_agents = of_agents.iter().map(|row| {
        let agent = row.agent_id.as_str();
        let key = [agent, row.queue_id.as_str(), row.channel.as_str(), row.direction.as_str()];
        write_of(row, row.interval_start, &key, reason)
    });
    of_queues.chain(of_agents).collect()
}

fn write_of<R: Row>(row: &R, interval_start: Timestamp, key: &[&str], reason: &str) -> RowWrite {
    RowWrite {
        report: R::REPORT.into(),
        interval_start,
        key: key.join("\u{1f}"),
        body: json_object(row),
        reason: reason.into(),
    }
}
