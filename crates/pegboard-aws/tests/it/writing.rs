//! What is written: objects, messages of FIFO queues, and rows; and the settings that go with it.

use pegboard_aws::{ErrorKind, Fetched, FifoMessage, Kept, OnlyIf, Sent, Written};
use serde_json::{Value, json};

use crate::moto::Moto;

#[tokio::test]
async fn an_object_is_written_and_replaced() {
    let Some(moto) = Moto::from_env() else { return };
    let bucket = moto.bucket().await;
    let key = "OUTPUT/2026/03/02/a b+c=ä.csv";
    for body in [&b"first"[..], b"second, and not UTF-8: \xff\x00", b""] {
        bucket.put(key, "text/csv; charset=utf-8", body).await.unwrap();
        let Fetched::Piece(piece) = bucket.get(key, 0, 1000, None).await.unwrap() else {
            panic!("{key} is not there")
        };
        assert_eq!(piece.bytes, body);
    }
    let listed = bucket.list("OUTPUT/", None).await.unwrap();
    let keys: Vec<_> = listed.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, [key]);
}

#[tokio::test]
async fn an_object_is_written_on_a_condition_and_removed() {
    let Some(moto) = Moto::from_env() else { return };
    let bucket = moto.bucket().await;
    let put = async |key: &str, body: &[u8], only_if: OnlyIf<'_>| {
        bucket.put_if(key, "application/zstd", body, only_if).await.unwrap()
    };
    let Kept::Written { etag } = put("a%3Ab", b"first", OnlyIf::New).await else { panic!("it was new") };
    assert_eq!(put("a%3Ab", b"second", OnlyIf::New).await, Kept::Differs);
    let written = put("a%3Ab", b"third", OnlyIf::Still { etag: &etag }).await;
    assert!(matches!(written, Kept::Written { .. }), "{written:?}");
    assert_eq!(put("a%3Ab", b"fourth", OnlyIf::Still { etag: &etag }).await, Kept::Differs);
    assert_eq!(put("none", b"fifth", OnlyIf::Still { etag: &etag }).await, Kept::Differs);
    let fetched = bucket.get("a%3Ab", 0, 10, None).await.unwrap();
    assert!(matches!(fetched, Fetched::Piece(ref piece) if piece.bytes == b"third"), "{fetched:?}");
    for _ in 0..2 {
        bucket.delete("a%3Ab").await.unwrap();
        assert_eq!(bucket.get("a%3Ab", 0, 10, None).await.unwrap(), Fetched::Gone);
    }
}

#[tokio::test]
async fn a_listing_begins_where_it_is_told_to() {
    let Some(moto) = Moto::from_env() else { return };
    let bucket = moto.bucket().await;
    for key in ["a/2026-05-04/09/x", "a/2026-05-04/10/x", "a/2026-05-05/00/x", "b/x"] {
        bucket.put(key, "text/plain", b"x").await.unwrap();
    }
    let page = bucket.list_behind("a/", "a/2026-05-04/10", None).await.unwrap();
    let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["a/2026-05-04/10/x", "a/2026-05-05/00/x"]);
}

#[tokio::test]
async fn an_object_for_no_bucket_says_which_is_not_there() {
    let Some(moto) = Moto::from_env() else { return };
    let refused = moto.bucket_unmade().await.put("k", "text/csv", b"x").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let said = format!("bucket `{}`, object `k`, PutObject: ", moto.name);
    assert!(refused.to_string().starts_with(&said), "{refused}");
}

fn message(body: &str, group: &str, deduplication: &str) -> FifoMessage {
    let [body, group, deduplication] = [body, group, deduplication].map(str::to_owned);
    FifoMessage { body, group, deduplication }
}

