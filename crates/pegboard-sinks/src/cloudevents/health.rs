//! How a source does, as an event: whether what it tells is of the present.

use serde::Serialize;

use super::{Event, id_of};
use crate::SourceHealth;

/// What is told of a source.
#[derive(Debug, Serialize)]
struct Told<'a> {
    source: &'a str,
    health: &'static str,
    since: String,
    known_until: Option<String>,
}

pub(super) fn event(told: &SourceHealth) -> String {
    let SourceHealth { source, is_fresh, since, known_until } = told;
    let health = if *is_fresh { "fresh" } else { "stale" };
    let (source, since) = (source.as_str(), since.to_string());
    let known_until = known_until.map(|until| until.to_string());
    let event = Event {
        specversion: "1.0",
        id: id_of(&["health", source, health, &since, known_until.as_deref().unwrap_or_default()]),
        source: format!("/sources/{source}"),
        kind: "pegboard.source.health",
        subject: source,
        time: since.clone(),
        datacontenttype: "application/json",
        sequence: None,
        data: Told { source, health, since, known_until },
    };
    serde_json::to_string(&event).unwrap_or_default()
}
