//! The tables of a mapping, edited while the hub runs.

use std::process::{Command, Output};

use pegboard::api::serve::ServeLimits;
use serde_json::{Value, json};

use crate::hub::{Answer, Ask, Hub};
use crate::server::Server;

const STATES: &str = "/api/v1/sinks/wfm/mapping/states";

async fn post(hub: &Hub, token: &str, path: &str, body: &Value) -> Answer {
    Ask::new("POST", path).token(token).json(body).send(&hub.router).await
}

/// So many rows of the table of states.
fn rows(count: usize, status: &str) -> String {
    (0..count).map(|row| format!("S{row},X,{status}\n")).collect::<Vec<_>>().concat()
}

async fn import(hub: &Hub, body: &Value) -> Answer {
    post(hub, &hub.operator, STATES, body).await
}

async fn edit(hub: &Hub, body: &Value) -> Answer {
    post(hub, &hub.operator, &format!("{STATES}/rows"), body).await
}

async fn exported(hub: &Hub, query: &str) -> String {
    hub.get(&format!("{STATES}?format=csv{query}")).await.text
}

async fn about_states(hub: &Hub) -> Value {
    hub.get("/api/v1/sinks/wfm/mapping").await.json()["tables"][0].clone()
}

#[tokio::test]
async fn the_folder_holds_until_a_table_is_edited_and_again_when_it_is_given_back() {
    let hub = Hub::new();
    let from_folder = exported(&hub, "").await;
    assert!(from_folder.contains("\nCoaching,Meeting,closed,,,,,\n"), "{from_folder}");
    let before = about_states(&hub).await;
    let expected = json!({
        "table": "states", "holds": "folder", "version": 0, "rows": 2, "folder_rows": 2, "versions": [],
    });
    assert_eq!(before, expected);
    let same = import(&hub, &json!({ "csv": from_folder })).await.json();
    assert_eq!((&same["applied"], &same["version"]), (&json!(false), &json!(0)), "nothing changes");

    let csv = "event_id,activity_code,status\nLunch,Lunch,closed\n";
    let written = import(&hub, &json!({ "csv": csv })).await.json();
    assert_eq!((&written["applied"], &written["version"]), (&json!(true), &json!(1)));
    let held = about_states(&hub).await;
    assert_eq!(
        (&held["holds"], &held["rows"], &held["folder_rows"]),
        (&json!("edited"), &json!(1), &json!(2))
    );
    assert_eq!(held["versions"][0]["by"], "test");

    let back = Ask::new("DELETE", STATES).token(&hub.operator);
    assert_eq!(back.send(&hub.router).await.status, 204);
    assert_eq!(exported(&hub, "").await, from_folder);
    let held = about_states(&hub).await;
    assert_eq!((&held["holds"], &held["version"]), (&json!("folder"), &json!(2)));
    assert!(exported(&hub, "&version=1").await.contains("\nLunch,Lunch,closed,,,,,\n"), "it is kept");
    assert_eq!(hub.get(&format!("{STATES}?version=3")).await.status, 404);
    let nothing = hub.get("/api/v1/sinks/wfm/mapping/queues").await.json();
    assert_eq!((&nothing["rows"], &nothing["columns"][0]), (&json!([]), &json!("queue")));
}

#[tokio::test]
async fn what_is_exported_is_imported_as_the_same_table() {
    let hub = Hub::new();
    let csv =
        "from,status,event_id,reason,activity_code\n2026-03-02T00:00:00Z,OPEN,\"a \"\"b\"\",\",late,=1+1\n";
    import(&hub, &json!({ "csv": csv })).await;
    let first = exported(&hub, "").await;
    assert!(first.contains("\n\"a \"\"b\"\",\",=1+1,OPEN,late,,,,2026-03-02T00:00:00Z\n"), "{first}");
    let again = import(&hub, &json!({ "csv": first })).await.json();
    assert_eq!((&again["applied"], &again["rows"]), (&json!(false), &json!([])));
    assert_eq!(exported(&hub, "").await, first);
}

