//! The hub on scheduled reports in a bucket, as the platform writes them, and everything that can go wrong with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use pegboard::config::SourceConfig;
use pegboard::runtime::view::{ReportRequest, View as _};
use pegboard_connect::sources::amazon_connect::reports::{
    Labels, ReportReader, ReportSettings as ReaderSettings, Schedule,
};
use pegboard_connect::sources::amazon_connect::{ConnectInputs, ReportFiles};
use pegboard_connect::sources::objects::{Content, LaneConfig, ObjectInput};
use pegboard_connect::spec::Source;
use pegboard_model::Millis;
use pegboard_sim::reports::{
    AcdTruth, AgentTime, Begun, Measure, Part, Plan, Report, ReportFile, Reporter, RowKey,
};
use pegboard_store::Origin;
use serde_json::Value;
use tempfile::TempDir;

use super::{dead_letters, environment, open_store, patient};
use crate::alarms::newest;
use crate::support::bucket::TestBucket;
use crate::support::clock;
use crate::support::day::{Day, begun};
use crate::support::live::{Live, until};
use crate::support::proxy::{Fault, Proxy};

const SLOW_DOWN: &str = "<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>";

/// A morning and the report files of it, with every habit of the platform.
struct Site {
    bucket: TestBucket,
    day: Day,
    files: Vec<ReportFile>,
    truth: AcdTruth,
    reports: Arc<ReportFiles>,
    folder: TempDir,
}

impl Site {
    /// Nothing if there is no server.
    async fn make(seed: u64) -> Option<Self> {
        Self::watching(seed, []).await
    }

    /// The same, where some reports are watched.
    async fn watching(seed: u64, watched: impl IntoIterator<Item = (String, Schedule)>) -> Option<Self> {
        let bucket = TestBucket::make().await?;
        let day = Day::simulate(begun(9, 12, 4, seed));
        clock::set(pegboard::clock::system());
        let plan = Plan { folder: "in/example".to_owned(), ..Plan::usual(seed) };
        let mut reporter = Reporter::new(day.organisation.clone(), day.start, &plan);
        let mut settings = ReaderSettings::default();
        for (new, old) in reporter.layouts().flat_map(|layout| &layout.renamed) {
            settings.labels.add(new, Labels::default().meaning(old).expect("everybody knows it"));
        }
        let files = reporter.advance(&day.changes, &day.records, day.end + Millis::from_hours(4));
        assert!(files.len() > 30, "{} files", files.len());
        let mut truth = AcdTruth::default();
        for file in &files {
            truth.learn(file);
        }
        let reports = Arc::new(ReportFiles::new(ReportReader::new(settings), watched, day.start));
        Some(Self { bucket, day, files, truth, reports, folder: tempfile::tempdir().unwrap() })
    }

    fn lane(&self, endpoint: &str) -> LaneConfig {
        LaneConfig { content: Content::Reports(self.reports.clone()), ..self.bucket.lane(endpoint) }
    }

    fn own_lane(&self) -> LaneConfig {
        self.lane(&format!("http://{}", self.bucket.address()))
    }

    fn source(&self, lane: LaneConfig) -> Box<dyn Source> {
        let input = ObjectInput::new(lane, environment());
        Box::new(ConnectInputs::new().with_reports(self.reports.clone(), input))
    }

    async fn hub(&self, lane: LaneConfig) -> Live {
        Live::over(open_store(self.folder.path()), self.source(lane), &patient()).await
    }

    /// All rows of the ACD, by what they are about; each is there once.
    async fn rows(&self, live: &Live) -> BTreeMap<RowKey, Value> {
        let mut rows = BTreeMap::new();
        for report in Report::ALL {
            for row in self.acd(live, report).await {
                let about = self.key(report, &row);
                assert!(rows.insert(about, row).is_none(), "a row is there twice");
            }
        }
        rows
    }

    /// The rows of one report of the ACD.
    async fn acd(&self, live: &Live, report: Report) -> Vec<Value> {
        let request = ReportRequest {
            origin: Origin::Acd,
            from: Some(self.day.start - Millis::from_hours(4)),
            to: Some(self.day.end + Millis::from_hours(4)),
            ..ReportRequest::new(name(report))
        };
        live.hub.report(request).await.unwrap().values()
    }

    fn key(&self, report: Report, row: &Value) -> RowKey {
        let text = |column: &str| row[column].as_str();
        let scheduled = self.truth.rows().map(|row| &row.key.name);
        let called = text("acd_report").unwrap();
        let name = scheduled.into_iter().find(|name| called_by(name) == called).expect("it is scheduled");
        RowKey {
            report,
            name: name.clone(),
            start: text("interval_start").unwrap().parse().unwrap(),
            queue: text("queue_name").map(Into::into),
            agent: text("agent_login").map(Into::into),
            channel: text("channel")
                .and_then(|found| ["VOICE", "CHAT", "TASK"].into_iter().find(|channel| *channel == found)),
        }
    }

