//! An agent's timeline: what came of the evidence.

use std::borrow::Borrow;
use std::sync::Arc;

use pegboard_model::{AgentId, AgentProfile, Class, Mark, Observation, Segment, State, Timestamp};

use crate::evidence::arrange;
use crate::grid::Window;
use crate::track::{TimelinePolicy, Track};

/// Everything that is known of one agent's time.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Whose.
    pub agent: AgentId,
    /// Where it begins, and what the agent was before.
    pub begins: Timestamp,
    /// `unknown` or `signed_out`.
    pub before: Class,
    /// The segments in order, without gaps; the last may be open.
    pub segments: Vec<Segment>,
}

/// A segment within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after. Equal to the start for a mark.
    pub end: Timestamp,
    /// Whether the state lasts, so that `end` is only how far it is known.
    pub open: bool,
    /// Whether it lies before the first evidence.
    pub leading: bool,
    /// The state.
    pub state: &'a State,
    /// What it marks, if it takes no time.
    pub mark: Option<Mark>,
}

impl Timeline {
    /// The timeline of one agent from all evidence there is (or references to it), in any order and with duplicates,
    /// and the track that goes on from there. Nothing without evidence.
    pub fn derive(
        agent: AgentId,
        evidence: Vec<impl Borrow<Observation>>,
        policy: &TimelinePolicy,
    ) -> Option<(Self, Track)> {
        Self::derive_from(Track::default(), agent, evidence, policy)
    }

    /// The same from a track that stands for earlier evidence: its segments are those from the track's lasting state
    /// on.
    pub fn derive_from(
        mut track: Track,
        agent: AgentId,
        mut evidence: Vec<impl Borrow<Observation>>,
        policy: &TimelinePolicy,
    ) -> Option<(Self, Track)> {
        arrange(&mut evidence);
        let mut segments = Vec::new();
        for seen in &evidence {
            track.apply(seen.borrow(), policy, &mut |segment| append(&mut segments, segment));
        }
        let begins = track.begins()?;
        append(&mut segments, track.open_segment()?);
        Some((Self { agent, begins: begins.at, before: begins.before, segments }, track))
    }

    /// The state of the agent before the first evidence.
    pub fn leading_state(&self) -> State {
        State {
            class: self.before,
            status: None,
            contact: None,
            signed_out: false,
            profile: self.first_profile(),
        }
    }

    /// The first profile that tells who the agent is.
    pub fn first_profile(&self) -> Arc<AgentProfile> {
        let profiles = self.segments.iter().map(|segment| &segment.state.profile);
        profiles
            .clone()
            .find(|profile| !profile.login.is_empty())
            .or(profiles.clone().next())
            .cloned()
            .unwrap_or_default()
    }

    /// What lies within `window`, clipped to it, without gaps, the time before the first evidence included. An open
    /// segment reaches to `known_until`, or to the end of the window if that is earlier. `leading` is
    /// [`Timeline::leading_state`], kept by the caller.
    pub fn spans<'a>(
        &'a self,
        window: Window,
        known_until: Timestamp,
        leading: &'a State,
    ) -> impl Iterator<Item = Span<'a>> {
        let lead = (window.from < self.begins && self.begins < window.to).then_some(Span {
            start: window.from,
            end: self.begins,
            open: false,
            leading: true,
            state: leading,
            mark: None,
        });
        let first = self.segments.partition_point(|segment| segment.end.is_some_and(|end| end < window.from));
        let inside = self.segments[first..].iter().map_while(move |segment| {
            (segment.start < window.to).then(|| clip(segment, window, known_until))
        });
        lead.into_iter().chain(inside.flatten())
    }
}

/// Adds what a [`Track`] hands out, or has as its open segment. It replaces what stands at its start or after, so that the
/// events of one instant come to one end; a state stands after the mark of its instant.
pub fn append(segments: &mut Vec<Segment>, next: Segment) {
    let stands = |known: &Segment| {
        known.start < next.start || (known.start == next.start && known.mark.is_some() && next.mark.is_none())
    };
    while segments.last().is_some_and(|last| !stands(last)) {
        segments.pop();
    }
    segments.push(next);
}

fn clip(segment: &Segment, window: Window, known_until: Timestamp) -> Option<Span<'_>> {
    let end = segment.end.unwrap_or(known_until).min(window.to);
    let start = segment.start.max(window.from);
    let inside = if segment.mark.is_some() { segment.start >= window.from } else { start < end };
    inside.then_some(Span {
        start,
        end,
        open: segment.end.is_none(),
        leading: false,
        state: &segment.state,
        mark: segment.mark,
    })
}
