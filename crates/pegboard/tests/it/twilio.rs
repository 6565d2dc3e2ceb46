//! Twilio posts what happens, and the program from outside; and what it is asked for.

mod activities;
mod fed;
mod repair;
mod site;
mod streamed;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use pegboard::clock;
use pegboard_model::{Millis, Timestamp};
use pegboard_store::{SqliteOptions, SqliteStore, Store as _};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::support::serving::Serving;

const URL: &str = "https://hub.example.com/api/v1/twilio/flex";
const PATH: &str = "/api/v1/twilio/flex";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A source `flex`; its token is being replaced.
fn serve(folder: &Path) -> Serving {
    for (name, text) in [("token", TOKEN), ("next", "another token")] {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let configuration = format!(
        "[[source]]\nname = \"flex\"\nkind = \"twilio\"\nclose_delay = \"0s\"\nclose_delay_contacts = \"0s\"\n\
         [source.twilio]\nurl = \"{URL}\"\nauth_tokens = [\"file:next\", \"file:token\"]\n"
    );
    Serving::start(folder, &configuration)
}

fn code(token: &str, text: &str) -> String {
    let mut code = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    code.update(text.as_bytes());
    STANDARD.encode(code.finalize().into_bytes())
}

/// A callback: names and values that need no encoding.
fn post_form(hub: &Serving, token: &str, fields: &[(&str, String)]) -> u16 {
    let mut sorted = fields.to_vec();
    sorted.sort();
    let text = sorted.iter().fold(URL.to_owned(), |text, (name, value)| text + name + value);
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {}\r\n",
        code(token, &text)
    );
    hub.post(PATH, &headers, &body.join("&")).expect("it answers").0
}

/// What Event Streams posts.
fn post_json(hub: &Serving, body: &Value) -> u16 {
    let body = body.to_string();
    let hash = Sha256::digest(&body).iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    let query = format!("?bodySHA256={hash}");
    let signature = code(TOKEN, &format!("{URL}{query}"));
    let headers = format!("Content-Type: application/json\r\nX-Twilio-Signature: {signature}\r\n");
    hub.post(&(PATH.to_owned() + &query), &headers, &body).expect("it answers").0
}

