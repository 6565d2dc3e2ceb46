//! The interval file: four reports in a text.

use std::fmt::Write;

use pegboard_model::{Fixed, Millis};

use crate::merge::{AgentLine, QueueLine, SignedIn};
use crate::period::{Period, local};
use crate::settings::ContactTypes;
use crate::whole::whole_seconds;
use crate::{Document, Known};

const VOICE: &str = "CT Received Handled Aban Ans-Gos Aba-Gos HandleTime WorkTime Distributed Q-Delay Srlvl";
const MULTIMEDIA: &str = " Blog BlogNotExp BlogExp";

/// The file of a period, named by its start on the local clock. Such names sort within a year; where there are several years each
/// has a folder.
pub(super) fn file(known: &Known, period: &Period, sessions: &[SignedIn], has_years: bool) -> Document {
    let settings = &known.mapping.settings;
    let mut text = Text { out: String::new(), at: period.local.strftime("%m/%d/%y %H:%M").to_string() };
    let columns = match settings.contact_types {
        ContactTypes::Voice => VOICE.to_owned(),
        ContactTypes::Multimedia => format!("{VOICE}{MULTIMEDIA}"),
    };
    let queues = &period.lines.queues;
    text.report(
        "Contact Type Report",
        &columns,
        queues.iter().map(|line| queue(line, settings.contact_types)),
    );
    let lines = period.lines.agent_queues.iter().map(|line| {
        let sum = &line.sum;
        let numbers = [sum.answered.to_string(), seconds(sum.handle_s), seconds(sum.acw_s)];
        [line.queue.id.to_string(), line.agent.value.to_string()].into_iter().chain(numbers).collect()
    });
    text.report("Agent-Contact Type Report", "CT Agent ID Handled HandleTime WorkTime", lines);
    let columns = "Agent ID InternalCalls InternalTime ReadyTime IdleTime OutCalls OutTime LoginTime";
    let lines = period.lines.agents.iter().map(|line| agent(line, period));
    text.report("Agent System Performance Report", columns, lines);
    if settings.sign_ons {
        let columns = "Agent ID Sign In Sign Out Reason Code";
        let ended = sessions.iter().filter(|session| period.contains(session.end));
        let time = |at| local(&known.zone, at).strftime("%m/%d/%y %H:%M").to_string();
        let lines = ended.map(|session| {
            vec![session.agent.value.to_string(), time(session.start), time(session.end), "0".to_owned()]
        });
        text.report("Agent Signon-Signoff Report", columns, lines);
    }
    let name = period.local.strftime("%m%d%y.%H%M").to_string();
    let name = if has_years { format!("{}/{name}", period.year()) } else { name };
    Document::new(name, text.out)
}

struct Text {
    out: String,
    at: String,
}

impl Text {
    /// Title, time, columns, lines that end with a tab, and the end.
    fn report(&mut self, title: &str, columns: &str, lines: impl Iterator<Item = Vec<String>>) {
        let written = write!(self.out, "{title}\r\n{}\r\n{columns}\r\n", self.at);
        debug_assert!(written.is_ok(), "a string takes everything");
        for line in lines {
            for cell in line {
                self.out.push_str(&cell);
                self.out.push('\t');
            }
            self.out.push_str("\r\n");
        }
        self.out.push_str("End ");
        self.out.push_str(title);
        self.out.push_str("\r\n");
    }
}

/// Nobody has said what `Distributed` counts: it is 0.
fn queue(line: &QueueLine, form: ContactTypes) -> Vec<String> {
    let sum = &line.sum;
    let counts = [sum.offered, sum.answered, sum.abandoned, sum.answered_in_sl, sum.abandoned_in_sl];
    let times = [sum.handle_s, sum.acw_s].map(seconds);
    let more = ["0".to_owned(), seconds(sum.queue_answered_s), percent(sum.service_level_pct)];
    let mut cells = vec![line.queue.id.to_string()];
    cells.extend(counts.map(|count| count.to_string()).into_iter().chain(times).chain(more));
    if form == ContactTypes::Multimedia {
        let (backlog, expired) = (sum.backlog.unwrap_or(0), sum.backlog_expired.unwrap_or(0));
        cells.extend([backlog, backlog.saturating_sub(expired), expired].map(|count| count.to_string()));
    }
    cells
}

/// Calls between agents are not told apart: they are 0. Calls out are those that were in no queue.
fn agent(line: &AgentLine, period: &Period) -> Vec<String> {
    let outbound = period.lines.outside_queues.outbound.get(&line.agent.id);
    let (calls, time) = outbound.copied().unwrap_or_default();
    let internal = ["0".to_owned(), "0".to_owned()];
    let own = [seconds(line.ready), seconds(line.not_ready)];
    let out = [calls.to_string(), seconds(time), seconds(line.login)];
    let mut cells = vec![line.agent.value.to_string()];
    cells.extend(internal.into_iter().chain(own).chain(out));
    cells
}

pub(super) fn seconds(duration: Millis) -> String {
    whole_seconds(duration).to_string()
}

/// A whole percentage, half up; 0 where there is nothing to measure.
pub(super) fn percent(percent: Option<Fixed>) -> String {
    percent.map_or(0, |percent| (percent.units() + 50) / 100).to_string()
}
