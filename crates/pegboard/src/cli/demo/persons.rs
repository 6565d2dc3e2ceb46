//! Who is whom in the two centres of the demo: who works in both is one person to the WFM.

use std::collections::BTreeSet;

use pegboard_sim::Organisation;

use crate::config::mapping::{Row, TableName};

/// The table of agents, with a row for everybody: the WFM knows people by the logins that they have in either centre.
pub(super) fn of(centres: &[&Organisation]) -> String {
    let agents = centres.iter().flat_map(|centre| &centre.agents);
    let logins: BTreeSet<String> = agents.map(|agent| agent.login.to_string()).collect();
    let row = |login: String| {
        let mut cells = vec![String::new(); TableName::Agents.columns().len()];
        (cells[1], cells[2]) = (login.clone(), login.clone());
        cells[0] = login;
        Row { line: 0, cells }
    };
    let rows: Vec<_> = logins.into_iter().map(row).collect();
    TableName::Agents.to_csv(&rows)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use pegboard_model::Timestamp;

    use super::*;
    use crate::config::mapping::Table;

    #[test]
    fn who_works_in_both_centres_has_one_row() {
        let centre = |first_agent, seed| {
            let configuration =
                pegboard_sim::Config::new(10, Timestamp::from_seconds(1_772_355_600), 0, seed);
            Organisation::found(&pegboard_sim::Config { first_agent, ..configuration })
        };
        let csv = of(&[&centre(0, 1), &centre(7, 2)]);
        let table = Table::parse(TableName::Agents, Path::new("agents.csv"), csv.as_bytes()).unwrap();
        assert_eq!(table.rows().len(), 17);
    }
}
