//! The program is killed while it forgets a person: whoever comes next finishes it.

use std::fs;

use pegboard::runtime::archive;
use pegboard_connect::archive::Archive;
use pegboard_model::{AgentNow, Timestamp};
use pegboard_store::{ErasureWrite, Store};

use super::Point;
use super::hub::Folder;
use super::input::{Input, SOURCES};

const INSTEAD: &str = "erased-00000000000a";

/// Where the program is killed, and at which passing of it.
const ERASING: [Point; 6] = [
    ("erasure.before", 1),
    ("erasure.after", 1),
    ("erasure.rows_replaced", 1),
    ("erasure.file_written", 1),
    ("erasure.forgotten", 1),
    ("erasure.wiping", 1),
];

/// What the rows of agents say, whoever they are about.
async fn rows(store: &dyn Store, who: &AgentNow) -> Vec<String> {
    let mut rows = Vec::new();
    for report in ["agent_interval", "agent_queue_interval", "queue_interval"] {
        for row in store.rows(&SOURCES[0].into(), report, Timestamp::MIN, Timestamp::MAX).await.unwrap() {
            let mut line =
                format!("{report} {} {} {} {}", row.interval_start, row.key, row.revision, row.body);
            for name in [who.agent_id.as_str(), &who.agent_login, &who.agent_name] {
                line = line.replace(&format!("\"{name}\""), &format!("\"{INSTEAD}\""));
            }
            rows.push(line.replace(who.agent_id.as_str(), INSTEAD));
        }
    }
    rows.sort();
    rows
}

#[test]
fn r03_a_kill_while_a_person_is_forgotten_leaves_nothing_of_him_in_the_end() {
    erased(&Folder::new());
}

#[test]
fn r03_a_kill_while_a_person_is_forgotten_leaves_nothing_of_him_in_the_end_on_postgres() {
    let Some(folder) = Folder::on_postgres() else { return };
    erased(&folder);
}

fn erased(folder: &Folder) {
    let input = Input::make();
    input.write(folder.path());
    folder.configure_store();
    let file = folder.path().join("pegboard.toml");
    let settings = fs::read_to_string(&file).unwrap();
    let keeping = settings.replacen("[server]", "[archive]\nfolder = \"archive\"\n\n[server]", 1);
    assert_ne!(keeping, settings);
    fs::write(&file, keeping).unwrap();
    folder.finish(input.records());
    let (who, before) = folder.look(async |store| {
        let archive = Archive::in_folder(&folder.path().join("archive"), &SOURCES[0].into());
        archive::write_all(store, &archive).await.unwrap();
        let agents = store.agents(&[SOURCES[0].into()]).await.unwrap().agents;
        let who = agents.into_iter().next().unwrap().now;
        let before = rows(store, &who).await;
        let (id, terms) = (&who.agent_id, format!("{{\"identifiers\":[\"{}\"],\"names\":[]}}", who.agent_id));
        let asked = format!("{{\"agent\":\"{id}\",\"terms\":{terms},\"pseudonym\":\"{INSTEAD}\"}}");
        let progress = format!("{{\"pseudonym\":\"{INSTEAD}\"}}");
        let write =
            ErasureWrite { source: SOURCES[0].into(), at: pegboard::clock::system(), asked, progress };
        store.add_erasure(write, 1).await.unwrap().unwrap();
        (who, before)
    });
    for (name, hit) in ERASING {
        folder.kill_at(name, hit);
    }
    folder.finish_erasures(SOURCES[0]);
    let (after, said) = folder.look(async |store| {
        let erasure = store.erasures(&[], None, false, 1).await.unwrap().remove(0);
        (rows(store, &who).await, format!("{erasure:?}"))
    });
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    for name in [who.agent_id.as_str(), &who.agent_login, &who.agent_name] {
        assert!(!said.contains(name), "{said}");
    }
}
