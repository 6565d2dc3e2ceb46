//! What `[sink.iex]` says: which files NICE IEX WFM is given, and where.

use std::path::Path;

use pegboard_sinks::SinkReport;
use pegboard_sinks::iex::{CONTACT_HISTORY, Corrections, INTERVAL_FILES};

use super::place::SinkPlace;
use crate::config::choice::choice;
use crate::config::table::Table;
use crate::config::value;

/// Which files IEX is given, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct IexSettings {
    /// From where it fetches them.
    pub place: SinkPlace,
    /// The kinds of files.
    pub files: Vec<IexFiles>,
    /// What becomes of the correction of an interval file.
    pub corrections: CorrectionWay,
}

choice! {
    /// A kind of file of IEX.
    IexFiles {
        /// A file for each interval, with four reports.
        Interval = "interval",
        /// The same numbers of queues for the import by hand.
        ContactHistory = "contact-history",
    }
}

choice! {
    /// What becomes of the correction of an interval file.
    #[derive(Default)]
    CorrectionWay {
        /// It waits in a folder of its own.
        #[default]
        Aside = "aside",
        /// It replaces the file.
        Replace = "replace",
        /// It is told by contact history alone.
        History = "history",
    }
}

impl From<CorrectionWay> for Corrections {
    fn from(way: CorrectionWay) -> Self {
        match way {
            CorrectionWay::Aside => Self::Aside,
            CorrectionWay::Replace => Self::Replace,
            CorrectionWay::History => Self::History,
        }
    }
}

impl IexSettings {
    /// The reports that it is sent.
    pub fn reports(&self) -> Vec<SinkReport> {
        let report = |files: &IexFiles| match files {
            IexFiles::Interval => INTERVAL_FILES,
            IexFiles::ContactHistory => CONTACT_HISTORY,
        };
        self.files.iter().map(report).collect()
    }

    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let mut table = sink.table("iex");
        let mut files = vec![IexFiles::Interval];
        table.set("files", &mut files, value::words_of(IexFiles::CHOICES));
        let mut corrections = CorrectionWay::default();
        table.set("corrections", &mut corrections, value::word(CorrectionWay::CHOICES));
        table.finish();
        let place = SinkPlace::read(sink, is_it, folder);
        Some(Self { place: place?, files, corrections })
    }
}
