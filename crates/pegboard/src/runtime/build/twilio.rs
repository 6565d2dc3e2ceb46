//! From the table of a workspace of Twilio to how it is asked.

use std::sync::Arc;

use pegboard_connect::sources::twilio::Asking;
use pegboard_connect::sources::twilio::rest::{Credentials, Https, RepairSettings, TaskRouter};
use pegboard_model::Millis;
use pegboard_net::{Client, ClientOptions, Egress};

use super::BuildError;
use crate::clock::Clock;
use crate::config::{Start, TwilioRestSettings};

/// How far back the oldest events are that are asked for: Twilio keeps them for 30 days, and time passes until it has answered.
const OLDEST: Millis = Millis::from_minutes(30 * 24 * 60 - 10);

/// How it is asked. Asks nobody yet.
pub(super) fn asking(settings: &TwilioRestSettings, clock: Clock) -> Result<Asking, BuildError> {
    let client = Client::new(ClientOptions {
        egress: Egress::new(settings.allow.clone()),
        roots: settings.trusted_certificates.clone(),
        ..ClientOptions::default()
    })?;
    let credentials = Credentials { user: settings.key.clone(), password: settings.secret.resolve()? };
    let (workspace, address) = (settings.workspace.clone(), settings.address.clone());
    let exchange = Arc::new(Https::new(client, &credentials));
    Ok(Asking {
        task_router: TaskRouter::new(exchange, address, workspace, settings.pace, Arc::new(clock)),
        start: match settings.start {
            Start::Latest => None,
            Start::TrimHorizon => Some(clock() - OLDEST),
            Start::At(at) => Some(at),
        },
        repair: RepairSettings { every: settings.every, ..RepairSettings::default() },
        lists_activities: settings.lists_activities,
    })
}
