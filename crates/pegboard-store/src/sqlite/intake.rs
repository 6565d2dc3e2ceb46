//! What others hand in.

use async_trait::async_trait;
use pegboard_model::{PartitionId, SourceName};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::fault::Tried;
use super::read::{all, instant};
use super::writer::Step;
use crate::column::{from_column, limit, to_column};
use crate::intake::{HandIn, HandedIn, HandedRecord, LaneEnds};
use crate::{Intake, Result, failpoint};

#[async_trait]
impl Intake for SqliteStore {
    async fn hand_in(&self, records: HandIn, most: u64) -> Result<HandedIn> {
        self.writer.run("keep what was handed in", move |step| hand_in(step, &records, most)).await
    }

    async fn handed_in(
        &self,
        source: &SourceName,
        lane: &PartitionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HandedRecord>> {
        let (source, lane) = (source.clone(), lane.clone());
        let query = move |connection: &Connection| read(connection, &source, &lane, after, limit);
        self.readers.run("read what was handed in", query).await
    }

    async fn let_go(&self, source: &SourceName, lane: &PartitionId, until: u64) -> Result<()> {
        let (source, lane) = (source.clone(), lane.clone());
        let job = move |step: &mut Step<'_>| let_go(step, &source, &lane, until);
        self.writer.run("let go of what was handed in", job).await
    }

    async fn lane_ends(&self, source: &SourceName, lane: &PartitionId) -> Result<LaneEnds> {
        let (source, lane) = (source.clone(), lane.clone());
        self.readers.run("read a lane", move |connection| ends(connection, &source, &lane)).await
    }
}

fn hand_in(step: &Step<'_>, handed: &HandIn, most: u64) -> Tried<HandedIn> {
    failpoint!("intake.before", fails);
    let (source, lane) = (handed.source.as_str(), handed.lane.as_str());
    if let Some(key) = &handed.key {
        let answer: Option<String> = step
            .connection
            .prepare_cached("SELECT answer FROM intake_keys WHERE source = ?1 AND lane = ?2 AND key = ?3")?
            .query_row(params![source, lane, key], |row| row.get(0))
            .optional()?;
        if let Some(answer) = answer {
            return Ok(HandedIn::Before { answer });
        }
    }
    let LaneEnds { last, gone } = ends(step.connection, &handed.source, &handed.lane)?;
    if last.saturating_sub(gone) >= most {
        return Ok(HandedIn::Full);
    }
    let mut insert = step
        .connection
        .prepare_cached("INSERT INTO intake (source, lane, number, at, body) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut number = last;
    for record in &handed.records {
        number += 1;
        insert.execute(params![source, lane, to_column(number), handed.at.as_millis(), record])?;
    }
    step.connection
        .prepare_cached(
            "INSERT INTO intake_lanes (source, lane, last, gone) VALUES (?1, ?2, ?3, 0)
             ON CONFLICT DO UPDATE SET last = excluded.last",
        )?
        .execute(params![source, lane, to_column(number)])?;
    if let Some(key) = &handed.key {
        step.connection
            .prepare_cached(
                "INSERT INTO intake_keys (source, lane, key, at, answer) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![source, lane, key, handed.at.as_millis(), handed.answer])?;
    }
    failpoint!("intake.after", fails);
    Ok(HandedIn::Kept)
}

fn read(
    connection: &Connection,
    source: &SourceName,
    lane: &PartitionId,
    after: u64,
    most: usize,
) -> Tried<Vec<HandedRecord>> {
    let sql = "SELECT number, at, body FROM intake
               WHERE source = ?1 AND lane = ?2 AND number > ?3 ORDER BY number LIMIT ?4";
    let bounds = params![source.as_str(), lane.as_str(), to_column(after), limit(most)];
    all(connection, sql, bounds, |row| {
        Ok(HandedRecord { number: from_column(row.get(0)?), at: instant(row, 1)?, body: row.get(2)? })
    })
}

fn let_go(step: &Step<'_>, source: &SourceName, lane: &PartitionId, until: u64) -> Tried<()> {
    let bounds = params![source.as_str(), lane.as_str(), to_column(until)];
    step.connection
        .prepare_cached("DELETE FROM intake WHERE source = ?1 AND lane = ?2 AND number <= ?3")?
        .execute(bounds)?;
    step.connection
        .prepare_cached("UPDATE intake_lanes SET gone = max(gone, ?3) WHERE source = ?1 AND lane = ?2")?
        .execute(bounds)?;
    failpoint!("intake.let_go", fails);
    Ok(())
}

fn ends(connection: &Connection, source: &SourceName, lane: &PartitionId) -> Tried<LaneEnds> {
    let found = connection
        .prepare_cached("SELECT last, gone FROM intake_lanes WHERE source = ?1 AND lane = ?2")?
        .query_row([source.as_str(), lane.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map_or(LaneEnds::default(), |(last, gone)| LaneEnds {
        last: from_column(last),
        gone: from_column(gone),
    }))
}
