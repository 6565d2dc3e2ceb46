//! What `[source.twilio]` says: where Twilio posts to and what it signs with, the stream that it writes to, how the site works, and how
//! it is asked.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use pegboard_connect::sources::twilio::rest::{
    DEFAULT_ADDRESS, MOST_AT_ONCE, MOST_PER_SECOND, Pace, Sid, regional,
};
use pegboard_connect::sources::twilio::{Activities, ContactSettings, SiteStyle, TwilioSite};
use pegboard_model::Millis;
use pegboard_net::{Opening, Target};
use toml::de::DeValue;

use super::schema::kinesis;
use super::secret::SecretRef;
use super::settings::{KinesisSettings, Start};
use super::sinks::MAX_OPENINGS;
use super::table::Table;
use super::value::{self, Read, Wrong};

/// The most activities of each kind, and the most reasons.
const MOST_NAMES: usize = 100;

/// How often a workspace is asked for its events: from a pace that leaves its other users their part.
const ASK_EVERY: RangeInclusive<Millis> = Millis::from_seconds(10)..=Millis::from_minutes(5);

/// A workspace of Twilio TaskRouter, known in at least one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioSettings {
    /// What it posts, if it does.
    pub posts: Option<TwilioPostSettings>,
    /// The stream that Event Streams writes to, if it does.
    pub kinesis: Option<Box<KinesisSettings>>,
    /// How its events are to be read.
    pub site: TwilioSite,
    /// Whether the WFM RTA feed is posted, too, and tells how agents are.
    pub rta_feed: bool,
    /// How it is asked, if it is.
    pub rest: Option<Box<TwilioRestSettings>>,
}

/// How posts of Twilio are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioPostSettings {
    /// The URL that Twilio was told to post to, which its signatures are about.
    pub url: String,
    /// What it signs with: the account's auth token, and the next one while it is replaced.
    pub auth_tokens: Vec<SecretRef>,
}

/// How a workspace is asked over the REST API of TaskRouter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioRestSettings {
    /// Where TaskRouter is.
    pub address: Target,
    /// The workspace.
    pub workspace: Sid,
    /// An API key, or the account.
    pub key: String,
    /// The key's secret, or the account's auth token.
    pub secret: SecretRef,
    /// How often it may be asked.
    pub pace: Pace,
    /// From when on its events are asked for the first time.
    pub start: Start,
    /// How often they are, once nothing is left to catch up with.
    pub every: Millis,
    /// What may be reached beyond public addresses.
    pub allow: Vec<Opening>,
    /// Certificates that are trusted besides those of the operating system.
    pub trusted_certificates: Option<PathBuf>,
    /// Whether the workspace says which activities are available, because the site does not.
    pub lists_activities: bool,
}

/// Reads the table.
pub(super) fn twilio(mut table: Table<'_, '_>, folder: &Path) -> Option<TwilioSettings> {
    let (is_streamed, is_asked) = (table.has("kinesis"), table.has("rest"));
    let is_posted = table.has("url") || table.has("auth_tokens") || !(is_streamed || is_asked);
    let posts = posts(&mut table, folder, is_posted);
    let mut style = Style::Composed;
    table.set("site_style", &mut style, value::word(&Style::WORDS));
    let available = table.optional("available_activities", value::some_names(MOST_NAMES));
    let offline = table.optional("offline_activities", value::some_names(MOST_NAMES));
    let not_abandoned = table.optional("not_abandoned", value::names(MOST_NAMES)).unwrap_or_default();
    let mut contacts = ContactSettings {
        not_abandoned: not_abandoned.iter().map(|reason| reason.to_lowercase()).collect(),
        ..ContactSettings::default()
    };
    table.set("outbound", &mut contacts.outbound, value::boolean);
    table.set("written", &mut contacts.written, value::boolean);
    let mut rta_feed = false;
    table.set("rta_feed", &mut rta_feed, value::boolean);
    if rta_feed {
        table.needs("rta_feed", "url");
        table.excludes("rta_feed", "rest");
    }
    let kinesis = kinesis(table.table("kinesis"), folder);
    let rest = rest(table.table("rest"), folder);
    table.finish();
    let activities = Activities::new(
        available.as_deref().map_or(Activities::AVAILABLE.to_vec(), texts),
        offline.as_deref().map_or(Activities::OFFLINE.to_vec(), texts),
    );
    let style = match style {
        Style::Composed => SiteStyle::Composed,
        Style::Activity => SiteStyle::ActivityAlone,
    };
    Some(TwilioSettings {
        posts: if is_posted { Some(posts?) } else { None },
        kinesis: if is_streamed { Some(Box::new(kinesis?)) } else { None },
        site: TwilioSite { style, activities, contacts },
        rta_feed,
        rest: rest.map(|rest| Box::new(TwilioRestSettings { lists_activities: available.is_none(), ..rest })),
    })
}

