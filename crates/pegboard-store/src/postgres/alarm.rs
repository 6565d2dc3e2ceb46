//! Alarms.

use async_trait::async_trait;
use pegboard_model::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::codec::{get, get_instant, get_maybe_instant, get_text, names, text, untext};
use super::fault::Tried;
use super::pool::Lent;
use super::read::all;
use super::session::{BEGIN, COMMIT, Call, Pipeline, Session};
use crate::alarm::{Alarm, AlarmMark, AlarmNote, AlarmSeen, AlarmsAsked, Silence, Told};
use crate::column::{from_column, limit, to_column};
use crate::{Alarms, Result, StoreError, failpoint};

#[async_trait]
impl Alarms for PostgresStore {
    async fn note_alarms(&self, note: AlarmNote) -> Result<()> {
        let note = &note;
        let work = |session: Lent| async move { write_note(&session, note).await };
        self.write("note alarms", work).await
    }

    async fn alarms(&self, asked: AlarmsAsked<'_>) -> Result<Vec<Alarm>> {
        let asked = &asked;
        let work = |session: Lent| async move {
            let call = Call::new(LIST)
                .with(names(asked.sources))
                .with(asked.only_open)
                .with(asked.before.map_or(i64::MAX, to_column))
                .with(limit(asked.limit));
            all(&session, call, read).await
        };
        self.read("read alarms", work).await
    }

    async fn alarm(&self, id: u64) -> Result<Option<Alarm>> {
        let work = |session: Lent| async move {
            Ok(all(&session, Call::new(ONE).with(to_column(id)), read).await?.pop())
        };
        self.read("read an alarm", work).await
    }

    async fn acknowledge_alarm(&self, id: u64, mark: AlarmMark) -> Result<bool> {
        let mark = &mark;
        let work = |session: Lent| async move {
            let sql = "UPDATE alarms SET acknowledged_by = $2, acknowledged_at = $3, comment = $4
                       WHERE id = $1 AND ended IS NULL RETURNING 1";
            let call = Call::new(sql).with(to_column(id)).with(text(&mark.by)).with(mark.at.as_millis());
            Ok(!session.call(call.with(mark.comment.as_deref().map(text))).await?.is_empty())
        };
        self.write("acknowledge an alarm", work).await
    }

    async fn silence_alarm(&self, id: u64, silence: Silence) -> Result<bool> {
        let silence = &silence;
        let work = |session: Lent| async move {
            let Silence { until, mark: AlarmMark { by, at, comment } } = silence;
            let call = Call::new(SILENCE).with(to_column(id)).with(until.as_millis()).with(text(by));
            let call = call.with(at.as_millis()).with(comment.as_deref().map(text));
            Ok(!session.call(call).await?.is_empty())
        };
        self.write("silence an alarm", work).await
    }

    async fn know_outlet(&self, outlet: &str, now: Timestamp) -> Result<Timestamp> {
        let work = |session: Lent| async move {
            let sql = "INSERT INTO alarm_outlets AS known (outlet, since) VALUES ($1, $2)
                       ON CONFLICT (outlet) DO UPDATE SET since = known.since RETURNING since";
            let known = session.call(Call::new(sql).with(outlet).with(now.as_millis())).await?;
            let missing = || StoreError::Damaged { what: "outlet", detail: format!("{outlet}: not there") };
            get_instant(known.first().ok_or_else(missing)?, 0)
        };
        self.write("know an outlet", work).await
    }

    async fn told(&self, outlet: &str, alarms: &[u64]) -> Result<Vec<Told>> {
        let numbers: &Vec<i64> = &alarms.iter().copied().map(to_column).collect();
        let work = |session: Lent| async move {
            let sql =
                "SELECT alarm, ended FROM alarm_told WHERE outlet = $1 AND alarm = ANY ($2) ORDER BY alarm";
            all(&session, Call::new(sql).with(outlet).with(numbers), |row| {
                Ok(Told { alarm: from_column(get(row, 0)?), ended: get::<i64>(row, 1)? != 0 })
            })
            .await
        };
        self.read("read what an outlet was told", work).await
    }

