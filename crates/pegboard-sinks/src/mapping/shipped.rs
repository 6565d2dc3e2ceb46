//! The rows that come with Pegboard: NICE's table of the default states of Amazon Connect, and what it leaves out.

use std::sync::LazyLock;

use pegboard_model::Class;

use super::Scope;
use super::states::{EventMatch, MappedState, Pattern, StateRow};

/// An activity code, and whether it is open.
type Code = (&'static str, bool);

const OPEN: Code = ("Open", true);
const BREAK: Code = ("Break", false);
const LOGOFF: Code = ("Logoff", false);

/// NICE's table, "Customer Integration Guide: Amazon Connect", default agent states. It has one spelling with a lower-case letter
/// at its end, which is the same here, where case does not matter; and one of `CHAT-API-ONHOLD`, which is a reading of a
/// translated page, so that the platform's own two words are accepted beside it.
const OF_NICE: [(&str, Code); 27] = [
    ("Break", BREAK),
    ("Available", OPEN),
    ("LOGIN", OPEN),
    ("LOGOUT", LOGOFF),
    ("Offline", LOGOFF),
    ("VOICE-INBOUND-CONNECTING", OPEN),
    ("VOICE-INBOUND-CONNECTED", OPEN),
    ("VOICE-INBOUND-CONNECTED_ONHOLD", OPEN),
    ("VOICE-INBOUND-ENDED", OPEN),
    ("VOICE-INBOUND-MISSED", OPEN),
    ("VOICE-INBOUND-ERROR", OPEN),
    ("VOICE-INBOUND-ONHOLD", OPEN),
    ("VOICE-TRANSFER-CONNECTING", OPEN),
    ("VOICE-TRANSFER-CONNECTED", OPEN),
    ("VOICE-TRANSFER-CONNECTED_ONHOLD", OPEN),
    ("VOICE-TRANSFER-ENDED", OPEN),
    ("CHAT-API-CONNECTING", OPEN),
    ("CHAT-API-CONNECTED", OPEN),
    ("CHAT-API-ENDED", OPEN),
    ("CHAT-API-MISSED", OPEN),
    ("CHAT-API-ERROR", OPEN),
    ("CHAT-API-ONHOLD", OPEN),
    ("CHAT-API-CONNECTED_ONHOLD", OPEN),
    ("CHAT-API-PAUSED", OPEN),
    ("CHAT-QUEUE_TRANSFER-CONNECTING", OPEN),
    ("CHAT-QUEUE_TRANSFER-CONNECTED", OPEN),
    ("CHAT-QUEUE_TRANSFER-ENDED", OPEN),
];

/// What it leaves out: outbound calls, callbacks, other transfers, tasks, e-mail. To NICE every state of a contact is open.
const LEFT_OUT: [(&str, Code); 4] =
    [("VOICE-*-*", OPEN), ("CHAT-*-*", OPEN), ("TASK-*-*", OPEN), ("EMAIL-*-*", OPEN)];

/// What is left then. A status that does not route is none of them: nobody can know what a site means by it.
const BY_CLASS: [(Class, Code); 7] = [
    (Class::Talk, OPEN),
    (Class::Hold, OPEN),
    (Class::Acw, OPEN),
    (Class::Ringing, OPEN),
    (Class::Error, OPEN),
    (Class::Available, OPEN),
    (Class::SignedOut, LOGOFF),
];

/// All of them.
pub(super) fn states() -> &'static [StateRow] {
    static ROWS: LazyLock<Vec<StateRow>> = LazyLock::new(|| {
        let by_id = OF_NICE.iter().chain(&LEFT_OUT);
        let by_id = by_id.map(|(id, code)| row(EventMatch::Id(Pattern::new(id)), *code));
        let by_class = BY_CLASS.iter().map(|(class, code)| row(EventMatch::Class(*class), *code));
        by_id.chain(by_class).collect()
    });
    &ROWS
}

fn row(event: EventMatch, (activity, open): Code) -> StateRow {
    let state = MappedState { activity: activity.into(), open, send_as: None };
    StateRow { event, reason: None, scope: Scope::default(), state }
}
