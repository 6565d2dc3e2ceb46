//! What a PostgreSQL store does besides: several nodes, and a database that fails.

mod connection;
pub(crate) mod copy;
mod feed_order;
mod plans;
mod proxy;
mod restart;
mod schema;
mod tls;
