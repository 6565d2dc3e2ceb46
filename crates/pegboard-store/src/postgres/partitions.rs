//! Partitions: who owns them, and where they stand.

use pegboard_model::{Millis, PartitionId, Position, SourceName, Timestamp};
use tokio_postgres::Row;

use super::codec::{from_json, get, get_maybe_instant, get_text, text, to_json};
use super::fault::Tried;
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use crate::column::{from_column, to_column};
use crate::{Batch, Counts, PartitionState, StoreError, failpoint};

/// The columns that [`read`] takes, in its order.
macro_rules! columns {
    () => {
        "partition, epoch, position, watermark, behind, finished, parents, records, events, contacts, duplicates,
         foreigners, failed"
    };
}

const TAKE: &str = concat!(
    "INSERT INTO partitions AS known (source, partition, epoch, finished, parents, records, events, contacts, duplicates,
                                      foreigners, failed, touched)
     VALUES ($1, $2, 1, false, $3, 0, 0, 0, 0, 0, 0, $4)
     ON CONFLICT (source, partition) DO UPDATE SET epoch = known.epoch + 1
     RETURNING ",
    columns!()
);

/// Every batch of a source holds its closer's row until it commits, so there has to be one.
const CLOSER: &str = "INSERT INTO closers (source, epoch) VALUES ($1, 0) ON CONFLICT DO NOTHING";

const ONE: &str = concat!("SELECT ", columns!(), " FROM partitions WHERE source = $1 AND partition = $2");

const ALL: &str = concat!("SELECT ", columns!(), " FROM partitions WHERE source = $1 ORDER BY partition");

/// Raises the epoch of a partition, or creates it.
pub(super) async fn take(
    session: &Session,
    source: &SourceName,
    partition: &PartitionId,
    parents: &[PartitionId],
    now: Timestamp,
) -> Tried<PartitionState> {
    failpoint!("take_partition.before", fails);
    let mut exchange = Pipeline::new(BEGIN);
    let take = Call::new(TAKE).with(source.as_str()).with(text(partition.as_str()));
    let taken = exchange.add(take.with(to_json(parents)?).with(now.as_millis()));
    exchange.add(Call::new(CLOSER).with(source.as_str()));
    exchange.add(Call::new(COMMIT));
    let answers = session.run(exchange).await?;
    failpoint!("take_partition.after", fails);
    let missing = || StoreError::Damaged { what: "partition", detail: format!("{partition}: not there") };
    read(answers[taken].first().ok_or_else(missing)?)
}

/// The statement that finds all partitions of a source, by name.
pub(super) fn list(source: &SourceName) -> Call<'_> {
    Call::new(ALL).with(source.as_str())
}

/// Reads a row of [`list`].
pub(super) fn read(row: &Row) -> Tried<PartitionState> {
    let position: Option<String> = get(row, 2)?;
    let parents: String = get(row, 6)?;
    let count = |column| get(row, column).map(from_column);
    Ok(PartitionState {
        partition: get_text(row, 0)?.into(),
        epoch: count(1)?,
        position: position.map(|position| from_json("position", &position)).transpose()?,
        watermark: get_maybe_instant(row, 3)?,
        behind: get::<Option<i64>>(row, 4)?.map(Millis::new),
        finished: get(row, 5)?,
        parents: from_json("list of parents", &parents)?,
        counts: Counts {
            records: count(7)?,
            events: count(8)?,
            contacts: count(9)?,
            duplicates: count(10)?,
            foreign: count(11)?,
            failed: count(12)?,
        },
    })
}

/// Compares epoch and position, and moves the partition on: no row where somebody else was faster. It locks the row
/// until the end of the transaction.
const ADVANCE: &str = "
    UPDATE partitions
    SET position = coalesce($5, position), watermark = greatest(watermark, $6), behind = coalesce($7, behind),
        finished = finished OR $8, records = records + $9, events = events + $10, contacts = contacts + $11,
        duplicates = duplicates + $12, foreigners = foreigners + $13, failed = failed + $14, touched = $15
    WHERE source = $1 AND partition = $2 AND epoch = $3 AND position IS NOT DISTINCT FROM $4
    RETURNING parents";

/// The statement that moves a partition on, if it stands as the batch expects.
pub(super) fn advance(batch: &Batch, now: Timestamp) -> Tried<Call<'_>> {
    let Counts { records, events, contacts, duplicates, foreign, failed } = batch.counts;
    let call = Call::new(ADVANCE)
        .with(batch.source.as_str())
        .with(text(batch.partition.as_str()))
        .with(to_column(batch.epoch))
        .with(batch.expected.as_ref().map(to_json).transpose()?)
        .with(batch.position.as_ref().map(to_json).transpose()?)
        .with(batch.watermark.map(Timestamp::as_millis))
        .with(batch.behind.map(Millis::get))
        .with(batch.finished);
    let counts = [records, events, contacts, duplicates, foreign, failed];
    Ok(counts.into_iter().map(to_column).fold(call, Call::with).with(now.as_millis()))
}

/// A parent that begins only now waits: had it begun before, this batch would have been refused.
const PARENTS: &str = "
    SELECT partition, position, finished FROM partitions
    WHERE source = $1 AND partition = ANY($2) ORDER BY partition FOR SHARE";

/// Lets the batch go on if [`advance`] moved its partition, and if its parents have ended where it is the first. A
/// parent that was never begun does not count: it may have gone from its stream before anybody read it.
pub(super) async fn check_owner(session: &Session, batch: &Batch, advanced: &[Row]) -> Tried<()> {
    let Some(row) = advanced.first() else { return Err(refusal(session, batch).await?.into()) };
    if batch.expected.is_some() || batch.position.is_none() {
        return Ok(());
    }
    let parents: Vec<PartitionId> = from_json("list of parents", &get::<String>(row, 0)?)?;
    if parents.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = parents.iter().map(|parent| text(parent.as_str())).collect();
    let call = Call::new(PARENTS).with(batch.source.as_str()).with(names);
    for parent in &session.call(call).await? {
        let (begun, finished) = (get::<Option<String>>(parent, 1)?.is_some(), get::<bool>(parent, 2)?);
        if begun && !finished {
            let found = format!("parent {} has not ended", get_text(parent, 0)?);
            return Err(not_owner(batch, "all parents ended".to_string(), found).into());
        }
    }
    Ok(())
}

async fn refusal(session: &Session, batch: &Batch) -> Tried<StoreError> {
    let call = Call::new(ONE).with(batch.source.as_str()).with(text(batch.partition.as_str()));
    let found = match session.call(call).await?.first().map(read).transpose()? {
        Some(stands) => place(stands.epoch, stands.position.as_ref()),
        None => "no such partition".to_string(),
    };
    Ok(not_owner(batch, place(batch.epoch, batch.expected.as_ref()), found))
}

fn not_owner(batch: &Batch, expected: String, found: String) -> StoreError {
    StoreError::NotOwner {
        source_name: batch.source.clone(),
        partition: batch.partition.clone(),
        expected,
        found,
    }
}

fn place(epoch: u64, position: Option<&Position>) -> String {
    match position {
        Some(position) => format!("epoch {epoch} at position {position}"),
        None => format!("epoch {epoch} before the first position"),
    }
}
