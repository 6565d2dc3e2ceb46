//! A simulation as files: both streams, and both truths as CSV; and, where they are asked for, the objects of a bucket.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use pegboard_model::report::{Cell, Row};
use pegboard_model::{Millis, Timestamp};
use serde_json::json;

use crate::objects::{DeliveryStream, Firehose, Object};
use crate::reports::{AcdTruth, Measure, Plan, Reporter, Stated, StatedRow};
use crate::truth::{ReportSettings, Truth};
use crate::wire::Writer;
use crate::world::Simulation;

/// Writes everything into the folder, which is made if need be:
/// `agent-events.ndjson`, `contact-records.ndjson`, `truth/actual/*.csv`, `truth/knowable/*.csv` and `README.txt`.
pub fn write_folder(folder: &Path, simulation: &Simulation, settings: &ReportSettings) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    write_file(&folder.join("README.txt"), |out| write_readme(out, simulation, settings))?;
    write_file(&folder.join("agent-events.ndjson"), |out| write_agent_events(out, simulation))?;
    write_file(&folder.join("contact-records.ndjson"), |out| write_contact_records(out, simulation))?;
    let knowable = Truth::knowable(
        &simulation.organisation,
        &simulation.agent_events,
        &simulation.contact_records,
        settings,
    );
    write_truth(&folder.join("truth/knowable"), &knowable)?;
    write_truth(&folder.join("truth/actual"), &Truth::actual(simulation, settings))
}

/// Writes the report files of the plan into `bucket/` below the folder, each at its key, and what they state together into
/// `truth/acd/rows.ndjson` and `truth/acd/sessions.ndjson`. Answers how many files there are.
pub fn write_report_files(folder: &Path, simulation: &Simulation, plan: &Plan) -> io::Result<usize> {
    let mut reporter = Reporter::new(simulation.organisation.clone(), simulation.config.start, plan);
    let last = simulation.config.end() + Millis::from_hours(1);
    let files = reporter.advance(&simulation.changes, &simulation.contact_records, last);
    let (mut truth, mut sessions) = (AcdTruth::default(), Vec::new());
    for file in &files {
        write_object(folder, &file.key, &file.body)?;
        truth.learn(file);
        if let Stated::Sessions(stated) = &file.stated {
            sessions.extend(stated.iter().map(|session| {
                let logout = session.logout.as_ref().map(Timestamp::to_string);
                json!({ "file": file.key, "agent": &*session.agent, "login": session.login.to_string(), "logout": logout })
            }));
        }
    }
    let truths = folder.join("truth/acd");
    fs::create_dir_all(&truths)?;
    write_lines(&truths.join("rows.ndjson"), truth.rows().map(stated_row))?;
    write_lines(&truths.join("sessions.ndjson"), sessions.into_iter())?;
    Ok(files.len())
}

/// Writes the contact records into `bucket/` below the folder, as the delivery stream would. Answers how many objects there
/// are.
pub fn write_record_objects(
    folder: &Path,
    simulation: &Simulation,
    stream: DeliveryStream,
) -> io::Result<usize> {
    let writer = Writer::new(simulation.organisation.clone());
    let mut firehose = Firehose::new(stream, simulation.config.seed);
    let mut count = 0;
    let mut write = |object: Option<Object>| match object {
        Some(object) => {
            count += 1;
            write_object(folder, &object.key, &object.body)
        }
        None => Ok(()),
    };
    for record in &simulation.contact_records {
        write(firehose.put(record.delivered, &writer.contact_record_json(record)))?;
    }
    write(firehose.close())?;
    Ok(count)
}

fn write_object(folder: &Path, key: &str, body: &[u8]) -> io::Result<()> {
    let path = folder.join("bucket").join(key);
    fs::create_dir_all(path.parent().unwrap_or(folder))?;
    fs::write(path, body)
}

fn write_lines(path: &Path, lines: impl Iterator<Item = serde_json::Value>) -> io::Result<()> {
    write_file(path, |out| {
        for line in lines {
            writeln!(out, "{line}")?;
        }
        Ok(())
    })
}

