//! The receivers of `push` and `twilio` under load, and the program killed over it again and again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pegboard::clock;
use pegboard_sim::stand_in::task_router::sign_form;
use pegboard_store::{SqliteOptions, SqliteStore, Store as _};

use crate::support::serving::Serving;

const KEY: &str = "pbx-1:a secret";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const URL: &str = "https://hub.example.com/api/v1/twilio/flex";

/// How many post at once, half of them on each route.
const POSTERS: u64 = 8;

/// How often the program is killed.
const KILLS: u32 = 5;

/// How many acknowledgements there are between two kills, at least.
const BETWEEN: usize = 150;

fn serve(folder: &Path) -> Serving {
    Serving::receiving(folder, "a secret", URL, TOKEN)
}

/// Says of an agent of its own that he is there; answers his id once that is acknowledged. Nothing when the program is gone.
fn push(hub: &Serving, number: u64) -> Option<String> {
    let agent = format!("push-{number}");
    let at = clock::system();
    let body = format!(
        "{{\"kind\":\"agent_state\",\"agent\":\"{agent}\",\"at\":\"{at}\",\"status\":{{\"name\":\"Here\",\"routing\":\"aux\"}}}}"
    );
    let (status, answer) = hub.push("pbx", KEY, "", &body)?;
    assert_eq!(status, 200, "{answer}");
    Some(agent)
}

/// The same, as Twilio posts it.
fn call_back(hub: &Serving, number: u64) -> Option<String> {
    let agent = format!("WK{number:032x}");
    let fields = [
        ("EventType", "worker.activity.update".to_owned()),
        ("Sid", format!("EV{number:032x}")),
        ("TimestampMs", clock::system().as_millis().to_string()),
        ("WorkerSid", agent.clone()),
        ("WorkerName", format!("w{number}")),
        ("WorkerActivitySid", "WA1".to_owned()),
        ("WorkerActivityName", "Available".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let signature = sign_form(TOKEN, URL, &fields);
    let headers =
        format!("Content-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: {signature}\r\n");
    let (status, answer) = hub.post("/api/v1/twilio/flex", &headers, &body.join("&"))?;
    assert_eq!(status, 204, "{answer}");
    Some(agent)
}

/// Posts from all sides until enough is acknowledged, and kills the program in the middle of it if `is_killed`.
fn load(hub: &Serving, next: &AtomicU64, acknowledged: &Mutex<BTreeSet<String>>, is_killed: bool) {
    let enough = acknowledged.lock().unwrap().len() + BETWEEN;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for poster in 0..POSTERS {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let taken = if poster % 2 == 0 { push(hub, number) } else { call_back(hub, number) };
                    let Some(agent) = taken else { return };
                    acknowledged.lock().unwrap().insert(agent);
                }
            });
        }
        let began = Instant::now();
        while acknowledged.lock().unwrap().len() < enough {
            assert!(began.elapsed() < Duration::from_mins(1), "nothing is acknowledged any more");
            std::thread::sleep(Duration::from_millis(2));
        }
        if is_killed {
            hub.kill_over_it();
        } else {
            is_over.store(true, Ordering::SeqCst);
        }
    });
}

#[test]
fn r08_s35_killed_again_and_again_under_load_the_receiver_loses_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (next, acknowledged) = (AtomicU64::new(0), Mutex::new(BTreeSet::new()));
    for life in 0..=KILLS {
        let mut hub = serve(folder.path());
        load(&hub, &next, &acknowledged, life < KILLS);
        if life < KILLS {
            assert!(hub.is_killed(), "it did not end in life {life}");
            continue;
        }
        let all = acknowledged.lock().unwrap().len();
        let read = |hub: &Serving| {
            let of = |source| format!("pegboard_source_records_total{{source=\"{source}\"}}");
            ["pbx", "flex"].iter().filter_map(|source| hub.metric(&of(source))).sum::<f64>()
        };
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let all = all as f64;
        hub.until("everything is read", |hub| read(hub) >= all);
        hub.terminate();
    }
    let store =
        SqliteStore::open(&folder.path().join("pegboard.db"), SqliteOptions::new(clock::system)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let agents = runtime.block_on(store.agents(&[])).unwrap().agents;
    let there: BTreeSet<String> = agents.iter().map(|agent| agent.now.agent_id.to_string()).collect();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= BETWEEN * (KILLS as usize + 1));
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged are lost: {lost:?}", lost.len(), acknowledged.len());
    // Of each kill and each poster one post may have been kept whose answer was lost.
    let unanswered = there.len() - acknowledged.len();
    assert!(unanswered as u64 <= POSTERS * u64::from(KILLS), "{unanswered}");
}
