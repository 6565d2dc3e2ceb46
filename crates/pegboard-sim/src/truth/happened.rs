//! What happened to agents, told or not.

use std::collections::BTreeMap;

use pegboard_model::Class;

use super::ReportSettings;
use super::dominance::{condition, dominant, logged_out};
use super::timeline::{Condition, SignIn, Timeline};
use crate::organisation::{AgentNo, Organisation};
use crate::world::{Change, Presence};

/// The timelines of all agents who were signed in before the end of the report.
pub(super) fn timelines(
    changes: &[Change],
    organisation: &Organisation,
    settings: &ReportSettings,
) -> Vec<Timeline> {
    let mut by_agent: BTreeMap<AgentNo, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        by_agent.entry(change.agent).or_default().push(change);
    }
    let appears = |change: &&Change| change.presence == Presence::SignedIn && change.at < settings.to;
    by_agent
        .into_iter()
        .filter(|(_, changes)| changes.iter().any(appears))
        .map(|(agent, changes)| timeline(agent, &changes, organisation, settings))
        .collect()
}

fn timeline(
    agent: AgentNo,
    changes: &[&Change],
    organisation: &Organisation,
    settings: &ReportSettings,
) -> Timeline {
    let conditions: Vec<_> =
        changes.iter().map(|change| (change.at, condition_after(change, organisation, settings))).collect();
    let sign_ins = changes.iter().zip(&conditions).filter(|(change, _)| change.login);
    let sign_ins = sign_ins.map(|(_, (at, condition))| SignIn { at: *at, condition: *condition }).collect();
    let first = &changes[0].view;
    let before = Condition::bare(Class::SignedOut, first.team, first.profile);
    Timeline::new(agent, before, &conditions, None, sign_ins)
}

fn condition_after(change: &Change, organisation: &Organisation, settings: &ReportSettings) -> Condition {
    match change.presence {
        Presence::SignedIn => {
            let deciding = dominant(&change.view, settings.precedence, |contact| contact.since);
            condition(&change.view, deciding, organisation)
        }
        Presence::SignedOut => logged_out(&change.view),
        Presence::Away => condition(&change.view, None, organisation),
    }
}
