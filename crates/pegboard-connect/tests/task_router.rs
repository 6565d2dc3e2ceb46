//! TaskRouter asked over HTTP: what callbacks lose, repair finds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pegboard_connect::sources::file::Clock;
use pegboard_connect::sources::twilio::rest::{
    Credentials, EventsPoller, Https, Pace, RepairSettings, TaskRouter,
};
use pegboard_connect::sources::twilio::{
    Activities, Content, Event, Signed, SiteStyle, TwilioSnapshots, decode,
};
use pegboard_connect::spec::{Snapshots as _, Whom};
use pegboard_model::{Millis, StatusKind, Timestamp};
use pegboard_net::{Client, ClientOptions, Egress, Secret};
use pegboard_sim::disturb::Disturbance;
use pegboard_sim::stand_in::task_router::{
    Happening, KEY, SECRET, Settings, TaskRouterStandIn, WORKSPACE, Wrong, happenings, sign_form,
};
use pegboard_sim::{Centre, Config, Simulation};

struct Site {
    day: Simulation,
    told: Arc<Vec<Happening>>,
    stand_in: TaskRouterStandIn,
    now: Arc<AtomicI64>,
}

impl Site {
    /// A morning of 40 agents.
    fn new(seed: u64) -> Self {
        let start: Timestamp = "2026-03-02T06:00:00Z".parse().unwrap();
        let day = Centre::new(Config::new(40, start, 6, seed)).run();
        let told = Arc::new(happenings(&day));
        let settings = Settings { late_by: Millis::from_seconds(25) };
        let stand_in = TaskRouterStandIn::serve(day.organisation.clone(), told.clone(), settings).unwrap();
        let now = Arc::new(AtomicI64::new(start.as_millis()));
        Self { day, told, stand_in, now }
    }

    fn pass_to(&self, now: Timestamp) {
        self.now.store(now.as_millis(), Ordering::SeqCst);
        self.stand_in.pass_to(now);
    }

    fn clock(&self) -> Clock {
        let now = self.now.clone();
        Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
    }

    fn task_router(&self) -> TaskRouter {
        let egress = Egress::new(vec!["127.0.0.1".parse().unwrap()]);
        let client = Client::new(ClientOptions { egress, ..ClientOptions::default() }).unwrap();
        let credentials = Credentials { user: KEY.to_owned(), password: Secret::new(SECRET.to_owned()) };
        let (exchange, base) =
            (Arc::new(Https::new(client, &credentials)), self.stand_in.url().parse().unwrap());
        TaskRouter::new(exchange, base, WORKSPACE.parse().unwrap(), Pace::new(50, 10).unwrap(), self.clock())
    }

    fn poller(&self) -> EventsPoller {
        let settings = RepairSettings { every: Millis::new(0), ..RepairSettings::default() };
        EventsPoller::new(self.task_router(), self.day.config.start, settings, self.clock())
    }
}

fn one(bytes: &[u8]) -> Event {
    let mut body = decode(bytes).unwrap();
    assert!(body.bad.is_empty() && body.events.len() == 1, "{body:?}");
    body.events.remove(0)
}

/// Callbacks are lost, doubled and late; every quarter of an hour Twilio is asked, and answers badly at times.
#[tokio::test]
async fn r10_callbacks_and_repair_together_know_everything_that_happened() {
    let site = Site::new(11);
    let disturbance = Disturbance { lost: 0.05, twice: 0.05, late: 0.2, ..Disturbance::none(11) };
    let url = "https://hub.example.com/hooks/twilio";
    let mut known: BTreeMap<String, Event> = BTreeMap::new();
    for pushed in disturbance.disturb(&site.told) {
        let event = one(pushed.form().as_bytes());
        assert_eq!(event, one(format!("[{}]", pushed.cloud_event()).as_bytes()), "however it is pushed");
        let (body, signature) = (pushed.form(), sign_form("12345", url, &pushed.form_fields()));
        let content = Content::Form(body.as_bytes());
        assert_eq!(Signed { url, signature: &signature, content }.check(&["old", "12345"]), Ok(()), "{body}");
        known.insert(event.id.to_string(), event);
    }
    let lost = site.told.len() - known.len();
    assert!(lost > 50, "{lost} callbacks are lost");
    let mut poller = site.poller();
    let mut time = site.day.config.start;
    let mut repaired = 0;
    while time < site.day.config.end() + Millis::from_minutes(30) {
        time = time + Millis::from_minutes(15);
        site.pass_to(time);
        site.stand_in.fail(Wrong::Throttled(Some(0)));
        let polled = loop {
            let polled = poller.next().await.unwrap();
            for record in &polled.events {
                let event = one(record);
                let before = known.insert(event.id.to_string(), event.clone());
                repaired += usize::from(before.is_none());
                assert!(before.is_none_or(|before| before == event), "the same, whichever way it comes");
            }
            if polled.is_caught_up {
                break polled;
            }
        };
        assert!(polled.complete_until >= time - Millis::from_minutes(1));
        let missing =
            site.told.iter().filter(|one| one.at <= polled.complete_until && !known.contains_key(&one.sid));
        assert_eq!(missing.count(), 0, "up to {}", polled.complete_until);
    }
    let all: BTreeSet<_> = site.told.iter().filter(|one| one.at <= time).map(|one| one.sid.clone()).collect();
    assert!(all.iter().all(|sid| known.contains_key(sid)));
    assert!(repaired > 50);
    assert!(site.stand_in.counts().faults > 20, "every first question was one too many");
}

#[tokio::test]
async fn s02_the_key_is_not_sent_to_where_an_answer_leads() {
    let (site, stranger) = (Site::new(12), Site::new(13));
    site.pass_to(site.day.config.start + Millis::from_hours(3));
    let elsewhere = format!("{}/v1/Workspaces/{WORKSPACE}/Events", stranger.stand_in.url());
    site.stand_in.fail(Wrong::NextPageAt(elsewhere));
    let error = site.poller().next().await.unwrap_err();
    assert!(error.needs_action && error.message.contains("is not at"), "{error}");
    assert_eq!(stranger.stand_in.counts().requests, 0);
}

/// What a look shows is what the events up to then tell.
#[tokio::test]
async fn a_look_shows_what_happened() {
    let site = Site::new(14);
    let now = site.day.config.start + Millis::from_hours(4);
    site.pass_to(now);
    let listed = site.task_router().activities().await.unwrap();
    let activities = Activities::of_workspace(&listed, ["Offline"]);
    let look = TwilioSnapshots::new(site.task_router(), SiteStyle::Composed, activities);
    let look = look.look(Whom::Everybody).await.unwrap();
    assert_eq!((look.began, look.unclear.len()), (now, 0));
    let mut open: BTreeSet<String> = BTreeSet::new();
    for told in site.told.iter().filter(|told| told.at <= now) {
        let Some(reservation) = told.field("reservation_sid") else { continue };
        match told.kind {
            "reservation.created" => drop(open.insert(reservation.to_owned())),
            "reservation.accepted" | "reservation.wrapup" => {}
            _ => drop(open.remove(reservation)),
        }
    }
    let shown: BTreeSet<String> = look
        .shown
        .iter()
        .flat_map(|shown| &shown.snapshot.contacts)
        .map(|contact| contact.id.to_string())
        .collect();
    assert!(!open.is_empty());
    assert_eq!(shown, open);
    assert!(look.shown.iter().any(|shown| shown.snapshot.status.kind == StatusKind::Routable));
}
