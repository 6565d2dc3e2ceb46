//! The hub: all sources over one store, and what readers see of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use jiff::civil::Date;
use pegboard_connect::spec::Source;
use pegboard_engine::Window;
use pegboard_model::{Millis, SinkName, SourceName, Text, Timestamp};
use pegboard_sinks::Document;
use pegboard_store::{DeadLetter, NodeId, Origin, Part, Roll, Store, StoreError, Unit, failpoint};
use tokio::task::JoinSet;

use super::acd_rows;
use super::alarms::outlet::Teller;
use super::alarms::{self, AlarmOptions, AlarmWatch};
use super::checks;
use super::deliver::history::NoHistory;
use super::deliver::{self, Deliverer, SinkSetup};
use super::erasure::{self, ErasureError, ErasureRequest, ErasureStatus};
use super::folding::{self, Upkeep};
use super::history;
use super::leaving;
use super::mending::{self, NotMended};
use super::node::report::{NodeReport, told_by_others};
use super::node::{Node, Pace};
use super::reload::{self, ReloadError, ReloadRequest, ReloadStatus};
use super::report_row::ReportRow;
use super::rows::{self, MOST_ROWS, columns_of, is_of, source_rows};
use super::source::{self, Shared};
use super::view::{
    CHECKS, GAPS_SHOWN, HistoryRequest, LONGEST_WINDOW, LostStretch, NOTICES_SHOWN, Notice, PartitionStatus,
    REPORTS, Rebuilt, Report, ReportError, ReportRequest, SinkStatus, SourceStatus, View,
};
use super::watch;
use crate::clock::Clock;
use crate::config::SourceConfig;
use crate::config::mapping::Folder;

/// The window of a report without one.
const DEFAULT_WINDOW: Millis = Millis::from_hours(24);

/// How often there is a look whether the closer has come to rest.
const LOOK_AT_CLOSER: std::time::Duration = std::time::Duration::from_millis(100);

/// All sources at work.
#[derive(Debug)]
pub struct Hub {
    sources: Vec<Arc<Shared>>,
    store: Arc<dyn Store>,
    sinks: Vec<Arc<Deliverer>>,
    clock: Clock,
    node: Arc<Node>,
}

/// How a hub is one node of several.
#[derive(Debug, Clone, Default)]
pub struct NodeOptions {
    /// What people call it; its identity where it has no name.
    pub name: Option<Text>,
    /// How it shows that it lives.
    pub pace: Pace,
    /// How it removes what is too old.
    pub upkeep: Upkeep,
    /// How it looks for what needs somebody.
    pub alarms: AlarmOptions,
}

/// The tasks of a running hub.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    store: Arc<dyn Store>,
    node: Arc<Node>,
}

impl Hub {
    /// Loads what is stored and starts to read.
    pub async fn start(
        sources: Vec<(SourceConfig, Box<dyn Source>)>,
        store: Arc<dyn Store>,
        clock: Clock,
    ) -> Result<(Arc<Self>, Running), StoreError> {
        Self::join(sources, store, clock, NodeOptions::default()).await
    }

    /// The same, as one of several nodes that share the store: what there is to read is shared out among them, and each of
    /// them shows all of it.
    pub async fn join(
        sources: Vec<(SourceConfig, Box<dyn Source>)>,
        store: Arc<dyn Store>,
        clock: Clock,
        options: NodeOptions,
    ) -> Result<(Arc<Self>, Running), StoreError> {
        Self::join_and_deliver(sources, Vec::new(), store, clock, options).await
    }

