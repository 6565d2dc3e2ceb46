//! A WFM over a bad line, and what it must have in the end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use pegboard_model::{AgentNow, Class, Millis, Timestamp};
use pegboard_sim::stand_in::asc_manager::{
    AgentState, AscManager, Fault, Kept, Options, Report, Route, Wrong,
};
use pegboard_sinks::Changes;
use pegboard_store::{Cursor, DeliveryState, FeedKind, Store};
use serde_json::Value;

use super::hub::Folder;
use super::input::Input;

/// The source that is delivered; agents of the other have the same ids.
const SOURCE: &str = "east";

/// The sink.
const SINK: &str = "wfm";

/// So few that there are many messages between which to kill.
const STATES_PER_MESSAGE: usize = 50;

/// How old the start of the newest interval may be that is delivered: the interval itself, the next one, and a while.
const NEWEST_AGE: Millis = Millis::from_minutes(35);

/// For how long a hub runs on that seems to have delivered everything: corrections may not have been taken up.
const RUNS_ON: Duration = Duration::from_secs(1);

/// A state as the feed tells it, and as the WFM is told it: since when, what, why.
type State = (Timestamp, String, String);

/// What a hub delivers that nobody disturbs, and that knows everything before it delivers anything.
pub(super) struct Expected {
    queues: BTreeSet<String>,
    bodies: BTreeMap<Timestamp, String>,
    began: Timestamp,
    /// Intervals from then on are not compared: the source is silent, and what that means is said later and later.
    end: Timestamp,
}

/// The stand-in, and which changes of states it is told.
pub(super) struct Wfm {
    manager: AscManager,
    changes: Changes,
    /// The first interval that is delivered.
    from: Timestamp,
}

impl Expected {
    pub(super) fn of(input: &Input) -> Self {
        let folder = Folder::new();
        input.write(folder.path());
        know_everybody(&folder);
        folder.finish(input.records());
        input.write_late(folder.path());
        folder.finish(input.all_records());
        let queues = queues(&folder);
        let wfm = Wfm::new(Changes::Latest, input.began);
        wfm.is_delivered_to(&folder, &queues);
        wfm.has_everything(&folder, input.all_records());
        let end = input.ended - Millis::from_hours(1);
        let bodies = wfm.manager.look(|kept| bodies(&kept.queue_reports, end));
        assert!(bodies.len() > 20 && queues.len() > 1, "{} intervals, {queues:?}", bodies.len());
        Self { queues, bodies, began: input.began, end }
    }

    /// A folder with settings and without records, whose hub delivers to a WFM over a bad line.
    pub(super) fn begin(&self, folder: &Folder, changes: Changes, seed: u64) -> Wfm {
        Input::write_settings(folder.path());
        folder.configure_store();
        know_everybody(folder);
        let wfm = Wfm::new(changes, self.began);
        wfm.is_delivered_to(folder, &self.queues);
        wfm.has_a_bad_line(seed);
        wfm
    }

    /// The WFM has just this, and of states what the feed tells, after so many deaths.
    pub(super) fn assert_arrived(&self, folder: &Folder, wfm: &Wfm, deaths: usize) {
        let told = folder.look(async |store| told(store).await);
        wfm.manager.look(|kept| {
            let got = bodies(&kept.queue_reports, self.end);
            assert!(self.bodies.keys().eq(got.keys()), "other intervals: {:?}", got.keys());
            for (start, body) in &self.bodies {
                assert_eq!(*body, got[start], "{start}");
            }
            assert!(
                kept.queue_reports.values().any(|report| report.revisions.len() > 1),
                "nothing was corrected"
            );
            wfm.assert_told(&told, kept, deaths);
        });
        let counts = wfm.manager.counts();
        assert_eq!((counts.repeated_anew, &*counts.refused), (0, &[][..]), "what is sent twice has one key");
        // How many there are follows from how much is sent between two deaths, which a slow machine makes little.
        assert!(counts.faults.values().sum::<u64>() >= 3, "the line was bad: {:?}", counts.faults);
    }
}

impl Wfm {
    /// A WFM over a good line.
    fn new(changes: Changes, from: Timestamp) -> Self {
        Self { manager: AscManager::serve(Options::at(pegboard::clock::system())).unwrap(), changes, from }
    }

