//! How long may be what databases keep in their indexes: an entry that does not fit fails its whole batch, each time anew.

use std::fmt::{self, Display, Write as _};

use pegboard_model::{AgentProfile, ContactLeg, Observation, What};

/// The longest id, in bytes. Those of platforms have 36, of which PostgreSQL's index entries (2,704 bytes) hold all that
/// a row's key is made of.
const MAX_ID_BYTES: usize = 512;

/// The longest name of a group of agents, in bytes: five levels of a hierarchy, joined.
const MAX_GROUP_BYTES: usize = 1024;

/// Refuses an observation with an id or a group that is too long.
pub(super) fn check_observation(seen: &Observation) -> Result<(), String> {
    check_id("agent id", &seen.agent)?;
    check_id("event id", &seen.id)?;
    let Some(profile) = profile(&seen.what) else { return Ok(()) };
    let levels = profile.levels.iter().map(|level| ("level of the hierarchy", level));
    let groups = [("team", &profile.team), ("routing profile", &profile.routing_profile)];
    for (what, group) in groups.into_iter().chain(levels) {
        check(what, group.len(), MAX_GROUP_BYTES)?;
    }
    Ok(())
}

/// Refuses a contact with an id that is too long.
pub(super) fn check_contact(leg: &ContactLeg) -> Result<(), String> {
    check_id("contact id", &leg.id)?;
    check_id("channel", leg.channel.as_str())?;
    if let Some(stay) = &leg.queue {
        check_id("queue id", &stay.queue.id)?;
    }
    leg.agent.as_ref().map_or(Ok(()), |agent| check_id("agent id", &agent.agent))
}

fn profile(what: &What) -> Option<&AgentProfile> {
    match what {
        What::Snapshot(snapshot)
        | What::Confirmation(snapshot)
        | What::Activity { snapshot, .. }
        | What::SignIn(snapshot) => snapshot.profile.as_deref(),
        What::SignOut(snapshot) => snapshot.as_ref()?.profile.as_deref(),
        What::Status { profile, .. } => profile.as_deref(),
        What::Contact { .. } | What::ContactGone { .. } => None,
    }
}

fn check_id(what: &str, id: impl Display) -> Result<(), String> {
    let mut length = Length(0);
    // Counting does not fail.
    let _infallible = write!(length, "{id}");
    check(what, length.0, MAX_ID_BYTES)
}

/// How long a text is that is written nowhere: this is asked of every event.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

fn check(what: &str, length: usize, most: usize) -> Result<(), String> {
    if length <= most {
        return Ok(());
    }
    Err(format!("{what}: {length} bytes long, and more than {most} are not kept"))
}
