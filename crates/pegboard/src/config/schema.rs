//! What every table of the file may say.
//!
//! These functions are the schema: a key is known because it is asked for here. `docs/configuration.md` and the
//! template are tested against what they ask for.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pegboard_aws::{MAX_RECORDS, StreamRef};
use pegboard_connect::sources::amazon_connect::reports::{ReportPattern, Schedule};
use pegboard_model::policy::{GroupBy, Pegging, Precedence, RingIn, ServiceLevelFormula, SessionPolicy};
use pegboard_model::{Millis, SourceName};
use pegboard_store::Retention;

use super::alarms;
use super::archive::archive;
use super::push::{Drops, push};
use super::secret::SecretRef;
use super::settings::{
    Config, ConnectSettings, FileFormat, FileSettings, InstanceSettings, KinesisCredentials, KinesisSettings,
    LogFormat, LogLevel, LogSettings, MetricSettings, ObjectSettings, ReadMode, ReportSettings,
    ServerSettings, SourceConfig, SourceInput, SourceKind, Start, StoreUrl, TlsFiles, WebUrl,
};
use super::side_files::SideFiles;
use super::sinks;
use super::table::Table;
use super::twilio::twilio;
use super::value;

/// The most sources of one hub.
pub const MAX_SOURCES: usize = 200;

/// The most beginnings of names of reports of a source.
pub const MAX_REPORT_NAMES: usize = 100;

const SERVICE_LEVEL: RangeInclusive<Millis> = Millis::ZERO..=Millis::from_hours(24);
const SHORT_ABANDON: RangeInclusive<Millis> = Millis::ZERO..=Millis::from_hours(24);
/// Up to the 12 hours after which a silent agent counts as signed out.
const STALE_AFTER: RangeInclusive<Millis> = Millis::from_seconds(10)..=Millis::from_hours(12);
/// From what the platform lets all its callers together ask for.
const RECONCILE_EVERY: RangeInclusive<Millis> = Millis::from_seconds(10)..=Millis::from_hours(1);
/// A look at a workspace may be hundreds of requests.
const RECONCILE_TWILIO_EVERY: Millis = Millis::from_minutes(5);
const CLOSE_DELAY: RangeInclusive<Millis> = Millis::ZERO..=Millis::from_hours(24);
const LATENESS: RangeInclusive<Millis> = Millis::ZERO..=Millis::from_hours(7 * 24);
const KEEP_ROWS: RangeInclusive<Millis> = Millis::from_hours(31 * 24)..=Millis::from_hours(3650 * 24);
/// From a day more than anything may come late.
const KEEP_DETAILS: RangeInclusive<Millis> = Millis::from_hours(8 * 24)..=Millis::from_hours(3650 * 24);
/// From 100 MB to 100 TB.
const DISK_BUDGET: RangeInclusive<u64> = 100_000_000..=100_000_000_000_000;
/// From the pace at which whole files are written.
const LIST_EVERY: RangeInclusive<Millis> = Millis::from_seconds(10)..=Millis::from_hours(24);
/// Up to the longest that Amazon Data Firehose buffers.
const HELD_BACK: RangeInclusive<Millis> = Millis::ZERO..=Millis::from_hours(24);
/// From the shortest interval of Amazon Connect's schedules to the longest.
const REPORT_EVERY: RangeInclusive<Millis> = Millis::from_minutes(15)..=Millis::from_hours(7 * 24);
/// From how long after a run its file is written as a rule.
const LATE_AFTER: RangeInclusive<Millis> = Millis::from_minutes(15)..=Millis::from_hours(7 * 24);
/// From a pace that leaves others of the account their part of the requests.
const METRICS_EVERY: RangeInclusive<Millis> = Millis::from_minutes(5)..=Millis::from_hours(24);
/// Up to what Amazon Connect answers at once.
const METRICS_COVER: RangeInclusive<Millis> = Millis::from_hours(1)..=Millis::from_hours(71);
/// From the pace that leaves other consumers of a shard nothing, up to the life of a shard iterator.
const POLL_INTERVAL: RangeInclusive<Millis> = Millis::new(200)..=Millis::from_minutes(5);

