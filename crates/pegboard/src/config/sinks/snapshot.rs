//! What `[sink.snapshot]` says: when a target is not told everybody's present state.

use crate::config::table::Table;
use crate::config::value;

/// When a target is not told everybody's present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotSettings {
    /// While one of its sources is stale, or not read up to the present yet.
    pub hold_while_stale: bool,
    /// When so many hundredths of the agents whom it knows as signed in are out of sight, and have not signed out; never at 0.
    pub collapse_percent: u32,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self { hold_while_stale: true, collapse_percent: 50 }
    }
}

/// Reads it of any sink.
pub(super) fn read(sink: &mut Table<'_, '_>) -> SnapshotSettings {
    let mut settings = SnapshotSettings::default();
    let mut table = sink.table("snapshot");
    table.set("hold_while_stale", &mut settings.hold_while_stale, value::boolean);
    table.set("collapse_percent", &mut settings.collapse_percent, value::count(0..=100));
    table.finish();
    settings
}
