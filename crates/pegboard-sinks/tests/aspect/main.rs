//! The Aspect drop-in, held against what Amazon Connect writes.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod centres;
mod defects;
mod session;
mod support;
