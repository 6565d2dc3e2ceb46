//! The schemas of the tables of mappings.

use serde_json::{Value, json};

use super::{boolean, count, described, list, object, or_null, text, time};
use crate::config::mapping::TableName;

/// Each by its name.
pub(super) fn all() -> [(&'static str, Value); 5] {
    [
        ("MappingTables", object(vec![("tables", list(&about_table()))])),
        (
            "MappingTable",
            object(vec![
                ("table", name()),
                ("version", described(count(), "Which version; 0 where the table was never edited.")),
                ("columns", list(&text())),
                ("rows", described(list(&list(&text())), "A text for each column.")),
            ]),
        ),
        ("MappingChange", change()),
        (
            "ImportedMapping",
            with_options(object(vec![("csv", described(text(), "The whole table, as it is exported."))])),
        ),
        ("EditedMapping", edited()),
    ]
}

fn name() -> Value {
    json!({"type": "string", "enum": TableName::ALL.map(TableName::as_str)})
}

fn about_table() -> Value {
    let version = object(vec![
        ("version", count()),
        ("at", time()),
        ("by", text()),
        (
            "rows",
            described(
                or_null(count()),
                "How many rows; nothing where the table was given back to the folder.",
            ),
        ),
    ]);
    object(vec![
        ("table", name()),
        (
            "holds",
            described(
                json!({"type": "string", "enum": ["edited", "folder", "nothing"]}),
                "Which table holds: what people have edited, that of the folder of the configuration, or none.",
            ),
        ),
        ("version", described(count(), "The number of its newest version; 0 where it was never edited.")),
        ("rows", described(count(), "How many rows hold.")),
        (
            "folder_rows",
            described(
                or_null(count()),
                "How many rows the folder has, on the node that answers; nothing where it has no such table.",
            ),
        ),
        ("versions", described(list(&version), "The versions that are kept, the newest first; 10 at most.")),
    ])
}

fn change() -> Value {
    let row = object(vec![
        ("change", json!({"type": "string", "enum": ["added", "changed", "removed"]})),
        ("line", described(count(), "Where it stands in the new table; of a removed one, in the old.")),
        ("before", or_null(list(&text()))),
        ("after", or_null(list(&text()))),
    ]);
    let name_shown = object(vec![
        ("what", json!({"type": "string", "enum": ["state", "queue", "agent"]})),
        ("source", text()),
        ("id", text()),
        ("detail", text()),
        ("count", described(count(), "How often it was delivered without a row.")),
    ]);
    let fault = object(vec![
        ("line", or_null(count())),
        ("column", described(or_null(count()), "The character of the line.")),
        ("message", text()),
        ("help", list(&text())),
    ]);
    object(vec![
        ("table", name()),
        ("version", described(count(), "The version that holds then.")),
        (
            "applied",
            described(boolean(), "Whether it was written: not by a dry run, and not where nothing changes."),
        ),
        ("added", count()),
        ("changed", count()),
        ("removed", count()),
        ("columns", list(&text())),
        ("rows", described(list(&row), "What changes, 1000 rows at most.")),
        ("names", described(count(), "How many names that are listed as not mapped get a row.")),
        ("maps", described(list(&name_shown), "Which, 1000 at most.")),
        (
            "faults",
            described(
                list(&fault),
                "What is wrong with the table, in a dry run; then it changes nothing. 1000 at most.",
            ),
        ),
    ])
}

/// What all edits take.
fn with_options(mut schema: Value) -> Value {
    schema["properties"]["dry_run"] =
        described(json!({"type": ["boolean", "null"]}), "Whether it is only asked what would change.");
    schema["properties"]["version"] = described(
        or_null(count()),
        "The version that was looked at: the edit is refused if it is no longer the newest.",
    );
    schema
}

/// Either a row that is set, or one that is removed.
fn edited() -> Value {
    let row = |about: &str| {
        let row = json!({"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}});
        described(row, about)
    };
    let mut schema = object(Vec::new());
    schema["properties"] = json!({
        "set": row("The row, by the names of columns; what is not said is empty. It replaces the row for the same."),
        "remove": row("What the row is for that is removed, by the names of columns."),
    });
    with_options(schema)
}
