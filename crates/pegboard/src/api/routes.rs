//! The table of routes: the one place that says what there is, who may use it, what it takes and what it answers.

mod alarms;
mod asc;
mod delivery;
mod mapping;
mod push;
mod twilio;

use std::fmt;

pub(crate) use self::asc::REPORTS;
pub(crate) use self::mapping::IMPORT_MAPPING;

use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, post};
use pegboard_store::Role;

use crate::api::error::Code;
use crate::api::handlers::{
    agents, audit, backup, dead_letters, erasures, house, reloads, reports, session, sources, stream, tokens,
};
use crate::api::query::{Param, ParamKind};
use crate::api::state::ApiState;

macro_rules! route_ids {
    ($($Id:ident = $name:literal),+ $(,)?) => {
        /// The routes by name. What must be said of each of them, such as who may use it, is a `match` over this, in
        /// the program and in its tests: a route of which it is not said does not build.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum RouteId {
            $(#[doc = concat!("`", $name, "`")] $Id),+
        }

        impl RouteId {
            /// Every route, in the order of [`ROUTES`].
            pub const ALL: &[Self] = &[$(Self::$Id),+];

            /// The name as generated clients have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Id => $name),+ }
            }
        }
    };
}

route_ids! {
    Agents = "agents",
    AgentsStream = "agentsStream",
    AgentTimeline = "agentTimeline",
    Reports = "reports",
    Report = "report",
    ReportHistory = "reportHistory",
    Reloads = "reloads",
    StartReload = "startReload",
    PreviewReload = "previewReload",
    CancelReload = "cancelReload",
    Erasures = "erasures",
    StartErasure = "startErasure",
    Sources = "sources",
    Sinks = "sinks",
    Ledger = "ledger",
    SinkHistory = "sinkHistory",
    Delivery = "delivery",
    Parked = "parked",
    RetryDeliveries = "retryDeliveries",
    ResendDeliveries = "resendDeliveries",
    DropDeliveries = "dropDeliveries",
    RefusedStates = "refusedStates",
    DropRefusedState = "dropRefusedState",
    ReleaseSnapshot = "releaseSnapshot",
    Alarms = "alarms",
    AcknowledgeAlarm = "acknowledgeAlarm",
    SilenceAlarm = "silenceAlarm",
    EndSilence = "endSilence",
    Unmapped = "unmapped",
    ForgetUnmapped = "forgetUnmapped",
    MappingTables = "mappingTables",
    MappingTable = "mappingTable",
    ImportMapping = "importMapping",
    GiveBackMapping = "giveBackMapping",
    EditMapping = "editMapping",
    DeadLetters = "deadLetters",
    DeadLetter = "deadLetter",
    RetryDeadLetter = "retryDeadLetter",
    DropDeadLetter = "dropDeadLetter",
    Push = "push",
    AscToken = "ascToken",
    AscRefresh = "ascRefresh",
    AscType = "ascType",
    AscHeartbeat = "ascHeartbeat",
    AscStates = "ascStates",
    AscActivities = "ascActivities",
    AscQueueReport = "ascQueueReport",
    Twilio = "twilio",
    SignIn = "signIn",
    Session = "session",
    SignOut = "signOut",
    Tokens = "tokens",
    CreateToken = "createToken",
    RevokeToken = "revokeToken",
    Audit = "audit",
    Backup = "backup",
    Openapi = "openapi",
    Healthz = "healthz",
    Readyz = "readyz",
    Metrics = "metrics",
}

/// The table has every route, once, at its place.
const _: () = {
    assert!(ROUTES.len() == RouteId::ALL.len(), "a route is not in the table");
    let mut at = 0;
    while at < ROUTES.len() {
        assert!(ROUTES[at].id as usize == at, "the table has another order than the names");
        at += 1;
    }
};

/// A route.
pub struct Route {
    /// Its name.
    pub(crate) id: RouteId,
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) about: &'static str,
    pub(crate) query: &'static [Param],
    /// The schema of its body, if it takes one.
    pub(crate) body: Option<&'static str>,
    pub(crate) answer: Answer,
    /// The errors that are its own, besides those that follow from what it needs and takes.
    pub(crate) errors: &'static [Code],
    pub(crate) handler: fn() -> MethodRouter<ApiState>,
}

