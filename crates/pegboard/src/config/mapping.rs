//! A mapping as a folder of tables: `states.csv`, `queues.csv`, `agents.csv`, `sources.csv`, `keys.csv`, `settings.csv`. None of them
//! must be there. The first three are those that planners edit while the hub runs.

mod cells;
mod diff;
mod parse;
mod table;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pegboard_model::{SourceName, Text};
use pegboard_sinks::mapping::Mapping;
use pegboard_sinks::{SettingError, Settings, cxone, iex};

pub use self::diff::{Changed, Diff};
pub use self::table::{MAX_TABLE_BYTES, Row, Table, TableName, Tables};

use self::cells::{Keys, check_name, text};
use super::document::read_side_file;
use super::fault::{ConfigErrors, Fault};
use super::nearest::nearest;
use super::sheet::{Cell, Sheet};

/// The tables of a folder that nobody edits but there.
const OTHERS: [&str; 3] = ["sources.csv", "keys.csv", "settings.csv"];

/// All tables.
const FILES: [&str; 6] = {
    let [sources, keys, settings] = OTHERS;
    [TableName::States.file(), TableName::Queues.file(), TableName::Agents.file(), sources, keys, settings]
};

/// The most rows of a table.
pub const MAX_MAPPING_ROWS: usize = 20_000;

/// A folder of tables, as what they mean and as they are written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Folder {
    /// What they mean.
    pub mapping: Mapping,
    /// Those that planners edit.
    pub tables: Tables,
}

/// Reads the tables of a folder, and tells everything that is wrong with any of them.
pub fn read(folder: &Path) -> Result<Folder, ConfigErrors> {
    let mut faults = check_names(folder)?;
    let mut read = Folder::default();
    for name in TableName::ALL {
        let parse = |path: &Path, bytes: &[u8]| Table::parse(name, path, bytes);
        take(folder, name.file(), parse, &mut faults, |table| {
            table.put_into(&mut read.mapping);
            read.tables.put(Arc::new(table));
        });
    }
    let mapping = &mut read.mapping;
    take(folder, OTHERS[0], parse_prefixes, &mut faults, |prefixes| mapping.prefixes = prefixes);
    take(folder, OTHERS[1], parse_keys, &mut faults, |keys| mapping.keys = keys);
    take(folder, OTHERS[2], parse_settings, &mut faults, |settings| mapping.settings = settings);
    if faults.is_empty() { Ok(read) } else { Err(ConfigErrors::new(faults)) }
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
        let known = [cxone::KEYS, cxone::HISTORY_KEYS, iex::HISTORY_COLUMNS];
        let is_known = |place: &&str| known.iter().any(|keys| keys.contains(place));
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

#[cfg(test)]
mod tests {
    use pegboard_model::Class;
    use pegboard_sinks::mapping::EventMatch;

    use super::*;

    fn read_files(files: &[(&str, &str)]) -> Result<Mapping, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let place = format!("{}/", folder.path().display());
        let read = read(folder.path()).map_err(|errors| errors.to_string().replace(&place, ""));
        read.map(|folder| folder.mapping)
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
