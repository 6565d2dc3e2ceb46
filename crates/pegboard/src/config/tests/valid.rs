//! Files that are right, and what they say.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use pegboard_connect::sources::amazon_connect::reports::{Expected, Meaning, Schedule};
use pegboard_engine::queues::QueueGoals;
use pegboard_engine::{IntervalLength, StatusTable, StatusType};
use pegboard_model::Millis;
use pegboard_model::acd::AcdReport;
use pegboard_model::policy::{GroupBy, Pegging, Precedence, RingIn, ServiceLevelFormula, SessionPolicy};
use pegboard_store::Retention;

use super::super::{
    ArchiveSettings, Config, ConnectSettings, FileFormat, FileSettings, InstanceSettings, KinesisCredentials,
    KinesisSettings, LogFormat, LogLevel, LogSettings, MetricSettings, ObjectSettings, PlaceSettings,
    ReadMode, SecretRef, ServerSettings, SourceConfig, SourceInput, Start, StoreUrl, TlsFiles, WebUrl,
};
use super::{LEAST, read, read_beside};

#[test]
fn the_least_file_takes_every_default() {
    let file = FileSettings {
        path: PathBuf::from("/etc/pegboard/events"),
        format: FileFormat::AmazonConnect,
        follow: true,
    };
    let expected = Config {
        sinks: Vec::new(),
        outlets: Vec::new(),
        store: StoreUrl::Sqlite(PathBuf::from("/etc/pegboard/pegboard.db")),
        retention: Retention::default(),
        server: ServerSettings::default(),
        log: LogSettings { format: LogFormat::Human, level: LogLevel::Info },
        archive: None,
        node_name: None,
        sources: vec![SourceConfig::new("a", SourceInput::File(file))],
    };
    assert_eq!(read(LEAST), Ok(expected));
}

