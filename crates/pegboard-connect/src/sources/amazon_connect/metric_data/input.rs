//! Statistics as an input of a source: asked for again and again, as scheduled reports are written.
//!
//! Each time the last hours are asked for as a whole, so that what became known late repairs what was told before. Its one partition is
//! no stream: its position says when it was last asked for. Rows carry the names of the reports of which they have the columns,
//! and know queues and agents by name, as files do: of both inputs whichever told a row later holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pegboard_aws::{self as aws, ConnectRequest, MetricPeriod};
use pegboard_model::acd::{AcdReport, Known};
use pegboard_model::{AcdRow, Millis, PartitionId, Position, Text, Timestamp};
use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::{Answer, Call, Centre, Window, calls};
use crate::sources::amazon_connect::reports::Goals;
use crate::spec::{Chunk, GivenAgain, Opening, PartitionReader, Progress, SourceError};

/// The most pages of one answer: 100,000 results.
const MOST_PAGES: usize = 1000;

/// The longest stretch that is asked for at once; Amazon Connect allows less than three days of intervals.
const LONGEST: Millis = Millis::from_hours(71);

/// How far back Amazon Connect has statistics: three months, however short they are.
const REACH: Millis = Millis::from_hours(89 * 24);

/// How much is asked for at once where days are asked for once more.
const AGAIN_AT_ONCE: Millis = Millis::from_hours(24);

/// How long names are used.
const NAMES_LAST: Duration = Duration::from_hours(1);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct MetricConfig {
    /// The instance.
    pub connect: aws::ConnectConfig,
    /// The length of the intervals.
    pub period: MetricPeriod,
    /// How often.
    pub every: Millis,
    /// How much of the past each time.
    pub covers: Millis,
    /// The thresholds of queues without their own.
    pub default_goals: Goals,
    /// The thresholds of queues that have their own, by name or id.
    pub goals: HashMap<String, Goals>,
}

/// Statistics of one instance, as an input of a source.
#[derive(Debug)]
pub struct MetricInput {
    asking: Arc<Asking>,
    partition: PartitionId,
}

#[derive(Debug)]
struct Asking {
    config: MetricConfig,
    environment: aws::Environment,
    client: OnceCell<aws::ConnectClient>,
}

impl MetricInput {
    /// An input that asks as `config` says. Asks nobody yet.
    pub fn new(config: MetricConfig, environment: aws::Environment) -> Self {
        let partition = format!("metrics:{}", config.connect.instance).into();
        Self { asking: Arc::new(Asking { config, environment, client: OnceCell::new() }), partition }
    }

    /// Its only partition.
    pub fn partition(&self) -> &PartitionId {
        &self.partition
    }

    /// How to open it.
    pub fn opening(&self, known: &BTreeMap<PartitionId, Progress>) -> Opening {
        let from = match known.get(&self.partition) {
            Some(Progress::Started { position, .. }) => position.clone(),
            Some(Progress::Finished) | None => Position::Number(0),
        };
        Opening { partition: self.partition.clone(), from, watermark: None, parents: Vec::new() }
    }

    /// A reader that goes on after what was asked for last. Makes no request yet.
    pub fn open(&self, opening: &Opening) -> Box<dyn PartitionReader> {
        let asked_ms = match opening.from {
            Position::Number(asked_ms) => i64::try_from(asked_ms).unwrap_or_default(),
            Position::Sequence(_) => 0,
        };
        Box::new(MetricReader {
            asking: self.asking.clone(),
            asked: Timestamp::from_millis(asked_ms),
            known: None,
        })
    }

    /// Statistics of the intervals from `from` to `to`, asked for once more.
    pub fn given_again(&self, from: Timestamp, to: Timestamp) -> GivenAgain {
        let period = Millis::from_seconds(self.asking.config.period.seconds());
        let now = self.asking.now();
        let reaches = now - REACH;
        let reader = MetricsAgain {
            asking: self.asking.clone(),
            next: floor(from.max(reaches) + period - Millis::new(1), period),
            to: floor(to.min(now), period),
            known: None,
        };
        GivenAgain {
            name: format!("statistics of {}", self.asking.config.connect.instance),
            reaches: Some(reaches),
            readers: vec![(self.partition.clone(), Box::new(reader))],
        }
    }

    /// Asks for one interval, and says what was found: proves that everything may be asked that is needed.
    pub async fn probe(&self) -> Result<String, SourceError> {
        let known = self.asking.names().await?;
        let period = Millis::from_seconds(self.asking.config.period.seconds());
        let to = floor(self.asking.now(), period);
        let rows = self.asking.rows(&known, to - period, to).await?;
        Ok(format!(
            "statistics of {} queues can be had: {rows} rows",
            known.centre.queues.len(),
            rows = rows.len()
        ))
    }
}

/// Whom to ask for, and what they are called.
#[derive(Debug)]
struct Names {
    centre: Centre,
    queues: HashMap<String, Text>,
    agents: HashMap<String, Text>,
    asked: Instant,
}

