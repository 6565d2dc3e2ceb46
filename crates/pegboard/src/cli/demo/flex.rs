//! The second centre of the demo, on Twilio: a stand-in of TaskRouter, which the hub asks, and which posts what happens. Some posts are
//! lost, so that there is something to ask for.

use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use pegboard_connect::sources::twilio::rest::{Credentials, Https, Pace, RepairSettings, TaskRouter};
use pegboard_connect::sources::twilio::{Asking, TwilioSite, TwilioSource};
use pegboard_model::{Millis, Timestamp};
use pegboard_net::{Client, ClientOptions, Egress, Secret};
use pegboard_sim::Centre;
use pegboard_sim::stand_in::task_router::{
    Happening, KEY, SECRET, Settings, TaskRouterStandIn, WORKSPACE, happenings,
};

use crate::clock;
use crate::config::{SecretRef, SourceConfig, SourceInput, TwilioPostSettings, TwilioSettings};
use crate::runtime::intake::Gates;
use crate::runtime::simulated::morning_offset;

/// What the source is called.
const NAME: &str = "flex";

/// What posts would be signed with.
const TOKEN: &str = "the auth token of nobody";

/// The most agents: all that happens to them is known beforehand.
const MOST_AGENTS: usize = 40;

/// For how long something happens there. After that its people have left for good, until the demo is started again.
const LASTS: Millis = Millis::from_hours(48);

/// How late an event may be listed.
const LATE_BY: Millis = Millis::from_seconds(5);

/// How often it is asked for its events.
const ASK_EVERY: Millis = Millis::from_seconds(10);

/// How often it posts what has happened.
const POST_EVERY: Duration = Duration::from_millis(500);

/// The centre beside a first one of so many agents, of whom the last work in both: everybody is known by his number.
pub(super) fn configuration(first: usize, seed: u64, begin: Timestamp) -> pegboard_sim::Config {
    let agents = (first / 3).clamp(1, MOST_AGENTS);
    let in_both = agents.div_ceil(3);
    pegboard_sim::Config {
        first_agent: first - in_both,
        utc_offset_minutes: morning_offset(begin),
        ..pegboard_sim::Config::new(agents, begin, 0, seed.wrapping_add(1))
    }
}

/// The centre, on Twilio.
#[derive(Debug)]
pub(super) struct Flex {
    stand_in: TaskRouterStandIn,
    happened: Arc<Vec<Happening>>,
    begin: Timestamp,
}

impl Flex {
    /// Lets a centre live until some time after `now`.
    pub(super) fn open(configuration: &pegboard_sim::Config, now: Timestamp) -> anyhow::Result<Self> {
        let begin = configuration.start;
        let hours = (now + LASTS).since(begin).get() / Millis::from_hours(1).get();
        let hours = u32::try_from(hours).context("the demo began too long ago: name another folder")?;
        let day = Centre::new(pegboard_sim::Config { hours, ..configuration.clone() }).run();
        let happened = Arc::new(happenings(&day));
        let settings = Settings { late_by: LATE_BY };
        let stand_in = TaskRouterStandIn::serve(day.organisation, happened.clone(), settings)
            .context("cannot start the stand-in of Twilio")?;
        stand_in.pass_to(now);
        Ok(Self { stand_in, happened, begin })
    }

    /// The settings of the source.
    pub(super) fn settings(folder: &Path) -> anyhow::Result<SourceConfig> {
        let path = folder.join("flex.token");
        let token = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        token.and_then(|mut file| file.write_all(TOKEN.as_bytes())).context("cannot write a token")?;
        let input = SourceInput::Twilio(TwilioSettings {
            posts: Some(TwilioPostSettings {
                url: format!("http://127.0.0.1/api/v1/twilio/{NAME}"),
                auth_tokens: vec![SecretRef::File(path)],
            }),
            kinesis: None,
            site: TwilioSite::default(),
            rta_feed: false,
            rest: None,
        });
        let delay = Millis::from_minutes(2);
        Ok(SourceConfig {
            close_delay: delay,
            close_delay_contacts: delay,
            reconcile_every: Millis::from_minutes(1),
            ..SourceConfig::new(NAME, input)
        })
    }

