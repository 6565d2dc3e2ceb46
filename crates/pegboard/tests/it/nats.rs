//! Changes of agents' states on a stream of NATS, on the real server and through TLS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::{self, stream};
use pegboard::clock;
use pegboard::runtime::deliver::SinkSetup;
use pegboard_model::Millis;
use pegboard_net::{Secret, tls_client};
use pegboard_sinks::cloudevents::STATE_EVENTS;
use pegboard_sinks::nats::{NatsAddress, NatsLogin, NatsOptions, NatsSink};
use pegboard_sinks::{Document, Outcome, Sink as _};
use serde_json::{Value, json};

use crate::support::day::Day;
use crate::support::feeding::one_partition;
use crate::support::live::{Live, config, open_store, until};
use crate::support::serving::Serving;

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
            at: self.address(),
            subject: format!("{beginning}.{{source}}.{{agent}}").parse().unwrap(),
        }
    }

    fn address(&self) -> NatsAddress {
        NatsAddress {
            servers: vec![self.url.parse().unwrap()],
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
    let stranger = NatsSink::new(NatsOptions {
        at: NatsAddress { login, ..server.address() },
        ..server.options("outcomes")
    });
    let told = stranger.send(&STATE_EVENTS, &both, "k").await;
    assert!(matches!(&told, Outcome::Shut { reason } if reason.contains("authorization")), "{told:?}");

    let tls = tls_client(None).unwrap();
    let distrustful = NatsSink::new(NatsOptions {
        at: NatsAddress { tls, ..server.address() },
        ..server.options("outcomes")
    });
    let told = distrustful.send(&STATE_EVENTS, &both, "k").await;
    assert!(!matches!(told, Outcome::Accepted | Outcome::Partly(_)), "{told:?}");

    let servers = vec!["nats://127.0.0.1:1".parse().unwrap()];
    let nobody = NatsSink::new(NatsOptions {
        at: NatsAddress { servers, ..server.address() },
        ..server.options("outcomes")
    });
    let told = nobody.send(&STATE_EVENTS, &both, "k").await;
    assert!(matches!(told, Outcome::Again { .. }), "{told:?}");
}

/// The configuration of a source that is published to on a stream of NATS.
fn serve_published(folder: &Path, server: &Server) -> Serving {
    let password = folder.join("password");
    fs::write(&password, "pegboard-test").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let configuration = format!(
        "[[source]]\nname = \"pbx\"\nkind = \"push\"\n[source.push.nats]\nservers = [\"{}\"]\nstream = \"published\"\n\
         filter = \"published.records.>\"\nuser = \"pegboard\"\npassword = \"file:password\"\n\
         trusted_certificates = \"{}\"\n",
        server.url,
        server.certificate.display()
    );
    Serving::start(folder, &configuration)
}

#[tokio::test]
async fn r08_what_is_published_counts_once_however_often_the_program_is_killed() {
    let Some(server) = Server::find() else { return };
    let mut stream = server.stream("published").await;
    let client = server.address().connect().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (kills, of_each) = (3_u32, 400_u32);
    for life in 0..=kills {
        for agent in 0..of_each {
            let at = clock::system() - Millis::from_minutes(i64::from(10 * (kills - life) + 1));
            let record = json!({
                "kind": "agent_state", "agent": agent.to_string(), "at": at, "id": format!("{life}-{agent}"),
                "status": {"name": format!("Life {life}"), "routing": "aux"},
            });
            client.publish("published.records.pbx", record.to_string().into()).await.unwrap().await.unwrap();
        }
        client.publish("published.records.odd", "no record".into()).await.unwrap().await.unwrap();
        client.publish("published.else", "for somebody else".into()).await.unwrap().await.unwrap();
        let mut hub = serve_published(folder.path(), &server);
        let shown = |hub: &Serving, kind: &str| {
            hub.metric(&format!("pegboard_source_items_total{{source=\"pbx\",kind=\"{kind}\"}}"))
                .unwrap_or_default()
        };
        let all = f64::from((life + 1) * of_each);
        if life < kills {
            // Somewhere in the middle, whatever of it is kept or acknowledged.
            hub.until("something is read", |hub| shown(hub, "event") > all - f64::from(of_each));
            hub.kill();
            continue;
        }
        hub.until("everything is read", |hub| shown(hub, "event") >= all);
        assert!((shown(&hub, "event") - all).abs() < 0.5, "each once");
        hub.until("nonsense is told", |hub| shown(hub, "failed") >= f64::from(kills + 1));
        hub.terminate();
    }
    let info: Consumer<pull::Config> = stream.get_consumer("pegboard").await.unwrap();
    assert_eq!(info.cached_info().num_pending, 0);
    assert_eq!(
        stream.info().await.unwrap().state.messages,
        u64::from((kills + 1) * (of_each + 2)),
        "nothing is taken away"
    );
}