    /// The same, and what is known is delivered to sinks, each of which one of the nodes serves.
    pub async fn join_and_deliver(
        sources: Vec<(SourceConfig, Box<dyn Source>)>,
        sinks: Vec<SinkSetup>,
        store: Arc<dyn Store>,
        clock: Clock,
        options: NodeOptions,
    ) -> Result<(Arc<Self>, Running), StoreError> {
        let node = Node::join(store.clone(), options.name, options.pace).await?;
        let mut loaded = Vec::with_capacity(sources.len());
        for (config, source) in sources {
            let shared = Shared::load(config, source, store.clone(), clock, node.clone()).await?;
            loaded.push(Arc::new(shared));
        }
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for shared in &loaded {
            tasks.spawn(source::run(shared.clone(), stopped.clone()));
        }
        tasks.spawn(sweep(loaded.clone(), store.clone(), clock, options.upkeep, stopped.clone()));
        node.note_sinks(sinks.len());
        let configured: Vec<_> = sinks.iter().map(|sink| sink.name.clone()).collect();
        deliver::removed::park(&*store, &configured, clock()).await?;
        let deliverer = |setup| Deliverer::new(setup, &loaded, store.clone(), clock, node.clone());
        let sinks: Vec<_> = sinks.into_iter().map(deliverer).map(Arc::new).collect();
        for sink in &sinks {
            tasks.spawn(deliver::run(sink.clone(), stopped.clone()));
        }
        let teller = |setup| Arc::new(Teller::new(setup, store.clone(), clock));
        let alarms = AlarmWatch {
            sources: loaded.clone(),
            sinks: sinks.clone(),
            store: store.clone(),
            clock,
            node: node.clone(),
            every: options.alarms.every,
            tellers: options.alarms.outlets.into_iter().map(teller).collect(),
            leads: watch::Sender::new(false),
        };
        let alarms = Arc::new(alarms);
        tasks.spawn(live(node.clone(), loaded.clone(), alarms.clone(), stopped.clone()));
        for teller in &alarms.tellers {
            let leads = alarms.leads.subscribe();
            tasks.spawn(alarms::outlet::run(teller.clone(), leads, alarms.every, stopped.clone()));
        }
        tasks.spawn(alarms::run(alarms, stopped.clone()));
        let running = Running { stop, tasks, store: store.clone(), node: node.clone() };
        Ok((Arc::new(Self { sources: loaded, sinks, store, clock, node }), running))
    }

    /// Waits until everything that was committed before is closed as far as it can be, and every mark answered.
    pub async fn settled(&self) {
        for shared in &self.sources {
            let turns = || shared.quiet_turns.load(Ordering::SeqCst);
            // The first may have begun before.
            let enough = turns() + 2;
            while turns() < enough {
                tokio::time::sleep(LOOK_AT_CLOSER).await;
            }
        }
    }

    /// Notes that a part beside a source's own fails, or works again.
    pub fn note_part(&self, source: &SourceName, part: &str, failure: Option<String>) {
        let Some(shared) = self.sources.iter().find(|shared| shared.config.name == *source) else { return };
        match failure {
            Some(message) => shared.status.failed(part, (self.clock)(), message, false),
            None => shared.status.recovered(part),
        }
    }

    fn chosen(&self, names: &[SourceName]) -> Result<Vec<&Arc<Shared>>, ReportError> {
        let known = |name: &&SourceName| self.sources.iter().any(|shared| shared.config.name == **name);
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return Err(ReportError::UnknownSource(unknown.clone()));
        }
        let chosen =
            self.sources.iter().filter(|shared| names.is_empty() || names.contains(&shared.config.name));
        Ok(chosen.collect())
    }

    fn one(&self, name: &SourceName) -> Result<&Arc<Shared>, ReloadError> {
        let found = self.sources.iter().find(|shared| shared.config.name == *name);
        found.ok_or_else(|| ReloadError::UnknownSource(name.clone()))
    }

    /// A report about the reports.
    async fn check(
        &self,
        name: &'static str,
        window: Window,
        request: &ReportRequest,
    ) -> Result<Report, ReportError> {
        let mut rows = Vec::new();
        for shared in self.chosen(&request.sources)? {
            let room = MOST_ROWS - rows.len();
            rows.extend(
                checks::rows(shared, name, window, request, room).await?.into_iter().map(ReportRow::from),
            );
        }
        rows.retain(|row| is_of(request.agent.as_ref(), row));
        Ok(Report { name, from: window.from, to: window.to, columns: checks::columns(name), rows })
    }

    /// The window of a report, if it can be answered.
    fn window(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Window, ReportError> {
        let to = to.unwrap_or_else(|| (self.clock)());
        checked_window(from.unwrap_or(to - DEFAULT_WINDOW), to)
    }
}

impl Running {
    /// Stops reading, waits for what is on its way, and closes the store.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        failpoint!("stop.begun");
        self.end().await;
        failpoint!("stop.sources_ended");
        self.store.shut_down().await?;
        failpoint!("stop.store_closed");
        Ok(())
    }

    /// The same, but leaves the store open for the other nodes of this process.
    pub async fn leave(mut self) {
        self.end().await;
    }

    /// Ends all work, and lets the other nodes go on with it at once.
    async fn end(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
        self.node.leave().await;
    }
}

impl Drop for Running {
    /// Who lets go of it without stopping ends its tasks where they wait, as a crash would.
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.stop.send_replace(true);
    }
}

/// Says that the node lives, and what fails on it.
async fn live(
    node: Arc<Node>,
    sources: Vec<Arc<Shared>>,
    alarms: Arc<AlarmWatch>,
    stop: watch::Receiver<bool>,
) {
    let told = || {
        let report = NodeReport::of(sources.iter().map(|shared| shared.status.faults(&shared.config.name)));
        report.with_alarms(alarms.here())
    };
    node.live(told, stop).await;
}

