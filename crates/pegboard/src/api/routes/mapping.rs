//! The routes of the tables of mappings.

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use pegboard_store::Role;

use super::{Answer, Needs, Route, RouteId, Verb};
use crate::api::error::Code;
use crate::api::handlers::mapping;
use crate::api::query::{Param, ParamKind};

/// A mapping is for what all sources know.
const VIEWER: Needs = Needs::RoleOverAll(Role::Viewer);
const OPERATOR: Needs = Needs::RoleOverAll(Role::Operator);

pub(super) const TABLES: Route = Route {
    id: RouteId::MappingTables,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/mapping",
    needs: VIEWER,
    about: "The tables of a sink's mapping that can be edited, whether what people have edited holds or the folder of the \
            configuration, and the versions that are kept.",
    query: &[],
    body: None,
    answer: Answer::Json("MappingTables"),
    errors: &[Code::NotFound],
    handler: || get(mapping::list),
};

pub(super) const TABLE: Route = Route {
    id: RouteId::MappingTable,
    verb: Verb::Get,
    path: "/api/v1/sinks/{name}/mapping/{table}",
    needs: VIEWER,
    about: "A table of a sink's mapping, `states`, `queues` or `agents`. What is exported as CSV is imported as the same table.",
    query: &[
        Param {
            name: "format",
            repeated: false,
            kind: ParamKind::Word(&["json", "csv"]),
            about: "How the table is written; JSON where there is none.",
        },
        Param {
            name: "version",
            repeated: false,
            kind: ParamKind::Number(1, i64::MAX),
            about: "A version that is kept; the one that holds where there is none.",
        },
    ],
    body: None,
    answer: Answer::Table("MappingTable"),
    errors: &[Code::NotFound],
    handler: || get(mapping::export),
};

pub(crate) const IMPORT_MAPPING: Route = Route {
    id: RouteId::ImportMapping,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/mapping/{table}",
    needs: OPERATOR,
    about: "Puts a table in place of the one that holds, and answers what that changes: rows, and which listed names get one. A dry \
            run only answers, also all that is wrong with the table.",
    query: &[],
    body: Some("ImportedMapping"),
    answer: Answer::Json("MappingChange"),
    errors: &[Code::NotFound, Code::Conflict],
    handler: || post(mapping::import).layer(DefaultBodyLimit::max(mapping::IMPORT_LIMIT)),
};

pub(super) const GIVE_BACK: Route = Route {
    id: RouteId::GiveBackMapping,
    verb: Verb::Delete,
    path: "/api/v1/sinks/{name}/mapping/{table}",
    needs: OPERATOR,
    about: "Gives a table back to the folder of the configuration, which holds again.",
    query: &[],
    body: None,
    answer: Answer::Empty,
    errors: &[Code::NotFound, Code::Conflict],
    handler: || delete(mapping::give_back),
};

pub(super) const EDIT: Route = Route {
    id: RouteId::EditMapping,
    verb: Verb::Post,
    path: "/api/v1/sinks/{name}/mapping/{table}/rows",
    needs: OPERATOR,
    about: "Sets a row of a table, in place of the one for the same, or removes it, and answers what that changes.",
    query: &[],
    body: Some("EditedMapping"),
    answer: Answer::Json("MappingChange"),
    errors: &[Code::NotFound, Code::Conflict],
    handler: || post(mapping::edit),
};
