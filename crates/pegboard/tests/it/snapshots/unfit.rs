//! What a platform shows and no index would hold.

use std::sync::Arc;

use async_trait::async_trait;
use pegboard_connect::spec::{Look, Shown, Snapshots, SourceError, Whom};
use pegboard_model::{AgentId, Snapshot, Status, StatusKind};

use super::watched::{Watched, every_second};
use crate::support::clock;
use crate::support::event::nine;
use crate::support::feeding::ONLY;
use crate::support::live::{Live, until};
use crate::support::script::Script;

/// Agents who are available, whoever is asked for.
#[derive(Debug)]
struct Available(Vec<AgentId>);

#[async_trait]
impl Snapshots for Available {
    async fn look(&self, _: Whom<'_>) -> Result<Look, SourceError> {
        let status = Arc::new(Status { id: None, name: "Available".into(), kind: StatusKind::Routable });
        let shown = self.0.iter().map(|agent| Shown {
            agent: agent.clone(),
            at: clock::now(),
            snapshot: Snapshot {
                status: status.clone(),
                status_since: None,
                contacts: Vec::new(),
                profile: None,
            },
        });
        Ok(Look { began: clock::now(), shown: shown.collect(), unclear: Vec::new() })
    }
}

#[tokio::test]
async fn r28_r07_an_agent_who_fits_no_index_costs_the_others_nothing() {
    clock::set(nine());
    let (script, folder) = (Script::new(true), tempfile::tempdir().unwrap());
    script.add(ONLY, &[]);
    script.push::<&str>(ONLY, &[], nine());
    let shown = ["a".repeat(512), "b".repeat(513), "c".to_owned()];
    let available = Available(shown.iter().map(|agent| agent.as_str().into()).collect());
    let live =
        Live::reading(Box::new(Watched::showing(&script, available)), &every_second(), folder.path()).await;
    until("it is said why", async || {
        let error = live.status().await.error;
        error.is_some_and(|error| error.message.contains("agent id: 513 bytes long"))
    })
    .await;
    assert_eq!(live.agents().await.into_keys().collect::<Vec<_>>(), [shown[0].clone(), shown[2].clone()]);
    live.stop().await;
}
