//! From bytes to records to observations, each beside what the same bytes cost at least.
//!
//! `cargo bench -p pegboard-connect`

use std::borrow::Cow;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use pegboard_connect::framing::{self, Blocks, Framer};
use pegboard_connect::sources::amazon_connect::Decoder;
use pegboard_model::{Order, Position, Timestamp};
use pegboard_sim::{Centre, Config, output};
use serde::Deserialize;

fn main() {
    divan::main();
}

/// Simulated agent events and contact records, one a line: more than the caches of a processor hold.
struct Input {
    events: Vec<u8>,
    contacts: Vec<u8>,
}

static INPUT: LazyLock<Input> = LazyLock::new(|| {
    let simulation = Centre::new(Config::new(250, Timestamp::from_seconds(1_772_431_200), 8, 7)).run();
    let (mut events, mut contacts) = (Vec::new(), Vec::new());
    output::write_agent_events(&mut events, &simulation).expect("memory takes all");
    output::write_contact_records(&mut contacts, &simulation).expect("memory takes all");
    Input { events, contacts }
});

fn lines(text: &[u8]) -> Vec<&[u8]> {
    framing::frames(text).map(|frame| frame.expect("a good record").bytes).collect()
}

/// Runs `each` over all records of `input`.
fn over(bencher: Bencher<'_, '_>, input: &[u8], mut each: impl FnMut(&[u8])) {
    let lines = lines(input);
    bencher
        .counter(BytesCount::new(input.len()))
        .counter(ItemsCount::new(lines.len()))
        .bench_local(|| lines.iter().for_each(|line| each(line)));
}

fn decode(bencher: Bencher<'_, '_>, input: &[u8]) {
    let mut decoder = Decoder::new();
    over(bencher, input, |line| {
        let order = Order { partition: "0".into(), position: Position::Number(0) };
        let decoded = decoder.decode(line, order);
        black_box(decoded.expect("a good record"));
    });
}

#[divan::bench]
fn agent_events(bencher: Bencher<'_, '_>) {
    decode(bencher, &INPUT.events);
}

#[divan::bench]
fn contact_records(bencher: Bencher<'_, '_>) {
    decode(bencher, &INPUT.contacts);
}

/// A decoder that has room for no configuration: what the first event of an agent costs.
#[divan::bench]
fn agent_events_all_new(bencher: Bencher<'_, '_>) {
    let mut decoder = Decoder::new().with_memory(0);
    over(bencher, &INPUT.events, |line| {
        let order = Order { partition: "0".into(), position: Position::Number(0) };
        let decoded = decoder.decode(line, order);
        black_box(decoded.expect("a good record"));
    });
}

/// The peer: `serde_json` into structs that borrow from the input, and nothing made of them.
#[divan::bench]
fn agent_events_by_serde(bencher: Bencher<'_, '_>) {
    over(bencher, &INPUT.events, |line| {
        let text = std::str::from_utf8(line).expect("UTF-8");
        black_box(serde_json::from_str::<Event<'_>>(text).expect("a good record"));
    });
}

#[divan::bench]
fn framing(bencher: Bencher<'_, '_>) {
    let input = &INPUT.events;
    bencher.counter(BytesCount::new(input.len())).bench_local(|| framing::frames(input).count());
}

/// Framing with the copy that reading a file is.
#[divan::bench]
fn blocks(bencher: Bencher<'_, '_>) {
    let input = &INPUT.events;
    bencher.counter(BytesCount::new(input.len())).bench_local(|| {
        let mut blocks = Blocks::new(&input[..], Framer::new(), 2 << 20);
        let mut count = 0;
        while let Some(block) = blocks.next() {
            let block = block.expect("memory can be read");
            count += block.len();
            blocks.reuse(block);
        }
        count
    });
}

/// The fields that the decoder reads, as anybody would write them down.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "the platform's names")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Event<'a> {
    #[serde(rename = "AgentARN")]
    agent_arn: &'a str,
    event_id: &'a str,
    event_timestamp: &'a str,
    event_type: &'a str,
    #[serde(borrow)]
    current_agent_snapshot: Option<Snapshot<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Snapshot<'a> {
    #[serde(borrow)]
    agent_status: Status<'a>,
    #[serde(borrow)]
    configuration: Configuration<'a>,
    #[serde(borrow)]
    contacts: Vec<Contact<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Status<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    #[serde(borrow)]
    name: Cow<'a, str>,
    start_timestamp: Option<&'a str>,
    #[serde(rename = "Type")]
    kind: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Configuration<'a> {
    #[serde(borrow)]
    username: Cow<'a, str>,
    #[serde(borrow)]
    first_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    last_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    agent_hierarchy_groups: Option<Groups<'a>>,
    #[serde(borrow)]
    routing_profile: Option<Named<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Groups<'a> {
    #[serde(borrow)]
    level1: Option<Named<'a>>,
    #[serde(borrow)]
    level2: Option<Named<'a>>,
    #[serde(borrow)]
    level3: Option<Named<'a>>,
    #[serde(borrow)]
    level4: Option<Named<'a>>,
    #[serde(borrow)]
    level5: Option<Named<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Named<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "the platform's names")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Contact<'a> {
    contact_id: &'a str,
    channel: &'a str,
    initiation_method: &'a str,
    state: &'a str,
    state_start_timestamp: Option<&'a str>,
    #[serde(borrow)]
    queue: Option<Queue<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "parsing is what is measured")]
struct Queue<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}