    /// Waits until the rows are what the files state together, each once.
    async fn assert_every_row_is_there(&self, live: &Live) {
        let all = self.truth.rows().count();
        until(&format!("{all} rows are there"), async || self.rows(live).await.len() >= all).await;
        let is_true = async || {
            let rows = self.rows(live).await;
            self.truth.rows().all(|stated| differences(stated, rows.get(&stated.key)).is_empty())
        };
        let told = async || {
            let rows = self.rows(live).await;
            let differ = self.truth.rows().flat_map(|stated| differences(stated, rows.get(&stated.key)));
            differ.take(5).collect::<Vec<_>>()
        };
        let read = async || is_true().await || self.bucket.messages().await == (0, 0);
        until("everything is read", read).await;
        assert_eq!(told().await, Vec::<String>::new());
        assert_eq!(self.rows(live).await.len(), all, "and none that nobody states");
    }
}

/// What the reader calls a report by the usual patterns.
fn called_by(name: &str) -> &'static str {
    ["AQR", "ASPR", "QR"].into_iter().find(|begins| name.starts_with(begins)).expect("one of the three")
}

fn name(report: Report) -> &'static str {
    match report {
        Report::Queue => "queue_interval",
        Report::AgentQueue => "agent_queue_interval",
        Report::Agent => "agent_interval",
    }
}

/// A column that means the same as a measure in every report that has both.
fn column(report: Report, measure: Measure) -> Option<&'static str> {
    match (report, measure) {
        (Report::Queue, Measure::Queued) => Some("offered"),
        (Report::Queue, Measure::Abandoned) => Some("abandoned"),
        (Report::Queue | Report::AgentQueue, Measure::Handled(Begun::Anyhow)) => Some("answered"),
        (Report::Queue | Report::AgentQueue, Measure::Sum(Part::Interaction)) => Some("talk_s"),
        (Report::Agent, Measure::Agents(AgentTime::Online)) => Some("login_s"),
        (Report::Agent, Measure::Agents(AgentTime::NonProductive)) => Some("aux_s"),
        _ => None,
    }
}

/// In what a row differs from what is stated.
fn differences(stated: &pegboard_sim::reports::StatedRow, row: Option<&Value>) -> Vec<String> {
    let Some(row) = row else { return vec![format!("{:?} is not there", stated.key)] };
    let mut different = Vec::new();
    for value in &stated.values {
        let Some(column) = value.measure.and_then(|measure| column(stated.key.report, measure)) else {
            continue;
        };
        let wanted = value.value.as_ref().map(|value| value.parse::<f64>().unwrap());
        if row[column].as_f64() != wanted {
            different.push(format!("{:?}: {column} is {}, not {wanted:?}", stated.key, row[column]));
        }
    }
    different
}

#[tokio::test]
async fn files_are_read_once_whatever_tells_of_them_and_in_whatever_order() {
    let Some(site) = Site::make(31).await else { return };
    let lane = LaneConfig { list_every: std::time::Duration::from_hours(1), ..site.own_lane() };
    let live = site.hub(lane).await;
    until("the empty bucket is listed", async || live.status().await.partitions.len() == 1).await;
    for file in site.files.iter().rev().chain(&site.files[..10]) {
        site.bucket.put(&file.key, &file.body).await;
    }
    site.bucket.put("in/example/CallRecordings/a.wav", b"not ours").await;
    site.bucket.say("{\"order\": 17}").await;
    site.assert_every_row_is_there(&live).await;
    assert_eq!(dead_letters(&live).await, Vec::<String>::new());
    let only_the_foreign = async || {
        let (waiting, hidden) = site.bucket.messages().await;
        waiting + hidden == 1
    };
    until("only the foreign message is left", only_the_foreign).await;
    live.stop().await;
}

