use pegboard_model::{ContactPhase, Observation, StatusKind, What};

use super::super::{Activities, SiteStyle, observations};
use super::{callback, event, order, reservation, task};

fn seen(text: &str, style: SiteStyle) -> Vec<Observation> {
    observations(&event(text), style, &Activities::default(), &order())
}

fn activity(name: &str, version: u64) -> String {
    let more = format!(
        "&WorkerSid=WK1&WorkerName=ann%40example.com&WorkerVersion={version}&WorkerActivitySid=WA-{name}&WorkerActivityName={name}\
         &WorkerAttributes=%7B%22full_name%22%3A%22Ann%22%2C%22team_name%22%3A%22North%22%7D"
    );
    callback("EV1", "worker.activity.update", 1000, &more)
}

#[test]
fn an_activity_is_a_status_with_the_version_of_its_agent() {
    let seen = seen(&activity("Break", 12), SiteStyle::Composed);
    let [one] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((one.agent.as_str(), &*one.id.to_string()), ("WK1", "EV1"));
    let What::Status { status, since, version, profile } = &one.what else { panic!("{one:?}") };
    assert_eq!((&*status.name, status.kind, *version), ("Break", StatusKind::Aux, Some(12)));
    assert_eq!(status.id.as_ref().unwrap().as_str(), "WA-Break");
    assert_eq!(*since, Some(one.at));
    let profile = profile.as_ref().unwrap();
    assert_eq!((&*profile.login, &*profile.name, &*profile.team), ("ann@example.com", "Ann", "North"));
}

#[test]
fn what_an_activity_means_is_told_by_id_or_name() {
    let kind = |name: &str, activities: &Activities| {
        let event = event(&activity(name, 1));
        match &observations(&event, SiteStyle::Composed, activities, &order())[0].what {
            What::Status { status, .. } => status.kind,
            other => panic!("{other:?}"),
        }
    };
    let usual = Activities::default();
    assert_eq!(kind("available", &usual), StatusKind::Routable);
    assert_eq!(kind("Offline", &usual), StatusKind::Offline);
    assert_eq!(kind("Lunch", &usual), StatusKind::Aux);
    let own = Activities::new(["wa-frei"], ["weg"]);
    assert_eq!(kind("Frei", &own), StatusKind::Routable);
    assert_eq!(kind("Weg", &own), StatusKind::Offline);
    assert_eq!(kind("Offline", &own), StatusKind::Aux);
}

#[test]
fn a_reservation_is_a_contact_of_its_agent_until_it_is_over() {
    let told = |kind: &str, version: u64| {
        seen(&callback("EV2", kind, 2000, &(task(1) + &reservation("WR1", version))), SiteStyle::Composed)
    };
    for (kind, phase) in [
        ("reservation.created", ContactPhase::Alerting),
        ("reservation.accepted", ContactPhase::Connected),
        ("reservation.wrapup", ContactPhase::Wrapping),
    ] {
        let seen = told(kind, 3);
        assert_eq!(seen.iter().map(|one| one.id.to_string()).collect::<Vec<_>>(), ["EV2/activity", "EV2"]);
        assert!(matches!(&seen[0].what, What::Status { version: Some(7), since: None, .. }), "{seen:?}");
        let What::Contact { contact, version } = &seen[1].what else { panic!("{seen:?}") };
        assert_eq!((contact.phase, *version, contact.since), (phase, Some(3), Some(seen[1].at)));
        assert_eq!(&*contact.queue.as_ref().unwrap().name, "Sales");
    }
    for kind in ["rejected", "timeout", "canceled", "rescinded", "completed"] {
        let seen = told(&format!("reservation.{kind}"), 4);
        assert!(
            matches!(&seen[1].what, What::ContactGone { contact, version: Some(4) } if contact.to_string() == "WR1"),
            "{seen:?}"
        );
    }
}

#[test]
fn where_a_plug_in_switches_activities_reservations_say_nothing_of_their_own() {
    let text = callback("EV2", "reservation.accepted", 2000, &(task(1) + &reservation("WR1", 2)));
    let seen = seen(&text, SiteStyle::ActivityAlone);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].id.to_string(), "EV2");
    assert!(matches!(seen[0].what, What::Status { .. }), "{seen:?}");
}

#[test]
fn an_agent_who_is_removed_has_signed_out_and_a_failed_reservation_is_nobodys() {
    let gone = seen(&callback("EV3", "worker.deleted", 0, "&WorkerSid=WK1"), SiteStyle::Composed);
    assert!(matches!(gone[..], [Observation { what: What::SignOut(None), .. }]), "{gone:?}");
    let failed = callback("EV4", "reservation.failed", 0, &(task(0) + "&ReservationSid=WR1"));
    assert_eq!(seen(&failed, SiteStyle::Composed), []);
}
