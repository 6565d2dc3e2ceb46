//! A node that stood still, was given up, and goes on as if nothing had been.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};

use async_trait::async_trait;
use pegboard_connect::spec::{Chunk, Decode, Opening, PartitionReader, Plan, Progress, Source, SourceError};
use pegboard_model::{PartitionId, Position};
use pegboard_store::PartitionState;
use tokio::sync::oneshot;

use super::centre::{Centre, NERVOUS, SURE, until_shared};
use super::on_every_store;
use crate::support::clock;
use crate::support::event::{change, minute};
use crate::support::feeding::ONLY;
use crate::support::live::{Live, SOURCE, until};
use crate::support::script::Script;

on_every_store!(r06_a_node_that_comes_back_too_late_has_no_effect);

/// A place at which a whole thread stands still.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct State {
    shut: bool,
    /// Whether somebody stands in front of it.
    stands: bool,
    /// How many readers have ended.
    ended: usize,
}

impl Gate {
    fn set_shut(&self, shut: bool) {
        self.state.lock().unwrap().shut = shut;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        while state.shut {
            state.stands = true;
            state = self.opened.wait(state).unwrap();
        }
    }

    fn stands(&self) -> bool {
        self.state.lock().unwrap().stands
    }

    fn ended(&self) -> usize {
        self.state.lock().unwrap().ended
    }
}

/// A script whose readers stop at a gate with what they have just read. They block their thread there, so that all of their
/// node stands still, as a process does that gets no time or is swapped out.
#[derive(Debug, Clone)]
struct Stopping {
    script: Script,
    gate: Arc<Gate>,
}

#[async_trait]
impl Source for Stopping {
    fn kind(&self) -> &'static str {
        self.script.kind()
    }

    fn has_heartbeat(&self) -> bool {
        self.script.has_heartbeat()
    }

    async fn probe(&self) -> Result<String, SourceError> {
        self.script.probe().await
    }

    async fn plan(&self, known: &BTreeMap<PartitionId, Progress>) -> Result<Plan, SourceError> {
        self.script.plan(known).await
    }

    fn oldest(&self, partition: &PartitionId) -> Position {
        self.script.oldest(partition)
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn PartitionReader>, SourceError> {
        Ok(Box::new(StoppingReader { reader: self.script.open(opening)?, gate: self.gate.clone() }))
    }

    fn decoder(&self) -> Box<dyn Decode> {
        self.script.decoder()
    }
}

#[derive(Debug)]
struct StoppingReader {
    reader: Box<dyn PartitionReader>,
    gate: Arc<Gate>,
}

#[async_trait]
impl PartitionReader for StoppingReader {
    async fn next(&mut self) -> Result<Chunk, SourceError> {
        let chunk = self.reader.next().await?;
        self.gate.pass();
        Ok(chunk)
    }
}

impl Drop for StoppingReader {
    fn drop(&mut self) {
        self.gate.state.lock().unwrap().ended += 1;
    }
}

async fn partition(node: &Live) -> PartitionState {
    node.store.partitions(&SOURCE.into()).await.unwrap().remove(0)
}

async fn r06_a_node_that_comes_back_too_late_has_no_effect(centre: Centre) {
    let (script, gate, centre) = (Script::new(false), Arc::new(Gate::default()), Arc::new(centre));
    script.add(ONLY, &[]);
    script.push(ONLY, &[change(minute(0), "Available")], minute(1));
    clock::set(minute(60));
    let (joined, has_joined) = oneshot::channel();
    let (leave, to_leave) = oneshot::channel::<()>();
    let zombie = {
        let (source, centre) = (Stopping { script: script.clone(), gate: gate.clone() }, centre.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                clock::set(minute(60));
                let node = centre.join(&source, "zombie", NERVOUS).await;
                node.read_all(&source.script).await;
                joined.send(()).unwrap();
                to_leave.await.unwrap();
                node.leave().await;
            });
        })
    };
    has_joined.await.unwrap();
    let heir = centre.join(&script, "heir", SURE).await;
    heir.read_all(&script).await;
    until_shared(&heir, &[1]).await;
    assert_eq!(heir.status().await.partitions[0].node.as_deref(), Some("zombie"));

    gate.set_shut(true);
    script.push(ONLY, &[change(minute(10), "Lunch")], minute(11));
    until("it stands still with what it has read", async || gate.stands()).await;
    heir.read_all(&script).await;
    script.push(ONLY, &[change(minute(20), "Break")], minute(21));
    heir.read_all(&script).await;
    let (stands, told) = (partition(&heir).await, heir.feed(&heir.beginning()).await);

    gate.set_shut(false);
    until("it has noticed that it is too late", async || gate.ended() == 1).await;
    assert_eq!(partition(&heir).await, stands, "no position was overwritten, and it was not taken back");
    assert_eq!(heir.feed(&heir.beginning()).await, told);
    script.push(ONLY, &[change(minute(30), "Training")], minute(31));
    heir.read_all(&script).await;
    let counts = heir.status().await.counts;
    assert_eq!((counts.records, counts.events, counts.duplicates), (4, 4, 0));
    assert_eq!(partition(&heir).await.epoch, stands.epoch);
    leave.send(()).unwrap();
    zombie.join().unwrap();
    heir.leave().await;
}
