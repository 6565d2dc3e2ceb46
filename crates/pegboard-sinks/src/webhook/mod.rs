//! Events by HTTP to a receiver of one's own: batches of CloudEvents, signed by the Standard Webhooks scheme.
//!
//! As specified in <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md> and
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>.

mod answer;
mod sink;
#[cfg(test)]
mod tests;

pub use self::sink::{WebhookOptions, WebhookSink};
