//! `pegboard replay`: reports from files.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use pegboard_connect::sources::twilio::{self, ContactSettings, SiteStyle, TwilioSite};
use pegboard_engine::queues::QueueGoals;
use pegboard_engine::{IntervalLength, StatusTable};
use pegboard_model::policy::{GroupBy, Pegging, Precedence, RingIn, ServiceLevelFormula, SessionPolicy};
use pegboard_model::report::Row;
use pegboard_model::{Millis, Timestamp};

use super::{Failure, encode};
use crate::clock;
use crate::config::{mapping, queue_settings, statuses};
use crate::replay::{Cut, Input, InputKind, Inputs, KeepEvents, Settings, read, read_twilio};
use crate::report_text::{Format, write_report};

/// Make reports from files of an ACD's events and contact records, offline.
///
/// What each report and column means stands in docs/reports.md. `-` reads standard input; files may be compressed
/// with gzip or zstd. A file may hold agent events and contact records together: they are told apart one by one.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "this text is what --help shows, where backticks would only disturb")]
pub(super) struct Arguments {
    /// Whose formats the files are in.
    #[arg(long, value_name = "KIND", value_parser = ["amazon-connect", twilio::KIND])]
    source: String,
    /// A file of events of Twilio TaskRouter, one body a line: a posted form, an array of CloudEvents, or a page of the
    /// Events resource. May be repeated.
    #[arg(long, value_name = "FILE")]
    events: Vec<String>,
    /// How agents' states are seen with Twilio: composed (activity and reservations), or activity alone, where a plug-in
    /// switches it.
    #[arg(long, value_name = "STYLE", default_value = "composed", value_parser = ["composed", "activity"])]
    site_style: String,
    /// With Twilio, tell of contacts that agents begin, too.
    #[arg(long)]
    outbound: bool,
    /// A file of agent events. May be repeated.
    #[arg(long, value_name = "FILE")]
    agent_events: Vec<String>,
    /// A file of contact records. May be repeated.
    #[arg(long, value_name = "FILE")]
    contact_records: Vec<String>,
    /// The status table: CSV with the columns `StateName,StateType` (A, P, 1 or 0).
    #[arg(long, value_name = "FILE.csv")]
    statuses: Option<PathBuf>,
    /// The thresholds of queues: CSV with the columns `queue,service_level_s,short_abandon_s` (id or name).
    #[arg(long, value_name = "FILE.csv")]
    queue_settings: Option<PathBuf>,
    /// The first instant of every report [default: the interval of the first event or contact].
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// The first instant after every report [default: the end of the interval of the last event or contact].
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// The length of an interval: 5m, 10m, 15m, 30m or 60m.
    #[arg(long, value_name = "LENGTH", default_value = "15m", value_parser = parse_interval)]
    interval: IntervalLength,
    /// The reporting time zone, by its IANA name.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = parse_zone)]
    time_zone: TimeZone,
    /// The service level threshold of queues that have none of their own, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = parse_seconds)]
    service_level: Millis,
    /// The short-abandon threshold of queues that have none of their own, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds)]
    short_abandon: Millis,
    /// How the service level is computed: answered, answered_abandoned_late, offered, aws.
    #[arg(long, value_name = "FORMULA", default_value_t)]
    service_level_formula: ServiceLevelFormula,
    /// Which interval a contact belongs to: disconnect, acw_end, enqueue, connect [default: disconnect].
    #[arg(long, value_name = "PEGGING")]
    pegging: Option<Pegging>,
    /// Where ring time counts, for sources that tell it apart: queue, handle, none.
    #[arg(long, value_name = "POLICY", default_value_t)]
    ring_in: RingIn,
    /// Which of several contacts decides an agent's class: contact_first, aws.
    #[arg(long, value_name = "POLICY", default_value_t)]
    precedence: Precedence,
    /// What bounds a session: login, staffed.
    #[arg(long, value_name = "POLICY", default_value_t)]
    session_policy: SessionPolicy,
    /// By what agents are grouped: team, level1 to level5, routing-profile.
    #[arg(long, value_name = "GROUP", default_value_t)]
    group_by: GroupBy,
    /// The reports: segments, activities, agent_interval, group_interval, sessions, queue_interval,
    /// agent_queue_interval; by local day agent_daily, group_daily, queue_daily, agent_queue_daily, or all four
    /// as `daily`.
    #[arg(long, value_name = "NAME", required_unless_present = "encode", value_delimiter = ',')]
    report: Vec<String>,
    /// What a WFM would be sent, to the byte, one file for each message or object; their names sort in order of sending. Needs
    /// --out. Several encodings have a folder each.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    encode: Vec<String>,
    /// The folder with the tables that say how the WFM calls states, queues and agents, for --encode: states.csv, queues.csv,
    /// agents.csv, sources.csv, keys.csv, settings.csv, as docs/mapping.md has them. What no row names is listed in unmapped.csv.
    #[arg(long, value_name = "DIR", requires = "encode")]
    mapping: Option<PathBuf>,
    /// Encodes only what a sink would be told that is limited so: WHAT is team, level1 to level5, queue or channel. May be repeated.
    #[arg(long, value_name = "WHAT=NAME", requires = "encode")]
    only: Vec<String>,
    /// The format: csv, json, ndjson, parquet.
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: Format,
    /// The CSV is for people who open it in a spreadsheet: no text in it is run as a formula.
    #[arg(long)]
    spreadsheet: bool,
    /// The folder to write NAME.csv (.json, .ndjson, .parquet) into, and what is encoded. A single report goes to standard
    /// output without it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Fail with exit code 2 if a record cannot be used.
    #[arg(long)]
    strict: bool,
}

