//! Agents: how an ACD knows them, and how a WFM does.

use pegboard_model::{AgentId, AgentNow, SourceName, Text, Timestamp};

use super::{Mapping, Rows, Scope, same_name};

/// An agent of the WFM: a person, who may be several agents of ACDs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WfmAgent {
    /// The id.
    pub id: Text,
    /// The name with which the person signs in.
    pub value: Text,
}

/// One row: this agent of the ACD is that person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    /// The agent of the ACD, by id, or by login whatever its case.
    pub agent: Text,
    /// For which source, and from when on.
    pub scope: Scope,
    /// The agent of the WFM. Where its value is empty it is the login.
    pub to: WfmAgent,
}

/// All rows, found by id or login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentMapping(Rows<AgentRow>);

impl AgentMapping {
    /// The mapping of these rows.
    pub fn new(rows: Vec<AgentRow>) -> Self {
        Self(Rows::new(rows, |row| &row.agent))
    }

    /// In the order of the table.
    pub fn rows(&self) -> &[AgentRow] {
        self.0.all()
    }
}

impl Mapping {
    /// Whom the WFM knows an agent as who is in a state.
    pub fn person(&self, now: &AgentNow) -> WfmAgent {
        self.agent(&now.source, &now.agent_id, &now.agent_login, now.since).0
    }

    /// The WFM's agent, and whether a row names it. Without a row it is the ACD's own, with the prefix of the source.
    pub(crate) fn agent(
        &self,
        source: &SourceName,
        id: &AgentId,
        login: &Text,
        at: Timestamp,
    ) -> (WfmAgent, bool) {
        let named = self.agents.0.named([id.as_str(), login]);
        let fitting = named.filter(|row| row.scope.holds(source, at));
        let weighed = fitting.filter_map(|row| Some((row.weight(id, login)?, row)));
        if let Some((_, row)) = weighed.max_by_key(|(weight, _)| *weight) {
            let value = if row.to.value.is_empty() { login } else { &row.to.value };
            return (WfmAgent { id: row.to.id.clone(), value: value.clone() }, true);
        }
        let value = if login.is_empty() { id.as_str() } else { login };
        let own = |text| self.prefixed(source, text);
        (WfmAgent { id: own(id.as_str()), value: own(value) }, false)
    }
}

impl AgentRow {
    /// How much the row says of the agent: the id before the login.
    fn weight(&self, id: &AgentId, login: &str) -> Option<(bool, (bool, Option<Timestamp>))> {
        let by_id = *self.agent == *id.as_str();
        (by_id || same_name(&self.agent, login)).then_some((by_id, self.scope.weight()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(agent: &str, from: Option<i64>, id: &str) -> AgentRow {
        let scope = Scope { source: None, from: from.map(Timestamp::from_seconds) };
        AgentRow { agent: agent.into(), scope, to: WfmAgent { id: id.into(), value: "".into() } }
    }

    #[test]
    fn an_agent_is_found_by_id_or_login_and_from_when_on() {
        let rows =
            vec![row("ANN", None, "by login"), row("7", Some(10), "by id"), row("7", Some(20), "later")];
        let mapping = Mapping { agents: AgentMapping::new(rows), ..Mapping::default() };
        let at = |seconds| {
            let at = Timestamp::from_seconds(seconds);
            mapping.agent(&"acme".into(), &"7".into(), &"ann".into(), at).0.id.to_string()
        };
        assert_eq!([at(9), at(10), at(20)], ["by login", "by id", "later"]);
    }

    #[test]
    fn an_unmapped_agent_keeps_its_own_names_behind_the_prefix() {
        let mut mapping = Mapping::default();
        mapping.prefixes.insert("acme".into(), "emea-".into());
        let (agent, is_mapped) =
            mapping.agent(&"acme".into(), &"7".into(), &"ann".into(), Timestamp::default());
        assert_eq!((agent, is_mapped), (WfmAgent { id: "emea-7".into(), value: "emea-ann".into() }, false));
    }
}
