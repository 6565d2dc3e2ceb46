//! The thresholds of queues as a file: `queue,service_level_s,short_abandon_s`.

use std::collections::HashMap;
use std::path::Path;

use pegboard_engine::queues::QueueGoals;
use pegboard_model::Millis;

use super::document::read_side_file;
use super::fault::ConfigErrors;
use super::sheet::{Cell, Sheet};

const QUEUE: &str = "queue";
const SERVICE_LEVEL: &str = "service_level_s";
const SHORT_ABANDON: &str = "short_abandon_s";

/// A day.
const MOST: Millis = Millis::from_hours(24);

/// Reads the thresholds of queues: a CSV file with the columns `queue` (an id or a name), `service_level_s` and
/// `short_abandon_s` (seconds, with at most three decimals).
pub fn read(path: &Path) -> Result<HashMap<String, QueueGoals>, ConfigErrors> {
    parse(path, &read_side_file(path)?)
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<HashMap<String, QueueGoals>, ConfigErrors> {
    let mut sheet = Sheet::read(path, bytes, [QUEUE, SERVICE_LEVEL, SHORT_ABANDON])?;
    let mut goals = HashMap::new();
    let mut lines = HashMap::new();
    for [queue, service_level, short_abandon] in sheet.take_rows() {
        if queue.text.is_empty() {
            sheet.note(&queue.span, Some(QUEUE), "the queue is missing".to_owned(), None);
        } else if let Some(line) = lines.insert(queue.text.clone(), sheet.line_of(&queue)) {
            let message = format!("the queue {:?} is already there, on line {line}", queue.text);
            sheet.note(&queue.span, Some(QUEUE), message, None);
        }
        let service_level = seconds(&mut sheet, SERVICE_LEVEL, &service_level);
        let short_abandon = seconds(&mut sheet, SHORT_ABANDON, &short_abandon);
        if let (Some(service_level), Some(short_abandon)) = (service_level, short_abandon) {
            goals.insert(queue.text.into_owned(), QueueGoals { service_level, short_abandon });
        }
    }
    sheet.finish(goals)
}

fn seconds<const N: usize>(sheet: &mut Sheet<'_, N>, column: &str, cell: &Cell<'_>) -> Option<Millis> {
    let duration = parse_seconds(&cell.text).filter(|duration| *duration <= MOST);
    if duration.is_none() {
        let found = if cell.text.is_empty() { "nothing".to_owned() } else { format!("{:?}", cell.text) };
        let message =
            format!("expected seconds from 0 to {MOST}, with at most three decimals, found {found}");
        sheet.note(&cell.span, Some(column), message, None);
    }
    duration
}

/// `20`, `12.5`: exact, so that no threshold moves by rounding.
fn parse_seconds(text: &str) -> Option<Millis> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number =
        |digits: &str, most| (1..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole, 6) || !is_number(decimals, 3) {
        return None;
    }
    format!("{whole}{decimals:0<3}").parse().ok().map(Millis::new)
}
