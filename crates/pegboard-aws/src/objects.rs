//! Objects of a bucket of Amazon S3: what there is below a prefix, their content, piece by piece, and new ones.
//!
//! Four operations are needed, so they are written here and signed and sent with the SDK's own parts. As documented in the API
//! reference (version `2006-03-01`):
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>. What is written on a condition is described in
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.

mod listing;

use std::time::Duration;

use crate::access::Access;
use crate::backoff::Backoff;
use crate::call_error::CallError;
use crate::config::Credentials;
use crate::encoded::{Encoded, EncodedPath};
use crate::fault::{Cause, Fault};
use crate::signed::{Answer, Outgoing, Service, Signed};
use crate::stream::Clock;

pub use self::listing::{Listed, ObjectPage};

/// The longest page of a listing: 1,000 objects, whose keys have 1,024 bytes each at most, three times as long where they
/// are encoded.
const MOST_PAGE_BYTES: usize = 8 * 1024 * 1024;

/// How a bucket is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketConfig {
    /// Its name.
    pub bucket: String,
    /// Its region; without one that of the usual AWS chain.
    pub region: Option<String>,
    /// Another address to reach S3 at, `http://` or `https://`: a VPC endpoint, an emulator. The bucket is named in the
    /// path then.
    pub endpoint: Option<String>,
    /// Where the credentials come from.
    pub credentials: Credentials,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take, with its answer.
    pub request_timeout: Duration,
    /// What happens after failures that pass.
    pub backoff: Backoff,
}

impl BucketConfig {
    /// A bucket with every setting at its default.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            region: None,
            endpoint: None,
            credentials: Credentials::Chain,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            backoff: Backoff { attempts: 4, ..Backoff::default() },
        }
    }
}

/// What came of asking for a piece of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The piece.
    Piece(Piece),
    /// There is no such object, or none any more.
    Gone,
    /// The object is another one than the one that was asked for: it was written anew.
    Changed,
}

/// A piece of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes; none behind the end of the object.
    pub bytes: Vec<u8>,
    /// What names this content of the object, and no other.
    pub etag: String,
    /// How long the whole object is, in bytes.
    pub length: u64,
    /// When the object was last written, in milliseconds since 1970 UTC, to the second, where that is told.
    pub modified_ms: Option<i64>,
}

/// On which condition an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnlyIf<'a> {
    /// There is none of its name.
    New,
    /// The one of its name still has this content.
    Still {
        /// What names the content.
        etag: &'a str,
    },
}

/// What came of writing an object on a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is there, with this content.
    Written {
        /// What names the content.
        etag: String,
    },
    /// Nothing was written: there is another one than the condition says, or none any more.
    Differs,
}

/// Asks for the objects of one bucket, and writes some.
#[derive(Debug)]
pub struct Bucket {
    config: BucketConfig,
    signed: Signed,
    /// What stands before the key.
    address: String,
}

impl Bucket {
    /// Resolves region and credentials; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from
    /// `seed`.
    pub async fn connect(config: BucketConfig, clock: Clock, seed: u64) -> Result<Self, CallError> {
        let access = Access {
            region: config.region.as_deref(),
            endpoint: config.endpoint.as_deref(),
            credentials: &config.credentials,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        };
        let signed = Signed::new(Service::Objects, &access, config.backoff, clock, seed).await;
        let (signed, loaded) = signed.map_err(|detail| CallError::config(place(&config.bucket), detail))?;
        let address = address(loaded.endpoint_url(), &signed.region, &config.bucket);
        Ok(Self { config, signed, address })
    }

    /// A page of what there is below `prefix`, in the order of the keys: the first, or that of `token`.
    pub async fn list(&self, prefix: &str, token: Option<&str>) -> Result<ObjectPage, CallError> {
        self.list_behind(prefix, "", token).await
    }

