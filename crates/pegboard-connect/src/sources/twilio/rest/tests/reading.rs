//! Events that are asked for, as a partition beside that of those that are posted.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use pegboard_model::{Millis, Order, PartitionId, Position, StatusKind, Timestamp, What};
use serde_json::json;

use super::super::super::{Asking, LANE, TwilioSite, TwilioSource};
use super::super::RepairSettings;
use super::{Played, answer, noon, workspace};
use crate::spec::{Decoded, HandedRecord, Inlet, Progress, Source as _, SourceError};

/// Nothing is posted.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Inlet for Nothing {
    async fn after(&self, _: u64, _: usize) -> Result<Vec<HandedRecord>, SourceError> {
        Ok(Vec::new())
    }
    async fn let_go(&self, _: u64) -> Result<(), SourceError> {
        Ok(())
    }
    async fn more(&self) {}
}

/// A workspace in which two events happened shortly before noon, and contacts are offered in the activity `Ready`.
fn played() -> Arc<Played> {
    Played::new(|url| {
        let before = |seconds: i64| noon().as_millis() - seconds * 1000;
        let event = |sid: &str, seconds| json!({ "sid": sid, "event_date_ms": before(seconds) });
        let body = if url.contains("/Events?") {
            json!({ "events": [event("EV2", 10), event("EV1", 20)], "meta": {} })
        } else {
            let ready = json!({ "sid": "WA9", "friendly_name": "Ready", "available": true });
            json!({ "activities": [ready], "meta": {} })
        };
        Ok(answer(200, &[], &body.to_string()))
    })
}

fn source(start: Option<Timestamp>) -> TwilioSource {
    let repair = RepairSettings::default();
    let asking = Asking { task_router: workspace(&played()), start, repair, lists_activities: true };
    TwilioSource::new(Arc::new(Nothing), Arc::new(noon), TwilioSite::default()).asking(asking)
}

const EVENTS: &str = "twilio-events:WS1#1";

fn number(at: Timestamp) -> Position {
    Position::Number(at.as_millis().unsigned_abs())
}

/// A change to an activity that only the workspace knows to be available.
fn form(sid: &str) -> String {
    let at = noon().as_millis() - 10_000;
    format!(
        "EventType=worker.activity.update&Sid={sid}&TimestampMs={at}&WorkerSid=WK1&WorkerActivitySid=WA9&WorkerActivityName=Ready"
    )
}

fn order(partition: &str) -> Order {
    Order { partition: partition.into(), position: Position::Number(1) }
}

#[tokio::test]
async fn what_is_asked_for_is_a_partition_of_its_own_that_is_complete_up_to_its_position() {
    let source = source(None);
    let plan = source.plan(&BTreeMap::new()).await.unwrap();
    let names: Vec<&str> = plan.open.iter().map(|opening| opening.partition.as_str()).collect();
    assert_eq!(names, [LANE, EVENTS]);
    assert_eq!(plan.open[1].from, number(noon()), "from the first start on");
    let chunk = source.open(&plan.open[1]).unwrap().next().await.unwrap();
    assert_eq!((&chunk.position, chunk.watermark), (&number(noon()), Some(noon())));
    let places: Vec<_> = chunk.records.iter().map(|record| record.position.to_string()).collect();
    let millis = noon().as_millis();
    assert_eq!(places, [format!("{millis}/00000"), format!("{millis}/00001")], "the earlier event first");
    assert!(chunk.records[0].position < chunk.records[1].position);
}

#[tokio::test]
async fn an_event_that_was_posted_is_not_taken_from_the_list_as_well() {
    let source = source(None);
    let opening = source.plan(&BTreeMap::new()).await.unwrap().open.remove(1);
    let mut decoder = source.decoder();
    decoder.decode(form("EV1").as_bytes(), order(LANE)).unwrap();
    // What was asked for before and was not committed is not kept anywhere else.
    decoder.decode(form("EV2").as_bytes(), order(EVENTS)).unwrap();
    let chunk = source.open(&opening).unwrap().next().await.unwrap();
    let records: Vec<_> =
        chunk.records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect();
    assert!(matches!(&records[..], [only] if only.contains("EV2")), "{records:?}");
}

#[tokio::test]
async fn asking_goes_on_where_it_stood_and_begins_again_as_another_partition() {
    let early = noon() - Millis::from_hours(5);
    let source = source(Some(early));
    let opening = async |known: &[(&str, Progress)]| {
        let known = known.iter().map(|(name, progress)| (PartitionId::from(*name), progress.clone()));
        let opening = source.plan(&known.collect()).await.unwrap().open.remove(1);
        (opening.partition.to_string(), opening.from)
    };
    assert_eq!(opening(&[]).await, (EVENTS.to_owned(), number(early)));
    let later = early + Millis::from_hours(1);
    let started = Progress::Started { position: number(later), watermark: Some(later) };
    assert_eq!(opening(&[(EVENTS, started)]).await, (EVENTS.to_owned(), number(later)));
    let again = ("twilio-events:WS1#2".to_owned(), number(noon()));
    assert_eq!(opening(&[(EVENTS, Progress::Finished)]).await, again, "not from before it was given up");
    let of_another = [("twilio-events:WS2#1", Progress::Finished)];
    assert_eq!(opening(&of_another).await, (EVENTS.to_owned(), number(early)));
}

#[tokio::test]
async fn the_workspace_says_which_activities_are_available() {
    let source = source(None);
    let kind = || {
        let Decoded::Told { seen, .. } =
            source.decoder().decode(form("EV1").as_bytes(), order(LANE)).unwrap()
        else {
            panic!("an event is told")
        };
        let What::Status { status, .. } = &seen[0].what else { panic!("{seen:?}") };
        (status.kind, status.name.to_string())
    };
    assert_eq!(kind(), (StatusKind::Aux, "Ready".to_owned()));
    source.plan(&BTreeMap::new()).await.unwrap();
    assert_eq!(kind(), (StatusKind::Routable, "Ready".to_owned()));
    assert!(source.snapshots().is_some());
}
