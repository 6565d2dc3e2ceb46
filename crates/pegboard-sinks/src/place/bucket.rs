//! A bucket of Amazon S3.

use std::fmt;

use pegboard_aws::{BucketConfig, BucketOnDemand, CallError, Clock, ErrorKind};

use super::{PlaceError, PlacePath};

/// A bucket, and what keys begin with there. An object of S3 is there whole, or not at all.
pub struct BucketPlace {
    bucket: BucketOnDemand,
    prefix: String,
}

impl fmt::Debug for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketPlace")
            .field("bucket", &self.bucket.name())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl BucketPlace {
    /// A bucket; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from `seed`.
    pub fn new(config: BucketConfig, prefix: impl Into<String>, clock: Clock, seed: u64) -> Self {
        Self { bucket: BucketOnDemand::new(config, clock, seed), prefix: prefix.into() }
    }

    pub(super) async fn put(&self, path: &PlacePath, body: &[u8]) -> Result<(), PlaceError> {
        let key = format!("{}{path}", self.prefix);
        let bucket = self.bucket.get().await.map_err(|error| told(&error))?;
        bucket.put(&key, content_type(path.as_str()), body).await.map_err(|error| told(&error))
    }

    /// Lists, which whoever only writes need not be allowed.
    pub(super) async fn probe(&self) -> Result<String, PlaceError> {
        let bucket = self.bucket.get().await.map_err(|error| told(&error))?;
        let name = self.bucket.name();
        match bucket.list(&self.prefix, None).await {
            Ok(_) => Ok(format!(
                "the bucket {name} answers; whether it may be written shows with the first object"
            )),
            Err(error) if matches!(error.kind(), ErrorKind::AccessDenied { .. }) => {
                Ok(format!("the bucket {name} answers, and may not be listed, which nobody needs"))
            }
            Err(error) => Err(told(&error)),
        }
    }
}

fn told(error: &CallError) -> PlaceError {
    let told = error.to_string();
    if error.is_transient() { PlaceError::Passing(told) } else { PlaceError::Lasting(told) }
}

/// What an object is, by the ending of its name.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv") => "text/csv; charset=utf-8",
        Some("ndjson") => "application/x-ndjson",
        Some("parquet") => "application/vnd.apache.parquet",
        _ => "text/plain; charset=utf-8",
    }
}
