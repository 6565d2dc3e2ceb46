//! What a message says that tells of objects. Pure.
//!
//! Amazon S3 notifies a queue directly, through a topic of Amazon SNS, which wraps the message, or through Amazon EventBridge:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>

use pegboard_aws::decoded;
use serde::Deserialize;

/// The most objects that one message may tell of. Amazon S3 names one.
pub const MOST_TOLD: usize = 1000;

/// How often a message may be wrapped: EventBridge through SNS.
const MOST_WRAPPINGS: u32 = 2;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Objects that were written; none where the message tells of other things that happen to objects, or is the test that S3
    /// sends when notifications are set up.
    Written(Vec<Told>),
    /// The message is not about objects at all.
    Foreign,
}

/// An object that a message tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The key as it was written, where that is another one: some who forward notifications do not encode it, and only the
    /// bucket knows which is meant.
    pub as_written: Option<String>,
    /// What names its content, without quotes, if it is told.
    pub etag: Option<String>,
}

/// Reads the body of a message.
pub fn read(body: &str) -> Notice {
    unwrap(body, 0)
}

fn unwrap(body: &str, wrappings: u32) -> Notice {
    let Ok(message) = serde_json::from_str::<Message<'_>>(body) else { return Notice::Foreign };
    if let Some(records) = message.records {
        let ours = |record: &Record| record.event_source.as_deref() == Some("aws:s3");
        if !records.is_empty() && !records.iter().any(ours) {
            return Notice::Foreign;
        }
        let told = records.into_iter().filter(ours).filter_map(Record::told);
        return Notice::Written(told.take(MOST_TOLD).collect());
    }
    if message.event.as_deref() == Some("s3:TestEvent") {
        return Notice::Written(Vec::new());
    }
    if let (Some("aws.s3"), Some(kind)) = (message.source.as_deref(), message.detail_type.as_deref()) {
        let written = message.detail.filter(|_| kind == "Object Created");
        return Notice::Written(written.map(Subject::plain).into_iter().collect());
    }
    match message.wrapped {
        Some(inner) if wrappings < MOST_WRAPPINGS => unwrap(&inner, wrappings + 1),
        _ => Notice::Foreign,
    }
}

/// Any of the three, by what it has.
#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
    #[serde(rename = "Event")]
    event: Option<String>,
    /// Of SNS: the message within.
    #[serde(rename = "Message", borrow)]
    wrapped: Option<std::borrow::Cow<'a, str>>,
    source: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    detail: Option<Subject>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_source: Option<String>,
    event_name: Option<String>,
    s3: Option<Subject>,
}

#[derive(Debug, Deserialize)]
struct Subject {
    bucket: Bucket,
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
    #[serde(alias = "eTag")]
    etag: Option<String>,
}

/// What other products call detail is nothing to us.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Subject>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

impl Record {
    /// `ObjectCreated:Put`, or `s3:ObjectCreated:Put` as some who forward it write.
    fn told(self) -> Option<Told> {
        let name = self.event_name.unwrap_or_default();
        let is_written = name.trim_start_matches("s3:").starts_with("ObjectCreated:");
        let Subject { bucket, object } = self.s3.filter(|_| is_written)?;
        let key = decoded(&object.key);
        let as_written = (key != object.key).then_some(object.key);
        Some(Told { bucket: bucket.name, key, as_written, etag: object.etag })
    }
}