#[tokio::test]
async fn a_poisoned_a_deleted_and_a_renamed_file_cost_only_themselves() {
    let Some(site) = Site::make(32).await else { return };
    let later = site.day.end + Millis::from_hours(12);
    let of = |name: &str| {
        let mut files = site.files.iter().filter(|file| file.key.contains(&format!("/{name}")));
        files.next_back().expect("a file").body.clone()
    };
    // Newer than anything, so that any row of them would hold.
    let text = "Queue,StartInterval,EndInterval,Contacts queued\n\
                Sales,2026-03-01T09:00:00Z,2026-03-01T09:15:00Z,1\nSales,2026-03-01T09:15:00Z,2026-03-01T09:30:00Z,many\n";
    let poisoned = [
        (format!("in/QR-cell-{later}.csv"), text.as_bytes().to_vec()),
        (format!("in/QR-agents-{later}.csv"), of("ASPR")),
        (format!("in/QR-bytes-{later}.csv"), b"Queue,\xff\xfe".to_vec()),
        (format!("in/QR-cut-{later}.csv"), of("QR")[..40].to_vec()),
    ];
    for (key, body) in &poisoned {
        site.bucket.put(key, body).await;
    }
    site.bucket.put("in/QR-gone.csv", text.as_bytes()).await;
    site.bucket.delete("in/QR-gone.csv").await;
    let live = site.hub(site.own_lane()).await;
    until("bad files are in the dead letters", async || dead_letters(&live).await.len() >= 4).await;
    for file in &site.files {
        site.bucket.put(&file.key, &file.body).await;
    }
    site.assert_every_row_is_there(&live).await;
    let letters = dead_letters(&live).await;
    assert_eq!(letters.len(), poisoned.len(), "each once: {letters:?}");
    let cell = letters.iter().find(|letter| letter.starts_with("in/QR-cell")).unwrap();
    assert!(
        cell.contains("#3: report `in/QR-cell-") && cell.contains("line 3, column 4 (`Contacts queued`)")
    );
    let agents = letters.iter().find(|letter| letter.starts_with("in/QR-agents")).unwrap();
    assert!(agents.contains("a queue report is expected, and it is grouped by agent"), "{agents}");
    let gaps = live.status().await.gaps;
    assert!(gaps.iter().any(|gap| gap.reason.contains("`in/QR-gone.csv` was deleted")), "{gaps:?}");
    until("no message is left", async || site.bucket.messages().await == (0, 0)).await;
    live.stop().await;
}

#[tokio::test]
async fn two_hundred_bad_files_do_not_stop_the_lane() {
    let Some(site) = Site::make(33).await else { return };
    for number in 0..201 {
        site.bucket.put(&format!("in/QR-{number}.csv"), b"Queue\nSales\n").await;
    }
    let live = site.hub(site.own_lane()).await;
    until("all are in the dead letters", async || live.status().await.counts.failed == 201).await;
    for file in &site.files {
        site.bucket.put(&file.key, &file.body).await;
    }
    site.assert_every_row_is_there(&live).await;
    live.stop().await;
}

#[tokio::test]
async fn a_throttled_and_failing_service_costs_time_and_no_row() {
    let Some(site) = Site::make(34).await else { return };
    let proxy = Proxy::start(site.bucket.address(), |operation, n, _| match (operation, n % 6) {
        (_, 0) => Some(Fault::Answer(503, SLOW_DOWN.to_owned())),
        ("GetObject", 2) => Some(Fault::Truncate),
        ("GetObject" | "ReceiveMessage", 3) => Some(Fault::Reset),
        (_, 4) => Some(Fault::Refuse(500, "InternalError")),
        _ => None,
    })
    .await;
    let half = site.files.len() / 2;
    for file in &site.files[..half] {
        site.bucket.put(&file.key, &file.body).await;
    }
    let live = site.hub(site.lane(&proxy.url())).await;
    until("the first are read", async || live.status().await.counts.records > 0).await;
    for file in &site.files[half..] {
        site.bucket.put(&file.key, &file.body).await;
    }
    site.assert_every_row_is_there(&live).await;
    until("no message is left", async || site.bucket.messages().await == (0, 0)).await;
    assert_eq!(dead_letters(&live).await, Vec::<String>::new());
    for operation in ["GetObject", "ListObjectsV2", "ReceiveMessage", "DeleteMessage"] {
        assert!(proxy.faults(operation) > 0, "{operation} did not fail");
    }
    live.stop().await;
}

