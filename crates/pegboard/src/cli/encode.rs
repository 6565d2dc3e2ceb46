//! `pegboard replay --encode`: what a WFM would be sent, as files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pegboard_engine::IntervalLength;
use pegboard_model::policy::Pegging;
use pegboard_sinks::mapping::Mapping;
use pegboard_sinks::{Document, ENCODERS, Encoded, Encoder, Filter, Level, Limited, encoder};

use super::Failure;
use crate::replay::{EventText, Inputs};

/// The table of what no row of the mapping names.
const UNMAPPED: &str = "unmapped.csv";

/// How many files that are in the way, or documents that are held back, are named.
const SHOWN: usize = 20;

/// The encoders of these names.
pub(super) fn choose(names: &[String]) -> Result<Vec<&'static Encoder>, Failure> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    let mut chosen = Vec::new();
    for name in names {
        match encoder(name) {
            None => faults.push(format!("there is no encoding '{name}'")),
            Some(_) if !seen.insert(name) => faults.push(format!("the encoding '{name}' is there twice")),
            Some(encoder) => chosen.push(encoder),
        }
    }
    if faults.is_empty() {
        return Ok(chosen);
    }
    let known: Vec<_> = ENCODERS.iter().map(|encoder| encoder.name).collect();
    faults.push(format!("the encodings are {}", known.join(", ")));
    Err(Failure::Usage(faults.join("\n  ")))
}

