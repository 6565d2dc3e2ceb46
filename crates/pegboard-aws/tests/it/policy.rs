//! Least privilege: the policies of the documentation allow what is asked for, and nothing is asked for beyond them.

use std::collections::BTreeSet;

use pegboard_aws::{FanOut, KinesisConfig, Position, ReadMode};

use crate::proxy::Proxy;
use crate::server::{Server, TestStream, connect, open_only, read_exactly, soon, through};

/// The actions that a statement of the documentation allows.
fn allowed(statement: &str) -> BTreeSet<String> {
    let page = include_str!("../../../../docs/sources/amazon-connect.md");
    let from =
        page.find(&format!("\"Sid\": \"{statement}\"")).expect("the statement is in the documentation");
    let list = page[from..].split_once("\"Action\": [").and_then(|(_, rest)| rest.split_once(']')).unwrap().0;
    list.split(',').map(|action| action.trim().trim_matches('"').to_owned()).collect()
}

/// The actions that looking at a stream and reading a record of it take.
async fn asked(server: &Server, test: &TestStream, read: ReadMode) -> BTreeSet<String> {
    let proxy = Proxy::watching(server.address()).await;
    let (stream, _) = connect(KinesisConfig { read, ..through(&proxy, test) }).await;
    soon(stream.describe()).await.unwrap();
    soon(stream.consumer_state()).await.unwrap();
    let mut reader = open_only(&stream, Position::TrimHorizon).await;
    assert_eq!(read_exactly(&mut reader, 1).await, ["a:0"]);
    proxy.operations().into_iter().map(|name| format!("kinesis:{name}")).collect()
}

#[tokio::test]
async fn s22_polling_asks_for_what_the_policy_allows_and_nothing_else() {
    let Some(server) = Server::from_env() else { return };
    let test = server.make_stream(1).await;
    test.put_numbered("a", 0..1).await;
    assert_eq!(asked(&server, &test, ReadMode::Polling).await, allowed("Poll"));
}

#[tokio::test]
async fn s22_fan_out_asks_for_what_the_policy_allows_and_nothing_else() {
    let Some(server) = Server::with_fan_out() else { return };
    let test = server.make_stream(1).await;
    test.register("pegboard").await;
    test.put_numbered("a", 0..1).await;
    let asked = asked(&server, &test, ReadMode::FanOut(FanOut::new("pegboard"))).await;
    let allowed: BTreeSet<_> = allowed("Poll").union(&allowed("FanOut")).cloned().collect();
    assert!(asked.is_subset(&allowed), "{asked:?}");
    let polling = ["kinesis:GetRecords", "kinesis:GetShardIterator"];
    assert_eq!(allowed.difference(&asked).collect::<Vec<_>>(), polling, "only for falling back");
}
