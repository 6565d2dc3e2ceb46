//! Least privilege: the policies of the documentation allow what is asked for, and nothing is asked for beyond them.

use std::collections::BTreeSet;

use super::{Morning, source};
use crate::support::live::until;
use crate::support::proxy::Proxy;

/// The actions that a statement of the documentation allows.
pub(crate) fn allowed(statement: &str) -> BTreeSet<String> {
    let page = include_str!("../../../../../docs/sources/amazon-connect.md");
    let from =
        page.find(&format!("\"Sid\": \"{statement}\"")).expect("the statement is in the documentation");
    let list = page[from..].split_once("\"Action\": [").and_then(|(_, rest)| rest.split_once(']')).unwrap().0;
    list.split(',').map(|action| action.trim().trim_matches('"').to_owned()).collect()
}

/// The action that allows an operation.
fn action(operation: &str) -> String {
    match operation {
        "ListObjectsV2" => "s3:ListBucket".to_owned(),
        "GetObject" => "s3:GetObject".to_owned(),
        queues => format!("sqs:{queues}"),
    }
}

#[tokio::test]
async fn s22_objects_ask_for_what_the_policies_allow_and_nothing_else() {
    let Some(morning) = Morning::make().await else { return };
    let proxy = Proxy::watching(morning.bucket.address()).await;
    for (key, content) in morning.objects(2) {
        morning.bucket.put(&key, &content).await;
    }
    let found = source(morning.bucket.lane(&proxy.url())).probe().await.unwrap();
    assert!(found.contains("has 2 objects below `in/`, which can be read"), "{found}");
    assert!(found.contains("no dead-letter queue"), "{found}");
    assert!(!proxy.operations().contains("ReceiveMessage"), "the check takes nothing from the hub");
    let live = morning.hub(morning.bucket.lane(&proxy.url())).await;
    let read = async || live.status().await.counts.contacts == morning.records.len() as u64;
    until("everything is read", read).await;
    morning.assert_no_message_is_left().await;
    live.stop().await;
    let asked: BTreeSet<String> = proxy.operations().iter().map(|operation| action(operation)).collect();
    let allowed: BTreeSet<String> = allowed("Objects").union(&allowed("Notifications")).cloned().collect();
    assert_eq!(asked, allowed);
}