/// Reads the whole file. Nothing if anything that a configuration cannot do without is missing or wrong; what else is
/// wrong is noted, too, and stays at its default.
pub(super) fn config(
    mut root: Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
) -> Option<Config> {
    let (store, retention) = store(root.table("store"), folder);
    let server = server(root.table("server"), folder);
    let log = log(root.table("log"));
    let archive = archive(root.table("archive"), folder).map(Arc::new);
    let node_name = node(root.table("node"));
    let (mut names, mut drops) = (Vec::new(), Drops::default());
    let mut sources = root
        .each_table("source", MAX_SOURCES, |table| source(table, folder, side_files, &mut names, &mut drops));
    let sinks = sinks::sinks(&mut root, folder, side_files, &sources);
    let outlets = alarms::outlets(&mut root, folder);
    root.finish();
    for source in &mut sources {
        source.archive.clone_from(&archive);
        source.passes_events = sinks.iter().any(|sink| sink.passes_events_of(&source.name));
    }
    Some(Config { store, retention, server, log, archive, node_name, sources, sinks, outlets })
        .filter(|config| !config.sources.is_empty())
}

fn store(mut table: Table<'_, '_>, folder: &Path) -> (StoreUrl, Retention) {
    let mut url = StoreUrl::Sqlite(folder.join("pegboard.db"));
    table.set("url", &mut url, value::store_url(folder));
    let password = table.optional("password", value::secret(folder));
    match (&mut url, table.value_span("password")) {
        (StoreUrl::Postgres(settings), _) => settings.password = password,
        (StoreUrl::Sqlite(_), Some(span)) if password.is_some() => {
            let message = "an SQLite file has no password".to_owned();
            table.note(span, Some("password"), message, vec!["leave it out".to_owned()]);
        }
        (StoreUrl::Sqlite(_), _) => {}
    }
    let mut retention = Retention::default();
    table.set("keep_rows", &mut retention.history, value::duration(KEEP_ROWS));
    table.set("keep_details", &mut retention.details, value::duration(KEEP_DETAILS));
    retention.disk_budget = table.optional("disk_budget", value::bytes(DISK_BUDGET));
    if let (StoreUrl::Postgres(_), Some(span)) = (&url, table.value_span("disk_budget")) {
        let message = "a PostgreSQL database has no disk budget of its own".to_owned();
        table.note(
            span,
            Some("disk_budget"),
            message,
            vec!["leave it out, or shorten keep_details".to_owned()],
        );
    }
    table.finish();
    (url, retention)
}

fn server(mut table: Table<'_, '_>, folder: &Path) -> ServerSettings {
    let mut server = ServerSettings::default();
    table.set("listen", &mut server.listen, value::socket_address);
    server.public_url = table.optional("public_url", value::web_url);
    server.tls = tls(&mut table, folder);
    table.set("behind_proxy", &mut server.behind_proxy, value::boolean);
    check_exposure(&mut table, &server);
    table.finish();
    server
}

fn tls(table: &mut Table<'_, '_>, folder: &Path) -> Option<TlsFiles> {
    let certificate = table.optional("tls_certificate", value::path(folder));
    let key = table.optional("tls_key", value::path(folder));
    table.need_each_other("tls_certificate", "tls_key");
    Some(TlsFiles { certificate: certificate?, key: key? })
}

/// Tokens and the names of agents must not cross a network in the clear.
fn check_exposure(table: &mut Table<'_, '_>, server: &ServerSettings) {
    let is_local = server.listen.ip().to_canonical().is_loopback();
    let wants_tls = table.has("tls_certificate") || table.has("tls_key");
    let Some(listen) = table.value_span("listen") else { return };
    if is_local || wants_tls || server.behind_proxy {
        return;
    }
    let message = format!("{} can be reached from other machines, and without TLS", server.listen);
    let help = "listen on 127.0.0.1, or give tls_certificate and tls_key, or say behind_proxy = true if a proxy in \
                front terminates TLS";
    table.note(listen, Some("listen"), message, vec![help.to_owned()]);
}

fn node(mut table: Table<'_, '_>) -> Option<String> {
    let name = table.optional("name", value::node_name);
    table.finish();
    name
}