#[test]
fn every_key_is_read() {
    let text = r#"
        [store]
        url = "sqlite:/var/lib/pegboard/hub.db"
        keep_rows = "800d"
        keep_details = "8d"
        disk_budget = "20GB"
        [server]
        listen = "0.0.0.0:8443"
        public_url = "https://pegboard.example/"
        tls_certificate = "cert.pem"
        tls_key = "/etc/ssl/key.pem"
        behind_proxy = true
        [log]
        format = "json"
        level = "debug"
        [archive]
        folder = "archive"
        keep = "100d"
        leave_out = ["Attributes", "Tags"]
        [node]
        name = "rack-1"
        [[source]]
        name = "emea-1"
        kind = "amazon-connect"
        time_zone = "Europe/London"
        interval = "30m"
        service_level = "30s"
        short_abandon = "2500ms"
        service_level_formula = "offered"
        pegging = "enqueue"
        precedence = "aws"
        ring_in = "none"
        session_policy = "staffed"
        group_by = "routing-profile"
        stale_after = "10m"
        reconcile_every = "1m"
        close_delay = "0s"
        close_delay_contacts = "1h"
        recapture_at = "02:30"
        lateness = "2d"
        statuses = "statuses.csv"
        queue_settings = "queues.csv"
        personal_queues = true
        [source.kinesis]
        stream = "arn:aws:kinesis:eu-central-1:123456789012:stream/agents"
        region = "eu-central-1"
        endpoint = "http://127.0.0.1:4567"
        access_key_id = "env:KEY_ID"
        secret_access_key = "file:secrets/key"
        session_token = "env:TOKEN"
        start = "2026-03-01T00:00:00+01:00"
        read = "fan-out"
        consumer = "pegboard.emea"
        register_consumer = true
        poll_interval = "250ms"
        max_records = 500
        [source.connect]
        instance_id = "i-1"
        endpoint = "http://127.0.0.1:4568"
    "#;
    let config = read_beside(text, |path| match path.to_str() {
        Some("/etc/pegboard/statuses.csv") => Ok(b"StateName,StateType\nLunch,1\n".to_vec()),
        Some("/etc/pegboard/queues.csv") => {
            Ok(b"queue,service_level_s,short_abandon_s\nSales,40,2\n".to_vec())
        }
        other => panic!("{other:?} is not asked for"),
    });
    let config = config.expect("valid");

    assert_eq!(config.store, StoreUrl::Sqlite(PathBuf::from("/var/lib/pegboard/hub.db")));
    let days = |days: i64| Millis::from_hours(days * 24);
    let Retention { history, details, disk_budget, .. } = config.retention;
    assert_eq!((history, details, disk_budget), (days(800), days(8), Some(20_000_000_000)));
    let server = &config.server;
    assert_eq!(server.listen.to_string(), "0.0.0.0:8443");
    assert_eq!(
        server.public_url.as_ref().map(ToString::to_string).as_deref(),
        Some("https://pegboard.example")
    );
    let tls = TlsFiles { certificate: "/etc/pegboard/cert.pem".into(), key: "/etc/ssl/key.pem".into() };
    assert_eq!((server.tls.as_ref(), server.behind_proxy), (Some(&tls), true));
    assert_eq!(config.log, LogSettings { format: LogFormat::Json, level: LogLevel::Debug });
    assert_eq!(config.node_name.as_deref(), Some("rack-1"));

    let mut statuses = StatusTable::default();
    statuses.set("Lunch", StatusType::SignedIn);
    let goals = |service_level, short_abandon| QueueGoals {
        service_level: Millis::new(service_level),
        short_abandon: Millis::new(short_abandon),
    };
    let kinesis = KinesisSettings {
        stream: "arn:aws:kinesis:eu-central-1:123456789012:stream/agents".parse().unwrap(),
        region: Some("eu-central-1".to_owned()),
        endpoint: Some(super::super::WebUrl("http://127.0.0.1:4567".to_owned())),
        credentials: KinesisCredentials::Key {
            id: SecretRef::Env("KEY_ID".to_owned()),
            secret: SecretRef::File("/etc/pegboard/secrets/key".into()),
            session_token: Some(SecretRef::Env("TOKEN".to_owned())),
        },
        start: Start::At("2026-02-28T23:00:00Z".parse().unwrap()),
        read: ReadMode::FanOut,
        consumer: "pegboard.emea".to_owned(),
        register_consumer: true,
        poll_interval: Millis::new(250),
        max_records: 500,
        instance: Some(InstanceSettings {
            id: "i-1".to_owned(),
            endpoint: Some(super::super::WebUrl("http://127.0.0.1:4568".to_owned())),
        }),
    };
    let expected = SourceConfig {
        name: "emea-1".into(),
        input: SourceInput::AmazonConnect(Box::new(ConnectSettings {
            kinesis: Some(kinesis),
            ..ConnectSettings::default()
        })),
        time_zone: TimeZone::get("Europe/London").unwrap(),
        interval: IntervalLength::Minutes(30),
        default_goals: goals(30_000, 2_500),
        queue_settings: HashMap::from([("Sales".to_owned(), goals(40_000, 2_000))]),
        open_queues: std::collections::BTreeMap::new(),
        statuses,
        service_level_formula: ServiceLevelFormula::Offered,
        pegging: Pegging::Enqueue,
        precedence: Precedence::Aws,
        ring_in: RingIn::None,
        session_policy: SessionPolicy::Staffed,
        group_by: GroupBy::RoutingProfile,
        stale_after: Millis::from_minutes(10),
        reconcile_every: Millis::from_minutes(1),
        close_delay: Millis::ZERO,
        close_delay_contacts: Millis::from_hours(1),
        recapture_at: Some(Millis::from_minutes(150)),
        lateness: Millis::from_hours(48),
        personal_queues: true,
        archive: Some(Arc::new(ArchiveSettings {
            keep: days(100),
            leave_out: ["Attributes", "Tags"].into_iter().collect(),
            ..ArchiveSettings::new("/etc/pegboard/archive".into())
        })),
        passes_events: false,
    };
    assert_eq!(config.archive, expected.archive);
    assert_eq!(config.sources, [expected]);
}

#[test]
fn an_archive_is_in_a_bucket_where_one_is_named() {
    let text = "[archive]
bucket = \"company-archive\"
prefix = \"pegboard/\"
region = \"eu-central-1\"
endpoint = \"https://s3.example\"
profile = \"archive\"
keep = \"30d\"
[[source]]
name = \"a\"
kind = \"file\"
file.path = \"events\"
";
    let archive = read(text).unwrap_or_else(|errors| panic!("{errors}")).archive.expect("an archive");
    assert_eq!(archive.keep, Millis::from_hours(30 * 24));
    let PlaceSettings::Bucket(bucket) = &archive.place else { panic!("{archive:?}") };
    assert_eq!((&*bucket.bucket, &*bucket.prefix), ("company-archive", "pegboard/"));
    assert_eq!(bucket.region.as_deref(), Some("eu-central-1"));
    assert_eq!(bucket.endpoint.as_ref().map(WebUrl::as_str), Some("https://s3.example"));
    assert_eq!(bucket.credentials, KinesisCredentials::Profile("archive".to_owned()));
}

