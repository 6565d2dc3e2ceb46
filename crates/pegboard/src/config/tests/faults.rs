//! Files that are wrong, and what is said about them.

use std::path::Path;

use proptest::prelude::*;

use super::super::{
    Config, MAX_ARCHIVE_PREFIX, MAX_FILE_BYTES, MAX_FILTER_NAMES, MAX_OPENINGS, MAX_REPORT_NAMES, MAX_SINKS,
    MAX_SOURCES, SinkTarget, StaleEvent,
};
use super::{LEAST, faults, read, read_beside, shown};

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let text = r#"[store]
url = "mysql:hub"
[server]
listen = "localhost:8080"
public_url = "pegboard.example"
tls_cert = "cert.pem"
tls_key = "key.pem"
[log]
levle = "info"
format = "jsn"
[[source]]
name = "EMEA"
kind = "amazon-conect"
time_zone = "Berlin"
interval = "20m"
service_level = 20
short_abandon = "5 seconds"
stale_after = "13h"
group_by = 1.5
personal_queues = "true"
[source.kinesis]
strem = "agents"
endpoint = "127.0.0.1:4567"
start = 2026-03-01T00:00:00
poll_interval = "100ms"
max_records = 10001
read = "fanout"
consumer = "a consumer"
[source.file]
path = ""
"#;
    insta::assert_snapshot!(faults(text), @r#"
    error: expected "sqlite:" and a path, such as "sqlite:pegboard.db", or "postgres://user@host/database", found a text that is not shown
     --> pegboard.toml:2:7
      |
    2 | url = ***
      |       ^^^
      = key: store.url

    error: expected an IP address and a port, such as "127.0.0.1:8080" or "[::1]:8080", found "localhost:8080"
     --> pegboard.toml:4:10
      |
    4 | listen = "localhost:8080"
      |          ^^^^^^^^^^^^^^^^
      = key: server.listen
      = help: write "127.0.0.1:8080"

    error: expected a URL of scheme, host and port, such as "https://pegboard.example", found "pegboard.example"
     --> pegboard.toml:5:14
      |
    5 | public_url = "pegboard.example"
      |              ^^^^^^^^^^^^^^^^^^
      = key: server.public_url
      = help: it starts with http:// or https://

    error: `tls_cert` is not a known key
     --> pegboard.toml:6:1
      |
    6 | tls_cert = ***
      | ^^^^^^^^
      = key: server.tls_cert
      = help: did you mean `tls_certificate`?
      = help: known here: listen, public_url, tls_certificate, tls_key, behind_proxy

    error: `tls_key` needs `tls_certificate`, which is missing
     --> pegboard.toml:7:1
      |
    7 | tls_key = "key.pem"
      | ^^^^^^^
      = key: server.tls_key

    error: `levle` is not a known key
     --> pegboard.toml:9:1
      |
    9 | levle = ***
      | ^^^^^
      = key: log.levle
      = help: did you mean `level`?
      = help: known here: format, level

    error: expected one of "human", "json", found "jsn"
      --> pegboard.toml:10:10
       |
    10 | format = "jsn"
       |          ^^^^^
       = key: log.format
       = help: did you mean `json`?

    error: expected a name of 1 to 64 characters, each a small letter, a digit or a hyphen, found "EMEA"
      --> pegboard.toml:12:8
       |
    12 | name = "EMEA"
       |        ^^^^^^
       = key: source[#1].name

    error: expected one of "amazon-connect", "file", "push", "twilio", found "amazon-conect"
      --> pegboard.toml:13:8
       |
    13 | kind = "amazon-conect"
       |        ^^^^^^^^^^^^^^^
       = key: source[#1].kind
       = help: did you mean `amazon-connect`?

    error: expected the name of a time zone, such as "UTC" or "Europe/Berlin", found "Berlin"
      --> pegboard.toml:14:13
       |
    14 | time_zone = "Berlin"
       |             ^^^^^^^^
       = key: source[#1].time_zone
       = help: did you mean `Europe/Berlin`?

    error: expected one of "5m", "10m", "15m", "30m", "60m", found "20m"
      --> pegboard.toml:15:12
       |
    15 | interval = "20m"
       |            ^^^^^
       = key: source[#1].interval

    error: expected a duration from 0s to 1d, found the number 20
      --> pegboard.toml:16:17
       |
    16 | service_level = 20
       |                 ^^
       = key: source[#1].service_level
       = help: write it in quotes and with its unit: ms, s, m, h or d

    error: expected a duration from 0s to 1d, found "5 seconds"
      --> pegboard.toml:17:17
       |
    17 | short_abandon = "5 seconds"
       |                 ^^^^^^^^^^^
       = key: source[#1].short_abandon
       = help: a duration is a whole number with its unit: ms, s, m, h or d

    error: expected a duration from 10s to 12h, found "13h"
      --> pegboard.toml:18:15
       |
    18 | stale_after = "13h"
       |               ^^^^^
       = key: source[#1].stale_after

    error: expected one of "team", "level1", "level2", "level3", "level4", "level5", "routing-profile", found the number 1.5
      --> pegboard.toml:19:12
       |
    19 | group_by = 1.5
       |            ^^^
       = key: source[#1].group_by

    error: expected true or false, found "true"
      --> pegboard.toml:20:19
       |
    20 | personal_queues = "true"
       |                   ^^^^^^
       = key: source[#1].personal_queues
       = help: write it without quotes

    error: `strem` is not a known key
      --> pegboard.toml:22:1
       |
    22 | strem = ***
       | ^^^^^
       = key: source[#1].kinesis.strem
       = help: did you mean `stream`?
       = help: known here: stream, region, endpoint, profile, access_key_id, secret_access_key, session_token, start, read, consumer, register_consumer, poll_interval, max_records

    error: expected a URL of scheme, host and port, such as "https://pegboard.example", found "127.0.0.1:4567"
      --> pegboard.toml:23:12
       |
    23 | endpoint = "127.0.0.1:4567"
       |            ^^^^^^^^^^^^^^^^
       = key: source[#1].kinesis.endpoint
       = help: it starts with http:// or https://

    error: expected "trim_horizon", "latest", or a time with its zone, such as "2026-03-01T09:15:00Z", found a date or time
      --> pegboard.toml:24:9
       |
    24 | start = 2026-03-01T00:00:00
       |         ^^^^^^^^^^^^^^^^^^^
       = key: source[#1].kinesis.start

    error: expected a duration from 200ms to 5m, found "100ms"
      --> pegboard.toml:25:17
       |
    25 | poll_interval = "100ms"
       |                 ^^^^^^^
       = key: source[#1].kinesis.poll_interval

    error: expected a whole number from 1 to 10000, found the number 10001
      --> pegboard.toml:26:15
       |
    26 | max_records = 10001
       |               ^^^^^
       = key: source[#1].kinesis.max_records

    error: expected one of "polling", "fan-out", found "fanout"
      --> pegboard.toml:27:8
       |
    27 | read = "fanout"
       |        ^^^^^^^^
       = key: source[#1].kinesis.read
       = help: did you mean `fan-out`?

    error: expected the name of a consumer: 1 to 128 letters, digits, "_", "." and "-", found "a consumer"
      --> pegboard.toml:28:12
       |
    28 | consumer = "a consumer"
       |            ^^^^^^^^^^^^
       = key: source[#1].kinesis.consumer

    error: expected a path, found ""
      --> pegboard.toml:30:8
       |
    30 | path = ""
       |        ^^
       = key: source[#1].file.path
    "#);
}

#[test]
fn faults_of_syntax_are_told_together_and_before_all_others() {
    let text = "[server\nlisten = 127.0.0.1:8080\n[log]\nlevel = \"info\nformt = \"json\"\n";
    insta::assert_snapshot!(faults(text), @r#"
    error: unclosed table, expected `]`
     --> pegboard.toml:1:8
      |
    1 | [server
      |        ^

    error: invalid basic string, expected `"`
     --> pegboard.toml:4:14
      |
    4 | level = ***
      |            ^
    "#);
}

#[test]
fn what_is_there_twice_is_told_along_with_all_other_faults() {
    let text = "[log]\nlevel = \"info\"\nlevel = \"debug\"\n[server]\nlisten = \"x\"\n[log]\n[[source]]\nname = \"a\"\n\
                kind = \"file\"\nfile.path = \"x\"\n[[source]]\nname = \"a\"\nkind = \"file\"\nfile.path = \"y\"\n";
    insta::assert_snapshot!(faults(text), @r#"
    error: this key is already there
     --> pegboard.toml:3:1
      |
    3 | level = ***
      | ^^^^^

    error: expected an IP address and a port, such as "127.0.0.1:8080" or "[::1]:8080", found "x"
     --> pegboard.toml:5:10
      |
    5 | listen = "x"
      |          ^^^
      = key: server.listen

    error: this key is already there
     --> pegboard.toml:6:2
      |
    6 | [log]
      |  ^^^

    error: another source before this one is named "a"
      --> pegboard.toml:12:8
       |
    12 | name = "a"
       |        ^^^
       = key: source[#2].name
       = help: names are unique: numbers are kept under them
    "#);
}

#[test]
fn a_key_that_is_missing_is_told_with_the_line_of_its_table() {
    let text = "[log]\n\n[[source]]\nkind = \"file\"\n[source.file]\n[[source]]\nname = \"b\"\nkind = \"amazon-connect\"\n";
    insta::assert_snapshot!(faults(text), @"
    error: the key `name` is missing
     --> pegboard.toml:3:1
      |
    3 | [[source]]
      | ^^^^^^^^^^
      = key: source[#1].name

    error: the key `path` is missing
     --> pegboard.toml:5:1
      |
    5 | [source.file]
      | ^^^^^^^^^^^^^
      = key: source[#1].file.path

    error: the key `kinesis` is missing
     --> pegboard.toml:6:1
      |
    6 | [[source]]
      | ^^^^^^^^^^
      = key: source[b].kinesis
      = help: add the table [source.kinesis]
    ");
}

#[test]
fn a_file_without_sources_is_of_no_use() {
    insta::assert_snapshot!(faults("[log]\nlevel = \"info\"\n"), @"
    error: the key `source` is missing
     --> pegboard.toml
      = key: source
      = help: add a table [[source]], in double brackets
    ");
    insta::assert_snapshot!(faults("source = []\n"), @"
    error: there is no table in this array
     --> pegboard.toml:1:10
      |
    1 | source = []
      |          ^^
      = key: source
      = help: each begins with [[source]], in double brackets
    ");
    insta::assert_snapshot!(faults("[source]\nname = \"a\"\n"), @"
    error: expected an array of tables, found a table
     --> pegboard.toml:1:1
      |
    1 | [source]
      | ^^^^^^^^
      = key: source
      = help: each begins with [[source]], in double brackets
    ");
}

#[test]
fn a_misspelt_key_is_not_told_as_missing_as_well() {
    insta::assert_snapshot!(faults("[[sources]]\nname = \"a\"\n"), @"
    error: `sources` is not a known key
     --> pegboard.toml:1:3
      |
    1 | [[sources]]
      |   ^^^^^^^
      = key: sources
      = help: did you mean `source`?
      = help: known here: store, server, log, archive, node, source, sink, alarm
    ");
}

#[test]
fn what_belongs_to_another_kind_is_refused() {
    let text = format!("{LEAST}[source.kinesis]\nstream = \"s\"\n");
    insta::assert_snapshot!(faults(&text), @r#"
    error: this belongs to a source of kind "amazon-connect"; this source is of kind "file"
     --> pegboard.toml:5:9
      |
    5 | [source.kinesis]
      |         ^^^^^^^
      = key: source[a].kinesis
    "#);
}

#[test]
fn credentials_are_whole_and_of_one_sort() {
    let text = r#"[[source]]
name = "a"
kind = "amazon-connect"
[source.kinesis]
stream = "arn:aws:kinesis:eu-central-1:123456789012:stream/agents"
region = "us-east-1"
profile = "wfm"
access_key_id = "env:ID"
session_token = "aws-secret:wfm/token"
[[source]]
name = "b"
kind = "amazon-connect"
[source.kinesis]
stream = "agents"
secret_access_key = "env:KEY"
session_token = "env:TOKEN"
"#;
    insta::assert_snapshot!(faults(text), @r#"
    error: the region "us-east-1" contradicts "eu-central-1" of the stream's ARN
     --> pegboard.toml:6:10
      |
    6 | region = "us-east-1"
      |          ^^^^^^^^^^^
      = key: source[a].kinesis.region
      = help: leave the region out

    error: `profile` and `access_key_id` exclude each other
     --> pegboard.toml:7:1
      |
    7 | profile = "wfm"
      | ^^^^^^^
      = key: source[a].kinesis.profile

    error: `access_key_id` needs `secret_access_key`, which is missing
     --> pegboard.toml:8:1
      |
    8 | access_key_id = "env:ID"
      | ^^^^^^^^^^^^^
      = key: source[a].kinesis.access_key_id

    error: expected a reference to a secret: "env:NAME" or "file:PATH", found a text that is not shown
     --> pegboard.toml:9:17
      |
    9 | session_token = ***
      |                 ^^^
      = key: source[a].kinesis.session_token
      = help: secrets from AWS Secrets Manager are not supported yet

    error: `secret_access_key` needs `access_key_id`, which is missing
      --> pegboard.toml:15:1
       |
    15 | secret_access_key = "env:KEY"
       | ^^^^^^^^^^^^^^^^^
       = key: source[b].kinesis.secret_access_key

    error: `session_token` needs `access_key_id`, which is missing
      --> pegboard.toml:16:1
       |
    16 | session_token = "env:TOKEN"
       | ^^^^^^^^^^^^^
       = key: source[b].kinesis.session_token
    "#);
}

#[test]
fn a_half_of_tls_is_told_and_not_the_open_address_as_well() {
    let text = format!("[server]\nlisten = \"0.0.0.0:8443\"\ntls_certificate = \"cert.pem\"\n{LEAST}");
    insta::assert_snapshot!(faults(&text), @r#"
    error: `tls_certificate` needs `tls_key`, which is missing
     --> pegboard.toml:3:1
      |
    3 | tls_certificate = "cert.pem"
      | ^^^^^^^^^^^^^^^
      = key: server.tls_certificate
    "#);
    let text = format!("[server]\nlisten = \"0.0.0.0:8080\"\n{LEAST}");
    insta::assert_snapshot!(faults(&text), @r#"
    error: 0.0.0.0:8080 can be reached from other machines, and without TLS
     --> pegboard.toml:2:10
      |
    2 | listen = "0.0.0.0:8080"
      |          ^^^^^^^^^^^^^^
      = key: server.listen
      = help: listen on 127.0.0.1, or give tls_certificate and tls_key, or say behind_proxy = true if a proxy in front terminates TLS
    "#);
}

#[test]
fn the_store_says_what_it_cannot_be() {
    for (url, says) in [
        ("sqlite:", "expected \"sqlite:\" and a path"),
        ("sqlite:///var/hub.db", "no slashes after the colon"),
        ("sqlite::memory:", "would forget everything"),
        ("sqlite:hub.db?mode=ro", "parameters after a question mark"),
        ("postgres://db/hub", "it names no user"),
        ("postgresql://hub:hunter2@db/hub", "a password does not belong into the URL"),
        ("postgres://hub@db/hub?sslmode=verify-ca", "sslmode is one of"),
        ("postgres://hub@db/hub?pool=3", "the parameter pool is not known"),
        ("hub.db", "expected \"sqlite:\" and a path"),
    ] {
        let told = faults(&format!("[store]\nurl = {url:?}\n{LEAST}"));
        assert!(told.contains(says) && !told.contains("hunter2"), "{url}: {told}");
    }
}

#[test]
fn what_one_kind_of_store_has_is_refused_for_the_other() {
    let told = faults(&format!("[store]\npassword = \"env:SECRET\"\n{LEAST}"));
    assert!(told.contains("an SQLite file has no password"), "{told}");
    let postgres = "[store]\nurl = \"postgres://hub@db/hub\"\npassword = \"env:SECRET\"\n";
    assert!(read(&format!("{postgres}{LEAST}")).is_ok());
    let told = faults(&format!("{postgres}disk_budget = \"20GB\"\n{LEAST}"));
    assert!(told.contains("no disk budget of its own"), "{told}");
}

#[test]
fn faults_of_a_table_are_told_once_and_after_those_of_the_file() {
    let source = |name| {
        format!("[[source]]\nname = \"{name}\"\nkind = \"file\"\nfile.path = \"x\"\nstatuses = \"s.csv\"\n")
    };
    let text = format!("{}{}queue_settings = \"q.csv\"\n[source.fil]\n", source("a"), source("b"));
    let errors = read_beside(&text, |path| match path.to_str() {
        Some("/etc/pegboard/s.csv") => Ok(b"StateName,StateType\nBreak,B\n".to_vec()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    });
    insta::assert_snapshot!(shown(&errors.unwrap_err()), @r#"
    error: q.csv cannot be read: entity not found
      --> pegboard.toml:11:18
       |
    11 | queue_settings = "q.csv"
       |                  ^^^^^^^
       = key: source[b].queue_settings

    error: `fil` is not a known key
      --> pegboard.toml:12:9
       |
    12 | [source.fil]
       |         ^^^
       = key: source[b].fil
       = help: did you mean `file`?
       = help: known here: name, kind, file, time_zone, interval, service_level, short_abandon, service_level_formula, pegging, precedence, ring_in, session_policy, group_by, stale_after, reconcile_every, close_delay, close_delay_contacts, recapture_at, lateness, personal_queues, statuses, queue_settings

    error: expected one of A, P, 1, 0, found "B"
     --> s.csv:2:7
      |
    2 | Break,B
      |       ^
      = key: column StateType
      = help: A is available, P productive, 1 signed in, 0 signed out
    "#);
}

#[test]
fn what_is_not_utf8_is_told_with_its_place() {
    let path = Path::new("pegboard.toml");
    let fetch = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let errors = super::parse(path, b"[log]\nlevel = \"caf\xe9\"\n", &fetch).unwrap_err();
    insta::assert_snapshot!(errors, @"
    error: this is not UTF-8
     --> pegboard.toml:2:13
      = help: save the file with the encoding UTF-8
    ");
}

#[test]
fn a_file_that_is_not_there_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let errors = Config::load(&folder.path().join("pegboard.toml")).unwrap_err().to_string();
    assert!(errors.contains("cannot be read") && errors.contains("`pegboard init` writes one"), "{errors}");
}

#[test]
fn r28_the_size_of_the_file_has_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pegboard.toml");
    let load_with_length = |length: u64| {
        let padding = usize::try_from(length).unwrap() - LEAST.len();
        std::fs::write(&path, format!("{LEAST}#{}", "x".repeat(padding - 1))).unwrap();
        Config::load(&path)
    };
    assert!(load_with_length(MAX_FILE_BYTES).is_ok());
    let errors = load_with_length(MAX_FILE_BYTES + 1).unwrap_err().to_string();
    assert!(errors.contains("larger than 1048576 bytes"), "{errors}");
}

#[test]
fn r28_the_number_of_sources_has_a_limit() {
    let with = |count: usize| {
        let source = |index| LEAST.replace("\"a\"", &format!("\"source-{index}\""));
        read(&(0..count).map(source).collect::<String>())
    };
    assert_eq!(with(MAX_SOURCES).unwrap().sources.len(), MAX_SOURCES);
    let errors = with(MAX_SOURCES + 1).unwrap_err();
    assert_eq!(errors.faults().len(), 1);
    assert_eq!(errors.faults()[0].message, "there are 201 tables [[source]]; 200 are possible");
}

/// A file source, and a sink for CXone WFM with these lines.
fn with_sink(name: &str, lines: &str) -> String {
    format!(
        "[[sink]]\nname = {name:?}\nkind = \"cxone\"\n[sink.cxone]\nurl = \"https://asc.example\"\naccess_key_id = \"env:ID\"\n\
         secret_access_key = \"env:SECRET\"\n{lines}"
    )
}

#[test]
fn r28_sinks_and_their_openings_have_limits() {
    let sinks = |count: usize| {
        let sinks: String = (0..count).map(|number| with_sink(&format!("s{number}"), "")).collect();
        read(&format!("{LEAST}{sinks}"))
    };
    assert_eq!(sinks(MAX_SINKS).unwrap().sinks.len(), MAX_SINKS);
    let errors = sinks(MAX_SINKS + 1).unwrap_err();
    assert_eq!(errors.faults()[0].message, "there are 51 tables [[sink]]; 50 are possible");
    let openings = |count: usize| {
        let allow: Vec<String> = (0..count).map(|number| format!("\"10.0.0.{number}\"")).collect();
        read(&format!("{LEAST}{}", with_sink("s", &format!("allow = [{}]\n", allow.join(", ")))))
    };
    let queues = |count: usize| {
        let queues: Vec<String> = (0..count).map(|number| format!("\"q{number}\"")).collect();
        let limit = format!("queues = [{}]\n[sink.cxone]", queues.join(", "));
        read(&format!("{LEAST}{}", with_sink("s", "").replace("[sink.cxone]", &limit)))
    };
    assert!(queues(MAX_FILTER_NAMES).is_ok());
    assert!(queues(MAX_FILTER_NAMES + 1).is_err());
    assert!(openings(MAX_OPENINGS).is_ok());
    assert!(openings(MAX_OPENINGS + 1).is_err());
}

#[test]
fn what_is_wrong_with_a_sink_is_told_at_once() {
    let lines = "allow = [\"10.1.2.0/16\"]\nreports = [\"queue-reports\"]\nurls = 1\n";
    let sink = with_sink("wfm", lines)
        .replace("https://asc.example", "https://me:hunter2@asc.example")
        .replace(
            "[sink.cxone]",
            "sources = [\"b\"]\nteams = []\nchannels = \"voice\"\nhierarchy = { level = 6, value = 1 }\n[sink.cxone]",
        );
    let errors = read(&format!("{LEAST}{sink}")).unwrap_err();
    let keys: Vec<_> = errors.faults().iter().map(|fault| fault.key.as_deref().unwrap_or_default()).collect();
    let expected = [
        "sink[wfm].sources",
        "sink[wfm].teams",
        "sink[wfm].channels",
        "sink[wfm].hierarchy.level",
        "sink[wfm].hierarchy.value",
        "sink[wfm].cxone.url",
        "sink[wfm].cxone.allow",
        "sink[wfm].cxone.reports",
        "sink[wfm].cxone.urls",
    ];
    assert_eq!(keys, expected, "{errors}");
    assert!(!errors.to_string().contains("hunter2"), "{errors}");
}

#[test]
fn a_state_that_is_sent_of_a_stale_source_is_named() {
    let sink = |lines: &str| read(&format!("{LEAST}{}", with_sink("wfm", lines)));
    let stale = "stale_states = \"send\"\n";
    let errors = sink(stale).unwrap_err();
    assert_eq!(errors.faults()[0].key.as_deref(), Some("sink[wfm].cxone.stale_states"));
    let named = sink(&format!("{stale}stale_event_id = \"Feed stale\"\n")).unwrap();
    let SinkTarget::Cxone(cxone) = &named.sinks[0].target else { panic!("it is another") };
    assert_eq!(cxone.stale, Some(StaleEvent { event_id: "Feed stale".to_owned(), reason: None }));
    let kept = sink("stale_event_id = \"Feed stale\"\n").unwrap();
    let SinkTarget::Cxone(cxone) = &kept.sinks[0].target else { panic!("it is another") };
    assert_eq!(cxone.stale, None, "the last state is kept");
}

#[test]
fn cxone_is_not_handed_contacts_that_are_pegged_otherwise() {
    let source = LEAST.replace("kind =", "pegging = \"enqueue\"\nkind =");
    let errors = read(&format!("{source}{}", with_sink("wfm", ""))).unwrap_err();
    let told: Vec<&str> = errors.faults().iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(told, ["cxone-queue-report counts contacts by `disconnect`, and source a by `enqueue`"]);
}

/// A file source, and a sink of another kind.
fn beside_least(sink: &str) -> Vec<String> {
    let errors = read(&format!("{LEAST}[[sink]]\nname = \"s\"\n{sink}")).unwrap_err();
    errors
        .faults()
        .iter()
        .map(|fault| fault.to_string().lines().next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn files_need_one_place_and_s36_names_that_stay_there() {
    let told = |sink: &str| beside_least(sink).join("; ");
    let none = told("kind = \"iex\"\n");
    assert!(none.contains("`place` is missing"), "{none}");
    let empty = told("kind = \"iex\"\n[sink.place]\n");
    assert!(empty.contains("`folder` is missing"), "{empty}");
    let both = told("kind = \"iex\"\n[sink.place]\nfolder = \"a\"\nbucket = \"abc\"\n");
    assert!(both.contains("exclude each other"), "{both}");
    let keys = "identity_file = \"k\"\nknown_hosts = \"h\"\n";
    for (lines, fault) in [
        (
            "sftp = \"sftp://hub@files.example/in\"\n".to_owned(),
            "`sftp` needs `identity_file`, which is missing",
        ),
        (keys.to_owned(), "`identity_file` needs `sftp`, which is missing"),
        (format!("folder = \"a\"\nsftp = \"sftp://hub@files.example/in\"\n{keys}"), "exclude each other"),
        (format!("sftp = \"sftp://hub:secret@files.example/in\"\n{keys}"), "expected the folder of a server"),
        (
            "sftp = \"sftp://hub@files.example/in\"\nidentity_file = \"my key\"\nknown_hosts = \"h\"\n"
                .to_owned(),
            "expected a path that `ssh` takes as it is",
        ),
    ] {
        let told = told(&format!("kind = \"iex\"\n[sink.place]\n{lines}"));
        assert!(told.contains(fault) && !told.contains("secret"), "{told}");
    }
    let out =
        "kind = \"files\"\n[sink.files]\nreports = [\"sessions\"]\nnames = \"../{report}{source}{start}\"\n";
    let out = told(&format!("{out}[sink.place]\nfolder = \"a\"\n"));
    assert!(out.contains("expected a template of names"), "{out}");
}

/// What is told of a table `[archive]`; nothing if nothing is wrong.
fn told_of_archive(archive: &str) -> String {
    let read = read(&format!("{LEAST}[archive]\n{archive}"));
    read.map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[test]
fn an_archive_has_one_place() {
    assert!(told_of_archive("folder = \"a\"\nbucket = \"abc\"\n").contains("exclude each other"));
    assert!(told_of_archive("prefix = \"p/\"\n").contains("`prefix` needs `bucket`"));
    assert!(told_of_archive("keep = \"30d\"\n").contains("`keep` needs `folder`"));
    assert_eq!(told_of_archive("keep = \"30d\"\nbucket = \"abc\"\n"), "");
}

#[test]
fn r28_the_prefix_of_an_archive_leaves_room_for_the_names_of_files() {
    let told =
        |length: usize| told_of_archive(&format!("bucket = \"abc\"\nprefix = \"{}\"\n", "p".repeat(length)));
    assert_eq!(told(MAX_ARCHIVE_PREFIX), "");
    assert!(told(MAX_ARCHIVE_PREFIX + 1).contains("at most 700 bytes of a key"));
}

#[test]
fn iex_is_not_handed_contacts_that_are_pegged_otherwise() {
    let source = LEAST.replace("kind =", "pegging = \"enqueue\"\nkind =");
    let sink = "[[sink]]\nname = \"s\"\nkind = \"iex\"\n[sink.place]\nfolder = \"a\"\n";
    let errors = read(&format!("{source}{sink}")).unwrap_err();
    assert_eq!(
        errors.faults()[0].message,
        "iex-interval-file counts contacts by `disconnect`, and source a by `enqueue`"
    );
}

/// A source of Amazon Connect, and a sink for Aspect WFM with these lines.
fn with_aspect(lines: &str) -> String {
    let source = "[[source]]\nname = \"c\"\nkind = \"amazon-connect\"\nkinesis.stream = \"events\"\n";
    format!("{source}[[sink]]\nname = \"wfm\"\nkind = \"aspect\"\n{lines}")
}

const ASPECT_RTA: &str =
    "aspect.rta = { queues = [\"arn:aws:sqs:eu-central-1:123456789012:a.fifo\"], function = \"settings\" }\n";

#[test]
fn aspect_is_handed_agent_events_of_amazon_connect_and_they_are_kept_for_it_alone() {
    let config = read(&with_aspect(ASPECT_RTA)).unwrap();
    assert!(config.sources[0].passes_events);
    let with_file = format!("{LEAST}{}", with_aspect(ASPECT_RTA));
    let errors = read(&with_file).unwrap_err();
    assert_eq!(errors.faults()[0].key.as_deref(), Some("sink[wfm].kind"));
    let told: Vec<&str> = errors.faults().iter().map(|fault| fault.message.as_str()).collect();
    let expected = "Aspect WFM is handed the agent events of Amazon Connect, and source a brings none";
    assert_eq!(told, [expected]);
    assert!(errors.to_string().contains("kind = \"aspect\""), "{errors}");
    let chosen = with_file.replace("kind = \"aspect\"", "sources = [\"c\"]\nkind = \"aspect\"");
    let config = read(&chosen).unwrap();
    let kept: Vec<_> = config.sources.iter().map(|source| source.passes_events).collect();
    assert_eq!(kept, [false, true]);
}

#[test]
fn what_is_wrong_with_aspect_is_told() {
    let told = |lines: &str| {
        let errors = read(&with_aspect(lines)).unwrap_err();
        errors.faults().iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("; ")
    };
    for (lines, said) in [
        ("", "aspect"),
        ("aspect = {}\n", "nothing that is to be sent"),
        ("aspect.productivity = {}\n", "bucket"),
        ("aspect.rta = { queues = [\"arn:aws:sqs:eu-central-1:123456789012:a.fifo\"] }\n", "switched on"),
        (
            "aspect.rta = { queues = [\"arn:aws:sqs:eu-central-1:123456789012:a\"], function = \"f\" }\n",
            "FIFO",
        ),
        ("aspect.rta = { queues = [], function = \"f\" }\n", "FIFO"),
        (&ASPECT_RTA.replace("function", "settings_table = \"settings\", function"), "settings_table"),
        (&ASPECT_RTA.replace("function", "table = \"ab\", function"), "3 to 255"),
    ] {
        assert!(told(lines).contains(said), "{lines}: {}", told(lines));
    }
}

#[test]
fn r28_aspect_has_ten_queues_at_most() {
    let with = |count: usize| {
        let queue = |number| format!("\"arn:aws:sqs:eu-central-1:123456789012:q{number}.fifo\"");
        let queues: Vec<_> = (0..count).map(queue).collect();
        read(&with_aspect(&format!(
            "aspect.rta = {{ queues = [{}], function = \"f\" }}\n",
            queues.join(", ")
        )))
    };
    assert!(with(10).is_ok());
    assert!(with(11).is_err());
}

#[test]
fn r28_the_number_of_names_of_reports_has_a_limit() {
    let source = "[[source]]\nname = \"a\"\nkind = \"amazon-connect\"\nreports.bucket = \"abc\"\n";
    let files = |count: usize| {
        let file = |number| format!("[[source.reports.file]]\nbegins = \"Q{number}\"\nis = \"queue\"\n");
        format!("{source}{}", (0..count).map(file).collect::<String>())
    };
    assert!(read(&files(MAX_REPORT_NAMES)).is_ok());
    let errors = read(&files(MAX_REPORT_NAMES + 1)).unwrap_err();
    let told = "there are 101 tables [[source.reports.file]]; 100 are possible";
    assert_eq!(errors.faults()[0].message, told);
}

#[test]
fn what_reports_may_not_be_is_told() {
    let text = "[[source]]
name = \"a\"
kind = \"amazon-connect\"
contact_records = { bucket = \"ctr\", queue = \"arn:aws:sqs:eu-central-1:123456789012:q\" }
[source.reports]
queue = \"arn:aws:sqs:eu-central-1:123456789012:q\"
bucket = \"abc\"
held_back = \"5m\"
[[source.reports.file]]
begins = \"AQR\"
is = \"agents\"
late_after = \"1h\"
[[source.reports.file]]
begins = \"aqr\"
is = \"agent-queue\"
every = \"1m\"
[[source.reports.file]]
begins = \"\"
is = \"by-grouping\"
every = \"15m\"
";
    let errors = read(text).unwrap_err();
    let told: Vec<&str> = errors.faults().iter().map(|fault| fault.message.as_str()).collect();
    let expected = [
        "its queue is that of [source.contact_records]",
        "`held_back` is not a known key",
        "expected one of \"queue\", \"agent-queue\", \"agent\", \"by-grouping\", \"logins\", \"ignore\", found \"agents\"",
        "`late_after` needs `every`, which is missing",
        "another table before this one begins with \"aqr\"",
        "expected a duration from 15m to 7d, found \"1m\"",
        "what fits every name is no single report",
    ];
    assert_eq!(told, expected);
}

#[test]
fn r28_faults_beyond_any_use_are_counted_and_not_written_out() {
    let lines: Vec<String> = (0..250).map(|index| format!("key{index} = 1")).collect();
    let errors = read(&lines.join("\n")).unwrap_err();
    assert_eq!(errors.faults().len(), 251);
    assert!(errors.to_string().ends_with("\n\nand 51 more"));
}

#[test]
fn a_long_line_is_shown_around_the_fault() {
    let text = format!("log = {{ level = \"info\", {} leve = 1 }}\n{LEAST}", "x = 1, ".repeat(100));
    let errors = read(&text).unwrap_err();
    let widest = errors.to_string().lines().map(|line| line.chars().count()).max();
    assert!(widest < Some(160), "{widest:?}");
}

proptest! {
    /// Whatever the file says: no panic, and every fault that has a place has one inside the file.
    #[test]
    fn any_text_is_read_or_refused(lines in prop::collection::vec(line(), 0..12)) {
        let text = lines.join("\n");
        if let Err(errors) = read(&text) {
            prop_assert!(!errors.faults().is_empty());
            for place in errors.faults().iter().filter_map(|fault| fault.place) {
                prop_assert!((1..=text.split('\n').count()).contains(&place.line), "{:?} in {:?}", place, text);
                let line = text.split('\n').nth(place.line - 1).unwrap_or_default();
                prop_assert!((1..=line.chars().count() + 1).contains(&place.column), "{:?} in {:?}", place, text);
            }
        }
    }
}

/// A line of a configuration, or something like one.
fn line() -> impl Strategy<Value = String> {
    let key =
        prop_oneof!["name|kind|file|kinesis|level|listen|url|stream|path|interval|é|\"a b\"", "[a-z_.]{1,8}"];
    let value = prop_oneof![
        "\"(file|amazon-connect|a|5m|info|env:A|sqlite:x)\"",
        "[0-9]{1,4}",
        "true|\\[\\]|\\{\\}|\\{ path = \"x\" \\}|\"\"\"|'''|2026-03-01T00:00:00Z",
        "\\PC{0,8}",
    ];
    prop_oneof![
        (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        "\\[(log|server|store|source.kinesis|source.file)\\]|\\[\\[source\\]\\]",
        "\\PC{0,10}",
    ]
}

/// Once such a file ended the program: what is shown of a line began after its end.
#[test]
fn s35_a_line_that_ends_in_any_number_of_carriage_returns_is_shown_up_to_them() {
    for count in [1, 119, 120, 121, 5000] {
        let told = faults(&format!("\u{1}{}", "\r".repeat(count)));
        assert!(told.contains("pegboard.toml:1:"), "{count}: {told}");
    }
}