    async fn note_told(&self, outlet: &str, told: &[Told], at: Timestamp) -> Result<()> {
        let work = |session: Lent| async move {
            let mut writing = Pipeline::new(BEGIN);
            writing.extend(told.iter().map(|Told { alarm, ended }| {
                let call = Call::new(TOLD).with(outlet).with(to_column(*alarm));
                call.with(i64::from(*ended)).with(at.as_millis())
            }));
            writing.add(Call::new(COMMIT));
            session.run(writing).await.map(drop)
        };
        self.write("note what an outlet was told", work).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, condition, severity, subject, source, text, since, seen, ended, acknowledged_by, acknowledged_at,
                    alarms.comment, until, who, at, alarm_silences.comment
             FROM alarms LEFT JOIN alarm_silences USING (condition, subject) ",
            $rest
        )
    };
}

const LIST: &str = select!(
    "WHERE (cardinality($1::text[]) = 0 OR source = ANY ($1)) AND (NOT $2::boolean OR ended IS NULL) AND id < $3
     ORDER BY id DESC LIMIT $4"
);

const ONE: &str = select!("WHERE id = $1");

/// What is open stays so, since when it was.
const SEEN: &str = "
    INSERT INTO alarms AS known (condition, severity, subject, source, text, since, seen)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (condition, subject) WHERE ended IS NULL DO UPDATE SET
        severity = excluded.severity, source = excluded.source, text = excluded.text,
        seen = greatest(known.seen, excluded.seen)";

const SILENCE: &str = "
    INSERT INTO alarm_silences (condition, subject, until, who, at, comment)
    SELECT condition, subject, $2, $3, $4, $5 FROM alarms WHERE id = $1
    ON CONFLICT (condition, subject) DO UPDATE SET
        until = excluded.until, who = excluded.who, at = excluded.at, comment = excluded.comment
    RETURNING 1";

const TOLD: &str = "
    INSERT INTO alarm_told AS known (outlet, alarm, ended, at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (outlet, alarm) DO UPDATE SET ended = greatest(known.ended, excluded.ended), at = excluded.at";

async fn write_note(session: &Session, note: &AlarmNote) -> Tried<()> {
    failpoint!("alarms.before", fails);
    let at = note.at.as_millis();
    let mut writing = Pipeline::new(BEGIN);
    writing.extend(note.ended.iter().map(|id| {
        let sql = "UPDATE alarms SET ended = $2 WHERE id = $1 AND ended IS NULL";
        Call::new(sql).with(to_column(*id)).with(at)
    }));
    writing.extend(note.seen.iter().map(|seen| of_seen(seen, at)));
    writing.add(Call::new(COMMIT));
    session.run(writing).await?;
    failpoint!("alarms.after", fails);
    Ok(())
}

fn of_seen(seen: &AlarmSeen, at: i64) -> Call<'_> {
    Call::new(SEEN)
        .with(text(&seen.condition))
        .with(text(&seen.severity))
        .with(text(&seen.subject))
        .with(seen.source.as_ref().map(pegboard_model::SourceName::as_str))
        .with(text(&seen.text))
        .with(seen.since.as_millis())
        .with(at)
}

fn read(row: &Row) -> Tried<Alarm> {
    let maybe_text = |column| -> Tried<_> { Ok(get::<Option<String>>(row, column)?.map(untext)) };
    let mark = |by, at, comment| -> Tried<Option<AlarmMark>> {
        let (Some(by), Some(at)) = (maybe_text(by)?, get_maybe_instant(row, at)?) else { return Ok(None) };
        Ok(Some(AlarmMark { by: by.into(), at, comment: maybe_text(comment)?.map(Into::into) }))
    };
    let until = get_maybe_instant(row, 12)?;
    let silenced = mark(13, 14, 15)?;
    Ok(Alarm {
        id: from_column(get(row, 0)?),
        condition: get_text(row, 1)?.into(),
        severity: get_text(row, 2)?.into(),
        subject: get_text(row, 3)?.into(),
        source: get::<Option<&str>>(row, 4)?.map(Into::into),
        text: get_text(row, 5)?.into(),
        since: get_instant(row, 6)?,
        seen: get_instant(row, 7)?,
        ended: get_maybe_instant(row, 8)?,
        acknowledged: mark(9, 10, 11)?,
        silence: until.zip(silenced).map(|(until, mark)| Silence { until, mark }),
    })
}
