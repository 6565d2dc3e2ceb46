//! Where the files of an archive are, and which there are of a source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use pegboard_model::{SourceName, Timestamp};

use super::{ArchiveError, FileName, Step, Steps};

/// The archive of one source.
#[derive(Debug, Clone)]
pub struct Archive {
    folder: PathBuf,
    source: SourceName,
}

/// A file of an archive: steps of one partition that were read in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedFile {
    path: PathBuf,
    hour: Timestamp,
}

impl ArchivedFile {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The first instant of the hour in which its steps were read.
    pub fn hour(&self) -> Timestamp {
        self.hour
    }
}

impl Archive {
    /// What there is of `source` in the archive in `folder`.
    pub fn in_folder(folder: &Path, source: &SourceName) -> Self {
        Self { folder: folder.join(source.as_str()), source: source.clone() }
    }

    /// Whether anything was ever written there. Waits for the disk.
    pub fn is_there(&self) -> bool {
        self.folder.exists()
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        self.folder.display().to_string()
    }

    /// The files of each partition, in the order of their steps. Waits for the disk.
    pub fn files(&self) -> Result<Vec<Vec<ArchivedFile>>, ArchiveError> {
        let mut partitions: BTreeMap<String, BTreeMap<u64, ArchivedFile>> = BTreeMap::new();
        for day in names_in(&self.folder)? {
            for hour in names_in(&self.folder.join(&day))? {
                for file in names_in(&self.folder.join(&day).join(&hour))? {
                    let Some(name) = FileName::parse(&self.source, &day, &hour, &file) else { continue };
                    let path = self.folder.join(&day).join(&hour).join(&file);
                    let files = partitions.entry(name.partition().to_owned()).or_default();
                    files.insert(name.number(), ArchivedFile { path, hour: name.hour() });
                }
            }
        }
        Ok(partitions.into_values().map(|files| files.into_values().collect()).collect())
    }

    /// The steps of a file, each an error with the file's name if it cannot be read. Waits for the disk.
    pub fn steps(
        &self,
        file: &ArchivedFile,
    ) -> Result<impl Iterator<Item = Result<Step, ArchiveError>> + Send + use<>, ArchiveError> {
        let path = file.path.clone();
        let opened = File::open(&path).map_err(|error| ArchiveError::from(error).in_file(&path))?;
        let bytes: Box<dyn BufRead + Send> = Box::new(BufReader::new(opened));
        Ok(Steps::new(bytes).map(move |step| step.map_err(|error| error.in_file(&path))))
    }
}

/// What is in a folder.
fn names_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
    entries.filter_map(|entry| name(entry).transpose()).collect()
}
