//! Who is signed in right now, as the platform shows it when it is asked: `GetCurrentUserData`.
//!
//! What the API reference says of it, and what follows:
//! - It shows only users who are active, and only those whom one filter names: by routing profile for everybody, by id
//!   for a few. Whoever is not shown is not signed in.
//! - It shows ids where events show names, and no type of a status: [`directory`] has those.
//! - `StateStartTimestamp` of a contact on hold is when it was connected, so it is no start of the hold.
//! - Contacts in after-contact work may be left behind for days. One that is older than a day is left out.
//! - Paused tasks have no state of their own; they are shown as connected.
//!
//! <https://docs.aws.amazon.com/connect/latest/APIReference/API_GetCurrentUserData.html>

mod directory;
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "`fuzz/` reaches it, tests need less")]
pub mod hostile;
mod page;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_trait::async_trait;
use pegboard_aws as aws;
use pegboard_model::{AgentId, ContactPhase, Timestamp};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::{Duration, Instant};

use self::directory::{Directory, Listing};
use self::page::Users;
use crate::sources::answer::Unreadable;
use crate::spec::{Look, Shown, Snapshots, SourceError, Whom};

/// How long names are used. They change rarely, and events tell them, too.
const NAMES_LAST: Duration = Duration::from_hours(1);

/// How long names are used after one was missing.
const NAMES_LAST_AT_LEAST: Duration = Duration::from_mins(5);

/// The most pages of one answer: 100,000 agents.
const MOST_PAGES: usize = 1000;

/// The snapshots of one instance of Amazon Connect.
#[derive(Debug)]
pub struct ConnectSnapshots {
    config: aws::ConnectConfig,
    environment: aws::Environment,
    client: OnceCell<aws::ConnectClient>,
    names: Mutex<Option<Names>>,
}

/// What things are called, and since when that is known.
#[derive(Debug)]
struct Names {
    directory: Directory,
    asked: Instant,
}

impl ConnectSnapshots {
    /// The snapshots of the instance of `config`. Nobody is asked yet.
    pub fn new(config: aws::ConnectConfig, environment: aws::Environment) -> Self {
        Self { config, environment, client: OnceCell::new(), names: Mutex::default() }
    }

    /// Looks once, and says what was found: proves that everything may be asked that is needed.
    pub async fn probe(&self) -> Result<String, SourceError> {
        let look = self.look(Whom::Everybody).await?;
        Ok(format!("instance {} shows {} signed-in agents", self.config.instance, look.shown.len()))
    }

    /// The client, connected when first asked for.
    async fn client(&self) -> Result<&aws::ConnectClient, SourceError> {
        let connect = || {
            let aws::Environment { clock, seed, .. } = self.environment.clone();
            aws::ConnectClient::connect(self.config.clone(), clock, seed)
        };
        self.client.get_or_try_init(connect).await.map_err(|error| source_error(&error))
    }

    async fn list(&self, directory: &mut Directory, listing: Listing) -> Result<(), SourceError> {
        let request = listing.request();
        let take = |body: &[u8], _| directory.take(listing, body);
        self.pages(&request, take).await
    }

    async fn fresh_names(&self) -> Result<Names, SourceError> {
        let mut directory = Directory::default();
        for listing in Listing::ALL {
            self.list(&mut directory, listing).await?;
        }
        Ok(Names { directory, asked: Instant::now() })
    }

    /// Asks page by page, and hands each over with the time at which it was asked for; `take` answers the token of the next.
    async fn pages(
        &self,
        request: &aws::ConnectRequest<'_>,
        mut take: impl FnMut(&[u8], Timestamp) -> Result<Option<String>, Unreadable>,
    ) -> Result<(), SourceError> {
        let client = self.client().await?;
        let unreadable = |what: &dyn std::fmt::Display| {
            let operation = request.operation();
            SourceError::permanent(format!("{operation} of Amazon Connect: {what}; update pegboard"))
        };
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = client.page(request, token.as_deref()).await.map_err(|error| source_error(&error))?;
            let next = take(&page.body, Timestamp::from_millis(page.asked_ms));
            match next.map_err(|error| unreadable(&error))?.filter(|next| !next.is_empty()) {
                None => return Ok(()),
                next if next == token => return Err(unreadable(&"a page names itself as the next")),
                next => token = next,
            }
        }
        Err(unreadable(&format_args!("more than {MOST_PAGES} pages")))
    }

    /// Everybody whom the requests show.
    async fn users(
        &self,
        requests: impl Iterator<Item = aws::ConnectRequest<'_>>,
        directory: &Directory,
    ) -> Result<Users, SourceError> {
        let mut users = Users::default();
        for request in requests {
            self.pages(&request, |body, asked| users.take(body, asked, directory)).await?;
        }
        Ok(users)
    }
}

#[async_trait]
impl Snapshots for ConnectSnapshots {
    async fn look(&self, at: Whom<'_>) -> Result<Look, SourceError> {
        // One look at a time: a second one would only slow down the first.
        let mut known = self.names.lock().await;
        if known.as_ref().is_none_or(|names| names.asked.elapsed() >= NAMES_LAST) {
            *known = Some(self.fresh_names().await?);
        }
        let Some(names) = known.as_mut() else { return Err(SourceError::passing("no names are known")) };
        let users = match at {
            Whom::Everybody => {
                let profiles: Vec<String> = names.directory.routing_profiles().map(str::to_owned).collect();
                let chunks = profiles.chunks(aws::MOST_FILTERED);
                self.users(chunks.map(aws::ConnectRequest::UsersOfProfiles), &names.directory).await?
            }
            Whom::Only(agents) => {
                let ids: Vec<String> = agents.iter().map(ToString::to_string).collect();
                let chunks = ids.chunks(aws::MOST_FILTERED);
                self.users(chunks.map(aws::ConnectRequest::UsersByIds), &names.directory).await?
            }
        };
        if users.misses_names && names.asked.elapsed() >= NAMES_LAST_AT_LEAST {
            *known = None;
        }
        users
            .into_look()
            .ok_or_else(|| SourceError::permanent("this instance of Amazon Connect has no routing profile"))
    }

    fn shown_as_connected(&self) -> &'static [ContactPhase] {
        &[ContactPhase::Paused]
    }
}

impl Users {
    /// Pages change while they are read: of an agent who moved from one to another, the later place counts. Nothing if
    /// nobody was asked.
    fn into_look(self) -> Option<Look> {
        let began = self.began?;
        let mut places: HashMap<AgentId, usize> = HashMap::with_capacity(self.shown.len());
        let mut shown: Vec<Shown> = Vec::with_capacity(self.shown.len());
        for next in self.shown {
            match places.entry(next.agent.clone()) {
                Entry::Occupied(place) => shown[*place.get()] = next,
                Entry::Vacant(place) => {
                    place.insert(shown.len());
                    shown.push(next);
                }
            }
        }
        Some(Look { began, shown, unclear: self.unclear })
    }
}

fn source_error(error: &aws::ConnectError) -> SourceError {
    SourceError { needs_action: !error.is_transient(), position_expired: false, message: error.to_string() }
}