fn log(mut table: Table<'_, '_>) -> LogSettings {
    let mut log = LogSettings::default();
    table.set("format", &mut log.format, value::word(LogFormat::CHOICES));
    table.set("level", &mut log.level, value::word(LogLevel::CHOICES));
    table.finish();
    log
}

fn source(
    mut table: Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
    names: &mut Vec<SourceName>,
    drops: &mut Drops,
) -> Option<SourceConfig> {
    let name = source_name(&mut table, names);
    let input = source_input(&mut table, folder, side_files, drops);
    // With a stand-in for its input, so that a source without one is still read to its end.
    let mut source = SourceConfig::new("", SourceInput::File(FileSettings::new(PathBuf::new())));
    table.set("time_zone", &mut source.time_zone, value::time_zone);
    table.set("interval", &mut source.interval, value::interval);
    table.set("service_level", &mut source.default_goals.service_level, value::duration(SERVICE_LEVEL));
    table.set("short_abandon", &mut source.default_goals.short_abandon, value::duration(SHORT_ABANDON));
    policies(&mut table, &mut source);
    if matches!(input, Some(SourceInput::Twilio(_))) {
        source.reconcile_every = RECONCILE_TWILIO_EVERY;
    }
    table.set("stale_after", &mut source.stale_after, value::duration(STALE_AFTER));
    table.set("reconcile_every", &mut source.reconcile_every, value::duration(RECONCILE_EVERY));
    table.set("close_delay", &mut source.close_delay, value::duration(CLOSE_DELAY));
    table.set("close_delay_contacts", &mut source.close_delay_contacts, value::duration(CLOSE_DELAY));
    source.recapture_at = table.optional("recapture_at", value::time_of_day);
    table.set("lateness", &mut source.lateness, value::duration(LATENESS));
    table.set("personal_queues", &mut source.personal_queues, value::boolean);
    if let Some(path) = table.optional("statuses", value::path(folder)) {
        source.statuses = side_files.statuses(&path, &mut table).unwrap_or_default();
    }
    if let Some(path) = table.optional("queue_settings", value::path(folder)) {
        let settings = side_files.queue_settings(&path, &mut table).unwrap_or_default();
        (source.queue_settings, source.open_queues) = (settings.goals, settings.open);
    }
    table.finish();
    Some(SourceConfig { name: name?, input: input?, ..source })
}

fn source_name(table: &mut Table<'_, '_>, names: &mut Vec<SourceName>) -> Option<SourceName> {
    let name = table.required("name", value::source_name)?;
    if names.contains(&name) {
        let message = format!("another source before this one is named {:?}", name.as_str());
        let span = table.value_span("name")?;
        table.note(
            span,
            Some("name"),
            message,
            vec!["names are unique: numbers are kept under them".to_owned()],
        );
    }
    table.name(&name);
    names.push(name.clone());
    Some(name)
}

fn policies(table: &mut Table<'_, '_>, source: &mut SourceConfig) {
    let formula = &mut source.service_level_formula;
    table.set("service_level_formula", formula, value::word(ServiceLevelFormula::CHOICES));
    table.set("pegging", &mut source.pegging, value::word(Pegging::CHOICES));
    table.set("precedence", &mut source.precedence, value::word(Precedence::CHOICES));
    table.set("ring_in", &mut source.ring_in, value::word(RingIn::CHOICES));
    table.set("session_policy", &mut source.session_policy, value::word(SessionPolicy::CHOICES));
    table.set("group_by", &mut source.group_by, value::word(GroupBy::CHOICES));
}

/// The tables of Amazon Connect.
const OF_CONNECT: [&str; 6] =
    ["kinesis", "connect", "contact_stream", "contact_records", "reports", "metrics"];

