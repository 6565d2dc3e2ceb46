//! What `[[sink]]` says: to whom what is known is delivered.

mod aspect;
mod cxone;
mod files;
mod filter;
mod iex;
mod nats;
mod place;
mod snapshot;
mod sqs;
mod webhook;

use std::path::Path;

use pegboard_engine::IntervalLength;
use pegboard_model::{SinkName, SourceName, Timestamp};
use pegboard_sinks::mapping::Mapping;
use pegboard_sinks::{Changes, Encoder, Filter, SinkReport};

pub use self::aspect::{AspectRta, AspectSettings, AspectSwitch, MAX_QUEUES};
pub use self::cxone::{CxoneReport, CxoneSettings, StaleEvent, StaleStates, TokenForm};
pub use self::files::{FilesSettings, WrittenAs};
pub use self::filter::MAX_FILTER_NAMES;
pub use self::iex::{CorrectionWay, IexFiles, IexSettings};
pub use self::nats::{MAX_SERVERS, NatsAccess, NatsPlace, NatsSettings};
pub use self::place::{BucketSettings, PlaceSettings, SinkPlace};
pub use self::snapshot::SnapshotSettings;
pub use self::sqs::SqsSettings;
pub use self::webhook::WebhookSettings;
use super::choice::choice;
use super::mapping::{Folder, Tables};
use super::settings::{SourceConfig, SourceInput};
use super::side_files::SideFiles;
use super::table::Table;
use super::value;

/// The most sinks of one hub.
pub const MAX_SINKS: usize = 50;

/// The most networks that are opened for a sink.
pub const MAX_OPENINGS: usize = 100;

/// The most requests a second that can be asked for.
pub const MAX_REQUESTS_PER_SECOND: u32 = 1000;

/// One sink: who is delivered to, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkConfig {
    /// Its name, `[a-z0-9-]{1,64}`: the ledger is kept under it.
    pub name: SinkName,
    /// The sources whose knowledge it is handed; all where none is named.
    pub sources: Vec<SourceName>,
    /// Whom and what it is told of.
    pub filter: Filter,
    /// The most requests a second; as its kind says where nothing is said.
    pub requests_per_second: Option<u32>,
    /// What planners say about names.
    pub mapping: Mapping,
    /// The tables of it that planners edit while the hub runs.
    pub tables: Tables,
    /// From when on intervals are delivered the first time; from the last closed one on where nothing is said.
    pub start: Option<Timestamp>,
    /// When it is not told everybody's present state.
    pub snapshot: SnapshotSettings,
    /// Who it is.
    pub target: SinkTarget,
}

choice! {
    /// Which changes of agents' states are sent.
    #[derive(Default)]
    ToldChanges {
        /// The latest of each agent.
        #[default]
        Latest = "latest",
        /// All of them.
        Every = "every",
    }
}

impl From<ToldChanges> for Changes {
    fn from(told: ToldChanges) -> Self {
        match told {
            ToldChanges::Latest => Self::Latest,
            ToldChanges::Every => Self::Every,
        }
    }
}

