//! `pegboard demo`: two simulated contact centres, the hub and the page in one process.

mod flex;
mod mapping;
mod persons;
mod wfm;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use pegboard_client::Connection;
use pegboard_connect::spec::Source;
use pegboard_model::{Millis, SinkName, Timestamp};
use pegboard_sim::Organisation;
use pegboard_sim::stand_in::asc_manager::{AscManager, Options};
use pegboard_sinks::Changes;
use pegboard_sinks::cxone::{CxoneSink, sink};
use tokio::net::TcpListener;

use self::flex::Flex;
use self::wfm::Wfm;
use super::serve::{Front, interrupted, run_hub, start_log};
use super::{Failure, block_on};
use crate::api::{Access, Transport};
use crate::clock;
use crate::config::{
    FileFormat, FileSettings, LogFormat, LogLevel, LogSettings, SourceConfig, SourceInput, StoreUrl,
};
use crate::console;
use crate::runtime::build;
use crate::runtime::deliver::SinkSetup;
use crate::runtime::hub::NodeOptions;
use crate::runtime::intake::Gates;
use crate::runtime::simulated::{SimulatedSource, beginning};

/// What the stand-in of a WFM is called.
const WFM: &str = "wfm";

/// How much of what has passed is delivered.
const DELIVERED: Millis = Millis::from_hours(6);

/// Show two simulated contact centres live: nothing to configure, nothing to install.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many agents the larger centre has, on Amazon Connect; the other one, on Twilio, has a third of them, and 40 at most.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=5000))]
    agents: u32,
    /// What everything random follows from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many days have passed before it starts: with 8, every day has the same weekday before.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=31))]
    days: u16,
    /// The port on this machine [default: 8080, or a free one].
    #[arg(long)]
    port: Option<u16>,
    /// A folder to keep the store in, to go on another time [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    start_log(LogSettings { format: LogFormat::Human, level: LogLevel::Warn });
    block_on(demo(arguments))
}

async fn demo(arguments: &Arguments) -> Result<(), Failure> {
    let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
    let folder = arguments.folder.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let url = StoreUrl::Sqlite(folder.join("pegboard-demo.db"));
    let store = build::store(&url, clock::system).await.context("cannot open the store")?;
    let listener = listen(arguments.port).await?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let stand_in =
        AscManager::serve(Options::at(clock::system())).context("cannot start the stand-in of a WFM")?;
    let wfm = Wfm::new(stand_in);
    let history = Millis::from_hours(24 * i64::from(arguments.days));
    let begin = flex::beginning(folder, beginning(clock::system(), history))?;
    let centres = Centres::of(arguments, begin);
    greet(address, &wfm.stand_in, arguments, &centres);
    let on_twilio = Organisation::found(&centres.on_twilio);
    mapping::keep(&*store, &SinkName::from(WFM), [&centres.on_connect, &on_twilio], clock::system())
        .await
        .context("cannot keep the mapping")?;
    let sink = delivery(&wfm.stand_in)?;
    let flex = Flex::open(&centres.on_twilio, clock::system())?;
    let flex_settings = Flex::settings(folder)?;
    let gates = Gates::open(std::slice::from_ref(&flex_settings), &store, clock::system)
        .map_err(|(_, error)| Failure::Other(error.into()))?;
    let simulated = SimulatedSource::new(arguments.agents as usize, arguments.seed, history, clock::system);
    let sources: Vec<(SourceConfig, Box<dyn Source>)> =
        vec![(settings(), Box::new(simulated)), (flex_settings, Box::new(flex.source(&gates)?))];
    let pages = console::router().merge(wfm::router(wfm.clone()));
    let front = Front {
        listener,
        tls: None,
        access: Access::Open,
        transport: Transport::Plain,
        gates: gates.clone(),
        subjects: Vec::new(),
        pages,
    };
    let hub = run_hub(sources, vec![sink], store, NodeOptions::default(), front, interrupted());
    tokio::select! {
        ended = hub => ended,
        never = flex.post(gates) => match never {},
    }
}

