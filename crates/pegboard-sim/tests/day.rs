//! A simulated day looks like a day, and is the same day every time.

mod common;

use std::collections::BTreeSet;

use common::{by_agent, config, day, settings, start};
use pegboard_model::{Millis, StatusKind};
use pegboard_sim::events::{
    AgentEventRecord, Channel, ContactState, ContactView, EventKind, Initiation, Via,
};
use pegboard_sim::organisation::StatusNo;
use pegboard_sim::wire::Writer;
use pegboard_sim::world::Presence;
use pegboard_sim::{Centre, Simulation, Stream, Truth};

const HEART_BEAT: Millis = Millis::from_seconds(120);

fn agent_lines(simulation: &Simulation) -> Vec<String> {
    let writer = Writer::new(simulation.organisation.clone());
    simulation.agent_events.iter().map(|event| writer.agent_event_json(event)).collect()
}

fn contact_lines(simulation: &Simulation) -> Vec<String> {
    let writer = Writer::new(simulation.organisation.clone());
    simulation.contact_records.iter().map(|record| writer.contact_record_json(record)).collect()
}

#[test]
fn a_seed_is_a_day_to_the_byte() {
    let day = |seed| Centre::new(config(25, 12, seed)).run();
    let (first, again, other) = (day(7), day(7), day(8));
    assert_eq!(agent_lines(&first), agent_lines(&again));
    assert_eq!(contact_lines(&first), contact_lines(&again));
    assert_ne!(agent_lines(&first), agent_lines(&other));
    assert_ne!(contact_lines(&first), contact_lines(&other));
}

#[test]
fn steps_deliver_what_a_run_brings_forth() {
    let config = config(25, 12, 7);
    let run = Centre::new(config.clone()).run();
    let before_end = config.end() - Millis::new(1);
    let mut centre = Centre::new(config);
    let mut stepped = Vec::new();
    let mut now = start();
    while now < before_end {
        now = (now + Millis::new(61_234)).min(before_end);
        let deliveries = centre.step_until(now);
        assert!(deliveries.iter().all(|delivery| delivery.at <= now));
        stepped.extend(deliveries);
    }
    assert!(stepped.is_sorted_by_key(|delivery| delivery.at));
    let of = |stream| {
        stepped.iter().filter(move |delivery| delivery.stream == stream).map(|delivery| &delivery.json)
    };
    assert!(of(Stream::AgentEvents).eq(&agent_lines(&run)));
    let writer = Writer::new(run.organisation.clone());
    let due = run.contact_records.iter().filter(|record| record.delivered <= before_end);
    assert!(of(Stream::ContactRecords).cloned().eq(due.map(|record| writer.contact_record_json(record))));
}

#[test]
fn no_two_events_of_an_agent_share_a_millisecond_and_each_continues_the_one_before() {
    for (agent, events) in by_agent(&day(3)) {
        for pair in events.windows(2) {
            assert!(pair[0].at < pair[1].at, "{agent:?} at {}", pair[1].at);
            if pair[1].kind != EventKind::HeartBeat {
                assert_eq!(pair[1].previous.as_ref(), Some(&pair[0].current), "{agent:?} at {}", pair[1].at);
            }
        }
    }
}

#[test]
fn a_heartbeat_comes_after_two_minutes_of_nothing_else() {
    let day = day(3);
    let gone = |before: &AgentEventRecord, after: &AgentEventRecord| {
        let left = day.changes.iter().find(|change| change.agent == before.agent && change.at > before.at);
        left.is_some_and(|change| change.presence == Presence::Away && change.at < after.at)
    };
    let mut beats_after_logout = 0;
    for (_, events) in by_agent(&day) {
        let mut logout = None;
        for pair in events.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let gap = after.at.since(before.at);
            match (before.kind, after.kind) {
                (EventKind::Logout, _) => logout = Some(before.at),
                (EventKind::Login, _) => logout = None,
                _ => {}
            }
            match (after.kind, logout) {
                (EventKind::HeartBeat, None) => assert_eq!(gap, HEART_BEAT),
                (EventKind::HeartBeat, Some(logout)) => {
                    beats_after_logout += 1;
                    assert!(after.at.since(logout) <= Millis::from_hours(1), "{}", after.at);
                }
                (_, None) => assert!(gap <= HEART_BEAT || gone(before, after), "{gap} before {}", after.at),
                (_, Some(_)) => {}
            }
        }
    }
    assert!(beats_after_logout > 10, "{beats_after_logout}");
}

