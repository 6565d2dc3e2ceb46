//! What things are called: names by id, as the listings of the API give them.

use std::collections::HashMap;

use pegboard_aws::ConnectRequest;
use serde::Deserialize;

use crate::sources::answer::{Unreadable, read};

/// One listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    RoutingProfiles,
    AgentStatuses,
    Queues,
    HierarchyGroups,
    Users,
}

impl Listing {
    pub(super) const ALL: [Self; 5] =
        [Self::RoutingProfiles, Self::AgentStatuses, Self::Queues, Self::HierarchyGroups, Self::Users];

    pub(super) fn request(self) -> ConnectRequest<'static> {
        match self {
            Self::RoutingProfiles => ConnectRequest::ListRoutingProfiles,
            Self::AgentStatuses => ConnectRequest::ListAgentStatuses,
            Self::Queues => ConnectRequest::ListQueues,
            Self::HierarchyGroups => ConnectRequest::ListUserHierarchyGroups,
            Self::Users => ConnectRequest::SearchUsers,
        }
    }
}

/// A user, as people know him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) login: String,
    pub(super) name: String,
}

/// Everything that has a name.
#[derive(Debug, Default)]
pub(super) struct Directory {
    routing_profiles: HashMap<String, String>,
    /// `ROUTABLE`, `CUSTOM` or `OFFLINE` by the id of a status.
    status_types: HashMap<String, String>,
    queues: HashMap<String, String>,
    groups: HashMap<String, String>,
    users: HashMap<String, Person>,
}

/// A page of any listing: each has one list of its own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    next_token: Option<String>,
    #[serde(
        alias = "RoutingProfileSummaryList",
        alias = "AgentStatusSummaryList",
        alias = "QueueSummaryList",
        alias = "UserHierarchyGroupSummaryList",
        alias = "Users"
    )]
    entries: Option<Vec<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: Option<String>,
    name: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    username: Option<String>,
    identity_info: Option<IdentityInfo>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdentityInfo {
    first_name: Option<String>,
    last_name: Option<String>,
}

impl Directory {
    /// Takes a page of a listing; answers the token of the next. Entries without an id are of no use to anybody.
    pub(super) fn take(&mut self, listing: Listing, body: &[u8]) -> Result<Option<String>, Unreadable> {
        let page: Page = read(body)?;
        for entry in page.entries.into_iter().flatten() {
            let Some(id) = entry.id.clone() else { continue };
            match listing {
                Listing::Users => drop(self.users.insert(id, person(entry))),
                Listing::AgentStatuses => {
                    self.status_types.extend(entry.kind.map(|kind| (id, kind)));
                }
                Listing::RoutingProfiles => {
                    // Without a name it still says whom to ask for.
                    self.routing_profiles.insert(id, entry.name.unwrap_or_default());
                }
                Listing::Queues => self.queues.extend(entry.name.map(|name| (id, name))),
                Listing::HierarchyGroups => self.groups.extend(entry.name.map(|name| (id, name))),
            }
        }
        Ok(page.next_token)
    }

    /// The ids of all routing profiles.
    pub(super) fn routing_profiles(&self) -> impl Iterator<Item = &str> {
        self.routing_profiles.keys().map(String::as_str)
    }

    pub(super) fn routing_profile(&self, id: &str) -> Option<&str> {
        self.routing_profiles.get(id).map(String::as_str)
    }

    pub(super) fn status_type(&self, id: &str) -> Option<&str> {
        self.status_types.get(id).map(String::as_str)
    }

    pub(super) fn queue(&self, id: &str) -> Option<&str> {
        self.queues.get(id).map(String::as_str)
    }

    pub(super) fn group(&self, id: &str) -> Option<&str> {
        self.groups.get(id).map(String::as_str)
    }

    pub(super) fn user(&self, id: &str) -> Option<&Person> {
        self.users.get(id)
    }
}

/// Written as the events write it: first name, blank, last name.
fn person(entry: Entry) -> Person {
    let (first, last) = entry.identity_info.map_or((None, None), |info| (info.first_name, info.last_name));
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let name = format!("{} {}", first.trim(), last.trim()).trim().to_owned();
    Person { login: entry.username.unwrap_or_default(), name }
}
