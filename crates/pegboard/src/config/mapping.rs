//! A mapping as a folder of tables: `states.csv`, `queues.csv`, `agents.csv`, `sources.csv`, `keys.csv`, `settings.csv`. None of them
//! must be there.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use pegboard_model::{Channel, Class, Direction, SourceName, Text, Timestamp};
use pegboard_sinks::mapping::{
    AgentMapping, AgentRow, EventMatch, MappedState, Mapping, Pattern, QueueMapping, QueueRow, Scope,
    StateMapping, StateRow, WfmAgent, WfmQueue,
};
use pegboard_sinks::{SettingError, Settings, cxone, iex};

use super::document::read_side_file;
use super::fault::{ConfigErrors, Fault};
use super::nearest::nearest;
use super::sheet::{Cell, Sheet};

const FILES: [&str; 6] =
    ["states.csv", "queues.csv", "agents.csv", "sources.csv", "keys.csv", "settings.csv"];

/// The most rows of a table.
pub const MAX_MAPPING_ROWS: usize = 20_000;

/// The longest name in a cell, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Reads the tables of a folder, and tells everything that is wrong with any of them.
pub fn read(folder: &Path) -> Result<Mapping, ConfigErrors> {
    let mut faults = check_names(folder)?;
    let mut mapping = Mapping::default();
    take(folder, FILES[0], parse_states, &mut faults, |rows| mapping.states = StateMapping { rows });
    take(folder, FILES[1], parse_queues, &mut faults, |rows| mapping.queues = QueueMapping::new(rows));
    take(folder, FILES[2], parse_agents, &mut faults, |rows| mapping.agents = AgentMapping::new(rows));
    take(folder, FILES[3], parse_prefixes, &mut faults, |prefixes| mapping.prefixes = prefixes);
    take(folder, FILES[4], parse_keys, &mut faults, |keys| mapping.keys = keys);
    take(folder, FILES[5], parse_settings, &mut faults, |settings| mapping.settings = settings);
    if faults.is_empty() { Ok(mapping) } else { Err(ConfigErrors::new(faults)) }
}

/// A table that is called otherwise would never be read.
fn check_names(folder: &Path) -> Result<Vec<Fault>, ConfigErrors> {
    let unreadable =
        |error| Fault::of_file(folder, format!("the folder of the mapping cannot be read: {error}"));
    let mut faults = Vec::new();
    let mut is_empty = true;
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.to_string_lossy();
        is_empty &= !FILES.contains(&&*name);
        if name.ends_with(".csv") && !FILES.contains(&&*name) {
            let help = match nearest(&name, FILES) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("the tables are {}", FILES.join(", ")),
            };
            let message = "no table of a mapping is called so".to_owned();
            faults.push(Fault::of_file(&folder.join(&*name), message).with_help(help));
        }
    }
    faults.sort_by(|a, b| a.file.cmp(&b.file));
    if is_empty && faults.is_empty() {
        let message = format!("there is no table in this folder; the tables are {}", FILES.join(", "));
        faults.push(Fault::of_file(folder, message));
    }
    Ok(faults)
}

fn take<T>(
    folder: &Path,
    name: &str,
    parse: impl Fn(&Path, &[u8]) -> Result<T, ConfigErrors>,
    faults: &mut Vec<Fault>,
    put: impl FnOnce(T),
) {
    let path = folder.join(name);
    if !path.exists() {
        return;
    }
    match read_side_file(&path).and_then(|bytes| parse(&path, &bytes)) {
        Ok(read) => put(read),
        Err(errors) => faults.extend(errors.into_faults()),
    }
}

