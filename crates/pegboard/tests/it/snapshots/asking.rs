//! The questions themselves, and how they fail.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use pegboard::runtime::intake::Gates;
use pegboard_aws as aws;
use pegboard_connect::spec::{Snapshots as _, Whom};
use pegboard_sim::stand_in::amazon_connect::{Fault, StandIn, Wrong};
use pegboard_sim::{Centre, Config, Simulation};

use super::watched::{connect, environment, snapshots};
use crate::support::day::morning;

/// A centre at its busiest, with more agents than a page shows.
fn busy(agents: usize) -> (Simulation, StandIn) {
    let simulation = Centre::new(Config::new(agents, morning(), 3, 5)).run();
    let stand_in = StandIn::serve(simulation.organisation.clone()).unwrap();
    stand_in.show(&simulation.changes, simulation.config.end());
    (simulation, stand_in)
}

fn once(operation: &'static str, what: Wrong) -> Fault {
    Fault { operation, later_pages_only: false, times: 1, what }
}

#[tokio::test]
async fn all_pages_make_one_look_and_every_request_is_as_the_model_has_it() {
    let (_, stand_in) = busy(400);
    let snapshots = snapshots(&stand_in);
    let look = snapshots.look(Whom::Everybody).await.unwrap();
    let counts = stand_in.counts();
    assert!(look.shown.len() > 100 && counts.requests["GetCurrentUserData"] >= 2, "{counts:?}");
    assert_eq!((&*counts.refused, look.unclear.len()), (&[][..], 0));
    assert!(look.shown.iter().all(|shown| shown.snapshot.profile.is_some()), "everything has a name");
    assert!(look.shown.iter().all(|shown| shown.at <= morning() + pegboard_model::Millis::from_hours(3)));

    let some: Vec<_> = look.shown[..150].iter().map(|shown| shown.agent.clone()).collect();
    let only = snapshots.look(Whom::Only(&some)).await.unwrap();
    assert_eq!((only.shown.len(), stand_in.counts().refused.len()), (150, 0));
    assert_eq!(stand_in.counts().requests["ListAgentStatuses"], 1, "names are kept");
}

#[tokio::test]
async fn failures_that_pass_are_tried_again() {
    for what in [Wrong::Throttled, Wrong::ServerError, Wrong::BreaksOff] {
        let (_, stand_in) = busy(20);
        for operation in ["GetCurrentUserData", "ListQueues", "SearchUsers"] {
            stand_in.fail(Fault { times: 2, ..once(operation, what) });
        }
        snapshots(&stand_in).look(Whom::Everybody).await.unwrap();
        assert_eq!(stand_in.counts().faults, 6, "{what:?}");
    }
}

#[tokio::test]
async fn a_failure_that_lasts_is_told_and_is_nobodys_to_mend() {
    let (_, stand_in) = busy(20);
    stand_in.fail(Fault { times: u32::MAX, ..once("GetCurrentUserData", Wrong::Throttled) });
    let error = snapshots(&stand_in).look(Whom::Everybody).await.unwrap_err();
    assert!(!error.needs_action && error.message.contains("throttled"), "{}", error.message);
    assert_eq!(stand_in.counts().faults, 4, "one request and three more");
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    for operation in
        ["GetCurrentUserData", "ListRoutingProfiles", "ListAgentStatuses", "ListUserHierarchyGroups"]
    {
        let (_, stand_in) = busy(20);
        stand_in.fail(once(operation, Wrong::Denied));
        let error = snapshots(&stand_in).probe().await.unwrap_err();
        assert!(
            error.needs_action && error.message.contains(&format!("allow connect:{operation} ")),
            "{error}"
        );
        assert_eq!(stand_in.counts().faults, 1, "asking again would not help");
    }
}

#[tokio::test]
async fn an_answer_of_another_form_is_an_error_and_no_empty_floor() {
    let (_, stand_in) = busy(20);
    stand_in.fail(once("GetCurrentUserData", Wrong::Garbled));
    let error = snapshots(&stand_in).look(Whom::Everybody).await.unwrap_err();
    assert!(error.needs_action && error.message.contains("GetCurrentUserData"), "{error}");
}

