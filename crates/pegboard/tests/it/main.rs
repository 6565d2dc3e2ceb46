//! The program as a whole: files to reports, streams to a store and out again, and the command line from outside.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod alarms;
mod archive;
mod aspect;
mod cli;
mod delivering;
mod encoded;
mod filing;
mod judges;
mod kills;
mod kinesis;
mod live;
mod messages;
mod metrics;
mod nats;
mod nodes;
mod objects;
mod old_data;
mod old_store;
mod push;
mod receiver;
mod report_edges;
mod seeds;
mod sftp;
mod snapshots;
mod stacks;
mod support;
mod truth;
mod twilio;
