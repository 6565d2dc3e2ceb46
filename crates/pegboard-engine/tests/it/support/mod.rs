//! A small language in which a test reads like the day it tells of.
//!
//! ```text
//! 09:00 LOGIN Offline; 09:00:10 Available team:Blue; 09:05 Available + c1 VOICE INBOUND CONNECTED @09:04:30 queue:sales
//! 09:07 BEAT Available + c1 VOICE INBOUND CONNECTED_ONHOLD; 09:10 Available; 17:00 LOGOUT Available
//! 09:01 STATUS Break v2 @09:00:30; 09:02 CONTACT c1 VOICE INBOUND CONNECTED v7; 09:03 GONE c1 v8
//! 09:20 ACTIVITY until:09:30 Break
//! ```
//!
//! A statement is a time, what happened, and the agent after it. Without a verb it is a change (a snapshot). `@` is the start
//! that the platform reports for the status or contact before it; hours may pass 24. `id:` sets the event's id, `at:p/7` its
//! partition and position; without them events are numbered as written, in one partition.

pub(crate) mod legs;

use std::sync::Arc;

use jiff::tz::TimeZone;
use pegboard_engine::{Grid, IntervalLength, Silence, Span, Timeline, TimelinePolicy, Track, Window};
use pegboard_model::report::Row;
use pegboard_model::{
    AgentContact, AgentProfile, ContactPhase, Mark, Observation, Order, PartitionId, Position, Queue,
    Segment, Snapshot, State, Status, StatusKind, Timestamp, What,
};

/// Midnight of the day on which every scenario plays: Monday, 2 March 2026, UTC.
pub(crate) const MIDNIGHT: Timestamp = Timestamp::from_seconds(1_772_409_600);

/// A time of the day: `9:00`, `09:00:10`, `09:00:10.250`, `33:00` (nine o'clock of the next day).
pub(crate) fn at(text: &str) -> Timestamp {
    let mut parts = text.split(':');
    let hours: i64 = parts.next().and_then(|part| part.parse().ok()).unwrap_or_else(|| panic!("time {text}"));
    let minutes: i64 = parts.next().map_or(0, |part| part.parse().expect(text));
    let seconds: f64 = parts.next().map_or(0.0, |part| part.parse().expect(text));
    #[expect(clippy::cast_possible_truncation, reason = "less than a minute, written with three decimals")]
    let millis = (seconds * 1000.0).round() as i64;
    Timestamp::from_millis(MIDNIGHT.as_millis() + (hours * 60 + minutes) * 60_000 + millis)
}

