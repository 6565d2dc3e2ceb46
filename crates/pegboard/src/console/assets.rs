//! The embedded files.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::body::Bytes;

use super::headers::{Content, digest};

macro_rules! embed {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_bytes!(concat!("assets/", $path)))),*]
    };
}

/// Every file that is served, by its path below `/assets/{version}/`.
static FILES: &[(&str, &[u8])] = &embed![
    "css/alarms.css",
    "css/base.css",
    "css/board-panel.css",
    "css/board-table.css",
    "css/board.css",
    "css/checks.css",
    "css/delivery.css",
    "css/mapping.css",
    "css/mending.css",
    "css/queues.css",
    "css/repair.css",
    "css/reports.css",
    "css/shell.css",
    "css/sign-in.css",
    "css/sources.css",
    "css/staffing.css",
    "css/strips.css",
    "css/tokens.css",
    "icons/favicon.svg",
    "icons/sprite.svg",
    "js/alarms/attending.js",
    "js/alarms/main.js",
    "js/alarms/words.js",
    "js/board/agents.js",
    "js/board/counters.js",
    "js/board/filter.js",
    "js/board/health.js",
    "js/board/main.js",
    "js/board/panel.js",
    "js/board/row.js",
    "js/board/table.js",
    "js/board/toolbar.js",
    "js/checks/completeness.js",
    "js/checks/differences.js",
    "js/checks/main.js",
    "js/checks/reconciliation.js",
    "js/checks/strips.js",
    "js/delivery/decisions.js",
    "js/delivery/hold.js",
    "js/delivery/ledger.js",
    "js/delivery/main.js",
    "js/delivery/parked.js",
    "js/delivery/refused.js",
    "js/delivery/sink-card.js",
    "js/delivery/strips.js",
    "js/delivery/unmapped.js",
    "js/lib/agent-feed.js",
    "js/lib/alarm-count.js",
    "js/lib/api.js",
    "js/lib/calendar.js",
    "js/lib/classes.js",
    "js/lib/clock.js",
    "js/lib/collections.js",
    "js/lib/dom.js",
    "js/lib/format.js",
    "js/lib/preferences.js",
    "js/lib/session.js",
    "js/lib/shell.js",
    "js/lib/shortcuts.js",
    "js/lib/theme.js",
    "js/lib/unmapped-names.js",
    "js/mapping/history.js",
    "js/mapping/importing.js",
    "js/mapping/inbox.js",
    "js/mapping/main.js",
    "js/mapping/row-form.js",
    "js/mapping/suggestion.js",
    "js/mapping/table-view.js",
    "js/mapping/tables.js",
    "js/queues/columns.js",
    "js/queues/main.js",
    "js/reports/chart.js",
    "js/reports/data-table.js",
    "js/reports/figures.js",
    "js/reports/math.js",
    "js/reports/page.js",
    "js/reports/report-feed.js",
    "js/reports/revisions.js",
    "js/reports/sparkline.js",
    "js/reports/strip.js",
    "js/reports/week-before.js",
    "js/repair/letters.js",
    "js/repair/main.js",
    "js/repair/mending.js",
    "js/repair/progress.js",
    "js/repair/reasons.js",
    "js/repair/reloads.js",
    "js/sign-in/main.js",
    "js/sources/card.js",
    "js/sources/main.js",
    "js/staffing/main.js",
    "js/theme-early.js",
    "vendor/uplot-LICENSE",
    "vendor/uplot.css",
    "vendor/uplot.js",
];

static CONTENTS: LazyLock<HashMap<&str, Content>> = LazyLock::new(|| {
    FILES.iter().map(|&(path, bytes)| (path, Content::new(Bytes::from_static(bytes), mime(path)))).collect()
});

static VERSION: LazyLock<String> =
    LazyLock::new(|| digest(FILES.iter().flat_map(|&(path, bytes)| [path.as_bytes(), bytes])));

/// The file at this path.
pub(super) fn find(path: &str) -> Option<&'static Content> {
    CONTENTS.get(path)
}

/// The paths of all files.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|&(path, _)| path)
}

/// The name of exactly these files. It is part of their address, so that a browser may keep them for ever, and never
/// mixes the modules of two releases.
pub(super) fn version() -> &'static str {
    &VERSION
}

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Parts of documents and notes for people; not served on their own.
    const NOT_SERVED: [&str; 3] = ["plain.html", "shell.html", "vendor/VENDORED.md"];

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/assets"));
        let mut found = BTreeSet::new();
        collect(root, root, &mut found);
        found.retain(|path| !path.starts_with("views/") && !NOT_SERVED.contains(&path.as_str()));
        let embedded: BTreeSet<_> = FILES.iter().map(|&(path, _)| path.to_owned()).collect();
        assert_eq!(found, embedded);
    }

    #[test]
    fn the_vendored_files_are_those_that_were_recorded() {
        let record = include_str!("assets/vendor/VENDORED.md");
        for &(path, bytes) in FILES {
            let Some(name) = path.strip_prefix("vendor/") else { continue };
            let line = format!("{}  {name}\n", hex(bytes));
            assert!(record.contains(&line), "{name} differs from VENDORED.md: run scripts/vendor-assets");
        }
    }

    fn collect(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;

        use sha2::{Digest as _, Sha256};

        Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }
}