/// What `start` of a Kinesis source is read as.
fn start(value: &str) -> Start {
    let text = format!(
        "[[source]]\nname = \"a\"\nkind = \"amazon-connect\"\nkinesis = {{ stream = \"s\", start = {value} }}"
    );
    let config = read(&text).expect("valid");
    let SourceInput::AmazonConnect(inputs) = &config.sources[0].input else { panic!("not Amazon Connect") };
    inputs.kinesis.as_ref().expect("a stream").start
}

/// The inputs of the only source.
fn inputs(of_source: &str) -> ConnectSettings {
    let text = format!("[[source]]\nname = \"a\"\nkind = \"amazon-connect\"\n{of_source}");
    let config = read(&text).unwrap_or_else(|errors| panic!("{errors}"));
    let SourceInput::AmazonConnect(inputs) = &config.sources[0].input else { panic!("not Amazon Connect") };
    (**inputs).clone()
}

#[test]
fn objects_can_be_the_only_input() {
    let given = inputs(
        "contact_records = { bucket = \"ctr-1\", prefix = \"ctr/\", start = \"latest\", list_every = \"1m\", held_back = \"15m\",\
         queue = \"arn:aws:sqs:eu-central-1:123456789012:ctr\", region = \"eu-central-1\", endpoint = \"http://127.0.0.1:1\" }",
    );
    let records = ObjectSettings {
        prefix: "ctr/".to_owned(),
        queue: Some("arn:aws:sqs:eu-central-1:123456789012:ctr".parse().unwrap()),
        region: Some("eu-central-1".to_owned()),
        endpoint: Some(super::super::WebUrl("http://127.0.0.1:1".to_owned())),
        start: Start::Latest,
        list_every: Millis::from_minutes(1),
        held_back: Millis::from_minutes(15),
        ..ObjectSettings::new("ctr-1")
    };
    assert_eq!(given, ConnectSettings { contact_records: Some(records), ..ConnectSettings::default() });
}

#[test]
fn reports_are_the_usual_ones_and_those_of_the_site() {
    let text = "[[source]]
name = \"a\"
kind = \"amazon-connect\"
[source.reports]
bucket = \"abc\"
prefix = \"connect/x/Reports/\"
labels = \"labels.csv\"
[[source.reports.file]]
begins = \"aqr\"
is = \"agent-queue\"
every = \"15m\"
[[source.reports.file]]
begins = \"*Old\"
is = \"ignore\"
";
    let config = read_beside(text, |path| {
        assert_eq!(path.to_str(), Some("/etc/pegboard/labels.csv"));
        Ok(b"label,metric\nAngenommen,CONTACTS_HANDLED\nStandort,grouping\n".to_vec())
    });
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let SourceInput::AmazonConnect(inputs) = &config.sources[0].input else { panic!("not Amazon Connect") };
    let reports = inputs.reports.as_ref().expect("reports");
    let objects = ObjectSettings { prefix: "connect/x/Reports/".to_owned(), ..ObjectSettings::new("abc") };
    assert_eq!(reports.objects, objects);
    let what = |name: &str| {
        let fits: Vec<_> = reports.patterns.iter().filter(|pattern| *pattern.name == *name).collect();
        fits.iter().map(|pattern| pattern.expected).collect::<Vec<_>>()
    };
    assert_eq!(what("aqr"), [Expected::Report(AcdReport::AgentQueueInterval)]);
    assert_eq!((what("AQR"), what("*Old")), (vec![], vec![Expected::Nothing]), "instead of the usual one");
    assert_eq!(what("QR"), [Expected::Report(AcdReport::QueueInterval)]);
    let schedule = Schedule { every: Millis::from_minutes(15), late_after: Millis::from_minutes(30) };
    assert_eq!(reports.schedules, BTreeMap::from([("aqr".to_owned(), schedule)]));
    assert_eq!(reports.labels.meaning("standort"), Some(Meaning::Grouping));
    assert!(reports.labels.meaning("angenommen").is_some());
}

#[test]
fn statistics_are_asked_for_where_the_instance_is_known() {
    let given =
        inputs("kinesis.stream = \"s\"\nconnect.instance_id = \"i-1\"\nmetrics = { covers = \"3h\" }");
    let expected = MetricSettings { every: Millis::from_minutes(15), covers: Millis::from_hours(3) };
    assert_eq!(given.metrics, Some(expected));
    let text = "[[source]]\nname = \"a\"\nkind = \"amazon-connect\"\nkinesis.stream = \"s\"\nmetrics = {}";
    let told = read(text).unwrap_err().faults()[0].message.clone();
    assert_eq!(told, "`metrics` needs `connect`, which is missing");
}

