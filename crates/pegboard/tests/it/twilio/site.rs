//! A morning at a site on Twilio: what is posted, what the stand-in shows and lists over HTTP, and a hub that knows it by either.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use pegboard::config::{SecretRef, SourceConfig, SourceInput, TwilioPostSettings, TwilioSettings};
use pegboard::runtime::intake::Gates;
use pegboard_connect::sources::twilio::rest::{Credentials, Https, Pace, RepairSettings, TaskRouter};
use pegboard_connect::sources::twilio::{Asking, LANE, TwilioSite, TwilioSource};
use pegboard_model::{Millis, Position, Timestamp};
use pegboard_net::{Client, ClientOptions, Egress, Secret};
use pegboard_sim::stand_in::task_router::{
    Happening, KEY, SECRET, Settings, TaskRouterStandIn, WORKSPACE, happenings,
};
use pegboard_sim::truth::ReportSettings;
use pegboard_sim::{Centre, Config, Simulation, Truth};
use pegboard_store::{HandedIn, Store};

use crate::support::clock;
use crate::support::live::{Live, SOURCE, until};

/// What was handed in is looked at in steps of this length.
pub(super) const STEP: Millis = Millis::from_minutes(30);

/// The morning.
pub(super) struct Site {
    pub(super) day: Simulation,
    /// What happened.
    pub(super) told: Arc<Vec<Happening>>,
    pub(super) stand_in: TaskRouterStandIn,
}

impl Site {
    /// A morning of 25 agents.
    pub(super) fn new(seed: u64) -> Self {
        let start: Timestamp = "2026-03-02T06:00:00Z".parse().unwrap();
        Self::of(Config::new(25, start, 5, seed))
    }

    /// Any other day.
    pub(super) fn of(config: Config) -> Self {
        let day = Centre::new(config).run();
        let told = Arc::new(happenings(&day));
        let settings = Settings { late_by: Millis::from_seconds(25) };
        let stand_in = TaskRouterStandIn::serve(day.organisation.clone(), told.clone(), settings).unwrap();
        Self { day, told, stand_in }
    }

    pub(super) fn start(&self) -> Timestamp {
        self.day.config.start
    }

    /// When the first thing happened: some of the agents have been away since the day before.
    pub(super) fn first(&self) -> Timestamp {
        self.told[0].at
    }

    /// It is `now`, for everybody.
    pub(super) fn pass_to(&self, now: Timestamp) {
        clock::set(now);
        self.stand_in.pass_to(now);
    }

    /// What can be known once everything that happened is.
    pub(super) fn knowable(&self) -> Truth {
        let settings = ReportSettings {
            source: SOURCE.into(),
            ..ReportSettings::new(self.start(), self.day.config.end())
        };
        Truth::knowable_of_task_router(&self.day, &settings)
    }

    /// What reads the posts behind the gate.
    pub(super) fn posted(gates: &Gates) -> TwilioSource {
        let inlet = gates.of(&SOURCE.into()).unwrap().inlet();
        TwilioSource::new(inlet, Arc::new(clock::now), TwilioSite::default())
    }

    /// The same, which asks, too; from `start` on.
    pub(super) fn asked(&self, gates: &Gates, start: Option<Timestamp>) -> TwilioSource {
        let egress = Egress::new(vec!["127.0.0.1".parse().unwrap()]);
        let client = Client::new(ClientOptions { egress, ..ClientOptions::default() }).unwrap();
        let credentials = Credentials { user: KEY.to_owned(), password: Secret::new(SECRET.to_owned()) };
        let (exchange, base) =
            (Arc::new(Https::new(client, &credentials)), self.stand_in.url().parse().unwrap());
        let pace = Pace::new(50, 10).unwrap();
        let task_router =
            TaskRouter::new(exchange, base, WORKSPACE.parse().unwrap(), pace, Arc::new(clock::now));
        let repair = RepairSettings { every: Millis::new(100), ..RepairSettings::default() };
        Self::posted(gates).asking(Asking { task_router, start, repair, lists_activities: true })
    }

    /// Hands in the posts of one step, the last of them before `now`, and waits until all that was handed in is read, and up to
    /// then everything is known.
    pub(super) async fn step(&self, gates: &Gates, hub: &Live, posts: Vec<Vec<u8>>, now: Timestamp) {
        self.step_of(gates, &[hub], posts, now).await;
    }

    /// The same where any of the nodes may read it. How far each partition is, whoever reads it knows first.
    pub(super) async fn step_of(&self, gates: &Gates, nodes: &[&Live], posts: Vec<Vec<u8>>, now: Timestamp) {
        self.pass_to(now);
        hand_in(gates, posts).await;
        let handed = gates.of(&SOURCE.into()).unwrap().inlet();
        let is_read = async || {
            let mut furthest: BTreeMap<String, (Option<Timestamp>, Option<Position>)> = BTreeMap::new();
            for node in nodes {
                for partition in node.status().await.partitions {
                    let known = furthest.entry(partition.id).or_default();
                    *known = known.clone().max((partition.watermark, partition.position));
                }
            }
            let Some((_, Some(Position::Number(read)))) = furthest.get(LANE) else { return false };
            let all = handed.after(*read, 1).await.unwrap().is_empty();
            let is_known = |watermark: &Timestamp| *watermark >= now - Millis::from_minutes(1);
            // What is found by a look is in a lane without a watermark.
            all && furthest.values().filter_map(|(watermark, _)| watermark.as_ref()).all(is_known)
        };
        until("what was posted is read, and what was lost is asked for", is_read).await;
    }
}

/// Hands in posts as the receiver does.
pub(super) async fn hand_in(gates: &Gates, posts: Vec<Vec<u8>>) {
    if !posts.is_empty() {
        let handed = gates.of(&SOURCE.into()).unwrap().hand_in(None, posts, String::new()).await.unwrap();
        assert_eq!(handed, HandedIn::Kept);
    }
}

/// The gate of the source, over a store.
pub(super) fn gates(store: &Arc<dyn Store>, folder: &Path) -> Gates {
    let path = folder.join("token");
    fs::write(&path, "0123456789abcdef").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let settings = TwilioSettings {
        posts: Some(TwilioPostSettings {
            url: "https://hub.example.com/api/v1/twilio/centre".to_owned(),
            auth_tokens: vec![SecretRef::parse("file:token", folder).unwrap()],
        }),
        kinesis: None,
        site: TwilioSite::default(),
        rta_feed: false,
        rest: None,
    };
    let config = SourceConfig::new(SOURCE, SourceInput::Twilio(settings));
    Gates::open(&[config], store, clock::now).unwrap()
}