    /// Three of ten requests go wrong.
    pub(super) fn has_a_bad_line(&self, seed: u64) {
        self.manager.mend();
        let throttled = Wrong::Throttled { retry_after: Some("0".to_owned()) };
        let chances = [
            (0.10, Wrong::ServerError(503)),
            (0.05, throttled),
            (0.05, Wrong::Unauthorised),
            (0.05, Wrong::Cut),
            (0.05, Wrong::CutAnswer),
        ];
        self.manager.fail_at_random(seed, chances.to_vec());
    }

    /// It takes no states until its line is bad or good again.
    pub(super) fn takes_no_states(&self) {
        let (route, what) = (Some(Route::AgentStates), Wrong::ServerError(503));
        self.manager.fail(Fault { route, times: u32::MAX, what });
    }

    /// No token is good any more.
    pub(super) fn forgets_tokens(&self) {
        self.manager.revoke_tokens(true);
    }

    /// How much it has taken so far.
    pub(super) fn taken(&self) -> usize {
        self.manager.look(|kept| {
            let reports = kept.queue_reports.values().map(|report| report.revisions.len());
            reports.sum::<usize>() + kept.states.values().map(VecDeque::len).sum::<usize>()
        })
    }

    /// How often it was sent what it had, under the same key.
    pub(super) fn repeated(&self) -> u64 {
        self.manager.counts().repeated
    }