/// The table of the source's kind; that of another kind does not belong here. Without a kind, both are read for their
/// faults.
fn source_input(
    table: &mut Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
    drops: &mut Drops,
) -> Option<SourceInput> {
    let kind = table.required("kind", value::word::<SourceKind>(SourceKind::CHOICES));
    let Some(kind) = kind else {
        kinesis(table.table("kinesis"), folder);
        instance(table);
        contact_stream(table);
        contact_records(table);
        reports(table, folder, side_files);
        metrics(table);
        file(table.table("file"), folder);
        push(table.table("push"), folder, drops);
        twilio(table.table("twilio"), folder);
        return None;
    };
    let not_here = |belongs: SourceKind| {
        move || format!("this belongs to a source of kind \"{belongs}\"; this source is of kind \"{kind}\"")
    };
    if kind != SourceKind::AmazonConnect {
        for key in OF_CONNECT {
            table.refuse(key, not_here(SourceKind::AmazonConnect));
        }
    }
    if kind != SourceKind::File {
        table.refuse("file", not_here(SourceKind::File));
    }
    if kind != SourceKind::Push {
        table.refuse("push", not_here(SourceKind::Push));
    }
    if kind != SourceKind::Twilio {
        table.refuse("twilio", not_here(SourceKind::Twilio));
    }
    match kind {
        SourceKind::AmazonConnect => connect_inputs(table, folder, side_files)
            .map(|inputs| SourceInput::AmazonConnect(Box::new(inputs))),
        SourceKind::File => file(table.required_table("file"), folder).map(SourceInput::File),
        SourceKind::Push => Some(SourceInput::Push(push(table.required_table("push"), folder, drops))),
        SourceKind::Twilio => twilio(table.required_table("twilio"), folder).map(SourceInput::Twilio),
    }
}

/// The stream of agent events is not needed where there are objects.
fn connect_inputs(
    table: &mut Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
) -> Option<ConnectSettings> {
    let has_objects = table.has("contact_records") || table.has("reports");
    let has_kinesis = table.has("kinesis") || !has_objects;
    let kinesis = if has_kinesis {
        Some(kinesis(table.required_table("kinesis"), folder))
    } else {
        // What is asked for is what is known.
        table.optional("kinesis", |_| Ok(()));
        None
    };
    let instance = instance(table);
    let contact_stream = contact_stream(table);
    let contact_records = contact_records(table);
    let reports = reports(table, folder, side_files);
    let metrics = metrics(table);
    table.needs("metrics", "connect");
    table.needs("connect", "kinesis");
    table.needs("contact_stream", "kinesis");
    check_queues(table, contact_records.as_ref(), reports.as_ref());
    check_streams(table, kinesis.as_ref().and_then(Option::as_ref), contact_stream.as_ref());
    let kinesis = match kinesis {
        Some(kinesis) => Some(KinesisSettings { instance, ..kinesis? }),
        None => None,
    };
    let of_same = |stream: StreamSettings| {
        let Some(kinesis) = &kinesis else { return KinesisSettings::new(stream.stream) };
        KinesisSettings {
            region: stream.region,
            endpoint: stream.endpoint,
            credentials: kinesis.credentials.clone(),
            start: stream.start,
            poll_interval: kinesis.poll_interval,
            max_records: kinesis.max_records,
            ..KinesisSettings::new(stream.stream)
        }
    };
    let contact_stream = contact_stream.map(of_same);
    Some(ConnectSettings { kinesis, contact_stream, contact_records, reports, metrics })
}

/// What a second stream may say of itself.
struct StreamSettings {
    stream: StreamRef,
    region: Option<String>,
    endpoint: Option<WebUrl>,
    start: Start,
}

fn contact_stream(source: &mut Table<'_, '_>) -> Option<StreamSettings> {
    let is_there = source.has("contact_stream");
    let mut table = source.table("contact_stream");
    let stream = if is_there {
        table.required("stream", value::stream)
    } else {
        table.optional("stream", value::stream)
    };
    let region = table.optional("region", value::region);
    check_region(&mut table, region.as_deref(), stream.as_ref().and_then(StreamRef::region));
    let endpoint = table.optional("endpoint", value::web_url);
    let start = table.optional("start", value::start).unwrap_or(Start::TrimHorizon);
    table.finish();
    Some(StreamSettings { stream: stream?, region, endpoint, start })
}

/// One stream is read once.
fn check_streams(
    table: &mut Table<'_, '_>,
    kinesis: Option<&KinesisSettings>,
    contact_stream: Option<&StreamSettings>,
) {
    let (Some(first), Some(second), Some(span)) =
        (kinesis, contact_stream, table.value_span("contact_stream"))
    else {
        return;
    };
    if first.stream == second.stream && first.region == second.region {
        let message =
            "this is the stream of [source.kinesis], where contact records are read, too".to_owned();
        table.note(span, Some("contact_stream"), message, vec!["leave the table out".to_owned()]);
    }
}

