//! Replay, inside the test's own process.

use jiff::tz::TimeZone;
use pegboard::replay::{Input, Inputs, KeepEvents, Settings, read, read_twilio};
use pegboard_connect::sources::twilio::TwilioSite;
use pegboard_engine::queues::QueueGoals;
use pegboard_engine::{IntervalLength, StatusTable, StatusType};
use pegboard_model::Millis;
use pegboard_model::policy::RingIn;
use pegboard_sim::truth::{ReportSettings, StatusType as SimulatedType};

use super::day::Day;

/// The day through its wire format and the decoder, and what replay makes of it.
pub(crate) fn replay(day: &Day, settings: &ReportSettings) -> Inputs {
    let folder = tempfile::tempdir().unwrap();
    let inputs = day.write(folder.path());
    let records = read(&inputs, day.end, 1, KeepEvents::No, &|_| {}).unwrap();
    assert_eq!((records.bad.count, records.foreign), (0, 0), "{}", records.bad);
    Inputs::new(records, replay_settings(settings)).unwrap()
}

/// Posts of Twilio, each a form, and what replay makes of them.
pub(crate) fn replay_posts(posts: &[String], settings: &ReportSettings) -> Inputs {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events");
    std::fs::write(&path, posts.join("\n")).unwrap();
    let inputs = [Input::parse(path.to_str().unwrap())];
    let records = read_twilio(&inputs, &TwilioSite::default(), settings.to, &|_| {}).unwrap();
    assert_eq!((records.bad.count, records.foreign), (0, 0), "{}", records.bad);
    Inputs::new(records, replay_settings(settings)).unwrap()
}

/// The same settings, in replay's words.
fn replay_settings(settings: &ReportSettings) -> Settings {
    let goals = |service_level: Millis| QueueGoals { service_level, short_abandon: settings.short_abandon };
    Settings {
        source: settings.source.clone(),
        from: Some(settings.from),
        to: Some(settings.to),
        interval: IntervalLength::minutes(u8::try_from(settings.interval.get() / 60_000).unwrap()).unwrap(),
        zone: TimeZone::UTC,
        statuses: status_table(settings),
        goals: settings
            .service_level_of
            .iter()
            .map(|(queue, limit)| (queue.to_string(), goals(*limit)))
            .collect(),
        default_goals: goals(settings.service_level),
        formula: settings.formula,
        pegging: settings.pegging,
        ring_in: RingIn::Queue,
        precedence: settings.precedence,
        session_policy: settings.session_policy,
        group_by: settings.group_by,
    }
}

fn status_table(settings: &ReportSettings) -> StatusTable {
    let mut table = StatusTable::default();
    for (name, kind) in &settings.statuses.rows {
        let kind = match kind {
            SimulatedType::Available => StatusType::Available,
            SimulatedType::Productive => StatusType::Productive,
            SimulatedType::SignedIn => StatusType::SignedIn,
            SimulatedType::SignedOut => StatusType::SignedOut,
        };
        table.set(name, kind);
    }
    table
}
