//! A message of a queue, which should tell of objects.

use pegboard_connect::sources::objects::notification::{self, Notice};

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let record = r#"{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"a%2Fb+c","eTag":"e"}}}"#;
    let direct = format!(r#"{{"Records":[{record},{record}]}}"#);
    let bridge = r#"{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}"#;
    let wrapped = r#"{"Type":"Notification","Message":"{\"Records\":[{\"eventSource\":\"aws:s3\",\"eventName\":\"ObjectCreated:Put\"}]}"}"#;
    let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}"#;
    [direct.as_str(), bridge, wrapped, test].map(|body| body.as_bytes().to_vec()).to_vec()
}

/// What is told is told the same way again, and in one spelling only once.
pub(crate) fn take(bytes: &[u8]) {
    let body = String::from_utf8_lossy(bytes);
    let notice = notification::read(&body);
    assert_eq!(notification::read(&body), notice);
    if let Notice::Written(told) = notice {
        assert!(told.iter().all(|told| told.as_written.as_ref() != Some(&told.key)));
    }
}
