//! A script whose platform can also be asked who is signed in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pegboard::config::SourceConfig;
use pegboard_aws as aws;
use pegboard_connect::sources::amazon_connect::ConnectSnapshots;
use pegboard_connect::spec::{
    Decode, Opening, PartitionReader, Plan, Progress, Snapshots, Source, SourceError,
};
use pegboard_model::{Millis, PartitionId, Position, Timestamp};
use pegboard_sim::stand_in::amazon_connect::StandIn;
use tokio::task::AbortHandle;

use crate::support::clock;
use crate::support::live::config;
use crate::support::script::Script;

/// The source.
#[derive(Debug)]
pub(crate) struct Watched {
    script: Script,
    snapshots: Box<dyn Snapshots>,
}

impl Watched {
    pub(crate) fn new(script: &Script, stand_in: &StandIn) -> Self {
        Self::showing(script, snapshots(stand_in))
    }

    /// The same with whatever answers.
    pub(crate) fn showing(script: &Script, snapshots: impl Snapshots + 'static) -> Self {
        Self { script: script.clone(), snapshots: Box::new(snapshots) }
    }
}

/// What asks the stand-in, as fast as it can.
pub(crate) fn snapshots(stand_in: &StandIn) -> ConnectSnapshots {
    ConnectSnapshots::new(connect(stand_in), environment())
}

pub(crate) fn connect(stand_in: &StandIn) -> aws::ConnectConfig {
    let mut config = aws::ConnectConfig::new(stand_in.instance());
    config.region = Some("eu-central-1".to_owned());
    config.endpoint = Some(stand_in.url());
    config.credentials = aws::Credentials::Static {
        key_id: "AKIAEXAMPLE".to_owned(),
        secret: aws::SecretText::new("secret"),
        session_token: None,
    };
    config.pace.every = Duration::from_millis(1);
    config.backoff.base = Duration::from_millis(10);
    config
}

pub(crate) fn environment() -> aws::Environment {
    let observer = Arc::new(aws::Counters::default());
    // The clock of this machine is of no matter: answers have a date.
    aws::Environment { clock: Arc::new(|| 0), seed: 7, observer }
}

/// A source that is looked at every second.
pub(crate) fn every_second() -> SourceConfig {
    SourceConfig { reconcile_every: Millis::from_seconds(1), ..config() }
}

/// Time that passes for the stand-in and for the hub, until it is dropped.
#[derive(Debug)]
pub(crate) struct Passing(AbortHandle);

impl Passing {
    pub(crate) fn from(start: Timestamp, stand_in: &Arc<StandIn>) -> Self {
        let (stand_in, began) = (stand_in.clone(), Instant::now());
        clock::set(start);
        let pass = async move {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let passed = i64::try_from(began.elapsed().as_millis()).unwrap();
                let now = start + Millis::new(passed);
                stand_in.pass_to(now);
                clock::set(now);
            }
        };
        Self(tokio::spawn(pass).abort_handle())
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[async_trait]
impl Source for Watched {
    fn kind(&self) -> &'static str {
        self.script.kind()
    }

    fn has_heartbeat(&self) -> bool {
        self.script.has_heartbeat()
    }

    async fn probe(&self) -> Result<String, SourceError> {
        self.script.probe().await
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        self.script.plan(known).await
    }

    fn oldest(&self, partition: &PartitionId) -> Position {
        self.script.oldest(partition)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        self.script.open(opening)
    }

    fn decoder(&self) -> Box<dyn Decode> {
        self.script.decoder()
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(&*self.snapshots)
    }
}
