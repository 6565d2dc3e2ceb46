//! What an ACD hands in, and what is said of what it gets wrong.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pegboard_model::acd::{Column, Value};
use pegboard_model::{ContactPhase, Direction, Millis, Order, Position, StatusKind, Timestamp, What};

use super::{Handed, LANE, PushDecoder, PushSource};
use crate::spec::{Decoded, HandedRecord, Inlet, Opening, PartitionReader, Source, SourceError};

const STATE: &str = r#"{
    "kind": "agent_state", "id": "e-1", "agent": "1001", "at": "2026-03-02T09:00:00Z",
    "login": "jdoe", "name": "Jane Doe", "team": "Sales", "levels": ["North", "Sales"],
    "status": {"name": "Available", "routing": "routable"}, "status_since": "2026-03-02T08:59:00Z",
    "contacts": [{"id": "c-1", "channel": "voice", "direction": "outbound", "phase": "connected",
                  "since": "2026-03-02T08:59:30Z", "queue": {"id": "q-1", "name": "Sales"}}]
}"#;

const CONTACT: &str = r#"{
    "kind": "contact", "id": "c-1", "updated": "2026-03-02T09:10:00Z", "channel": "VOICE", "direction": "inbound",
    "queue": {"id": "q-1", "name": "Sales", "entered": "2026-03-02T09:00:00Z", "waited_s": 12.3456},
    "agent": {"id": "1001", "connected": "2026-03-02T09:00:12.346Z", "talk_s": 300, "hold_s": 0, "acw_s": 20,
              "acw_end": "2026-03-02T09:05:32Z"},
    "disconnected": "2026-03-02T09:05:12Z"
}"#;

const ROW: &str = r#"{
    "kind": "report_row", "report": "queue_interval", "name": "PBX", "interval_start": "2026-03-02T09:00:00Z",
    "interval_s": 900, "made": "2026-03-02T09:16:00Z", "queue": {"name": "Sales"},
    "values": {"offered": 12, "answered": 11, "talk_s": 3210.5, "service_level_pct": 91.67}
}"#;

fn order() -> Order {
    Order { partition: LANE.into(), position: Position::Number(7) }
}

fn read(record: &str) -> Handed {
    PushDecoder::read(record.as_bytes(), order()).unwrap()
}

