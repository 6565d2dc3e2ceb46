//! A table that planners edit: what is written, and what it means.

use std::path::Path;
use std::sync::Arc;

use pegboard_sinks::mapping::{AgentMapping, Mapping, QueueMapping, StateMapping};

use super::parse;
use crate::config::fault::ConfigErrors;
use crate::config::sheet::{Cell, Sheet};

/// The longest table that is edited, in bytes of CSV.
pub const MAX_TABLE_BYTES: usize = 4 << 20;

pub(super) const STATE_COLUMNS: [&str; 8] =
    ["event_id", "activity_code", "status", "reason", "class", "send_as", "source", "from"];
pub(super) const QUEUE_COLUMNS: [&str; 7] =
    ["queue", "wfm_queue_id", "wfm_queue_name", "channel", "direction", "source", "from"];
pub(super) const AGENT_COLUMNS: [&str; 5] = ["agent", "wfm_agent_id", "wfm_agent_value", "source", "from"];

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableName {
    /// What states are.
    States,
    /// What queues are.
    Queues,
    /// Who agents are.
    Agents,
}

impl TableName {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::States, Self::Queues, Self::Agents];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::States => "states",
            Self::Queues => "queues",
            Self::Agents => "agents",
        }
    }

    /// The table of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.as_str() == name)
    }

    /// The name of its file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::States => "states.csv",
            Self::Queues => "queues.csv",
            Self::Agents => "agents.csv",
        }
    }

    /// Its columns, in the order in which it is written.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::States => &STATE_COLUMNS,
            Self::Queues => &QUEUE_COLUMNS,
            Self::Agents => &AGENT_COLUMNS,
        }
    }

    /// The columns that say what a row is for: no two rows are for the same.
    const fn key(self) -> &'static [usize] {
        match self {
            Self::States => &[0, 3, 4, 6, 7],
            Self::Queues => &[0, 3, 4, 5, 6],
            Self::Agents => &[0, 3, 4],
        }
    }

    /// What a row is for, whatever its case.
    pub(crate) fn key_of(self, cells: &[String]) -> Vec<String> {
        self.key().iter().map(|column| cells[*column].to_lowercase()).collect()
    }

    /// Rows of it as CSV with all columns.
    pub(crate) fn to_csv(self, rows: &[Row]) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = writer
            .write_record(self.columns())
            .and_then(|()| rows.iter().try_for_each(|row| writer.write_record(&row.cells)));
        debug_assert!(written.is_ok(), "memory takes everything");
        String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
    }
}

/// A row as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins.
    pub line: usize,
    /// Its cells, one for each column of the table.
    pub cells: Vec<String>,
}

impl Row {
    pub(super) fn of<const N: usize>(sheet: &Sheet<'_, N>, cells: &[Cell<'_>; N]) -> Self {
        let line = cells.iter().map(|cell| sheet.line_of(cell)).min().unwrap_or_default();
        Self { line, cells: cells.iter().map(|cell| cell.text.to_string()).collect() }
    }
}

/// A table without a fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    name: TableName,
    rows: Vec<Row>,
    meaning: Meaning,
}

#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    States(StateMapping),
    Queues(QueueMapping),
    Agents(AgentMapping),
}

impl Table {
    /// Reads a table, of which faults say that it stands at `path`.
    pub fn parse(name: TableName, path: &Path, bytes: &[u8]) -> Result<Self, ConfigErrors> {
        let (rows, meaning) = match name {
            TableName::States => {
                let (rows, states) = parse::states(path, bytes)?;
                (rows, Meaning::States(StateMapping { rows: states }))
            }
            TableName::Queues => {
                let (rows, queues) = parse::queues(path, bytes)?;
                (rows, Meaning::Queues(QueueMapping::new(queues)))
            }
            TableName::Agents => {
                let (rows, agents) = parse::agents(path, bytes)?;
                (rows, Meaning::Agents(AgentMapping::new(agents)))
            }
        };
        Ok(Self { name, rows, meaning })
    }

    /// A table without rows.
    pub fn empty(name: TableName) -> Self {
        let meaning = match name {
            TableName::States => Meaning::States(StateMapping::default()),
            TableName::Queues => Meaning::Queues(QueueMapping::default()),
            TableName::Agents => Meaning::Agents(AgentMapping::default()),
        };
        Self { name, rows: Vec::new(), meaning }
    }

    /// Which one it is.
    pub fn name(&self) -> TableName {
        self.name
    }

    /// Its rows, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Lets it hold in a mapping, in place of the one that holds there.
    pub fn put_into(&self, mapping: &mut Mapping) {
        match &self.meaning {
            Meaning::States(states) => mapping.states = states.clone(),
            Meaning::Queues(queues) => mapping.queues = queues.clone(),
            Meaning::Agents(agents) => mapping.agents = agents.clone(),
        }
    }

    /// As CSV with all columns: what is read from that is the same table.
    pub fn to_csv(&self) -> String {
        self.name.to_csv(&self.rows)
    }
}

/// Those tables that are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables([Option<Arc<Table>>; 3]);

impl Tables {
    /// One of them.
    pub fn get(&self, name: TableName) -> Option<&Arc<Table>> {
        self.0[name as usize].as_ref()
    }

    /// Puts one in its place.
    pub fn put(&mut self, table: Arc<Table>) {
        let place = table.name as usize;
        self.0[place] = Some(table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: TableName, text: &str) -> Table {
        Table::parse(name, Path::new(name.file()), text.as_bytes()).unwrap()
    }

    fn cells(table: &Table) -> Vec<&[String]> {
        table.rows().iter().map(|row| &*row.cells).collect()
    }

    #[test]
    fn what_is_written_is_read_as_the_same_table_and_written_the_same_again() {
        let states = "\u{feff}status,Event_ID,activity_code,reason\r\nClosed, \"Ärger, \"\"x\"\"\" ,Lunch, late\n\n\
                      open,VOICE-*-CONNECTED,=1+1,\n";
        let queues = "queue,wfm_queue_id,from\n,OUT,2026-03-02T00:00:00Z\n#Billing,B,\n";
        let agents = "wfm_agent_id,agent,source\nP1,'ann,acme\n";
        for (name, text) in
            [(TableName::States, states), (TableName::Queues, queues), (TableName::Agents, agents)]
        {
            let table = parsed(name, text);
            let written = table.to_csv();
            let again = parsed(name, &written);
            assert_eq!((cells(&again), &again.meaning), (cells(&table), &table.meaning), "{written}");
            assert_eq!(again.to_csv(), written);
        }
        let written = parsed(TableName::States, states).to_csv();
        insta::assert_snapshot!(written, @r#"
        event_id,activity_code,status,reason,class,send_as,source,from
        "Ärger, ""x""",Lunch,Closed,late,,,,
        VOICE-*-CONNECTED,=1+1,open,,,,,
        "#);
    }

    #[test]
    fn a_row_knows_its_line() {
        let table = parsed(TableName::Agents, "agent,wfm_agent_id\n\nann,P1\nbob,P2\n");
        assert_eq!(table.rows().iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn no_two_rows_have_the_same_key() {
        let told =
            Table::parse(TableName::Queues, Path::new("queues.csv"), b"queue,wfm_queue_id\nQ,A\nq,B\n");
        assert!(told.unwrap_err().to_string().contains("queues.csv:3:1"));
        for name in TableName::ALL {
            let columns = name.columns();
            let required: Vec<_> = name.key().iter().map(|column| columns[*column]).collect();
            assert!(required.ends_with(&["source", "from"]), "{required:?}");
        }
    }
}