/// Says which node reads which partition.
pub(super) fn name_nodes(roll: &Roll, source: &SourceName, partitions: &mut [PartitionStatus]) {
    let name =
        |node: &NodeId| roll.nodes.iter().find(|seen| seen.node == *node).map(|seen| seen.name.to_string());
    let leases = roll.leases.iter().filter(|lease| lease.source == *source);
    let readers: BTreeMap<&str, &NodeId> = leases
        .filter_map(|lease| match &lease.part {
            Part::Partition(partition) => Some((partition.as_str(), &lease.node)),
            Part::Closer | Part::Sink | Part::Alarms => None,
        })
        .collect();
    for partition in partitions {
        partition.node = readers.get(partition.id.as_str()).copied().and_then(name);
    }
}

async fn sweep(
    sources: Vec<Arc<Shared>>,
    store: Arc<dyn Store>,
    clock: Clock,
    upkeep: Upkeep,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        for shared in &sources {
            if let Err(error) = folding::fold(shared, upkeep.margin, &stop).await {
                tracing::warn!(source.name = %shared.config.name, "cannot fold old evidence: {error}");
            }
            if let Err(error) = leaving::leave(shared, &stop).await {
                tracing::warn!(source.name = %shared.config.name, "cannot remove agents who have left: {error}");
            }
        }
        if let Err(error) = store.sweep(clock()).await {
            tracing::warn!("cannot remove what is too old: {error}");
        }
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(upkeep.every) => {}
        }
    }
}

#[async_trait]
impl View for Hub {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn sources(&self) -> Result<Vec<SourceStatus>, StoreError> {
        let now = (self.clock)();
        let roll = self.node.roll().await?;
        let mut sources = Vec::with_capacity(self.sources.len());
        for shared in &self.sources {
            let name = &shared.config.name;
            shared.refresh_status().await?;
            let gaps = shared.store.gaps(name, GAPS_SHOWN).await?;
            let told = told_by_others(&roll, self.node.id(), name);
            let mut shown = shared.status.show(now, shared.config.stale_after, told);
            name_nodes(&roll, name, &mut shown.partitions);
            sources.push(SourceStatus {
                name: name.clone(),
                kind: shared.source.kind(),
                health: shown.health,
                watermark: shown.watermark,
                behind: shown.behind,
                contacts_watermark: shown.contacts_watermark,
                closed_until: shown.closed_until.least(),
                contacts_closed_until: shown.closed_until.contacts,
                agents: shown.agents,
                counts: shown.counts,
                partitions: shown.partitions,
                reconciler: shown.reconciler,
                error: shown.error,
                fallback: shared.source.fallback(),
                gaps: gaps.into_iter().map(LostStretch::from).collect(),
                notices: notices(shared),
                missing_files: shared.source.missing(now),
            });
        }
        Ok(sources)
    }

    async fn sinks(&self) -> Result<Vec<SinkStatus>, StoreError> {
        let mut shown = Vec::with_capacity(self.sinks.len());
        for sink in &self.sinks {
            shown.push(sink.show().await?);
        }
        Ok(shown)
    }

    fn sink_names(&self) -> Vec<SinkName> {
        self.sinks.iter().map(|sink| sink.name().clone()).collect()
    }

    fn mapping(&self, sink: &SinkName) -> Option<Arc<Folder>> {
        let sink = self.sinks.iter().find(|known| known.name() == sink)?;
        Some(sink.folder().clone())
    }

    async fn rebuild(&self, sink: &SinkName, unit: &Unit) -> Result<Rebuilt, StoreError> {
        match self.sinks.iter().find(|known| known.name() == sink) {
            Some(sink) => sink.rebuild(unit).await,
            None => Ok(Rebuilt::Not("the sink is not configured".to_owned())),
        }
    }

    async fn sink_history(
        &self,
        sink: &SinkName,
        day: Option<Date>,
    ) -> Result<Result<Document, NoHistory>, StoreError> {
        match self.sinks.iter().find(|known| known.name() == sink) {
            Some(sink) => sink.history(day).await,
            None => Ok(Err(NoHistory::NoSink)),
        }
    }

