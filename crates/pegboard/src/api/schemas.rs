//! The schemas of what the API takes and answers.

mod alarms;
mod asc;
mod delivery;
mod mapping;
mod push;

use pegboard_store::{ErasureState, ReloadState};
use serde_json::{Map, Value, json};

use crate::api::error::Code;
use crate::runtime::view::all_reports;

/// Every schema, by name.
pub(crate) fn all() -> Value {
    let mut agent = agent_state();
    agent.extend([
        ("age_s", described(json!({"type": "number", "minimum": 0}), "Seconds since `since`.")),
        ("heard", described(time(), "The instant of the last evidence of the agent.")),
        (
            "stale",
            described(boolean(), "The source is behind or fails, or the agent has been silent for too long."),
        ),
    ]);
    let mut schemas = json!({
        "Agents": object(vec![
            ("cursor", described(text(), "From here the stream goes on.")),
            ("at", time()),
            ("agents", list(&reference("Agent"))),
        ]),
        "Agent": object(agent),
        "AgentState": object(agent_state()),
        "Moment": object(vec![("at", time())]),
        "Reports": object(vec![("reports", list(&json!({"type": "string", "enum": all_reports()})))]),
        "Report": object(vec![
            ("report", text()),
            ("from", time()),
            ("to", time()),
            ("columns", list(&text())),
            ("rows", list(&described(json!({"type": "object"}), "One value for each column; docs/reports.md says what it means."))),
        ]),
        "Reloads": object(vec![
            ("reloads", list(&reference("Reload"))),
            ("next", described(or_null(count()), "`before` of the next page, if there is one.")),
        ]),
        "Reload": reload(),
        "NewReload": new_reload(),
        "Erasures": object(vec![
            ("erasures", list(&reference("Erasure"))),
            ("next", described(or_null(count()), "`before` of the next page, if there is one.")),
        ]),
        "Erasure": erasure(),
        "NewErasure": new_erasure(),
        "Sources": object(vec![("sources", list(&reference("Source")))]),
        "Source": source(),
        "SourceCounts": object(
            ["records", "events", "contacts", "duplicates", "foreign", "failed"].map(|name| (name, count())).into(),
        ),
        "Partition": object(vec![
            ("id", text()),
            ("position", or_null(position())),
            ("watermark", or_null(time())),
            ("behind_s", or_null(number())),
            ("finished", boolean()),
            ("node", described(or_null(text()), "The name of the node that reads it, where one does.")),
        ]),
        "Reconciler": reconciler(),
        "Gap": gap(),
        "Notice": object(vec![("at", described(time(), "Since when.")), ("message", text())]),
        "MissingFile": missing_file(),
        "SourceFault": object(vec![("at", time()), ("message", text())]),
        "DeadLetters": object(vec![
            ("dead_letters", list(&reference("DeadLetter"))),
            ("next", described(or_null(count()), "`before` of the next page, if there is one.")),
        ]),
        "DeadLetter": dead_letter(),
        "Retried": object(vec![
            ("mended", described(boolean(), "Whether the letter is gone, and what it says is there.")),
            ("reason", described(or_null(text()), "Why not, and what to do.")),
        ]),
        "DroppedLetter": object(vec![
            ("comment", described(text(), "Why it is given up: 1 to 500 characters.")),
        ]),
        "SignIn": object(vec![("token", text())]),
        "Session": object(vec![
            ("name", text()),
            ("role", role()),
            ("sources", limits()),
            ("csrf", described(or_null(text()), "What writes carry in X-CSRF-Token, in a session.")),
        ]),
        "Tokens": object(vec![("tokens", list(&reference("Token")))]),
        "Token": object(token()),
        "NewToken": new_token(),
        "MadeToken": made_token(),
        "AuditLog": object(vec![
            ("entries", list(&reference("AuditEntry"))),
            ("next", described(or_null(count()), "`before` of the next page, if there is one.")),
        ]),
        "AuditEntry": audit_entry(),
        "Backup": object(vec![
            ("file", described(text(), "The name of the file, in the folder of the store.")),
            ("bytes", count()),
        ]),
        "Status": object(vec![("status", text())]),
        "Description": {"type": "object", "description": "An OpenAPI document."},
        "Error": error(),
    });
    for (name, schema) in alarms::all()
        .into_iter()
        .chain(delivery::all())
        .chain(push::all())
        .chain(asc::all())
        .chain(mapping::all())
    {
        schemas[name] = schema;
    }
    schemas
}

