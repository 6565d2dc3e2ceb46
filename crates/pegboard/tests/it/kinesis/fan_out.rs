//! The hub by enhanced fan-out, against ministack.

use pegboard_aws as aws;

use super::{Morning, ended, read};
use crate::support::live::until;
use crate::support::stream::TestStream;

/// The settings of the morning's stream, by enhanced fan-out.
fn fan_out(morning: &Morning) -> aws::KinesisConfig {
    let fan_out = aws::FanOut { register: true, ..aws::FanOut::new("hub") };
    aws::KinesisConfig { read: aws::ReadMode::FanOut(fan_out), ..morning.stream.config() }
}

#[tokio::test]
async fn r04_a_split_under_fan_out_equals_replay() {
    let Some(stream) = TestStream::make_on("PEGBOARD_TEST_MINISTACK", 1).await else { return };
    let morning = Morning::through(stream);
    let live = morning.reading(fan_out(&morning)).await;
    morning.put(0, 2).await;
    // ministack forgets what is unread of a shard that is split.
    read(&live, morning.part(0, 2).len()).await;
    morning.stream.split(0).await;
    until("the parent has ended", async || ended(&live).await == [0]).await;
    morning.put(1, 2).await;
    let status = live.status().await;
    assert!(status.gaps.is_empty(), "{:?}", status.gaps);
    morning.assert_equals_replay(live).await;
}

#[tokio::test]
async fn a_stream_that_is_polled_instead_says_so_and_is_read_all_the_same() {
    let Some(stream) = TestStream::make_on("PEGBOARD_TEST_MINISTACK", 1).await else { return };
    let morning = Morning::through(stream);
    let read = aws::ReadMode::FanOut(aws::FanOut::new("nobody"));
    let live = morning.reading(aws::KinesisConfig { read, ..morning.stream.config() }).await;
    until("it is told", async || live.status().await.fallback.is_some()).await;
    let told = live.status().await.fallback.unwrap();
    assert!(told.contains("polled") && told.contains("`nobody` is not registered"), "{told}");
    morning.put(0, 1).await;
    morning.assert_equals_replay(live).await;
}

#[tokio::test]
async fn a_restart_goes_on_where_a_subscription_had_come_to() {
    let Some(stream) = TestStream::make_on("PEGBOARD_TEST_MINISTACK", 1).await else { return };
    let morning = Morning::through(stream);
    let live = morning.reading(fan_out(&morning)).await;
    morning.put(0, 2).await;
    read(&live, morning.part(0, 2).len()).await;
    live.stop().await;
    morning.put(1, 2).await;
    let live = morning.reading(fan_out(&morning)).await;
    morning.assert_equals_replay(live).await;
}