/// The inverse of [`at`], with as few parts as need be.
pub(crate) fn clock(time: Timestamp) -> String {
    let millis = time.since(MIDNIGHT).get();
    let (hour, minute, rest) =
        (millis.div_euclid(3_600_000), millis.rem_euclid(3_600_000) / 60_000, millis.rem_euclid(60_000));
    match (rest / 1000, rest % 1000) {
        (0, 0) => format!("{hour:02}:{minute:02}"),
        (second, 0) => format!("{hour:02}:{minute:02}:{second:02}"),
        (second, milli) => format!("{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    }
}

/// `[from, to)` by times of the day.
pub(crate) fn window(from: &str, to: &str) -> Window {
    Window { from: at(from), to: at(to) }
}

/// The grid of so many minutes in UTC.
pub(crate) fn grid(minutes: u8, window: Window) -> Grid {
    let length = IntervalLength::minutes(minutes).expect("a length that is allowed");
    Grid::new(length, &TimeZone::UTC, window)
}

/// A day as it came out.
pub(crate) struct Day {
    pub(crate) timeline: Timeline,
    pub(crate) track: Track,
}

/// Derives the timeline of the day with the default policy.
pub(crate) fn day(script: &str) -> Day {
    day_by(script, &TimelinePolicy::default())
}

/// Derives the timeline of the day where silence counts.
pub(crate) fn day_with_silence(script: &str) -> Day {
    day_by(script, &listening())
}

/// The default policy of a live source that sends heartbeats.
pub(crate) fn listening() -> TimelinePolicy {
    TimelinePolicy { silence: Some(Silence::default()), ..TimelinePolicy::default() }
}

pub(crate) fn day_by(script: &str, policy: &TimelinePolicy) -> Day {
    let (timeline, track) =
        Timeline::derive("a1".into(), evidence(script), policy).expect("a script with evidence");
    Day { timeline, track }
}

impl Day {
    /// `before, 09:00 class, ...`: what the agent was in, and from when on. A sign-in mark is `09:00 LOGIN`.
    pub(crate) fn classes(&self) -> String {
        let mut shown = vec![self.timeline.before.as_str().to_owned()];
        shown.extend(self.timeline.segments.iter().map(|segment| {
            let what = if segment.mark.is_some() { "LOGIN" } else { segment.state.class.as_str() };
            format!("{} {what}", clock(segment.start))
        }));
        shown.join(", ")
    }

    /// The segments, each as [`shown`].
    pub(crate) fn segments(&self) -> Vec<String> {
        self.timeline.segments.iter().map(shown).collect()
    }

    /// The state at an instant; nothing before the first evidence.
    pub(crate) fn state_at(&self, time: &str) -> Option<&State> {
        let time = at(time);
        let lasts = |segment: &&Segment| segment.start <= time && segment.end.is_none_or(|end| time < end);
        self.timeline.segments.iter().find(lasts).map(|segment| &segment.state)
    }
}

/// `09:00-09:05 talk VOICE-INBOUND-CONNECTED (Available)`: start, end, class, event id and reason.
pub(crate) fn shown(segment: &Segment) -> String {
    let end = match (segment.mark, segment.end) {
        (Some(Mark::SignIn), _) => String::new(),
        (None, None) => "-".to_owned(),
        (None, Some(end)) => format!("-{}", clock(end)),
    };
    let class = segment.state.class.as_str();
    let (event_id, reason) = segment.state.words(segment.mark);
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{}{end} {class} {}{reason}", clock(segment.start), event_id).trim_end().to_owned()
}

/// `09:00-09:05 talk` for each span of the window; `?` marks the open one.
pub(crate) fn spans(day: &Day, window: Window, known_until: Timestamp) -> Vec<String> {
    let leading = day.timeline.leading_state();
    let show = |span: Span<'_>| {
        let what = if span.mark.is_some() { "LOGIN" } else { span.state.class.as_str() };
        let open = if span.open { "?" } else { "" };
        format!("{}-{}{open} {what}", clock(span.start), clock(span.end))
    };
    day.timeline.spans(window, known_until, &leading).map(show).collect()
}

/// The named columns of a row, by their names in the report: `talk_s=12.5 hold_s=0`.
pub(crate) fn columns<R: Row>(row: &R, names: &str) -> String {
    let mut cells = Vec::new();
    row.cells(&mut cells);
    let column = |name: &str| {
        let place = R::COLUMNS.iter().position(|known| *known == name);
        let place = place.unwrap_or_else(|| panic!("{} has no column {name}", R::REPORT));
        format!("{name}={}", cells[place])
    };
    names.split_whitespace().map(column).collect::<Vec<_>>().join(" ")
}

/// The observations of a script, of one agent.
pub(crate) fn evidence(script: &str) -> Vec<Observation> {
    let statements = script.split([';', '\n']).map(str::trim).filter(|statement| !statement.is_empty());
    statements.enumerate().map(|(index, statement)| observation(index, statement)).collect()
}

fn observation(index: usize, statement: &str) -> Observation {
    let mut words = Words { statement, words: statement.split_whitespace().collect() };
    let time = at(words.next());
    let id = words.prefixed("id:").map_or_else(|| format!("e{index:04}"), ToOwned::to_owned);
    let order = match words.prefixed("at:").map(|place| place.split_once('/').expect("at:partition/position"))
    {
        Some((partition, position)) => place(partition, position.parse().expect("a position")),
        None => place("p", index as u64),
    };
    Observation { agent: "a1".into(), at: time, order, id: id.as_str().into(), what: words.what() }
}

/// A place in a stream.
pub(crate) fn place(partition: &str, position: u64) -> Order {
    Order { partition: PartitionId::from(partition), position: Position::Number(position) }
}

/// The words of one statement, eaten from the front.
struct Words<'a> {
    statement: &'a str,
    words: std::collections::VecDeque<&'a str>,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> &'a str {
        self.words.pop_front().unwrap_or_else(|| panic!("'{}' ends too early", self.statement))
    }

    /// The first word with this prefix before the next contact, wherever it stands.
    fn prefixed(&mut self, prefix: &str) -> Option<&'a str> {
        let own = self.words.iter().take_while(|word| **word != "+");
        let place = own.clone().position(|word| word.starts_with(prefix))?;
        self.words.remove(place).map(|word| &word[prefix.len()..])
    }

    fn flag(&mut self, flag: &str) -> bool {
        self.prefixed(flag).is_some()
    }

    fn what(mut self) -> What {
        match *self.words.front().unwrap_or(&"") {
            "LOGIN" => What::SignIn(self.after_verb().snapshot()),
            "LOGOUT" => {
                let mut rest = self.after_verb();
                What::SignOut((!rest.words.is_empty()).then(|| rest.snapshot()))
            }
            "BEAT" => What::Confirmation(self.after_verb().snapshot()),
            "ACTIVITY" => {
                let mut rest = self.after_verb();
                let until = at(rest.prefixed("until:").expect("until:"));
                What::Activity { snapshot: rest.snapshot(), until }
            }
            "STATUS" => self.after_verb().status_alone(),
            "CONTACT" => {
                let mut rest = self.after_verb();
                let version = rest.version();
                What::Contact { contact: rest.contact(), version }
            }
            "GONE" => {
                let mut rest = self.after_verb();
                let version = rest.version();
                What::ContactGone { contact: rest.next().into(), version }
            }
            _ => What::Snapshot(self.snapshot()),
        }
    }

    fn after_verb(&mut self) -> Self {
        self.words.pop_front();
        Self { statement: self.statement, words: std::mem::take(&mut self.words) }
    }

    fn status_alone(mut self) -> What {
        let (version, profile, since) = (self.version(), self.profile(), self.since());
        What::Status { status: status(self.next()), since, version, profile }
    }

    fn version(&mut self) -> Option<u64> {
        let place =
            self.words.iter().position(|word| word.starts_with('v') && word[1..].parse::<u64>().is_ok())?;
        self.words.remove(place).and_then(|word| word[1..].parse().ok())
    }

    fn since(&mut self) -> Option<Timestamp> {
        self.prefixed("@").map(at)
    }

    fn snapshot(&mut self) -> Snapshot {
        let (profile, status_since) = (self.profile(), self.since());
        let status = status(self.next());
        let mut contacts = Vec::new();
        while self.words.pop_front().is_some() {
            contacts.push(self.contact());
        }
        Snapshot { status, status_since, contacts, profile }
    }

    /// A profile, if the statement tells anything of it; what it does not tell is Ann's.
    fn profile(&mut self) -> Option<Arc<AgentProfile>> {
        let told =
            ["team:", "login:", "name:", "level1:", "level5:", "routing:"].map(|key| self.prefixed(key));
        if told.iter().all(Option::is_none) {
            return None;
        }
        let [team, login, name, level1, level5, routing] = told;
        let mut profile = AgentProfile {
            login: login.unwrap_or("ann").into(),
            name: name.unwrap_or("Ann").into(),
            team: team.unwrap_or_default().into(),
            routing_profile: routing.unwrap_or_default().into(),
            ..AgentProfile::default()
        };
        profile.levels[0] = level1.unwrap_or_default().into();
        profile.levels[4] = level5.unwrap_or_default().into();
        Some(Arc::new(profile))
    }

    /// `c1 VOICE INBOUND CONNECTED`, then what there is of `@since`, `queue:`, `monitored`, `outbound`.
    fn contact(&mut self) -> AgentContact {
        let since = self.since();
        let queue = self.prefixed("queue:").map(queue);
        let (monitored, outbound) = (self.flag("monitored"), self.flag("outbound"));
        let (id, channel, initiation, phase_text) = (self.next(), self.next(), self.next(), self.next());
        AgentContact {
            id: id.into(),
            channel: channel.into(),
            initiation: initiation.into(),
            outbound: outbound || initiation == "OUTBOUND",
            monitored: monitored || initiation == "MONITOR",
            phase: phase(phase_text),
            phase_text: phase_text.into(),
            since,
            queue,
        }
    }
}

