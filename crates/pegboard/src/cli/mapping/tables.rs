//! The tables of a mapping: shown, exported and edited.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::Failure;
use crate::cli::hub_client::HubClient;
use crate::cli::sinks::{Sinks, path_of, write_lines};
use crate::config::MAX_FILE_BYTES;
use crate::config::mapping::TableName;

/// Which table of which sink.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The table: states, queues or agents.
    table: String,
    /// The sink.
    #[arg(long)]
    sink: Option<String>,
}

/// A table that is exported.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    which: Which,
    /// A version that is kept; the one that holds where nothing is said.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
}

/// A table that is imported.
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    which: Which,
    /// The table as CSV, with a header.
    file: PathBuf,
    /// Let it hold. Without this it is only shown what would change.
    #[arg(long)]
    apply: bool,
}

/// A row that is set or removed.
#[derive(Debug, Args)]
pub(super) struct RowEdit {
    #[command(flatten)]
    which: Which,
    /// Cells: the name of a column, `=`, and a text.
    #[arg(value_name = "COLUMN=TEXT", required = true)]
    cells: Vec<String>,
}

impl Which {
    fn path(&self, sinks: &Sinks) -> Result<String, Failure> {
        let table = table_of(&self.table)?;
        Ok(format!("{}/mapping/{}", sinks.path(self.sink.as_deref())?, table.as_str()))
    }
}

/// The table of a name.
pub(super) fn table_of(name: &str) -> Result<TableName, Failure> {
    TableName::from_name(name).ok_or_else(|| {
        let known = TableName::ALL.map(TableName::as_str).join(", ");
        Failure::Usage(format!("there is no table {name:?}: the tables are {known}"))
    })
}

/// Shows every table of every sink.
pub(super) async fn list(hub: &HubClient, sinks: &[&str]) -> Result<(), Failure> {
    for sink in sinks {
        let answer = hub.get(&format!("{}/mapping", path_of(sink))).await?;
        let tables = answer["tables"].as_array().into_iter().flatten();
        write_lines(tables.map(|table| table_line(sink, table)));
    }
    Ok(())
}

fn table_line(sink: &str, table: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let newest = &table["versions"][0];
    let holds = match table["holds"].as_str() {
        Some("edited") => format!(
            "version {}, edited {} by {}",
            newest["version"],
            text(&newest["at"]),
            text(&newest["by"])
        ),
        Some("folder") => "from the folder".to_owned(),
        _ => "nothing: no row".to_owned(),
    };
    let unused = match (&table["holds"], table["folder_rows"].as_u64()) {
        (Value::String(holds), Some(rows)) if holds == "edited" => {
            format!("; the folder's {rows} rows are not used")
        }
        _ => String::new(),
    };
    format!("{sink}  {}  {} rows  {holds}{unused}", text(&table["table"]), table["rows"])
}

/// Writes a table to the standard output.
pub(super) async fn export(hub: &HubClient, sinks: &Sinks, asked: &Export) -> Result<(), Failure> {
    let version = asked.version.map(|version| format!("&version={version}")).unwrap_or_default();
    let path = format!("{}?format=csv{version}", asked.which.path(sinks)?);
    let csv = hub.get_text(&path).await?;
    std::io::stdout().lock().write_all(&csv).map_err(|error| Failure::Other(error.into()))
}

/// Shows what a table would change, and lets it hold where that is said.
pub(super) async fn import(hub: &HubClient, sinks: &Sinks, asked: &Import) -> Result<(), Failure> {
    let path = asked.which.path(sinks)?;
    let csv = read(&asked.file)?;
    let shown = hub.post(&path, &json!({"csv": csv, "dry_run": true})).await?;
    let faults: Vec<_> = shown["faults"].as_array().into_iter().flatten().collect();
    if !faults.is_empty() {
        let told: Vec<_> = faults.iter().map(|fault| fault_line(&asked.file, fault)).collect();
        return Err(Failure::Usage(told.join("\n")));
    }
    write_lines(change_lines(&shown));
    if !asked.apply {
        write_lines(["nothing is written: --apply lets it hold".to_owned()]);
        return Ok(());
    }
    // What was shown is what is written, or nothing.
    let written = hub.post(&path, &json!({"csv": csv, "version": shown["version"]})).await?;
    write_lines([outcome_line(&written)]);
    Ok(())
}

/// Sets a row.
pub(super) async fn set(hub: &HubClient, sinks: &Sinks, asked: &RowEdit) -> Result<(), Failure> {
    edit(hub, sinks, asked, "set").await
}

/// Removes a row.
pub(super) async fn remove(hub: &HubClient, sinks: &Sinks, asked: &RowEdit) -> Result<(), Failure> {
    edit(hub, sinks, asked, "remove").await
}

async fn edit(hub: &HubClient, sinks: &Sinks, asked: &RowEdit, how: &str) -> Result<(), Failure> {
    let path = format!("{}/rows", asked.which.path(sinks)?);
    let written = hub.post(&path, &json!({how: cells(&asked.cells)?})).await?;
    write_lines(change_lines(&written));
    write_lines([outcome_line(&written)]);
    Ok(())
}