/// A report that replay can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReportName {
    Segments,
    Activities,
    Agents,
    Groups,
    Sessions,
    Queues,
    AgentQueues,
    AgentDays,
    GroupDays,
    QueueDays,
    AgentQueueDays,
}

impl ReportName {
    const ALL: [(&'static str, Self); 11] = [
        ("segments", Self::Segments),
        ("activities", Self::Activities),
        ("agent_interval", Self::Agents),
        ("group_interval", Self::Groups),
        ("sessions", Self::Sessions),
        ("queue_interval", Self::Queues),
        ("agent_queue_interval", Self::AgentQueues),
        ("agent_daily", Self::AgentDays),
        ("group_daily", Self::GroupDays),
        ("queue_daily", Self::QueueDays),
        ("agent_queue_daily", Self::AgentQueueDays),
    ];
    const DAILY: [Self; 4] = [Self::AgentDays, Self::GroupDays, Self::QueueDays, Self::AgentQueueDays];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, report)| *report == self).map_or("", |(name, _)| name)
    }
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let reports = parse_reports(&arguments.report)?;
    let encoders = encode::choose(&arguments.encode)?;
    let filter = encode::filter(&arguments.only, &encoders)?;
    encode::check(&encoders, arguments.out.is_some(), arguments.pegging, arguments.interval)?;
    if reports.len() > 1 && arguments.out.is_none() {
        return Err(Failure::Usage("several reports need --out DIR to be written into".into()));
    }
    let format = parse_format(arguments)?;
    let inputs = parse_inputs(arguments)?;
    if is_twilio(arguments) && encode::wants_events(&encoders) {
        return Err(Failure::Usage(
            "Aspect WFM is written the events of Amazon Connect: Twilio has none".into(),
        ));
    }
    let settings = settings(arguments)?;
    let mapping = arguments.mapping.as_deref().map(mapping::read).transpose();
    let mapping = mapping.map_err(|errors| Failure::Usage(errors.to_string()))?;
    let mapping = mapping.map(|folder| folder.mapping);
    let keep = if encode::wants_events(&encoders) { KeepEvents::Yes } else { KeepEvents::No };
    let mut records = read_all(arguments, &inputs, keep)?;
    let events = std::mem::take(&mut records.events);
    report_bad(&records.bad, records.foreign);
    if arguments.strict && records.bad.count > 0 {
        return Err(Failure::Input("stopped, because of --strict".into()));
    }
    let inputs = Inputs::new(records, settings).map_err(|error| Failure::Usage(error.to_string()))?;
    let Some(folder) = &arguments.out else {
        let stdout = BufWriter::new(io::stdout().lock());
        return write_one(&inputs, reports[0], format, stdout).or_else(ignore_closed_pipe);
    };
    let prepared = match &*encoders {
        [] => None,
        encoders => Some(encode::prepare(&inputs, events, mapping, &filter, encoders, folder)?),
    };
    write_folder(&inputs, &reports, format, folder)?;
    prepared.map_or(Ok(()), |prepared| prepared.write())
}

