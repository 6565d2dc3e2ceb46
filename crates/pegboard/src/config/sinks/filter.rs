//! Whom and what a sink is told of.

use pegboard_sinks::{Filter, Level, Limited};

use crate::config::table::Table;
use crate::config::value;

/// The most names in one list of a filter.
pub const MAX_FILTER_NAMES: usize = 1000;

/// Reads what limits a sink.
pub(super) fn read(table: &mut Table<'_, '_>) -> Filter {
    let mut filter = Filter::default();
    let lists = [("teams", Limited::Teams), ("queues", Limited::Queues), ("channels", Limited::Channels)];
    for (key, limited) in lists {
        let names = table.optional(key, value::some_names(MAX_FILTER_NAMES));
        admit(&mut filter, limited, names);
    }
    let mut hierarchy = table.table("hierarchy");
    let level = hierarchy.required("level", value::count(1..=u32::from(Level::COUNT)));
    let names = hierarchy.required("values", value::some_names(MAX_FILTER_NAMES));
    hierarchy.finish();
    let level = level.and_then(|level| Level::new(u8::try_from(level).ok()?));
    admit(&mut filter, Limited::Level(level.unwrap_or(Level::TOP)), names);
    filter
}

/// There is only one table of a hierarchy, so that no name is of a second level.
fn admit(filter: &mut Filter, limited: Limited, names: Option<Vec<String>>) {
    for name in names.into_iter().flatten() {
        let admitted = filter.admit(limited, &name);
        debug_assert_eq!(admitted, Ok(()));
    }
}
