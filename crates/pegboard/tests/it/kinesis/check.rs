//! `pegboard check` tries what reading takes, and changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pegboard_sim::stand_in::amazon_connect::{Fault, StandIn, Wrong};
use pegboard_sim::{Centre, Config};

use crate::support::binary::{Ended, run};
use crate::support::day::morning;
use crate::support::stream::TestStream;

/// A configuration that reads the stream, with these lines more in its table.
fn check(folder: &Path, stream: &TestStream, more: &str) -> Ended {
    let secret = folder.join("key");
    fs::write(&secret, "test").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let (name, endpoint) = stream.place();
    let text = format!(
        r#"
        [[source]]
        name = "main"
        kind = "amazon-connect"
        [source.kinesis]
        stream = "{name}"
        region = "us-east-1"
        endpoint = "{endpoint}"
        access_key_id = "file:key"
        secret_access_key = "file:key"
        {more}
        "#
    );
    fs::write(folder.join("pegboard.toml"), text).unwrap();
    run(folder, &["check"])
}

#[tokio::test]
async fn check_looks_for_the_consumer_of_enhanced_fan_out_and_makes_none() {
    let Some(stream) = TestStream::make_on("PEGBOARD_TEST_MINISTACK", 1).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let polled = check(folder.path(), &stream, "").well().text();
    assert!(polled.contains("with 1 open shards") && !polled.contains("fan-out"), "{polled}");

    let fan_out = "read = \"fan-out\"\nconsumer = \"wfm\"";
    let refused = check(folder.path(), &stream, fan_out);
    assert_ne!(refused.code, 0);
    let told = refused.text() + &refused.stderr;
    assert!(told.contains("`wfm` is not registered") && told.contains("register_consumer = true"), "{told}");

    let allowed = format!("{fan_out}\nregister_consumer = true");
    for _ in 0..2 {
        let told = check(folder.path(), &stream, &allowed).well().text();
        assert!(told.contains("consumer for enhanced fan-out will be registered"), "{told}");
    }
    stream.register("wfm").await;
    let told = check(folder.path(), &stream, fan_out).well().text();
    assert!(told.contains("consumer for enhanced fan-out is active"), "{told}");
    stream.delete().await;
}

#[tokio::test]
async fn check_asks_who_is_signed_in_and_names_the_right_that_is_missing() {
    let Some(stream) = TestStream::make(1).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let simulation = Centre::new(Config::new(20, morning(), 3, 5)).run();
    let stand_in = StandIn::serve(simulation.organisation.clone()).unwrap();
    stand_in.show(&simulation.changes, simulation.config.end());
    let connect = |instance: &str, endpoint: &str| {
        format!("[source.connect]\ninstance_id = \"{instance}\"\nendpoint = \"{endpoint}\"")
    };
    let more = connect(&stand_in.instance(), &stand_in.url());
    let told = check(folder.path(), &stream, &more).well().text();
    assert!(told.contains("with 1 open shards") && told.contains("signed-in agents"), "{told}");
    assert_eq!(stand_in.counts().refused, [] as [String; 0], "signed, and as the model has it");

    for operation in ["GetCurrentUserData", "SearchUsers", "ListQueues"] {
        stand_in.fail(Fault { operation, later_pages_only: false, times: 1, what: Wrong::Denied });
        let refused = check(folder.path(), &stream, &more);
        assert_ne!(refused.code, 0);
        let told = refused.text() + &refused.stderr;
        assert!(told.contains(&format!("allow connect:{operation} ")), "{told}");
    }

    let other = connect("99999999-2222-3333-4444-555555555555", &stand_in.url());
    let refused = check(folder.path(), &stream, &other);
    assert!(refused.code != 0 && refused.text().contains("check the instance id"), "{}", refused.text());

    let url = stand_in.url();
    drop(stand_in);
    let refused = check(folder.path(), &stream, &connect("11111111-2222-3333-4444-555555555555", &url));
    assert!(refused.code != 0 && refused.text().contains("no answer"), "{}", refused.text());
    stream.delete().await;
}
