//! Who is whom in the two centres of the demo: who works in both is one person to the WFM.

use std::collections::BTreeSet;

use pegboard_model::Text;
use pegboard_sim::Organisation;
use pegboard_sinks::mapping::{AgentMapping, AgentRow, Scope, WfmAgent};

/// A row for everybody: the WFM knows people by the logins that they have in either centre.
pub(super) fn of(centres: &[&Organisation]) -> AgentMapping {
    let logins = centres.iter().flat_map(|centre| &centre.agents).map(|agent| agent.login.clone());
    let logins: BTreeSet<Text> = logins.collect();
    let row = |login: Text| AgentRow {
        agent: login.clone(),
        scope: Scope::default(),
        to: WfmAgent { id: login.clone(), value: login },
    };
    AgentMapping::new(logins.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use pegboard_model::Timestamp;

    use super::*;

    #[test]
    fn who_works_in_both_centres_has_one_row() {
        let centre = |first_agent, seed| {
            let configuration =
                pegboard_sim::Config::new(10, Timestamp::from_seconds(1_772_355_600), 0, seed);
            Organisation::found(&pegboard_sim::Config { first_agent, ..configuration })
        };
        assert_eq!(of(&[&centre(0, 1), &centre(7, 2)]).rows().len(), 17);
    }
}
