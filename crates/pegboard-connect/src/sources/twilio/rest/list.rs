//! What can be asked for.

use std::fmt::Write as _;

use pegboard_model::Timestamp;

use super::address::Sid;

/// A stretch of time in which events happened, both ends included. Twilio reads whole seconds: the window is widened to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// Whose reservations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'a> {
    /// Those of an agent.
    Worker(&'a Sid),
    /// Those of a contact.
    Task(&'a Sid),
}

/// One list of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List<'a> {
    Workers,
    Activities,
    TaskQueues,
    TaskChannels,
    Workflows,
    /// Contacts that are with somebody, or about to be.
    OpenTasks,
    Reservations(Holder<'a>),
    Events(Window),
}

impl List<'_> {
    /// The member of an answer that holds the entries.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Activities => "activities",
            Self::TaskQueues => "task_queues",
            Self::TaskChannels => "channels",
            Self::Workflows => "workflows",
            Self::OpenTasks => "tasks",
            Self::Reservations(_) => "reservations",
            Self::Events(_) => "events",
        }
    }

    /// The path of the first page, below the address. Nothing in it needs encoding: a SID is letters and digits, a time of the years
    /// 0 to 9999 has colons at worst.
    pub(super) fn path(self, workspace: &Sid, page_size: usize) -> String {
        let mut path = format!("v1/Workspaces/{workspace}/");
        let filter = match self {
            Self::Workers => path_end(&mut path, "Workers"),
            Self::Activities => path_end(&mut path, "Activities"),
            Self::TaskQueues => path_end(&mut path, "TaskQueues"),
            Self::TaskChannels => path_end(&mut path, "TaskChannels"),
            Self::Workflows => path_end(&mut path, "Workflows"),
            Self::OpenTasks => {
                path_end(&mut path, "Tasks");
                ["reserved", "assigned", "wrapping"]
                    .map(|status| format!("AssignmentStatus={status}&"))
                    .concat()
            }
            Self::Reservations(Holder::Worker(sid)) => {
                path_end(&mut path, &format!("Workers/{sid}/Reservations"))
            }
            Self::Reservations(Holder::Task(sid)) => {
                path_end(&mut path, &format!("Tasks/{sid}/Reservations"))
            }
            Self::Events(window) => {
                path_end(&mut path, "Events");
                let (from, to) = window.in_seconds();
                format!("StartDate={from}&EndDate={to}&")
            }
        };
        // Writing to a text cannot fail.
        let _written = write!(path, "?{filter}PageSize={page_size}");
        path
    }
}

/// Ends a path; there is no filter.
fn path_end(path: &mut String, end: &str) -> String {
    path.push_str(end);
    String::new()
}

impl Window {
    /// The same in whole seconds, and no smaller.
    fn in_seconds(self) -> (Timestamp, Timestamp) {
        let from = self.from.as_millis().div_euclid(1000);
        let to = -(-self.to.as_millis()).div_euclid(1000);
        (Timestamp::from_seconds(from), Timestamp::from_seconds(to))
    }
}