#[test]
fn a_second_stream_has_the_credentials_of_the_first() {
    let given = inputs(
        "kinesis = { stream = \"agents\", profile = \"p\", max_records = 7 }\n\
         contact_stream = { stream = \"contacts\", start = \"latest\" }\ncontact_records.bucket = \"ctr\"",
    );
    let second = given.contact_stream.expect("a second stream");
    assert_eq!((second.stream.name(), second.start), ("contacts", Start::Latest));
    assert_eq!(second.credentials, KinesisCredentials::Profile("p".to_owned()));
    assert_eq!(second.max_records, 7);
    assert_eq!(given.contact_records, Some(ObjectSettings::new("ctr")));
}

#[test]
fn reading_starts_with_a_word_or_at_a_time() {
    let at = Start::At("2026-03-01T09:15:00Z".parse().unwrap());
    assert_eq!(start("\"trim_horizon\""), Start::TrimHorizon);
    assert_eq!(start("\"latest\""), Start::Latest);
    assert_eq!(start("\"2026-03-01T10:15:00+01:00\""), at);
    assert_eq!(start("2026-03-01T09:15:00Z"), at, "a time of TOML");
    assert_eq!(start("2026-03-01 09:15:00Z"), at, "with a blank");
}

#[test]
fn an_interval_may_be_written_in_any_unit() {
    for (value, minutes) in [("5m", 5), ("10m", 10), ("900s", 15), ("30m", 30), ("60m", 60), ("1h", 60)] {
        let config = read(&format!("{LEAST}interval = \"{value}\"")).expect(value);
        assert_eq!(config.sources[0].interval, IntervalLength::Minutes(minutes), "{value}");
    }
    for value in ["0m", "1m", "20m", "901s", "2h", "1d", "-15m", "15", "15 m", "15M", "99999999999999999999m"]
    {
        assert!(read(&format!("{LEAST}interval = \"{value}\"")).is_err(), "{value}");
    }
}

#[test]
fn only_loopback_goes_without_tls() {
    let tls = "tls_certificate = \"c\"\ntls_key = \"k\"";
    let cases = [
        ("127.0.0.1:8080", "", true),
        ("127.9.9.9:0", "", true),
        ("[::1]:8080", "", true),
        ("[::ffff:127.0.0.1]:8080", "", true),
        ("0.0.0.0:8080", "", false),
        ("[::]:8080", "", false),
        ("192.168.1.5:8080", "behind_proxy = false", false),
        ("192.168.1.5:8080", "behind_proxy = true", true),
        ("0.0.0.0:8443", tls, true),
    ];
    for (listen, more, is_allowed) in cases {
        let text = format!("[server]\nlisten = \"{listen}\"\n{more}\n{LEAST}");
        assert_eq!(read(&text).is_ok(), is_allowed, "{listen} {more}");
    }
}

#[test]
fn a_url_is_scheme_host_and_port() {
    let is_valid = |url: &str| read(&format!("[server]\npublic_url = {url:?}\n{LEAST}")).is_ok();
    for url in
        ["https://pegboard.example", "http://10.0.0.1:8080/", "https://[::1]:8443", "https://a.b.c:443"]
    {
        assert!(is_valid(url), "{url}");
    }
    for url in [
        "",
        "pegboard.example",
        "/path",
        "ftp://pegboard.example",
        "https://",
        "https://:443",
        "https://a:99999",
        "https://a:",
        "https://a/path",
        "https://a/?q=1",
        "https://a#f",
        "https://user@a",
        "https://a b",
    ] {
        assert!(!is_valid(url), "{url}");
    }
}

#[test]
fn an_editors_byte_order_mark_and_line_ends_do_not_matter() {
    let text = format!("\u{feff}{}", LEAST.replace('\n', "\r\n"));
    assert_eq!(read(&text), read(LEAST));
}

#[test]
fn a_file_is_loaded_with_the_tables_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pegboard.toml");
    std::fs::write(&path, format!("{LEAST}statuses = \"s.csv\"\n")).unwrap();
    std::fs::write(folder.path().join("s.csv"), "StateName,StateType\nBreak,P\n").unwrap();
    let config = Config::load(&path).expect("valid");
    let mut expected = StatusTable::default();
    expected.set("Break", StatusType::Productive);
    assert_eq!(config.sources[0].statuses, expected);
    assert_eq!(config.store, StoreUrl::Sqlite(folder.path().join("pegboard.db")));
}
