//! What `[source.twilio]` says: where Twilio posts to, what it signs with, and how the site works.

use std::path::Path;
use std::str::FromStr;

use pegboard_connect::sources::twilio::{Activities, ContactSettings, SiteStyle, TwilioSite};

use super::secret::SecretRef;
use super::table::Table;
use super::value;

/// The most activities of each kind, and the most reasons.
const MOST_NAMES: usize = 100;

/// A workspace of Twilio TaskRouter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioSettings {
    /// The URL that Twilio was told to post to, which its signatures are about.
    pub url: String,
    /// What it signs with: the account's auth token, and the next one while it is replaced.
    pub auth_tokens: Vec<SecretRef>,
    /// How its events are to be read.
    pub site: TwilioSite,
}

/// Reads the table.
pub(super) fn twilio(mut table: Table<'_, '_>, folder: &Path) -> Option<TwilioSettings> {
    let url = table.required("url", value::callback_url);
    let auth_tokens = table.required("auth_tokens", value::secrets(folder, 2));
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
        url: url?,
        auth_tokens: auth_tokens?,
        site: TwilioSite { style, activities, contacts },
    })
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
