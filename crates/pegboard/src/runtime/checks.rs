//! Reports about the reports: whether the ACD's own numbers agree with the computed ones, and whether everything is there.

pub(super) mod completeness;
pub(super) mod reconciliation;

use pegboard_engine::Window;
use serde_json::Value;

use super::source::Shared;
use super::view::{ReportError, ReportRequest};

/// The columns of a check.
pub(super) fn columns(name: &str) -> Vec<&'static str> {
    match name {
        "reconciliation" => reconciliation::COLUMNS.to_vec(),
        _ => completeness::COLUMNS.to_vec(),
    }
}

/// The rows of a check of one source. `room` is how many there may be, of them and of what they are made of.
pub(super) async fn rows(
    shared: &Shared,
    name: &str,
    window: Window,
    request: &ReportRequest,
    room: usize,
) -> Result<Vec<Value>, ReportError> {
    match name {
        "reconciliation" => reconciliation::rows(shared, window, request, room).await,
        _ => completeness::rows(shared, window, room).await,
    }
}
