//! What the labels of an ACD's reports mean at a site, as a file: `label,metric`.

use std::path::Path;

use pegboard_connect::sources::amazon_connect::reports::{Labels, Meaning, UnknownMeaning};

use super::fault::ConfigErrors;
use super::sheet::Sheet;

const LABEL: &str = "label";
const METRIC: &str = "metric";

/// Reads a table of labels: a CSV file with the columns `label` and `metric` (a metric, a column of ours, or a word).
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Labels, ConfigErrors> {
    let mut sheet = Sheet::read(path, bytes, [LABEL, METRIC])?;
    let mut labels = Labels::default();
    for [label, metric] in sheet.take_rows() {
        if label.text.is_empty() {
            sheet.note(&label.span, Some(LABEL), "the label is missing".to_owned(), None);
            continue;
        }
        let meaning: Result<Meaning, UnknownMeaning> = metric.text.parse();
        match meaning {
            Ok(meaning) if labels.add(&label.text, meaning) => {
                let message = format!("the label {:?} is already there", label.text);
                let help = "case and blanks do not matter".to_owned();
                sheet.note(&label.span, Some(LABEL), message, Some(help));
            }
            Ok(_) => {}
            Err(error) => sheet.note(&metric.span, Some(METRIC), error.to_string(), None),
        }
    }
    sheet.finish(labels)
}
