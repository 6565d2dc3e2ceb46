//! Alarms of a running hub: what is wrong becomes one, and is over when it is mended.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use pegboard::runtime::alarms::AlarmOptions;
use pegboard::runtime::alarms::condition::Severity;
use pegboard::runtime::alarms::outlet::{MailOutlet, Outlet, OutletSetup, Webhook};
use pegboard::runtime::hub::NodeOptions;
use pegboard_model::Millis;
use pegboard_net::signature::{Signed, SigningKey};
use pegboard_net::{Client, ClientOptions, Egress, MailOptions, Mailer, Secret, Security};
use pegboard_sim::stand_in::mail::{MailFault, MailServer};
use pegboard_store::{Alarm, AlarmNote, AlarmSeen, AlarmsAsked, Store};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::clock;
use crate::support::event::{change, minute};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, SOURCE, config, open_store, until};
use crate::support::script::Script;

/// The newest alarm of a condition.
pub(crate) async fn newest(store: &dyn Store, condition: &str) -> Option<Alarm> {
    let asked = AlarmsAsked { limit: 100, ..AlarmsAsked::default() };
    let alarms = store.alarms(asked).await.unwrap();
    alarms.into_iter().find(|alarm| &*alarm.condition == condition)
}

async fn is_open(store: &dyn Store, condition: &str) -> bool {
    newest(store, condition).await.is_some_and(|alarm| alarm.ended.is_none())
}

async fn is_over(store: &dyn Store, condition: &str) -> bool {
    newest(store, condition).await.is_some_and(|alarm| alarm.ended.is_some())
}