/// The two centres.
struct Centres {
    on_connect: Organisation,
    on_twilio: pegboard_sim::Config,
}

impl Centres {
    fn of(arguments: &Arguments, begin: Timestamp) -> Self {
        let (agents, seed) = (arguments.agents as usize, arguments.seed);
        let on_connect = Organisation::found(&pegboard_sim::Config::new(agents, begin, 0, seed));
        Self { on_connect, on_twilio: flex::configuration(agents, seed, begin) }
    }
}

/// What is delivered to the stand-in of a WFM: all that CXone WFM takes, of both centres as if they were one ACD.
fn delivery(wfm: &AscManager) -> Result<SinkSetup, Failure> {
    let connection = Connection::builder()
        .service_url(wfm.url())
        .access_key("KEYID====")
        .secret_key("KEYSECRET====")
        .tenant("demo")
        .allow("127.0.0.1")
        .build()
        .context("cannot reach the stand-in of a WFM")?;
    let reports = vec![sink::QUEUE, sink::ACTIVITY];
    let target = CxoneSink::new(connection, Some(Changes::Latest), reports, clock::system);
    let start = Some(clock::system() - DELIVERED);
    Ok(SinkSetup { mapping: mapping::settings(), start, ..SinkSetup::new(WFM.into(), Box::new(target)) })
}

/// The settings of the simulated source. Contact records trail the end of the work by about 65 seconds, so intervals are
/// closed a little later than usual.
fn settings() -> SourceConfig {
    let input = SourceInput::File(FileSettings {
        path: "simulated".into(),
        format: FileFormat::AmazonConnect,
        follow: true,
    });
    let delay = Millis::from_minutes(2);
    SourceConfig { close_delay: delay, close_delay_contacts: delay, ..SourceConfig::new("simulated", input) }
}

async fn listen(port: Option<u16>) -> Result<TcpListener, Failure> {
    let on = |port| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if let Some(port) = port {
        let listener =
            on(port).await.with_context(|| format!("port {port} is taken: name another one, or none"));
        return listener.map_err(Failure::Other);
    }
    match on(8080).await {
        Ok(listener) => Ok(listener),
        Err(_) => on(0).await.context("no free port").map_err(Failure::Other),
    }
}

#[expect(clippy::print_stdout, reason = "tells where to look")]
fn greet(address: SocketAddr, wfm: &AscManager, arguments: &Arguments, centres: &Centres) {
    let history = match arguments.days {
        1 => "A day of history is".to_owned(),
        days => format!("{days} days of history, the oldest first, are"),
    };
    println!(
        "\n  Pegboard shows two simulated contact centres: one on Amazon Connect with {} agents, one on Twilio with {}.\n\
         \x20 {} people work in both. One WFM is told of both as if they were one.\n\n\
         \x20   http://{address}/          the live board: who is in which state right now\n\
         \x20   http://{address}/queues    what happened in each interval, per queue\n\
         \x20   http://{address}/staffing  average positions staffed, per team\n\
         \x20   http://{address}/sources   what is read, and how far behind it is\n\
         \x20   http://{address}/checks    what is missing, and where the ACD's own numbers differ\n\
         \x20   http://{address}/delivery  what the WFM has, and what it refuses\n\
         \x20   http://{address}/mapping   what the WFM calls things, and what has no name there yet\n\
         \x20   http://{address}/repair    what could not be used, and why\n\
         \x20   http://{address}/demo      break the WFM for a minute, and see what it sees\n\n\
         \x20 It delivers to a stand-in of NICE CXone WFM. What that has taken, as JSON:\n\n\
         \x20   {wfm}/kept/agent-states    the last state of each agent\n\
         \x20   {wfm}/kept/queue-reports   the report of each interval\n\n\
         \x20 {history} there within seconds; then it goes on live. Everything is simulated.\n\
         \x20 Stop with Ctrl-C.\n",
        arguments.agents,
        centres.on_twilio.agents,
        arguments.agents as usize - centres.on_twilio.first_agent,
        wfm = wfm.url()
    );
}