    async fn report(&self, request: ReportRequest) -> Result<Report, ReportError> {
        let window = self.window(request.from, request.to)?;
        if let Some(name) = CHECKS.into_iter().find(|name| *name == request.name) {
            return self.check(name, window, &request).await;
        }
        let name = REPORTS.into_iter().find(|name| *name == request.name);
        let name = name.ok_or_else(|| ReportError::UnknownReport(request.name.clone()))?;
        let columns = columns_of(name);
        if request.agent.is_some() && !columns.contains(&"agent_id") {
            return Err(ReportError::NoAgents(name));
        }
        let of_acd = match request.origin {
            Origin::Computed => None,
            Origin::Acd => Some(acd_rows::kept(name).ok_or(ReportError::NotOfAcd(name))?),
        };
        let columns = of_acd.map_or(columns, acd_rows::columns);
        let mut rows = Vec::new();
        for shared in self.chosen(&request.sources)? {
            let (agent, room) = (request.agent.as_ref(), MOST_ROWS - rows.len());
            rows.extend(match of_acd {
                Some(kept) => acd_rows::rows(shared, kept, window, agent, room).await?,
                None => source_rows(shared, name, window, agent, room).await?,
            });
            if rows.len() > MOST_ROWS {
                return Err(ReportError::too_many());
            }
        }
        if request.virtual_queues {
            rows.iter_mut().for_each(rows::name_virtually);
        }
        Ok(Report { name, from: window.from, to: window.to, columns, rows })
    }

    async fn history(&self, request: HistoryRequest) -> Result<Report, ReportError> {
        let report = history::kept_report(&request.name, request.origin);
        let report = report.ok_or_else(|| ReportError::NoHistory(request.name.clone()))?;
        let window = self.window(request.from, request.to)?;
        let mut rows = Vec::new();
        for shared in self.chosen(&request.sources)? {
            let room = MOST_ROWS - rows.len();
            rows.extend(history::rows(shared, &request, report, window, room).await?);
        }
        Ok(Report { name: report, from: window.from, to: window.to, columns: history::columns(report), rows })
    }

    async fn mend(&self, letter: &DeadLetter) -> Result<(), NotMended> {
        let shared = self.sources.iter().find(|shared| shared.config.name == letter.source);
        let unknown = || NotMended::NoSource(letter.source.to_string());
        let shared = shared.ok_or_else(unknown)?;
        match mending::mend(shared, letter).await {
            Ok(()) => {
                shared.store.remove_dead_letter(letter.id).await?;
                tracing::info!(source.name = %letter.source, letter = letter.id, "a dead letter is mended");
                Ok(())
            }
            Err(error) => {
                if error.is_of_letter() {
                    let now = (self.clock)();
                    shared.store.note_dead_letter_tried(letter.id, &error.to_string(), now).await?;
                }
                Err(error)
            }
        }
    }

    async fn reloads(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ReloadStatus>, StoreError> {
        reload::list(&*self.store, sources, before, limit, (self.clock)()).await
    }

    async fn reload(&self, request: ReloadRequest, by: &str) -> Result<ReloadStatus, ReloadError> {
        reload::ask(self.one(&request.source)?, request, by).await
    }

    async fn preview_reload(&self, request: ReloadRequest) -> Result<Report, ReloadError> {
        reload::preview(self.one(&request.source)?, &request).await
    }

    async fn erasures(
        &self,
        sources: &[SourceName],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ErasureStatus>, StoreError> {
        erasure::list(&*self.store, sources, before, limit).await
    }

    async fn erase(
        &self,
        request: ErasureRequest,
        pseudonym: String,
        by: &str,
    ) -> Result<ErasureStatus, ErasureError> {
        let found = self.sources.iter().find(|shared| shared.config.name == request.source);
        let shared = found.ok_or_else(|| ErasureError::UnknownSource(request.source.clone()))?;
        erasure::ask(shared, request, pseudonym, by).await
    }

    async fn cancel_reload(&self, id: u64) -> Result<(), ReloadError> {
        self.store.cancel_reload(id).await?.ok_or(ReloadError::Unknown)?;
        self.sources.iter().for_each(|shared| shared.reload.notify_one());
        Ok(())
    }
}

/// What a person should know of and nothing is lost by.
fn notices(shared: &Shared) -> Vec<Notice> {
    let renames = shared.queues.renames().into_iter().map(Notice::from);
    let remarks = shared.source.remarks().into_iter().map(Notice::from);
    let mut notices: Vec<Notice> = renames.chain(remarks).collect();
    notices.sort_by_key(|notice| std::cmp::Reverse(notice.at));
    notices.truncate(NOTICES_SHOWN);
    notices
}

fn checked_window(from: Timestamp, to: Timestamp) -> Result<Window, ReportError> {
    if from >= to {
        return Err(ReportError::BadWindow(format!(
            "the window is empty: from {from} is not before to {to}"
        )));
    }
    if to.since(from) > LONGEST_WINDOW {
        return Err(ReportError::BadWindow("the window is longer than 31 days: ask for it in parts".into()));
    }
    Ok(Window { from, to })
}
