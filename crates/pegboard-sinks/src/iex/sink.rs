//! Puts the files of IEX where it fetches them.

use async_trait::async_trait;

use super::{HISTORY, INTERVAL_FILE};
use crate::place::Place;
use crate::{Document, Encoder, Ingredient, Outcome, Sink, SinkReport, Span, StatesLane};

/// The interval files.
pub const INTERVAL_FILES: SinkReport = SinkReport {
    encoder: &INTERVAL_FILE,
    made_of: &[Ingredient::Queues, Ingredient::AgentQueues, Ingredient::Agents, Ingredient::Sessions],
    span: Span::ClockTime,
};

/// Contact history for the import by hand.
pub const CONTACT_HISTORY: SinkReport =
    SinkReport { encoder: &HISTORY, made_of: &[Ingredient::Queues], span: Span::ClockTime };

/// Where corrections of interval files wait.
const ASIDE: &str = "corrections";

/// What a site does with the correction of an interval file: IEX refuses a name that it has loaded, until both rows of its log are
/// deleted by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Corrections {
    /// It waits under its name in the folder `corrections`, until somebody has deleted the rows and moves it.
    #[default]
    Aside,
    /// It replaces the file.
    Replace,
    /// It is not written: the site imports the contact history, where new rows replace old ones.
    History,
}

/// A place from which IEX fetches its files.
#[derive(Debug)]
pub struct IexSink {
    place: Place,
    reports: Vec<SinkReport>,
    corrections: Corrections,
}

impl IexSink {
    /// A target that is sent these reports.
    pub fn new(place: Place, reports: Vec<SinkReport>, corrections: Corrections) -> Self {
        Self { place, reports, corrections }
    }
}

#[async_trait]
impl Sink for IexSink {
    fn kind(&self) -> &'static str {
        "iex"
    }

    fn states(&self) -> Option<StatesLane> {
        None
    }

    fn reports(&self) -> &[SinkReport] {
        &self.reports
    }

    fn history(&self) -> Option<&'static Encoder> {
        Some(&HISTORY)
    }

    async fn send(&self, _: &'static Encoder, document: &Document, _: &str) -> Outcome {
        self.place.deliver(&document.name, &document.body).await
    }

    async fn correct(&self, encoder: &'static Encoder, document: &Document, key: &str) -> Outcome {
        if encoder.name != INTERVAL_FILE.name {
            return self.send(encoder, document, key).await;
        }
        match self.corrections {
            Corrections::Aside => {
                self.place.deliver(&format!("{ASIDE}/{}", document.name), &document.body).await
            }
            Corrections::Replace => self.send(encoder, document, key).await,
            Corrections::History => Outcome::Accepted,
        }
    }

    async fn probe(&self) -> Result<String, String> {
        self.place.probe().await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::place::Folder;

    /// The files that are there after a first file and a correction of it.
    async fn corrected(
        folder: &Path,
        corrections: Corrections,
        encoder: &'static Encoder,
    ) -> Vec<(String, String)> {
        let sink = IexSink::new(Place::Folder(Folder::new(folder.to_owned())), Vec::new(), corrections);
        let name = "080125.0800";
        assert_eq!(sink.send(encoder, &Document::new(name, "first"), "1").await, Outcome::Accepted);
        assert_eq!(sink.correct(encoder, &Document::new(name, "second"), "2").await, Outcome::Accepted);
        let read =
            |path: &str| fs::read_to_string(folder.join(path)).ok().map(|text| (path.to_owned(), text));
        [name, "corrections/080125.0800"].into_iter().filter_map(read).collect()
    }

    #[tokio::test]
    async fn a_correction_goes_the_way_of_the_site() {
        let owned = |files: &[(&str, &str)]| -> Vec<_> {
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        for (corrections, expected) in [
            (Corrections::Aside, owned(&[("080125.0800", "first"), ("corrections/080125.0800", "second")])),
            (Corrections::Replace, owned(&[("080125.0800", "second")])),
            (Corrections::History, owned(&[("080125.0800", "first")])),
        ] {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(
                corrected(folder.path(), corrections, &INTERVAL_FILE).await,
                expected,
                "{corrections:?}"
            );
            let folder = tempfile::tempdir().unwrap();
            let history = corrected(folder.path(), corrections, &HISTORY).await;
            assert_eq!(
                history,
                owned(&[("080125.0800", "second")]),
                "contact history takes new rows for old ones"
            );
        }
    }
}
