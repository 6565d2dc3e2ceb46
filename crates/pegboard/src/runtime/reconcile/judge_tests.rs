//! What is believed of a snapshot, and when.

use std::sync::Arc;

use pegboard_engine::Silence;
use pegboard_model::{AgentProfile, Channel, ContactId, Queue, Status, StatusId};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

fn status(name: &str) -> Arc<Status> {
    let kind = match name {
        "Available" => StatusKind::Routable,
        "Offline" => StatusKind::Offline,
        _ => StatusKind::Aux,
    };
    Arc::new(Status { id: Some(StatusId::from(name)), name: name.into(), kind })
}

/// An agent in a status since so long.
fn being(name: &str, since: i64) -> Snapshot {
    let profile = AgentProfile { login: "ann".into(), ..AgentProfile::default() };
    Snapshot {
        status: status(name),
        status_since: Some(at(since)),
        contacts: Vec::new(),
        profile: Some(Arc::new(profile)),
    }
}

fn contact(phase: ContactPhase, since: Option<i64>) -> AgentContact {
    AgentContact {
        id: ContactId::from("c-1"),
        channel: Channel::Voice,
        initiation: "INBOUND".into(),
        outbound: false,
        monitored: false,
        phase,
        phase_text: format!("{phase:?}").as_str().into(),
        since: since.map(at),
        queue: Some(Arc::new(Queue { id: "q-1".into(), name: "Sales".into(), personal: false })),
    }
}

fn with(contact: AgentContact, snapshot: Snapshot) -> Snapshot {
    Snapshot { contacts: vec![contact], ..snapshot }
}

/// Agents, a judge, and what comes of one look after the other.
struct Bench {
    tracks: BTreeMap<AgentId, Track>,
    judge: Judge,
    policy: TimelinePolicy,
    told: u64,
}

impl Bench {
    fn new() -> Self {
        let policy = TimelinePolicy { silence: Some(Silence::default()), ..TimelinePolicy::default() };
        let judge = Judge::new(policy, &[ContactPhase::Paused]);
        Self { tracks: BTreeMap::new(), judge, policy, told: 0 }
    }

    /// The stream tells of an agent.
    fn tell(&mut self, agent: &str, seconds: i64, what: What) -> &mut Self {
        self.told += 1;
        let order = Order { partition: "stream".into(), position: Position::Number(self.told) };
        let id = EventId::from(format!("e-{}", self.told).as_str());
        self.apply(&Observation { agent: agent.into(), at: at(seconds), order, id, what });
        self
    }

    fn apply(&mut self, seen: &Observation) {
        self.tracks.entry(seen.agent.clone()).or_default().apply(seen, &self.policy, &mut |_| ());
    }

    /// A look at everybody, whose repairs and confirmations are taken over.
    fn look(&mut self, seconds: i64, shown: &[(&str, Snapshot)]) -> Weighed {
        self.look_at(seconds, shown, None, Stream::CaughtUp)
    }

    fn look_at(
        &mut self,
        seconds: i64,
        shown: &[(&str, Snapshot)],
        asked: Option<&[AgentId]>,
        stream: Stream,
    ) -> Weighed {
        let shown = shown.iter().map(|(agent, snapshot)| Shown {
            agent: (*agent).into(),
            at: at(seconds),
            snapshot: snapshot.clone(),
        });
        let look = Look { began: at(seconds), shown: shown.collect(), unclear: Vec::new() };
        let weighed = self.judge.weigh(&look, asked, &self.tracks.iter().collect(), stream);
        for seen in weighed.repairs.iter().chain(&weighed.confirmations) {
            self.apply(seen);
        }
        weighed
    }

    /// The agent's class, and since when.
    fn present(&self, agent: &str) -> (Timestamp, Class) {
        let (since, state) = self.tracks[&AgentId::from(agent)].current().unwrap();
        (since, state.class)
    }

    fn class(&self, agent: &str) -> Class {
        self.present(agent).1
    }
}

fn counts(weighed: &Weighed) -> (usize, usize, usize, u64) {
    let Weighed { repairs, confirmations, suspects, disputed, .. } = weighed;
    (repairs.len(), confirmations.len(), suspects.len(), *disputed)
}

const NOTHING: (usize, usize, usize, u64) = (0, 0, 0, 0);

