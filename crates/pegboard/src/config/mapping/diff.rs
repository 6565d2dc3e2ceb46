//! What an edit of a table changes.

use std::collections::HashMap;

use super::table::{Row, Table};

/// What one table has and another has not. Rows are the same that are for the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Rows that are new.
    pub added: Vec<Row>,
    /// Rows that say something else.
    pub changed: Vec<Changed>,
    /// Rows that are gone.
    pub removed: Vec<Row>,
}

/// A row that says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its cells before.
    pub before: Vec<String>,
    /// How it is then.
    pub after: Row,
}

impl Diff {
    /// What makes `after` of `before`, two versions of one table.
    pub fn between(before: &Table, after: &Table) -> Self {
        let name = after.name();
        let key = |row: &Row| name.key_of(&row.cells);
        let mut gone: HashMap<Vec<String>, &Row> = before.rows().iter().map(|row| (key(row), row)).collect();
        let mut diff = Self::default();
        for row in after.rows() {
            match gone.remove(&key(row)) {
                None => diff.added.push(row.clone()),
                Some(known) if known.cells == row.cells => {}
                Some(known) => {
                    diff.changed.push(Changed { before: known.cells.clone(), after: row.clone() });
                }
            }
        }
        diff.removed = gone.into_values().cloned().collect();
        diff.removed.sort_by_key(|row| row.line);
        diff
    }

    /// How many rows it is about.
    pub fn count(&self) -> usize {
        self.added.len() + self.changed.len() + self.removed.len()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::mapping::TableName;

    fn table(text: &str) -> Table {
        let text = format!("queue,wfm_queue_id,channel\n{text}");
        Table::parse(TableName::Queues, Path::new("queues.csv"), text.as_bytes()).unwrap()
    }

    fn told(before: &str, after: &str) -> String {
        let Diff { added, changed, removed } = Diff::between(&table(before), &table(after));
        let changed = changed.iter().map(|row| {
            format!("{} {} -> {}", row.after.line, row.before.join(","), row.after.cells.join(","))
        });
        let rows = |rows: &[Row]| rows.iter().map(|row| format!("{} {}", row.line, row.cells[0])).collect();
        let (added, removed): (Vec<_>, Vec<_>) = (rows(&added), rows(&removed));
        format!("+{added:?} ~{:?} -{removed:?}", changed.collect::<Vec<_>>())
    }

    #[test]
    fn rows_for_the_same_are_compared_whatever_their_order_and_case() {
        assert_eq!(told("q,A,\np,B,\n", "p,B,\nq,A,\n"), "+[] ~[] -[]");
        assert_eq!(told("q,A,\n", "Q,A,\n"), r#"+[] ~["2 q,A,,,,, -> Q,A,,,,,"] -[]"#);
        let expected = r#"+["3 q"] ~["2 q,A,,,,, -> q,B,,,,,"] -["2 a", "4 z"]"#;
        assert_eq!(told("a,1,\nq,A,\nz,2,\n", "q,B,\nq,C,CHAT\n"), expected);
        assert_eq!(told("", "q,A,\n"), r#"+["2 q"] ~[] -[]"#);
    }
}
