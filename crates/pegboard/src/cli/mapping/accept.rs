//! The suggested rows of listed names, taken as they are.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::tables::{change_lines, fault_line, outcome_line};
use crate::cli::Failure;
use crate::cli::hub_client::HubClient;
use crate::cli::sinks::{Sinks, write_lines};
use crate::config::mapping::{Row, TableName};

/// Names whose suggestion is accepted.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whose").required(true).multiple(false).args(["names", "all"]))]
pub(super) struct Accept {
    /// Names as they are listed, in whatever case.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Every name that is listed and whose suggestion says all that a row must.
    #[arg(long)]
    all: bool,
    /// Only names of this table: states, queues or agents.
    #[arg(long)]
    table: Option<String>,
    /// Only names that this source uses.
    #[arg(long)]
    source: Option<String>,
    /// The sink.
    #[arg(long)]
    sink: Option<String>,
    /// Let it hold. Without this it is only shown what would change.
    #[arg(long)]
    apply: bool,
}

/// A listed name with the row that it could have.
#[derive(Debug, PartialEq, Eq)]
struct Suggested {
    table: TableName,
    id: String,
    row: Vec<String>,
    is_complete: bool,
}

/// The rows of one table, as they hold and as they are to be.
struct Wanted {
    table: TableName,
    path: String,
    csv: String,
    version: Value,
}

/// Shows what the suggestions would change, table by table, and lets them hold where that is said.
pub(super) async fn accept(hub: &HubClient, sinks: &Sinks, asked: &Accept) -> Result<(), Failure> {
    let base = sinks.path(asked.sink.as_deref())?;
    let listed = hub.get(&format!("{base}/unmapped")).await?;
    let chosen = chosen(asked, &listed)?;
    let (complete, partial): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|one| one.is_complete);
    write_lines(partial.iter().map(|Suggested { id, table, .. }| {
        format!("{} {id:?}: what its row says nobody can know: `pegboard mapping set`", table.as_str())
    }));
    let mut shown = Vec::new();
    for table in TableName::ALL {
        let rows: Vec<_> = complete.iter().filter(|one| one.table == table).collect();
        if rows.is_empty() {
            continue;
        }
        let wanted = wanted(hub, &base, table, &rows).await?;
        let Wanted { path, csv, version, .. } = &wanted;
        let change = hub.post(path, &json!({"csv": csv, "version": version, "dry_run": true})).await?;
        let faults: Vec<_> = change["faults"].as_array().into_iter().flatten().collect();
        if !faults.is_empty() {
            let told: Vec<_> =
                faults.iter().map(|fault| fault_line(Path::new(table.file()), fault)).collect();
            return Err(Failure::Usage(told.join("\n")));
        }
        write_lines(change_lines(&change));
        shown.push(wanted);
    }
    if !asked.apply {
        write_lines(["nothing is written: --apply lets it hold".to_owned()]);
        return Ok(());
    }
    for Wanted { table, path, csv, version } in shown {
        // What was shown is what is written, or nothing.
        let written = hub.post(&path, &json!({"csv": csv, "version": version})).await?;
        write_lines([format!("{}: {}", table.as_str(), outcome_line(&written))]);
    }
    Ok(())
}

/// The table as it is with these rows. A name that has got a row meanwhile keeps it.
async fn wanted(
    hub: &HubClient,
    base: &str,
    table: TableName,
    suggested: &[&Suggested],
) -> Result<Wanted, Failure> {
    let path = format!("{base}/mapping/{}", table.as_str());
    let held = hub.get(&path).await?;
    let csv = with_rows(table, &held, suggested)
        .ok_or_else(|| anyhow!("the hub has other columns than this program: use the program of its release"))
        .map_err(Failure::Other)?;
    Ok(Wanted { table, path, csv, version: held["version"].clone() })
}

