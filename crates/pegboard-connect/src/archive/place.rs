//! Where the files of an archive are, and which there are of a source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pegboard_model::{SourceName, Timestamp};
use tokio::runtime::Handle;

use super::file_name::hour_of;
use super::{ArchiveBucket, ArchiveError, FileName, Step, Steps};

/// Where archives are.
#[derive(Debug, Clone)]
pub enum ArchivePlace {
    /// A folder of this machine, or one that it shares with others.
    Folder(PathBuf),
    /// A bucket of Amazon S3.
    Bucket(Arc<ArchiveBucket>),
}

/// The archive of one source.
///
/// What reads it waits for the disk or for S3, and belongs on a thread for that (`spawn_blocking`).
#[derive(Debug, Clone)]
pub struct Archive {
    place: ArchivePlace,
    source: SourceName,
}

/// The content of a file, being read.
type Content = Box<dyn BufRead + Send>;

impl Archive {
    /// What there is of `source` in the archive at `place`.
    pub fn new(place: ArchivePlace, source: &SourceName) -> Self {
        Self { place, source: source.clone() }
    }

    /// What there is of `source` in the archive in `folder`.
    pub fn in_folder(folder: &Path, source: &SourceName) -> Self {
        Self::new(ArchivePlace::Folder(folder.to_path_buf()), source)
    }

    /// The source.
    pub fn source(&self) -> &SourceName {
        &self.source
    }

    /// Where archives are.
    pub fn place(&self) -> &ArchivePlace {
        &self.place
    }

    /// Whether anything was ever written there; of a bucket that shows with its listing. Waits for the disk.
    pub fn is_there(&self) -> bool {
        match &self.place {
            ArchivePlace::Folder(folder) => folder.join(self.source.as_str()).exists(),
            ArchivePlace::Bucket(_) => true,
        }
    }

    /// Where it is, for people.
    pub fn shown(&self) -> String {
        match &self.place {
            ArchivePlace::Folder(folder) => folder.join(self.source.as_str()).display().to_string(),
            ArchivePlace::Bucket(bucket) => format!("{bucket}{}", self.source),
        }
    }

    /// The files of each partition, in the order of their steps.
    pub fn files(&self) -> Result<Vec<Vec<FileName>>, ArchiveError> {
        self.by_partition(None)
    }

    /// The same of what was read in the hour of `from` or later: of what is older, nothing is looked at.
    pub fn files_since(&self, from: Timestamp) -> Result<Vec<Vec<FileName>>, ArchiveError> {
        self.by_partition(Some(from))
    }

    /// The first instant of the hour of the oldest file; nothing if there is none.
    pub fn begins(&self) -> Result<Option<Timestamp>, ArchiveError> {
        let mut first = None;
        self.each(None, &mut |name| {
            first = Some(name.hour());
            ControlFlow::Break(())
        })?;
        Ok(first)
    }

    fn by_partition(&self, from: Option<Timestamp>) -> Result<Vec<Vec<FileName>>, ArchiveError> {
        let mut partitions: BTreeMap<String, BTreeMap<u64, FileName>> = BTreeMap::new();
        self.each(from, &mut |name| {
            partitions.entry(name.partition().to_owned()).or_default().insert(name.number(), name);
            ControlFlow::Continue(())
        })?;
        Ok(partitions.into_values().map(|files| files.into_values().collect()).collect())
    }

    /// Hands over the names of all files, from an hour on, in the order of their hours.
    fn each(
        &self,
        from: Option<Timestamp>,
        take: &mut (dyn FnMut(FileName) -> ControlFlow<()> + Send),
    ) -> Result<(), ArchiveError> {
        match &self.place {
            ArchivePlace::Folder(folder) => {
                Ok(each_in_folder(&folder.join(self.source.as_str()), &self.source, from, take)?)
            }
            ArchivePlace::Bucket(bucket) => Ok(wait(bucket.each(&self.source, from, take))?),
        }
    }

    /// The steps of a file, each an error with the file's name if it cannot be read.
    pub fn steps(
        &self,
        file: &FileName,
    ) -> Result<impl Iterator<Item = Result<Step, ArchiveError>> + Send + use<>, ArchiveError> {
        let path = self.path_of(file);
        let gone = || ArchiveError::from(io::Error::from(io::ErrorKind::NotFound)).in_file(&path);
        let content = self.open(file)?.ok_or_else(gone)?;
        Ok(Steps::new(content).map(move |step| step.map_err(|error| error.in_file(&path))))
    }

    /// The content of a file; nothing if it is gone.
    pub(super) fn open(&self, file: &FileName) -> Result<Option<Content>, ArchiveError> {
        let path = self.path_of(file);
        match &self.place {
            ArchivePlace::Folder(_) => match File::open(&path) {
                Ok(file) => Ok(Some(Box::new(BufReader::new(file)))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(ArchiveError::from(error).in_file(path)),
            },
            ArchivePlace::Bucket(bucket) => {
                let found =
                    wait(bucket.fetch(file)).map_err(|error| ArchiveError::from(error).in_file(path))?;
                Ok(found.map(|found| Box::new(Cursor::new(found.bytes)) as Content))
            }
        }
    }

    /// Where a file is: on the disk, or, for people, in the bucket.
    pub(super) fn path_of(&self, file: &FileName) -> PathBuf {
        match &self.place {
            ArchivePlace::Folder(folder) => folder.join(file.to_string()),
            ArchivePlace::Bucket(bucket) => bucket.object(file).into(),
        }
    }
}

/// Waits for S3 on a thread that may.
pub(super) fn wait<T>(asked: impl Future<Output = T>) -> T {
    Handle::current().block_on(asked)
}

fn each_in_folder(
    folder: &Path,
    source: &SourceName,
    from: Option<Timestamp>,
    take: &mut (dyn FnMut(FileName) -> ControlFlow<()> + Send),
) -> io::Result<()> {
    let from = from.map(hour_of).unwrap_or_default();
    let first_day = from.split('/').next().unwrap_or_default();
    for day in names_in(folder)?.iter().filter(|day| day.as_str() >= first_day) {
        let folder = folder.join(day);
        for hour in names_in(&folder)?.iter().filter(|hour| format!("{day}/{hour}") >= from) {
            for file in names_in(&folder.join(hour))? {
                let name = FileName::parse(source, day, hour, &file);
                if name.is_some_and(|name| take(name).is_break()) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// What is in a folder.
fn names_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
    entries.filter_map(|entry| name(entry).transpose()).collect()
}
