//! The tables beside the configuration file, which planners edit as CSV.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use pegboard_connect::sources::amazon_connect::reports::Labels;
use pegboard_engine::StatusTable;

use super::fault::{ConfigErrors, Fault};
use super::queue_settings::QueueSettings;
use super::table::Table;
use super::{labels, mapping, queue_settings, statuses};

/// How the bytes of a file are had.
pub(super) type Fetch<'f> = &'f dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// Reads side files, and gathers what is wrong with them.
pub(super) struct SideFiles<'f> {
    fetch: Fetch<'f>,
    faults: Vec<Fault>,
    /// Files whose faults were told: several sources may share one.
    told: HashSet<PathBuf>,
}

impl<'f> SideFiles<'f> {
    pub(super) fn new(fetch: Fetch<'f>) -> Self {
        Self { fetch, faults: Vec::new(), told: HashSet::new() }
    }

    /// What was wrong with the files.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// The status table that the key `statuses` names.
    pub(super) fn statuses(&mut self, path: &Path, table: &mut Table<'_, '_>) -> Option<StatusTable> {
        self.read("statuses", path, table, statuses::parse)
    }

    /// What the file sets for queues that the key `queue_settings` names.
    pub(super) fn queue_settings(&mut self, path: &Path, table: &mut Table<'_, '_>) -> Option<QueueSettings> {
        self.read("queue_settings", path, table, queue_settings::parse)
    }

    /// What the labels of reports mean that the key `labels` names.
    pub(super) fn labels(&mut self, path: &Path, table: &mut Table<'_, '_>) -> Option<Labels> {
        self.read("labels", path, table, labels::parse)
    }

    /// The mapping in a folder.
    pub(super) fn mapping(&mut self, folder: &Path) -> Option<mapping::Folder> {
        mapping::read(folder).map_err(|errors| self.tell(folder, errors)).ok()
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        path: &Path,
        table: &mut Table<'_, '_>,
        parse: impl FnOnce(&Path, &[u8]) -> Result<T, ConfigErrors>,
    ) -> Option<T> {
        let bytes = match (self.fetch)(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                table.note(table.value_span(key)?, Some(key), message, Vec::new());
                return None;
            }
        };
        let result = parse(path, &bytes);
        result.map_err(|errors| self.tell(path, errors)).ok()
    }

    fn tell(&mut self, path: &Path, errors: ConfigErrors) {
        if self.told.insert(path.to_owned()) {
            self.faults.extend(errors.into_faults());
        }
    }
}
