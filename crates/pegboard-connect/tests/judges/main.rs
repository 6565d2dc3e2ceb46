//! Judges from outside of what is written for Twilio: its own package of signatures, and Prism over its OpenAPI document.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod prism;
mod signatures;

/// What a variable of the test environment says. Says so on stderr where there is none.
#[expect(clippy::disallowed_methods, reason = "where the test's tools are is the test's own setting")]
fn tool(variable: &str) -> Option<String> {
    let tool = std::env::var(variable).ok();
    if tool.is_none() {
        eprintln!("skipped: {variable} names no tool");
    }
    tool
}
