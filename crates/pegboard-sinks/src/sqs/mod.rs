//! Changes of agents' states as messages on a FIFO queue of Amazon SQS: a message for each, a group for each agent.

mod sink;
#[cfg(test)]
mod tests;

pub use self::sink::SqsSink;
