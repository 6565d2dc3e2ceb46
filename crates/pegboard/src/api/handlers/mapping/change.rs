//! What an edit of a table changes: shown first, then written.

use std::path::Path;

use pegboard_model::{SinkName, SourceName, Text};
use pegboard_store::UnmappedSeen;
use serde::Serialize;
use serde_json::{Value, json};

use super::{moved, write};
use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::state::ApiState;
use crate::config::mapping::{Changed, Diff, MAX_TABLE_BYTES, Row, Table, TableName};
use crate::config::{ConfigErrors, Fault};
use crate::runtime::mapping::{Held, newly_named};

/// The most rows, names and faults of one answer; all are counted.
pub(crate) const MOST_SHOWN: usize = 1000;

/// The most rows that the audit log says of one edit.
const MOST_AUDITED: usize = 100;

/// How many names without a row are looked at.
const MOST_LISTED: usize = 10_000;

/// An edit that is asked for: how a table is to be.
pub(super) struct Proposed {
    pub(super) sink: SinkName,
    pub(super) name: TableName,
    pub(super) csv: String,
    /// Whether it is only asked what would change.
    pub(super) dry_run: bool,
    /// The version that was looked at, where that is said.
    pub(super) version: Option<u64>,
    /// What the audit log calls it.
    pub(super) action: &'static str,
}

/// What changes.
#[derive(Serialize)]
pub(crate) struct Change {
    table: &'static str,
    /// The version that holds: the new one, where it was written.
    version: u64,
    applied: bool,
    added: usize,
    changed: usize,
    removed: usize,
    columns: &'static [&'static str],
    rows: Vec<RowShown>,
    /// How many listed names get a row.
    names: usize,
    maps: Vec<Named>,
    /// What is wrong with the table. Then nothing else is told.
    faults: Vec<FaultShown>,
}

#[derive(Serialize)]
struct RowShown {
    change: &'static str,
    /// Where the row stands: in the new table, or, of one that is removed, in the old one.
    line: usize,
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Named {
    what: Text,
    source: SourceName,
    id: Text,
    detail: Text,
    count: u64,
}

#[derive(Serialize)]
struct FaultShown {
    line: Option<usize>,
    column: Option<usize>,
    message: String,
    help: Vec<String>,
}

/// Says what an edit changes, and, unless that is all that is asked, writes it.
pub(super) async fn settle(
    state: &ApiState,
    caller: &Caller,
    origin: Origin,
    proposed: Proposed,
    held: Held,
) -> Result<Change, ApiError> {
    let Proposed { sink, name, csv, dry_run, version, action } = proposed;
    let follows = held.number(name);
    if version.is_some_and(|version| version != follows) {
        return Err(moved());
    }
    if csv.len() > MAX_TABLE_BYTES {
        let message = format!("a table has {MAX_TABLE_BYTES} bytes at most");
        return Err(ApiError::new(Code::TooLarge, message).at("body.csv"));
    }
    let table = match Table::parse(name, Path::new(name.file()), csv.as_bytes()) {
        Ok(table) => table,
        Err(errors) if dry_run => return Ok(Change::refused(name, follows, &errors)),
        Err(errors) => return Err(ApiError::bad_request("body", errors.to_string())),
    };
    let before = held.table(name);
    let diff = Diff::between(&before, &table);
    let named = named_by(state, &sink, held, &table).await?;
    let is_same = table.to_csv() == before.to_csv();
    let mut change = Change::of(name, follows, &diff, &named);
    if dry_run || is_same {
        return Ok(change);
    }
    let deed = Deed {
        action,
        subject: format!("{sink}/{}", name.as_str()),
        before: Some(told_before(follows, &before, &diff)),
        after: Some(told_after(follows + 1, &table, &diff)),
    };
    audit::note(state, caller, origin, deed).await?;
    write(state, caller, &sink, name, follows, Some(&table)).await?;
    (change.version, change.applied) = (follows + 1, true);
    Ok(change)
}

/// The listed names that a table names and what holds does not. Many names and many rows take a while.
async fn named_by(
    state: &ApiState,
    sink: &SinkName,
    held: Held,
    table: &Table,
) -> Result<Vec<UnmappedSeen>, ApiError> {
    let listed = state.store.unmapped(sink, MOST_LISTED).await?;
    let table = table.clone();
    let look = move || {
        let mut after = held.mapping.clone();
        table.put_into(&mut after);
        newly_named(&held.mapping, &after, listed)
    };
    tokio::task::spawn_blocking(look).await.map_err(|_| ApiError::internal())
}

impl Change {
    fn nothing(name: TableName, version: u64) -> Self {
        Self {
            table: name.as_str(),
            version,
            applied: false,
            added: 0,
            changed: 0,
            removed: 0,
            columns: name.columns(),
            rows: Vec::new(),
            names: 0,
            maps: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn refused(name: TableName, version: u64, errors: &ConfigErrors) -> Self {
        let faults = errors.faults().iter().take(MOST_SHOWN).map(FaultShown::from).collect();
        Self { faults, ..Self::nothing(name, version) }
    }

    fn of(name: TableName, version: u64, diff: &Diff, named: &[UnmappedSeen]) -> Self {
        let Diff { added, changed, removed } = diff;
        let is_new = |Row { line, cells }: &Row| RowShown {
            change: "added",
            line: *line,
            before: None,
            after: Some(cells.clone()),
        };
        let differs = |Changed { before, after }: &Changed| RowShown {
            change: "changed",
            line: after.line,
            before: Some(before.clone()),
            after: Some(after.cells.clone()),
        };
        let is_gone = |Row { line, cells }: &Row| RowShown {
            change: "removed",
            line: *line,
            before: Some(cells.clone()),
            after: None,
        };
        let rows = added.iter().map(is_new).chain(changed.iter().map(differs));
        let rows = rows.chain(removed.iter().map(is_gone));
        Self {
            added: added.len(),
            changed: changed.len(),
            removed: removed.len(),
            rows: rows.take(MOST_SHOWN).collect(),
            names: named.len(),
            maps: named.iter().take(MOST_SHOWN).map(Named::from).collect(),
            ..Self::nothing(name, version)
        }
    }
}

impl From<&UnmappedSeen> for Named {
    fn from(seen: &UnmappedSeen) -> Self {
        let UnmappedSeen { kind, source, id, detail, count, .. } = seen.clone();
        Self { what: kind, source, id, detail, count }
    }
}

impl From<&Fault> for FaultShown {
    fn from(fault: &Fault) -> Self {
        let Fault { place, message, help, .. } = fault;
        Self {
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            message: message.clone(),
            help: help.clone(),
        }
    }
}

/// The rows that an edit changes or removes, as they were.
fn told_before(version: u64, table: &Table, diff: &Diff) -> Value {
    let gone = diff.changed.iter().map(|row| &row.before).chain(diff.removed.iter().map(|row| &row.cells));
    let told: Vec<_> = gone.take(MOST_AUDITED).collect();
    json!({"version": version, "rows": table.rows().len(), "changed_or_removed": told})
}

/// The rows that it changes or adds, as they are then.
fn told_after(version: u64, table: &Table, diff: &Diff) -> Value {
    let new = diff.changed.iter().map(|row| &row.after).chain(&diff.added).map(|row| &row.cells);
    let told: Vec<_> = new.take(MOST_AUDITED).collect();
    json!({"version": version, "rows": table.rows().len(), "changed_or_added": told})
}
