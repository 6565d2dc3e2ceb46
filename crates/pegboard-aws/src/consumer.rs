//! The registered consumer that enhanced fan-out sends to: found, made where that is allowed, and waited for.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{FanOut, ReadMode};
use crate::error::{ErrorKind, KinesisError, Operation};
use crate::fault::Fault;
use crate::stream::Stream;

/// How often it is looked whether the consumer is ready.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often it is looked before giving up for now. Registering takes seconds.
const MOST_LOOKS: usize = 10;

/// What is known of the consumer, by all readers of a stream.
#[derive(Debug, Default)]
pub(crate) enum Known {
    #[default]
    Nothing,
    Active(Arc<str>),
    /// It cannot be had; polling goes on in its place.
    Unavailable(KinesisError),
}

/// How the consumer of enhanced fan-out stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerState {
    /// It can be subscribed with.
    Active,
    /// It is being made or deleted.
    Changing,
    /// There is none yet; the first reader registers it.
    ToBeRegistered,
}

impl Stream {
    /// Looks for the consumer of enhanced fan-out and changes nothing. Nothing if the stream is polled.
    ///
    /// # Errors
    /// [`ErrorKind::NoConsumer`] if there is none and none may be registered; the stream would be polled.
    pub async fn consumer_state(&self) -> Result<Option<ConsumerState>, KinesisError> {
        let ReadMode::FanOut(fan_out) = &self.config().read else { return Ok(None) };
        let arn = self.describe().await?.arn;
        let looked = self
            .retrying(Operation::DescribeStreamConsumer, || {
                self.client().describe_consumer(&arn, &fan_out.consumer)
            })
            .await;
        match looked {
            Ok(consumer) if consumer.is_active => Ok(Some(ConsumerState::Active)),
            Ok(_) => Ok(Some(ConsumerState::Changing)),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Err(_) if fan_out.register => Ok(Some(ConsumerState::ToBeRegistered)),
            Err(_) => Err(self.no_consumer(fan_out)),
        }
    }

    /// The ARN of the consumer. An error that is not transient means that it cannot be had, and is remembered.
    pub(crate) async fn consumer(&self, fan_out: &FanOut) -> Result<Arc<str>, KinesisError> {
        let mut known = self.known_consumer().lock().await;
        match &*known {
            Known::Active(arn) => return Ok(arn.clone()),
            Known::Unavailable(error) => return Err(error.clone()),
            Known::Nothing => {}
        }
        let found = self.find_or_register(fan_out).await;
        match &found {
            Ok(arn) => *known = Known::Active(arn.clone()),
            Err(error) if error.is_transient() => {}
            Err(error) => *known = Known::Unavailable(error.clone()),
        }
        found
    }

    /// Has the consumer looked for again: it may have been deregistered.
    pub(crate) async fn forget_consumer(&self) {
        *self.known_consumer().lock().await = Known::Nothing;
    }

    /// Notes that the consumer may not be used.
    pub(crate) async fn give_up_consumer(&self, error: KinesisError) {
        *self.known_consumer().lock().await = Known::Unavailable(error);
    }

    async fn find_or_register(&self, fan_out: &FanOut) -> Result<Arc<str>, KinesisError> {
        let arn = self.describe().await?.arn;
        let operation = Operation::DescribeStreamConsumer;
        for _ in 0..MOST_LOOKS {
            match self.retrying(operation, || self.client().describe_consumer(&arn, &fan_out.consumer)).await
            {
                Ok(consumer) if consumer.is_active => return Ok(consumer.arn.into()),
                Ok(_) => {}
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Err(_) if fan_out.register => self.register(&arn, fan_out).await?,
                Err(_) => return Err(self.no_consumer(fan_out)),
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(self.error(None, operation, false, &Fault::in_use("the consumer does not become active")))
    }

    async fn register(&self, arn: &str, fan_out: &FanOut) -> Result<(), KinesisError> {
        let operation = Operation::RegisterStreamConsumer;
        match self.client().register_consumer(arn, &fan_out.consumer).await {
            Ok(()) => Ok(()),
            Err(fault) => match self.error(None, operation, false, &fault) {
                // Somebody else registers it at this moment.
                error if error.kind() == ErrorKind::InUse => Ok(()),
                // A stream has room for so many consumers; waiting makes no more.
                error if error.kind() == ErrorKind::Throttled => {
                    Err(self.error(None, operation, false, &Fault::unreadable(fault.detail)))
                }
                error => Err(error),
            },
        }
    }

    fn no_consumer(&self, fan_out: &FanOut) -> KinesisError {
        KinesisError::no_consumer(self.config().stream.name(), &fan_out.consumer)
    }
}