    /// The same, of objects whose keys come behind `behind`, which need not be there.
    pub async fn list_behind(
        &self,
        prefix: &str,
        behind: &str,
        token: Option<&str>,
    ) -> Result<ObjectPage, CallError> {
        let optional = |name: &str, value: Option<&str>| {
            value.map(|value| format!("&{name}={}", Encoded(value))).unwrap_or_default()
        };
        let token = optional("continuation-token", token);
        let behind = optional("start-after", Some(behind).filter(|behind| !behind.is_empty()));
        let query = format!("?list-type=2&encoding-type=url&prefix={}{behind}{token}", Encoded(prefix));
        let listed = self.signed.patiently(async || {
            let answer = self.send("GET", &query, Vec::new(), b"", MOST_PAGE_BYTES).await?;
            match answer.status {
                200 => ObjectPage::read(&answer.body, answer.asked_ms),
                _ => Err(refusal(answer)),
            }
        });
        listed.await.map_err(|fault| self.error("s3:ListBucket", None, &fault))
    }

    /// At most `most` bytes of an object, from `from` on; with an `etag`, only if that is still its content.
    pub async fn get(
        &self,
        key: &str,
        from: u64,
        most: u32,
        etag: Option<&str>,
    ) -> Result<Fetched, CallError> {
        let path = EncodedPath(key).to_string();
        let last = from + u64::from(most.max(1)) - 1;
        let fetched = self.signed.patiently(async || {
            let mut headers = vec![("range", format!("bytes={from}-{last}"))];
            headers.extend(etag.map(|etag| ("if-match", etag.to_owned())));
            let answer = self.send("GET", &path, headers, b"", most as usize).await?;
            fetched(answer, from)
        });
        fetched.await.map_err(|fault| self.error("s3:GetObject", Some(key), &fault))
    }

    /// Writes an object, whole or not at all. One that is there is replaced.
    pub async fn put(&self, key: &str, content_type: &str, body: &[u8]) -> Result<(), CallError> {
        let path = EncodedPath(key).to_string();
        let written = self.signed.patiently(async || {
            let headers = vec![("content-type", content_type.to_owned())];
            let answer = self.send("PUT", &path, headers, body, 0).await?;
            if answer.status == 200 { Ok(()) } else { Err(refusal(answer)) }
        });
        written.await.map_err(|fault| self.error("s3:PutObject", Some(key), &fault))
    }

    /// The same, if what is there is as `only_if` says. Where the answer to a request that was carried out is lost, it is sent
    /// again, and finds that it differs.
    pub async fn put_if(
        &self,
        key: &str,
        content_type: &str,
        body: &[u8],
        only_if: OnlyIf<'_>,
    ) -> Result<Kept, CallError> {
        let path = EncodedPath(key).to_string();
        let condition = match only_if {
            OnlyIf::New => ("if-none-match", "*".to_owned()),
            OnlyIf::Still { etag } => ("if-match", etag.to_owned()),
        };
        let written = self.signed.patiently(async || {
            let headers = vec![("content-type", content_type.to_owned()), condition.clone()];
            kept(self.send("PUT", &path, headers, body, 0).await?)
        });
        written.await.map_err(|fault| self.error("s3:PutObject", Some(key), &fault))
    }

    /// Removes an object. One that is not there is removed already.
    pub async fn delete(&self, key: &str) -> Result<(), CallError> {
        let path = EncodedPath(key).to_string();
        let removed = self.signed.patiently(async || {
            let answer = self.send("DELETE", &path, Vec::new(), b"", 0).await?;
            match answer.status {
                200 | 204 => Ok(()),
                404 => is_gone(answer).map(drop),
                _ => Err(refusal(answer)),
            }
        });
        removed.await.map_err(|fault| self.error("s3:DeleteObject", Some(key), &fault))
    }

