//! The reader, and what is written, against servers that nobody here wrote.
//!
//! `PEGBOARD_TEST_KINESALITE` names a running kinesalite (`http://127.0.0.1:4567`, started with short
//! `--createStreamMs`, `--updateStreamMs` and `--deleteStreamMs`), which splits and merges as Kinesis does;
//! `PEGBOARD_TEST_MINISTACK` a running ministack, which has enhanced fan-out; `PEGBOARD_TEST_MOTO` a running moto, for
//! what is written to S3, SQS and DynamoDB. Without them these tests are skipped.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod fan_out;
mod faults;
mod load;
mod moto;
mod policy;
mod proxy;
mod reading;
mod resharding;
mod server;
mod writing;