/// A page of any listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    next_token: Option<String>,
    #[serde(alias = "RoutingProfileSummaryList", alias = "QueueSummaryList", alias = "Users")]
    entries: Option<Vec<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: Option<String>,
    arn: Option<String>,
    name: Option<String>,
    username: Option<String>,
}

impl Asking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis((self.environment.clock)())
    }

    /// The client, connected when first asked for.
    async fn client(&self) -> Result<&aws::ConnectClient, SourceError> {
        let connect = || {
            let aws::Environment { clock, seed, .. } = self.environment.clone();
            aws::ConnectClient::connect(self.config.connect.clone(), clock, seed)
        };
        self.client.get_or_try_init(connect).await.map_err(|error| source_error(&error))
    }

    /// Asks page by page; `take` answers the token of the next.
    async fn pages(
        &self,
        request: &ConnectRequest<'_>,
        mut take: impl FnMut(&[u8], Timestamp) -> Result<Option<String>, String>,
    ) -> Result<(), SourceError> {
        let client = self.client().await?;
        let unreadable = |what: String| {
            let operation = request.operation();
            SourceError::permanent(format!("{operation} of Amazon Connect: {what}; update pegboard"))
        };
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = client.page(request, token.as_deref()).await.map_err(|error| source_error(&error))?;
            let next = take(&page.body, Timestamp::from_millis(page.asked_ms)).map_err(unreadable)?;
            match next.filter(|next| !next.is_empty()) {
                None => return Ok(()),
                next if next == token => {
                    return Err(unreadable("a page names itself as the next".to_owned()));
                }
                next => token = next,
            }
        }
        Err(unreadable(format!("more than {MOST_PAGES} pages")))
    }

    async fn list(&self, request: ConnectRequest<'static>) -> Result<Vec<Entry>, SourceError> {
        let mut entries = Vec::new();
        let take = |body: &[u8], _| {
            let page: Page =
                serde_json::from_slice(body).map_err(|_| "the listing cannot be read".to_owned())?;
            entries.extend(page.entries.into_iter().flatten());
            Ok(page.next_token)
        };
        self.pages(&request, take).await?;
        Ok(entries)
    }

    async fn names(&self) -> Result<Names, SourceError> {
        let queues = self.list(ConnectRequest::ListQueues).await?;
        let profiles = self.list(ConnectRequest::ListRoutingProfiles).await?;
        let users = self.list(ConnectRequest::SearchUsers).await?;
        let arn = queues.iter().chain(&profiles).find_map(Entry::instance_arn);
        let instance_arn = arn.ok_or_else(|| {
            SourceError::permanent("this instance of Amazon Connect lists no queue with an ARN")
        })?;
        let goals = |id: &str, name: Option<&String>| {
            let own = name.and_then(|name| self.config.goals.get(name)).or_else(|| self.config.goals.get(id));
            own.copied().unwrap_or(self.config.default_goals)
        };
        let of_queue =
            |entry: &Entry| Some((entry.id.clone()?, goals(entry.id.as_deref()?, entry.name.as_ref())));
        let ids = |entries: &[Entry]| entries.iter().filter_map(|entry| entry.id.clone()).collect();
        Ok(Names {
            centre: Centre {
                instance_arn,
                queues: queues.iter().filter_map(of_queue).collect(),
                routing_profiles: ids(&profiles),
                agents: ids(&users),
            },
            queues: named(queues, |entry| entry.name),
            agents: named(users, |entry| entry.username),
            asked: Instant::now(),
        })
    }

    /// Everything that is known of the intervals from `from` to `to`.
    async fn rows(&self, known: &Names, from: Timestamp, to: Timestamp) -> Result<Vec<AcdRow>, SourceError> {
        let window = Window { from, to, period: self.config.period };
        let mut rows = Vec::new();
        for call in calls(&known.centre, window) {
            let request = ConnectRequest::MetricData(&call.query);
            let take = |body: &[u8], asked| known.take(&call, body, asked, &mut rows);
            self.pages(&request, take).await?;
        }
        Ok(rows)
    }
}

impl Entry {
    /// `arn:aws:connect:REGION:ACCOUNT:instance/ID`, which the ARN of everything in it begins with.
    fn instance_arn(&self) -> Option<String> {
        let arn = self.arn.as_deref()?;
        let (head, rest) = arn.split_once(":instance/")?;
        let id = rest.split('/').next()?;
        Some(format!("{head}:instance/{id}"))
    }
}

fn named(entries: Vec<Entry>, name: impl Fn(Entry) -> Option<String>) -> HashMap<String, Text> {
    let pair = |entry: Entry| Some((entry.id.clone()?, name(entry)?.into()));
    entries.into_iter().filter_map(pair).collect()
}

impl Names {
    /// Takes a page of the answer to a call; answers the token of the next.
    fn take(
        &self,
        call: &Call,
        body: &[u8],
        asked: Timestamp,
        rows: &mut Vec<AcdRow>,
    ) -> Result<Option<String>, String> {
        let answer = Answer::read(body, call, &self.centre, asked).map_err(|error| error.to_string())?;
        rows.extend(answer.rows.into_iter().map(|row| self.as_in_files(row)));
        Ok(answer.next)
    }

