//! Alarms by mail.

use async_trait::async_trait;
use pegboard_net::{Mail, MailAddress, Mailer};

use super::message::{mail_subject, mail_text};
use super::{NotTold, Notice, Outlet};

/// Sends alarms to some people, all of them in one mail.
#[derive(Debug)]
pub struct MailOutlet {
    mailer: Mailer,
    from: MailAddress,
    to: Vec<MailAddress>,
    /// Where the page is, for those who read the mail.
    page: Option<String>,
}

impl MailOutlet {
    /// Connects to nobody yet.
    pub fn new(mailer: Mailer, from: MailAddress, to: Vec<MailAddress>, page: Option<String>) -> Self {
        Self { mailer, from, to, page }
    }
}

#[async_trait]
impl Outlet for MailOutlet {
    async fn tell(&self, notice: Notice<'_>) -> Result<(), NotTold> {
        let mail = Mail {
            from: self.from.clone(),
            to: self.to.clone(),
            at: notice.at,
            id: format!("{}@{}", notice.id, self.from.domain()),
            subject: mail_subject(notice.telling),
            text: mail_text(notice.telling, self.page.as_deref()),
        };
        self.mailer.send(&mail).await.map_err(|error| NotTold { reason: error.to_string(), after: None })
    }
}
