//! What a hub of a test archives, and where.

use std::path::Path;
use std::sync::Arc;

use pegboard::config::{ArchiveSettings, PlaceSettings, SourceConfig};
use pegboard::runtime::{archive, build};
use pegboard_connect::archive::{Archive, Step};
use pegboard_model::{Millis, SourceName};
use pegboard_store::Store;

use super::clock;

/// How long files are kept, if a test is not about that.
pub(crate) const KEEP: Millis = Millis::from_hours(400 * 24);

/// The archive below a folder.
pub(crate) fn in_folder(folder: &Path) -> PlaceSettings {
    PlaceSettings::Folder(folder.join("archive"))
}

/// A source of which everything is archived.
pub(crate) fn archiving(place: PlaceSettings, config: SourceConfig) -> SourceConfig {
    SourceConfig { archive: Some(Arc::new(ArchiveSettings::at(place))), ..config }
}

/// The archive of such a source.
pub(crate) fn archive_of(config: &SourceConfig) -> Archive {
    archive_at(&config.archive.as_ref().unwrap().place, &config.name)
}

pub(crate) fn archive_at(place: &PlaceSettings, source: &SourceName) -> Archive {
    Archive::new(build::archive(place, clock::now).unwrap(), source)
}

/// Writes all that waits, as the hub does when its hour is over.
pub(crate) async fn write_archive(store: &dyn Store, archive: &Archive) {
    archive::turn(store, archive, KEEP, clock::now() + Millis::from_hours(2)).await.unwrap();
}

/// The names of all files, and what is in them; nothing where nothing was ever written.
pub(crate) async fn all_of(archive: &Archive) -> Vec<(String, Vec<Step>)> {
    let archive = archive.clone();
    let read = move || {
        let files = if archive.is_there() { archive.files().unwrap() } else { Vec::new() };
        let files = files.into_iter().flatten();
        files
            .map(|file| (file.to_string(), archive.steps(&file).unwrap().map(Result::unwrap).collect()))
            .collect()
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}
