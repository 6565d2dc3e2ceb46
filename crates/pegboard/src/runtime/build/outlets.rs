//! From the table of an outlet to whom it tells.

use std::sync::Arc;
use std::time::Duration;

use pegboard_net::{Client, ClientOptions, Egress, MailOptions, Mailer};

use super::signing_keys;
use crate::config::{EmailSettings, OutletConfig, OutletTarget, OutletWebhookSettings};
use crate::runtime::alarms::outlet::{MailOutlet, Outlet, OutletSetup, Webhook};

/// How long telling may take as a whole.
const TOTAL: Duration = Duration::from_secs(30);

/// The outlet that a table describes. Asks nobody yet. `hub` is what events name as their source; `page` is where people find it.
pub fn outlet(config: &OutletConfig, hub: &str, page: Option<&str>) -> anyhow::Result<OutletSetup> {
    let outlet: Arc<dyn Outlet> = match &config.target {
        OutletTarget::Webhook(settings) => Arc::new(webhook(settings, hub)?),
        OutletTarget::Email(settings) => Arc::new(email(settings, page)?),
    };
    let pause = Duration::from_millis(config.pause.get().unsigned_abs());
    Ok(OutletSetup { name: config.name.clone(), severity: config.severity.into(), pause, outlet })
}

fn webhook(settings: &OutletWebhookSettings, hub: &str) -> anyhow::Result<Webhook> {
    let options = ClientOptions {
        egress: Egress::new(settings.allow.clone()),
        roots: settings.trusted_certificates.clone(),
        total: TOTAL,
        ..ClientOptions::default()
    };
    let keys = signing_keys(&settings.signing_keys)?;
    Ok(Webhook::new(Client::new(options)?, settings.url.clone(), keys, hub))
}

fn email(settings: &EmailSettings, page: Option<&str>) -> anyhow::Result<MailOutlet> {
    let login = match &settings.login {
        Some((user, password)) => Some((user.resolve()?.expose().to_owned(), password.resolve()?)),
        None => None,
    };
    let mailer = Mailer::new(MailOptions {
        host: settings.host.clone(),
        port: settings.port,
        security: settings.security.into(),
        login,
        egress: Egress::new(settings.allow.clone()),
        roots: settings.trusted_certificates.clone(),
        connect: Duration::from_secs(10),
        total: TOTAL,
    })?;
    let (from, to) = (settings.from.clone(), settings.to.clone());
    Ok(MailOutlet::new(mailer, from, to, page.map(str::to_owned)))
}
