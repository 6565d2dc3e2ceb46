//! What differs between rows as they are stored and as they follow from the facts now.

use std::collections::HashMap;

use pegboard_engine::Window;
use pegboard_model::{Text, Timestamp};
use pegboard_store::{RowWrite, RowsOf, StoreError};
use serde_json::{Map, Value, json};

use super::request::ReloadRequest;
use crate::runtime::derived::{GoneRow, stored_reports};
use crate::runtime::source::Shared;

/// The columns of what would change.
pub(super) const COLUMNS: [&str; 6] = ["report", "interval_start", "key", "column", "old", "new"];

/// A row that is not as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Difference {
    /// It follows from the facts otherwise than it is stored, if it is.
    Derived {
        /// As it is stored.
        old: Option<String>,
        /// As it follows from the facts.
        new: RowWrite,
    },
    /// No fact stands behind it.
    Gone {
        /// Which one.
        row: GoneRow,
        /// As it is stored.
        old: String,
    },
}

/// All rows of a window that are not as they are stored.
#[derive(Debug, Default)]
pub(super) struct Differences(Vec<Difference>);

impl Differences {
    /// Compares derived rows of a window with the stored ones, as far as the request is about them.
    pub(super) async fn find(
        shared: &Shared,
        of: RowsOf,
        window: Window,
        derived: Vec<RowWrite>,
        request: &ReloadRequest,
    ) -> Result<Self, StoreError> {
        let mut stored: HashMap<GoneRow, String> = HashMap::new();
        for report in stored_reports(of) {
            let name = Text::from(report);
            for row in shared.store.rows(&shared.config.name, report, window.from, window.to).await? {
                stored.insert((name.clone(), row.interval_start, row.key), row.body);
            }
        }
        Ok(Self(compare(stored, derived).into_iter().filter(|differs| request.wants(differs)).collect()))
    }

    /// What is to be written so that none is left.
    pub(super) fn into_writes(self) -> (Vec<RowWrite>, Vec<GoneRow>) {
        let (mut rows, mut gone) = (Vec::new(), Vec::new());
        for differs in self.0 {
            match differs {
                Difference::Derived { new, .. } => rows.push(new),
                Difference::Gone { row, .. } => gone.push(row),
            }
        }
        (rows, gone)
    }

    /// What would change, one line for each column, by report, interval, row and column. Of a row that is new, or no longer
    /// exists, one line with all of it.
    pub(super) fn shown(&self) -> Vec<Value> {
        let mut lines: Vec<Value> = self.0.iter().flat_map(Difference::shown).collect();
        let key = |line: &Value| {
            let text = |column: &str| line[column].as_str().unwrap_or_default().to_owned();
            (text("report"), text("interval_start"), text("key"), text("column"))
        };
        lines.sort_by_cached_key(key);
        lines
    }
}

fn compare(mut stored: HashMap<GoneRow, String>, derived: Vec<RowWrite>) -> Vec<Difference> {
    let mut differ = Vec::new();
    for new in derived {
        let old = stored.remove(&(new.report.clone(), new.interval_start, new.key.clone()));
        if old.as_ref() != Some(&new.body) {
            differ.push(Difference::Derived { old, new });
        }
    }
    differ.extend(stored.into_iter().map(|(row, old)| Difference::Gone { row, old }));
    differ
}

fn columns(body: Option<&String>) -> Option<Map<String, Value>> {
    body.and_then(|body| serde_json::from_str(body).ok())
}

impl Difference {
    /// Which row it is about: report, start of interval, key.
    fn row(&self) -> (&str, Timestamp, &str) {
        match self {
            Self::Derived { new, .. } => (&new.report, new.interval_start, &new.key),
            Self::Gone { row: (report, interval_start, key), .. } => (report, *interval_start, key),
        }
    }

    fn stored(&self) -> Option<&String> {
        match self {
            Self::Derived { old, .. } => old.as_ref(),
            Self::Gone { old, .. } => Some(old),
        }
    }

    const fn derived(&self) -> Option<&String> {
        match self {
            Self::Derived { new, .. } => Some(&new.body),
            Self::Gone { .. } => None,
        }
    }

    fn line(&self, column: Option<&str>, old: Option<&Value>, new: Option<&Value>) -> Value {
        let (report, interval_start, key) = self.row();
        json!({
            "report": report, "interval_start": interval_start.to_string(),
            "key": key.replace('\u{1f}', " / "), "column": column, "old": old, "new": new,
        })
    }