/// How posts are known.
fn posts(table: &mut Table<'_, '_>, folder: &Path, are_needed: bool) -> Option<TwilioPostSettings> {
    let (url, tokens) = (value::callback_url, value::secrets(folder, 2));
    let (url, auth_tokens) = if are_needed {
        (table.required("url", url), table.required("auth_tokens", tokens))
    } else {
        (table.optional("url", url), table.optional("auth_tokens", tokens))
    };
    Some(TwilioPostSettings { url: url?, auth_tokens: auth_tokens? })
}

/// Without the table, nothing is asked.
fn rest(mut table: Table<'_, '_>, folder: &Path) -> Option<TwilioRestSettings> {
    let workspace = table.required("workspace", sid(&["WS"], "the SID of a workspace: WS..."));
    let key =
        table.required("key", sid(&["SK", "AC"], "the SID of an API key, SK..., or of the account, AC..."));
    let secret = table.required("secret", value::secret(folder));
    let (region, edge) = (table.optional("region", label), table.optional("edge", label));
    let other = table.optional("address", value::target);
    table.needs("region", "edge");
    table.excludes("address", "edge");
    let (mut per_second, mut at_once) = (Pace::USUAL.per_second(), Pace::USUAL.at_once());
    table.set("requests_per_second", &mut per_second, value::count(1..=MOST_PER_SECOND));
    table.set("requests_at_once", &mut at_once, value::count(1..=MOST_AT_ONCE));
    let start = table.optional("start", value::start).unwrap_or(Start::Latest);
    let mut every = Millis::from_minutes(1);
    table.set("every", &mut every, value::duration(ASK_EVERY));
    let allow = table.optional("allow", value::openings(MAX_OPENINGS)).unwrap_or_default();
    let trusted_certificates = table.optional("trusted_certificates", value::path(folder));
    table.finish();
    let address = match other {
        Some(address) => Some(address),
        None => regional(region.as_deref(), edge.as_deref()).or_else(|_| DEFAULT_ADDRESS.parse()).ok(),
    };
    Some(TwilioRestSettings {
        address: address?,
        workspace: workspace?,
        key: key?.to_string(),
        secret: secret?,
        pace: Pace::new(per_second, at_once).ok()?,
        start,
        every,
        allow,
        trusted_certificates,
        lists_activities: true,
    })
}

/// A SID that begins with one of these.
fn sid(kinds: &'static [&str], expected: &'static str) -> impl Fn(&DeValue<'_>) -> Read<Sid> {
    move |value| {
        let given = value.as_str().filter(|given| kinds.iter().any(|kind| given.starts_with(kind)));
        // It may be a secret that stands in the wrong place.
        let wrong = || Wrong::expected(expected).secret();
        given.ok_or_else(wrong)?.parse().map_err(|_| wrong())
    }
}

/// The name of a region or an edge of Twilio.
fn label(value: &DeValue<'_>) -> Read<String> {
    let wrong =
        || Wrong::expected("the name of a region or an edge of Twilio, such as \"ie1\" and \"dublin\"");
    let given = value.as_str().ok_or_else(wrong)?;
    regional(Some(given), Some(given)).map_err(|_| wrong())?;
    Ok(given.to_owned())
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// How a site lets its agents' states be seen, in the words of the configuration.
#[derive(Debug, Clone, Copy)]
enum Style {
    Composed,
    Activity,
}

impl Style {
    const WORDS: [&'static str; 2] = ["composed", "activity"];
}

impl FromStr for Style {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "composed" => Ok(Self::Composed),
            "activity" => Ok(Self::Activity),
            _ => Err(()),
        }
    }
}
