//! Prism over Twilio's OpenAPI document: whatever the hub asks of TaskRouter is asked as the document says, and the document's examples
//! are read.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pegboard_connect::sources::twilio::rest::{
    Credentials, Exchange, Holder, Https, Pace, Sid, TaskRouter, Window,
};
use pegboard_model::Timestamp;
use pegboard_net::{Answer, CallError, Client, ClientOptions, Egress, Secret, Target};
use serde_json::Value;

const DOCUMENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/twilio/openapi/twilio_taskrouter_v1.json");

/// Prism at work; it ends with the test.
struct Prism {
    child: Child,
    url: String,
}

impl Drop for Prism {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Prism {
    fn start(program: &str) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let child = Command::new("node")
            .args([program, "mock", "--host", "127.0.0.1", "--port", &port.to_string(), DOCUMENT])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let prism = Self { child, url: format!("http://127.0.0.1:{port}") };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(began.elapsed() < Duration::from_mins(2), "Prism does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        prism
    }
}

/// Notes what is asked, and how that was answered.
#[derive(Debug)]
struct Noting {
    https: Https,
    asked: Mutex<Vec<(String, u16)>>,
}

#[async_trait]
impl Exchange for Noting {
    async fn get(&self, target: &Target) -> Result<Answer, CallError> {
        let answer = self.https.get(target).await?;
        self.asked.lock().unwrap().push((target.to_string(), answer.status.as_u16()));
        Ok(answer)
    }
}

/// The operation of the document that is asked, and its parameters in queries.
fn known_parameters(document: &Value, path: &str) -> Option<(String, BTreeSet<String>)> {
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let (_, operations) = document["paths"].as_object()?.iter().find(|(template, _)| fits(template))?;
    let get = &operations["get"];
    let in_query = get["parameters"].as_array()?.iter().filter(|one| one["in"] == "query");
    let names = in_query.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect();
    Some((get["operationId"].as_str()?.to_owned(), names))
}

#[tokio::test]
async fn every_question_to_task_router_is_one_that_twilios_document_knows() {
    let Some(program) = super::tool("PEGBOARD_TEST_PRISM") else { return };
    if !Path::new(DOCUMENT).exists() {
        eprintln!("skipped: {DOCUMENT} is not there");
        return;
    }
    let document: Value = serde_json::from_slice(&fs::read(DOCUMENT).unwrap()).unwrap();
    let prism = Prism::start(&program);
    let egress = Egress::new(vec!["127.0.0.1".parse().unwrap()]);
    let client = Client::new(ClientOptions { egress, ..ClientOptions::default() }).unwrap();
    let key =
        Credentials { user: format!("SK{}", "1".repeat(32)), password: Secret::new("secret".to_owned()) };
    let noting = Arc::new(Noting { https: Https::new(client, &key), asked: Mutex::default() });
    let sid = |kind: &str| format!("{kind}{}", "a".repeat(32)).parse::<Sid>().unwrap();
    let clock = Arc::new(|| "2026-03-02T12:00:00Z".parse::<Timestamp>().unwrap());
    let pace = Pace::new(50, 10).unwrap();
    let asking = TaskRouter::new(noting.clone(), prism.url.parse().unwrap(), sid("WS"), pace, clock.clone());

    assert!(!asking.workers().await.unwrap().is_empty());
    assert!(!asking.activities().await.unwrap().is_empty());
    assert!(!asking.task_queues().await.unwrap().is_empty());
    assert!(!asking.task_channels().await.unwrap().is_empty());
    assert!(!asking.workflows().await.unwrap().is_empty());
    assert!(!asking.open_tasks().await.unwrap().is_empty());
    assert!(!asking.reservations(Holder::Worker(&sid("WK"))).await.unwrap().is_empty());
    assert!(!asking.reservations(Holder::Task(&sid("WT"))).await.unwrap().is_empty());
    let (from, to) = ("2026-03-02T09:00:00.500Z".parse().unwrap(), "2026-03-02T09:10:00Z".parse().unwrap());
    assert!(!asking.events(Window { from, to }).await.unwrap().records.is_empty());

    let asked = std::mem::take(&mut *noting.asked.lock().unwrap());
    let mut operations = BTreeSet::new();
    for (target, status) in &asked {
        assert_eq!(*status, 200, "{target}");
        let rest = target.strip_prefix(&prism.url).unwrap();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (operation, known) = known_parameters(&document, path).unwrap_or_else(|| panic!("{path}"));
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            assert!(known.contains(&*name), "{operation} has no {name}, which Prism does not mind");
        }
        operations.insert(operation);
    }
    assert_eq!((asked.len(), operations.len()), (9, 9), "each of them once: {operations:?}");

    // The judge is awake: a SID of another kind is none of that resource.
    let wrong = TaskRouter::new(noting.clone(), prism.url.parse().unwrap(), sid("XX"), pace, clock);
    assert!(wrong.activities().await.unwrap_err().to_string().contains("422"));
}