    fn shown(&self) -> Vec<Value> {
        let (old, new) = (columns(self.stored()), columns(self.derived()));
        let (Some(old), Some(new)) = (&old, &new) else {
            let whole = |row: Option<Map<String, Value>>| row.map(Value::Object);
            return vec![self.line(None, whole(old).as_ref(), whole(new).as_ref())];
        };
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let changed = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
        changed.map(|name| self.line(Some(name), old.get(name), new.get(name))).collect()
    }
}

impl ReloadRequest {
    /// Whether a row that differs is of those that are asked for. One that is about no queue is about none of some queues.
    fn wants(&self, differs: &Difference) -> bool {
        if self.is_of_all() {
            return true;
        }
        let Some(row) = columns(differs.derived().or(differs.stored())) else { return false };
        let text = |column: &str| row.get(column).and_then(Value::as_str);
        let is_agent = |agent: &str| self.agents.iter().any(|wanted| wanted.as_str() == agent);
        let is_queue = |queue: &str| self.queues.iter().any(|wanted| wanted == queue);
        let of_agent = self.agents.is_empty() || text("agent_id").is_some_and(is_agent);
        let of_queue = self.queues.is_empty()
            || text("queue_id").is_some_and(is_queue)
            || text("queue_name").is_some_and(is_queue);
        of_agent && of_queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &str, body: &Value) -> RowWrite {
        let (report, reason) = ("agent_queue_interval".into(), "reload".into());
        let (key, body) = (key.to_owned(), body.to_string());
        RowWrite { report, interval_start: Timestamp::from_millis(0), key, body, reason }
    }

    fn row(agent: &str, queue: &str, handled: u32) -> Value {
        json!({"agent_id": agent, "queue_id": queue, "queue_name": format!("{queue}!"), "handled": handled})
    }

    fn differences() -> Vec<Difference> {
        let at = |key: &str| ("agent_queue_interval".into(), Timestamp::from_millis(0), key.to_owned());
        let stored = [("a", row("a", "q", 1)), ("b", row("b", "q", 1)), ("c", row("c", "r", 1))];
        let stored = stored.into_iter().map(|(key, row)| (at(key), row.to_string())).collect();
        let derived = vec![
            write("a", &row("a", "q", 2)),
            write("b", &row("b", "q", 1)),
            write("d\u{1f}q", &row("d", "q", 1)),
        ];
        compare(stored, derived)
    }

    fn wanted(queues: &[&str], agents: &[&str]) -> Vec<String> {
        let date = jiff::civil::date(2026, 3, 1);
        let request = ReloadRequest {
            source: "s".into(),
            from: date,
            to: date,
            queues: queues.iter().map(ToString::to_string).collect(),
            agents: agents.iter().map(|agent| (*agent).into()).collect(),
            from_archive: false,
            from_source: false,
            recapture: None,
        };
        let mut keys: Vec<_> =
            differences().iter().filter(|one| request.wants(one)).map(|one| one.row().2.to_owned()).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn what_differs_is_shown_by_column_and_a_new_or_lost_row_as_a_whole() {
        let shown = Differences(differences()).shown();
        let of = |line: &Value| {
            (line["key"].clone(), line["column"].clone(), line["old"].clone(), line["new"].clone())
        };
        let expected = [
            (json!("a"), json!("handled"), json!(1), json!(2)),
            (json!("c"), Value::Null, row("c", "r", 1), Value::Null),
            (json!("d / q"), Value::Null, Value::Null, row("d", "q", 1)),
        ];
        assert_eq!(shown.iter().map(of).collect::<Vec<_>>(), expected);
        let (rows, gone) = Differences(differences()).into_writes();
        assert_eq!((rows.len(), gone.len()), (2, 1));
    }

    #[test]
    fn rows_are_chosen_by_queue_and_agent() {
        assert_eq!(wanted(&[], &[]), ["a", "c", "d\u{1f}q"]);
        assert_eq!(wanted(&["q"], &[]), ["a", "d\u{1f}q"]);
        assert_eq!(wanted(&["r!"], &[]), ["c"]);
        assert_eq!(wanted(&["q"], &["d", "c"]), ["d\u{1f}q"]);
        assert_eq!(wanted(&["none"], &[]), [""; 0]);
    }
}