fn agent_state() -> Vec<(&'static str, Value)> {
    vec![
        ("source", text()),
        ("agent_id", text()),
        ("agent_login", text()),
        ("agent_name", text()),
        ("team", text()),
        ("levels", described(list(&text()), "The levels of the hierarchy, from the top.")),
        ("routing_profile", text()),
        (
            "class",
            json!({"type": "string", "enum": pegboard_model::Class::ALL.map(pegboard_model::Class::as_str)}),
        ),
        ("since", time()),
        ("event_id", text()),
        ("reason", text()),
        ("status_id", or_null(text())),
        ("status_name", text()),
        ("contact_id", or_null(text())),
        ("channel", or_null(text())),
        ("initiation", or_null(text())),
        ("queue_id", or_null(text())),
        ("queue_name", or_null(text())),
    ]
}

fn source() -> Value {
    object(vec![
        ("name", text()),
        ("kind", text()),
        ("health", json!({"type": "string", "enum": ["starting", "ok", "lagging", "failing", "stopped"]})),
        ("watermark", described(or_null(time()), "Up to when all that its agents did is known.")),
        ("contacts_watermark", described(or_null(time()), "Up to when all its contacts are known.")),
        ("behind_s", or_null(number())),
        ("closed_until", described(or_null(time()), "Up to when its intervals are closed, for all rows.")),
        (
            "contacts_closed_until",
            described(
                or_null(time()),
                "Up to when they are closed for rows of contacts; rows of agents do not wait for these.",
            ),
        ),
        ("agents", count()),
        ("counts", reference("SourceCounts")),
        ("partitions", list(&reference("Partition"))),
        (
            "reconciler",
            described(
                json!({"anyOf": [reference("Reconciler"), {"type": "null"}]}),
                "What the last look at the platform's own snapshot came to; null where there was none.",
            ),
        ),
        ("error", json!({"anyOf": [reference("SourceFault"), {"type": "null"}]})),
        (
            "fallback",
            described(
                or_null(text()),
                "What it does in another way than configured, because that cannot be had; null where all is as configured.",
            ),
        ),
        ("gaps", described(list(&reference("Gap")), "The latest stretches that were lost, newest first.")),
        (
            "notices",
            described(
                list(&reference("Notice")),
                "What a person should know of and by which nothing is lost: queues that are called otherwise than before, and what is in \
                 reports of the ACD and is not understood.",
            ),
        ),
        (
            "missing_files",
            described(
                list(&reference("MissingFile")),
                "Files of reports of the ACD that should be there and are not, as the node knows that reads them.",
            ),
        ),
    ])
}

/// A file that should be there.
fn missing_file() -> Value {
    object(vec![
        ("report", described(text(), "The report, as the settings call it.")),
        ("name", described(text(), "What its key looks like; `*` stands for what nobody knows beforehand.")),
        ("run", described(time(), "The run that should have written it, and the end of what it tells.")),
        ("from", described(time(), "The start of the interval that nothing but this file tells first.")),
        ("is_late", described(boolean(), "Whether no later file is there, which raises an alarm.")),
    ])
}

/// The repair from the platform's own snapshot.
fn reconciler() -> Value {
    object(vec![
        ("looked", described(or_null(time()), "When it last looked, by the platform's clock.")),
        ("took_s", described(number(), "How long that took.")),
        ("shown", described(count(), "Agents shown when it last looked at everybody.")),
        (
            "repaired",
            described(count(), "How often an agent was found in another state than the stream has told."),
        ),
        (
            "missed",
            described(
                object(vec![("signed_in", count()), ("changed", count()), ("signed_out", count())]),
                "The same by what the stream had not told: a sign-in, another state, a sign-out.",
            ),
        ),
        (
            "refused",
            described(
                count(),
                "How often most agents would have been signed out at once, which was not believed.",
            ),
        ),
        (
            "waits",
            described(
                boolean(),
                "Whether it leaves everything to the stream, which is being caught up with.",
            ),
        ),
        ("disputed", described(count(), "Agents of whom the stream insists on something else.")),
    ])
}

