//! Made up from the service model of the API (version `2017-08-08`): no answer of a real instance was at hand.

use pegboard_model::{ContactPhase, StatusKind, Timestamp};

use super::directory::{Directory, Listing};
use super::hostile::{self, USERS, directory};
use super::page::Users;
use crate::spec::Look;

#[path = "../../../../tests/fuzz/mutate.rs"]
mod mutate;

fn asked() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn look() -> Look {
    let mut users = Users::default();
    users.take(USERS.as_bytes(), asked(), &directory()).unwrap();
    users.into_look().unwrap()
}

fn taken(page: &str) -> Users {
    let mut users = Users::default();
    users.take(page.as_bytes(), asked(), &directory()).unwrap();
    users
}

#[test]
fn every_shape_of_a_user() {
    insta::assert_debug_snapshot!(look());
}

#[test]
fn the_token_of_the_next_page_is_handed_out() {
    let mut users = Users::default();
    let next = users.take(USERS.as_bytes(), asked(), &Directory::default());
    assert_eq!(next, Ok(Some("next-page".to_owned())));
}

#[test]
fn hold_has_no_start_of_its_own() {
    let look = look();
    let contacts = look.shown.iter().flat_map(|shown| &shown.snapshot.contacts);
    let held: Vec<_> = contacts.filter(|contact| contact.phase == ContactPhase::Held).collect();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].since, None, "the platform shows when it was connected");
}

#[test]
fn r28_after_contact_work_of_more_than_a_day_was_left_behind() {
    let user = |seconds: i64| {
        let start = asked().as_millis() / 1000 - seconds;
        format!(
            r#"{{"UserDataList":[{{"User":{{"Id":"u"}},"Status":{{"StatusName":"Available"}},"Contacts":[{{
            "ContactId":"c","Channel":"VOICE","InitiationMethod":"INBOUND","AgentContactState":"ENDED",
            "StateStartTimestamp":{start}}}]}}]}}"#
        )
    };
    let contacts = |seconds| taken(&user(seconds)).shown[0].snapshot.contacts.len();
    assert_eq!((contacts(24 * 3600), contacts(24 * 3600 + 1)), (1, 0));
}

#[test]
fn a_status_without_a_known_type_is_judged_by_its_name() {
    let page = |name: &str| {
        format!(
            r#"{{"UserDataList":[{{"User":{{"Id":"u"}},"Status":{{"StatusArn":"arn:x/agent-state/new","StatusName":"{name}"}}}}]}}"#
        )
    };
    let kind = |name| taken(&page(name)).shown[0].snapshot.status.kind;
    assert_eq!(
        (kind("available"), kind("Offline"), kind("Yoga")),
        (StatusKind::Routable, StatusKind::Offline, StatusKind::Aux)
    );
    assert!(taken(&page("Yoga")).misses_names, "the directory is to be asked again");
}

#[test]
fn a_user_without_a_status_is_there_and_nothing_is_said_of_him() {
    let users = taken(r#"{"UserDataList":[{"User":{"Id":"u"}}]}"#);
    assert_eq!((users.shown.len(), users.unclear), (0, vec!["u".into()]));
}

#[test]
fn a_user_without_an_id_makes_the_whole_look_void() {
    let mut users = Users::default();
    let error = users.take(br#"{"UserDataList":[{"User":{}}]}"#, asked(), &directory());
    assert!(error.unwrap_err().to_string().contains("UserDataList[0].User"));
}

#[test]
fn a_page_of_another_form_is_told_by_its_place_and_not_by_its_contents() {
    let mut users = Users::default();
    let page = br#"{"UserDataList":[{"User":{"Id":{"secret-name":1}}}]}"#;
    let error = users.take(page, asked(), &directory()).unwrap_err().to_string();
    assert!(error.contains("UserDataList[0].User.Id") && !error.contains("secret"), "{error}");
}

#[test]
fn of_an_agent_on_two_pages_the_later_counts() {
    let page = |status: &str| {
        format!(r#"{{"UserDataList":[{{"User":{{"Id":"u"}},"Status":{{"StatusName":"{status}"}}}}]}}"#)
    };
    let mut users = taken(&page("Available"));
    let later = asked() + pegboard_model::Millis::from_seconds(1);
    users.take(page("Break").as_bytes(), later, &directory()).unwrap();
    let look = users.into_look().unwrap();
    assert_eq!((look.began, look.shown.len(), look.shown[0].at), (asked(), 1, later));
    assert_eq!(&*look.shown[0].snapshot.status.name, "Break");
}

#[test]
fn an_empty_page_is_a_look_and_none_at_all_is_not() {
    assert_eq!(taken("{}").into_look().map(|look| look.shown.len()), Some(0));
    assert_eq!(Users::default().into_look(), None);
}

#[test]
fn s35_pages_of_users_are_hostile() {
    mutate::fuzz("pages of users", &hostile::users::corpus(), hostile::users::take);
}

#[test]
fn s35_pages_of_names_are_hostile() {
    mutate::fuzz("pages of names", &hostile::names::corpus(), hostile::names::take);
}

#[test]
fn a_key_of_any_length_is_not_repeated_whole() {
    let page = format!("{{\"{}\":{{\"a", "k".repeat(1 << 16));
    let error = Directory::default().take(Listing::Queues, page.as_bytes()).unwrap_err();
    assert!(error.to_string().len() < 200, "{error}");
}
