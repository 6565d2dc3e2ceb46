//! Changes of agents' states as messages on NATS, kept by JetStream: one for each change, those of an agent in order.

mod server;
mod sink;
mod subject;
#[cfg(test)]
mod tests;

pub use self::server::{InvalidServer, NatsServer};
pub use self::sink::{NatsAddress, NatsLogin, NatsOptions, NatsSink};
pub use self::subject::{InvalidSubject, SubjectTemplate};
