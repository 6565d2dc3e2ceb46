//! What waits to be written to the archive.

use pegboard_model::{SourceName, Timestamp};

use super::codec::{get, get_instant, get_text, text};
use super::fault::Tried;
use super::read::all;
use super::session::{Call, Session};
use crate::archive::HOUR;
use crate::column::{from_column, limit, to_column};
use crate::{ArchiveBacklog, ArchiveFile, ArchiveStep, Batch};

/// Keeps what a batch leaves for the archive.
pub(super) fn keep(batch: &Batch) -> Option<Call<'_>> {
    let archive = batch.archive.as_ref()?;
    let call = Call::new("INSERT INTO archive (source, partition, read, frame) VALUES ($1, $2, $3, $4)")
        .with(batch.source.as_str())
        .with(text(batch.partition.as_str()))
        .with(archive.read.as_millis())
        .with(&archive.frame);
    Some(call)
}

/// Files of hours that ended at or before `before`, the oldest first.
pub(super) async fn files(
    session: &Session,
    source: &SourceName,
    before: Timestamp,
    most: usize,
) -> Tried<Vec<ArchiveFile>> {
    let sql = "SELECT * FROM (
                   SELECT partition, read / $3 * $3 AS hour, min(id), max(id), count(*) FROM archive
                   WHERE source = $1 GROUP BY partition, hour
               ) AS files WHERE hour + $3 <= $2 ORDER BY hour, partition LIMIT $4";
    let call = Call::new(sql).with(source.as_str()).with(before.as_millis()).with(HOUR).with(limit(most));
    all(session, call, |row| {
        Ok(ArchiveFile {
            partition: get_text(row, 0)?.into(),
            hour: get_instant(row, 1)?,
            first: from_column(get(row, 2)?),
            last: from_column(get(row, 3)?),
            steps: from_column(get(row, 4)?),
        })
    })
    .await
}

/// How much waits.
pub(super) async fn backlog(session: &Session, source: &SourceName) -> Tried<ArchiveBacklog> {
    let sql =
        "SELECT min(read), coalesce(sum(octet_length(frame)), 0)::bigint FROM archive WHERE source = $1";
    let found = all(session, Call::new(sql).with(source.as_str()), |row| {
        let oldest: Option<i64> = get(row, 0)?;
        Ok(ArchiveBacklog { oldest: oldest.map(Timestamp::from_millis), bytes: from_column(get(row, 1)?) })
    });
    Ok(found.await?.into_iter().next().unwrap_or_default())
}

fn with_hour<'a>(call: Call<'a>, source: &'a SourceName, file: &'a ArchiveFile) -> Call<'a> {
    call.with(to_column(file.last))
        .with(source.as_str())
        .with(text(file.partition.as_str()))
        .with(file.hour.as_millis())
        .with(file.hour.as_millis() + HOUR)
}

/// Steps of a file from number `from` on, in order.
pub(super) async fn steps(
    session: &Session,
    source: &SourceName,
    file: &ArchiveFile,
    from: u64,
    most: usize,
) -> Tried<Vec<ArchiveStep>> {
    let sql = "SELECT id, frame FROM archive
               WHERE id >= $1 AND id <= $2 AND source = $3 AND partition = $4 AND read >= $5 AND read < $6
               ORDER BY id LIMIT $7";
    let call = with_hour(Call::new(sql).with(to_column(from)), source, file).with(limit(most));
    all(session, call, |row| Ok(ArchiveStep { number: from_column(get(row, 0)?), frame: get(row, 1)? })).await
}

/// Removes the steps of a file.
pub(super) async fn written(session: &Session, source: &SourceName, file: &ArchiveFile) -> Tried<()> {
    let sql = "DELETE FROM archive
               WHERE id >= $1 AND id <= $2 AND source = $3 AND partition = $4 AND read >= $5 AND read < $6";
    session.call(with_hour(Call::new(sql).with(to_column(file.first)), source, file)).await?;
    Ok(())
}
