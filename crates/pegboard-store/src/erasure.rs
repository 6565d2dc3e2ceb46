//! Persons who are to be forgotten.
//!
//! Who names whom is not for a store to know: it shows every row of every table to an [`Eraser`], and writes what that
//! answers. The tables are those of the schema, so that none is forgotten; left out are what the store keeps of itself, and
//! the audit log, which is only added to.

use std::fmt;

use async_trait::async_trait;
use pegboard_model::{SourceName, Timestamp};
use serde::Serialize;

use crate::Result;
pub use crate::copy::Value as Cell;

/// Tables that are shown to no eraser: who may do what and who did it, what is known of persons to be forgotten, and what
/// the store and its nodes keep of themselves.
pub(crate) const NOT_SHOWN: [&str; 7] =
    ["audit", "tokens", "erasures", "meta", "pegboard_store", "nodes", "leases"];

/// The most rows that are changed in one transaction: a person has some ten thousand. Where there are more, what is left is
/// found the next time.
pub const MOST_CHANGES: usize = 250_000;

/// Who knows whom a row names.
pub trait Eraser: Send + Sync + fmt::Debug {
    /// What is to stand in a row instead of what stands there, by the place of its column. A row that is no longer found as
    /// it was shown is not changed.
    fn row(&self, table: &str, row: &[(&str, Cell)]) -> Vec<(usize, Cell)>;
}

/// A row to be changed.
#[derive(Clone)]
pub struct RowChange {
    pub(crate) table: std::sync::Arc<ShownTable>,
    /// As it was found.
    pub(crate) row: Vec<Cell>,
    /// What is to stand there instead.
    pub(crate) instead: Vec<(usize, Cell)>,
}

impl RowChange {
    /// The name of its table.
    pub fn table(&self) -> &str {
        &self.table.name
    }

    /// Whether another row will be meant by the key of this one.
    pub(crate) fn moves(&self) -> bool {
        self.instead.iter().any(|(place, _)| self.table.key.contains(place))
    }

    /// The key as it will be.
    pub(crate) fn new_key(&self) -> Vec<&Cell> {
        let new = |place: &usize| self.instead.iter().find(|(changed, _)| changed == place);
        self.table.key.iter().map(|place| new(place).map_or(&self.row[*place], |(_, cell)| cell)).collect()
    }
}

/// Without what it says of a person.
impl fmt::Debug for RowChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowChange").field("table", &self.table.name).finish_non_exhaustive()
    }
}

/// A table that is shown.
#[derive(Debug)]
pub(crate) struct ShownTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// The places of the columns by which a row is known.
    pub(crate) key: Vec<usize>,
    /// The places of columns that hold yes and no where the database has a type for that.
    pub(crate) flags: Vec<usize>,
}

impl ShownTable {
    /// Whether rows of it belong to sources.
    pub(crate) fn has_source(&self) -> bool {
        self.columns.iter().any(|column| column == "source")
    }

    /// Shows a row; answers how it is to be changed.
    pub(crate) fn show(
        self: &std::sync::Arc<Self>,
        row: Vec<Cell>,
        eraser: &dyn Eraser,
    ) -> Option<RowChange> {
        let names = self.columns.iter().map(String::as_str);
        let shown: Vec<(&str, Cell)> = names.zip(row.iter().cloned()).collect();
        let instead = eraser.row(&self.name, &shown);
        (!instead.is_empty()).then(|| RowChange { table: self.clone(), row, instead })
    }
}

/// A person to be forgotten: what was asked for, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its number.
    pub id: u64,
    /// The source.
    pub source: SourceName,
    /// When it was asked for.
    pub at: Timestamp,
    /// How it stands.
    pub state: ErasureState,
    /// Whom it is about: JSON of whoever does it, and nothing that names anybody once it is over.
    pub asked: String,
    /// How far it is: JSON of whoever does it.
    pub progress: String,
}

/// How an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// Others of the source come first.
    Waiting,
    /// What names the person is looked for, and replaced.
    Running,
    /// Nothing names him any more but what was written over; that goes, too.
    Wiping,
    /// He is forgotten.
    Done,
    /// It cannot be done.
    Failed,
}

impl ErasureState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Wiping, Self::Done, Self::Failed];

    /// The name that stands in the store and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Wiping => "wiping",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether there is something left to do.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Wiping)
    }

    pub(crate) fn from_name(name: &str) -> Result<Self> {
        let unknown = || crate::StoreError::Damaged { what: "state of an erasure", detail: name.to_owned() };
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or_else(unknown)
    }
}

/// An erasure that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureWrite {
    /// The source.
    pub source: SourceName,
    /// When.
    pub at: Timestamp,
    /// Whom it is about, as JSON.
    pub asked: String,
    /// How far it is before it has begun, as JSON.
    pub progress: String,
}

/// How an erasure stands from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureNote {
    /// Its number.
    pub id: u64,
    /// How it stands.
    pub state: ErasureState,
    /// Whom it is about, as JSON.
    pub asked: String,
    /// How far it is, as JSON.
    pub progress: String,
}

/// What those ask of a database who have persons forgotten.
#[async_trait]
pub trait Erasures: Send + Sync {
    /// Notes that a person is to be forgotten; answers the number of the erasure. Nothing if `most_open` of the source are
    /// not over yet.
    async fn add_erasure(&self, erasure: ErasureWrite, most_open: usize) -> Result<Option<u64>>;

    /// Erasures of the sources (of all where empty) with numbers below `before`, newest first, at most `limit`; with
    /// `only_open` those that are not over.
    async fn erasures(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        only_open: bool,
        limit: usize,
    ) -> Result<Vec<Erasure>>;

    /// Notes how an erasure stands.
    async fn note_erasure(&self, note: ErasureNote) -> Result<()>;

    /// Shows every row of a source, and every row that belongs to none, to `eraser`; answers the changes, at most
    /// [`MOST_CHANGES`]. Changes nothing.
    async fn find_rows(
        &self,
        source: &SourceName,
        eraser: std::sync::Arc<dyn Eraser>,
    ) -> Result<Vec<RowChange>>;

    /// Changes rows, all or none, as far as they stand as they were found; answers how many. Where there is a row with the
    /// new key already, that one stays, and the other goes. Of an agent a new version is written.
    async fn change_rows(&self, changes: Vec<RowChange>) -> Result<u64>;

    /// Has nothing left in the files of the store of what was removed or written over. On PostgreSQL the room is freed to be
    /// written over: its files and its log are the server's.
    async fn wipe(&self) -> Result<()>;
}
