//! Alarms.

use async_trait::async_trait;
use pegboard_model::Timestamp;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::codec::{source_filter, to_json};
use super::fault::Tried;
use super::read::{all, instant, maybe_instant, text};
use super::writer::Step;
use crate::alarm::{Alarm, AlarmMark, AlarmNote, AlarmsAsked, Silence, Told};
use crate::column::{from_column, limit, to_column};
use crate::{Alarms, Result, failpoint};

#[async_trait]
impl Alarms for SqliteStore {
    async fn note_alarms(&self, note: AlarmNote) -> Result<()> {
        self.writer.run("note alarms", move |step| write_note(step, &note)).await
    }

    async fn alarms(&self, asked: AlarmsAsked<'_>) -> Result<Vec<Alarm>> {
        let AlarmsAsked { sources, only_open, before, limit: most } = asked;
        let sources = sources.to_vec();
        let query = move |connection: &Connection| {
            let sql = format!(
                "{SELECT} WHERE (?1 IS NULL OR source IN (SELECT value FROM json_each(?1)))
                   AND (NOT ?2 OR ended IS NULL) AND id < ?3
                 ORDER BY id DESC LIMIT ?4"
            );
            let before = before.map_or(i64::MAX, to_column);
            all(connection, &sql, params![source_filter(&sources)?, only_open, before, limit(most)], read)
        };
        self.readers.run("read alarms", query).await
    }

    async fn alarm(&self, id: u64) -> Result<Option<Alarm>> {
        let query = move |connection: &Connection| {
            let sql = format!("{SELECT} WHERE id = ?1");
            Ok(all(connection, &sql, [to_column(id)], read)?.pop())
        };
        self.readers.run("read an alarm", query).await
    }

    async fn acknowledge_alarm(&self, id: u64, mark: AlarmMark) -> Result<bool> {
        let job = move |step: &mut Step<'_>| {
            let sql = "UPDATE alarms SET acknowledged_by = ?2, acknowledged_at = ?3, comment = ?4
                       WHERE id = ?1 AND ended IS NULL";
            let AlarmMark { by, at, comment } = &mark;
            let bounds = params![to_column(id), by, at.as_millis(), comment];
            Ok(step.connection.prepare_cached(sql)?.execute(bounds)? > 0)
        };
        self.writer.run("acknowledge an alarm", job).await
    }

    async fn silence_alarm(&self, id: u64, silence: Silence) -> Result<bool> {
        let job = move |step: &mut Step<'_>| {
            let Silence { until, mark: AlarmMark { by, at, comment } } = &silence;
            let bounds = params![to_column(id), until.as_millis(), by, at.as_millis(), comment];
            Ok(step.connection.prepare_cached(SILENCE)?.execute(bounds)? > 0)
        };
        self.writer.run("silence an alarm", job).await
    }

    async fn know_outlet(&self, outlet: &str, now: Timestamp) -> Result<Timestamp> {
        let outlet = outlet.to_owned();
        let job = move |step: &mut Step<'_>| {
            let sql = "INSERT INTO alarm_outlets (outlet, since) VALUES (?1, ?2)
                       ON CONFLICT DO UPDATE SET since = since RETURNING since";
            let mut known = step.connection.prepare_cached(sql)?;
            let since = known.query_row(params![outlet, now.as_millis()], |row| row.get(0))?;
            Ok(Timestamp::from_millis(since))
        };
        self.writer.run("know an outlet", job).await
    }

    async fn told(&self, outlet: &str, alarms: &[u64]) -> Result<Vec<Told>> {
        let (outlet, alarms) = (outlet.to_owned(), alarms.to_vec());
        let query = move |connection: &Connection| {
            let sql = "SELECT alarm, ended FROM alarm_told
                       WHERE outlet = ?1 AND alarm IN (SELECT value FROM json_each(?2)) ORDER BY alarm";
            all(connection, sql, params![outlet, to_json(&alarms)?], |row| {
                Ok(Told { alarm: from_column(row.get(0)?), ended: row.get::<_, i64>(1)? != 0 })
            })
        };
        self.readers.run("read what an outlet was told", query).await
    }

    async fn note_told(&self, outlet: &str, told: &[Told], at: Timestamp) -> Result<()> {
        let (outlet, told) = (outlet.to_owned(), told.to_vec());
        let job = move |step: &mut Step<'_>| {
            for Told { alarm, ended } in &told {
                step.connection.prepare_cached(TOLD)?.execute(params![
                    outlet,
                    to_column(*alarm),
                    i64::from(*ended),
                    at.as_millis()
                ])?;
            }
            Ok(())
        };
        self.writer.run("note what an outlet was told", job).await
    }
}

const SELECT: &str =
    "SELECT id, condition, severity, subject, source, text, since, seen, ended, acknowledged_by, acknowledged_at,
            alarms.comment, until, who, at, alarm_silences.comment
     FROM alarms LEFT JOIN alarm_silences USING (condition, subject)";

/// What is open stays so, since when it was.
const SEEN: &str = "
    INSERT INTO alarms (condition, severity, subject, source, text, since, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (condition, subject) WHERE ended IS NULL DO UPDATE SET
        severity = excluded.severity, source = excluded.source, text = excluded.text, seen = max(seen, excluded.seen)";

const SILENCE: &str = "
    INSERT INTO alarm_silences (condition, subject, until, who, at, comment)
    SELECT condition, subject, ?2, ?3, ?4, ?5 FROM alarms WHERE id = ?1
    ON CONFLICT DO UPDATE SET until = excluded.until, who = excluded.who, at = excluded.at, comment = excluded.comment";

const TOLD: &str = "
    INSERT INTO alarm_told (outlet, alarm, ended, at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET ended = max(ended, excluded.ended), at = excluded.at";

fn write_note(step: &Step<'_>, note: &AlarmNote) -> Tried<()> {
    failpoint!("alarms.before", fails);
    let at = note.at.as_millis();
    for id in &note.ended {
        let sql = "UPDATE alarms SET ended = ?2 WHERE id = ?1 AND ended IS NULL";
        step.connection.prepare_cached(sql)?.execute(params![to_column(*id), at])?;
    }
    for seen in &note.seen {
        step.connection.prepare_cached(SEEN)?.execute(params![
            seen.condition,
            seen.severity,
            seen.subject,
            seen.source.as_ref().map(pegboard_model::SourceName::as_str),
            seen.text,
            seen.since.as_millis(),
            at,
        ])?;
    }
    failpoint!("alarms.after", fails);
    Ok(())
}

fn read(row: &Row<'_>) -> Tried<Alarm> {
    let maybe_text = |column| -> Tried<Option<String>> { Ok(row.get(column)?) };
    let mark = |by, at, comment| -> Tried<Option<AlarmMark>> {
        let (Some(by), Some(at)) = (maybe_text(by)?, maybe_instant(row, at)?) else { return Ok(None) };
        Ok(Some(AlarmMark { by: by.into(), at, comment: maybe_text(comment)?.map(Into::into) }))
    };
    let until = maybe_instant(row, 12)?;
    let silenced = mark(13, 14, 15)?;
    Ok(Alarm {
        id: from_column(row.get(0)?),
        condition: text(row, 1)?.into(),
        severity: text(row, 2)?.into(),
        subject: text(row, 3)?.into(),
        source: maybe_text(4)?.map(Into::into),
        text: text(row, 5)?.into(),
        since: instant(row, 6)?,
        seen: instant(row, 7)?,
        ended: maybe_instant(row, 8)?,
        acknowledged: mark(9, 10, 11)?,
        silence: until.zip(silenced).map(|(until, mark)| Silence { until, mark }),
    })
}