/// Days whose rows are made anew, and how far that is.
fn reload() -> Value {
    let day = || json!({"type": "string", "format": "date"});
    object(vec![
        ("id", count()),
        ("state", json!({"type": "string", "enum": ReloadState::ALL})),
        ("source", text()),
        ("from", described(day(), "The first day, by the source's local clock.")),
        ("to", described(day(), "The last day.")),
        ("queues", described(list(&text()), "Only rows about these queues; all where empty.")),
        ("agents", described(list(&text()), "Only rows about these agents; all where empty.")),
        (
            "from_archive",
            described(boolean(), "Whether what the archive tells of the days is brought back first."),
        ),
        (
            "from_source",
            described(
                boolean(),
                "Whether the source itself is first asked for what it still has of the days.",
            ),
        ),
        (
            "recapture",
            described(
                or_null(time()),
                "Where the hub itself asks for the day before: since when that was due.",
            ),
        ),
        ("at", described(time(), "When it was asked for.")),
        ("by", described(text(), "Who asked: the name of a token.")),
        (
            "files",
            described(
                count(),
                "How many files of the archive tell of the days; none where the source itself does.",
            ),
        ),
        ("files_read", described(count(), "How many of them are read.")),
        (
            "observations",
            described(count(), "What is told of agents on the days and in the hours around them."),
        ),
        ("contacts", described(count(), "Versions of contacts of the days that are told.")),
        ("days", described(count(), "How many days there are.")),
        ("days_done", described(count(), "How many are done.")),
        ("facts", described(count(), "Segments and contacts from which rows were derived.")),
        ("rows", described(count(), "Rows that were derived.")),
        ("differ", described(count(), "Rows that were not as before, of days that were swapped.")),
        ("began", or_null(time())),
        ("read", described(or_null(time()), "When what the archive or the source tells was read.")),
        (
            "holds",
            described(
                or_null(list(&time())),
                "First instant and first one after of what the closer leaves to it.",
            ),
        ),
        ("ended", or_null(time())),
        (
            "notes",
            described(
                list(&text()),
                "What has to be said of some days: those that cannot be made anew, and what the source has no more.",
            ),
        ),
        ("more_notes", described(count(), "Of how many more days.")),
        ("error", described(or_null(text()), "Why it cannot be done.")),
        (
            "left_s",
            described(or_null(count()), "How many seconds it will take from now on, while that is known."),
        ),
    ])
}

/// Where it names no last day, it is about one day; where it names neither queues nor agents, about all rows.
fn new_reload() -> Value {
    let day = || json!({"type": "string", "format": "date"});
    let mut schema = object(vec![
        ("source", text()),
        ("from", described(day(), "The first day, by the source's local clock.")),
    ]);
    schema["properties"]["to"] = described(or_null(day()), "The last day; the first where there is none.");
    schema["properties"]["queues"] =
        described(or_null(list(&text())), "Only rows about these queues, by id or name.");
    schema["properties"]["agents"] =
        described(or_null(list(&text())), "Only rows about these agents, by id.");
    schema["properties"]["from_archive"] = described(
        or_null(boolean()),
        "Whether what the archive tells of the days is brought back first; not, where nothing is said.",
    );
    schema["properties"]["from_source"] = described(
        or_null(boolean()),
        "Whether the source itself is first asked for what it still has of the days; not, where nothing is said, and not \
         together with from_archive.",
    );
    schema
}

/// Somebody who is forgotten, and how far that is.
fn erasure() -> Value {
    object(vec![
        ("id", count()),
        ("source", text()),
        ("state", json!({"type": "string", "enum": ErasureState::ALL})),
        ("at", described(time(), "When it was asked for.")),
        ("by", described(text(), "Who asked: the name of a token.")),
        ("dry_run", described(boolean(), "Whether it is only counted what names the person.")),
        ("pseudonym", described(text(), "What stands in place of whatever named the person.")),
        ("rows", described(count(), "How many rows of the store named the person.")),
        ("files", described(count(), "How many files there are in the archive of the source.")),
        ("files_read", described(count(), "How many of them were looked at.")),
        ("records", described(count(), "How many of their records named the person.")),
        ("began", or_null(time())),
        ("ended", or_null(time())),
        ("error", described(or_null(text()), "Why it cannot be done.")),
        ("notes", described(list(&text()), "What the hub cannot reach, and somebody has to see to.")),
    ])
}

/// Logins and names that stand beside the id are found without being named.
fn new_erasure() -> Value {
    let mut schema =
        object(vec![("source", text()), ("agent", described(text(), "The platform's id of the agent."))]);
    schema["properties"]["also"] = described(
        or_null(list(&text())),
        "What else names this person and nobody else: addresses, earlier logins.",
    );
    schema["properties"]["dry_run"] =
        described(or_null(boolean()), "Whether it is only counted; not, where nothing is said.");
    schema
}