#[tokio::test]
async fn a_file_that_does_not_come_raises_an_alarm_until_it_does() {
    let every = Millis::from_minutes(15);
    let watched = ("QR".to_owned(), Schedule { every, late_after: Millis::from_minutes(30) });
    let Some(site) = Site::watching(35, [watched]).await else { return };
    // The platform has stopped when its day ended, hours ago.
    for file in &site.files {
        site.bucket.put(&file.key, &file.body).await;
    }
    let live = site.hub(site.own_lane()).await;
    let of_report = |file: &&ReportFile| file.key.contains("/QR-");
    let last = site.files.iter().filter(of_report).map(|file| file.created).max().unwrap();
    until("the alarm is raised", async || live.status().await.error.is_some()).await;
    let status = live.status().await;
    let late = status.missing_files.iter().find(|file| file.is_late).unwrap();
    assert!(last - Millis::from_minutes(20) < late.run && late.run < last + every, "{late:?} after {last}");
    assert!(late.name.starts_with("in/example/Reports/WFM/QR-intraday-"), "{late:?}");
    let told = status.error.unwrap().message;
    assert!(told.contains("a file of report \"QR\" is late: `in/example/Reports/WFM/QR-intraday-"), "{told}");

    until("it is in the list of alarms", async || newest(&*live.store, "report-late").await.is_some()).await;
    let alarm = newest(&*live.store, "report-late").await.unwrap();
    assert!(
        alarm.subject.ends_with(" / QR") && alarm.text.starts_with(&format!("`{}`", late.name)),
        "{alarm:?}"
    );

    let request = ReportRequest {
        from: Some(site.day.start),
        to: Some(pegboard::clock::system()),
        ..ReportRequest::new("completeness")
    };
    let rows = live.hub.report(request).await.unwrap().values();
    let named = rows.iter().any(|row| row["reason"].as_str().unwrap().contains("QR-intraday-"));
    assert!(named, "a missing interval names the file");

    // Whatever came meanwhile: the newest run is there.
    let now = pegboard::clock::system();
    let newest = site.files.iter().rfind(of_report).unwrap();
    site.bucket.put(&format!("in/QR-intraday-{now}.csv"), &newest.body).await;
    until("the alarm is over", async || live.status().await.error.is_none()).await;
    live.stop().await;
}

#[tokio::test]
async fn a_mended_file_is_read_when_its_letter_is_tried_again() {
    let Some(site) = Site::make(36).await else { return };
    for file in &site.files {
        site.bucket.put(&file.key, &file.body).await;
    }
    let cell = |value: &str| {
        let (from, to) = (site.day.start, site.day.start + Millis::from_minutes(15));
        format!("Queue,StartInterval,EndInterval,Contacts queued\nMended,{from},{to},{value}\n")
    };
    let key = "in/QR-bad-2026-03-01T09:30:00Z.csv";
    site.bucket.put(key, cell("many").as_bytes()).await;
    let live = site.hub(site.own_lane()).await;
    until("the bad file is in the dead letters", async || !dead_letters(&live).await.is_empty()).await;
    let letter = async || live.store.dead_letters(&[], None, 9).await.unwrap().pop();
    let buried = letter().await.unwrap();

    let still_bad = live.hub.mend(&buried).await.unwrap_err().to_string();
    assert!(still_bad.contains("line 2, column 4 (`Contacts queued`)"), "{still_bad}");
    let tried = letter().await.unwrap();
    assert_eq!((tried.tries, tried.tried.is_some()), (2, true));

    site.bucket.delete(key).await;
    let gone = live.hub.mend(&buried).await.unwrap_err().to_string();
    assert!(gone.contains("is not there any more"), "{gone}");
    assert_eq!(letter().await.unwrap().tries, 3);

    let rows = async || {
        let rows = site.acd(&live, Report::Queue).await;
        rows.into_iter().filter(|row| row["queue_name"] == "Mended").collect::<Vec<_>>()
    };
    assert_eq!(rows().await, Vec::<Value>::new());
    site.bucket.put(key, cell("3").as_bytes()).await;
    live.hub.mend(&letter().await.unwrap()).await.unwrap();
    assert!(letter().await.is_none(), "a mended letter is gone");
    let found = rows().await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0]["offered"].as_u64(), found[0]["file"].as_str()), (Some(3), Some(key)));
    let partitions = live.status().await.partitions;
    assert_eq!(partitions.len(), 1, "what was mended is no partition that anybody waits for: {partitions:?}");
    live.stop().await;
}

#[tokio::test]
async fn the_report_files_of_the_day_before_are_read_once_more_when_it_is_captured_again() {
    let Some(site) = Site::make(36).await else { return };
    for file in &site.files {
        site.bucket.put(&file.key, &file.body).await;
    }
    let now = clock::now();
    let minutes = (now.as_millis() / 60_000 + 2).rem_euclid(24 * 60);
    let nightly = SourceConfig { recapture_at: Some(Millis::from_minutes(minutes)), ..patient() };
    let live = Live::over(open_store(site.folder.path()), site.source(site.own_lane()), &nightly).await;
    site.assert_every_row_is_there(&live).await;
    until("no message is left", async || site.bucket.messages().await == (0, 0)).await;
    let (records, rows) = (live.status().await.counts.records, site.rows(&live).await);

    clock::set(now + Millis::from_minutes(3));
    let read = async || live.status().await.counts.records >= 2 * records;
    until("every file is read once more", read).await;
    assert_eq!(site.rows(&live).await, rows, "what is told again is no revision");
    assert_eq!(live.status().await.counts.records, 2 * records, "and no more");
    assert_eq!(dead_letters(&live).await, Vec::<String>::new());
    live.stop().await;
}