/// `Break`, `Deep_Work` (with a blank), `Break#17` (with an id), `Ready/routable`, `Home/offline`.
fn status(word: &str) -> Arc<Status> {
    let (word, kind) = word.split_once('/').map_or((word, None), |(word, kind)| (word, Some(kind)));
    let (name, id) = word.split_once('#').map_or((word, None), |(name, id)| (name, Some(id)));
    let kind = match (kind, name) {
        (Some("routable"), _) | (None, "Available") => StatusKind::Routable,
        (Some("offline"), _) | (None, "Offline") => StatusKind::Offline,
        _ => StatusKind::Aux,
    };
    Arc::new(Status { id: id.map(Into::into), name: name.replace('_', " ").into(), kind })
}

/// A queue, its name that of its id in capitals.
pub(crate) fn queue(id: &str) -> Arc<Queue> {
    Arc::new(Queue { id: id.into(), name: id.to_uppercase().into(), personal: false })
}

/// The phase by Amazon's word for it.
pub(crate) fn phase(word: &str) -> ContactPhase {
    match word {
        "INCOMING" | "PENDING" => ContactPhase::Offered,
        "CONNECTING" => ContactPhase::Alerting,
        "CONNECTED" => ContactPhase::Connected,
        "CONNECTED_ONHOLD" => ContactPhase::Held,
        "PAUSED" => ContactPhase::Paused,
        "ENDED" => ContactPhase::Wrapping,
        "MISSED" => ContactPhase::Missed,
        "REJECTED" => ContactPhase::Rejected,
        "ERROR" => ContactPhase::Failed,
        _ => ContactPhase::Unrecognised,
    }
}