fn parse_format(arguments: &Arguments) -> Result<Format, Failure> {
    if !arguments.spreadsheet {
        return Ok(arguments.format);
    }
    let none =
        || Failure::Usage("--spreadsheet is for --format csv: nothing else is opened in spreadsheets".into());
    arguments.format.for_spreadsheets().ok_or_else(none)
}

fn parse_reports(names: &[String]) -> Result<Vec<ReportName>, Failure> {
    let mut reports = Vec::new();
    for name in names {
        let known = ReportName::ALL.iter().find(|(known, _)| known == name);
        match known {
            Some((_, report)) => reports.push(*report),
            None if name == "daily" => reports.extend(ReportName::DAILY),
            None => {
                let names: Vec<_> = ReportName::ALL.iter().map(|(name, _)| *name).collect();
                let list = names.join(", ");
                return Err(Failure::Usage(format!(
                    "there is no report '{name}': the reports are {list}, daily"
                )));
            }
        }
    }
    let mut seen = Vec::new();
    reports.retain(|report| {
        !seen.contains(report) && {
            seen.push(*report);
            true
        }
    });
    Ok(reports)
}

fn parse_inputs(arguments: &Arguments) -> Result<Vec<Input>, Failure> {
    let records: Vec<&String> = arguments.agent_events.iter().chain(&arguments.contact_records).collect();
    let events: Vec<&String> = arguments.events.iter().collect();
    let (names, others, advice) = if is_twilio(arguments) {
        (events, records, "give --events FILE")
    } else {
        (records, events, "give --agent-events FILE or --contact-records FILE")
    };
    if !others.is_empty() {
        let source = &arguments.source;
        return Err(Failure::Usage(format!("files of another source than {source}: {advice}")));
    }
    if names.is_empty() {
        return Err(Failure::Usage(format!("nothing to read: {advice}")));
    }
    let inputs: Vec<_> = names.into_iter().map(|name| Input::parse(name)).collect();
    if inputs.iter().filter(|input| input.kind == InputKind::Stdin).count() > 1 {
        return Err(Failure::Usage("standard input can be read only once".into()));
    }
    for input in &inputs {
        if let InputKind::File(path) = &input.kind {
            let metadata = path.metadata();
            let metadata =
                metadata.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            if metadata.is_dir() {
                return Err(Failure::Usage(format!("{}: is a folder, not a file", path.display())));
            }
        }
    }
    Ok(inputs)
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    if let (Some(from), Some(to)) = (arguments.from, arguments.to)
        && from >= to
    {
        return Err(Failure::Usage(format!("the window is empty: --from {from} is not before --to {to}")));
    }
    let statuses = arguments.statuses.as_deref().map(statuses::read).transpose();
    let statuses: Option<StatusTable> = statuses.map_err(|errors| Failure::Usage(errors.to_string()))?;
    let goals = arguments.queue_settings.as_deref().map(queue_settings::read).transpose();
    let goals = goals.map_err(|errors| Failure::Usage(errors.to_string()))?;
    Ok(Settings {
        source: arguments.source.as_str().into(),
        from: arguments.from,
        to: arguments.to,
        interval: arguments.interval,
        zone: arguments.time_zone.clone(),
        statuses: statuses.unwrap_or_default(),
        goals: goals.unwrap_or_default().goals,
        default_goals: QueueGoals {
            service_level: arguments.service_level,
            short_abandon: arguments.short_abandon,
        },
        formula: arguments.service_level_formula,
        pegging: arguments.pegging.unwrap_or_default(),
        ring_in: arguments.ring_in,
        precedence: arguments.precedence,
        session_policy: arguments.session_policy,
        group_by: arguments.group_by,
    })
}

fn is_twilio(arguments: &Arguments) -> bool {
    arguments.source == twilio::KIND
}

