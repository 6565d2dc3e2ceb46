//! What `[archive]` says: where everything that is read is kept, and what of it.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use pegboard_connect::archive::Attributes;
use pegboard_model::Millis;

use super::sinks::PlaceSettings;
use super::table::Table;
use super::value;

/// From what a rebuild needs at least, to as long as rows.
const KEEP: RangeInclusive<Millis> = Millis::from_hours(24)..=Millis::from_hours(3650 * 24);

/// How much may wait for the archive.
const MOST_WAITING: RangeInclusive<u64> = 100_000_000..=100_000_000_000_000;

/// The most attributes that are left out of the archive.
const MAX_LEFT_OUT: usize = 100;

/// The longest prefix in a bucket, in bytes: a key has 1,024, and the longest name of a file some 300 of them.
pub const MAX_ARCHIVE_PREFIX: usize = 700;

/// Where everything that is read is archived, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// Where.
    pub place: PlaceSettings,
    /// How long files are kept there.
    pub keep: Millis,
    /// How many bytes of a source may wait in the store to be written there, before nothing more is read of it.
    pub most_waiting: u64,
    /// Which attributes of records are not.
    pub leave_out: Attributes,
}

impl ArchiveSettings {
    /// What a contact record tells of customers and of what was said, and no number is made of.
    pub const LEFT_OUT: [&'static str; 12] = [
        "Attributes",
        "Campaign",
        "ContactDetails",
        "ContactLens",
        "Customer",
        "CustomerEndpoint",
        "CustomerVoiceActivity",
        "MediaStreams",
        "Recording",
        "Recordings",
        "References",
        "VoiceIdResult",
    ];

    /// A folder with every setting at its default.
    pub fn new(folder: PathBuf) -> Self {
        Self::at(PlaceSettings::Folder(folder))
    }

    /// A place with every setting at its default.
    pub fn at(place: PlaceSettings) -> Self {
        Self {
            place,
            keep: Millis::from_hours(400 * 24),
            most_waiting: 20_000_000_000,
            leave_out: Self::LEFT_OUT.into_iter().collect(),
        }
    }
}

/// Without a folder or a bucket nothing is archived.
pub(super) fn archive(mut table: Table<'_, '_>, folder: &Path) -> Option<ArchiveSettings> {
    let place = PlaceSettings::of(&mut table, folder);
    let mut archive = ArchiveSettings::new(PathBuf::new());
    table.set("keep", &mut archive.keep, value::duration(KEEP));
    table.set("most_waiting", &mut archive.most_waiting, value::bytes(MOST_WAITING));
    if let Some(names) = table.optional("leave_out", value::names(MAX_LEFT_OUT)) {
        archive.leave_out = names.into_iter().collect();
    }
    if !table.has("bucket") {
        table.needs("keep", "folder");
        table.needs("most_waiting", "folder");
        table.needs("leave_out", "folder");
    }
    check_prefix(&mut table, place.as_ref());
    table.finish();
    Some(ArchiveSettings { place: place?, ..archive })
}

fn check_prefix(table: &mut Table<'_, '_>, place: Option<&PlaceSettings>) {
    let Some(PlaceSettings::Bucket(bucket)) = place else { return };
    let Some(span) = table.value_span("prefix").filter(|_| bucket.prefix.len() > MAX_ARCHIVE_PREFIX) else {
        return;
    };
    let message = format!("at most {MAX_ARCHIVE_PREFIX} bytes of a key are left before the names of files");
    table.note(span, Some("prefix"), message, Vec::new());
}
