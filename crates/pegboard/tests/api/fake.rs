//! A store and a view in memory.

mod alarms;
mod deliveries;
mod erasure;
mod intake;
mod mapping;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::civil::Date;
use pegboard::config::mapping::Folder;
use pegboard::runtime::deliver::history::NoHistory;
use pegboard::runtime::deliver::status::{DeliveryShown, EventLaneShown, LaneShown};
use pegboard::runtime::erasure::{ErasureError, ErasureRequest, ErasureStatus};
use pegboard::runtime::mending::NotMended;
use pegboard::runtime::reload::{ReloadError, ReloadProgress, ReloadRequest, ReloadStatus};
use pegboard::runtime::view::{
    Health, HistoryRequest, HoldShown, LedgerCount, Notice, PartitionStatus, Rebuilt, ReconcilerStatus,
    Report, ReportError, ReportRequest, SinkStatus, SourceCounts, SourceStatus, View,
};
use pegboard_connect::spec::{MissingFile, SourceError};
use pegboard_model::{
    AgentId, AgentNow, Class, ContactEvent, ContactId, ContactLeg, Millis, Observation, PartitionId,
    Position, Segment, SinkName, SourceName, Timestamp,
};
use pegboard_sinks::Document;
use pegboard_store::{
    AgentBeginning, AgentEntry, AgentsSnapshot, Alarm, ArchiveBacklog, ArchiveFile, ArchiveStep, AuditEntry,
    AuditWrite, Batch, Beat, Close, Closed, ClosedUntil, CloserState, Committed, Cursor, DeadLetter,
    Delivery, DirtyMark, FeedEntry, FeedKind, FeedPage, Gap, Hold, LedgerFilter, MappingWrite, NodeId,
    Origin, Part, PartitionState, QueueName, RefusedState, Reload, ReloadDay, ReloadState, ReloadStep,
    ReloadWrite, Reloaded, Result, Roll, RowRevision, Settle, SourceState, Store, StoreError, StoreId,
    StoredAcdRow, StoredAgent, StoredRow, Token, TokenWrite, Unit, UnmappedSeen,
};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

/// 2026-03-01T09:15:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_772_356_500);

/// What an API reads, and what a test changes.
#[derive(Debug)]
pub(crate) struct FakeStore {
    id: StoreId,
    pub(super) kept: Mutex<Kept>,
    alarms: Mutex<Vec<Alarm>>,
    commits: watch::Sender<u64>,
    broken: AtomicBool,
    audit_refused: AtomicBool,
    /// Reads of the feed.
    pub(crate) feed_reads: AtomicUsize,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    agents: BTreeMap<(SourceName, AgentId), AgentEntry>,
    feed: Vec<FeedEntry>,
    last: BTreeMap<SourceName, u64>,
    forgotten: BTreeMap<SourceName, u64>,
    dead_letters: Vec<DeadLetter>,
    tokens: Vec<TokenWrite>,
    audit: Vec<AuditEntry>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) settled: Vec<(LedgerFilter, Settle)>,
    pub(super) refused_states: Vec<RefusedState>,
    pub(super) hold: Option<Hold>,
    pub(super) unmapped: Vec<UnmappedSeen>,
    pub(super) mappings: Vec<MappingWrite>,
}

impl FakeStore {
    pub(crate) fn new() -> Arc<Self> {
        let cursor: Cursor = "0123456789abcdef0123456789abcdef".parse().unwrap();
        Arc::new(Self {
            id: cursor.store,
            kept: Mutex::default(),
            alarms: Mutex::default(),
            commits: watch::channel(0).0,
            broken: AtomicBool::new(false),
            audit_refused: AtomicBool::new(false),
            feed_reads: AtomicUsize::new(0),
        })
    }

    /// An agent's state changes: snapshot and feed change together.
    pub(crate) fn change(&self, now: AgentNow) {
        self.change_unnoticed(now);
        self.wake();
    }

    /// The same, and nobody is woken.
    pub(crate) fn change_unnoticed(&self, now: AgentNow) {
        self.kept.lock().unwrap().change(now);
    }