#[tokio::test]
async fn messages_are_on_the_queue_once_and_in_order() {
    let Some(moto) = Moto::from_env() else { return };
    let queue = moto.fifo().await;
    let messages =
        [message("{\"n\":1}", "g", "e-1"), message("zwei: ä", "g", "e-2"), message("3", "g", "e-3")];
    assert_eq!(queue.send(&messages).await.unwrap(), [Sent::Accepted, Sent::Accepted, Sent::Accepted]);
    // After an answer that was lost.
    assert_eq!(queue.send(&messages[1..]).await.unwrap(), [Sent::Accepted, Sent::Accepted]);
    let expected = ["{\"n\":1}", "zwei: ä", "3"].map(|body| (body.to_owned(), "g".to_owned()));
    assert_eq!(moto.received().await, expected);
    assert_eq!(queue.send(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_message_for_no_queue_says_which_is_not_there() {
    let Some(moto) = Moto::from_env() else { return };
    let refused = moto.no_fifo().await.send(&[message("x", "g", "d")]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert!(refused.to_string().starts_with("queue `none.fifo`, SendMessage: "), "{refused}");
}

/// A change of the row `a` that gives way to what is newer.
fn change(at: &str, what: &Value) -> Value {
    let mut request = json!({
        "ConditionExpression": "attribute_not_exists(AgentARN) OR LastEventTimeStamp <= :at",
        "ExpressionAttributeValues": { ":at": { "S": at } },
    });
    request.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    request
}

fn row(agent: &str, at: &str) -> Value {
    json!({ "AgentARN": { "S": agent }, "LastEventTimeStamp": { "S": at } })
}

#[tokio::test]
async fn a_row_is_written_and_deleted_unless_it_is_newer() {
    let Some(moto) = Moto::from_env() else { return };
    let table = moto.table().await;
    let (key, [early, late]) =
        (json!({ "AgentARN": { "S": "a" } }), ["2026-03-02T09:00:00.000Z", "2026-03-02T10:00:00.000Z"]);
    let put = |at: &str| change(at, &json!({ "Item": row("a", at) }));
    let delete = |at: &str| change(at, &json!({ "Key": key.clone() }));
    let read = async || table.get(&key).await.unwrap().map(Value::Object);
    assert_eq!(read().await, None);
    assert_eq!(table.delete(delete(early)).await.unwrap(), Written::Done, "what is not there");
    assert_eq!(table.put(put(late)).await.unwrap(), Written::Done);
    assert_eq!(table.put(put(late)).await.unwrap(), Written::Done, "the same again");
    assert_eq!(table.put(put(early)).await.unwrap(), Written::Refused);
    assert_eq!(table.delete(delete(early)).await.unwrap(), Written::Refused);
    assert_eq!(read().await, Some(row("a", late)));
    assert_eq!(table.delete(delete(late)).await.unwrap(), Written::Done);
    assert_eq!(read().await, None);
}

#[tokio::test]
async fn a_scan_reads_every_row_page_by_page() {
    let Some(moto) = Moto::from_env() else { return };
    let table = moto.table().await;
    // Two of them fill a page, which ends behind a megabyte.
    let filler = "x".repeat(390_000);
    for agent in 0..7 {
        let item = json!({ "AgentARN": { "S": format!("agent-{agent}") }, "Filler": { "S": filler } });
        assert_eq!(table.put(json!({ "Item": item })).await.unwrap(), Written::Done);
    }
    let (mut agents, mut pages, mut from) = (Vec::new(), 0, None);
    loop {
        let page = table.scan(from.as_ref()).await.unwrap();
        agents.extend(page.items.iter().map(|item| item["AgentARN"]["S"].as_str().unwrap().to_owned()));
        pages += 1;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    agents.sort();
    assert_eq!(agents, (0..7).map(|agent| format!("agent-{agent}")).collect::<Vec<_>>());
    assert!(pages > 1, "everything was on one page");
}

#[tokio::test]
async fn a_row_for_no_table_says_which_is_not_there() {
    let Some(moto) = Moto::from_env() else { return };
    let refused = moto.table_unmade().await.put(json!({ "Item": row("a", "t") })).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert!(refused.to_string().starts_with(&format!("table `{}`, PutItem: ", moto.name)), "{refused}");
}

#[tokio::test]
async fn a_variable_of_a_function_is_read() {
    let Some(moto) = Moto::from_env() else { return };
    let function = moto.function("WriteEventsToQueue", "True").await;
    let answer: Value = serde_json::from_slice(&function.configuration().await.unwrap()).unwrap();
    assert_eq!(answer["Environment"]["Variables"]["WriteEventsToQueue"], "True");
}

#[tokio::test]
async fn a_function_that_is_not_there_says_so() {
    let Some(moto) = Moto::from_env() else { return };
    let refused = moto.function_unmade().await.configuration().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
    let said = format!("function `{}`, GetFunctionConfiguration: ", moto.name);
    assert!(refused.to_string().starts_with(&said), "{refused}");
}