#[tokio::test]
async fn an_answer_of_more_than_one_mib_is_an_error_of_the_look() {
    let (_, stand_in) = busy(20);
    stand_in.fail(once("GetCurrentUserData", Wrong::Padded(1024 * 1024)));
    snapshots(&stand_in).look(Whom::Everybody).await.unwrap();
    stand_in.fail(once("GetCurrentUserData", Wrong::Padded(1024 * 1024 + 1)));
    let error = snapshots(&stand_in).look(Whom::Everybody).await.unwrap_err();
    assert!(error.needs_action && error.message.contains("longer than 1048576 bytes"), "{error}");
}

#[tokio::test]
async fn r28_a_look_has_1000_pages_at_most() {
    let (_, stand_in) = busy(20);
    stand_in.fail(Fault { times: u32::MAX, ..once("GetCurrentUserData", Wrong::Endless) });
    let error = snapshots(&stand_in).look(Whom::Everybody).await.unwrap_err();
    assert!(error.message.contains("more than 1000 pages"), "{error}");
    assert_eq!(stand_in.counts().requests["GetCurrentUserData"], 1000);
}

#[tokio::test]
async fn r28_a_request_names_100_agents_at_most() {
    let (simulation, stand_in) = busy(120);
    let agents = simulation.organisation.agents.iter().map(|card| card.agent_id.clone());
    let agents: Vec<_> = agents.take(101).collect();
    let snapshots = snapshots(&stand_in);
    let requests = || stand_in.counts().requests.get("GetCurrentUserData").copied().unwrap_or(0);
    snapshots.look(Whom::Only(&agents[..100])).await.unwrap();
    assert_eq!(requests(), 1);
    snapshots.look(Whom::Only(&agents)).await.unwrap();
    assert_eq!((requests(), stand_in.counts().refused), (3, vec![]));
}

#[tokio::test]
async fn an_instance_that_is_not_there_is_not_found() {
    let (_, stand_in) = busy(20);
    let config = aws::ConnectConfig { instance: "another".to_owned(), ..connect(&stand_in) };
    let snapshots = pegboard_connect::sources::amazon_connect::ConnectSnapshots::new(config, environment());
    let error = snapshots.look(Whom::Everybody).await.unwrap_err();
    assert!(error.needs_action && error.message.contains("check the instance id"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_reached() {
    let (_, stand_in) = busy(20);
    let mut config = connect(&stand_in);
    config.backoff.attempts = 2;
    drop(stand_in);
    let snapshots = pegboard_connect::sources::amazon_connect::ConnectSnapshots::new(config, environment());
    let error = snapshots.look(Whom::Everybody).await.unwrap_err();
    assert!(!error.needs_action && error.message.contains("no answer"), "{error}");
}

#[tokio::test]
async fn a_source_is_asked_as_it_is_configured() {
    let (_, stand_in) = busy(20);
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "AKIAEXAMPLE").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    secret("id");
    secret("key");
    let text = format!(
        "[[source]]\nname = \"main\"\nkind = \"amazon-connect\"\n[source.kinesis]\nstream = \"agents\"\n\
         region = \"eu-central-1\"\naccess_key_id = \"file:id\"\nsecret_access_key = \"file:key\"\n\
         [source.connect]\ninstance_id = \"{}\"\nendpoint = \"{}\"\n",
        stand_in.instance(),
        stand_in.url()
    );
    let path = folder.path().join("pegboard.toml");
    std::fs::write(&path, text).unwrap();
    let config = pegboard::config::Config::load(&path).unwrap();
    let source =
        pegboard::runtime::build::source(&config.sources[0], &Gates::default(), crate::support::clock::now)
            .unwrap();
    let look = source.snapshots().unwrap().look(Whom::Everybody).await.unwrap();
    assert!(!look.shown.is_empty() && stand_in.counts().refused.is_empty());
}

#[tokio::test]
async fn a_probe_says_how_many_are_signed_in() {
    let (_, stand_in) = busy(20);
    let stand_in = Arc::new(stand_in);
    let found = snapshots(&stand_in).probe().await.unwrap();
    assert!(found.contains("signed-in agents") && found.contains(&stand_in.instance()), "{found}");
}
