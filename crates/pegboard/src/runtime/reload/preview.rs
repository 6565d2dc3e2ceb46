//! What a reload would change, row by row; nothing is written.

use std::sync::Arc;

use pegboard_engine::Window;
use pegboard_store::RowsOf;

use super::difference::{COLUMNS, Differences};
use super::job::{MadeOf, cannot_be_made};
use super::request::{ReloadError, ReloadRequest, ToldBy};
use super::told::{Told, ToldError, Walk};
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
    let told = told(shared, request, &days).await?;
    let state = shared.store.source_state(&shared.config.name).await?;
    let mut lines = Vec::new();
    for day in &days {
        let is_whole = told.as_ref().is_some_and(|told| told.is_whole(*day));
        let is_left = told.as_ref().is_some_and(|told| !told.tells_of(*day));
        let details_from = if is_whole { day.from } else { state.details_from };
        if is_left || cannot_be_made(*day, details_from, state.closed_until.least()).is_some() {
            continue;
        }
        let made_of = match &told {
            Some(told) => MadeOf::Told(Box::new(told.day(*day).await.map_err(not_told)?)),
            None => MadeOf::Stored { can_stop: true },
        };
        for rows in RowsOf::ALL {
            let until = state.closed_until.get(rows).map_or(day.from, |until| until.min(day.to));
            let known_until = shared.status.known_until(rows).unwrap_or(until);
            for window in steps(shared, Window { from: day.from, to: until }) {
                let derived = made_of.derive(shared, rows, window, known_until, request.reason()).await?;
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

/// What is told besides the store, where that is asked for.
async fn told(
    shared: &Shared,
    request: &ReloadRequest,
    days: &[Window],
) -> Result<Option<Told>, ReloadError> {
    let walk = Arc::new(Walk::default());
    let read = match request.told_by(shared)? {
        None => return Ok(None),
        Some(ToldBy::Archive(archive)) => Told::read(shared, archive, days.into(), walk).await,
        Some(ToldBy::Source) => Told::read_source(shared, days.into(), walk).await,
    };
    read.map(Some).map_err(not_told)
}

fn not_told(error: ToldError) -> ReloadError {
    match error {
        ToldError::Store(error) => error.into(),
        ToldError::Scan(error) => ReloadError::NotTold(error.to_string()),
    }
}