fn callback(
    id: &str,
    kind: &str,
    at: Timestamp,
    more: &[(&'static str, &str)],
) -> Vec<(&'static str, String)> {
    let known = [
        ("EventType", kind.to_owned()),
        ("Sid", id.to_owned()),
        ("TimestampMs", at.as_millis().to_string()),
        ("WorkerSid", "WK1".to_owned()),
        ("WorkerName", "ann".to_owned()),
        ("WorkerActivitySid", "WA1".to_owned()),
        ("WorkerActivityName", "Available".to_owned()),
    ];
    known.into_iter().chain(more.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect()
}

/// A contact that waits for 20 s, is talked to for a minute and worked on for 10 s, as it is posted.
fn contact(id: &str, began: Timestamp) -> Vec<Vec<(&'static str, String)>> {
    let entered = began.as_millis().div_euclid(1000).to_string();
    let task = [
        ("TaskSid", id),
        ("TaskChannelUniqueName", "voice"),
        ("TaskQueueSid", "WQ1"),
        ("TaskQueueName", "Sales"),
        ("TaskQueueEnteredDate", &entered),
    ];
    let reservation = format!("R{id}");
    let steps = [
        ("task-queue.entered", 0, None),
        ("reservation.created", 15, Some("0")),
        ("reservation.accepted", 20, Some("1")),
        ("reservation.wrapup", 80, Some("2")),
        ("reservation.completed", 90, Some("3")),
        ("task.completed", 90, None),
    ];
    let step = |(number, (kind, after, version)): (usize, (&str, i64, Option<&str>))| {
        let mut more = task.to_vec();
        if let Some(version) = version {
            more.extend([("ReservationSid", reservation.as_str()), ("ReservationVersion", version)]);
        }
        callback(&format!("{id}-{number}"), kind, began + Millis::from_seconds(after), &more)
    };
    steps.into_iter().enumerate().map(step).collect()
}

/// How many records the hub has read.
fn read(hub: &Serving) -> f64 {
    hub.metric("pegboard_source_records_total{source=\"flex\"}").unwrap_or_default()
}

/// How many items of this kind the hub has read.
fn shown(hub: &Serving, name: &str) -> f64 {
    hub.metric(&format!("pegboard_source_items_total{{source=\"flex\",kind=\"{name}\"}}")).unwrap_or_default()
}

#[test]
fn r08_callbacks_that_were_acknowledged_count_once_in_whatever_order_and_whatever_happens_to_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let now = clock::system();
    // All of it in one quarter of an hour that is over.
    let quarter = Millis::from_minutes(15).get();
    let began = Timestamp::from_millis((now.as_millis() - 2 * quarter).div_euclid(quarter) * quarter);
    let mut posts: Vec<_> = (0..6_u32)
        .flat_map(|number| {
            contact(&format!("WT{number}"), began + Millis::from_seconds(i64::from(number) * 100))
        })
        .collect();
    let before = callback("EV0", "worker.activity.update", began - Millis::from_minutes(30), &[]);
    // Late and early are mixed, and every fifth comes twice.
    posts.reverse();
    posts.push(before);
    let mut posted = 0;
    for life in 0..4 {
        let mut hub = serve(folder.path());
        for (number, fields) in posts.iter().enumerate().filter(|(number, _)| number % 4 == life) {
            assert_eq!(post_form(&hub, TOKEN, fields), 204);
            posted += 1;
            if number % 5 == 0 {
                assert_eq!(post_form(&hub, "another token", fields), 204);
                posted += 1;
            }
        }
        if life < 3 {
            hub.kill();
            continue;
        }
        hub.until("everything is read", |hub| read(hub) >= f64::from(posted));
        hub.terminate();
    }
    let store =
        SqliteStore::open(&folder.path().join("pegboard.db"), SqliteOptions::new(clock::system)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (from, to) = (began - Millis::from_hours(1), began + Millis::from_hours(1));
    let contacts = runtime.block_on(store.contacts(&"flex".into(), from, to)).unwrap();
    let legs: Vec<_> =
        contacts.iter().filter_map(|leg| Some((leg.queue.as_ref()?, leg.agent.as_ref()?))).collect();
    assert_eq!(legs.len(), 6, "{contacts:#?}");
    let others = contacts.iter().filter(|leg| leg.queue.is_some() != leg.agent.is_some());
    assert_eq!(
        others.count(),
        0,
        "what was taken for an abandoned contact meanwhile counts nowhere: {contacts:#?}"
    );
    for (queue, agent) in legs {
        assert_eq!(queue.waited, Some(Millis::from_seconds(20)));
        assert_eq!((agent.talk, agent.acw), (Millis::from_seconds(60), Millis::from_seconds(10)));
    }
}

#[test]
fn event_streams_and_callbacks_tell_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = serve(folder.path());
    let at = clock::system() - Millis::from_minutes(3);
    let event = json!({
        "eventtype": "worker.activity.update", "sid": "EV1", "timestamp": at.to_string(), "worker_sid": "WK1",
        "worker_name": "ann", "worker_activity_sid": "WA2", "worker_activity_name": "Break",
    });
    let element = |payload: &Value| {
        json!({"specversion": "1.0", "type": "com.twilio.taskrouter.worker.activity.update", "id": "EV1",
               "data": {"payload": payload}})
    };
    let other =
        json!({"specversion": "1.0", "type": "com.twilio.messaging.message.sent", "id": "EV2", "data": {}});
    assert_eq!(post_json(&hub, &json!([element(&event), other, element(&json!({"eventtype": "x"}))])), 204);
    let again = callback("EV1", "worker.activity.update", at, &[]);
    assert_eq!(post_form(&hub, TOKEN, &again), 204);
    hub.until("everything is read", |hub| read(hub) >= 4.0);
    let kinds = ["event", "duplicate", "foreign", "failed"].map(|kind| shown(&hub, kind));
    assert!(kinds.iter().all(|count| (count - 1.0).abs() < 0.5), "each once: {kinds:?}");
}

#[test]
fn s10_what_is_not_signed_is_refused_and_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let hub = serve(folder.path());
    let fields = callback("EV1", "worker.activity.update", clock::system(), &[]);
    assert_eq!(post_form(&hub, "a wrong token", &fields), 401);
    let plain = "Content-Type: application/x-www-form-urlencoded\r\n";
    let (status, unsigned) = hub.post(PATH, plain, "EventType=x").unwrap();
    let (elsewhere, unknown) = hub.post("/api/v1/twilio/nobody", plain, "EventType=x").unwrap();
    assert_eq!((status, elsewhere), (401, 401));
    assert_eq!(unsigned, unknown, "which sources there are is not told");
    assert_eq!(post_form(&hub, TOKEN, &fields), 204);
    assert!(shown(&hub, "failed") < 0.5);
    assert!(!hub.said().contains(TOKEN), "{}", hub.said());
}