/// What is stated about something, as one object.
fn stated_row(row: &StatedRow) -> serde_json::Value {
    let values = row.values.iter().map(|value| {
        let measure = value.measure;
        json!({
            "label": value.label,
            "platform_label": measure.map(Measure::label),
            "metric": measure.map(Measure::id),
            "value": value.value,
        })
    });
    json!({
        "report": &*row.key.name,
        "interval_start": row.key.start.to_string(),
        "interval_end": row.end.to_string(),
        "queue": row.key.queue.as_deref(),
        "agent": row.key.agent.as_deref(),
        "channel": row.key.channel,
        "values": values.collect::<Vec<_>>(),
    })
}

fn write_file(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    write(&mut out)?;
    out.flush()
}

/// Writes the agent events, one a line, in order of delivery.
pub fn write_agent_events(out: &mut impl Write, simulation: &Simulation) -> io::Result<()> {
    let writer = Writer::new(simulation.organisation.clone());
    let mut line = String::new();
    for event in &simulation.agent_events {
        line.clear();
        writer.write_agent_event(event, &mut line);
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Writes the contact records, one a line, in order of delivery.
pub fn write_contact_records(out: &mut impl Write, simulation: &Simulation) -> io::Result<()> {
    let writer = Writer::new(simulation.organisation.clone());
    let mut line = String::new();
    for record in &simulation.contact_records {
        line.clear();
        writer.write_contact_record(record, &mut line);
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Writes every report of a truth into the folder, each as `NAME.csv`.
pub fn write_truth(folder: &Path, truth: &Truth) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    write_report(folder, &truth.segments)?;
    write_report(folder, &truth.sessions)?;
    write_report(folder, &truth.agent_intervals)?;
    write_report(folder, &truth.group_intervals)?;
    write_report(folder, &truth.queue_intervals)?;
    write_report(folder, &truth.agent_queue_intervals)
}

fn write_report<R: Row>(folder: &Path, rows: &[R]) -> io::Result<()> {
    write_file(&folder.join(format!("{}.csv", R::REPORT)), |out| write_csv(out, rows))
}

/// Writes a report as CSV (RFC 4180, but with `\n` as the end of a line) with a header line.
pub fn write_csv<R: Row>(out: &mut impl Write, rows: &[R]) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(R::COLUMNS)?;
    let mut cells: Vec<Cell<'_>> = Vec::new();
    for row in rows {
        cells.clear();
        row.cells(&mut cells);
        csv.write_record(cells.iter().map(ToString::to_string))?;
    }
    csv.flush()
}

fn write_readme(out: &mut impl Write, simulation: &Simulation, settings: &ReportSettings) -> io::Result<()> {
    write!(
        out,
        "This contact centre does not exist. Everything in this folder was simulated by Pegboard: agents, customers,\n\
         telephone numbers (from a range that is kept for fiction) and identifiers.\n\n\
         agent-events.ndjson      what the platform tells of agents, one event a line, as Amazon Connect writes it\n\
         contact-records.ndjson   what it tells of contacts, one record a line\n\
         truth/actual/            what happened, to the millisecond, told or not\n\
         truth/knowable/          what can be known from the two files\n\
         bucket/                  where asked for: objects as the platform writes them to S3, by key\n\
         truth/acd/               what the report files among them state: of every row what the newest file says\n\n{}\n\
         reports from: {}\n\
         reports to: {}\n\
         interval: {} seconds\n\
         pegging: {}\n\
         service level: {} seconds, {}\n\
         short abandon: {} seconds\n\
         precedence: {}\n\
         sessions: {}\n\
         groups: {}\n",
        simulation.config,
        settings.from,
        settings.to,
        settings.interval,
        settings.pegging,
        settings.service_level,
        settings.formula,
        settings.short_abandon,
        settings.precedence,
        settings.session_policy,
        settings.group_by,
    )
}
