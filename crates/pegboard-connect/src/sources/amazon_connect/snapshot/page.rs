//! One page of `GetCurrentUserData` to agents as they are shown.

use std::sync::Arc;

use pegboard_model::{
    AgentContact, AgentId, AgentProfile, Channel, ContactId, ContactPhase, Millis, Queue, Snapshot, Status,
    StatusId, Timestamp,
};
use serde::Deserialize;

use super::directory::Directory;
use crate::sources::amazon_connect::decode::{is_monitored, is_outbound, phase, status_kind};
use crate::sources::answer::{Unreadable, read};
use crate::spec::Shown;

/// After-contact work that has lasted longer was left behind.
const LONGEST_ACW: Millis = Millis::from_hours(24);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    next_token: Option<String>,
    user_data_list: Option<Vec<UserData>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UserData {
    user: Option<Reference>,
    routing_profile: Option<Reference>,
    hierarchy_path: Option<HierarchyPath>,
    status: Option<StatusReference>,
    contacts: Option<Vec<ContactReference>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reference {
    id: Option<String>,
    arn: Option<String>,
}

#[derive(Debug, Deserialize)]
struct HierarchyPath {
    #[serde(rename = "LevelOne")]
    one: Option<Reference>,
    #[serde(rename = "LevelTwo")]
    two: Option<Reference>,
    #[serde(rename = "LevelThree")]
    three: Option<Reference>,
    #[serde(rename = "LevelFour")]
    four: Option<Reference>,
    #[serde(rename = "LevelFive")]
    five: Option<Reference>,
}

#[derive(Debug, Deserialize)]
struct StatusReference {
    #[serde(rename = "StatusStartTimestamp")]
    since: Option<f64>,
    #[serde(rename = "StatusArn")]
    arn: Option<String>,
    #[serde(rename = "StatusName")]
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContactReference {
    contact_id: Option<String>,
    channel: Option<String>,
    initiation_method: Option<String>,
    agent_contact_state: Option<String>,
    state_start_timestamp: Option<f64>,
    queue: Option<Reference>,
}

/// The users of all pages read so far.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// When the first page was asked for.
    pub(super) began: Option<Timestamp>,
    pub(super) shown: Vec<Shown>,
    /// Users of whom something is missing without which nothing can be said.
    pub(super) unclear: Vec<AgentId>,
    /// Whether something was shown whose name the directory does not have.
    pub(super) misses_names: bool,
}

impl Users {
    /// Takes a page that was asked for at `asked`; answers the token of the next.
    pub(super) fn take(
        &mut self,
        body: &[u8],
        asked: Timestamp,
        directory: &Directory,
    ) -> Result<Option<String>, Unreadable> {
        let page: Page = read(body)?;
        self.began = Some(self.began.map_or(asked, |began| began.min(asked)));
        for (index, user) in page.user_data_list.iter().flatten().enumerate() {
            let agent = user.user.as_ref().and_then(Reference::id).map(AgentId::from);
            let agent =
                agent.ok_or_else(|| Unreadable(format!("UserDataList[{index}].User: it has no id")))?;
            match self.snapshot(user, &agent, asked, directory) {
                Some(snapshot) => self.shown.push(Shown { agent, at: asked, snapshot }),
                None => self.unclear.push(agent),
            }
        }
        Ok(page.next_token)
    }

    /// Nothing if something is missing without which nothing can be said.
    fn snapshot(
        &mut self,
        user: &UserData,
        agent: &AgentId,
        asked: Timestamp,
        directory: &Directory,
    ) -> Option<Snapshot> {
        let shown = user.status.as_ref()?;
        let status = self.status(shown, directory)?;
        let mut contacts = Vec::new();
        for contact in user.contacts.iter().flatten() {
            let contact = self.contact(contact, directory)?;
            let is_left_behind = contact.phase == ContactPhase::Wrapping
                && contact.since.is_some_and(|since| asked.since(since) > LONGEST_ACW);
            if !is_left_behind {
                contacts.push(contact);
            }
        }
        let profile = profile(user, agent, directory);
        self.misses_names |= profile.is_none();
        let status_since = shown.since.map(timestamp);
        Some(Snapshot { status: Arc::new(status), status_since, contacts, profile: profile.map(Arc::new) })
    }

    /// The directory knows what a status is for; of one that it does not have, the name decides as in old events.
    fn status(&mut self, shown: &StatusReference, directory: &Directory) -> Option<Status> {
        let name = shown.name.as_deref().filter(|name| !name.is_empty())?;
        let id = shown.arn.as_deref().map(last_part).filter(|id| !id.is_empty());
        let kind = id.and_then(|id| directory.status_type(id));
        self.misses_names |= kind.is_none();
        Some(Status { id: id.map(StatusId::from), name: name.into(), kind: status_kind(kind, name) })
    }

    fn contact(&mut self, shown: &ContactReference, directory: &Directory) -> Option<AgentContact> {
        let initiation = shown.initiation_method.as_deref()?;
        let state = shown.agent_contact_state.as_deref()?;
        let phase = phase(state);
        let since = shown.state_start_timestamp.map(timestamp);
        Some(AgentContact {
            id: ContactId::from(shown.contact_id.as_deref()?),
            channel: Channel::from(shown.channel.as_deref()?),
            initiation: initiation.into(),
            outbound: is_outbound(initiation),
            monitored: is_monitored(initiation),
            phase,
            phase_text: state.into(),
            since: since.filter(|_| phase != ContactPhase::Held),
            queue: shown.queue.as_ref().and_then(|queue| self.queue(queue, directory)).map(Arc::new),
        })
    }

    /// An agent's own queue has a path of its own and no name, as in events.
    fn queue(&mut self, shown: &Reference, directory: &Directory) -> Option<Queue> {
        let id = shown.id()?;
        let personal = shown.arn.as_deref().is_some_and(|arn| arn.contains("/queue/agent/"));
        let name = directory.queue(id).filter(|_| !personal);
        self.misses_names |= name.is_none() && !personal;
        Some(Queue { id: id.into(), name: name.unwrap_or_default().into(), personal })
    }
}

impl Reference {
    /// The id; that of an agent's own queue may be written with its path.
    fn id(&self) -> Option<&str> {
        let id = self.id.as_deref().or(self.arn.as_deref()).map(last_part);
        id.filter(|id| !id.is_empty())
    }
}

/// Who the agent is, if everything of it has a name.
fn profile(user: &UserData, agent: &AgentId, directory: &Directory) -> Option<AgentProfile> {
    let person = directory.user(agent.as_str())?;
    let routing_profile = directory.routing_profile(user.routing_profile.as_ref()?.id()?)?;
    let levels = match &user.hierarchy_path {
        None => [""; 5],
        Some(path) => {
            let [one, two, three, four, five] = [&path.one, &path.two, &path.three, &path.four, &path.five]
                .map(|level| group(level.as_ref(), directory));
            [one?, two?, three?, four?, five?]
        }
    };
    let set: Vec<_> = levels.into_iter().filter(|level| !level.is_empty()).collect();
    Some(AgentProfile {
        login: person.login.as_str().into(),
        name: person.name.as_str().into(),
        team: set.join(" / ").as_str().into(),
        levels: levels.map(Into::into),
        routing_profile: routing_profile.into(),
    })
}

/// The name of a level: empty where it is not set, nothing where it has none.
fn group<'d>(level: Option<&Reference>, directory: &'d Directory) -> Option<&'d str> {
    level.map_or(Some(""), |level| directory.group(level.id()?))
}

fn last_part(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, id)| id)
}

/// The protocol writes times as seconds, with a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a time that is out of range saturates, and is refused as evidence"
)]
fn timestamp(seconds: f64) -> Timestamp {
    Timestamp::from_millis((seconds * 1000.0).round() as i64)
}
