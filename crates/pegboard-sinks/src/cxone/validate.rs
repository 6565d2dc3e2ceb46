//! What CXone WFM would find wrong with a queue report, found before it is sent: NICE checks on its side only.
//!
//! Sums are checked before they are rounded, since rounded parts need not add up.

use std::collections::HashMap;
use std::fmt;

use pegboard_model::policy::Pegging;
use pegboard_model::{Millis, Text};

use super::INTERVAL_MINUTES;
use crate::Interval;
use crate::merge::{AgentLine, AgentQueueLine, Lines, QueueLine};

/// Everything that is wrong with the lines of an interval: which rule, of what, when, and what was found.
pub(super) fn violations(interval: Interval, lines: &Lines) -> Vec<String> {
    let mut found = Found { interval, messages: Vec::new() };
    found.check_interval();
    lines.queues.iter().for_each(|line| found.check_queue(line));
    lines.agent_queues.iter().for_each(|line| found.check_agent_queue(line));
    lines.agents.iter().for_each(|line| found.check_agent(line));
    found.check_sums(lines);
    found.messages
}

struct Found {
    interval: Interval,
    messages: Vec<String>,
}

impl Found {
    fn rule(&mut self, holds: bool, of: impl fmt::Display, rule: &str, found: impl fmt::Display) {
        if !holds {
            self.messages.push(format!("{of}, {}: {rule}: {found}", self.interval.start));
        }
    }

    fn check_interval(&mut self) {
        let length = Millis::from_minutes(i64::from(INTERVAL_MINUTES[0]));
        let is_whole =
            self.interval.length() == length && self.interval.start.as_millis().rem_euclid(length.get()) == 0;
        let end = self.interval.end;
        let rule = "an interval has 15 minutes and begins at :00, :15, :30 or :45";
        self.rule(is_whole, "interval", rule, format_args!("it ends at {end}; --from and --to cut it"));
    }

    fn check_queue(&mut self, line: &QueueLine) {
        let sum = &line.sum;
        let of = format!("queue {} ({})", line.queue.name, line.queue.id);
        self.check_id(&of, &line.queue.id);
        let parts = sum.answered + sum.abandoned + sum.transferred_out;
        let rule = "contactsReceived = handled + abandoned + handed on";
        self.rule(sum.offered == parts, &of, rule, format_args!("{} and {parts}", sum.offered));
        let (short, all) = (sum.answered_in_sl, sum.answered);
        self.rule(short <= all, &of, "handledShort <= handled", format_args!("{short} and {all}"));
        let (short, all) = (sum.abandoned_in_sl, sum.abandoned);
        self.rule(short <= all, &of, "abandonedShort <= abandoned", format_args!("{short} and {all}"));
        self.check_times(&of, sum.answered, [sum.talk_s, sum.hold_s, sum.acw_s, sum.handle_s]);
        let (expired, backlog) = (sum.backlog_expired.unwrap_or(0), sum.backlog.unwrap_or(0));
        self.rule(
            expired <= backlog,
            &of,
            "backlogExpired <= backlog",
            format_args!("{expired} and {backlog}"),
        );
        let percent = sum.service_level_pct.map(pegboard_model::Fixed::units);
        let rule = "serviceLevelPercent is 0 to 100";
        self.rule(
            percent.is_none_or(|percent| (0..=10_000).contains(&percent)),
            &of,
            rule,
            percent.unwrap_or(0),
        );
        let pegging = sum.pegging;
        let rule = "contacts belong to the interval in which they end";
        self.rule(pegging == Pegging::Disconnect, &of, rule, format_args!("pegged by {pegging}"));
    }

    fn check_agent_queue(&mut self, line: &AgentQueueLine) {
        let sum = &line.sum;
        let of = format!("agent {} ({}) in queue {}", line.agent.value, line.agent.id, line.queue.id);
        self.check_id(&of, &line.agent.id);
        self.check_times(&of, sum.answered, [sum.talk_s, sum.hold_s, sum.acw_s, sum.handle_s]);
    }

    fn check_agent(&mut self, line: &AgentLine) {
        let of = format!("agent {} ({})", line.agent.value, line.agent.id);
        self.check_id(&of, &line.agent.id);
        let (parts, login) = (line.ready + line.not_ready, line.login);
        let rule = "readyTime + notReady <= loginTime";
        self.rule(parts <= login, &of, rule, format_args!("{parts} s and {login} s"));
        let length = self.interval.length();
        self.rule(
            login <= length,
            &of,
            "loginTime <= the interval",
            format_args!("{login} s and {length} s"),
        );
    }

    fn check_times(&mut self, of: &str, handled: u64, [talk, hold, work, handle]: [Millis; 4]) {
        self.rule(handle == talk + hold, of, "handleTime = talk + hold", format_args!("{handle} s"));
        self.rule(handle >= hold, of, "handleTime >= holdTime", format_args!("{handle} s and {hold} s"));
        self.rule(work >= Millis::ZERO, of, "workTime >= 0", format_args!("{work} s"));
        let is_idle = handle.is_zero() && hold.is_zero() && work.is_zero();
        let rule = "without handled contacts there is no time";
        self.rule(handled > 0 || is_idle, of, rule, format_args!("{handle} s and {work} s of work"));
    }

    fn check_id(&mut self, of: &str, id: &Text) {
        let is_trimmed = !id.is_empty() && id.trim() == &**id;
        self.rule(is_trimmed, of, "an id is not empty, and has no outer blanks", format_args!("{id:?}"));
    }

    /// What agents did in a queue is no more than what happened there.
    fn check_sums(&mut self, lines: &Lines) {
        let mut sums: HashMap<&Text, (u64, [Millis; 3])> = HashMap::new();
        for line in &lines.agent_queues {
            let (handled, times) = sums.entry(&line.queue.id).or_default();
            *handled += line.sum.answered;
            for (sum, time) in times.iter_mut().zip([line.sum.handle_s, line.sum.hold_s, line.sum.acw_s]) {
                *sum += time;
            }
        }
        for line in &lines.queues {
            let Some((handled, times)) = sums.remove(&line.queue.id) else { continue };
            let of = format!("queue {} ({})", line.queue.name, line.queue.id);
            let (all, rule) = (line.sum.answered, "agents handle no more than the queue");
            self.rule(handled <= all, &of, rule, format_args!("{handled} and {all}"));
            for (sum, all) in times.into_iter().zip([line.sum.handle_s, line.sum.hold_s, line.sum.acw_s]) {
                let rule = "agents take no more time than the queue";
                self.rule(sum <= all, &of, rule, format_args!("{sum} s and {all} s"));
            }
        }
    }
}
