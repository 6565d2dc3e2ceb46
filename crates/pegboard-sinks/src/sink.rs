//! What the delivery loop asks of a target.

use std::fmt;

use async_trait::async_trait;

use crate::{Document, Encoder, Outcome};

/// A report that a target takes.
#[derive(Debug, Clone, Copy)]
pub struct SinkReport {
    /// How it is written: one document for each interval.
    pub encoder: &'static Encoder,
    /// The reports of ours whose rows it is made of: a correction of one of them makes it anew.
    pub made_of: &'static [&'static str],
}

/// A target. It has no loop, no queue and no retry of its own: it sends what it is handed, and says what became of it.
#[async_trait]
pub trait Sink: Send + Sync + fmt::Debug {
    /// Its kind, as in the configuration.
    fn kind(&self) -> &'static str;

    /// How states are written, where the target takes them.
    fn states(&self) -> Option<&'static Encoder>;

    /// The reports that it takes.
    fn reports(&self) -> &[SinkReport];

    /// Sends one document of an encoder. Whoever sends the same again has the same `key`; the same key never stands for
    /// another content.
    async fn send(&self, encoder: &'static Encoder, document: &Document, key: &str) -> Outcome;

    /// Asks the target something that changes nothing. Answers what people should know of it, or why it cannot be delivered to.
    async fn probe(&self) -> Result<String, String>;
}