    /// What reads it.
    pub(super) fn source(&self, gates: &Gates) -> anyhow::Result<TwilioSource> {
        let egress = Egress::new(vec!["127.0.0.1".parse()?]);
        let client = Client::new(ClientOptions { egress, ..ClientOptions::default() })?;
        let credentials = Credentials { user: KEY.to_owned(), password: Secret::new(SECRET.to_owned()) };
        let (address, workspace) = (self.stand_in.url().parse()?, WORKSPACE.parse()?);
        let exchange = Arc::new(Https::new(client, &credentials));
        let clock = Arc::new(clock::system);
        let task_router = TaskRouter::new(exchange, address, workspace, Pace::new(50, 10)?, clock.clone());
        let repair = RepairSettings {
            settle: LATE_BY + Millis::from_seconds(1),
            longest: Millis::from_hours(6),
            every: ASK_EVERY,
            ..RepairSettings::default()
        };
        let inlet = gates.of(&NAME.into()).context("the source has no gate")?.inlet();
        let asking = Asking { task_router, start: Some(self.begin), repair, lists_activities: true };
        Ok(TwilioSource::new(inlet, clock, TwilioSite::default()).asking(asking))
    }

    /// Posts what happens from now on, but for what is lost.
    pub(super) async fn post(self, gates: Gates) -> Infallible {
        let by = |now: Timestamp| self.happened.partition_point(|happening| happening.at <= now);
        let mut posted = by(clock::system());
        loop {
            tokio::time::sleep(POST_EVERY).await;
            let now = clock::system();
            self.stand_in.pass_to(now);
            let happened = &self.happened[posted..by(now).max(posted)];
            posted += happened.len();
            let posts = happened.iter().filter(|one| !is_lost(one));
            let posts: Vec<_> = posts.map(|one| one.form().into_bytes()).collect();
            if let Some(gate) = gates.of(&NAME.into()).filter(|_| !posts.is_empty())
                && let Err(error) = gate.hand_in(None, posts, String::new()).await
            {
                tracing::warn!("what the simulated Twilio posts is lost: {error}");
            }
        }
    }
}

/// One post in sixteen.
fn is_lost(happening: &Happening) -> bool {
    happening.sid.ends_with('0')
}

/// When the centre of a folder began: where it is kept, it lives on.
pub(super) fn beginning(folder: &Path, otherwise: Timestamp) -> anyhow::Result<Timestamp> {
    let path = folder.join("flex.began");
    if let Ok(text) = fs::read_to_string(&path) {
        return Timestamp::parse(text.trim()).with_context(|| path.display().to_string());
    }
    fs::write(&path, otherwise.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(otherwise)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pegboard_sim::Organisation;

    use super::*;

    #[test]
    fn whatever_the_size_some_work_in_both_centres_and_most_in_one() {
        let begin = Timestamp::from_seconds(1_772_355_600);
        for agents in [3, 30, 120, 5000] {
            let first = Organisation::found(&pegboard_sim::Config::new(agents, begin, 0, 7));
            let second = Organisation::found(&configuration(agents, 7, begin));
            let logins = |of: &Organisation| -> BTreeSet<_> {
                of.agents.iter().map(|agent| agent.login.to_string()).collect()
            };
            let in_both = logins(&first).intersection(&logins(&second)).count();
            assert_eq!(in_both, second.agents.len().div_ceil(3), "{agents}");
        }
    }

    #[test]
    fn a_centre_lives_on_where_its_folder_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (first, later) = (Timestamp::from_seconds(1_772_355_600), Timestamp::from_seconds(1_772_400_000));
        assert_eq!(beginning(folder.path(), first).unwrap(), first);
        assert_eq!(beginning(folder.path(), later).unwrap(), first);
    }
}
