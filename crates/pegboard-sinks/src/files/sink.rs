//! Puts the files of reports where they go.

use async_trait::async_trait;

use crate::place::Place;
use crate::{Document, Encoder, Outcome, Sink, SinkReport, StatesLane};

/// A folder or a bucket that reports are written to.
#[derive(Debug)]
pub struct FilesSink {
    place: Place,
    reports: Vec<SinkReport>,
}

impl FilesSink {
    /// A target that is sent these reports.
    pub fn new(place: Place, reports: Vec<SinkReport>) -> Self {
        Self { place, reports }
    }
}

#[async_trait]
impl Sink for FilesSink {
    fn kind(&self) -> &'static str {
        "files"
    }

    fn states(&self) -> Option<StatesLane> {
        None
    }

    fn reports(&self) -> &[SinkReport] {
        &self.reports
    }

    async fn send(&self, _: &'static Encoder, document: &Document, _: &str) -> Outcome {
        self.place.deliver(&document.name, &document.body).await
    }

    async fn probe(&self) -> Result<String, String> {
        self.place.probe().await
    }
}
