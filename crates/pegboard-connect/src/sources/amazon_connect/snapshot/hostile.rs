//! What hostile pages are handed to: by the tests here, and by `fuzz/`, which has no other way to them.

use pegboard_model::Timestamp;

use super::directory::{Directory, Listing};
use super::page;

/// The listings, each with a page of it.
pub(super) const NAMES: [(Listing, &str); 5] = [
    (Listing::RoutingProfiles, include_str!("fixtures/routing-profiles.json")),
    (Listing::AgentStatuses, include_str!("fixtures/agent-statuses.json")),
    (Listing::Queues, include_str!("fixtures/queues.json")),
    (Listing::HierarchyGroups, include_str!("fixtures/user-hierarchy-groups.json")),
    (Listing::Users, include_str!("fixtures/users.json")),
];

/// A page of users.
pub(super) const USERS: &str = include_str!("fixtures/current-user-data.json");

/// Everything that the fixtures name.
pub(super) fn directory() -> Directory {
    let mut directory = Directory::default();
    for (listing, page) in NAMES {
        assert_eq!(directory.take(listing, page.as_bytes()), Ok(None), "{listing:?}");
    }
    directory
}

/// Pages of users.
pub mod users {
    use super::{Timestamp, USERS, directory, page};

    /// Good ones.
    pub fn corpus() -> Vec<Vec<u8>> {
        vec![USERS.into()]
    }

    /// Shows no more users than there can be in so many bytes.
    pub fn take(page: &[u8]) {
        thread_local! {
            static NAMED: super::Directory = directory();
        }
        let mut users = page::Users::default();
        let taken =
            NAMED.with(|directory| users.take(page, Timestamp::from_seconds(1_772_442_000), directory));
        if taken.is_ok() {
            let look = users.into_look();
            assert!(look.is_none_or(|look| look.shown.len() <= page.len()));
        }
    }
}

/// Pages of names.
pub mod names {
    use super::{Directory, Listing, NAMES};

    /// Good ones, and their lines.
    pub fn corpus() -> Vec<Vec<u8>> {
        let pages = NAMES.iter().map(|(_, page)| *page);
        let lines = pages.clone().flat_map(str::lines);
        pages.chain(lines).map(Vec::from).collect()
    }

    /// Whatever listing it is taken for, a reason is for people.
    pub fn take(page: &[u8]) {
        for listing in Listing::ALL {
            let mut directory = Directory::default();
            if let Err(error) = directory.take(listing, page) {
                assert!(error.to_string().len() < 1000, "{error}");
            }
        }
    }
}