    /// An agent's state changes, and the feed forgets it before anybody has read it.
    pub(crate) fn lose(&self, now: AgentNow) {
        let mut kept = self.kept.lock().unwrap();
        kept.change(now);
        kept.feed.clear();
        kept.forgotten = kept.last.clone();
        drop(kept);
        self.wake();
    }

    fn wake(&self) {
        self.commits.send_modify(|commits| *commits += 1);
    }

    pub(crate) fn bury(&self, source: &str, payload: &[u8]) {
        let mut kept = self.kept.lock().unwrap();
        let id = i64::try_from(kept.dead_letters.len()).unwrap() + 1;
        kept.dead_letters.push(DeadLetter {
            id,
            source: source.into(),
            partition: "shard-1".into(),
            position: Position::Sequence("49590338271490256608559692538361571095921575989136588898".into()),
            reason: "EventTimestamp: missing".into(),
            payload: payload.into(),
            at: NOW,
            tries: 1,
            tried: None,
        });
    }

    pub(crate) fn keep_token(&self, write: TokenWrite) {
        self.kept.lock().unwrap().tokens.push(write);
    }

    pub(crate) fn revoke_all(&self) {
        for write in &mut self.kept.lock().unwrap().tokens {
            write.token.revoked = Some(NOW);
        }
    }

