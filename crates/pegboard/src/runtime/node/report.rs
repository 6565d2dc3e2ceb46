//! What a node tells the others about its work, so that each of them can show the whole.

use pegboard_model::{SourceName, Timestamp};
use pegboard_store::Roll;
use serde::{Deserialize, Deserializer, Serialize};

use crate::runtime::alarms::standing::Standing;

/// The most alarms that a node tells.
const ALARMS_TOLD: usize = 100;

/// The most faults of one source that a node tells.
const FAULTS_TOLD: usize = 20;

/// What one node tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// What fails there.
    pub faults: Vec<ToldFault>,
    /// What needs somebody there.
    #[serde(default, deserialize_with = "known_alarms")]
    pub alarms: Vec<Standing>,
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
        Self { faults: faults.collect(), alarms: Vec::new() }
    }

    /// The same with what needs somebody, some of it if it is much.
    #[must_use]
    pub fn with_alarms(self, mut alarms: Vec<Standing>) -> Self {
        alarms.truncate(ALARMS_TOLD);
        Self { alarms, ..self }
    }

    /// The report as text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Alarms of this release: a node of a newer one may tell of more.
fn known_alarms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Standing>, D::Error> {
    let told = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(told.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
}

/// What nodes other than `own` tell that needs somebody, each with the name of the node.
pub fn alarms_of_others(roll: &Roll, own: &pegboard_store::NodeId) -> Vec<Standing> {
    let others = roll.nodes.iter().filter(|seen| seen.node != *own);
    let told = others.filter_map(|seen| Some((seen, serde_json::from_str::<NodeReport>(&seen.report).ok()?)));
    let named = told.flat_map(|(seen, report)| {
        let named =
            move |one: Standing| Standing { text: format!("node {}: {}", seen.name, one.text), ..one };
        report.alarms.into_iter().map(named)
    });
    named.collect()
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
    use crate::runtime::alarms::condition::Condition;

    fn seen(node: &str, report: String) -> NodeSeen {
        NodeSeen { node: node.into(), name: node.into(), started: Timestamp::from_seconds(0), report }
    }

    #[test]
    fn what_needs_somebody_on_other_nodes_is_told_as_far_as_it_is_known() {
        let alarm = Standing::new(Condition::SinkFailing, "wfm / states", "it answers 503");
        let report = NodeReport::default().with_alarms(vec![alarm.clone()]).to_text();
        let newer = report.replace("sink-failing", "moon-phase");
        let nodes = vec![seen("a", report.clone()), seen("b", report), seen("c", newer)];
        let told = alarms_of_others(&Roll { nodes, leases: Vec::new() }, &"a".into());
        assert_eq!(told, [Standing { text: "node b: it answers 503".into(), ..alarm }]);
    }

    #[test]
    fn r28_a_node_tells_a_hundred_alarms() {
        let alarm = Standing::new(Condition::SinkFailing, "wfm", "it answers 503");
        let told =
            |alarms: usize| NodeReport::default().with_alarms(vec![alarm.clone(); alarms]).alarms.len();
        assert_eq!((told(100), told(101)), (100, 100));
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
