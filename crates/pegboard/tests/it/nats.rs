//! Changes of agents' states on a stream of NATS, on the real server and through TLS.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use async_nats::jetstream::{self, stream};
use pegboard::runtime::deliver::SinkSetup;
use pegboard_net::{Secret, tls_client};
use pegboard_sinks::cloudevents::STATE_EVENTS;
use pegboard_sinks::nats::{NatsLogin, NatsOptions, NatsSink};
use pegboard_sinks::{Document, Outcome, Sink as _};
use serde_json::{Value, json};

use crate::support::day::Day;
use crate::support::feeding::one_partition;
use crate::support::live::{Live, config, open_store, until};

/// The server of the tests.
struct Server {
    url: String,
    certificate: PathBuf,
}

impl Server {
    /// Says so on stderr where there is none.
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the test's own setting")]
    fn find() -> Option<Self> {
        let of = |name| std::env::var(name).ok();
        let found = of("PEGBOARD_TEST_NATS").zip(of("PEGBOARD_TEST_NATS_CA"));
        if found.is_none() {
            eprintln!("skipped: PEGBOARD_TEST_NATS and PEGBOARD_TEST_NATS_CA name no server");
        }
        found.map(|(url, certificate)| Self { url, certificate: certificate.into() })
    }

    fn options(&self, beginning: &str) -> NatsOptions {
        NatsOptions {
            servers: vec![self.url.parse().unwrap()],
            subject: format!("{beginning}.{{source}}.{{agent}}").parse().unwrap(),
            login: NatsLogin::User("pegboard".to_owned(), Secret::new("pegboard-test".to_owned())),
            tls: tls_client(Some(self.certificate.clone())).unwrap(),
        }
    }

    /// A new stream of what is published below a subject.
    async fn stream(&self, beginning: &str) -> stream::Stream {
        let tls = tls_client(Some(self.certificate.clone())).unwrap();
        let options =
            async_nats::ConnectOptions::with_user_and_password("pegboard".into(), "pegboard-test".into());
        let client = options.tls_client_config(tls).connect(&self.url).await.unwrap();
        let context = jetstream::new(client);
        // There is none of an earlier run where the server keeps what it had.
        drop(context.delete_stream(beginning).await);
        let config = stream::Config {
            name: beginning.to_owned(),
            subjects: vec![format!("{beginning}.>")],
            ..stream::Config::default()
        };
        context.create_stream(config).await.unwrap()
    }
}

/// The messages of a stream from a number on, with their subjects and their ids.
async fn messages(stream: &stream::Stream, from: u64) -> Vec<(String, String, Value)> {
    let last = stream.get_info().await.unwrap().state.last_sequence;
    let mut messages = Vec::new();
    for number in from..=last {
        let message = stream.get_raw_message(number).await.unwrap();
        let id = message.headers.get("Nats-Msg-Id").unwrap().to_string();
        messages.push((message.subject.to_string(), id, serde_json::from_slice(&message.payload).unwrap()));
    }
    messages
}

#[tokio::test]
async fn r21_every_agent_has_his_changes_in_order_on_a_stream_of_nats() {
    let Some(server) = Server::find() else { return };
    let stream = server.stream("day").await;
    let day = Day::of(12, 3, 52);
    let (script, folder) = (one_partition(&day, false), tempfile::tempdir().unwrap());
    let setup = SinkSetup::new("bus".into(), Box::new(NatsSink::new(server.options("day"))));
    let live = Live::delivering(open_store(folder.path()), &script, &config(), setup).await;
    live.settle(&script, day.end).await;
    let agents = live.store.agents(&[]).await.unwrap().agents;
    let present: BTreeMap<String, String> = agents
        .into_iter()
        .map(|entry| (entry.now.agent_id.to_string(), entry.now.since.to_string()))
        .collect();
    assert!(present.len() > 1);
    let there = async || {
        let mut last = BTreeMap::new();
        let events = messages(&stream, 1).await.into_iter().map(|(.., event)| event);
        for event in events.filter(|event| event["type"] == "pegboard.agent.state") {
            last.insert(
                event["subject"].as_str().unwrap().to_owned(),
                event["time"].as_str().unwrap().to_owned(),
            );
        }
        last == present
    };
    until("the stream has everybody's present state", there).await;
    live.stop().await;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for (subject, id, event) in messages(&stream, 1).await {
        let agent = event["subject"].as_str().unwrap();
        assert_eq!((subject, &*id), (format!("day.centre.{agent}"), event["id"].as_str().unwrap()));
        assert!(ids.insert(id), "it is there twice: {event}");
        told.entry(agent.to_owned()).or_default().push(event["time"].as_str().unwrap().to_owned());
    }
    for (agent, times) in told {
        assert!(times.is_sorted(), "{agent}: {times:?}");
    }
}

#[tokio::test]
async fn r18_what_goes_wrong_with_nats_is_an_outcome_of_its_kind() {
    let Some(server) = Server::find() else { return };
    let event =
        |id: &str, said: String| json!({ "id": id, "source": "/sources/a", "subject": "x", "data": said });
    let batch = |events: &[Value]| Document::new("1.json", json!(events).to_string());
    let both = batch(&[event("1", "A".into()), event("2", "B".into())]);
    let sink = NatsSink::new(server.options("outcomes"));

    let told = sink.send(&STATE_EVENTS, &both, "k").await;
    assert!(matches!(&told, Outcome::Shut { reason } if reason.contains("outcomes.a.x")), "{told:?}");
    assert!(sink.probe().await.unwrap_err().contains("outcomes.*.*"));

    let stream = server.stream("outcomes").await;
    assert!(sink.probe().await.unwrap().contains("the stream outcomes"));
    for _ in 0..2 {
        assert_eq!(sink.send(&STATE_EVENTS, &both, "k").await, Outcome::Accepted);
    }
    let said: Vec<_> =
        messages(&stream, 1).await.into_iter().map(|(.., event)| event["data"].clone()).collect();
    assert_eq!(said, ["A", "B"], "each once, in order");

    let long = batch(&[event("3", "x".repeat(2_000_000)), event("4", "C".into())]);
    let told = sink.send(&STATE_EVENTS, &long, "k").await;
    let Outcome::Partly(refused) = told else { panic!("{told:?}") };
    assert_eq!((refused.len(), &*refused[0].subject), (1, "x"));
    assert_eq!(messages(&stream, 3).await.len(), 1, "the others go on");

    let login = NatsLogin::User("pegboard".to_owned(), Secret::new("wrong".to_owned()));
    let stranger = NatsSink::new(NatsOptions { login, ..server.options("outcomes") });
    let told = stranger.send(&STATE_EVENTS, &both, "k").await;
    assert!(matches!(&told, Outcome::Shut { reason } if reason.contains("authorization")), "{told:?}");

    let tls = tls_client(None).unwrap();
    let distrustful = NatsSink::new(NatsOptions { tls, ..server.options("outcomes") });
    let told = distrustful.send(&STATE_EVENTS, &both, "k").await;
    assert!(!matches!(told, Outcome::Accepted | Outcome::Partly(_)), "{told:?}");

    let servers = vec!["nats://127.0.0.1:1".parse().unwrap()];
    let nobody = NatsSink::new(NatsOptions { servers, ..server.options("outcomes") });
    let told = nobody.send(&STATE_EVENTS, &both, "k").await;
    assert!(matches!(told, Outcome::Again { .. }), "{told:?}");
}
