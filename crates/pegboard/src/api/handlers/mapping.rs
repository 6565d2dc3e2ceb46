//! The tables of a sink's mapping: shown, exported, and edited while the hub runs.

mod change;
mod row;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use pegboard_model::{SinkName, Text, Timestamp};
use pegboard_store::{MappingVersion, MappingWrite};
use serde::Serialize;
use serde_json::json;

use self::change::{Change, Proposed};
use super::ledger::sink;
use crate::api::audit::{self, Deed, Origin};
use crate::api::caller::Caller;
use crate::api::error::{ApiError, Code};
use crate::api::json_body::{Fields, JsonBody};
use crate::api::query::{BothInPath, InPath, Params};
use crate::api::state::ApiState;
use crate::config::mapping::{Folder, MAX_TABLE_BYTES, Table, TableName};
use crate::runtime::mapping::{Held, read};

/// The most bytes of a body that holds a table: a line end and a quote are two bytes there.
pub(crate) const IMPORT_LIMIT: usize = 2 * MAX_TABLE_BYTES;

/// What a body says that is a table.
const IMPORTED: &str = "a table is imported with csv, dry_run and version";

/// Every table of a sink.
#[derive(Serialize)]
pub(crate) struct Tables {
    tables: Vec<Shown>,
}

/// A table, without its rows.
#[derive(Serialize)]
struct Shown {
    table: &'static str,
    /// Whether what people have edited holds, the folder of the configuration, or nothing.
    holds: &'static str,
    version: u64,
    rows: usize,
    folder_rows: Option<usize>,
    versions: Vec<VersionShown>,
}

#[derive(Serialize)]
struct VersionShown {
    version: u64,
    at: Timestamp,
    by: Text,
    rows: Option<u64>,
}

/// A table with its rows.
#[derive(Serialize)]
struct Whole<'a> {
    table: &'static str,
    version: u64,
    columns: &'static [&'static str],
    rows: Vec<&'a [String]>,
}

/// `GET /sinks/{name}/mapping`.
pub(crate) async fn list(
    State(state): State<ApiState>,
    InPath(name): InPath,
) -> Result<Json<Tables>, ApiError> {
    let sink = sink(&state, &name)?;
    let held = held(&state, &sink).await?;
    let folder = folder(&state, &sink)?;
    let mut tables = Vec::new();
    for table in TableName::ALL {
        let history = state.store.mapping_history(&sink, table.as_str()).await?;
        let is_edited = held.version(table).is_some_and(|version| version.rows.is_some());
        let in_folder = folder.tables.get(table);
        let holds = match (is_edited, in_folder) {
            (true, _) => "edited",
            (false, Some(_)) => "folder",
            (false, None) => "nothing",
        };
        tables.push(Shown {
            table: table.as_str(),
            holds,
            version: held.number(table),
            rows: held.table(table).rows().len(),
            folder_rows: in_folder.map(|table| table.rows().len()),
            versions: history.into_iter().map(VersionShown::from).collect(),
        });
    }
    Ok(Json(Tables { tables }))
}

impl From<MappingVersion> for VersionShown {
    fn from(MappingVersion { version, at, by, rows, .. }: MappingVersion) -> Self {
        Self { version, at, by, rows }
    }
}

/// `GET /sinks/{name}/mapping/{table}`.
pub(crate) async fn export(
    State(state): State<ApiState>,
    BothInPath(name, table): BothInPath,
    params: Params,
) -> Result<Response, ApiError> {
    let (sink, name) = (sink(&state, &name)?, table_name(&table)?);
    let held = held(&state, &sink).await?;
    let asked = params.parsed::<u64>("version")?;
    let version = asked.unwrap_or_else(|| held.number(name));
    let table = match asked.filter(|asked| *asked != held.number(name)) {
        None => held.table(name),
        Some(asked) => {
            let known = state.store.mapping_history(&sink, name.as_str()).await?;
            let is_there = known.iter().any(|known| known.version == asked && known.rows.is_some());
            let gone = || ApiError::new(Code::NotFound, "this version is not kept").at("query.version");
            is_there.then_some(()).ok_or_else(gone)?;
            read(&*state.store, &sink, name, asked).await?.into()
        }
    };
    if params.one("format") == Some("csv") {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", name.file())),
        ];
        return Ok((headers, table.to_csv()).into_response());
    }
    let rows = table.rows().iter().map(|row| &*row.cells).collect();
    Ok(Json(Whole { table: name.as_str(), version, columns: name.columns(), rows }).into_response())
}