fn read_all(
    arguments: &Arguments,
    inputs: &[Input],
    keep: KeepEvents,
) -> Result<crate::replay::Records, Failure> {
    let total = inputs.iter().map(Input::size).sum::<Option<u64>>();
    let bar = progress_bar(total);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let progress = |bytes| bar.inc(bytes);
    let records = if is_twilio(arguments) {
        read_twilio(inputs, &twilio_site(arguments), clock::system(), &progress)
    } else {
        read(inputs, clock::system(), threads, keep, &progress)
    };
    bar.finish_and_clear();
    records.context("cannot read").map_err(Failure::Other)
}

fn twilio_site(arguments: &Arguments) -> TwilioSite {
    let style = match arguments.site_style.as_str() {
        "activity" => SiteStyle::ActivityAlone,
        _ => SiteStyle::Composed,
    };
    let contacts = ContactSettings { outbound: arguments.outbound, ..ContactSettings::default() };
    TwilioSite { style, contacts, ..TwilioSite::default() }
}

/// A bar on a terminal, nothing anywhere else.
fn progress_bar(total: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{bar:40} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left",
        None => "{spinner} {bytes}, {binary_bytes_per_sec}",
    };
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[expect(clippy::print_stderr, reason = "what could not be used is told beside the report, not in it")]
fn report_bad(bad: &crate::replay::BadRecords, foreign: u64) {
    if bad.count > 0 {
        eprintln!("pegboard: {bad}");
    }
    if foreign > 0 {
        let (records, are) = if foreign == 1 { ("record", "is") } else { ("records", "are") };
        eprintln!(
            "pegboard: left out: {foreign} {records} that {are} neither agent event nor contact record"
        );
    }
}

fn write_folder(
    inputs: &Inputs,
    reports: &[ReportName],
    format: Format,
    folder: &Path,
) -> Result<(), Failure> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for report in reports {
        let path = folder.join(format!("{}.{}", report.as_str(), format.as_str()));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        write_one(inputs, *report, format, BufWriter::new(file))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn write_one(inputs: &Inputs, report: ReportName, format: Format, out: impl Write) -> io::Result<()> {
    match report {
        ReportName::Segments => write_rows(&inputs.segments(), format, out),
        ReportName::Activities => write_rows(&inputs.activities(), format, out),
        ReportName::Agents => write_rows(inputs.agent_rows(Cut::Interval), format, out),
        ReportName::Groups => write_rows(inputs.group_rows(Cut::Interval), format, out),
        ReportName::Sessions => write_rows(&inputs.sessions(), format, out),
        ReportName::Queues => write_rows(&inputs.queue_rows(Cut::Interval), format, out),
        ReportName::AgentQueues => write_rows(&inputs.agent_queue_rows(Cut::Interval), format, out),
        ReportName::AgentDays => write_rows(inputs.agent_rows(Cut::Day), format, out),
        ReportName::GroupDays => write_rows(inputs.group_rows(Cut::Day), format, out),
        ReportName::QueueDays => write_rows(&inputs.queue_rows(Cut::Day), format, out),
        ReportName::AgentQueueDays => write_rows(&inputs.agent_queue_rows(Cut::Day), format, out),
    }
}

fn write_rows<R: Row>(rows: &[R], format: Format, mut out: impl Write) -> io::Result<()> {
    write_report(rows, format, &mut out)?;
    out.flush()
}

/// A reader that has seen enough, such as `head`, is no failure.
fn ignore_closed_pipe(error: io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::Other(anyhow::Error::new(error).context("cannot write to standard output")))
}

fn parse_interval(text: &str) -> Result<IntervalLength, String> {
    let minutes = text.strip_suffix('m').unwrap_or(text).parse().ok();
    minutes.and_then(IntervalLength::minutes).ok_or_else(|| "must be 5m, 10m, 15m, 30m or 60m".into())
}

fn parse_zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| "is no time zone; take an IANA name such as Europe/Berlin".into())
}

fn parse_seconds(text: &str) -> Result<Millis, String> {
    let seconds: Option<i64> = text.strip_suffix('s').unwrap_or(text).parse().ok();
    let seconds = seconds.filter(|seconds| (0..=604_800).contains(seconds));
    seconds.map(Millis::from_seconds).ok_or_else(|| "must be a whole number of seconds, 0 to 604800".into())
}