    /// Has the hub of the folder deliver to it from now on. Every queue has the name of the ACD, whatever is known of it by then.
    fn is_delivered_to(&self, folder: &Folder, queues: &BTreeSet<String>) {
        let mapping = folder.path().join("mapping");
        fs::create_dir_all(&mapping).unwrap();
        let rows: Vec<_> = queues.iter().map(|queue| format!("{queue},{queue}\n")).collect();
        fs::write(mapping.join("queues.csv"), format!("queue,wfm_queue_id\n{}", rows.concat())).unwrap();
        let settings = format!("setting,value\nstates_per_message,{STATES_PER_MESSAGE}\n");
        fs::write(mapping.join("settings.csv"), settings).unwrap();
        for (name, secret) in [("key", "KEYID===="), ("secret", "KEYSECRET====")] {
            let file = folder.path().join(name);
            fs::write(&file, secret).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let file = folder.path().join("pegboard.toml");
        let settings = fs::read_to_string(&file).unwrap();
        fs::write(file, settings + &self.settings()).unwrap();
    }

    fn settings(&self) -> String {
        let changes = match self.changes {
            Changes::Latest => "latest",
            Changes::Every => "every",
        };
        format!(
            "[[sink]]\nname = \"{SINK}\"\nkind = \"cxone\"\nsources = [\"{SOURCE}\"]\nmapping = \"mapping\"\nstart = \
             \"{}\"\n[sink.cxone]\nurl = \"{}\"\naccess_key_id = \"file:key\"\nsecret_access_key = \
             \"file:secret\"\ntenant = \"demo\"\nallow = [\"127.0.0.1\"]\nchanges = \"{changes}\"\nreports = [\"queue-report\"]\n\
             [sink.snapshot]\nhold_while_stale = false\n",
            self.from,
            self.manager.url()
        )
    }

    /// Runs the program over a good line until the WFM has all that there is.
    pub(super) fn has_everything(&self, folder: &Folder, records: u64) {
        self.manager.mend();
        let number = |state: &str| {
            format!(
                "pegboard_sink_intervals{{sink=\"{SINK}\",report=\"cxone-queue-report\",state=\"{state}\"}}"
            )
        };
        let (waiting, acknowledged) = (number("waiting"), number("acknowledged"));
        let nothing_waits = |numbers: &BTreeMap<String, f64>| {
            let of = |name| numbers.get(name).copied().unwrap_or_default();
            of(&waiting) == 0.0 && of(&acknowledged) > 0.0
        };
        for tries in 1..=6 {
            folder.run_until("all is delivered", records, RUNS_ON * tries, nothing_waits);
            if folder.nothing_is_marked() && folder.look(async |store| is_delivered(store).await) {
                return;
            }
        }
        panic!("something is not delivered");
    }

    /// What the WFM was told of each agent is some of the feed, and the last is the present state.
    fn assert_told(&self, told: &BTreeMap<String, Vec<State>>, kept: &Kept, deaths: usize) {
        assert!(told.values().any(|told| told.len() > 20), "nobody did anything");
        assert!(told.keys().eq(kept.states.keys()), "other agents: {:?}", kept.states.keys());
        for (agent, told) in told {
            let got: Vec<State> = kept.states[agent].iter().map(state).collect();
            match self.changes {
                Changes::Latest => assert_is_of_the_feed(agent, told, &got),
                Changes::Every => assert_is_the_feed(agent, told, &got, deaths),
            }
        }
        if self.changes == Changes::Latest {
            assert_eq!(kept.disorder, [""; 0]);
        }
    }
}

/// Whoever was there last is there: what silence means is another matter, and changes while the test runs.
fn know_everybody(folder: &Folder) {
    let file = folder.path().join("pegboard.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let [lateness, with] = ["lateness = \"30m\"\n", "lateness = \"30m\"\nstale_after = \"12h\"\n"];
    assert!(settings.contains(lateness));
    fs::write(file, settings.replace(lateness, with)).unwrap();
}

/// The queues of the source.
fn queues(folder: &Folder) -> BTreeSet<String> {
    let rows = folder.look(async |store| {
        store.rows(&SOURCE.into(), "queue_interval", Timestamp::MIN, Timestamp::MAX).await.unwrap()
    });
    let queue =
        |body: &str| serde_json::from_str::<Value>(body).unwrap()["queue_id"].as_str().unwrap().to_owned();
    rows.iter().map(|row| queue(&row.body)).collect()
}

/// Whether the ledger has all that was closed, and all of it has arrived, as has all that the feeds tell.
async fn is_delivered(store: &dyn Store) -> bool {
    let sink = SINK.into();
    let delivered = store.take_sink(&sink).await.unwrap();
    let seen = |cursor: &Cursor| cursor.seen.get(SOURCE).copied();
    for (kind, delivered) in [(FeedKind::States, delivered.states), (FeedKind::Rows, delivered.rows)] {
        let end = store.feed_end(kind).await.unwrap();
        if delivered.as_ref().and_then(seen) != seen(&end) {
            return false;
        }
    }
    let lines = store.ledger(&sink).await.unwrap();
    let newest = lines.iter().map(|line| line.newest).max();
    lines.iter().all(|line| line.state == DeliveryState::Acknowledged)
        && newest.is_some_and(|newest| pegboard::clock::system() - NEWEST_AGE < newest)
}

/// What the feed tells of each agent, as far as it tells a WFM anything.
async fn told(store: &dyn Store) -> BTreeMap<String, Vec<State>> {
    let mut cursor = Cursor { store: store.id().clone(), seen: BTreeMap::new() };
    let mut told: BTreeMap<String, Vec<State>> = BTreeMap::new();
    loop {
        let page = store.feed(FeedKind::States, &cursor, &[SOURCE.into()], 5000).await.unwrap();
        for entry in &page.entries {
            let now: AgentNow = serde_json::from_str(&entry.body).unwrap();
            if now.class != Class::Unknown && !now.event_id.is_empty() {
                let state = (now.since, now.event_id.to_string(), now.reason.to_string());
                told.entry(now.agent_id.to_string()).or_default().push(state);
            }
        }
        cursor = page.cursor;
        if !page.more {
            return told;
        }
    }
}

fn state(state: &AgentState) -> State {
    (state.event_time, state.event_id.clone(), state.event_reason.clone())
}

/// The bodies of the intervals before `end`.
fn bodies(reports: &BTreeMap<Timestamp, Report>, end: Timestamp) -> BTreeMap<Timestamp, String> {
    let body = |report: &Report| String::from_utf8_lossy(&report.sent).into_owned();
    reports.range(..end).map(|(start, report)| (*start, body(report))).collect()
}

/// It is the feed, one by one; a death may have it begin again where it has been.
fn assert_is_the_feed(agent: &str, told: &[State], got: &[State], deaths: usize) {
    let (mut next, mut again) = (0, 0);
    for state in got {
        if told.get(next) == Some(state) {
            next += 1;
            continue;
        }
        let before = told[..next].iter().rposition(|before| before == state);
        let before =
            before.unwrap_or_else(|| panic!("{agent}: {state:?} is not next after {next} of {told:?}"));
        next = before + 1;
        again += 1;
    }
    assert_eq!(next, told.len(), "{agent}: the last that was told is the present one");
    assert!(again <= deaths, "{agent}: it began again {again} times");
}

/// It is some of the feed, never older after newer, and the last is the present one.
fn assert_is_of_the_feed(agent: &str, told: &[State], got: &[State]) {
    let mut place = 0;
    for state in got {
        let later = told[place..].iter().position(|later| later == state);
        place += later.unwrap_or_else(|| panic!("{agent}: {state:?} is older than what came before"));
    }
    assert_eq!(got.last(), told.last(), "{agent}");
}
