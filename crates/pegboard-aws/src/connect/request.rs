//! What is asked, as the API reference writes it.

use serde_json::{Value, json};

use super::metric_data::MetricDataQuery;
use crate::encoded::Encoded;

/// How many routing profiles or agents one request may name.
pub const MOST_FILTERED: usize = 100;

/// The most entries of a page.
const USERS_SHOWN: u32 = 100;
const USERS_FOUND: u32 = 500;
const LISTED: u32 = 1000;

/// A request for one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectRequest<'a> {
    /// All routing profiles, by id and name.
    ListRoutingProfiles,
    /// All statuses, by id and name, with what they mean for routing.
    ListAgentStatuses,
    /// All queues but agents' own, by id and name.
    ListQueues,
    /// All groups of the hierarchy, by id and name.
    ListUserHierarchyGroups,
    /// All users, by id, login and name.
    SearchUsers,
    /// The signed-in agents of these routing profiles, at most [`MOST_FILTERED`] of them.
    UsersOfProfiles(&'a [String]),
    /// Of these agents, at most [`MOST_FILTERED`], those who are signed in.
    UsersByIds(&'a [String]),
    /// Statistics by intervals.
    MetricData(&'a MetricDataQuery),
}

/// A request as it goes over the wire.
#[derive(Debug, PartialEq)]
pub(super) struct Wire {
    pub(super) method: &'static str,
    /// With the query, percent-encoded.
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

impl ConnectRequest<'_> {
    /// The operation, which the IAM action is named after.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::ListRoutingProfiles => "ListRoutingProfiles",
            Self::ListAgentStatuses => "ListAgentStatuses",
            Self::ListQueues => "ListQueues",
            Self::ListUserHierarchyGroups => "ListUserHierarchyGroups",
            Self::SearchUsers => "SearchUsers",
            Self::UsersOfProfiles(_) | Self::UsersByIds(_) => "GetCurrentUserData",
            Self::MetricData(_) => "GetMetricDataV2",
        }
    }

    /// The IAM action that allows it.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::ListRoutingProfiles => "connect:ListRoutingProfiles",
            Self::ListAgentStatuses => "connect:ListAgentStatuses",
            Self::ListQueues => "connect:ListQueues",
            Self::ListUserHierarchyGroups => "connect:ListUserHierarchyGroups",
            Self::SearchUsers => "connect:SearchUsers",
            Self::UsersOfProfiles(_) | Self::UsersByIds(_) => "connect:GetCurrentUserData",
            Self::MetricData(_) => "connect:GetMetricDataV2",
        }
    }

    /// The request for the first page, or for that of `token`.
    pub(super) fn wire(&self, instance: &str, token: Option<&str>) -> Wire {
        let list = |path: &str, extra: &str| {
            let token = token.map(|token| format!("&nextToken={}", Encoded(token))).unwrap_or_default();
            let path = format!("/{path}/{}?maxResults={LISTED}{extra}{token}", Encoded(instance));
            Wire { method: "GET", path, body: None }
        };
        let users = |filter: &str, ids: &[String]| {
            let mut body = json!({ "Filters": { filter: ids }, "MaxResults": USERS_SHOWN });
            put_token(&mut body, token);
            Wire {
                method: "POST",
                path: format!("/metrics/userdata/{}", Encoded(instance)),
                body: Some(body),
            }
        };
        match self {
            Self::ListRoutingProfiles => list("routing-profiles-summary", ""),
            Self::ListAgentStatuses => list("agent-status", ""),
            Self::ListQueues => list("queues-summary", "&queueTypes=STANDARD"),
            Self::ListUserHierarchyGroups => list("user-hierarchy-groups-summary", ""),
            Self::SearchUsers => {
                let mut body = json!({ "InstanceId": instance, "MaxResults": USERS_FOUND });
                put_token(&mut body, token);
                Wire { method: "POST", path: "/search-users".to_owned(), body: Some(body) }
            }
            Self::UsersOfProfiles(ids) => users("RoutingProfiles", ids),
            Self::UsersByIds(ids) => users("Agents", ids),
            Self::MetricData(query) => {
                let mut body = query.body();
                put_token(&mut body, token);
                Wire { method: "POST", path: "/metrics/data".to_owned(), body: Some(body) }
            }
        }
    }
}

fn put_token(body: &mut Value, token: Option<&str>) {
    if let Some(token) = token {
        body["NextToken"] = token.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_listing_are_asked_for_in_the_query() {
        let first = ConnectRequest::ListQueues.wire("i-1", None);
        assert_eq!(first.path, "/queues-summary/i-1?maxResults=1000&queueTypes=STANDARD");
        let next = ConnectRequest::ListRoutingProfiles.wire("i-1", Some("a+b/c="));
        assert_eq!(next.path, "/routing-profiles-summary/i-1?maxResults=1000&nextToken=a%2Bb%2Fc%3D");
        assert_eq!((next.method, next.body), ("GET", None));
    }

    #[test]
    fn agents_are_asked_for_by_exactly_one_filter() {
        let ids = ["a".to_owned(), "b".to_owned()];
        let wire = ConnectRequest::UsersByIds(&ids).wire("i-1", Some("next"));
        assert_eq!((wire.method, &*wire.path), ("POST", "/metrics/userdata/i-1"));
        let expected = json!({"Filters": {"Agents": ["a", "b"]}, "MaxResults": 100, "NextToken": "next"});
        assert_eq!(wire.body, Some(expected));
        let profiles = ConnectRequest::UsersOfProfiles(&ids).wire("i-1", None).body;
        assert_eq!(profiles, Some(json!({"Filters": {"RoutingProfiles": ["a", "b"]}, "MaxResults": 100})));
    }

    #[test]
    fn users_are_searched_by_the_instance_in_the_body() {
        let wire = ConnectRequest::SearchUsers.wire("i-1", None);
        assert_eq!((wire.method, &*wire.path), ("POST", "/search-users"));
        assert_eq!(wire.body, Some(json!({"InstanceId": "i-1", "MaxResults": 500})));
    }
}