/// Without the table, no objects are read.
fn contact_records(source: &mut Table<'_, '_>) -> Option<ObjectSettings> {
    let is_there = source.has("contact_records");
    let mut table = source.table("contact_records");
    let objects = objects(&mut table, is_there);
    let held_back = table.optional("held_back", value::duration(HELD_BACK));
    table.finish();
    let objects = objects?;
    Some(ObjectSettings { held_back: held_back.unwrap_or(objects.held_back), ..objects })
}

/// What any objects can say; the rest of the table, and its end, are the caller's.
fn objects(table: &mut Table<'_, '_>, is_there: bool) -> Option<ObjectSettings> {
    let bucket = if is_there {
        table.required("bucket", value::bucket)
    } else {
        table.optional("bucket", value::bucket)
    };
    let mut objects = ObjectSettings::new("");
    table.set("prefix", &mut objects.prefix, value::prefix);
    objects.queue = table.optional("queue", value::queue);
    objects.region = table.optional("region", value::region);
    objects.endpoint = table.optional("endpoint", value::web_url);
    table.set("start", &mut objects.start, value::start);
    table.set("list_every", &mut objects.list_every, value::duration(LIST_EVERY));
    Some(ObjectSettings { bucket: bucket?, ..objects })
}

/// Without the table, no reports are read.
fn reports(
    source: &mut Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
) -> Option<ReportSettings> {
    let is_there = source.has("reports");
    let mut table = source.table("reports");
    let objects = objects(&mut table, is_there);
    let labels = match table.optional("labels", value::path(folder)) {
        Some(path) => side_files.labels(&path, &mut table),
        None => None,
    };
    let mut begun = Vec::new();
    let files = table.any_tables("file", MAX_REPORT_NAMES, |table| report_file(table, &mut begun));
    table.finish();
    let mut reports = ReportSettings::new(objects?);
    for (pattern, schedule) in files {
        reports.add(pattern, schedule);
    }
    Some(ReportSettings { labels: labels.unwrap_or_default(), ..reports })
}

fn report_file(
    mut table: Table<'_, '_>,
    begun: &mut Vec<String>,
) -> Option<(ReportPattern, Option<Schedule>)> {
    let begins = table.required("begins", value::beginning);
    let expected = table.required("is", value::report_content);
    let every = table.optional("every", value::duration(REPORT_EVERY));
    let mut late_after = Millis::from_minutes(30);
    table.set("late_after", &mut late_after, value::duration(LATE_AFTER));
    table.needs("late_after", "every");
    let schedule = every.map(|every| Schedule { every, late_after });
    if let (Some(begins), Some(span)) = (&begins, table.value_span("begins"))
        && begun.iter().any(|known| known.eq_ignore_ascii_case(begins))
    {
        let message = format!("another table before this one begins with {begins:?}");
        table.note(span, Some("begins"), message, Vec::new());
    }
    if let (Some(""), Some(span)) = (begins.as_deref(), table.value_span("every")) {
        let message = "what fits every name is no single report".to_owned();
        table.note(span, Some("every"), message, vec!["give the report a table of its own".to_owned()]);
    }
    table.finish();
    begun.extend(begins.clone());
    let pattern = ReportPattern { name: begins?.into(), expected: expected? };
    Some((pattern, schedule))
}

/// Without the table, statistics are not asked for.
fn metrics(source: &mut Table<'_, '_>) -> Option<MetricSettings> {
    let is_there = source.has("metrics");
    let mut table = source.table("metrics");
    let mut metrics = MetricSettings::default();
    table.set("every", &mut metrics.every, value::duration(METRICS_EVERY));
    table.set("covers", &mut metrics.covers, value::duration(METRICS_COVER));
    table.finish();
    is_there.then_some(metrics)
}

