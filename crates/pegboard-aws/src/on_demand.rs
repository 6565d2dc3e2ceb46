//! A bucket that is connected when it is first needed.

use std::fmt;

use tokio::sync::OnceCell;

use crate::call_error::CallError;
use crate::objects::{Bucket, BucketConfig};
use crate::stream::Clock;

/// A bucket that nobody may need, and of which nobody is asked before.
pub struct BucketOnDemand {
    config: BucketConfig,
    clock: Clock,
    seed: u64,
    connected: OnceCell<Bucket>,
}

impl fmt::Debug for BucketOnDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketOnDemand").field("bucket", &self.config.bucket).finish_non_exhaustive()
    }
}

impl BucketOnDemand {
    /// A bucket; asks nobody yet. `clock` gives milliseconds since 1970 UTC; jitter starts from `seed`.
    pub fn new(config: BucketConfig, clock: Clock, seed: u64) -> Self {
        Self { config, clock, seed, connected: OnceCell::new() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.bucket
    }

    /// The bucket, connected. Fails as [`Bucket::connect`] does, and is tried again the next time.
    pub async fn get(&self) -> Result<&Bucket, CallError> {
        let connect = || Bucket::connect(self.config.clone(), self.clock.clone(), self.seed);
        self.connected.get_or_try_init(connect).await
    }
}
