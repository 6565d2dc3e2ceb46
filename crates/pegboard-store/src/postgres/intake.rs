//! What others hand in.

use async_trait::async_trait;
use pegboard_model::{PartitionId, SourceName};
use tokio_postgres::Row;

use super::PostgresStore;
use super::codec::{get, get_instant, text, untext};
use super::fault::Tried;
use super::pool::Lent;
use super::read::all;
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use crate::column::{from_column, limit, to_column};
use crate::intake::{HandIn, HandedIn, HandedRecord, LaneEnds};
use crate::{Intake, Result, failpoint};

#[async_trait]
impl Intake for PostgresStore {
    async fn hand_in(&self, records: HandIn, most: u64) -> Result<HandedIn> {
        let records = &records;
        let work = |session: Lent| async move { hand_in(&session, records, most).await };
        self.write("keep what was handed in", work).await
    }

    async fn handed_in(
        &self,
        source: &SourceName,
        lane: &PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HandedRecord>> {
        let work = |session: Lent| async move { read(&session, source, lane, after, limit).await };
        self.read("read what was handed in", work).await
    }

    async fn let_go(&self, source: &SourceName, lane: &PartitionId, until: u64) -> Result<()> {
        let work = |session: Lent| async move { let_go(&session, source, lane, until).await };
        self.write("let go of what was handed in", work).await
    }

    async fn lane_ends(&self, source: &SourceName, lane: &PartitionId) -> Result<LaneEnds> {
        let work = |session: Lent| async move {
            let answer = session.call(of_lane(ENDS, source, lane)).await?;
            answer.first().map(ends).transpose().map(Option::unwrap_or_default)
        };
        self.read("read a lane", work).await
    }
}

const OPEN: &str = "
    INSERT INTO intake_lanes (source, lane, last, gone) VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING";

const ENDS: &str = "SELECT last, gone FROM intake_lanes WHERE source = $1 AND lane = $2";

/// Keeps others out of the lane until the commit, so that its numbers have no gap and are seen in their order.
const HOLD: &str = "SELECT last, gone FROM intake_lanes WHERE source = $1 AND lane = $2 FOR NO KEY UPDATE";

const ANSWER: &str = "SELECT answer FROM intake_keys WHERE source = $1 AND lane = $2 AND key = $3";

const KEEP: &str = "
    INSERT INTO intake (source, lane, number, at, body)
    SELECT $1, $2, $3 + place, $4, body FROM unnest($5::bytea[]) WITH ORDINALITY AS given (body, place)";

const ADVANCE: &str = "UPDATE intake_lanes SET last = $3 WHERE source = $1 AND lane = $2";

const KEY: &str = "INSERT INTO intake_keys (source, lane, key, at, answer) VALUES ($1, $2, $3, $4, $5)";

fn of_lane<'a>(sql: &'static str, source: &'a SourceName, lane: &'a PartitionId) -> Call<'a> {
    Call::new(sql).with(source.as_str()).with(text(lane.as_str()))
}

async fn hand_in(session: &Session, handed: &HandIn, most: u64) -> Tried<HandedIn> {
    failpoint!("intake.before", fails);
    let of_lane = |sql| of_lane(sql, &handed.source, &handed.lane);
    let mut first = Pipeline::new(BEGIN);
    first.add(of_lane(OPEN));
    let held = first.add(of_lane(HOLD));
    let known = handed.key.as_ref().map(|key| first.add(of_lane(ANSWER).with(text(key))));
    let answers = session.run(first).await?;
    if let Some(row) = known.and_then(|known| answers[known].first()) {
        return Ok(HandedIn::Before { answer: untext(get(row, 0)?) });
    }
    let LaneEnds { last, gone } = answers[held].first().map(ends).transpose()?.unwrap_or_default();
    if last.saturating_sub(gone) >= most {
        return Ok(HandedIn::Full);
    }
    let mut second = Pipeline::default();
    let bodies: Vec<&[u8]> = handed.records.iter().map(Vec::as_slice).collect();
    second.add(of_lane(KEEP).with(to_column(last)).with(handed.at.as_millis()).with(bodies));
    second.add(of_lane(ADVANCE).with(to_column(last + handed.records.len() as u64)));
    if let Some(key) = &handed.key {
        second.add(of_lane(KEY).with(text(key)).with(handed.at.as_millis()).with(text(&handed.answer)));
    }
    second.add(Call::new(COMMIT));
    session.run(second).await?;
    failpoint!("intake.after", fails);
    Ok(HandedIn::Kept)
}

async fn read(
    session: &Session,
    source: &SourceName,
    lane: &PartitionId,
    after: u64,
    most: usize,
) -> Tried<Vec<HandedRecord>> {
    let sql = "SELECT number, at, body FROM intake
               WHERE source = $1 AND lane = $2 AND number > $3 ORDER BY number LIMIT $4";
    let call = of_lane(sql, source, lane).with(to_column(after)).with(limit(most));
    all(session, call, |row| {
        Ok(HandedRecord { number: from_column(get(row, 0)?), at: get_instant(row, 1)?, body: get(row, 2)? })
    })
    .await
}

async fn let_go(session: &Session, source: &SourceName, lane: &PartitionId, until: u64) -> Tried<()> {
    let mut work = Pipeline::new(BEGIN);
    let delete = "DELETE FROM intake WHERE source = $1 AND lane = $2 AND number <= $3";
    work.add(of_lane(delete, source, lane).with(to_column(until)));
    let note = "UPDATE intake_lanes SET gone = greatest(gone, $3) WHERE source = $1 AND lane = $2";
    work.add(of_lane(note, source, lane).with(to_column(until)));
    work.add(Call::new(COMMIT));
    session.run(work).await?;
    failpoint!("intake.let_go", fails);
    Ok(())
}

fn ends(row: &Row) -> Tried<LaneEnds> {
    Ok(LaneEnds { last: from_column(get(row, 0)?), gone: from_column(get(row, 1)?) })
}
