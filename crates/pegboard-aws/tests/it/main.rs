//! The reader against kinesalite, a Kinesis server that nobody here wrote.
//!
//! `PEGBOARD_TEST_KINESALITE` names a running one (`http://127.0.0.1:4567`, started with short
//! `--createStreamMs`, `--updateStreamMs` and `--deleteStreamMs`); without it these tests are skipped.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod faults;
mod proxy;
mod reading;
mod resharding;
mod server;