    async fn send(
        &self,
        method: &'static str,
        path: &str,
        headers: Vec<(&'static str, String)>,
        body: &[u8],
        most_bytes: usize,
    ) -> Result<Answer, Fault> {
        let uri = format!("{}/{path}", self.address);
        // What complains is short, however short the piece that was asked for.
        let most_bytes = most_bytes.max(64 * 1024);
        let outgoing = Outgoing { method, uri, headers, body, most_bytes, wait: Duration::ZERO };
        self.signed.send(&outgoing).await
    }

    fn error(&self, action: &'static str, key: Option<&str>, fault: &Fault) -> CallError {
        let place = match key {
            Some(key) => format!("{}, object `{key}`", place(&self.config.bucket)),
            None => place(&self.config.bucket),
        };
        CallError::at(place, action, fault)
    }
}

fn place(bucket: &str) -> String {
    format!("bucket `{bucket}`")
}

/// By the host, where S3 is reached by its own name; in the path at another address, and where dots in the name would fit
/// no certificate.
fn address(endpoint: Option<&str>, region: &str, bucket: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    match endpoint {
        Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
        None if bucket.contains('.') => format!("https://s3.{region}.{suffix}/{bucket}"),
        None => format!("https://{bucket}.s3.{region}.{suffix}"),
    }
}

fn fetched(answer: Answer, from: u64) -> Result<Fetched, Fault> {
    match answer.status {
        200 | 206 => {
            let length = match &answer.content_range {
                Some(range) => whole_length(range)
                    .ok_or_else(|| Fault::unreadable(format!("the range `{range}` cannot be read")))?,
                None if from > 0 => {
                    return Err(Fault::unreadable("the answer is the whole object, not a piece"));
                }
                None => answer.body.len() as u64,
            };
            let etag = answer.etag.ok_or_else(|| Fault::unreadable("the answer has no ETag"))?;
            Ok(Fetched::Piece(Piece { bytes: answer.body, etag, length, modified_ms: answer.modified_ms }))
        }
        412 => Ok(Fetched::Changed),
        // Behind the end: an empty object, or one of which all was read.
        416 => Ok(Fetched::Piece(Piece {
            bytes: Vec::new(),
            etag: answer.etag.unwrap_or_default(),
            length: answer.content_range.as_deref().and_then(whole_length).unwrap_or(from),
            modified_ms: answer.modified_ms,
        })),
        404 => is_gone(answer).map(|()| Fetched::Gone),
        _ => Err(refusal(answer)),
    }
}

fn kept(answer: Answer) -> Result<Kept, Fault> {
    match answer.status {
        200 => {
            let etag = answer.etag.ok_or_else(|| Fault::unreadable("the answer has no ETag"))?;
            Ok(Kept::Written { etag })
        }
        412 => Ok(Kept::Differs),
        404 => is_gone(answer).map(|()| Kept::Differs),
        _ => Err(refusal(answer)),
    }
}

/// Whether only the object is not there: where the bucket is not, that is a failure.
fn is_gone(answer: Answer) -> Result<(), Fault> {
    let fault = refusal(answer);
    if fault.cause == Cause::NotFound { Err(fault) } else { Ok(()) }
}

/// `bytes 0-99/1234`, or `bytes */1234`.
fn whole_length(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.trim().parse().ok()
}

fn refusal(answer: Answer) -> Fault {
    let complaint = listing::complaint(&answer.body).unwrap_or_default();
    answer.fault(complaint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_named_by_the_host_where_that_can_be() {
        assert_eq!(address(None, "eu-central-1", "reports"), "https://reports.s3.eu-central-1.amazonaws.com");
        assert_eq!(address(None, "eu-central-1", "a.b"), "https://s3.eu-central-1.amazonaws.com/a.b");
        assert_eq!(address(Some("http://127.0.0.1:1/"), "eu-central-1", "a"), "http://127.0.0.1:1/a");
        assert!(address(None, "cn-north-1", "a").ends_with(".amazonaws.com.cn"));
    }

    #[test]
    fn the_whole_length_stands_behind_the_slash() {
        assert_eq!(whole_length("bytes 0-99/1234"), Some(1234));
        assert_eq!(whole_length("bytes */0"), Some(0));
        assert_eq!(whole_length("bytes 0-99/*"), None);
    }
}
