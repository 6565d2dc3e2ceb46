//! Nodes and leases, by the database's clock: the clocks of the nodes themselves need not agree.

use pegboard_model::{SourceName, Text};
use tokio_postgres::Row;

use super::codec::{get, get_instant, get_text, text};
use super::fault::Tried;
use super::session::{BEGIN_MOMENT, COMMIT, Call, Pipeline, Session};
use crate::{Beat, Lease, NodeId, NodeSeen, Part, Roll, StoreError, failpoint};

/// The database's clock, in milliseconds.
macro_rules! clock {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}

const BEAT: &str = concat!(
    "INSERT INTO nodes (node, name, started, expires, report)
     VALUES ($1, $2, ", clock!(), ", ", clock!(), " + $3, $4)
     ON CONFLICT (node) DO UPDATE SET name = excluded.name, expires = excluded.expires, report = excluded.report"
);

/// A dead node is remembered for a minute. Two nodes that forget the same one do not wait for each other.
const FORGET: &str = concat!(
    "DELETE FROM nodes WHERE node IN
         (SELECT node FROM nodes WHERE expires <= ",
    clock!(),
    " - 60000 ORDER BY node FOR UPDATE SKIP LOCKED)"
);

/// Notes that a node lives.
pub(super) async fn beat(session: &Session, beat: &Beat) -> Tried<()> {
    let mut exchange = Pipeline::default();
    let call = Call::new(BEAT).with(beat.node.as_str()).with(text(&beat.name)).with(beat.lasts.get());
    exchange.add(call.with(beat.report.as_str()));
    exchange.add(Call::new(FORGET));
    session.run(exchange).await.map(drop)
}

const LIVING: &str =
    concat!("SELECT node, name, started, report FROM nodes WHERE expires > ", clock!(), " ORDER BY node");

const HELD: &str = concat!(
    "SELECT leases.source, leases.kind, leases.name, leases.node FROM leases JOIN nodes USING (node)
     WHERE nodes.expires > ",
    clock!()
);

/// Who lives and holds what.
pub(super) async fn roll(session: &Session) -> Tried<Roll> {
    let mut moment = Pipeline::new(BEGIN_MOMENT);
    let (living, held) = (moment.add(Call::new(LIVING)), moment.add(Call::new(HELD)));
    moment.add(Call::new(COMMIT));
    let answers = session.run(moment).await?;
    let seen = |row: &Row| {
        let name = Text::from(get_text(row, 1)?);
        Ok(NodeSeen { node: node(row, 0)?, name, started: get_instant(row, 2)?, report: get(row, 3)? })
    };
    let nodes: Vec<NodeSeen> = answers[living].iter().map(seen).collect::<Tried<_>>()?;
    let lease = |row: &Row| {
        let part = match get(row, 1)? {
            PARTITION => Part::Partition(get_text(row, 2)?.into()),
            CLOSER => Part::Closer,
            SINK => Part::Sink,
            ALARMS => Part::Alarms,
            other => {
                let detail = format!("part of kind {other}");
                return Err(StoreError::Damaged { what: "lease", detail }.into());
            }
        };
        Ok(Lease { source: get::<&str>(row, 0)?.into(), part, node: node(row, 3)? })
    };
    let mut leases: Vec<Lease> = answers[held].iter().map(lease).collect::<Tried<_>>()?;
    // One that died between the two looks is in neither.
    leases.retain(|lease| nodes.iter().any(|seen| seen.node == lease.node));
    leases.sort_by(|a, b| (&a.source, &a.part).cmp(&(&b.source, &b.part)));
    Ok(Roll { nodes, leases })
}

fn node(row: &Row, column: usize) -> Tried<NodeId> {
    Ok(NodeId::from(get::<&str>(row, column)?))
}

const PARTITION: &str = "partition";
const CLOSER: &str = "closer";
const SINK: &str = "sink";
const ALARMS: &str = "alarms";

/// The columns that name a part.
fn named<'a>(call: Call<'a>, source: &'a SourceName, part: &'a Part) -> Call<'a> {
    let call = call.with(source.as_str());
    match part {
        Part::Partition(partition) => call.with(PARTITION).with(text(partition.as_str())),
        Part::Closer => call.with(CLOSER).with(""),
        Part::Sink => call.with(SINK).with(""),
        Part::Alarms => call.with(ALARMS).with(""),
    }
}

/// Whoever asks must live, and whoever holds it must not, or be the same.
const TAKE: &str = concat!(
    "INSERT INTO leases AS held (source, kind, name, node)
     SELECT $2, $3, $4, node FROM nodes WHERE node = $1 AND expires > ",
    clock!(),
    "
     ON CONFLICT (source, kind, name) DO UPDATE SET node = excluded.node
     WHERE held.node = excluded.node
        OR NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.node = held.node AND nodes.expires > ",
    clock!(),
    ")
     RETURNING 1"
);

/// Takes a part for a node; answers whether it has it.
pub(super) async fn take(session: &Session, node: &NodeId, source: &SourceName, part: &Part) -> Tried<bool> {
    failpoint!("lease.before", fails);
    let call = named(Call::new(TAKE).with(node.as_str()), source, part);
    let taken = !session.call(call).await?.is_empty();
    failpoint!("lease.after", fails);
    Ok(taken)
}

/// Lets go of a part, if it is the node's.
pub(super) async fn release(session: &Session, node: &NodeId, source: &SourceName, part: &Part) -> Tried<()> {
    let sql = "DELETE FROM leases WHERE node = $1 AND source = $2 AND kind = $3 AND name = $4";
    session.call(named(Call::new(sql).with(node.as_str()), source, part)).await.map(drop)
}

/// Forgets a node and all that it holds.
pub(super) async fn leave(session: &Session, node: &NodeId) -> Tried<()> {
    failpoint!("leave.before", fails);
    session.call(Call::new("DELETE FROM nodes WHERE node = $1").with(node.as_str())).await?;
    failpoint!("leave.after", fails);
    Ok(())
}