/// Refuses what the targets of the encoders do not take, all at once.
pub(super) fn check(
    encoders: &[&Encoder],
    has_folder: bool,
    pegging: Option<Pegging>,
    interval: IntervalLength,
) -> Result<(), Failure> {
    let mut faults = Vec::new();
    if !encoders.is_empty() && !has_folder {
        faults.push("--encode needs --out DIR to be written into".to_owned());
    }
    for encoder in encoders {
        let name = encoder.name;
        if let (Some(taken), Some(asked)) = (encoder.pegging, pegging)
            && taken != asked
        {
            faults.push(format!("{name} pegs contacts by {taken}, and --pegging asks for {asked}"));
        }
        if let IntervalLength::Minutes(minutes) = interval
            && !encoder.interval_minutes.is_empty()
            && !encoder.interval_minutes.contains(&minutes)
        {
            let taken: Vec<_> = encoder.interval_minutes.iter().map(|taken| format!("{taken}m")).collect();
            let taken = taken.join(" or ");
            faults.push(format!("{name} has intervals of {taken}, and --interval asks for {minutes}m"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::Usage(faults.join("\n  "))) }
}

/// What a sink is limited to, as `WHAT=NAME`.
pub(super) fn filter(only: &[String], encoders: &[&Encoder]) -> Result<Filter, Failure> {
    let mut filter = Filter::default();
    for limit in only {
        let usage = || {
            let help = "--only takes team=NAME, level1=NAME to level5=NAME, queue=NAME or channel=NAME";
            Failure::Usage(format!("{help}, and not {limit:?}"))
        };
        let (what, name) =
            limit.split_once('=').filter(|(_, name)| !name.trim().is_empty()).ok_or_else(usage)?;
        let limited = match what {
            "team" => Limited::Teams,
            "queue" => Limited::Queues,
            "channel" => Limited::Channels,
            level => {
                let number = level.strip_prefix("level").and_then(|number| number.parse().ok());
                Limited::Level(number.and_then(Level::new).ok_or_else(usage)?)
            }
        };
        filter.admit(limited, name).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    match encoders.iter().find(|encoder| encoder.raw_events && !filter.is_whole()) {
        None => Ok(filter),
        Some(encoder) => Err(Failure::Usage(format!(
            "{} passes on the platform's own events, which settings of its mapping limit, and not --only",
            encoder.name
        ))),
    }
}

/// Whether any of them is handed the platform's own events.
pub(super) fn wants_events(encoders: &[&Encoder]) -> bool {
    encoders.iter().any(|encoder| encoder.raw_events)
}

/// Everything that the encoders write, and where.
pub(super) struct Prepared {
    parts: Vec<Part>,
}

/// What one encoder writes.
struct Part {
    name: &'static str,
    folder: PathBuf,
    encoded: Encoded,
}

/// Encodes everything. Where there are several encoders, each has a folder of its own. A file that is in the way is a
/// failure before anything is written.
pub(super) fn prepare(
    inputs: &Inputs,
    events: Vec<EventText>,
    mapping: Option<Mapping>,
    filter: &Filter,
    encoders: &[&Encoder],
    folder: &Path,
) -> Result<Prepared, Failure> {
    let lists_unmapped = mapping.is_some();
    let mut known = inputs.known(events, mapping.unwrap_or_default());
    filter.apply(&mut known, &inputs.groups());
    let place =
        |encoder: &Encoder| if encoders.len() == 1 { folder.into() } else { folder.join(encoder.name) };
    let part = |encoder: &&Encoder| Part {
        name: encoder.name,
        folder: place(encoder),
        encoded: with_list(lists_unmapped, (encoder.encode)(&known)),
    };
    let parts: Vec<_> = encoders.iter().map(part).collect();
    refuse_collisions(&parts)?;
    Ok(Prepared { parts })
}

impl Prepared {
    /// Writes everything, and says what is left out. What the WFM would refuse is not written, and a failure in the end.
    pub(super) fn write(&self) -> Result<(), Failure> {
        for part in &self.parts {
            for document in &part.encoded.documents {
                write_file(&part.folder.join(&document.name), &document.body)?;
            }
            tell(part);
        }
        match self.parts.iter().map(|part| part.encoded.refused.len()).sum::<usize>() {
            0 => Ok(()),
            count => Err(Failure::Input(format!("held back, because the WFM would refuse them: {count}"))),
        }
    }
}

/// What no row of the mapping names, as a table beside the documents; without a mapping, as a note.
fn with_list(is_asked_for: bool, mut encoded: Encoded) -> Encoded {
    let unmapped = &encoded.unmapped;
    if unmapped.beyond > 0 {
        encoded.notes.push(format!(
            "seen without a mapping, and not listed, for there are too many: {}",
            unmapped.beyond
        ));
    }
    if is_asked_for && !unmapped.is_empty() {
        encoded.documents.push(Document::new(UNMAPPED, unmapped.to_csv()));
    } else if !unmapped.is_empty() {
        let names: Vec<_> = unmapped
            .entries()
            .take(SHOWN)
            .map(|seen| format!("{} {:?}", seen.kind.as_str(), seen.id))
            .collect();
        let (count, names) = (unmapped.entries().len(), names.join(", "));
        encoded.notes.push(format!("{count} without a mapping, which --mapping DIR gives: {names}"));
    }
    encoded
}

fn refuse_collisions(parts: &[Part]) -> Result<(), Failure> {
    let paths = parts
        .iter()
        .flat_map(|part| part.encoded.documents.iter().map(|document| part.folder.join(&document.name)));
    let there: Vec<_> = paths.filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    let Some(more) = there.len().checked_sub(1) else { return Ok(()) };
    let shown = there.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n  ");
    let rest = if more >= SHOWN { format!("\n  and {} more", more + 1 - SHOWN) } else { String::new() };
    Err(Failure::Usage(format!(
        "nothing was written, because these files are there already; give an empty folder to --out:\n  {shown}{rest}"
    )))
}

fn write_file(path: &Path, body: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    fs::write(path, body).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Says on stderr what the documents leave out.
#[expect(clippy::print_stderr, reason = "what was left out is told beside the documents, not in them")]
fn tell(part: &Part) {
    let Part { name, encoded, .. } = part;
    for note in &encoded.notes {
        eprintln!("pegboard: {name}: {note}");
    }
    for refused in encoded.refused.iter().take(SHOWN) {
        eprintln!("pegboard: {name}: held back {}: {}", refused.name, refused.reasons.join("; "));
    }
    if let Some(more) = encoded.refused.len().checked_sub(SHOWN + 1) {
        eprintln!("pegboard: {name}: and {} more", more + 1);
    }
}