/// A message that one input has received is hidden from the other.
fn check_queues(
    table: &mut Table<'_, '_>,
    contact_records: Option<&ObjectSettings>,
    reports: Option<&ReportSettings>,
) {
    let of_records = contact_records.and_then(|objects| objects.queue.as_ref());
    let of_reports = reports.and_then(|reports| reports.objects.queue.as_ref());
    if let (Some(first), Some(second), Some(span)) = (of_records, of_reports, table.value_span("reports"))
        && first == second
    {
        let message = "its queue is that of [source.contact_records]".to_owned();
        let help = "let the bucket tell a queue of its own for each prefix".to_owned();
        table.note(span, Some("reports"), message, vec![help]);
    }
}

/// Without the table, Amazon Connect itself is not asked.
fn instance(source: &mut Table<'_, '_>) -> Option<InstanceSettings> {
    let is_there = source.has("connect");
    let mut table = source.table("connect");
    let id = if is_there {
        table.required("instance_id", value::instance_id)
    } else {
        table.optional("instance_id", value::instance_id)
    };
    let endpoint = table.optional("endpoint", value::web_url);
    table.finish();
    Some(InstanceSettings { id: id?, endpoint })
}

pub(super) fn kinesis(mut table: Table<'_, '_>, folder: &Path) -> Option<KinesisSettings> {
    let stream: Option<StreamRef> = table.required("stream", value::stream);
    let region = table.optional("region", value::region);
    check_region(&mut table, region.as_deref(), stream.as_ref().and_then(StreamRef::region));
    let endpoint = table.optional("endpoint", value::web_url);
    let credentials = credentials(&mut table, folder);
    let start = table.optional("start", value::start);
    let read = table.optional("read", value::word(ReadMode::CHOICES));
    let consumer = table.optional("consumer", value::consumer);
    let register_consumer = table.optional("register_consumer", value::boolean);
    let poll_interval = table.optional("poll_interval", value::duration(POLL_INTERVAL));
    let max_records = table.optional("max_records", value::count(1..=MAX_RECORDS));
    table.finish();
    let defaults = KinesisSettings::new(stream?);
    Some(KinesisSettings {
        region,
        endpoint,
        credentials: credentials.unwrap_or(KinesisCredentials::Chain),
        start: start.unwrap_or(defaults.start),
        read: read.unwrap_or(defaults.read),
        consumer: consumer.unwrap_or(defaults.consumer),
        register_consumer: register_consumer.unwrap_or(defaults.register_consumer),
        poll_interval: poll_interval.unwrap_or(defaults.poll_interval),
        max_records: max_records.unwrap_or(defaults.max_records),
        ..defaults
    })
}

fn check_region(table: &mut Table<'_, '_>, region: Option<&str>, of_arn: Option<&str>) {
    if let (Some(region), Some(of_arn), Some(span)) = (region, of_arn, table.value_span("region"))
        && region != of_arn
    {
        let message = format!("the region {region:?} contradicts {of_arn:?} of the stream's ARN");
        table.note(span, Some("region"), message, vec!["leave the region out".to_owned()]);
    }
}

/// Where credentials for AWS come from.
pub(super) fn credentials(table: &mut Table<'_, '_>, folder: &Path) -> Option<KinesisCredentials> {
    let profile = table.optional("profile", value::words("the name of a profile of the shared AWS files"));
    let id: Option<SecretRef> = table.optional("access_key_id", value::secret(folder));
    let secret = table.optional("secret_access_key", value::secret(folder));
    let session_token = table.optional("session_token", value::secret(folder));
    table.need_each_other("access_key_id", "secret_access_key");
    table.needs("session_token", "access_key_id");
    table.excludes("profile", "access_key_id");
    match (profile, id, secret) {
        (Some(profile), ..) => Some(KinesisCredentials::Profile(profile)),
        (None, Some(id), Some(secret)) => Some(KinesisCredentials::Key { id, secret, session_token }),
        _ => None,
    }
}

fn file(mut table: Table<'_, '_>, folder: &Path) -> Option<FileSettings> {
    let path = table.required("path", value::path(folder));
    let mut file = FileSettings::new(PathBuf::new());
    table.set("format", &mut file.format, value::word(FileFormat::CHOICES));
    table.set("follow", &mut file.follow, value::boolean);
    table.finish();
    Some(FileSettings { path: path?, ..file })
}
