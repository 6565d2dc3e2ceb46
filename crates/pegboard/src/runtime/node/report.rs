//! What a node tells the others about its work, so that each of them can show the whole.

use pegboard_model::{SourceName, Timestamp};
use pegboard_store::Roll;
use serde::{Deserialize, Serialize};

/// The most faults of one source that a node tells.
const FAULTS_TOLD: usize = 20;

/// What one node tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// What fails there.
    pub faults: Vec<ToldFault>,
}

/// Something that fails on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldFault {
    /// The source.
    pub source: SourceName,
    /// Since when.
    pub at: Timestamp,
    /// What, where, and what to do.
    pub message: String,
    /// Whether it stays until somebody acts.
    pub stopped: bool,
}

impl NodeReport {
    /// A report of these faults, some of each source if there are many.
    pub fn of(sources: impl IntoIterator<Item = Vec<ToldFault>>) -> Self {
        let faults = sources.into_iter().flat_map(|faults| faults.into_iter().take(FAULTS_TOLD));
        Self { faults: faults.collect() }
    }

    /// The report as text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What nodes other than `own` tell of a source, each with the name of the node before it. What does not read, of a newer
/// version perhaps, is left out.
pub fn told_by_others(roll: &Roll, own: &pegboard_store::NodeId, source: &SourceName) -> Vec<ToldFault> {
    let others = roll.nodes.iter().filter(|seen| seen.node != *own);
    let told = others.filter_map(|seen| Some((seen, serde_json::from_str::<NodeReport>(&seen.report).ok()?)));
    let of_source = told.flat_map(|(seen, report)| {
        let named = move |fault: ToldFault| ToldFault {
            message: format!("node {}: {}", seen.name, fault.message),
            ..fault
        };
        report.faults.into_iter().filter(|fault| fault.source == *source).map(named)
    });
    of_source.collect()
}

#[cfg(test)]
mod tests {
    use pegboard_store::NodeSeen;

    use super::*;

    fn seen(node: &str, report: String) -> NodeSeen {
        NodeSeen { node: node.into(), name: node.into(), started: Timestamp::from_seconds(0), report }
    }

    #[test]
    fn faults_of_other_nodes_are_shown_with_their_name() {
        let fault = |source: &str| ToldFault {
            source: source.into(),
            at: Timestamp::from_seconds(7),
            message: "the stream is gone".into(),
            stopped: true,
        };
        let report = NodeReport::of([vec![fault("connect")], vec![fault("other")]]).to_text();
        let nodes =
            vec![seen("a", report.clone()), seen("b", report), seen("c", "of a newer version".into())];
        let told = told_by_others(&Roll { nodes, leases: Vec::new() }, &"a".into(), &"connect".into());
        assert_eq!(told, [ToldFault { message: "node b: the stream is gone".into(), ..fault("connect") }]);
    }
}