#[test]
fn what_stands_is_nothing_new() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::Snapshot(being("Available", 0)));
    assert_eq!(counts(&bench.look(60, &[("ann", being("Available", 0))])), NOTHING);
}

#[test]
fn the_whole_floor_is_taken_over_at_the_first_look() {
    let mut bench = Bench::new();
    let look =
        [("ann", being("Available", -3600)), ("bob", being("Break", -60)), ("off", being("Offline", 0))];
    let weighed = bench.look_at(0, &look, None, Stream::Behind);
    assert_eq!(weighed.repairs.len(), 2, "who is Offline and unknown is nobody");
    assert_eq!((bench.class("ann"), bench.class("bob")), (Class::Available, Class::Aux));
    assert_eq!(bench.present("ann").0, at(-3600), "since when the platform says");
}

#[test]
fn a_start_after_all_that_was_heard_proves_a_loss_at_once() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::Snapshot(being("Available", 0)));
    let weighed = bench.look(60, &[("ann", being("Break", 30))]);
    assert_eq!(counts(&weighed), (1, 0, 0, 0));
    assert_eq!(bench.present("ann"), (at(30), Class::Aux));
}

#[test]
fn a_state_that_began_just_now_may_still_be_on_its_way() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::Snapshot(being("Available", 0)));
    let weighed = bench.look(60, &[("ann", being("Break", 58))]);
    assert_eq!(counts(&weighed), (0, 0, 1, 0));
    bench.tell("ann", 58, What::Snapshot(being("Break", 58)));
    assert_eq!(counts(&bench.look(65, &[("ann", being("Break", 58))])), NOTHING);
}

#[test]
fn an_answer_that_is_behind_the_stream_changes_nothing() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::Snapshot(being("Available", 0)));
    bench.tell("ann", 58, What::Snapshot(being("Break", 58)));
    assert_eq!(counts(&bench.look(60, &[("ann", being("Available", 0))])), NOTHING, "heard just now");
    let weighed = bench.look(64, &[("ann", being("Available", 0))]);
    assert_eq!(counts(&weighed), (0, 0, 1, 0), "still behind: in doubt, and no more");
    assert_eq!(counts(&bench.look(69, &[("ann", being("Break", 58))])), NOTHING);
    assert_eq!(bench.class("ann"), Class::Aux);
}

#[test]
fn a_contact_that_has_left_must_be_missed_twice() {
    let mut bench = Bench::new();
    bench.tell(
        "ann",
        0,
        What::Snapshot(with(contact(ContactPhase::Connected, Some(0)), being("Available", -60))),
    );
    let gone = [("ann", being("Available", -60))];
    assert_eq!(counts(&bench.look(60, &gone)), (0, 0, 1, 0));
    let asked = ["ann".into()];
    let weighed = bench.look_at(65, &gone, Some(&asked), Stream::CaughtUp);
    assert_eq!(counts(&weighed), (1, 0, 0, 0));
    assert_eq!(weighed.repairs[0].at, at(60), "when it was seen first");
    assert_eq!(bench.class("ann"), Class::Available);
}

#[test]
fn two_looks_too_close_to_each_other_are_one() {
    let mut bench = Bench::new();
    bench.tell(
        "ann",
        0,
        What::Snapshot(with(contact(ContactPhase::Connected, Some(0)), being("Available", -60))),
    );
    let gone = [("ann", being("Available", -60))];
    assert_eq!(counts(&bench.look(60, &gone)), (0, 0, 1, 0));
    assert_eq!(counts(&bench.look(63, &gone)), (0, 0, 1, 0));
    assert_eq!(counts(&bench.look(65, &gone)), (1, 0, 0, 0));
}

#[test]
fn r09_a_lost_logout_is_repaired_by_the_second_look() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::SignIn(being("Available", 0)));
    assert_eq!(counts(&bench.look(60, &[])), (0, 0, 1, 0));
    assert_eq!(counts(&bench.look_at(65, &[], Some(&["ann".into()]), Stream::CaughtUp)), (1, 0, 0, 0));
    let (since, state) = bench.tracks[&AgentId::from("ann")].current().unwrap();
    assert_eq!((since, state.class, state.signed_out), (at(60), Class::SignedOut, true));
    assert_eq!(counts(&bench.look(95, &[])), NOTHING);
}