    /// A row under the name of the report that files of it have as a rule, and by the names that files know. What has no name
    /// any more keeps its id.
    fn as_in_files(&self, mut row: AcdRow) -> AcdRow {
        row.name = match row.report {
            AcdReport::QueueInterval => "QR",
            AcdReport::AgentQueueInterval => "AQR",
            AcdReport::AgentInterval => "ASPR",
            AcdReport::Sessions => "LoginLogout",
        }
        .into();
        if let Some(Known::Id(id)) = &row.grouping.queue
            && let Some(name) = self.queues.get(id.as_str())
        {
            row.grouping.queue = Some(Known::Name(name.clone()));
        }
        if let Some(Known::Id(id)) = &row.grouping.agent
            && let Some(login) = self.agents.get(id.as_str())
        {
            row.grouping.agent = Some(Known::Name(login.clone()));
        }
        row
    }
}

/// Asks again and again.
#[derive(Debug)]
struct MetricReader {
    asking: Arc<Asking>,
    /// When it was last asked and answered.
    asked: Timestamp,
    known: Option<Names>,
}

#[async_trait]
impl PartitionReader for MetricReader {
    /// What is cancelled half-way is asked for again as a whole.
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let MetricConfig { every, covers, period, .. } = self.asking.config;
        let wait = (self.asked + every).since(self.asking.now());
        tokio::time::sleep(Duration::from_millis(u64::try_from(wait.get()).unwrap_or_default())).await;
        let known = match self.known.take() {
            Some(known) if known.asked.elapsed() < NAMES_LAST => known,
            _ => self.asking.names().await?,
        };
        let now = self.asking.now();
        let period = Millis::from_seconds(period.seconds());
        let (from, to) = stretch(self.asked, now, covers, period);
        let rows = self.asking.rows(&known, from, to).await;
        self.known = Some(known);
        let rows = rows?;
        self.asked = now;
        Ok(Chunk { rows, ..Chunk::at(Position::Number(now.as_millis().unsigned_abs())) })
    }
}

/// Asks for a stretch of the past, once.
#[derive(Debug)]
struct MetricsAgain {
    asking: Arc<Asking>,
    next: Timestamp,
    to: Timestamp,
    known: Option<Names>,
}

#[async_trait]
impl PartitionReader for MetricsAgain {
    /// What is cancelled half-way, or fails, is asked for again by the next call.
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let until = self.to.min(self.next + AGAIN_AT_ONCE);
        let mut rows = Vec::new();
        if self.next < until {
            if self.known.is_none() {
                self.known = Some(self.asking.names().await?);
            }
            if let Some(known) = &self.known {
                rows = self.asking.rows(known, self.next, until).await?;
            }
            self.next = until;
        }
        let position = Position::Number(until.as_millis().unsigned_abs());
        Ok(Chunk { rows, ended: self.next >= self.to, ..Chunk::at(position) })
    }
}

/// What is asked for at `now`, of whole intervals: what was missed since it was `asked` for last, too, as far as one question goes.
fn stretch(asked: Timestamp, now: Timestamp, covers: Millis, period: Millis) -> (Timestamp, Timestamp) {
    let to = floor(now, period);
    let from = (to.min(asked) - covers).max(to - LONGEST);
    (floor(from, period), to)
}

/// The last instant on the grid of the intervals.
fn floor(at: Timestamp, period: Millis) -> Timestamp {
    at - Millis::new(at.as_millis().rem_euclid(period.get()))
}

fn source_error(error: &aws::ConnectError) -> SourceError {
    SourceError { needs_action: !error.is_transient(), position_expired: false, message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_statistics_are_asked_for_71_hours_at_once_at_most() {
        let now = Timestamp::parse("2026-03-05T10:07:00Z").unwrap();
        let (quarter, hours) = (Millis::from_minutes(15), Millis::from_hours);
        let to = Timestamp::parse("2026-03-05T10:00:00Z").unwrap();
        assert_eq!(stretch(now - quarter, now, hours(2), quarter), (to - hours(2) - quarter, to));
        assert_eq!(stretch(to - hours(68), now, hours(2), quarter), (to - hours(70), to));
        assert_eq!(stretch(to - hours(69), now, hours(2), quarter), (to - hours(71), to));
        assert_eq!(stretch(Timestamp::from_millis(0), now, hours(2), quarter), (to - hours(71), to));
    }

    #[test]
    fn an_instance_is_known_by_the_arn_of_whatever_is_in_it() {
        let entry = |arn: &str| Entry { id: None, arn: Some(arn.to_owned()), name: None, username: None };
        let queue = entry("arn:aws:connect:eu-central-1:111122223333:instance/i-1/queue/q-1");
        let expected = "arn:aws:connect:eu-central-1:111122223333:instance/i-1";
        assert_eq!(queue.instance_arn().as_deref(), Some(expected));
        assert_eq!(entry("arn:aws:s3:::b").instance_arn(), None);
    }
}
