//! What a reload would change, row by row; nothing is written.

use std::sync::Arc;

use pegboard_engine::Window;
use pegboard_store::RowsOf;

use super::archived::{Archived, ArchivedError, Walk};
use super::difference::{COLUMNS, Differences};
use super::job::{MadeOf, cannot_be_made};
use super::request::{ReloadError, ReloadRequest};
use crate::runtime::closer::steps;
use crate::runtime::report_row::ReportRow;
use crate::runtime::rows::MOST_ROWS;
use crate::runtime::source::Shared;
use crate::runtime::view::Report;

/// The name of the answer.
const NAME: &str = "reload";

/// What would change. Days that cannot be made again change nothing.
pub(in crate::runtime) async fn preview(
    shared: &Shared,
    request: &ReloadRequest,
) -> Result<Report, ReloadError> {
    let days = request.days(shared)?;
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Err(ReloadError::BadDays("there is no such day".to_owned()));
    };
    let (from, to) = (first.from, last.to);
    let archived = archived(shared, request, &days).await?;
    let state = shared.store.source_state(&shared.config.name).await?;
    let mut lines = Vec::new();
    for day in &days {
        let is_archived = archived.as_ref().is_some_and(|archived| archived.is_whole(*day));
        let details_from = if is_archived { day.from } else { state.details_from };
        if cannot_be_made(*day, details_from, state.closed_until.least()).is_some() {
            continue;
        }
        let made_of = match &archived {
            Some(archived) => MadeOf::Archive(Box::new(archived.day(*day).await.map_err(not_told)?)),
            None => MadeOf::Stored { can_stop: true },
        };
        for rows in RowsOf::ALL {
            let until = state.closed_until.get(rows).map_or(day.from, |until| until.min(day.to));
            let known_until = shared.status.known_until(rows).unwrap_or(until);
            for window in steps(shared, Window { from: day.from, to: until }) {
                let derived = made_of.derive(shared, rows, window, known_until).await?;
                let differ = Differences::find(shared, rows, window, derived.rows, request).await?;
                lines.extend(differ.shown().into_iter().map(ReportRow::from));
                if lines.len() > MOST_ROWS {
                    return Err(ReloadError::TooManyRows);
                }
            }
        }
    }
    Ok(Report { name: NAME, from, to, columns: COLUMNS.to_vec(), rows: lines })
}

/// What the archive tells, where that is asked for.
async fn archived(
    shared: &Shared,
    request: &ReloadRequest,
    days: &[Window],
) -> Result<Option<Archived>, ReloadError> {
    let Some(archive) = request.archive(shared)? else { return Ok(None) };
    let read = Archived::read(shared, archive, days.into(), Arc::new(Walk::default())).await;
    read.map(Some).map_err(not_told)
}

fn not_told(error: ArchivedError) -> ReloadError {
    match error {
        ArchivedError::Store(error) => error.into(),
        ArchivedError::Scan(error) => ReloadError::Archive(error.to_string()),
    }
}