impl Subject {
    /// EventBridge does not encode keys.
    fn plain(self) -> Told {
        let Object { key, etag } = self.object;
        Told { bucket: self.bucket.name, key, as_written: None, etag }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(name: &str, key: &str) -> serde_json::Value {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": name,
            "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 1, "eTag": "e", "sequencer": "00"}}
        })
    }

    fn keys(notice: Notice) -> Vec<String> {
        match notice {
            Notice::Written(told) => told.into_iter().map(|told| told.key).collect(),
            Notice::Foreign => vec!["foreign".to_owned()],
        }
    }

    #[test]
    fn keys_are_decoded_a_plus_first() {
        let body = json!({"Records": [record("ObjectCreated:Put", "ctr%2Fa+b%2Bc.json.gz")]}).to_string();
        let Notice::Written(told) = read(&body) else { panic!("{body}") };
        let expected = Told {
            bucket: "b".to_owned(),
            key: "ctr/a b+c.json.gz".to_owned(),
            as_written: Some("ctr%2Fa+b%2Bc.json.gz".to_owned()),
            etag: Some("e".to_owned()),
        };
        assert_eq!(told, [expected]);
    }

    #[test]
    fn a_key_that_was_not_encoded_is_kept_beside() {
        let body = json!({"Records": [record("ObjectCreated:Copy", "a+b.csv")]}).to_string();
        let Notice::Written(told) = read(&body) else { panic!("{body}") };
        assert_eq!((told[0].key.as_str(), told[0].as_written.as_deref()), ("a b.csv", Some("a+b.csv")));
        let plain = json!({"Records": [record("ObjectCreated:Copy", "a/b:c.csv")]}).to_string();
        let Notice::Written(told) = read(&plain) else { panic!("{plain}") };
        assert_eq!((told[0].key.as_str(), told[0].as_written.as_deref()), ("a/b:c.csv", None));
    }

    #[test]
    fn of_several_records_those_that_write_are_told() {
        let records = [
            record("ObjectCreated:CompleteMultipartUpload", "a"),
            record("ObjectRemoved:Delete", "b"),
            record("s3:ObjectCreated:Post", "c"),
            record("ObjectTagging:Put", "d"),
        ];
        assert_eq!(keys(read(&json!({ "Records": records }).to_string())), ["a", "c"]);
    }

    #[test]
    fn the_test_of_s3_tells_of_nothing_and_is_not_foreign() {
        let body = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-21T17:00:00.000Z","Bucket":"b"}"#;
        assert_eq!(read(body), Notice::Written(Vec::new()));
    }

    #[test]
    fn a_topic_wraps_and_event_bridge_does_not_encode() {
        let direct = json!({"Records": [record("ObjectCreated:Put", "a%3Ab")]}).to_string();
        let wrapped = json!({"Type": "Notification", "TopicArn": "t", "Message": direct}).to_string();
        assert_eq!(keys(read(&wrapped)), ["a:b"]);
        let bridge = |kind: &str| {
            json!({
                "version": "0", "source": "aws.s3", "detail-type": kind,
                "detail": {"bucket": {"name": "b"}, "object": {"key": "a+b%", "etag": "e"}, "reason": "PutObject"}
            })
        };
        assert_eq!(keys(read(&bridge("Object Created").to_string())), ["a+b%"]);
        assert_eq!(keys(read(&bridge("Object Deleted").to_string())), Vec::<String>::new());
        let both = json!({"Message": bridge("Object Created").to_string()}).to_string();
        assert_eq!(keys(read(&both)), ["a+b%"]);
    }

    #[test]
    fn what_is_something_else_is_foreign() {
        for body in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"source":"aws.ec2","detail-type":"x","detail":{"a":1}}"#,
            r#"{"Records":[{"eventSource":"aws:sns"}]}"#,
        ] {
            assert_eq!(read(body), Notice::Foreign, "{body}");
        }
    }

    #[test]
    fn r28_a_message_is_wrapped_twice_at_most_and_tells_of_1000_objects_at_most() {
        let wrap = |body: &str| json!({ "Message": body }).to_string();
        let body = json!({"Records": vec![record("ObjectCreated:Put", "a"); MOST_TOLD + 1]}).to_string();
        let twice = wrap(&wrap(&body));
        assert_eq!(keys(read(&twice)).len(), MOST_TOLD);
        assert_eq!(read(&wrap(&twice)), Notice::Foreign);
    }
}
