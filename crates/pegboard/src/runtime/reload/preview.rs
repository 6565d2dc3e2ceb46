//! What a reload would change, row by row; nothing is written.

use pegboard_engine::Window;
use pegboard_store::RowsOf;

use super::cannot_be_made;
use super::difference::{COLUMNS, Differences};
use super::request::{ReloadError, ReloadRequest};
use crate::runtime::closer::steps;
use crate::runtime::derived;
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
    let state = shared.store.source_state(&shared.config.name).await?;
    let mut lines = Vec::new();
    for day in &days {
        if cannot_be_made(*day, state.details_from, state.closed_until.least()).is_some() {
            continue;
        }
        for rows in RowsOf::ALL {
            let until = state.closed_until.get(rows).map_or(day.from, |until| until.min(day.to));
            let known_until = shared.status.known_until(rows).unwrap_or(until);
            for window in steps(shared, Window { from: day.from, to: until }) {
                let derived =
                    derived::derive(shared, &*shared.store, rows, window, known_until, NAME).await?;
                let differ = Differences::find(shared, rows, window, derived.rows, request).await?;
                lines.extend(differ.shown());
                if lines.len() > MOST_ROWS {
                    return Err(ReloadError::TooManyRows);
                }
            }
        }
    }
    Ok(Report { name: NAME, from, to, columns: COLUMNS.to_vec(), rows: lines })
}