/// `POST /sinks/{name}/mapping/{table}`.
pub(crate) async fn import(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    BothInPath(name, table): BothInPath,
    JsonBody(body): JsonBody,
) -> Result<Json<Change>, ApiError> {
    let (sink, name) = (sink(&state, &name)?, table_name(&table)?);
    let mut fields = Fields::read(&body)?;
    let csv: String = fields.required("csv", "the table as CSV, a text")?;
    let dry_run = dry_run(&mut fields)?;
    let version = version(&mut fields)?;
    fields.end(IMPORTED)?;
    let held = held(&state, &sink).await?;
    let proposed = Proposed { sink, name, csv, dry_run, version, action: "mapping.imported" };
    change::settle(&state, &caller, origin, proposed, held).await.map(Json)
}

/// `POST /sinks/{name}/mapping/{table}/rows`.
pub(crate) async fn edit(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    BothInPath(name, table): BothInPath,
    JsonBody(body): JsonBody,
) -> Result<Json<Change>, ApiError> {
    let (sink, name) = (sink(&state, &name)?, table_name(&table)?);
    let mut fields = Fields::read(&body)?;
    let edit = row::Edit::take(&mut fields, name)?;
    let dry_run = dry_run(&mut fields)?;
    let version = version(&mut fields)?;
    fields.end("a row is edited with set or remove, dry_run and version")?;
    let held = held(&state, &sink).await?;
    let csv = edit.applied_to(&held.table(name))?;
    let proposed = Proposed { sink, name, csv, dry_run, version, action: edit.action() };
    change::settle(&state, &caller, origin, proposed, held).await.map(Json)
}

/// `DELETE /sinks/{name}/mapping/{table}`: the folder of the configuration holds again.
pub(crate) async fn give_back(
    State(state): State<ApiState>,
    caller: Caller,
    origin: Origin,
    BothInPath(name, table): BothInPath,
) -> Result<StatusCode, ApiError> {
    let (sink, name) = (sink(&state, &name)?, table_name(&table)?);
    let held = held(&state, &sink).await?;
    let Some(version) = held.version(name).filter(|version| version.rows.is_some()) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let deed = Deed {
        action: "mapping.given_back",
        subject: format!("{sink}/{}", name.as_str()),
        before: Some(json!({"version": version.version, "rows": version.rows})),
        after: Some(json!({"version": version.version + 1})),
    };
    audit::note(&state, &caller, origin, deed).await?;
    write(&state, &caller, &sink, name, version.version, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes the version of a table that follows another.
async fn write(
    state: &ApiState,
    caller: &Caller,
    sink: &SinkName,
    name: TableName,
    follows: u64,
    content: Option<&Table>,
) -> Result<(), ApiError> {
    let write = MappingWrite {
        sink: sink.clone(),
        table: name.as_str().into(),
        follows,
        at: state.view.now(),
        by: caller.name().into(),
        content: content.map(|table| (table.to_csv(), table.rows().len() as u64)),
    };
    if state.store.write_mapping(write).await? { Ok(()) } else { Err(moved()) }
}

/// The error for an edit of what somebody else has edited meanwhile.
fn moved() -> ApiError {
    let message = "the table was edited meanwhile: look at what would change now, then try again";
    ApiError::new(Code::Conflict, message).at("body.version")
}

fn table_name(name: &str) -> Result<TableName, ApiError> {
    let unknown = || {
        let known = TableName::ALL.map(TableName::as_str).join(", ");
        ApiError::new(Code::NotFound, format!("there is no such table: the tables are {known}"))
            .at("path.table")
    };
    TableName::from_name(name).ok_or_else(unknown)
}

fn folder(state: &ApiState, sink: &SinkName) -> Result<Arc<Folder>, ApiError> {
    state.view.mapping(sink).ok_or_else(ApiError::internal)
}

/// What holds now, as the store knows.
async fn held(state: &ApiState, sink: &SinkName) -> Result<Held, ApiError> {
    Ok(Held::load(&*state.store, sink, &*folder(state, sink)?).await?)
}

fn dry_run(fields: &mut Fields) -> Result<bool, ApiError> {
    Ok(fields.optional("dry_run", "true or false")?.unwrap_or(false))
}

fn version(fields: &mut Fields) -> Result<Option<u64>, ApiError> {
    fields.optional("version", "the number of the version that is edited")
}