#[tokio::test]
async fn what_is_lost_and_what_fails_is_an_alarm_until_it_is_over() {
    let folder = TempDir::new().unwrap();
    let store = open_store(folder.path());
    let script = Script::new(false);
    clock::set(minute(60));
    script.add(ONLY, &[]);
    script.push(ONLY, &[change(minute(0), "Available")], minute(1));
    let alarms = AlarmOptions { every: Duration::from_millis(10), ..AlarmOptions::default() };
    let options = NodeOptions { alarms, ..NodeOptions::default() };
    let live = Live::joining(store.clone(), Box::new(script.clone()), &config(), options).await;
    live.read_all(&script).await;
    // From its next position on nothing is kept: it is lost, and cannot be opened again.
    script.shut(true);
    script.push(ONLY, &[change(minute(10), "Lunch")], minute(11));
    script.push(ONLY, &[change(minute(20), "Break")], minute(21));
    script.expire(ONLY, 3);
    script.push(ONLY, &[change(minute(30), "Training")], minute(31));
    until("the loss is an alarm", async || is_open(&*store, "data-lost").await).await;
    let lost = newest(&*store, "data-lost").await.unwrap();
    assert_eq!(*lost.subject, format!("{SOURCE} / {ONLY}"));
    assert_eq!((&*lost.severity, lost.source), ("critical", Some(SOURCE.into())));
    until("the source fails", async || live.status().await.error.is_some()).await;
    assert_eq!(newest(&*store, "source-failing").await, None, "that may pass");
    clock::set(minute(62));
    until("the failure is an alarm", async || is_open(&*store, "source-failing").await).await;
    let failing = newest(&*store, "source-failing").await.unwrap();
    assert_eq!((failing.since, &*failing.severity), (minute(60), "critical"));

    script.shut(false);
    live.read_all(&script).await;
    until("nothing fails", async || live.status().await.error.is_none()).await;
    assert!(is_open(&*store, "source-failing").await, "it may come back");
    clock::set(minute(65));
    until("the failure is over", async || is_over(&*store, "source-failing").await).await;
    assert!(is_open(&*store, "data-lost").await, "that stays news for a day");
    clock::set(minute(65) + Millis::from_hours(24));
    until("the loss is no news", async || is_over(&*store, "data-lost").await).await;
    live.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_behind_is_an_alarm_until_events_are_of_the_past_again() {
    let folder = TempDir::new().unwrap();
    let store = open_store(folder.path());
    let script = Script::new(false);
    clock::set(minute(0));
    script.add(ONLY, &[]);
    let alarms = AlarmOptions { every: Duration::from_millis(10), ..AlarmOptions::default() };
    let options = NodeOptions { alarms, ..NodeOptions::default() };
    let live = Live::joining(store.clone(), Box::new(script.clone()), &config(), options).await;
    // One that is believed and one that is not: both are of a time that is still to come.
    script.push(ONLY, &[change(minute(3), "Available")], minute(3));
    script.push(ONLY, &[change(minute(10), "Lunch")], minute(10));
    live.read_all(&script).await;
    until("it is seen", async || live.store.dead_letters(&[], None, 1).await.unwrap().len() == 1).await;
    clock::set(minute(2));
    until("it is an alarm", async || is_open(&*store, "clock-wrong").await).await;
    let wrong = newest(&*store, "clock-wrong").await.unwrap();
    assert_eq!(*wrong.subject, format!("{SOURCE} / events"));
    assert!(wrong.text.contains("600 s ahead of the clock of this machine"), "{}", wrong.text);

    clock::set(minute(12));
    script.push(ONLY, &[change(minute(11), "Break")], minute(12));
    live.read_all(&script).await;
    clock::set(minute(15));
    until("it is over", async || is_over(&*store, "clock-wrong").await).await;
    live.stop().await;
}

/// What a webhook was told: events that were signed by the key.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Vec<Value>>>);

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn key() -> SigningKey {
    SigningKey::parse(&Secret::new(KEY.to_owned())).unwrap()
}

impl Heard {
    /// Takes what is signed, at an address of this machine.
    async fn listen(&self) -> String {
        let heard = self.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            let header =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let signed = Signed {
                id: header("webhook-id"),
                timestamp: header("webhook-timestamp"),
                signature: header("webhook-signature"),
                body: &body,
            };
            if signed.check(&[key()], clock::now()).is_err() {
                return StatusCode::UNAUTHORIZED;
            }
            let event: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(event["id"], signed.id);
            heard.0.lock().unwrap().push(event);
            StatusCode::NO_CONTENT
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().route("/alarms", axum::routing::post(take));
        tokio::spawn(pegboard::api::serve(listener, None, router, std::future::pending()));
        format!("http://{address}/alarms")
    }

    /// What was told of a condition, in order.
    fn of(&self, condition: &str) -> Vec<String> {
        let events = self.0.lock().unwrap();
        let alarms = events.iter().flat_map(|event| event["data"]["alarms"].as_array().unwrap().clone());
        let told = alarms.filter(|alarm| alarm["condition"] == condition);
        told.map(|alarm| alarm["event"].as_str().unwrap().to_owned()).collect()
    }
}

fn egress() -> Egress {
    Egress::new(vec!["127.0.0.1".parse().unwrap()])
}

fn outlet(name: &str, outlet: impl Outlet + 'static) -> OutletSetup {
    let (severity, pause) = (Severity::Critical, Duration::from_millis(10));
    OutletSetup { name: name.into(), severity, pause, outlet: Arc::new(outlet) }
}

fn webhook(url: &str) -> Webhook {
    let options = ClientOptions { egress: egress(), ..ClientOptions::default() };
    Webhook::new(Client::new(options).unwrap(), url.parse().unwrap(), vec![key()], "hub")
}

fn mails(server: &MailServer) -> MailOutlet {
    let options = MailOptions {
        host: "127.0.0.1".to_owned(),
        port: server.address().port(),
        security: Security::DangerousPlain,
        login: None,
        egress: egress(),
        roots: None,
        connect: Duration::from_secs(10),
        total: Duration::from_secs(30),
    };
    let (from, to) = ("p@x.example".parse().unwrap(), vec!["ops@x.example".parse().unwrap()]);
    MailOutlet::new(Mailer::new(options).unwrap(), from, to, None)
}

#[tokio::test]
async fn outlets_are_told_when_an_alarm_is_raised_and_over_and_one_that_is_dead_delays_no_other() {
    let folder = TempDir::new().unwrap();
    let store = open_store(folder.path());
    let (heard, server) = (Heard::default(), MailServer::start().unwrap());
    server.fail_next(MailFault::Refuse(451));
    let outlets = vec![
        outlet("dead", webhook("http://127.0.0.1:9/nobody")),
        outlet("hook", webhook(&heard.listen().await)),
        outlet("mail", mails(&server)),
    ];
    let script = Script::new(false);
    clock::set(minute(60));
    script.add(ONLY, &[]);
    script.push(ONLY, &[change(minute(0), "Available")], minute(1));
    let alarms = AlarmOptions { every: Duration::from_millis(10), outlets };
    let options = NodeOptions { alarms, ..NodeOptions::default() };
    let live = Live::joining(store.clone(), Box::new(script.clone()), &config(), options).await;
    live.read_all(&script).await;
    script.shut(true);
    script.push(ONLY, &[change(minute(10), "Lunch")], minute(11));
    script.push(ONLY, &[change(minute(20), "Break")], minute(21));
    script.expire(ONLY, 3);
    script.push(ONLY, &[change(minute(30), "Training")], minute(31));
    until("the webhook is told of the loss", async || heard.of("data-lost") == ["raised"]).await;
    until("so is the mail, which was refused at first", async || !server.taken().is_empty()).await;
    assert_eq!(server.fired(), 1);
    let mail = server.taken().remove(0);
    assert!(mail.data.contains("Subject: [Pegboard] critical: Data is lost"), "{}", mail.data);

    script.shut(false);
    live.read_all(&script).await;
    // Over, and long enough that the dead outlet is told of by now.
    clock::set(minute(65) + Millis::from_hours(24));
    until("its end is told", async || heard.of("data-lost") == ["raised", "ended"]).await;
    until("the dead outlet is an alarm", async || is_open(&*store, "outlet-failing").await).await;
    let dead = newest(&*store, "outlet-failing").await.unwrap();
    assert_eq!(&*dead.subject, "dead");
    live.stop().await;
}

#[tokio::test]
async fn what_was_told_is_not_told_again_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let heard = Heard::default();
    let url = heard.listen().await;
    clock::set(minute(60));
    let store = open_store(folder.path());
    let lost = AlarmSeen {
        condition: "data-lost".into(),
        severity: "critical".into(),
        subject: "shard".into(),
        source: None,
        text: "gone".into(),
        since: minute(1),
    };
    for run in 0..2 {
        let alarms =
            AlarmOptions { every: Duration::from_millis(10), outlets: vec![outlet("hook", webhook(&url))] };
        let options = NodeOptions { alarms, ..NodeOptions::default() };
        if run == 0 {
            store
                .note_alarms(AlarmNote { at: minute(60), seen: vec![lost.clone()], ended: Vec::new() })
                .await
                .unwrap();
        } else {
            let other = AlarmSeen { subject: "another".into(), ..lost.clone() };
            store
                .note_alarms(AlarmNote { at: minute(60), seen: vec![other], ended: Vec::new() })
                .await
                .unwrap();
        }
        let live = Live::joining(store.clone(), Box::new(Script::new(false)), &config(), options).await;
        until("it is told", async || heard.of("data-lost").len() == run + 1).await;
        live.leave().await;
    }
    assert_eq!(heard.of("data-lost"), ["raised", "raised"], "each of the two, once");
}