/// The columns of a row, as text for what its target is.
fn parse_states(path: &Path, bytes: &[u8]) -> Result<Vec<StateRow>, ConfigErrors> {
    let columns = ["event_id", "activity_code", "status", "reason", "class", "send_as", "source", "from"];
    let mut sheet = Sheet::read_with(path, bytes, columns, 5)?;
    let mut rows = Vec::new();
    let mut keys = Keys::default();
    for [event, activity, status, reason, class, send_as, source, from] in sheet.take_rows() {
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
        let parts = [&event, &class, &reason, &source, &from];
        keys.check(&mut sheet, "event_id", &event, parts.map(|cell| cell.text.to_lowercase()));
        if let (Some(matched), Some(open), Some(scope)) = (matched, open, scope) {
            let state = MappedState { activity: text(&activity), open, send_as: optional(&send_as) };
            rows.push(StateRow { event: matched, reason: optional(&reason), scope, state });
        }
    }
    sheet.finish(rows)
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

fn parse_queues(path: &Path, bytes: &[u8]) -> Result<Vec<QueueRow>, ConfigErrors> {
    let columns = ["queue", "wfm_queue_id", "wfm_queue_name", "channel", "direction", "source", "from"];
    let mut sheet = Sheet::read_with(path, bytes, columns, 5)?;
    let mut rows = Vec::new();
    let mut keys = Keys::default();
    for [queue, id, name, channel, direction, source, from] in sheet.take_rows() {
        let scope = scope(&mut sheet, &source, &from);
        check_name(&mut sheet, "wfm_queue_id", &id);
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
    sheet.finish(rows)
}

fn parse_agents(path: &Path, bytes: &[u8]) -> Result<Vec<AgentRow>, ConfigErrors> {
    let columns = ["agent", "wfm_agent_id", "wfm_agent_value", "source", "from"];
    let mut sheet = Sheet::read_with(path, bytes, columns, 3)?;
    let mut rows = Vec::new();
    let mut keys = Keys::default();
    for [agent, id, value, source, from] in sheet.take_rows() {
        let scope = scope(&mut sheet, &source, &from);
        check_name(&mut sheet, "agent", &agent);
        check_name(&mut sheet, "wfm_agent_id", &id);
        let parts = [&agent, &source, &from];
        keys.check(&mut sheet, "agent", &agent, parts.map(|cell| cell.text.to_lowercase()));
        if let Some(scope) = scope {
            let to = WfmAgent { id: text(&id), value: text(&value) };
            rows.push(AgentRow { agent: text(&agent), scope, to });
        }
    }
    sheet.finish(rows)
}

fn parse_prefixes(path: &Path, bytes: &[u8]) -> Result<HashMap<SourceName, Text>, ConfigErrors> {
    pairs(path, bytes, ["source", "prefix"], |_, source, prefix| {
        Some((SourceName::from(text(source)), text(prefix)))
    })
    .map(|pairs| pairs.into_iter().collect())
}

fn parse_keys(path: &Path, bytes: &[u8]) -> Result<HashMap<String, String>, ConfigErrors> {
    pairs(path, bytes, ["key", "name"], |sheet, key, name| {
        check_name(sheet, "name", name);
        let mut places = key.text.split('.');
        let is_known = |place: &&str| cxone::KEYS.contains(place) || iex::HISTORY_COLUMNS.contains(place);
        if let Some(unknown) = places.find(|place| !is_known(place)) {
            let help =
                nearest(unknown, cxone::KEYS.iter().copied()).map(|name| format!("did you mean {name}?"));
            let message = format!("no body has the key {unknown:?}");
            sheet.note(&key.span, Some("key"), message, help);
        }
        Some((key.text.to_string(), name.text.to_string()))
    })
    .map(|pairs| pairs.into_iter().collect())
}

fn parse_settings(path: &Path, bytes: &[u8]) -> Result<Settings, ConfigErrors> {
    let mut settings = Settings::default();
    pairs(path, bytes, ["setting", "value"], |sheet, name, value| {
        match settings.set(&name.text, &value.text) {
            Ok(()) => {}
            Err(error @ SettingError::Takes(_)) => {
                let message = format!("{error}, found {:?}", value.text);
                sheet.note(&value.span, Some("value"), message, None);
            }
            Err(error @ SettingError::Unknown) => {
                let help = match nearest(&name.text, Settings::names()) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => format!("the settings are {}", Settings::names().collect::<Vec<_>>().join(", ")),
                };
                sheet.note(&name.span, Some("setting"), error.to_string(), Some(help));
            }
        }
        Some(())
    })
    .map(|_| settings)
}

/// A table of two columns, whose first is never there twice.
fn pairs<T>(
    path: &Path,
    bytes: &[u8],
    columns: [&'static str; 2],
    mut read: impl FnMut(&mut Sheet<'_, 2>, &Cell<'_>, &Cell<'_>) -> Option<T>,
) -> Result<Vec<T>, ConfigErrors> {
    let mut sheet = Sheet::read(path, bytes, columns)?;
    let mut found = Vec::new();
    let mut keys = Keys::default();
    for [first, second] in sheet.take_rows() {
        check_name(&mut sheet, columns[0], &first);
        keys.check(&mut sheet, columns[0], &first, [first.text.to_string()]);
        found.extend(read(&mut sheet, &first, &second));
    }
    sheet.finish(found)
}

/// What the rows of a table are for, to find two for the same.
#[derive(Default)]
struct Keys(HashMap<Vec<String>, usize>);

impl Keys {
    fn check<const N: usize, const P: usize>(
        &mut self,
        sheet: &mut Sheet<'_, N>,
        column: &str,
        cell: &Cell<'_>,
        parts: [String; P],
    ) {
        if self.0.len() == MAX_MAPPING_ROWS {
            let message = format!("the table has more than {MAX_MAPPING_ROWS} rows");
            self.0.insert(parts.into(), 0);
            sheet.note(&cell.span, None, message, None);
            return;
        }
        let line = sheet.line_of(cell);
        if let Some(line) = self.0.insert(parts.into(), line).filter(|line| *line > 0) {
            let message = format!("a row for the same is already there, on line {line}");
            sheet.note(&cell.span, Some(column), message, Some("case does not matter".to_owned()));
        }
    }
}

fn scope<const N: usize>(sheet: &mut Sheet<'_, N>, source: &Cell<'_>, from: &Cell<'_>) -> Option<Scope> {
    let source = optional(source).map(SourceName::from);
    if from.text.is_empty() {
        return Some(Scope { source, from: None });
    }
    match Timestamp::parse(&from.text) {
        Ok(from) => Some(Scope { source, from: Some(from) }),
        Err(error) => {
            sheet.note(&from.span, Some("from"), format!("{:?} is {error}", from.text), None);
            None
        }
    }
}

fn check_name<const N: usize>(sheet: &mut Sheet<'_, N>, column: &str, cell: &Cell<'_>) {
    if cell.text.is_empty() {
        sheet.note(&cell.span, Some(column), "a name is missing".to_owned(), None);
    } else if cell.text.len() > MAX_NAME_BYTES {
        let message = format!("a name has at most {MAX_NAME_BYTES} bytes");
        sheet.note(&cell.span, Some(column), message, None);
    } else if cell.text.contains(char::is_control) {
        let message = "a name has no tabs, line ends or other control characters".to_owned();
        sheet.note(&cell.span, Some(column), message, None);
    }
}

fn text(cell: &Cell<'_>) -> Text {
    (*cell.text).into()
}

fn optional(cell: &Cell<'_>) -> Option<Text> {
    (!cell.text.is_empty()).then(|| text(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_files(files: &[(&str, &str)]) -> Result<Mapping, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let place = format!("{}/", folder.path().display());
        read(folder.path()).map_err(|errors| errors.to_string().replace(&place, ""))
    }

    #[test]
    fn a_mapping_is_read() {
        let mapping = read_files(&[
            (
                "states.csv",
                "source,event_id,reason,activity_code,status,from,class,send_as\n\
                 ,Lunch,,Lunch,Closed,,,\nacme,VOICE-*-CONNECTED,late,Phone,open,2026-03-02T00:00:00Z,,ON CALL\n,,,Pause,closed,,aux,\n",
            ),
            ("queues.csv", "queue,wfm_queue_id\nBilling,B\n,OUT\n"),
            ("agents.csv", "agent,wfm_agent_id,wfm_agent_value\nann,P1,\nann2,P1,ann\n"),
            ("sources.csv", "source,prefix\nacme,emea-\n"),
            ("keys.csv", "key,name\nqueueReport.queueId,skillId\n"),
            ("settings.csv", "setting,value\nready_time,productive\nshortest_state_s,3\n"),
            ("readme.txt", "no table"),
        ])
        .unwrap();
        assert_eq!(mapping.states.rows.len(), 3);
        assert_eq!(mapping.states.rows[1].scope.source, Some("acme".into()));
        assert_eq!(mapping.states.rows[1].state.send_as.as_deref(), Some("ON CALL"));
        assert_eq!(mapping.states.rows[2].event, EventMatch::Class(Class::Aux));
        assert_eq!(mapping.queues.rows()[1].to.id.as_ref(), "OUT");
        assert_eq!(mapping.agents.rows()[1].to.value.as_ref(), "ann");
        assert_eq!(mapping.prefixes["acme"].as_ref(), "emea-");
        assert_eq!(mapping.keys["queueReport.queueId"], "skillId");
        assert_eq!(mapping.settings.shortest_state.get(), 3000);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_place() {
        let told = read_files(&[
            (
                "states.csv",
                "event_id,activity_code,status,class,from\nLunch,Lunch,perhaps,,\nlunch,Lunch,closed,,\nX,Y,open,aux,\n,Z,open,auxx,soon\n,,open,,\n",
            ),
            ("queues.csv", "queue,wfm_queue_id,direction\nBilling,,sideways\n"),
            ("agents.csv", "agent,wfm_id\nann,7\n"),
            ("setings.csv", "setting,value\n"),
            ("keys.csv", "key,name\nqueueReport.queueID,skill\n"),
            ("settings.csv", "setting,value\nacd_typ,X\nunmapped,drop\n"),
        ])
        .unwrap_err();
        insta::assert_snapshot!(told);
    }

    #[test]
    fn a_folder_without_tables_is_a_mistake() {
        let told = read_files(&[("readme.txt", "x")]).unwrap_err();
        assert!(told.contains("states.csv"), "{told}");
        let told = read(Path::new("no/such/folder")).unwrap_err().to_string();
        assert!(told.contains("no/such/folder"), "{told}");
    }

    #[test]
    fn r28_a_table_of_a_mapping_has_20_000_rows_and_names_of_512_bytes_at_most() {
        let rows = |count| (0..count).map(|row| format!("a{row},p\n")).collect::<Vec<_>>().concat();
        let read = |content: String| read_files(&[("agents.csv", &format!("agent,wfm_agent_id\n{content}"))]);
        assert_eq!(read(rows(20_000)).unwrap().agents.rows().len(), 20_000);
        assert!(read(rows(20_001)).unwrap_err().contains("more than 20000 rows"));
        assert!(read(format!("{},p\n", "x".repeat(512))).is_ok());
        assert!(read(format!("{},p\n", "x".repeat(513))).unwrap_err().contains("512 bytes"));
    }
}