/// Gives a table back to the folder of the configuration.
pub(super) async fn give_back(hub: &HubClient, sinks: &Sinks, which: &Which) -> Result<(), Failure> {
    hub.delete(&which.path(sinks)?).await?;
    write_lines(["the folder of the configuration holds again".to_owned()]);
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let unread =
        |error: &dyn std::fmt::Display| Failure::Usage(format!("{} cannot be read: {error}", file.display()));
    let length = fs::metadata(file).map_err(|error| unread(&error))?.len();
    if length > MAX_FILE_BYTES {
        return Err(unread(&format_args!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    String::from_utf8(fs::read(file).map_err(|error| unread(&error))?)
        .map_err(|_| unread(&"it is not UTF-8: save it with that encoding"))
}

fn cells(given: &[String]) -> Result<Map<String, Value>, Failure> {
    let cell = |text: &String| {
        let (column, value) = text.split_once('=')?;
        Some((column.trim().to_owned(), value.into()))
    };
    let unfit = |text: &String| {
        Failure::Usage(format!("{text:?} is no cell: write the name of a column, =, and a text"))
    };
    given.iter().map(|text| cell(text).ok_or_else(|| unfit(text))).collect()
}

/// A fault of a table, where it is.
pub(super) fn fault_line(file: &Path, fault: &Value) -> String {
    let mut line = file.display().to_string();
    for place in ["line", "column"] {
        if let Some(number) = fault[place].as_u64() {
            line = format!("{line}:{number}");
        }
    }
    let help = fault["help"].as_array().into_iter().flatten().filter_map(Value::as_str);
    help.fold(format!("{line}: {}", fault["message"].as_str().unwrap_or_default()), |line, help| {
        format!("{line} ({help})")
    })
}

/// What changes, row by row, and which names get one.
pub(super) fn change_lines(change: &Value) -> Vec<String> {
    let list = |name: &str| change[name].as_array().cloned().unwrap_or_default();
    let row = |cells: &Value| {
        let cells: Vec<_> = cells.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        cells.join(",")
    };
    let mut lines = Vec::new();
    for changed in list("rows") {
        let before = changed["before"].is_array().then(|| format!("- {}", row(&changed["before"])));
        let after = changed["after"].is_array().then(|| format!("+ {}", row(&changed["after"])));
        lines.extend(before.into_iter().chain(after));
    }
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    for named in list("maps") {
        let detail = Some(text(&named, "detail")).filter(|detail| !detail.is_empty());
        let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        let (what, source, id) = (text(&named, "what"), text(&named, "source"), text(&named, "id"));
        lines.push(format!("maps {what}  {source}  {id:?}{detail}, seen {} times", named["count"]));
    }
    let (added, changed, removed) = (&change["added"], &change["changed"], &change["removed"]);
    lines.push(format!(
        "{added} rows added, {changed} changed, {removed} removed; {} listed names get a row",
        change["names"]
    ));
    lines
}

/// What came of writing.
pub(super) fn outcome_line(written: &Value) -> String {
    match written["applied"].as_bool() {
        Some(true) => format!("version {} holds from now on", written["version"]),
        _ => "nothing changes: nothing is written".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_row_by_row() {
        let change = json!({
            "added": 1, "changed": 1, "removed": 1, "names": 1,
            "rows": [
                {"change": "added", "line": 2, "before": null, "after": ["Lunch", "Break"]},
                {"change": "changed", "line": 3, "before": ["X", "A"], "after": ["X", "B"]},
                {"change": "removed", "line": 2, "before": ["Z", "A"], "after": null},
            ],
            "maps": [{"what": "state", "source": "main", "id": "Lunch", "detail": "late", "count": 7}],
        });
        insta::assert_snapshot!(change_lines(&change).join("\n"), @r#"
        + Lunch,Break
        - X,A
        + X,B
        - Z,A
        maps state  main  "Lunch" (late), seen 7 times
        1 rows added, 1 changed, 1 removed; 1 listed names get a row
        "#);
    }

    #[test]
    fn a_fault_has_its_place() {
        let fault = json!({"line": 2, "column": 7, "message": "a name is missing", "help": ["say one"]});
        let line = fault_line(Path::new("states.csv"), &fault);
        assert_eq!(line, "states.csv:2:7: a name is missing (say one)");
        let fault = json!({"line": null, "column": null, "message": "the file is empty", "help": []});
        assert_eq!(fault_line(Path::new("states.csv"), &fault), "states.csv: the file is empty");
    }

    #[test]
    fn cells_are_written_with_the_names_of_columns() {
        let given = ["event_id=a=b".to_owned(), "status =closed".to_owned()];
        assert_eq!(json!(cells(&given).unwrap()), json!({"event_id": "a=b", "status": "closed"}));
        assert!(cells(&["Lunch".to_owned()]).is_err());
    }

    #[test]
    fn a_table_says_what_holds() {
        let table = json!({
            "table": "states", "holds": "edited", "version": 3, "rows": 7, "folder_rows": 5,
            "versions": [{"version": 3, "at": "T", "by": "ann", "rows": 7}],
        });
        let line = table_line("wfm", &table);
        assert_eq!(line, "wfm  states  7 rows  version 3, edited T by ann; the folder's 5 rows are not used");
    }
}