/// A stretch of a stream that was lost.
fn gap() -> Value {
    object(vec![
        ("partition", text()),
        ("reason", text()),
        ("from", described(or_null(time()), "The last time before it, if known.")),
        ("to", described(or_null(time()), "The first time after it, if known.")),
        ("at", described(time(), "When it was noticed.")),
    ])
}

/// The record itself is there for operators and admins only.
fn dead_letter() -> Value {
    let mut schema = object(vec![
        ("id", count()),
        ("source", text()),
        ("partition", text()),
        ("position", position()),
        ("reason", text()),
        ("at", time()),
        ("tries", described(count(), "How often it was tried, the reading included.")),
        ("tried", described(or_null(time()), "When it was last tried again.")),
    ]);
    schema["properties"]["payload"] = described(text(), "The record. For operators and admins only.");
    schema["properties"]["encoding"] = described(
        json!({"type": "string", "enum": ["text", "base64"]}),
        "How `payload` writes the record; base64 where it is not UTF-8.",
    );
    schema
}

fn token() -> Vec<(&'static str, Value)> {
    vec![
        ("id", described(text(), "Public: it names the token in lists and in the log.")),
        ("name", text()),
        ("role", role()),
        ("sources", limits()),
        ("created", time()),
        ("expires", described(or_null(time()), "From when on it is refused.")),
        ("revoked", or_null(time())),
    ]
}

/// Where it says nothing of sources and expiry, the token sees all and does not expire.
fn new_token() -> Value {
    let mut schema = object(vec![("name", text()), ("role", role())]);
    schema["properties"]["sources"] =
        described(or_null(list(&text())), "Configured sources; all where empty.");
    schema["properties"]["expires"] = described(or_null(time()), "A time to come.");
    schema
}

fn made_token() -> Value {
    let mut made = token();
    made.push(("secret", described(text(), "The text of the token, shown this once.")));
    object(made)
}

fn audit_entry() -> Value {
    object(vec![
        ("number", described(count(), "Without gaps; the first is 1.")),
        ("at", time()),
        ("by", described(text(), "The public id of a token, `hub`, `machine`, or `-` for a stranger.")),
        ("name", text()),
        ("via", described(text(), "`token`, `session`, `open`, `command` or `start`.")),
        ("from", described(or_null(text()), "The address, where it was not the machine itself.")),
        ("action", text()),
        ("subject", text()),
        ("before", described(or_null(text()), "How it was, as JSON.")),
        ("after", described(or_null(text()), "How it is since, as JSON.")),
        ("previous", described(text(), "The hash of the entry before.")),
        ("hash", text()),
    ])
}

fn role() -> Value {
    json!({"type": "string", "enum": ["viewer", "operator", "admin"]})
}

fn limits() -> Value {
    described(list(&text()), "What the token is limited to; all where empty.")
}

fn error() -> Value {
    let mut inner = object(vec![
        ("code", json!({"type": "string", "enum": Code::ALL.map(Code::as_str)})),
        ("message", described(text(), "For the person who has to act.")),
    ]);
    inner["properties"]["path"] =
        described(text(), "The part of the request that is wrong, such as `query.after`.");
    object(vec![("error", inner)])
}

/// An object in which every property is there, and nothing else.
fn object(properties: Vec<(&'static str, Value)>) -> Value {
    let required: Vec<_> = properties.iter().map(|(name, _)| *name).collect();
    let properties: Map<_, _> =
        properties.into_iter().map(|(name, schema)| (name.to_string(), schema)).collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn described(mut schema: Value, about: &str) -> Value {
    schema["description"] = about.into();
    schema
}

fn or_null(mut schema: Value) -> Value {
    let kinds = schema["type"].take();
    schema["type"] = match kinds {
        Value::Array(mut kinds) => {
            kinds.push("null".into());
            kinds.into()
        }
        kind => json!([kind, "null"]),
    };
    schema
}

fn text() -> Value {
    json!({"type": "string"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn number() -> Value {
    json!({"type": "number"})
}

fn count() -> Value {
    json!({"type": "integer", "format": "int64", "minimum": 0})
}

fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// A number, or a decimal number in a text where it can be longer than 64 bits.
fn position() -> Value {
    json!({"type": ["integer", "string"]})
}