#[test]
fn a_fresh_login_is_not_signed_out_by_a_look_that_began_before() {
    let mut bench = Bench::new();
    bench.tell("ann", 58, What::SignIn(being("Available", 58)));
    assert_eq!(counts(&bench.look(60, &[])), NOTHING);
    assert_eq!(counts(&bench.look(64, &[])), (0, 0, 1, 0));
    assert_eq!(counts(&bench.look(70, &[("ann", being("Available", 58))])), NOTHING);
}

#[test]
fn something_heard_between_the_looks_starts_the_doubt_anew() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::SignIn(being("Available", 0)));
    assert_eq!(counts(&bench.look(60, &[])), (0, 0, 1, 0));
    bench.tell("ann", 62, What::Confirmation(being("Available", 0)));
    assert_eq!(counts(&bench.look(70, &[])), (0, 0, 1, 0), "the first doubt does not count any more");
}

#[test]
fn absence_says_nothing_while_a_logout_may_stand_in_the_stream() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::SignIn(being("Available", 0)));
    assert_eq!(counts(&bench.look_at(60, &[], None, Stream::Behind)), NOTHING);
    assert_eq!(counts(&bench.look_at(90, &[], None, Stream::Behind)), NOTHING);
}

#[test]
fn what_was_missed_is_told_apart() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::Snapshot(being("Available", 0)));
    bench.tell("cem", 0, What::SignOut(None));
    let [new, changed, back, gone] = [
        ("bob", What::Snapshot(being("Break", 3000))),
        ("ann", What::Snapshot(being("Break", 3000))),
        ("cem", What::Snapshot(being("Break", 3000))),
        ("ann", What::SignOut(None)),
    ]
    .map(|(agent, what)| evidence(&agent.into(), at(3600), what));
    let floor: Floor<'_> = bench.tracks.iter().collect();
    let missed = missed(&[new, changed, back, gone], &floor);
    assert_eq!(missed, Missed { signed_in: 2, changed: 1, signed_out: 1 });
}

#[test]
fn who_is_not_asked_for_is_not_absent() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::SignIn(being("Available", 0)));
    bench.tell("bob", 0, What::SignIn(being("Available", 0)));
    let asked = ["ann".into()];
    let weighed = bench.look_at(60, &[("ann", being("Available", 0))], Some(&asked), Stream::CaughtUp);
    assert_eq!(counts(&weighed), NOTHING);
}

#[test]
fn who_is_shown_unclearly_is_left_as_he_is() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::SignIn(being("Available", 0)));
    let look = Look { began: at(60), shown: Vec::new(), unclear: vec!["ann".into()] };
    let weighed = bench.judge.weigh(&look, None, &bench.tracks.iter().collect(), Stream::CaughtUp);
    assert_eq!(counts(&weighed), NOTHING);
}

#[test]
fn who_was_not_heard_of_for_long_is_confirmed() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::Snapshot(being("Available", 0)));
    let same = [("ann", being("Available", 0))];
    assert_eq!(counts(&bench.look(149, &same)), NOTHING);
    assert_eq!(counts(&bench.look(150, &same)), (0, 1, 0, 0), "half of five minutes");
    assert_eq!(counts(&bench.look(180, &same)), NOTHING, "that was evidence");
    assert_eq!(bench.present("ann").0, at(0), "and nothing new");
}

#[test]
fn r09_who_was_stale_is_known_again() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::Snapshot(being("Available", 0)));
    let weighed = bench.look(600, &[("ann", being("Available", 0))]);
    assert_eq!(counts(&weighed), (0, 1, 0, 0));
    assert_eq!(bench.present("ann"), (at(600), Class::Available));
}

#[test]
fn r28_most_of_a_floor_is_not_signed_out_at_once() {
    let mut bench = Bench::new();
    let agents: Vec<String> = (0..22).map(|number| format!("a-{number:02}")).collect();
    for agent in &agents {
        bench.tell(agent, 0, What::SignIn(being("Available", 0)));
    }
    let rest: Vec<_> = agents[12..].iter().map(|agent| (agent.as_str(), being("Available", 0))).collect();
    bench.look(60, &rest);
    for seconds in [90, 120] {
        let weighed = bench.look(seconds, &rest);
        assert_eq!((weighed.refused, weighed.repairs.len()), (Some((12, 22)), 0), "at every look");
    }
    let one_less: Vec<_> = agents[11..].iter().map(|agent| (agent.as_str(), being("Available", 0))).collect();
    let weighed = bench.look(150, &one_less);
    assert_eq!((weighed.refused, weighed.repairs.len()), (None, 11), "half of it may be");
}