    /// From now on every read fails.
    pub(crate) fn break_down(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// From now on nothing is written to the audit log.
    pub(crate) fn refuse_audit(&self) {
        self.audit_refused.store(true, Ordering::SeqCst);
    }

    pub(super) fn works(&self) -> Result<()> {
        if self.broken.load(Ordering::SeqCst) {
            let cause = "disk I/O error: /var/lib/pegboard/secret.db".into();
            return Err(StoreError::Database { operation: "read", cause });
        }
        Ok(())
    }

    fn cursor(&self, kept: &Kept) -> Cursor {
        Cursor { store: self.id.clone(), seen: kept.last.clone() }
    }
}

impl Kept {
    fn change(&mut self, now: AgentNow) {
        let number = self.last.entry(now.source.clone()).or_default();
        *number += 1;
        let body = serde_json::to_string(&now).unwrap();
        self.feed.push(FeedEntry { source: now.source.clone(), number: *number, body });
        let entry = AgentEntry { heard: now.since, now };
        self.agents.insert((entry.now.source.clone(), entry.now.agent_id.clone()), entry);
    }
}

fn admits(sources: &[SourceName], source: &SourceName) -> bool {
    sources.is_empty() || sources.contains(source)
}

#[async_trait]
impl Store for FakeStore {
    fn id(&self) -> &StoreId {
        &self.id
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    async fn agents(&self, sources: &[SourceName]) -> Result<AgentsSnapshot> {
        self.works()?;
        let kept = self.kept.lock().unwrap();
        let agents =
            kept.agents.values().filter(|entry| admits(sources, &entry.now.source)).cloned().collect();
        Ok(AgentsSnapshot { agents, cursor: self.cursor(&kept) })
    }

    async fn feed(
        &self,
        _: FeedKind,
        after: &Cursor,
        sources: &[SourceName],
        limit: usize,
    ) -> Result<FeedPage> {
        self.works()?;
        self.feed_reads.fetch_add(1, Ordering::SeqCst);
        let kept = self.kept.lock().unwrap();
        let seen = |source: &SourceName| after.seen.get(source).copied().unwrap_or_default();
        let too_old =
            kept.forgotten.iter().any(|(source, last)| admits(sources, source) && seen(source) < *last);
        if after.store != self.id || too_old {
            return Err(StoreError::CursorGone);
        }
        let news = kept
            .feed
            .iter()
            .filter(|entry| admits(sources, &entry.source) && entry.number > seen(&entry.source));
        let mut entries: Vec<_> = news.take(limit + 1).cloned().collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        let mut cursor = after.clone();
        for entry in &entries {
            cursor.seen.insert(entry.source.clone(), entry.number);
        }
        Ok(FeedPage { entries, cursor, more })
    }

    async fn feed_end(&self, _: FeedKind) -> Result<Cursor> {
        self.works()?;
        Ok(self.cursor(&self.kept.lock().unwrap()))
    }

    async fn dead_letters(
        &self,
        sources: &[SourceName],
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        self.works()?;
        let kept = self.kept.lock().unwrap();
        let letters = kept.dead_letters.iter().rev();
        let letters = letters.filter(|letter| admits(sources, &letter.source));
        Ok(letters
            .filter(|letter| before.is_none_or(|before| letter.id < before))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>> {
        self.works()?;
        Ok(self.kept.lock().unwrap().dead_letters.iter().find(|letter| letter.id == id).cloned())
    }

    async fn note_dead_letter_tried(&self, id: i64, reason: &str, at: Timestamp) -> Result<bool> {
        let mut kept = self.kept.lock().unwrap();
        let Some(letter) = kept.dead_letters.iter_mut().find(|letter| letter.id == id) else {
            return Ok(false);
        };
        (letter.reason, letter.tries, letter.tried) = (reason.into(), letter.tries + 1, Some(at));
        Ok(true)
    }

    async fn remove_dead_letter(&self, id: i64) -> Result<bool> {
        let letters = &mut self.kept.lock().unwrap().dead_letters;
        let before = letters.len();
        letters.retain(|letter| letter.id != id);
        Ok(letters.len() < before)
    }

    async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        self.works()?;
        let kept = self.kept.lock().unwrap();
        let found = kept.tokens.iter().find(|write| write.hash == *hash && write.token.revoked.is_none());
        Ok(found.map(|write| write.token.clone()))
    }

    async fn append_audit(&self, entry: AuditWrite) -> Result<AuditEntry> {
        self.works()?;
        if self.audit_refused.load(Ordering::SeqCst) {
            return Err(StoreError::Database { operation: "append", cause: "disk full".into() });
        }
        let mut kept = self.kept.lock().unwrap();
        let entry = AuditEntry::after(kept.audit.last().map(|newest| (newest.number, newest.hash)), entry);
        kept.audit.push(entry.clone());
        Ok(entry)
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<AuditEntry>> {
        self.works()?;
        let kept = self.kept.lock().unwrap();
        let older = kept.audit.iter().rev().filter(|entry| before.is_none_or(|before| entry.number < before));
        Ok(older.take(limit).cloned().collect())
    }

    // The rest is not read by the API: the store of a hub that never did anything.

    async fn take_partition(
        &self,
        _: &SourceName,
        partition: &PartitionId,
        parents: &[PartitionId],
    ) -> Result<PartitionState> {
        Ok(PartitionState {
            partition: partition.clone(),
            epoch: 1,
            position: None,
            watermark: None,
            behind: None,
            finished: false,
            parents: parents.to_vec(),
            counts: pegboard_store::Counts::default(),
        })
    }

    async fn partitions(&self, _: &SourceName) -> Result<Vec<PartitionState>> {
        Ok(Vec::new())
    }

    async fn commit(&self, _: Batch) -> Result<Committed> {
        Ok(Committed::default())
    }

    async fn stored_agents(&self, _: &SourceName, _: Option<&AgentId>, _: usize) -> Result<Vec<StoredAgent>> {
        Ok(Vec::new())
    }

    async fn agent_versions(
        &self,
        _: &SourceName,
        _: Option<&AgentId>,
        _: usize,
    ) -> Result<Vec<(AgentId, u64)>> {
        Ok(Vec::new())
    }

    async fn stored_agents_of(&self, _: &SourceName, _: &[AgentId]) -> Result<Vec<StoredAgent>> {
        Ok(Vec::new())
    }

    async fn evidence(&self, _: &SourceName, _: &AgentId, _: Timestamp) -> Result<Vec<Observation>> {
        Ok(Vec::new())
    }

    async fn base(&self, _: &SourceName, _: &AgentId) -> Result<Option<String>> {
        Ok(None)
    }

    async fn rebase(&self, _: &SourceName, _: &AgentId, _: u64, _: Timestamp, _: String) -> Result<()> {
        Ok(())
    }

    fn keeps_agents(&self) -> Millis {
        Millis::from_hours(400 * 24)
    }

    async fn forget_agents(
        &self,
        _: &SourceName,
        _: &[(AgentId, u64)],
        _: Timestamp,
    ) -> Result<Vec<AgentId>> {
        Ok(Vec::new())
    }

    async fn contact(&self, _: &SourceName, _: &ContactId) -> Result<Option<ContactLeg>> {
        Ok(None)
    }

    async fn contact_events(&self, _: &SourceName, _: &[ContactId]) -> Result<Vec<ContactEvent>> {
        Ok(Vec::new())
    }

    async fn take_closer(&self, _: &SourceName) -> Result<CloserState> {
        Ok(CloserState { epoch: 1, closed_until: ClosedUntil::default() })
    }

    async fn announce_closing(&self, _: &SourceName, _: u64, _: ClosedUntil) -> Result<()> {
        Ok(())
    }

    async fn dirty(&self, _: &SourceName, _: usize) -> Result<Vec<DirtyMark>> {
        Ok(Vec::new())
    }

    async fn close(&self, _: Close) -> Result<Closed> {
        Ok(Closed::default())
    }

    async fn source_state(&self, _: &SourceName) -> Result<SourceState> {
        let (closed_until, details_from) = (ClosedUntil::default(), Timestamp::MIN);
        Ok(SourceState { partitions: Vec::new(), closed_until, details_from, agents: 0 })
    }

    async fn add_reload(&self, _: ReloadWrite, _: usize) -> Result<Option<u64>> {
        Ok(None)
    }

    async fn reloads(&self, _: &[SourceName], _: Option<u64>, _: bool, _: usize) -> Result<Vec<Reload>> {
        Ok(Vec::new())
    }

    async fn cancel_reload(&self, _: u64) -> Result<Option<ReloadState>> {
        Ok(None)
    }

    async fn reload_day(&self, _: &SourceName) -> Result<Option<ReloadDay>> {
        Ok(None)
    }

    async fn reload_step(&self, step: ReloadStep) -> Result<Reloaded> {
        Ok(Reloaded { state: step.state, rows: 0, goes_on: false })
    }

    async fn beginnings(&self, _: &SourceName, _: Timestamp) -> Result<Vec<AgentBeginning>> {
        Ok(Vec::new())
    }

    async fn segments(
        &self,
        _: &SourceName,
        _: Option<&AgentId>,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Vec<(AgentId, Segment)>> {
        Ok(Vec::new())
    }

    async fn first_contact(&self, _: &SourceName) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn contacts(&self, _: &SourceName, _: Timestamp, _: Timestamp) -> Result<Vec<ContactLeg>> {
        Ok(Vec::new())
    }

    async fn rows(&self, _: &SourceName, _: &str, _: Timestamp, _: Timestamp) -> Result<Vec<StoredRow>> {
        Ok(Vec::new())
    }

    async fn acd_rows(
        &self,
        _: &SourceName,
        _: &str,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Vec<StoredAcdRow>> {
        Ok(Vec::new())
    }

    async fn row_history(
        &self,
        _: &SourceName,
        _: Origin,
        _: &str,
        _: Timestamp,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<RowRevision>> {
        Ok(Vec::new())
    }

    async fn queue_names(&self, _: &SourceName) -> Result<Vec<QueueName>> {
        Ok(Vec::new())
    }

    async fn gaps(&self, _: &SourceName, _: usize) -> Result<Vec<Gap>> {
        Ok(Vec::new())
    }

    async fn archive_files(&self, _: &SourceName, _: Timestamp, _: usize) -> Result<Vec<ArchiveFile>> {
        Ok(Vec::new())
    }

    async fn archive_backlog(&self, _: &SourceName) -> Result<ArchiveBacklog> {
        Ok(ArchiveBacklog::default())
    }

    async fn archive_steps(
        &self,
        _: &SourceName,
        _: &ArchiveFile,
        _: u64,
        _: usize,
    ) -> Result<Vec<ArchiveStep>> {
        Ok(Vec::new())
    }

    async fn archive_written(&self, _: &SourceName, _: &ArchiveFile) -> Result<()> {
        Ok(())
    }

    async fn beat(&self, _: Beat) -> Result<()> {
        Ok(())
    }

    async fn roll(&self) -> Result<Roll> {
        Ok(Roll::default())
    }

    async fn take_lease(&self, _: &NodeId, _: &SourceName, _: &Part) -> Result<bool> {
        Ok(false)
    }

    async fn release_lease(&self, _: &NodeId, _: &SourceName, _: &Part) -> Result<()> {
        Ok(())
    }

    async fn leave(&self, _: &NodeId) -> Result<()> {
        Ok(())
    }

    async fn add_token(&self, token: TokenWrite) -> Result<()> {
        self.keep_token(token);
        Ok(())
    }

    async fn tokens(&self) -> Result<Vec<Token>> {
        Ok(self.kept.lock().unwrap().tokens.iter().map(|write| write.token.clone()).collect())
    }

    async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<bool> {
        let mut kept = self.kept.lock().unwrap();
        let token = kept.tokens.iter_mut().map(|write| &mut write.token).find(|token| token.id == id);
        let Some(token) = token else { return Ok(false) };
        token.revoked.get_or_insert(at);
        Ok(true)
    }

    async fn sweep(&self, _: Timestamp) -> Result<()> {
        Ok(())
    }

    async fn shut_down(&self) -> Result<()> {
        Ok(())
    }
}

/// A hub with the sources of a test.
#[derive(Debug)]
pub(crate) struct FakeView {
    now: AtomicI64,
    pub(crate) sources: Mutex<Vec<SourceStatus>>,
    /// The requests for reports that came through.
    pub(crate) asked: Mutex<Vec<ReportRequest>>,
    /// How many rows a report has.
    pub(crate) rows: AtomicUsize,
    /// While set, a report waits for `go_on`.
    pub(crate) hold_reports: AtomicBool,
    pub(crate) go_on: Notify,
    /// While set, asking for the sources panics.
    pub(crate) panic: AtomicBool,
    pub(crate) reloads: Mutex<Vec<ReloadStatus>>,
    erasures: Mutex<Vec<ErasureStatus>>,
}

impl FakeView {
    pub(crate) fn new(sources: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicI64::new(NOW.as_millis()),
            sources: Mutex::new(sources.iter().map(|name| source(name)).collect()),
            asked: Mutex::default(),
            rows: AtomicUsize::new(2),
            hold_reports: AtomicBool::new(false),
            go_on: Notify::new(),
            panic: AtomicBool::new(false),
            erasures: Mutex::default(),
            reloads: Mutex::new(vec![reload(1, sources.first().unwrap_or(&"acme"))]),
        })
    }

    pub(crate) fn set_now(&self, now: Timestamp) {
        self.now.store(now.as_millis(), Ordering::SeqCst);
    }
}

#[async_trait]
impl View for FakeView {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    async fn sinks(&self) -> Result<Vec<SinkStatus>> {
        let failing = LaneShown {
            failures: 3,
            failing_since: Some(NOW),
            error: Some("the service cannot now: status 503".to_owned()),
            waiting: 2,
            ..LaneShown::default()
        };
        let of_events = LaneShown { accepted: 7, waiting: 5, ..failing.clone() };
        let events = vec![EventLaneShown {
            lane: "rta",
            source: "one".into(),
            shown: of_events,
            left_out: 1,
            lost: 0,
            remark: Some("the queues are switched on".to_owned()),
        }];
        let delivery = DeliveryShown { ours: true, states: failing, events, ..DeliveryShown::default() };
        let line = |state, intervals| LedgerCount {
            report: "queue-report".into(),
            state,
            intervals,
            oldest: NOW,
            newest: NOW,
        };
        let ledger = vec![line("parked", 2), line("waiting", 1)];
        let hold = Some(HoldShown { since: NOW, reason: "source one is stale".into(), released: None });
        Ok(vec![SinkStatus { name: "wfm".into(), kind: "cxone", delivery, hold, ledger }])
    }

    async fn sources(&self) -> Result<Vec<SourceStatus>> {
        assert!(!self.panic.load(Ordering::SeqCst), "the test wants this panic");
        Ok(self.sources.lock().unwrap().clone())
    }

    async fn mend(&self, letter: &DeadLetter) -> std::result::Result<(), NotMended> {
        match letter.payload.as_slice() {
            b"unreachable" => Err(SourceError::passing("S3 does not answer").into()),
            b"bad" => Err(NotMended::StillBad("line 3: not a count".to_owned())),
            _ => Ok(()),
        }
    }

    fn mapping(&self, _: &SinkName) -> Option<Arc<Folder>> {
        Some(Arc::new(mapping::folder()))
    }

    fn sink_names(&self) -> Vec<SinkName> {
        vec!["wfm".into()]
    }

    async fn rebuild(&self, _: &SinkName, unit: &Unit) -> Result<Rebuilt> {
        let bytes = format!("{{\"report\": \"{}\"}}", unit.report).into_bytes();
        Ok(Rebuilt::Body { bytes, digest: "d1".into() })
    }

    async fn sink_history(
        &self,
        _: &SinkName,
        day: Option<Date>,
    ) -> Result<std::result::Result<Document, NoHistory>> {
        let day = day.unwrap_or(Date::constant(2026, 3, 1));
        let body = format!("queueId,date\r\nq-1,{day}\r\n");
        Ok(if day.year() < 2000 { Err(NoHistory::NotKept) } else { Ok(Document::new("history.csv", body)) })
    }

    async fn report(&self, request: ReportRequest) -> std::result::Result<Report, ReportError> {
        self.asked.lock().unwrap().push(request.clone());
        if self.hold_reports.load(Ordering::SeqCst) {
            self.go_on.notified().await;
        }
        let known = ["segments", "queue_interval"];
        let Some(name) = known.into_iter().find(|name| *name == request.name) else {
            return Err(ReportError::UnknownReport(request.name));
        };
        let rows = (0..self.rows.load(Ordering::SeqCst)).map(|number| row(number).into()).collect();
        let columns = vec!["interval_start", "queue_name", "offered", "service_level_pct"];
        Ok(Report { name, from: request.from.unwrap_or(NOW), to: request.to.unwrap_or(NOW), columns, rows })
    }

    async fn reloads(
        &self,
        sources: &[SourceName],
        _: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ReloadStatus>> {
        let all = self.reloads.lock().unwrap();
        let visible = all.iter().rev().filter(|reload| admits(sources, &reload.request.source));
        Ok(visible.take(limit).cloned().collect())
    }

    async fn reload(
        &self,
        request: ReloadRequest,
        by: &str,
    ) -> std::result::Result<ReloadStatus, ReloadError> {
        let mut all = self.reloads.lock().unwrap();
        let mut reload = reload(all.len() as u64 + 1, request.source.as_str());
        reload.request = request;
        by.clone_into(&mut reload.progress.by);
        all.push(reload.clone());
        Ok(reload)
    }

    async fn erasures(
        &self,
        sources: &[SourceName],
        _: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ErasureStatus>> {
        let all = self.erasures.lock().unwrap();
        let visible = all.iter().rev().filter(|erasure| admits(sources, &erasure.source));
        Ok(visible.take(limit).cloned().collect())
    }

    async fn erase(
        &self,
        request: ErasureRequest,
        pseudonym: String,
        _: &str,
    ) -> std::result::Result<ErasureStatus, ErasureError> {
        let mut all = self.erasures.lock().unwrap();
        let id = all.len() as u64 + 1;
        let erasure = erasure::erasure(id, request.source.as_str(), &pseudonym, request.dry_run);
        all.push(erasure.clone());
        Ok(erasure)
    }

    async fn cancel_reload(&self, id: u64) -> std::result::Result<(), ReloadError> {
        let mut all = self.reloads.lock().unwrap();
        let reload = all.iter_mut().find(|reload| reload.id == id).ok_or(ReloadError::Unknown)?;
        reload.state = ReloadState::Cancelled;
        Ok(())
    }

    async fn preview_reload(&self, request: ReloadRequest) -> std::result::Result<Report, ReloadError> {
        let columns = vec!["report", "interval_start", "key", "column", "old", "new"];
        let row = json!({
            "report": "queue_interval", "interval_start": "2026-03-01T09:00:00Z", "key": request.source,
            "column": "offered", "old": 3, "new": 4,
        });
        Ok(Report { name: "reload", from: NOW, to: NOW, columns, rows: vec![row.into()] })
    }

    async fn history(&self, request: HistoryRequest) -> std::result::Result<Report, ReportError> {
        match request.name.as_str() {
            "queue_interval" => Ok(history(&request)),
            _ => Err(ReportError::NoHistory(request.name)),
        }
    }
}

/// What the history of a report is asked for, as the API hands it on.
fn history(request: &HistoryRequest) -> Report {
    let columns = vec!["interval_start", "origin", "queue", "revision", "changed"];
    let row = json!({
        "interval_start": "2026-03-01T09:00:00Z", "origin": request.origin.as_str(), "queue": request.queue,
        "revision": 2, "changed": {"offered": [3, 4]},
    });
    Report { name: "queue_interval", from: NOW, to: NOW, columns, rows: vec![row.into()] }
}

fn row(number: usize) -> Value {
    let pct = if number == 0 { Value::Null } else { json!(87.5) };
    json!({
        "interval_start": "2026-03-01T09:00:00Z",
        "queue_name": "=Sales, \"inbound\"",
        "offered": number,
        "service_level_pct": pct,
    })
}

/// A reload that has done one of two days.
pub(crate) fn reload(id: u64, source: &str) -> ReloadStatus {
    let (from, to) = ("2026-02-27".parse().unwrap(), "2026-02-28".parse().unwrap());
    let (queues, agents) = (vec!["Sales".to_owned()], Vec::new());
    let source = source.into();
    let request = ReloadRequest {
        source,
        from,
        to,
        queues,
        agents,
        from_archive: false,
        from_source: false,
        recapture: None,
    };
    let progress =
        ReloadProgress { by: "ops".into(), days: 2, days_done: 1, began: Some(NOW), ..Default::default() };
    ReloadStatus { id, state: ReloadState::Running, request, at: NOW, progress, left_s: Some(7) }
}

/// A source that is well.
pub(crate) fn source(name: &str) -> SourceStatus {
    SourceStatus {
        name: name.into(),
        kind: "amazon-connect",
        health: Health::Ok,
        watermark: Some(NOW - pegboard_model::Millis::from_seconds(2)),
        behind: Some(pegboard_model::Millis::new(1500)),
        contacts_watermark: Some(NOW - pegboard_model::Millis::from_minutes(1)),
        closed_until: Some(NOW - pegboard_model::Millis::from_minutes(15)),
        contacts_closed_until: Some(NOW - pegboard_model::Millis::from_minutes(15)),
        agents: 3,
        counts: SourceCounts { records: 10, events: 6, contacts: 2, duplicates: 1, foreign: 1, failed: 0 },
        partitions: vec![PartitionStatus {
            id: "shard-1".into(),
            position: Some(Position::Number(17)),
            watermark: Some(NOW),
            behind: Some(pegboard_model::Millis::new(1500)),
            finished: false,
            node: Some("node-1".to_string()),
        }],
        reconciler: Some(ReconcilerStatus { looked: Some(NOW), shown: 3, repaired: 1, ..Default::default() }),
        error: None,
        fallback: None,
        gaps: Vec::new(),
        notices: vec![Notice { at: NOW, message: "queue q was called otherwise".to_string() }],
        missing_files: vec![MissingFile {
            report: "QR".to_owned(),
            name: "r/QR-2026-03-01T*.csv".to_owned(),
            run: NOW,
            from: NOW,
            is_late: true,
        }],
    }
}

/// An agent who is available, since `NOW` less a minute.
pub(crate) fn agent(source: &str, id: &str) -> AgentNow {
    AgentNow {
        source: source.into(),
        agent_id: id.into(),
        agent_login: format!("{id}.login").into(),
        agent_name: format!("Agent {id}").into(),
        team: "Sales / North".into(),
        levels: ["Sales", "North", "", "", ""].map(Into::into),
        routing_profile: "Basic".into(),
        class: Class::Available,
        since: NOW - pegboard_model::Millis::from_minutes(1),
        event_id: "Available".into(),
        reason: "".into(),
        status_id: Some("status-1".into()),
        status_name: "Available".into(),
        contact_id: None,
        channel: None,
        initiation: None,
        queue_id: None,
        queue_name: None,
    }
}