/// Nobody works at night but a few: what nobody is there for any more does not wait for the morning.
#[test]
fn no_contact_waits_in_its_queue_over_night() {
    let (mut left, mut longest) = (0, Millis::ZERO);
    for seed in 0..8 {
        for leg in Centre::new(config(50, 40, seed)).run().legs {
            let (Some(enqueued), Some(dequeued)) = (leg.enqueued, leg.dequeued) else { continue };
            longest = longest.max(dequeued.since(enqueued));
            let waits = leg.channel == Channel::Task || leg.initiation == Initiation::Callback;
            left += u32::from(waits && leg.handling.is_none());
        }
    }
    assert!(longest < Millis::from_hours(4), "one waited for {longest} s");
    assert!(left > 3, "{left} tasks and callbacks were left when their queues closed");
}

#[test]
fn records_come_a_minute_after_everything_is_over() {
    let day = day(3);
    for record in day.contact_records.iter().filter(|record| record.edition == 0) {
        let leg = &record.leg;
        let worked = leg.handling.as_ref().and_then(|handling| handling.acw_end);
        let over = leg.disconnected.max(worked).unwrap();
        let delay = record.delivered.since(over);
        assert!((Millis::from_seconds(60)..=Millis::from_seconds(70)).contains(&delay), "{delay}");
        assert!(record.updated <= record.delivered && record.updated.as_millis() % 1000 == 0);
    }
    let editions: BTreeSet<_> = day.contact_records.iter().map(|record| record.edition).collect();
    assert!(editions.contains(&1), "some records come again");
}

/// What happens in a day, each by a name.
struct Features<'a> {
    day: &'a Simulation,
    seen: BTreeSet<&'static str>,
}

impl Features<'_> {
    fn note(&mut self, name: &'static str, happens: bool) {
        if happens {
            self.seen.insert(name);
        }
    }

    fn look_at_event(&mut self, event: &AgentEventRecord) {
        let organisation = &self.day.organisation;
        let kind = organisation.status(event.current.status).kind;
        let contacts = &event.current.contacts;
        for contact in contacts {
            self.look_at_contact(contact, kind, event.current.status);
        }
        let connected = |contact: &&ContactView| contact.state == ContactState::Connected;
        let chats =
            contacts.iter().filter(|contact| contact.channel == Channel::Chat).filter(connected).count();
        self.note("two chats at once", chats >= 2);
        self.note("three chats at once", chats >= 3);
        let task_set_aside = contacts.iter().any(|contact| contact.state == ContactState::Paused);
        self.note("call while a task is paused", task_set_aside && contacts.len() > 1);
        self.note("next status", event.current.next.is_some());
        self.note("heartbeat", event.kind == EventKind::HeartBeat);
        self.note("login", event.kind == EventKind::Login);
        self.note("logout", event.kind == EventKind::Logout);
        self.note("logout in Available", event.kind == EventKind::Logout && kind == StatusKind::Routable);
        self.note("lunch", event.current.status == StatusNo::LUNCH);
        let own = organisation.site_statuses(organisation.agent(event.agent).team);
        self.note("coaching or training", own.contains(&event.current.status));
        if let Some(previous) = &event.previous {
            self.note("team change", previous.team != event.current.team);
            self.note("profile change", previous.profile != event.current.profile);
        }
    }

    fn look_at_contact(&mut self, contact: &ContactView, kind: StatusKind, status: StatusNo) {
        let outbound = contact.initiation == Initiation::Outbound;
        self.note("hold", contact.state == ContactState::OnHold);
        self.note("missed", contact.state == ContactState::Missed);
        self.note("rejected", contact.state == ContactState::Rejected);
        self.note("error", contact.state == ContactState::Error);
        self.note("after-contact work", contact.state == ContactState::Ended);
        self.note("task", contact.channel == Channel::Task);
        self.note("task paused", contact.state == ContactState::Paused);
        self.note("outbound", outbound);
        self.note("outbound in break", outbound && status == StatusNo::BREAK);
        self.note("outbound while offline", outbound && kind == StatusKind::Offline);
        self.note("callback", contact.initiation == Initiation::Callback);
        self.note("callback offered", contact.state == ContactState::Incoming);
        self.note("monitor", contact.initiation == Initiation::Monitor);
        self.note("queue transfer", contact.initiation == Initiation::QueueTransfer);
        self.note("transfer to a colleague", matches!(contact.via, Some(Via::Personal(_))));
    }

    fn look_at_legs(&mut self) {
        for leg in &self.day.legs {
            let connected = leg.handling.as_ref().is_some_and(|handling| handling.connected.is_some());
            self.note("abandoned in the menu", leg.via.is_none() && leg.initiation != Initiation::Monitor);
            self.note("abandoned in the queue", leg.enqueued.is_some() && !connected && leg.next.is_none());
            self.note("passed on by the queue", leg.enqueued.is_some() && !connected && leg.next.is_some());
            self.note("warm transfer", connected && leg.next.is_some() && leg.transfer_completed.is_none());
            let outside = leg.transferred_to.is_some();
            self.note("cold transfer to outside", outside && leg.transfer_completed.is_some());
            self.note("warm transfer to outside", outside && leg.transfer_completed.is_none());
            self.note("unanswered outbound", leg.initiation == Initiation::Outbound && !connected);
            self.note("offered several times", leg.attempts > 1);
        }
    }

    fn look_at_leaving(&mut self) {
        let events = by_agent(self.day);
        let last_statuses = events.values().filter_map(|events| events.last());
        let mut last = last_statuses.filter(|event| self.day.config.end().since(event.at) > HEART_BEAT);
        let closed = last
            .clone()
            .any(|event| event.kind != EventKind::Logout && event.current.status == StatusNo::AVAILABLE);
        let faded =
            last.any(|event| event.kind == EventKind::HeartBeat && event.current.status == StatusNo::OFFLINE);
        self.note("logout that never comes", closed);
        self.note("offline, then silence", faded);
        let overnight = events.values().filter_map(|events| events.first());
        self.note("signed in since yesterday", overnight.clone().any(|first| first.kind != EventKind::Login));
    }
}

