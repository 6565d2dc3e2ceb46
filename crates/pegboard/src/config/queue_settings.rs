//! What is set for single queues, as a file: `queue,service_level_s,short_abandon_s,opening_hours,channel`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use pegboard_engine::opening::{InvalidOpeningHours, OpeningHours};
use pegboard_engine::queues::QueueGoals;
use pegboard_model::{Channel, Millis, Text};

use super::document::read_side_file;
use super::fault::ConfigErrors;
use super::sheet::{Cell, Sheet};

const QUEUE: &str = "queue";
const SERVICE_LEVEL: &str = "service_level_s";
const SHORT_ABANDON: &str = "short_abandon_s";
const OPENING_HOURS: &str = "opening_hours";
const CHANNEL: &str = "channel";

/// How many of the columns, the last ones, may be missing.
const OPTIONAL: usize = 2;

/// A day.
const MOST: Millis = Millis::from_hours(24);

/// What is set for single queues, by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueSettings {
    /// Their thresholds.
    pub goals: HashMap<String, QueueGoals>,
    /// When they are open, of those for which that is said.
    pub open: BTreeMap<String, OpenQueue>,
}

/// When a queue is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenQueue {
    /// By weekday, on the local clock of the source.
    pub hours: OpeningHours,
    /// The channel that is expected in it.
    pub channel: Channel,
}

/// Reads what is set for queues: a CSV file with the columns `queue` (an id or a name), `service_level_s` and
/// `short_abandon_s` (seconds, with at most three decimals), and perhaps `opening_hours` and `channel`.
pub fn read(path: &Path) -> Result<QueueSettings, ConfigErrors> {
    parse(path, &read_side_file(path)?)
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<QueueSettings, ConfigErrors> {
    let columns = [QUEUE, SERVICE_LEVEL, SHORT_ABANDON, OPENING_HOURS, CHANNEL];
    let mut sheet = Sheet::read_with(path, bytes, columns, OPTIONAL)?;
    let mut settings = QueueSettings::default();
    let mut lines = HashMap::new();
    for [queue, service_level, short_abandon, hours, channel] in sheet.take_rows() {
        if queue.text.is_empty() {
            sheet.note(&queue.span, Some(QUEUE), "the queue is missing".to_owned(), None);
        } else if let Some(line) = lines.insert(queue.text.clone(), sheet.line_of(&queue)) {
            let message = format!("the queue {:?} is already there, on line {line}", queue.text);
            sheet.note(&queue.span, Some(QUEUE), message, None);
        }
        let service_level = seconds(&mut sheet, SERVICE_LEVEL, &service_level);
        let short_abandon = seconds(&mut sheet, SHORT_ABANDON, &short_abandon);
        let open = open_queue(&mut sheet, &hours, &channel);
        let queue = queue.text.into_owned();
        settings.open.extend(open.map(|open| (queue.clone(), open)));
        if let (Some(service_level), Some(short_abandon)) = (service_level, short_abandon) {
            settings.goals.insert(queue, QueueGoals { service_level, short_abandon });
        }
    }
    sheet.finish(settings)
}

fn open_queue<const N: usize>(
    sheet: &mut Sheet<'_, N>,
    hours: &Cell<'_>,
    channel: &Cell<'_>,
) -> Option<OpenQueue> {
    if hours.text.is_empty() {
        if !channel.text.is_empty() {
            let message = "a channel without opening hours says nothing".to_owned();
            sheet.note(&channel.span, Some(CHANNEL), message, None);
        }
        return None;
    }
    let channel = match &*channel.text {
        "" => Channel::Voice,
        named => Channel::from(Text::from(named.to_ascii_uppercase())),
    };
    let read: Result<OpeningHours, InvalidOpeningHours> = hours.text.parse();
    match read {
        Ok(hours) => Some(OpenQueue { hours, channel }),
        Err(error) => {
            sheet.note(&hours.span, Some(OPENING_HOURS), error.to_string(), None);
            None
        }
    }
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
