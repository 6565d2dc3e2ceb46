//! The tables that planners edit, as what their rows mean.

use std::path::Path;

use pegboard_model::{Channel, Class, Direction, Text};
use pegboard_sinks::mapping::{
    AgentRow, EventMatch, MappedState, Pattern, QueueRow, StateRow, WfmAgent, WfmQueue,
};

use super::cells::{Keys, check_name, check_text, optional, scope, text};
use super::table::{AGENT_COLUMNS, QUEUE_COLUMNS, Row, STATE_COLUMNS};
use crate::config::fault::ConfigErrors;
use crate::config::nearest::nearest;
use crate::config::sheet::{Cell, Sheet};

/// The rows of a table, as they are written and as what they mean.
pub(super) type Parsed<T> = Result<(Vec<Row>, Vec<T>), ConfigErrors>;

/// What states are.
pub(super) fn states(path: &Path, bytes: &[u8]) -> Parsed<StateRow> {
    let mut sheet = Sheet::read_with(path, bytes, STATE_COLUMNS, 5)?;
    let (mut written, mut rows) = (Vec::new(), Vec::new());
    let mut keys = Keys::default();
    for cells in sheet.take_rows() {
        written.push(Row::of(&sheet, &cells));
        let [event, activity, status, reason, class, send_as, source, from] = cells;
        let scope = scope(&mut sheet, &source, &from);
        let matched = event_match(&mut sheet, &event, &class);
        let open = match &*status.text.to_ascii_lowercase() {
            "open" => Some(true),
            "closed" => Some(false),
            _ => {
                let message = format!("expected open or closed, found {:?}", status.text);
                sheet.note(&status.span, Some("status"), message, None);
                None
            }
        };
        check_name(&mut sheet, "activity_code", &activity);
        for (column, cell) in [("reason", &reason), ("send_as", &send_as), ("source", &source)] {
            check_text(&mut sheet, column, cell);
        }
        let parts = [&event, &class, &reason, &source, &from];
        keys.check(&mut sheet, "event_id", &event, parts.map(|cell| cell.text.to_lowercase()));
        if let (Some(matched), Some(open), Some(scope)) = (matched, open, scope) {
            let state = MappedState { activity: text(&activity), open, send_as: optional(&send_as) };
            rows.push(StateRow { event: matched, reason: optional(&reason), scope, state });
        }
    }
    sheet.finish((written, rows))
}

fn event_match<const N: usize>(
    sheet: &mut Sheet<'_, N>,
    event: &Cell<'_>,
    class: &Cell<'_>,
) -> Option<EventMatch> {
    if class.text.is_empty() {
        check_name(sheet, "event_id", event);
        return Some(EventMatch::Id(Pattern::new(&event.text)));
    }
    if !event.text.is_empty() {
        let message = "a row is for an event_id or for a class, not for both".to_owned();
        sheet.note(&class.span, Some("class"), message, None);
        return None;
    }
    let found = Class::ALL.into_iter().find(|known| known.as_str() == class.text);
    if found.is_none() {
        let names = Class::ALL.map(Class::as_str);
        let help = nearest(&class.text, names).map(|name| format!("did you mean {name}?"));
        let message = format!("expected one of {}, found {:?}", names.join(", "), class.text);
        sheet.note(&class.span, Some("class"), message, help);
    }
    found.map(EventMatch::Class)
}

/// What queues are.
pub(super) fn queues(path: &Path, bytes: &[u8]) -> Parsed<QueueRow> {
    let mut sheet = Sheet::read_with(path, bytes, QUEUE_COLUMNS, 5)?;
    let (mut written, mut rows) = (Vec::new(), Vec::new());
    let mut keys = Keys::default();
    for cells in sheet.take_rows() {
        written.push(Row::of(&sheet, &cells));
        let [queue, id, name, channel, direction, source, from] = cells;
        let scope = scope(&mut sheet, &source, &from);
        check_name(&mut sheet, "wfm_queue_id", &id);
        let texts =
            [("queue", &queue), ("wfm_queue_name", &name), ("channel", &channel), ("source", &source)];
        for (column, cell) in texts {
            check_text(&mut sheet, column, cell);
        }
        let way = match &*direction.text.to_ascii_lowercase() {
            "" => Some(None),
            "inbound" => Some(Some(Direction::Inbound)),
            "outbound" => Some(Some(Direction::Outbound)),
            _ => {
                let message = format!("expected inbound, outbound or nothing, found {:?}", direction.text);
                sheet.note(&direction.span, Some("direction"), message, None);
                None
            }
        };
        let parts = [&queue, &channel, &direction, &source, &from];
        keys.check(&mut sheet, "queue", &queue, parts.map(|cell| cell.text.to_lowercase()));
        if let (Some(direction), Some(scope)) = (way, scope) {
            let channel = optional(&channel).map(|name| Channel::from(Text::from(name.to_ascii_uppercase())));
            let to = WfmQueue { id: text(&id), name: text(&name) };
            rows.push(QueueRow { queue: text(&queue), channel, direction, scope, to });
        }
    }
    sheet.finish((written, rows))
}

/// Who agents are.
pub(super) fn agents(path: &Path, bytes: &[u8]) -> Parsed<AgentRow> {
    let mut sheet = Sheet::read_with(path, bytes, AGENT_COLUMNS, 3)?;
    let (mut written, mut rows) = (Vec::new(), Vec::new());
    let mut keys = Keys::default();
    for cells in sheet.take_rows() {
        written.push(Row::of(&sheet, &cells));
        let [agent, id, value, source, from] = cells;
        let scope = scope(&mut sheet, &source, &from);
        check_name(&mut sheet, "agent", &agent);
        check_name(&mut sheet, "wfm_agent_id", &id);
        for (column, cell) in [("wfm_agent_value", &value), ("source", &source)] {
            check_text(&mut sheet, column, cell);
        }
        let parts = [&agent, &source, &from];
        keys.check(&mut sheet, "agent", &agent, parts.map(|cell| cell.text.to_lowercase()));
        if let Some(scope) = scope {
            let to = WfmAgent { id: text(&id), value: text(&value) };
            rows.push(AgentRow { agent: text(&agent), scope, to });
        }
    }
    sheet.finish((written, rows))
}