/// The methods that routes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Ends.
    Delete,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Everybody.
    Nothing,
    /// Programs with the access key of the source that they name, which the route itself looks at.
    SourceKey,
    /// Programs with a token that they had for the access key of the source that they name, which the route itself looks at.
    SourceToken,
    /// Programs that sign what they send with a secret of the source that they name, which the route itself looks at.
    Signature,
    /// Callers with at least this role.
    Role(Role),
    /// Callers with at least this role whose token is not limited to sources.
    RoleOverAll(Role),
    /// The same, and whoever calls from this very machine without a token.
    RoleUnlessLocal(Role),
}

/// What a route answers when all is well.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// JSON of this schema.
    Json(&'static str),
    /// JSON of this schema, about something that is new.
    Made(&'static str),
    /// JSON of this schema that says what became of a body: of one that was taken, and of one that was not.
    Judged(&'static str),
    /// Rows: JSON of this schema, or CSV, NDJSON or Parquet.
    Rows(&'static str),
    /// A table: JSON of this schema, or CSV.
    Table(&'static str),
    /// CSV.
    Csv,
    /// Server-sent events.
    Events,
    /// Text for Prometheus.
    Metrics,
    /// Nothing.
    Empty,
}

impl Verb {
    /// The method.
    pub const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Route {
    /// Its name.
    pub fn id(&self) -> RouteId {
        self.id
    }

    /// Its method.
    pub fn method(&self) -> Method {
        self.verb.method()
    }

    /// Its path, with `{name}` for what varies.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Who may use it.
    pub fn needs(&self) -> Needs {
        self.needs
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.method(), self.path, self.needs)
    }
}

const SOURCE: Param = Param {
    name: "source",
    repeated: true,
    kind: ParamKind::Text,
    about: "Only these sources; all that the token may see where there is none.",
};
const FROM: Param = Param {
    name: "from",
    repeated: false,
    kind: ParamKind::Time,
    about: "The first instant; 24 hours before `to` where there is none.",
};
const TO: Param = Param {
    name: "to",
    repeated: false,
    kind: ParamKind::Time,
    about: "The first instant after the window, which is 31 days long at most; now where there is none.",
};
const FORMAT: Param = Param {
    name: "format",
    repeated: false,
    kind: ParamKind::Word(&["json", "csv", "ndjson", "parquet"]),
    about: "How the rows are written; JSON where there is none.",
};
const AGENT: Param = Param {
    name: "agent",
    repeated: false,
    kind: ParamKind::Text,
    about: "Only this agent, by the platform's id, in reports that have agents.",
};
const ORIGIN: Param = Param {
    name: "origin",
    repeated: false,
    kind: ParamKind::Word(&["computed", "acd"]),
    about: "Who computed the rows: the hub, where nothing is said, or the ACD itself.",
};
const SPREADSHEET: Param = Param {
    name: "spreadsheet",
    repeated: false,
    kind: ParamKind::Word(&["true", "false"]),
    about: "Whether the CSV is for people who open it in a spreadsheet: a text that would be run there as a formula gets an \
            apostrophe in front. Without it every text is as it is.",
};
const CLASSES: &[&str] =
    &["talk", "hold", "acw", "ringing", "error", "aux", "available", "signed_out", "unknown"];

const VIEWER: Needs = Needs::Role(Role::Viewer);
const OPERATOR: Needs = Needs::Role(Role::Operator);

/// Of lists that are shown a page at a time, newest first.
const BEFORE: Param = Param {
    name: "before",
    repeated: false,
    kind: ParamKind::Number(1, i64::MAX),
    about: "Only those with a smaller number: `next` of the page before.",
};

/// How long a page of them is: as long as it may be where nothing is said.
const fn limit(most: u32) -> Param {
    Param {
        name: "limit",
        repeated: false,
        kind: ParamKind::Number(1, most as i64),
        about: "How many at most; 100 where there is none.",
    }
}

/// Every route of the API.
pub static ROUTES: [Route; 60] = [
    Route {
        id: RouteId::Agents,
        verb: Verb::Get,
        path: "/api/v1/agents",
        needs: VIEWER,
        about: "The present state of every agent, at one moment, and the cursor from which the stream goes on.",
        query: &[
            SOURCE,
            Param { name: "team", repeated: true, kind: ParamKind::Text, about: "Only these teams." },
            Param {
                name: "class",
                repeated: true,
                kind: ParamKind::Word(CLASSES),
                about: "Only these classes.",
            },
            Param {
                name: "q",
                repeated: true,
                kind: ParamKind::Text,
                about: "Only agents whose name or login contains one of these texts, whatever the case.",
            },
        ],
        body: None,
        answer: Answer::Json("Agents"),
        errors: &[],
        handler: || get(agents::snapshot),
    },
    Route {
        id: RouteId::AgentsStream,
        verb: Verb::Get,
        path: "/api/v1/agents/stream",
        needs: VIEWER,
        about: "Every change of an agent's state as a server-sent event, in order per agent. The id of every event is \
                a cursor. Events: `state` (data: an AgentState), `heartbeat` (data: a Moment), `gone` (data: a Moment; \
                the cursor is no longer valid and the stream ends).",
        query: &[
            SOURCE,
            Param {
                name: "after",
                repeated: false,
                kind: ParamKind::Text,
                about: "The cursor after which the stream starts; the header `Last-Event-ID` outranks it. Without \
                        either it starts with now.",
            },
        ],
        body: None,
        answer: Answer::Events,
        errors: &[Code::CursorGone],
        handler: || get(stream::stream),
    },
    Route {
        id: RouteId::AgentTimeline,
        verb: Verb::Get,
        path: "/api/v1/agents/{id}/timeline",
        needs: VIEWER,
        about: "The segments of one agent. An agent that nothing is known of has none.",
        query: &[SOURCE, FROM, TO, FORMAT, SPREADSHEET],
        body: None,
        answer: Answer::Rows("Report"),
        errors: &[Code::TooLarge],
        handler: || get(reports::timeline),
    },
    Route {
        id: RouteId::Reports,
        verb: Verb::Get,
        path: "/api/v1/reports",
        needs: VIEWER,
        about: "The names of the reports.",
        query: &[],
        body: None,
        answer: Answer::Json("Reports"),
        errors: &[],
        handler: || get(reports::names),
    },
    Route {
        id: RouteId::Report,
        verb: Verb::Get,
        path: "/api/v1/reports/{name}",
        needs: VIEWER,
        about: "The rows of a report.",
        query: &[
            SOURCE,
            FROM,
            TO,
            AGENT,
            ORIGIN,
            Param {
                name: "virtual_queues",
                repeated: false,
                kind: ParamKind::Word(&["true", "false"]),
                about: "Whether a queue is told apart by channel and direction: `queue / channel / direction` instead of \
                        its id and its name.",
            },
            Param {
                name: "by",
                repeated: false,
                kind: ParamKind::Word(&["interval", "day"]),
                about: "What a reconciliation compares: intervals, where nothing is said, or local days.",
            },
            Param {
                name: "tolerance",
                repeated: false,
                kind: ParamKind::Number(0, 3600),
                about: "How many seconds durations may differ in a reconciliation, for each contact or each interval of an \
                        agent; 1 where nothing is said. Counts may not differ.",
            },
            Param {
                name: "agreeing",
                repeated: false,
                kind: ParamKind::Word(&["true", "false"]),
                about: "Whether a reconciliation also shows the numbers that agree.",
            },
            FORMAT,
            SPREADSHEET,
        ],
        body: None,
        answer: Answer::Rows("Report"),
        errors: &[Code::NotFound, Code::TooLarge],
        handler: || get(reports::rows),
    },
    Route {
        id: RouteId::ReportHistory,
        verb: Verb::Get,
        path: "/api/v1/reports/{name}/history",
        needs: VIEWER,
        about: "Every revision of the rows of a report of intervals: when it was written, why, and what changed. By \
                interval, row and revision.",
        query: &[
            SOURCE,
            FROM,
            TO,
            ORIGIN,
            AGENT,
            Param {
                name: "queue",
                repeated: false,
                kind: ParamKind::Text,
                about: "Only rows about this queue, by its id or its name.",
            },
            FORMAT,
            SPREADSHEET,
        ],
        body: None,
        answer: Answer::Rows("Report"),
        errors: &[Code::NotFound, Code::TooLarge],
        handler: || get(reports::history),
    },
    Route {
        id: RouteId::Reloads,
        verb: Verb::Get,
        path: "/api/v1/reloads",
        needs: VIEWER,
        about: "Reloads, newest first: days whose rows are made anew, and how far that is.",
        query: &[SOURCE, BEFORE, limit(reloads::PAGE)],
        body: None,
        answer: Answer::Json("Reloads"),
        errors: &[],
        handler: || get(reloads::page),
    },
    Route {
        id: RouteId::StartReload,
        verb: Verb::Post,
        path: "/api/v1/reloads",
        needs: Needs::Role(Role::Operator),
        about: "Has the rows of whole local days made anew from what is kept, beside live work. Each day is swapped as a whole. \
                One reload of a source is done after the other.",
        query: &[],
        body: Some("NewReload"),
        answer: Answer::Made("Reload"),
        errors: &[Code::NotFound, Code::TooManyRequests],
        handler: || post(reloads::start),
    },
    Route {
        id: RouteId::PreviewReload,
        verb: Verb::Post,
        path: "/api/v1/reloads/preview",
        needs: Needs::Role(Role::Operator),
        about: "What a reload would change, by report, interval, row and column; nothing is written. A row that is new, or would \
                no longer exist, is one line without a column. The answer may take ten minutes.",
        query: &[FORMAT, SPREADSHEET],
        body: Some("NewReload"),
        answer: Answer::Rows("Report"),
        errors: &[Code::NotFound, Code::TooLarge, Code::TooManyRequests],
        handler: || post(reloads::preview),
    },
    Route {
        id: RouteId::CancelReload,
        verb: Verb::Delete,
        path: "/api/v1/reloads/{id}",
        needs: Needs::Role(Role::Operator),
        about: "Has a reload end as soon as it can. Days that were swapped until then stay so; all others are as they were.",
        query: &[],
        body: None,
        answer: Answer::Empty,
        errors: &[Code::NotFound],
        handler: || delete(reloads::cancel),
    },
    Route {
        id: RouteId::Erasures,
        verb: Verb::Get,
        path: "/api/v1/erasures",
        needs: Needs::Role(Role::Admin),
        about: "Erasures, newest first: persons who are forgotten, by the pseudonym that stands in their place, and how far that is.",
        query: &[SOURCE, BEFORE, limit(erasures::PAGE)],
        body: None,
        answer: Answer::Json("Erasures"),
        errors: &[],
        handler: || get(erasures::page),
    },
    Route {
        id: RouteId::StartErasure,
        verb: Verb::Post,
        path: "/api/v1/erasures",
        needs: Needs::Role(Role::Admin),
        about: "Has a person forgotten: what names the agent becomes a pseudonym, in every row of the store and every file of the \
                archive, and numbers stay what they are. It cannot be undone. With `dry_run` it is only counted.",
        query: &[],
        body: Some("NewErasure"),
        answer: Answer::Made("Erasure"),
        errors: &[Code::NotFound, Code::TooManyRequests],
        handler: || post(erasures::start),
    },
    Route {
        id: RouteId::Sources,
        verb: Verb::Get,
        path: "/api/v1/sources",
        needs: VIEWER,
        about: "Every source and how it is doing.",
        query: &[],
        body: None,
        answer: Answer::Json("Sources"),
        errors: &[],
        handler: || get(sources::list),
    },
    delivery::SINKS,
    delivery::LEDGER,
    delivery::SINK_HISTORY,
    delivery::DELIVERY,
    delivery::PARKED,
    delivery::RETRY,
    delivery::RESEND,
    delivery::DROP,
    delivery::REFUSED_STATES,
    delivery::DROP_REFUSED_STATE,
    delivery::RELEASE,
    alarms::ALARMS,
    alarms::ACKNOWLEDGE,
    alarms::SILENCE,
    alarms::SPEAK,
    delivery::UNMAPPED,
    delivery::FORGET_UNMAPPED,
    mapping::TABLES,
    mapping::TABLE,
    IMPORT_MAPPING,
    mapping::GIVE_BACK,
    mapping::EDIT,
    Route {
        id: RouteId::DeadLetters,
        verb: Verb::Get,
        path: "/api/v1/dead-letters",
        needs: VIEWER,
        about: "Records that could not be used, newest first. Only operators and admins see the records themselves.",
        query: &[
            SOURCE,
            Param {
                name: "before",
                repeated: false,
                kind: ParamKind::Number(1, i64::MAX),
                about: "Only those older than the one with this id: `next` of the page before.",
            },
            limit(dead_letters::PAGE),
        ],
        body: None,
        answer: Answer::Json("DeadLetters"),
        errors: &[],
        handler: || get(dead_letters::page),
    },
    Route {
        id: RouteId::DeadLetter,
        verb: Verb::Get,
        path: "/api/v1/dead-letters/{id}",
        needs: VIEWER,
        about: "One record or file that could not be used. Only operators and admins see the record itself.",
        query: &[],
        body: None,
        answer: Answer::Json("DeadLetter"),
        errors: &[Code::NotFound],
        handler: || get(dead_letters::one),
    },
    Route {
        id: RouteId::RetryDeadLetter,
        verb: Verb::Post,
        path: "/api/v1/dead-letters/{id}/retry",
        needs: OPERATOR,
        about: "Reads it again: a file is fetched anew, of a record what was kept is read. When that goes well, the letter is \
                gone and what it says is there; otherwise it stays, with the reason.",
        query: &[],
        body: None,
        answer: Answer::Json("Retried"),
        errors: &[Code::NotFound, Code::Unavailable],
        handler: || post(dead_letters::retry),
    },
    Route {
        id: RouteId::DropDeadLetter,
        verb: Verb::Post,
        path: "/api/v1/dead-letters/{id}/drop",
        needs: OPERATOR,
        about: "Gives it up, with a comment that the audit log keeps.",
        query: &[],
        body: Some("DroppedLetter"),
        answer: Answer::Empty,
        errors: &[Code::NotFound],
        handler: || post(dead_letters::give_up),
    },
    push::PUSH,
    asc::LOGIN,
    asc::REFRESH,
    asc::ACD_TYPE,
    asc::HEARTBEAT,
    asc::STATES,
    asc::ACTIVITIES,
    asc::QUEUE_REPORT,
    twilio::TWILIO,
    Route {
        id: RouteId::SignIn,
        verb: Verb::Post,
        path: "/api/v1/session",
        needs: Needs::Nothing,
        about: "Signs the page in by a token: sets the cookie of a session.",
        query: &[],
        body: Some("SignIn"),
        answer: Answer::Json("Session"),
        errors: &[Code::Unauthenticated, Code::Forbidden, Code::TooManyRequests, Code::Unavailable],
        handler: || post(session::sign_in),
    },
    Route {
        id: RouteId::Session,
        verb: Verb::Get,
        path: "/api/v1/session",
        needs: VIEWER,
        about: "Who is asking.",
        query: &[],
        body: None,
        answer: Answer::Json("Session"),
        errors: &[],
        handler: || get(session::who),
    },
    Route {
        id: RouteId::SignOut,
        verb: Verb::Delete,
        path: "/api/v1/session",
        needs: VIEWER,
        about: "Signs the page out.",
        query: &[],
        body: None,
        answer: Answer::Empty,
        errors: &[],
        handler: || delete(session::sign_out),
    },
    Route {
        id: RouteId::Tokens,
        verb: Verb::Get,
        path: "/api/v1/tokens",
        needs: Needs::RoleOverAll(Role::Admin),
        about: "All tokens, the oldest first, those that no longer count included; never their secrets.",
        query: &[],
        body: None,
        answer: Answer::Json("Tokens"),
        errors: &[],
        handler: || get(tokens::list),
    },
    Route {
        id: RouteId::CreateToken,
        verb: Verb::Post,
        path: "/api/v1/tokens",
        needs: Needs::RoleOverAll(Role::Admin),
        about: "Makes a token. The answer is the only one that shows its secret.",
        query: &[],
        body: Some("NewToken"),
        answer: Answer::Made("MadeToken"),
        errors: &[],
        handler: || post(tokens::create),
    },
    Route {
        id: RouteId::RevokeToken,
        verb: Verb::Delete,
        path: "/api/v1/tokens/{id}",
        needs: Needs::RoleOverAll(Role::Admin),
        about: "Revokes a token for good, and ends its sessions and streams.",
        query: &[],
        body: None,
        answer: Answer::Empty,
        errors: &[Code::NotFound],
        handler: || delete(tokens::revoke),
    },
    Route {
        id: RouteId::Audit,
        verb: Verb::Get,
        path: "/api/v1/audit",
        needs: Needs::RoleOverAll(Role::Admin),
        about: "Who did what, newest first. Each entry is chained to the one before by its hash; docs/audit.md says how.",
        query: &[
            Param {
                name: "before",
                repeated: false,
                kind: ParamKind::Number(1, i64::MAX),
                about: "Only entries with a smaller number: `next` of the page before.",
            },
            limit(audit::PAGE),
        ],
        body: None,
        answer: Answer::Json("AuditLog"),
        errors: &[],
        handler: || get(audit::page),
    },
    Route {
        id: RouteId::Backup,
        verb: Verb::Post,
        path: "/api/v1/backup",
        needs: Needs::RoleOverAll(Role::Admin),
        about: "Copies the store, as it is at one moment, to a new file beside it. Reading and writing go on meanwhile. \
                The answer comes when the copy is whole and checked; it may take ten minutes.",
        query: &[],
        body: None,
        answer: Answer::Made("Backup"),
        errors: &[],
        handler: || post(backup::create),
    },
    Route {
        id: RouteId::Openapi,
        verb: Verb::Get,
        path: "/api/v1/openapi.json",
        needs: Needs::Nothing,
        about: "This description.",
        query: &[],
        body: None,
        answer: Answer::Json("Description"),
        errors: &[],
        handler: || get(house::openapi),
    },
    Route {
        id: RouteId::Healthz,
        verb: Verb::Get,
        path: "/healthz",
        needs: Needs::Nothing,
        about: "The process lives.",
        query: &[],
        body: None,
        answer: Answer::Json("Status"),
        errors: &[],
        handler: || get(house::healthz),
    },
    Route {
        id: RouteId::Readyz,
        verb: Verb::Get,
        path: "/readyz",
        needs: Needs::Nothing,
        about: "The hub can serve: its store answers, and it does not shut down.",
        query: &[],
        body: None,
        answer: Answer::Json("Status"),
        errors: &[Code::Unavailable],
        handler: || get(house::readyz),
    },
    Route {
        id: RouteId::Metrics,
        verb: Verb::Get,
        path: "/metrics",
        needs: Needs::RoleUnlessLocal(Role::Viewer),
        about: "Numbers for Prometheus. A caller on the same machine needs no token.",
        query: &[],
        body: None,
        answer: Answer::Metrics,
        errors: &[],
        handler: || get(house::metrics),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_of_the_table_are_those_of_the_model() {
        let classes = pegboard_model::Class::ALL.map(pegboard_model::Class::as_str);
        assert_eq!(CLASSES, classes);
    }

    #[test]
    fn every_route_has_its_own_name_and_its_own_method_and_path() {
        for (index, route) in ROUTES.iter().enumerate() {
            for other in &ROUTES[index + 1..] {
                assert_ne!(route.id.as_str(), other.id.as_str());
                assert!(route.path != other.path || route.verb != other.verb, "{route:?}");
            }
        }
    }
}
