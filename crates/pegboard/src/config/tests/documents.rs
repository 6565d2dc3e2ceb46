//! The template, the page of documentation and what is read know the same keys and defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::{Config, template};
use super::{parse, read};

const PAGE: &str = include_str!("../../../../../docs/configuration.md");

/// A key of the template as it stands there: its value, the line, and whether it is commented out.
struct Shown {
    line: usize,
    value: &'static str,
}

/// A key that is commented out follows its `#` at once; prose follows a blank.
fn shown_in_template() -> BTreeMap<String, Shown> {
    let mut table = "";
    let mut shown = BTreeMap::new();
    for (line, text) in template().lines().enumerate() {
        let text = text.strip_prefix('#').unwrap_or(text);
        if let Some(header) = text.strip_prefix('[') {
            table = header.trim_matches(['[', ']']);
        } else if let Some((key, value)) = text.split_once(" = ").filter(|(key, _)| !key.contains(' ')) {
            shown.insert(format!("{table}.{key}"), Shown { line, value });
        }
    }
    shown
}

/// The rows of the page: key, and default as it stands in the file.
fn documented() -> BTreeMap<String, Option<&'static str>> {
    let mut table = None;
    let mut keys = BTreeMap::new();
    for text in PAGE.lines() {
        if text.starts_with('#') {
            table = text.strip_prefix("## `[").map(|header| header.trim_matches(['[', ']', '`']));
        } else if let (Some(table), Some(row)) = (table, text.strip_prefix("| `")) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let default = cells[2].strip_prefix('`').map(|default| default.trim_end_matches('`'));
            keys.insert(format!("{table}.{}", cells[0].trim_end_matches('`')), default);
        }
    }
    keys
}

/// Every key that reading asks for, but for tables.
fn asked() -> BTreeSet<String> {
    let other_kinds = "\n[[source]]\nname = \"b\"\nkind = \"file\"\nfile.path = \"x\"\n[[source]]\nname = \"c\"\nkind = \"push\"\n\
                       push.access_key_id = \"env:I\"\npush.secret_access_key = \"env:S\"\n[[source]]\nname = \"d\"\n\
                       kind = \"twilio\"\ntwilio.url = \"https://h.example/x\"\ntwilio.auth_tokens = [\"env:T\"]";
    let every_kind = format!("{}{other_kinds}", template());
    let fetch = |path: &Path| panic!("{} is not asked for", path.display());
    let (_, notes) = parse(Path::new("pegboard.toml"), every_kind.as_bytes(), &fetch).expect("valid");
    let tables = ["store", "server", "log", "archive", "node", "source", "sink", "alarm", "alarm.outlet"];
    notes.known.into_iter().filter(|key| !tables.contains(&key.as_str())).collect()
}

#[test]
fn the_template_is_valid_as_it_stands() {
    let config = read(template()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.sources.len(), 1);
}

#[test]
fn the_page_describes_every_key_and_no_other() {
    assert_eq!(documented().into_keys().collect::<BTreeSet<_>>(), asked());
}

#[test]
fn the_template_shows_every_key_and_no_other() {
    let tables = [
        "source.kinesis",
        "source.connect",
        "source.contact_stream",
        "source.contact_records",
        "source.reports",
        "source.reports.file",
        "source.metrics",
        "source.file",
        "sink.hierarchy",
        "sink.snapshot",
        "source.push",
        "source.push.nats",
        "source.push.sdk",
        "source.twilio",
        "source.twilio.kinesis",
        "source.twilio.rest",
        "sink.cxone",
        "sink.iex",
        "sink.files",
        "sink.place",
        "sink.webhook",
        "sink.sqs",
        "sink.nats",
        "sink.aspect",
        "sink.aspect.productivity",
        "sink.aspect.rta",
        "alarm.outlet.webhook",
        "alarm.outlet.email",
    ];
    let values: BTreeSet<String> =
        asked().into_iter().filter(|key| !tables.contains(&key.as_str())).collect();
    assert_eq!(shown_in_template().into_keys().collect::<BTreeSet<_>>(), values);
}

