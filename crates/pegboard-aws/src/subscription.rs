//! One subscription of enhanced fan-out: events as they come, and how old they can be at most.

use std::time::Duration;

use aws_sdk_kinesis::types::SubscribeToShardEventStream;
use tokio::time::timeout;

use crate::client::{Events, heard};
use crate::cursor::Heard;
use crate::fault::Fault;

/// If nothing comes for so long, nothing was waiting to be taken.
const QUIET: Duration = Duration::from_millis(50);

/// A subscription, and a lower bound of the time at which its next event was sent.
///
/// An event says how far its records are behind the tip *when it was sent*. It may have lain here since then, while the
/// program was busy; taking the time at which it is looked at would claim that later records were read, too.
#[derive(Debug)]
pub(crate) struct Subscription {
    events: Events,
    sent_after_ms: i64,
}

impl Subscription {
    /// `asked_ms` is the time at which it was asked for.
    pub(crate) fn new(events: Events, asked_ms: i64) -> Self {
        Self { events, sent_after_ms: asked_ms }
    }

    /// Waits for the next event; with it, the time after which it was sent. Nothing if the subscription has ended.
    /// Cancel-safe.
    pub(crate) async fn next(&mut self, now_ms: impl Fn() -> i64) -> Result<Option<(Heard, i64)>, Fault> {
        let asked_ms = now_ms();
        let event = if let Ok(event) = timeout(QUIET, self.events.recv()).await {
            event
        } else {
            self.sent_after_ms = self.sent_after_ms.max(asked_ms);
            self.events.recv().await
        };
        match event? {
            None => Ok(None),
            Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) => {
                let heard = heard(event)?;
                self.sent_after_ms = sent_after(self.sent_after_ms, &heard, now_ms());
                Ok(Some((heard, self.sent_after_ms)))
            }
            Some(_) => Err(Fault::unreadable("the subscription sent an event that nobody knows")),
        }
    }
}

/// What is known of the time of sending, given that this event came by now: its last record had arrived, as long before
/// the sending as the event says.
fn sent_after(known_ms: i64, heard: &Heard, now_ms: i64) -> i64 {
    let arrived_ms = heard.records.last().and_then(|record| record.arrived_ms);
    let by_record = arrived_ms.map(|arrived| arrived.saturating_add(heard.millis_behind_latest));
    by_record.map_or(known_ms, |by_record| known_ms.max(by_record.min(now_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Record;

    fn event(arrived_ms: Option<i64>, millis_behind_latest: i64) -> Heard {
        let record = |arrived_ms| Record {
            sequence: "1".parse().unwrap(),
            arrived_ms: Some(arrived_ms),
            data: vec![],
        };
        Heard {
            records: arrived_ms.map(record).into_iter().collect(),
            continuation: None,
            millis_behind_latest,
            children: vec![],
        }
    }

    #[test]
    fn an_event_is_sent_after_its_last_record_arrived() {
        assert_eq!(sent_after(100, &event(Some(150), 0), 1_000), 150);
        assert_eq!(sent_after(100, &event(Some(150), 500), 1_000), 650);
    }

    #[test]
    fn what_is_known_already_is_not_forgotten() {
        assert_eq!(sent_after(700, &event(Some(150), 500), 1_000), 700);
        assert_eq!(
            sent_after(100, &event(None, 0), 1_000),
            100,
            "an empty event says nothing of its own age"
        );
    }

    #[test]
    fn a_clock_that_is_ahead_does_not_reach_into_the_future() {
        assert_eq!(sent_after(100, &event(Some(5_000), 0), 1_000), 1_000);
    }
}