#[test]
fn a_day_of_60_agents_has_everything() {
    for seed in 1..=4 {
        let day = day(seed);
        let mut features = Features { day: &day, seen: BTreeSet::new() };
        for event in &day.agent_events {
            features.look_at_event(event);
        }
        features.look_at_legs();
        features.look_at_leaving();
        let expected: BTreeSet<_> = EVERYTHING.into();
        assert_eq!(features.seen, expected, "seed {seed}");
    }
}

const EVERYTHING: [&str; 38] = [
    "abandoned in the menu",
    "abandoned in the queue",
    "after-contact work",
    "call while a task is paused",
    "callback",
    "callback offered",
    "coaching or training",
    "cold transfer to outside",
    "error",
    "heartbeat",
    "hold",
    "login",
    "logout",
    "logout in Available",
    "logout that never comes",
    "lunch",
    "missed",
    "monitor",
    "next status",
    "offered several times",
    "offline, then silence",
    "outbound",
    "outbound in break",
    "outbound while offline",
    "passed on by the queue",
    "profile change",
    "queue transfer",
    "rejected",
    "signed in since yesterday",
    "task",
    "task paused",
    "team change",
    "three chats at once",
    "transfer to a colleague",
    "two chats at once",
    "unanswered outbound",
    "warm transfer",
    "warm transfer to outside",
];

#[test]
fn agents_are_as_busy_as_in_real_centres() {
    let day = day(1);
    let truth = Truth::actual(&day, &settings(&day));
    let sum = |part: fn(&pegboard_model::report::AgentInterval) -> Millis| -> i64 {
        truth.agent_intervals.iter().map(part).sum::<Millis>().get()
    };
    let waiting_and_working = sum(|row| row.login_s - row.aux_s);
    let working = sum(|row| row.talk_s + row.hold_s + row.acw_s + row.ringing_s);
    let occupancy = 100 * working / waiting_and_working;
    assert!((70..=88).contains(&occupancy), "{occupancy}%");
    let answered: u64 = truth.queue_intervals.iter().map(|row| row.answered).sum();
    let hours = u64::try_from(waiting_and_working / 3_600_000).unwrap();
    assert!((6..=10).contains(&(answered / hours)), "{answered} contacts in {hours} hours");
}