#[tokio::test]
async fn a_dry_run_says_what_would_change_and_which_names_get_a_row_and_writes_nothing() {
    let hub = Hub::new();
    hub.store.miss("Lunch");
    hub.store.miss("Yoga");
    let csv = "event_id,activity_code,status\nTraining,Learning,closed\nLUNCH,Lunch,closed\n";
    let change = import(&hub, &json!({"csv": csv, "dry_run": true})).await.json();
    let counts = ["added", "changed", "removed", "names"].map(|name| change[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1, 1]);
    let rows = change["rows"].as_array().unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {} {} {}", row["change"], row["line"], row["before"][1], row["after"][1]))
        .collect();
    let expected = [
        r#""added" 3 null "Lunch""#,
        r#""changed" 2 "Training" "Learning""#,
        r#""removed" 2 "Meeting" null"#,
    ];
    assert_eq!(shown, expected);
    let maps = json!([{"what": "state", "source": "acme", "id": "Lunch", "detail": "", "count": 7}]);
    assert_eq!(change["maps"], maps);
    assert_eq!(change["applied"], false);
    assert_eq!(about_states(&hub).await["version"], 0);
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    assert_eq!(log["entries"], json!([]));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_with_line_and_column() {
    let hub = Hub::new();
    let csv = "event_id,activity_code,status\nLunch,,perhaps\nlunch,L,open\n";
    let told = import(&hub, &json!({"csv": csv, "dry_run": true})).await.json();
    let places: Vec<_> = told["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (fault["line"].as_u64().unwrap(), fault["column"].as_u64().unwrap()))
        .collect();
    assert_eq!(places, [(2, 7), (2, 8), (3, 1)]);
    let refused = import(&hub, &json!({ "csv": csv })).await;
    assert_eq!(refused.status, 400);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("states.csv:2:8") && message.contains("states.csv:3:1"), "{message}");
    assert_eq!(about_states(&hub).await["version"], 0);
}

#[tokio::test]
async fn an_edit_of_what_was_edited_meanwhile_is_refused() {
    let hub = Hub::new();
    let csv = |code: &str| format!("event_id,activity_code,status\nLunch,{code},closed\n");
    let looked_at = import(&hub, &json!({"csv": csv("A"), "dry_run": true})).await.json();
    assert_eq!(looked_at["version"], 0);
    assert_eq!(import(&hub, &json!({ "csv": csv("B") })).await.status, 200);
    let late = import(&hub, &json!({"csv": csv("A"), "version": 0})).await;
    assert_eq!((late.status.as_u16(), late.code()), (409, "conflict".to_owned()));
    assert_eq!(import(&hub, &json!({"csv": csv("A"), "version": 1})).await.json()["version"], 2);
}

#[tokio::test]
async fn one_row_is_set_in_place_of_the_one_for_the_same_or_removed() {
    let hub = Hub::new();
    let set = json!({"set": {"event_id": "coaching", "activity_code": "Team", "status": "closed"}});
    let change = edit(&hub, &set).await.json();
    assert_eq!(
        (&change["changed"], &change["added"], &change["applied"]),
        (&json!(1), &json!(0), &json!(true))
    );
    let with_reason =
        json!({"set": {"event_id": "Coaching", "reason": "x", "activity_code": "Y", "status": "open"}});
    assert_eq!(edit(&hub, &with_reason).await.json()["added"], 1);
    let csv = exported(&hub, "").await;
    let rows: Vec<_> = csv.lines().skip(1).collect();
    assert_eq!(rows, ["coaching,Team,closed,,,,,", "Training,Training,closed,,,,,", "Coaching,Y,open,x,,,,"]);
    let remove = json!({"remove": {"event_id": "TRAINING"}});
    assert_eq!(edit(&hub, &remove).await.json()["removed"], 1);
    assert_eq!(edit(&hub, &remove).await.json()["error"]["path"], "body.remove");
    for (body, path) in [
        (json!({"set": {"event": "x"}}), "body.set.event"),
        (json!({"set": {"event_id": 7}}), "body.set.event_id"),
        (json!({"set": {"event_id": "x", "activity_code": "y", "status": "ajar"}}), "body"),
        (json!({}), "body"),
    ] {
        let refused = edit(&hub, &body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["path"]),
            (400, &json!(path)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn s37_the_audit_log_says_who_has_edited_which_rows_and_how_they_were() {
    let hub = Hub::new();
    let set = json!({"set": {"event_id": "Coaching", "activity_code": "Team", "status": "closed"}});
    edit(&hub, &set).await;
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    let entry = &log["entries"][0];
    assert_eq!((&entry["action"], &entry["subject"]), (&json!("mapping.row_set"), &json!("wfm/states")));
    let said = |name: &str| serde_json::from_str::<Value>(entry[name].as_str().unwrap()).unwrap();
    let before = json!([["Coaching", "Meeting", "closed", "", "", "", "", ""]]);
    assert_eq!(said("before"), json!({"version": 0, "rows": 2, "changed_or_removed": before}));
    assert_eq!(said("after")["changed_or_added"][0][1], "Team");
    hub.store.refuse_audit();
    let set = json!({"set": {"event_id": "Coaching", "activity_code": "Other", "status": "closed"}});
    assert_eq!(edit(&hub, &set).await.status, 503);
    assert_eq!(about_states(&hub).await["version"], 1, "what cannot be written down is not done");
}

#[tokio::test]
async fn there_are_three_tables() {
    let hub = Hub::new();
    for path in ["/api/v1/sinks/wfm/mapping/keys", "/api/v1/sinks/wfm/mapping/STATES"] {
        assert_eq!(hub.get(path).await.json()["error"]["path"], "path.table", "{path}");
    }
    let elsewhere = hub.get("/api/v1/sinks/other/mapping/states").await;
    assert_eq!(elsewhere.json()["error"]["path"], "path.name");
}

#[tokio::test]
async fn r28_a_table_has_4_mib_at_most_and_1000_of_what_changes_is_shown() {
    let hub = Hub::new();
    let head = "event_id,activity_code,status\n";
    let rows = rows(1001, "open");
    let change = import(&hub, &json!({"csv": format!("{head}{rows}"), "dry_run": true})).await.json();
    assert_eq!((&change["added"], change["rows"].as_array().unwrap().len()), (&json!(1001), 1000));
    let wrong = self::rows(1001, "ajar");
    let change = import(&hub, &json!({"csv": format!("{head}{wrong}"), "dry_run": true})).await.json();
    assert_eq!(change["faults"].as_array().unwrap().len(), 1000);
    (0..1001).for_each(|number| hub.store.miss(&format!("S{number}")));
    let change = import(&hub, &json!({"csv": format!("{head}{rows}"), "dry_run": true})).await.json();
    assert_eq!((&change["names"], change["maps"].as_array().unwrap().len()), (&json!(1001), 1000));

    let sized = |bytes: usize| format!("{head}{}", "\n".repeat(bytes - head.len()));
    let limit = 4 << 20;
    assert_eq!(import(&hub, &json!({"csv": sized(limit), "dry_run": true})).await.status, 200);
    let refused = import(&hub, &json!({"csv": sized(limit + 1), "dry_run": true})).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["path"]), (413, &json!("body.csv")));
    let body = Ask::new("POST", STATES).token(&hub.operator).header("content-type", "application/json");
    assert_eq!(body.body(" ".repeat(2 * limit + 1)).send(&hub.router).await.status, 413);
}

#[tokio::test]
async fn r28_100_rows_of_an_edit_are_in_the_audit_log() {
    let hub = Hub::new();
    let rows = rows(101, "open");
    import(&hub, &json!({"csv": format!("event_id,activity_code,status\n{rows}")})).await;
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    let after: Value = serde_json::from_str(log["entries"][0]["after"].as_str().unwrap()).unwrap();
    assert_eq!((&after["rows"], after["changed_or_added"].as_array().unwrap().len()), (&json!(101), 100));
}

/// Runs `pegboard mapping accept` against the hub.
async fn accept(server: &Server, token: &str, arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "[store]\nurl = \"sqlite:store.db\"\n[server]\nlisten = \"{}\"\n[[source]]\nname = \"acme\"\nkind = \"file\"\nfile.path = \"events\"\n\
         [[sink]]\nname = \"wfm\"\nkind = \"files\"\n[sink.files]\nreports = [\"agent_interval\"]\n[sink.place]\nfolder = \"out\"\n",
        server.address
    );
    std::fs::write(folder.path().join("pegboard.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pegboard"));
    command
        .args(["mapping", "accept"])
        .args(arguments)
        .current_dir(folder.path())
        .env("PEGBOARD_TOKEN", token);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = ended.await.unwrap();
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[tokio::test]
async fn suggestions_are_shown_then_accepted_as_one_edit_that_the_audit_log_keeps() {
    let hub = Hub::new();
    for name in ["Lunch", "Yoga", "Siesta"] {
        hub.store.miss(name);
    }
    let server = Server::start(&hub, ServeLimits::default(), None).await;
    let (code, shown) = accept(&server, &hub.operator, &["lunch", "Yoga"]).await;
    assert_eq!(code, 0, "{shown}");
    insta::assert_snapshot!(shown, @r#"
    + Lunch,Lunch,closed,,,,,
    + Yoga,Yoga,closed,,,,,
    maps state  acme  "Lunch", seen 7 times
    maps state  acme  "Yoga", seen 7 times
    2 rows added, 0 changed, 0 removed; 2 listed names get a row
    nothing is written: --apply lets it hold
    "#);
    assert_eq!(about_states(&hub).await["version"], 0);
    let (code, told) = accept(&server, &hub.operator, &["lunch", "Yoga", "--apply"]).await;
    assert!(code == 0 && told.ends_with("states: version 1 holds from now on\n"), "{told}");
    let rows = exported(&hub, "").await;
    assert!(rows.contains("\nCoaching,Meeting,") && rows.ends_with("\nYoga,Yoga,closed,,,,,\n"), "{rows}");
    let log = Ask::get("/api/v1/audit").token(&hub.admin).send(&hub.router).await.json();
    let added = log["entries"][0]["after"].as_str().unwrap();
    assert!(log["entries"][0]["subject"] == "wfm/states" && added.contains("Lunch"), "{log}");
    assert_eq!(accept(&server, &hub.operator, &["Brunch"]).await.0, 64);
    assert_eq!(accept(&server, &hub.operator, &[]).await.0, 64, "whose is asked for");
    let (code, refused) = accept(&server, &hub.viewer, &["--all", "--apply"]).await;
    assert!(code == 1 && refused.contains("403"), "{refused}");
}