#[test]
fn r28_a_small_centre_may_close_as_a_whole() {
    let mut bench = Bench::new();
    for agent in 0..10 {
        bench.tell(&format!("a-{agent}"), 0, What::SignIn(being("Available", 0)));
    }
    bench.look(60, &[]);
    let weighed = bench.look(90, &[]);
    assert_eq!((weighed.refused, weighed.repairs.len()), (None, 10));
}

#[test]
fn a_logout_is_not_undone_by_who_is_shown_offline() {
    let mut bench = Bench::new();
    bench.tell("ann", 0, What::SignIn(being("Available", 0)));
    bench.tell("ann", 10, What::SignOut(None));
    assert_eq!(counts(&bench.look(60, &[("ann", being("Offline", 5))])), NOTHING);
    let weighed = bench.look(90, &[("ann", being("Available", 70))]);
    assert_eq!(counts(&weighed), (1, 0, 0, 0), "a sign-in was missed");
    assert_eq!(bench.class("ann"), Class::Available);
}

#[test]
fn the_same_by_another_name_is_the_same() {
    let mut bench = Bench::new();
    bench.tell(
        "ann",
        0,
        What::Snapshot(with(contact(ContactPhase::Connected, Some(0)), being("Available", -60))),
    );
    let mut renamed = contact(ContactPhase::Connected, Some(0));
    renamed.channel = Channel::Other("PHONE".into());
    renamed.phase_text = "TALKING".into();
    renamed.queue = Some(Arc::new(Queue { id: "q-1".into(), name: "Verkauf".into(), personal: false }));
    let mut shown = with(renamed, being("Available", -60));
    shown.status = Arc::new(Status { name: "Verfügbar".into(), ..(*shown.status).clone() });
    let profile = AgentProfile { login: "ann".into(), team: "North".into(), ..AgentProfile::default() };
    shown.profile = Some(Arc::new(profile));
    assert_eq!(counts(&bench.look(60, &[("ann", shown)])), NOTHING);
}

#[test]
fn a_pause_is_not_ended_by_a_platform_that_does_not_show_pauses() {
    let mut bench = Bench::new();
    bench.tell(
        "ann",
        0,
        What::Snapshot(with(contact(ContactPhase::Paused, Some(0)), being("Available", -60))),
    );
    let shown = with(contact(ContactPhase::Connected, Some(-30)), being("Available", -60));
    assert_eq!(counts(&bench.look(60, &[("ann", shown)])), NOTHING);
    assert_eq!(bench.class("ann"), Class::Hold);
}

#[test]
fn where_the_stream_insists_it_is_right() {
    let mut bench = Bench::new();
    let free = being("Available", 0);
    let left_behind = with(contact(ContactPhase::Wrapping, Some(-500)), free.clone());
    bench.tell("ann", 0, What::Snapshot(free.clone()));
    let shown = [("ann", left_behind)];
    bench.look(60, &shown);
    assert_eq!(counts(&bench.look(65, &shown)), (1, 0, 0, 0), "once it is believed");
    assert_eq!(bench.class("ann"), Class::Acw);
    bench.tell("ann", 100, What::Confirmation(free));
    for seconds in [120, 150, 180] {
        assert_eq!(counts(&bench.look(seconds, &shown)), (0, 0, 0, 1), "and not again");
    }
    assert_eq!(bench.class("ann"), Class::Available);
}

#[test]
fn a_repair_that_the_stream_has_agreed_with_is_no_dispute() {
    let mut bench = Bench::new();
    let free = being("Available", 0);
    bench.tell("ann", 1, What::Snapshot(with(contact(ContactPhase::Connected, Some(1)), free.clone())));
    let shown = [("ann", free.clone())];
    bench.look(60, &shown);
    assert_eq!(counts(&bench.look(65, &shown)), (1, 0, 0, 0));
    bench.tell("ann", 100, What::Confirmation(free));
    bench.look(120, &shown);
    bench.look(150, &[]);
    assert_eq!(counts(&bench.look(180, &[])), (1, 0, 0, 0), "a lost logout, later");
}