#[test]
fn defaults_are_those_of_the_page_and_of_the_template() {
    let page = documented();
    let unchanged = with_files(None);
    let mut checked = 0;
    for (key, Shown { line, value }) in shown_in_template() {
        let Some(default) = page[&key] else { continue };
        assert_eq!(value, default, "{key}");
        assert_eq!(with_files(Some(line)), unchanged, "{key}");
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
}

/// The template with its examples of further inputs, of a file source and of an archive in force, and one more line of it.
fn with_files(line: Option<usize>) -> Config {
    let source = [
        "#[source.contact_stream]",
        "#stream = \"connect-contact-records\"",
        "#[source.contact_records]",
        "#bucket = \"connect-contact-records\"",
        "#[source.reports]",
        "#bucket = \"connect-reports\"",
        "#[[source.reports.file]]",
        "#begins = \"AQR\"",
        "#is = \"agent-queue\"",
        "#every = \"15m\"",
        "#[source.connect]",
        "#instance_id = \"11111111-2222-3333-4444-555555555555\"",
        "#[source.metrics]",
        "#[[sink]]",
        "#name = \"wfm\"",
        "#kind = \"cxone\"",
        "#[sink.snapshot]",
        "#[sink.cxone]",
        "#url = \"https://asc.example\"",
        "#access_key_id = \"env:PEGBOARD_CXONE_ACCESS_KEY_ID\"",
        "#secret_access_key = \"env:PEGBOARD_CXONE_SECRET_ACCESS_KEY\"",
        "#name = \"iex\"",
        "#kind = \"iex\"",
        "#[sink.iex]",
        "#[sink.place]",
        "#folder = \"switches/1\"",
        "#name = \"lake\"",
        "#kind = \"files\"",
        "#[sink.files]",
        "#reports = [\"agent_interval\", \"queue_interval\"]",
        "#bucket = \"company-lake\"",
        "#name = \"own\"",
        "#kind = \"webhook\"",
        "#[sink.webhook]",
        "#url = \"https://events.example/pegboard\"",
        "#signing_keys = [\"env:PEGBOARD_WEBHOOK_KEY\"]",
        "#name = \"floor\"",
        "#kind = \"sqs\"",
        "#[sink.sqs]",
        "#queue = \"arn:aws:sqs:eu-central-1:123456789012:states.fifo\"",
        "#name = \"bus\"",
        "#kind = \"nats\"",
        "#[sink.nats]",
        "#servers = [\"tls://nats.example:4222\"]",
        "#password = \"env:PEGBOARD_NATS_PASSWORD\"",
        "#name = \"aspect\"",
        "#kind = \"aspect\"",
        "#sources = [\"main\"]",
        "#[sink.aspect]",
        "#[sink.aspect.productivity]",
        "#bucket = \"acme-aspect\"",
        "#[[alarm.outlet]]",
        "#name = \"ops\"",
        "#kind = \"webhook\"",
        "#[alarm.outlet.webhook]",
        "#url = \"https://alarms.example/pegboard\"",
        "#signing_keys = [\"env:PEGBOARD_ALARM_KEY\"]",
        "#name = \"people\"",
        "#kind = \"email\"",
        "#[alarm.outlet.email]",
        "#host = \"mail.example.com\"",
        "#from = \"Pegboard <pegboard@example.com>\"",
        "#to = [\"ops@example.com\"]",
        "#[[source]]",
        "#name = \"files\"",
        "#kind = \"file\"",
        "#[source.file]",
        "#path = \"events\"",
        "#name = \"pbx\"",
        "#kind = \"push\"",
        "#[source.push]",
        "#access_key_id = \"env:PEGBOARD_PBX_ACCESS_KEY_ID\"",
        "#secret_access_key = \"env:PEGBOARD_PBX_SECRET_ACCESS_KEY\"",
        "#[source.push.sdk]",
        "#[source.push.nats]",
        "#stream = \"pbx\"",
        "#name = \"flex\"",
        "#kind = \"twilio\"",
        "#[source.twilio]",
        "#url = \"https://pegboard.example.com/api/v1/twilio/flex\"",
        "#auth_tokens = [\"env:TWILIO_AUTH_TOKEN\"]",
        "#[source.twilio.kinesis]",
        "#stream = \"twilio-events\"",
        "#[source.twilio.rest]",
        "#workspace = \"WS00000000000000000000000000000000\"",
        "#key = \"SK00000000000000000000000000000000\"",
        "#secret = \"env:TWILIO_API_KEY_SECRET\"",
    ];
    let in_force = |(number, text): (usize, &'static str)| {
        let is_in_force = Some(number) == line || source.contains(&text) || text == "#folder = \"archive\"";
        if is_in_force { text.trim_start_matches('#') } else { text }
    };
    let text: Vec<&str> = template().lines().enumerate().map(in_force).collect();
    read(&text.join("\n")).unwrap_or_else(|errors| panic!("{line:?}: {errors}"))
}

#[test]
fn every_line_of_the_template_is_valid_when_put_in_force() {
    let text: String = template().lines().map(uncommented).collect();
    let fetch = |path: &Path| match path.file_name().and_then(std::ffi::OsStr::to_str) {
        Some("statuses.csv") => Ok(b"StateName,StateType\n".to_vec()),
        Some("labels.csv") => Ok(b"label,metric\n".to_vec()),
        Some("queues.csv") => Ok(b"queue,service_level_s,short_abandon_s\n".to_vec()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let errors = super::read_beside(&text, fetch)
        .expect_err("a password, a profile and a key, two places, and a folder that is not there");
    let told: Vec<&str> = errors.faults().iter().map(|fault| fault.message.as_str()).collect();
    let expected = [
        "an SQLite file has no password",
        "`bucket` and `folder` exclude each other",
        "`profile` and `access_key_id` exclude each other",
        "`profile` and `access_key_id` exclude each other",
        "`sftp` and `folder` exclude each other",
        "`profile` and `access_key_id` exclude each other",
        "`profile` and `access_key_id` exclude each other",
        "`profile` and `access_key_id` exclude each other",
        "`settings_table` and `function` exclude each other",
        "`profile` and `access_key_id` exclude each other",
        "`address` and `edge` exclude each other",
        "the folder of the mapping cannot be read: No such file or directory (os error 2)",
    ];
    assert_eq!(told, expected);
}

fn uncommented(line: &str) -> String {
    let is_prose = line.starts_with("# ") || line == "#";
    format!("{}\n", if is_prose { line } else { line.trim_start_matches('#') })
}
