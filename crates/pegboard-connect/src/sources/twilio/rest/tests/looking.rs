//! Agents as they are shown.

use std::sync::Arc;

use pegboard_model::{AgentId, Channel, ContactPhase, StatusKind};
use serde_json::{Value, json};

use super::super::super::{Activities, MOST_QUESTIONS, SiteStyle, TwilioSnapshots};
use super::{Played, answer, noon, workspace};
use crate::spec::{Look, Snapshots as _, SourceError, Whom};

fn worker(sid: &str, activity: &str) -> Value {
    json!({
        "sid": sid, "friendly_name": format!("{sid}@example.com"), "attributes": r#"{"full_name":"Ann","team_name":"North"}"#,
        "activity_sid": format!("WA{activity}"), "activity_name": activity, "date_status_changed": "2026-01-01T11:00:00Z",
    })
}

fn task(sid: &str) -> Value {
    json!({
        "sid": sid, "assignment_status": "assigned", "attributes": r#"{"direction":"outbound"}"#,
        "task_channel_unique_name": "voice", "task_queue_sid": "WQ1", "task_queue_friendly_name": "Sales",
    })
}

fn held(sid: &str, (worker, task): (&str, &str), status: &str, updated: &str) -> Value {
    json!({
        "sid": sid, "worker_sid": worker, "task_sid": task, "reservation_status": status,
        "date_updated": format!("2026-01-01T{updated}Z"),
    })
}