/// What is said of `record` with `from` in place of which `to` stands.
fn fault(record: &str, from: &str, to: &str) -> String {
    assert!(record.contains(from), "{from}");
    PushDecoder::read(record.replacen(from, to, 1).as_bytes(), order()).unwrap_err().to_string()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_state_is_the_whole_of_an_agent() {
    let Handed::Record(Decoded::Agent(seen)) = read(STATE) else { panic!("no agent") };
    assert_eq!((seen.agent.as_str(), seen.at), ("1001", at("2026-03-02T09:00:00Z")));
    assert_eq!(seen.id, "e-1".into());
    let What::Snapshot(snapshot) = seen.what else { panic!("no snapshot") };
    assert_eq!((&*snapshot.status.name, snapshot.status.kind), ("Available", StatusKind::Routable));
    assert_eq!(snapshot.status_since, Some(at("2026-03-02T08:59:00Z")));
    let profile = snapshot.profile.unwrap();
    assert_eq!((&*profile.login, &*profile.team), ("jdoe", "Sales"));
    assert_eq!(profile.levels.each_ref().map(|level| &**level), ["North", "Sales", "", "", ""]);
    let [contact] = &snapshot.contacts[..] else { panic!("{:?}", snapshot.contacts) };
    assert_eq!(
        (contact.channel.as_str(), contact.phase, contact.outbound),
        ("VOICE", ContactPhase::Connected, true)
    );
    assert_eq!((&*contact.initiation, &*contact.phase_text), ("OUTBOUND", "CONNECTED"));
    assert_eq!(contact.queue.as_ref().unwrap().id.as_str(), "q-1");
}

#[test]
fn what_made_the_acd_tell_of_an_agent_decides_what_it_means() {
    let what = |change: &str| {
        let record = STATE.replace("\"kind\"", &format!("\"change\": \"{change}\", \"kind\""));
        let Handed::Record(Decoded::Agent(seen)) = read(&record) else { panic!("no agent") };
        seen.what
    };
    assert!(matches!(what("state"), What::Snapshot(_)));
    assert!(matches!(what("sign_in"), What::SignIn(_)));
    assert!(matches!(what("confirmation"), What::Confirmation(_)));
    assert!(matches!(what("sign_out"), What::SignOut(Some(_))));
    let gone =
        r#"{"kind": "agent_state", "agent": "1001", "at": "2026-03-02T17:00:00Z", "change": "sign_out"}"#;
    let Handed::Record(Decoded::Agent(seen)) = read(gone) else { panic!("no agent") };
    assert_eq!(seen.what, What::SignOut(None));
    let Handed::Record(Decoded::Agent(again)) = read(gone) else { panic!("no agent") };
    assert_eq!(seen.id, again.id, "without an id it is known by what it says");
}

#[test]
fn a_state_whose_end_is_known_is_an_activity() {
    let until =
        |end: &str| STATE.replace("\"status_since\"", &format!("\"until\": \"{end}\", \"status_since\""));
    let Handed::Record(Decoded::Agent(seen)) = read(&until("2026-03-02T09:12:00Z")) else {
        panic!("no agent")
    };
    let What::Activity { snapshot, until: end } = seen.what else { panic!("no activity") };
    assert_eq!((&*snapshot.status.name, end), ("Available", at("2026-03-02T09:12:00Z")));
    assert_eq!(fault(&until("2026-03-02T09:00:00Z"), "kind", "kind"), "until: not later than the start");
    let confirmed =
        until("2026-03-02T09:12:00Z").replace("\"kind\"", "\"change\": \"confirmation\", \"kind\"");
    assert_eq!(fault(&confirmed, "kind", "kind"), "until: not known here", "only a state ends by itself");
}

#[test]
fn a_phase_may_have_a_name_of_the_acd() {
    let named = STATE.replace("\"phase\"", "\"phase_name\": \"IN_CALL\", \"phase\"");
    let Handed::Record(Decoded::Agent(seen)) = read(&named) else { panic!("no agent") };
    let What::Snapshot(snapshot) = seen.what else { panic!("no snapshot") };
    assert_eq!(
        (&*snapshot.contacts[0].phase_text, snapshot.contacts[0].phase),
        ("IN_CALL", ContactPhase::Connected)
    );
}

#[test]
fn a_contact_is_one_leg() {
    let Handed::Record(Decoded::Contact(leg)) = read(CONTACT) else { panic!("no contact") };
    assert_eq!((leg.direction, &*leg.initiation), (Direction::Inbound, "INBOUND"));
    assert_eq!(leg.version.updated, at("2026-03-02T09:10:00Z"));
    let queue = leg.queue.unwrap();
    assert_eq!((queue.waited, queue.rang), (Some(Millis::new(12_346)), None), "rounded to the millisecond");
    let agent = leg.agent.unwrap();
    assert_eq!((agent.talk, agent.acw), (Millis::from_seconds(300), Millis::from_seconds(20)));
    assert_eq!(&*agent.login, "1001", "an agent without a login is known by his id");
}

#[test]
fn a_row_says_under_our_columns_what_the_acd_has_computed() {
    let Handed::Row(row) = read(ROW) else { panic!("no row") };
    assert_eq!((row.interval_start, row.interval_s), (at("2026-03-02T09:00:00Z"), Millis::from_minutes(15)));
    assert_eq!(row.get(Column::Offered), Some(Value::Count(12)));
    assert_eq!(row.get(Column::Talk), Some(Value::Duration(Millis::new(3_210_500))));
    assert_eq!(row.get(Column::ServiceLevel).unwrap().to_string(), "91.67");
    assert_eq!(row.get(Column::Abandoned), None, "what is not said is not 0");
}

#[test]
fn what_is_wrong_is_named_by_its_place_and_never_repeated() {
    assert_eq!(fault(STATE, "agent_state", "agent"), "kind: not known here");
    assert_eq!(fault(STATE, "\"kind\": \"agent_state\", ", ""), "kind: missing");
    assert_eq!(fault(STATE, "\"agent\": \"1001\", ", ""), "agent: missing");
    assert_eq!(fault(STATE, "\"1001\"", "\"\""), "agent: empty");
    assert_eq!(fault(STATE, "1001", &"1".repeat(513)), "agent: too large");
    assert_eq!(
        fault(STATE, "2026-03-02T09:00:00Z", "02.03.2026"),
        "at: not a time in RFC 3339 such as 2026-03-01T09:15:00Z"
    );
    assert_eq!(fault(STATE, "\"routable\"", "\"ready\""), "status.routing: not known here");
    assert_eq!(fault(STATE, "\"c-1\"", "5"), "contacts[0].id: wrong type: found an integer");
    assert_eq!(fault(STATE, "\"channel\": \"voice\", ", ""), "contacts[0].channel: missing");
    assert_eq!(fault(STATE, "\"team\"", "\"taem\""), "taem: not known here");
    assert_eq!(fault(CONTACT, "12.3456", "-1"), "queue.waited_s: negative duration");
    assert_eq!(fault(CONTACT, "\"talk_s\": 300", "\"talk_s\": 1e12"), "agent.talk_s: too large");
    assert_eq!(fault(CONTACT, "\"updated\": \"2026-03-02T09:10:00Z\", ", ""), "updated: missing");
    assert_eq!(fault(ROW, "\"offered\"", "\"ofered\""), "values.ofered: not known here");
    assert_eq!(fault(ROW, "12,", "12.5,"), "values.offered: wrong type: found a number with decimals");
    let Handed::Row(row) = read(&ROW.replace("12,", "12.0,")) else { panic!("no row") };
    assert_eq!(row.get(Column::Offered), Some(Value::Count(12)), "JSON does not tell 12.0 from 12");
    assert_eq!(fault(ROW, "\"queue\": {\"name\": \"Sales\"},", ""), "queue: missing");
    assert_eq!(
        fault(ROW, "queue_interval", "sessions"),
        "report: not known here",
        "a session is no interval"
    );
    assert_eq!(fault(ROW, "\"interval_s\": 900", "\"interval_s\": 0"), "interval_s: missing");
    assert_eq!(fault(STATE, "}", ""), "not JSON: EOF while parsing an object at line 7 column 1");
}

#[test]
fn r28_a_record_has_at_most_32_kib() {
    let filled = |bytes: usize| {
        let record = STATE.to_owned();
        let fill = " ".repeat(bytes - record.len());
        PushDecoder::read((record + &fill).as_bytes(), order())
    };
    assert!(filled(32 << 10).is_ok());
    assert_eq!(filled((32 << 10) + 1).unwrap_err().to_string(), "longer than 32768 bytes");
}

/// A lane that is full of records.
#[derive(Debug, Default)]
pub(super) struct Records {
    waiting: Mutex<Vec<HandedRecord>>,
    gone: Mutex<u64>,
}

impl Records {
    fn put(&self, bodies: &[&str]) {
        let mut waiting = self.waiting.lock().unwrap();
        let last = waiting.last().map_or(*self.gone.lock().unwrap(), |record| record.number);
        let records = bodies.iter().zip(last + 1..).map(|(body, number)| HandedRecord {
            number,
            at: Timestamp::from_seconds(100),
            body: body.as_bytes().to_vec(),
        });
        waiting.extend(records);
    }
}

#[async_trait]
impl Inlet for Records {
    async fn after(&self, after: u64, most: usize) -> Result<Vec<HandedRecord>, SourceError> {
        let waiting = self.waiting.lock().unwrap();
        Ok(waiting.iter().filter(|record| record.number > after).take(most).cloned().collect())
    }

    async fn let_go(&self, until: u64) -> Result<(), SourceError> {
        *self.gone.lock().unwrap() = until;
        self.waiting.lock().unwrap().retain(|record| record.number > until);
        Ok(())
    }

    async fn more(&self) {
        std::future::pending::<()>().await;
    }
}

fn reader(records: &Arc<Records>, read: u64) -> Box<dyn PartitionReader> {
    let clock = Arc::new(|| Timestamp::from_seconds(130));
    let source = PushSource::new(records.clone(), clock, false);
    let from = Position::Number(read);
    source.open(&Opening { partition: LANE.into(), from, watermark: None, parents: Vec::new() }).unwrap()
}

#[tokio::test]
async fn what_was_read_is_let_go_of_once_the_next_is_asked_for() {
    let records = Arc::new(Records::default());
    let bad_row = ROW.replace("900", "0");
    records.put(&[STATE, "no json", ROW, CONTACT, &bad_row]);
    let mut reader = reader(&records, 0);
    let chunk = reader.next().await.unwrap();
    let positions: Vec<_> = chunk.records.iter().map(|record| record.position.clone()).collect();
    assert_eq!(positions, [1, 2, 4].map(Position::Number), "what is no row is read by whoever takes it");
    assert!(chunk.is_judged, "and stops nobody");
    assert_eq!((&chunk.broken[0].position, chunk.broken.len()), (&Position::Number(5), 1));
    assert_eq!((chunk.rows.len(), &*chunk.rows[0].telling.file), (1, "push 3"));
    assert_eq!((chunk.position, chunk.behind), (Position::Number(5), Some(Millis::from_seconds(30))));
    assert_eq!(chunk.watermark, Some(Timestamp::from_seconds(130)), "all that was handed in is read");
    assert_eq!(*records.gone.lock().unwrap(), 0, "nobody has said yet that it is committed");
    let idle = reader.next().await.unwrap();
    assert_eq!((idle.records.len(), idle.position), (0, Position::Number(5)));
    assert_eq!(idle.watermark, Some(Timestamp::from_seconds(130)), "time goes on while nothing comes");
    assert_eq!(*records.gone.lock().unwrap(), 5);
}

#[tokio::test]
async fn r28_a_thousand_records_are_read_at_once_and_the_lane_is_known_up_to_the_last_of_them() {
    let records = Arc::new(Records::default());
    records.put(&[STATE; 1001]);
    let mut reader = reader(&records, 0);
    let first = reader.next().await.unwrap();
    assert_eq!((first.records.len(), first.watermark), (1000, Some(Timestamp::from_seconds(100))));
    let rest = reader.next().await.unwrap();
    assert_eq!((rest.records.len(), rest.position), (1, Position::Number(1001)));
}
