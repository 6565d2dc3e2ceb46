//! What `[sink.aspect]` says: where the AWS side of Aspect WFM's Quick Start is.

use std::path::Path;

use pegboard_aws::{FifoQueueRef, FunctionName};
use pegboard_sinks::SinkReport;

use super::table_of;
use crate::config::schema::credentials;
use crate::config::settings::{KinesisCredentials, WebUrl};
use crate::config::table::Table;
use crate::config::value;

/// The most queues that the adherence product knows.
pub const MAX_QUEUES: usize = 10;

/// Agent productivity, real-time adherence, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct AspectSettings {
    /// The region of everything; without one that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address for S3, DynamoDB and Lambda. Queues have theirs in their URLs.
    pub endpoint: Option<WebUrl>,
    /// Where the credentials come from.
    pub credentials: KinesisCredentials,
    /// The bucket to which objects of agent productivity go.
    pub bucket: Option<String>,
    /// Real-time adherence.
    pub rta: Option<AspectRta>,
}

/// Where rows and messages of real-time adherence go.
#[derive(Debug, Clone, PartialEq)]
pub struct AspectRta {
    /// The table of present states; as the mapping says where nothing is said here.
    pub table: Option<String>,
    /// The queues, in their order.
    pub queues: Vec<FifoQueueRef>,
    /// Where the adherence product switches them on.
    pub switch: AspectSwitch,
}

/// Where the adherence product switches the queues on and off.
#[derive(Debug, Clone, PartialEq)]
pub enum AspectSwitch {
    /// `tab`: in the table of settings.
    Table(String),
    /// `env`: in the environment of a Lambda function.
    Function(FunctionName),
}

impl AspectSettings {
    /// It takes events, and no reports.
    pub fn reports(&self) -> Vec<SinkReport> {
        Vec::new()
    }

    pub(super) fn read(sink: &mut Table<'_, '_>, is_it: bool, folder: &Path) -> Option<Self> {
        let span = sink.value_span("aspect");
        let mut table = table_of(sink, is_it, "aspect");
        let region = table.optional("region", value::region);
        let endpoint = table.optional("endpoint", value::web_url);
        let credentials = credentials(&mut table, folder).unwrap_or(KinesisCredentials::Chain);
        let (has_bucket, has_rta) = (table.has("productivity"), table.has("rta"));
        let bucket = productivity(&mut table, has_bucket);
        let rta = rta(&mut table, has_rta);
        if let Some(span) = span.filter(|_| !has_bucket && !has_rta) {
            let help = "add [sink.aspect.productivity], [sink.aspect.rta], or both".to_owned();
            table.note(span, None, "it says nothing that is to be sent".to_owned(), vec![help]);
        }
        table.finish();
        let is_whole = (has_bucket || has_rta) && has_bucket == bucket.is_some() && has_rta == rta.is_some();
        is_whole.then_some(Self { region, endpoint, credentials, bucket, rta })
    }
}

fn productivity(aspect: &mut Table<'_, '_>, is_there: bool) -> Option<String> {
    let mut table = aspect.table("productivity");
    let bucket = if is_there {
        table.required("bucket", value::bucket)
    } else {
        table.optional("bucket", value::bucket)
    };
    table.finish();
    bucket
}

fn rta(aspect: &mut Table<'_, '_>, is_there: bool) -> Option<AspectRta> {
    let span = aspect.value_span("rta");
    let mut table = aspect.table("rta");
    let states = table.optional("table", value::dynamo_table);
    let queues = if is_there {
        table.required("queues", value::fifo_queues(MAX_QUEUES))
    } else {
        table.optional("queues", value::fifo_queues(MAX_QUEUES))
    };
    let settings = table.optional("settings_table", value::dynamo_table);
    let function = table.optional("function", value::function);
    table.excludes("settings_table", "function");
    if let Some(span) = span.filter(|_| !table.has("settings_table") && !table.has("function")) {
        let message = "it does not say where the queues are switched on".to_owned();
        let help = "set `settings_table` (mode tab of the Quick Start) or `function` (mode env)".to_owned();
        table.note(span, None, message, vec![help]);
    }
    table.finish();
    let switch = settings.map(AspectSwitch::Table).or(function.map(AspectSwitch::Function));
    Some(AspectRta { table: states, queues: queues?, switch: switch? })
}