/// Lists the kinds of sinks. Each is a folder of `pegboard-sinks`, a line here, and one in `runtime/build/sinks.rs`.
macro_rules! kinds {
    ($( $(#[$doc:meta])* $Kind:ident($Settings:ty) = $word:literal, )+) => {
        choice! {
            /// The kind of a sink.
            SinkKind { $( $(#[$doc])* $Kind = $word ),+ }
        }

        /// Who is delivered to.
        #[derive(Debug, Clone, PartialEq)]
        pub enum SinkTarget { $( $(#[$doc])* $Kind(Box<$Settings>) ),+ }

        impl SinkTarget {
            /// The reports that it is sent.
            pub fn reports(&self) -> Vec<SinkReport> {
                match self { $( Self::$Kind(settings) => settings.reports() ),+ }
            }

            /// Reads the table of a kind; those of all kinds where nobody knows which it is.
            fn read(sink: &mut Table<'_, '_>, kind: Option<SinkKind>, folder: &Path) -> Option<Self> {
                let mut target = None;
                $(
                    let is_it = kind == Some(SinkKind::$Kind);
                    if is_it || kind.is_none() {
                        let settings = <$Settings>::read(sink, is_it, folder);
                        target = settings.filter(|_| is_it).map(|settings| Self::$Kind(Box::new(settings))).or(target);
                    }
                )+
                target
            }
        }
    };
}

kinds! {
    /// NICE CXone WFM.
    Cxone(CxoneSettings) = "cxone",
    /// NICE IEX WFM.
    Iex(IexSettings) = "iex",
    /// Reports as files.
    Files(FilesSettings) = "files",
    /// A receiver of events.
    Webhook(WebhookSettings) = "webhook",
    /// A FIFO queue of Amazon SQS.
    Sqs(SqsSettings) = "sqs",
    /// A stream of NATS.
    Nats(NatsSettings) = "nats",
    /// Aspect WFM: the AWS side of its Quick Start.
    Aspect(AspectSettings) = "aspect",
}

impl SinkConfig {
    /// Whether it passes on the events of a source as they came.
    pub fn passes_events_of(&self, source: &SourceName) -> bool {
        let is_handed = self.sources.is_empty() || self.sources.contains(source);
        is_handed && matches!(self.target, SinkTarget::Aspect(_))
    }
}

/// A table of a sink, which must be there if it is one of that kind.
fn table_of<'a, 't>(sink: &'a mut Table<'_, 't>, is_it: bool, key: &'static str) -> Table<'a, 't> {
    if is_it { sink.required_table(key) } else { sink.table(key) }
}

/// Reads all sinks.
pub(super) fn sinks(
    root: &mut Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
    sources: &[SourceConfig],
) -> Vec<SinkConfig> {
    let mut names = Vec::new();
    root.any_tables("sink", MAX_SINKS, |table| sink(table, folder, side_files, sources, &mut names))
}

fn sink(
    mut table: Table<'_, '_>,
    folder: &Path,
    side_files: &mut SideFiles<'_>,
    sources: &[SourceConfig],
    names: &mut Vec<SinkName>,
) -> Option<SinkConfig> {
    let name = sink_name(&mut table, names);
    let kind = table.required("kind", value::word::<SinkKind>(SinkKind::CHOICES));
    let chosen = chosen(&mut table, sources);
    let filter = filter::read(&mut table);
    let requests_per_second =
        table.optional("requests_per_second", value::count(1..=MAX_REQUESTS_PER_SECOND));
    let mapping = match table.optional("mapping", value::path(folder)) {
        Some(path) => side_files.mapping(&path),
        None => Some(Folder::default()),
    };
    let start = table.optional("start", value::since).flatten();
    let snapshot = snapshot::read(&mut table);
    let target = SinkTarget::read(&mut table, kind, folder);
    if let Some(target) = &target {
        check_numbers(&mut table, target, sources, &chosen);
        check_events(&mut table, target, sources, &chosen);
    }
    table.finish();
    let Folder { mapping, tables } = mapping?;
    Some(SinkConfig {
        name: name?,
        sources: chosen,
        filter,
        requests_per_second,
        mapping,
        tables,
        start,
        snapshot,
        target: target?,
    })
}

fn sink_name(table: &mut Table<'_, '_>, names: &mut Vec<SinkName>) -> Option<SinkName> {
    let name: SinkName = table.required("name", value::source_name)?.as_str().into();
    if names.contains(&name) {
        let message = format!("another sink before this one is named {:?}", name.as_str());
        let help = "names are unique: the ledger is kept under them".to_owned();
        table.note(table.value_span("name")?, Some("name"), message, vec![help]);
    }
    table.name(&name);
    names.push(name.clone());
    Some(name)
}

/// The sources that are named; each must be there.
fn chosen(table: &mut Table<'_, '_>, sources: &[SourceConfig]) -> Vec<SourceName> {
    let names = table.optional("sources", value::names(super::MAX_SOURCES)).unwrap_or_default();
    let names: Vec<SourceName> = names.into_iter().map(SourceName::from).collect();
    let is_there = |name: &&SourceName| sources.iter().any(|source| source.name == **name);
    if let (Some(missing), Some(span)) =
        (names.iter().find(|name| !is_there(name)), table.value_span("sources"))
    {
        let message = format!("there is no source named {:?}", missing.as_str());
        table.note(span, Some("sources"), message, Vec::new());
    }
    names
}

/// Some targets count a contact in the interval in which it ends, and take intervals of some lengths only.
fn check_numbers(
    table: &mut Table<'_, '_>,
    target: &SinkTarget,
    sources: &[SourceConfig],
    chosen: &[SourceName],
) {
    let reports = target.reports();
    let handed = |source: &&SourceConfig| chosen.is_empty() || chosen.contains(&source.name);
    for source in sources.iter().filter(handed) {
        let Some(message) = reports.iter().find_map(|report| misfit(report.encoder, source)) else {
            continue;
        };
        let Some(span) = table.value_span("kind") else { return };
        let help = "set it so at the source, or name other `sources` for this sink".to_owned();
        table.note(span, Some("kind"), message, vec![help]);
    }
}

/// Some targets take the agent events of Amazon Connect as they came, which other sources do not bring.
fn check_events(
    table: &mut Table<'_, '_>,
    target: &SinkTarget,
    sources: &[SourceConfig],
    chosen: &[SourceName],
) {
    if !matches!(target, SinkTarget::Aspect(_)) {
        return;
    }
    let handed = |source: &&SourceConfig| chosen.is_empty() || chosen.contains(&source.name);
    let brings = |source: &&SourceConfig| matches!(&source.input, SourceInput::AmazonConnect(settings) if settings.kinesis.is_some());
    for source in sources.iter().filter(handed).filter(|source| !brings(source)) {
        let Some(span) = table.value_span("kind") else { return };
        let message = format!(
            "Aspect WFM is handed the agent events of Amazon Connect, and source {} brings none",
            source.name
        );
        let help = "name the `sources` of Amazon Connect that have a stream of agent events".to_owned();
        table.note(span, Some("kind"), message, vec![help]);
    }
}

/// Why a report cannot be made of what a source counts.
fn misfit(encoder: &Encoder, source: &SourceConfig) -> Option<String> {
    let (name, source_name) = (encoder.name, &source.name);
    if let Some(pegging) = encoder.pegging.filter(|pegging| *pegging != source.pegging) {
        return Some(format!(
            "{name} counts contacts by `{pegging}`, and source {source_name} by `{}`",
            source.pegging
        ));
    }
    let takes = encoder.interval_minutes;
    let fits = match source.interval {
        IntervalLength::Minutes(minutes) => takes.contains(&minutes),
        IntervalLength::Day => false,
    };
    let lengths = || takes.iter().map(|minutes| format!("{minutes}m")).collect::<Vec<_>>().join(" or ");
    (!takes.is_empty() && !fits)
        .then(|| format!("{name} takes intervals of {}, and source {source_name} has others", lengths()))
}