/// A workspace of these agents and tasks, with these reservations.
fn floor(workers: Vec<Value>, tasks: Vec<Value>, held: Vec<Value>) -> Arc<Played> {
    Played::new(move |asked| {
        let path = asked.split_once("/WS1/").unwrap().1.split_once('?').unwrap().0;
        let (key, listed) = match path.split('/').collect::<Vec<_>>()[..] {
            ["Workers"] => ("workers", workers.clone()),
            ["Tasks"] => ("tasks", tasks.clone()),
            [_, "WTgone", _] => return Ok(answer(404, &[], r#"{"code":20404}"#)),
            [_, holder, "Reservations"] => {
                let of = |one: &&Value| one["task_sid"] == holder || one["worker_sid"] == holder;
                ("reservations", held.iter().filter(of).cloned().collect())
            }
            _ => panic!("{path}"),
        };
        Ok(answer(200, &[], &json!({ key: listed, "meta": {} }).to_string()))
    })
}

async fn look(played: &Arc<Played>, style: SiteStyle, at: Whom<'_>) -> Result<Look, SourceError> {
    let activities = Activities::new(["WAReady"], ["Offline"]);
    TwilioSnapshots::new(workspace(played), style, activities).look(at).await
}

fn usual() -> Arc<Played> {
    floor(
        vec![
            worker("WK1", "Ready"),
            worker("WK2", "Lunch"),
            worker("WK3", "Offline"),
            worker("WK4", "Ready"),
        ],
        vec![task("WT1"), task("WT2"), task("WTgone")],
        vec![
            held("WR1", ("WK1", "WT1"), "accepted", "11:50:00"),
            held("WR2", ("WK2", "WT2"), "wrapping", "11:51:00"),
            held("WR3", ("WK2", "WT1"), "rescinded", "11:49:00"),
            held("WR4", ("WK4", "WT2"), "pending", "12:00:05"),
        ],
    )
}

#[tokio::test]
async fn everybody_is_shown_with_the_contacts_of_that_moment() {
    let look = look(&usual(), SiteStyle::Composed, Whom::Everybody).await.unwrap();
    assert_eq!((look.began, look.unclear), (noon(), vec![AgentId::from("WK4")]));
    let shown = |agent: &str| {
        let shown = look.shown.iter().find(|shown| shown.agent.as_str() == agent).unwrap();
        (shown.snapshot.status.kind, shown.snapshot.contacts.clone())
    };
    let (kind, contacts) = shown("WK1");
    assert_eq!(kind, StatusKind::Routable);
    let [contact] = &contacts[..] else { panic!("{contacts:?}") };
    assert_eq!(
        (&contact.channel, contact.phase, contact.outbound),
        (&Channel::Voice, ContactPhase::Connected, true)
    );
    assert_eq!(&*contact.queue.as_ref().unwrap().name, "Sales");
    assert_eq!(contact.since.unwrap().to_string(), "2026-01-01T11:50:00Z");
    let (kind, contacts) = shown("WK2");
    assert_eq!((kind, contacts.len(), contacts[0].phase), (StatusKind::Aux, 1, ContactPhase::Wrapping));
    assert_eq!(shown("WK3"), (StatusKind::Offline, Vec::new()));
    let profile = look.shown[0].snapshot.profile.as_ref().unwrap();
    assert_eq!((&*profile.login, &*profile.name, &*profile.team), ("WK1@example.com", "Ann", "North"));
}

#[tokio::test]
async fn a_few_agents_are_asked_for_one_by_one() {
    let played = usual();
    let one = [AgentId::from("WK1"), AgentId::from("WKunknown")];
    let look = look(&played, SiteStyle::Composed, Whom::Only(&one)).await.unwrap();
    assert_eq!((look.shown.len(), look.shown[0].snapshot.contacts.len()), (1, 1));
    let reservations = played.asked().iter().filter(|asked| asked.contains("Reservations")).count();
    assert_eq!(reservations, 1);
}

#[tokio::test]
async fn where_a_plug_in_switches_activities_nobody_is_asked_for_contacts() {
    let played = usual();
    let look = look(&played, SiteStyle::ActivityAlone, Whom::Everybody).await.unwrap();
    assert_eq!(look.shown.len(), 4);
    assert!(look.shown.iter().all(|shown| shown.snapshot.contacts.is_empty()));
    assert_eq!(played.asked().len(), 1);
}

#[tokio::test]
async fn without_attributes_the_name_is_not_known_and_without_an_activity_nothing_is() {
    let mut without = worker("WK1", "Ready");
    without["attributes"] = Value::Null;
    let mut nothing = worker("WK2", "Ready");
    nothing["activity_name"] = Value::Null;
    let played = floor(vec![without, nothing], Vec::new(), Vec::new());
    let look = look(&played, SiteStyle::Composed, Whom::Everybody).await.unwrap();
    assert_eq!(look.shown[0].snapshot.profile, None);
    assert_eq!(look.unclear, [AgentId::from("WK2")]);
}

#[tokio::test]
async fn r28_a_look_asks_for_the_reservations_of_2000_contacts_at_most() {
    let many = |count: usize| {
        let tasks: Vec<Value> = (0..count).map(|number| task(&format!("WT{number}"))).collect();
        Played::new(move |asked| {
            if asked.contains("Reservations") {
                return Ok(answer(200, &[], r#"{"reservations":[]}"#));
            }
            if asked.contains("Workers") {
                return Ok(answer(200, &[], r#"{"workers":[]}"#));
            }
            let page: usize = asked.rsplit_once("&Page=").map_or(0, |(_, page)| page.parse().unwrap());
            let shown: Vec<_> = tasks.iter().skip(page * 1000).take(1000).collect();
            let next = format!("{}&Page={}", asked.split("&Page=").next().unwrap(), page + 1);
            let next = ((page + 1) * 1000 < tasks.len()).then_some(next);
            Ok(answer(200, &[], &json!({ "tasks": shown, "meta": { "next_page_url": next } }).to_string()))
        })
    };
    assert!(look(&many(MOST_QUESTIONS), SiteStyle::Composed, Whom::Everybody).await.is_ok());
    let refused = look(&many(MOST_QUESTIONS + 1), SiteStyle::Composed, Whom::Everybody).await.unwrap_err();
    assert!(refused.message.contains("2001 contacts") && !refused.needs_action, "{refused}");
}
