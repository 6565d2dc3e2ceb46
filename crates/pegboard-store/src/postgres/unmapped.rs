//! What no row of a sink's mapping names.

use pegboard_model::SinkName;
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_text, text};
use super::fault::Tried;
use super::read::all;
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use crate::column::{from_column, limit, to_column};
use crate::unmapped::{MOST_UNMAPPED, UnmappedName, UnmappedSeen, agents_of};

/// Asks how many there are, and for the agents of what is known already.
pub(super) fn known<'a>(sink: &'a str, all: &'a [UnmappedSeen]) -> impl Iterator<Item = Call<'a>> {
    const KNOWN: &str = "SELECT agents FROM unmapped WHERE sink = $1 AND kind = $2 AND source = $3 AND id = $4 AND detail = $5";
    let count =
        (!all.is_empty()).then(|| Call::new("SELECT count(*) FROM unmapped WHERE sink = $1").with(sink));
    count.into_iter().chain(all.iter().map(move |seen| of(KNOWN, sink, seen)))
}

const NOTE: &str = "
    INSERT INTO unmapped AS known (sink, kind, source, id, detail, count, first_at, last_at, suggestion, agents)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (sink, kind, source, id, detail) DO UPDATE SET count = known.count + excluded.count,
        first_at = least(known.first_at, excluded.first_at), last_at = greatest(known.last_at, excluded.last_at),
        suggestion = excluded.suggestion, agents = excluded.agents";

/// Notes what was seen once more, by what [`known`] answers. What is new beyond the most that is kept is not.
pub(super) fn notes<'a>(
    sink: &'a str,
    all: &'a [UnmappedSeen],
    answers: &[Vec<Row>],
) -> Tried<Vec<Call<'a>>> {
    let Some((count, known)) = answers.split_first() else { return Ok(Vec::new()) };
    let count = count.first().map(|row| get(row, 0)).transpose()?.map_or(0, from_column);
    let mut room = MOST_UNMAPPED.saturating_sub(count);
    let mut calls = Vec::with_capacity(all.len());
    for (seen, known) in all.iter().zip(known) {
        let known: Option<String> = known.first().map(|row| get_text(row, 0)).transpose()?;
        if known.is_none() && room == 0 {
            continue;
        }
        room -= u64::from(known.is_none());
        calls.push(note(sink, seen, known.as_deref()));
    }
    Ok(calls)
}

fn note<'a>(sink: &'a str, seen: &'a UnmappedSeen, known: Option<&str>) -> Call<'a> {
    of(NOTE, sink, seen)
        .with(to_column(seen.count))
        .with(seen.first.as_millis())
        .with(seen.last.as_millis())
        .with(text(&seen.suggestion))
        .with(text(&seen.agents_column(known)).into_owned())
}

fn of<'a>(sql: &'static str, sink: &'a str, seen: &'a UnmappedSeen) -> Call<'a> {
    let call = Call::new(sql).with(sink).with(&*seen.kind).with(seen.source.as_str());
    call.with(text(&seen.id)).with(text(&seen.detail))
}

/// What was seen last first.
pub(super) async fn list(session: &Session, sink: &SinkName, most: usize) -> Tried<Vec<UnmappedSeen>> {
    let sql = "SELECT kind, source, id, detail, count, first_at, last_at, suggestion, agents FROM unmapped
               WHERE sink = $1 ORDER BY last_at DESC, kind, source, id, detail LIMIT $2";
    all(session, Call::new(sql).with(sink.as_str()).with(limit(most)), |row| {
        Ok(UnmappedSeen {
            kind: get_text(row, 0)?.into(),
            source: get::<&str>(row, 1)?.into(),
            id: get_text(row, 2)?.into(),
            detail: get_text(row, 3)?.into(),
            count: from_column(get(row, 4)?),
            first: get_instant(row, 5)?,
            last: get_instant(row, 6)?,
            suggestion: get_text(row, 7)?.into(),
            agents: agents_of(&get_text(row, 8)?),
        })
    })
    .await
}

/// Forgets these.
pub(super) async fn forget_names(session: &Session, sink: &SinkName, names: &[UnmappedName]) -> Tried<()> {
    let sql =
        "DELETE FROM unmapped WHERE sink = $1 AND kind = $2 AND source = $3 AND id = $4 AND detail = $5";
    let forget = |name: &'_ UnmappedName| {
        let UnmappedName { kind, source, id, detail } = name.clone();
        let call = Call::new(sql).with(sink.as_str()).with(kind.to_string()).with(source.to_string());
        call.with(text(&id).into_owned()).with(text(&detail).into_owned())
    };
    let mut forgetting = Pipeline::new(BEGIN);
    forgetting.extend(names.iter().map(forget));
    forgetting.add(Call::new(COMMIT));
    session.run(forgetting).await?;
    Ok(())
}

/// Answers how much there was.
pub(super) async fn forget(session: &Session, sink: &SinkName) -> Tried<u64> {
    let sql = "WITH gone AS (DELETE FROM unmapped WHERE sink = $1 RETURNING 1) SELECT count(*) FROM gone";
    let rows = session.call(Call::new(sql).with(sink.as_str())).await?;
    Ok(rows.first().map(|row| get(row, 0)).transpose()?.map_or(0, from_column))
}