fn with_rows(table: TableName, held: &Value, suggested: &[&Suggested]) -> Option<String> {
    let texts = |list: &Value| -> Option<Vec<String>> {
        list.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    if texts(&held["columns"])? != table.columns() {
        return None;
    }
    let rows: Option<Vec<_>> = held["rows"].as_array()?.iter().map(texts).collect();
    let mut rows = rows?;
    let mut known: BTreeSet<_> = rows.iter().map(|cells| table.key_of(cells)).collect();
    for Suggested { row, .. } in suggested {
        if known.insert(table.key_of(row)) {
            rows.push(row.clone());
        }
    }
    let rows: Vec<_> = rows.into_iter().map(|cells| Row { line: 0, cells }).collect();
    Some(table.to_csv(&rows))
}

/// The names that are meant. Each name that was written must be listed.
fn chosen(asked: &Accept, listed: &Value) -> Result<Vec<Suggested>, Failure> {
    let table = asked.table.as_deref().map(super::tables::table_of).transpose()?;
    let listed = listed["unmapped"].as_array().into_iter().flatten();
    let of_source =
        listed.filter(|seen| asked.source.as_ref().is_none_or(|source| seen["source"] == **source));
    let all: Vec<_> =
        of_source.filter_map(suggested).filter(|one| table.is_none_or(|t| t == one.table)).collect();
    let is_meant = |id: &str, name: &str| id.to_lowercase() == name.to_lowercase();
    let strange = asked.names.iter().find(|name| !all.iter().any(|one| is_meant(&one.id, name)));
    if let Some(name) = strange {
        return Err(Failure::Usage(format!(
            "{name:?} is not listed: `pegboard mapping unmapped` shows what is"
        )));
    }
    let is_asked = |one: &Suggested| asked.all || asked.names.iter().any(|name| is_meant(&one.id, name));
    Ok(all.into_iter().filter(is_asked).collect())
}

/// What is listed, with its row; nothing for a note.
fn suggested(seen: &Value) -> Option<Suggested> {
    let row = &seen["row"];
    let table = TableName::from_name(row["table"].as_str()?)?;
    let cell = |name: &&str| row["cells"][*name].as_str().unwrap_or_default().to_owned();
    Some(Suggested {
        table,
        id: seen["id"].as_str().unwrap_or_default().to_owned(),
        row: table.columns().iter().map(cell).collect(),
        is_complete: row["complete"].as_bool().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: &[&str]) -> Accept {
        Accept {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            all: names.is_empty(),
            table: None,
            source: None,
            sink: None,
            apply: false,
        }
    }

    fn listed() -> Value {
        let state = |id: &str, source: &str| {
            let cells = json!({"event_id": id, "activity_code": id, "status": "closed"});
            json!({"what": "state", "source": source, "id": id, "row": {"table": "states", "cells": cells, "complete": true}})
        };
        let unknown = json!({"table": "queues", "cells": {"source": "main"}, "complete": false});
        json!({"unmapped": [
            state("Lunch", "main"),
            state("Yoga", "main"),
            state("lunch", "second"),
            {"what": "queue", "source": "main", "id": "", "row": unknown},
            {"what": "note", "source": "", "id": "left out", "row": null},
        ]})
    }

    fn ids(asked: &Accept) -> Vec<String> {
        chosen(asked, &listed()).unwrap().into_iter().map(|one| one.id).collect()
    }

    #[test]
    fn names_are_chosen_by_what_is_listed_and_a_strange_one_is_told() {
        assert_eq!(ids(&asked(&["LUNCH"])), ["Lunch", "lunch"]);
        assert_eq!(ids(&asked(&[])), ["Lunch", "Yoga", "lunch", ""]);
        assert_eq!(ids(&Accept { source: Some("second".into()), ..asked(&[]) }), ["lunch"]);
        assert_eq!(ids(&Accept { table: Some("queues".into()), ..asked(&[]) }), [""]);
        assert!(chosen(&asked(&["Lunch", "Siesta"]), &listed()).is_err());
        assert!(chosen(&Accept { table: Some("keys".into()), ..asked(&[]) }, &listed()).is_err());
    }

    #[test]
    fn a_table_gets_one_row_for_a_name_and_keeps_those_that_it_has() {
        let chosen = chosen(&Accept { table: Some("states".into()), ..asked(&[]) }, &listed()).unwrap();
        let chosen: Vec<_> = chosen.iter().collect();
        let row = ["YOGA", "Sports", "open", "", "", "", "", ""];
        let held = json!({"columns": TableName::States.columns(), "rows": [row]});
        let csv = with_rows(TableName::States, &held, &chosen).unwrap();
        let rows: Vec<_> = csv.lines().skip(1).collect();
        assert_eq!(rows, ["YOGA,Sports,open,,,,,", "Lunch,Lunch,closed,,,,,"]);
        assert_eq!(with_rows(TableName::States, &json!({"columns": ["x"], "rows": []}), &chosen), None);
    }
}
