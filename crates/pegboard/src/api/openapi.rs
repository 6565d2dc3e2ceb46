//! The description of the API in OpenAPI 3.1, made from the table of routes.

use serde_json::{Map, Value, json};

use crate::api::caller::COOKIE;
use crate::api::error::Code;
use crate::api::guard::role_name;
use crate::api::query::{Param, ParamKind};
use crate::api::routes::{Answer, Needs, ROUTES, Route};
use crate::api::schemas;

/// The description. It is the same for every hub of a version.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in &ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method().as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pegboard",
            "version": "1",
            "summary": "Live agent states and interval reports of a contact centre.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": error_responses(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made with `pegboard token create`."},
                "sourceKey": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The access key of a source of kind `push`: its id is the user, its secret the password.",
                },
                "sourceToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Had by `ascToken` for the access key of a source of kind `push`.",
                },
                "twilioSignature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Twilio-Signature",
                    "description": "Made by Twilio with the auth token of the account.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "Set by signing in. Writes need the header X-CSRF-Token too.",
                },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.id.as_str(),
        "description": route.about,
        "security": security(route.needs),
        "responses": responses(route),
    });
    if let Needs::Role(role) | Needs::RoleOverAll(role) | Needs::RoleUnlessLocal(role) = route.needs {
        operation["x-role"] = role_name(role).into();
    }
    if matches!(route.needs, Needs::RoleOverAll(_)) {
        operation["x-all-sources"] = true.into();
    }
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(schema) = route.body {
        let mut content = json!({"application/json": {"schema": reference(schema)}});
        if route.needs == Needs::Signature {
            content["application/x-www-form-urlencoded"] = content["application/json"].clone();
        }
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

fn security(needs: Needs) -> Value {
    match needs {
        Needs::Nothing => json!([]),
        Needs::SourceKey => json!([{"sourceKey": []}]),
        Needs::SourceToken => json!([{"sourceToken": []}]),
        Needs::Signature => json!([{"twilioSignature": []}]),
        Needs::Role(_) | Needs::RoleOverAll(_) => json!([{"token": []}, {"session": []}]),
        Needs::RoleUnlessLocal(_) => json!([{"token": []}, {"session": []}, {}]),
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let in_path = in_path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let mut parameters: Vec<_> = in_path.chain(route.query.iter().map(query_parameter)).collect();
    let is_told_what = route.needs == Needs::SourceToken && route.body.is_some();
    if route.needs == Needs::SourceKey || is_told_what {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": is_told_what,
            "description": "The same again, within a day, keeps nothing and has the same answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }));
    }
    if matches!(route.answer, Answer::Events) {
        parameters.push(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The id of the last event that was seen: a cursor.",
            "schema": {"type": "string"},
        }));
    }
    parameters
}

fn query_parameter(param: &Param) -> Value {
    let one = match param.kind {
        ParamKind::Text => json!({"type": "string"}),
        ParamKind::Time => json!({"type": "string", "format": "date-time"}),
        ParamKind::Day => json!({"type": "string", "format": "date"}),
        ParamKind::Word(words) => json!({"type": "string", "enum": words}),
        ParamKind::Number(least, greatest) => {
            json!({"type": "integer", "format": "int64", "minimum": least, "maximum": greatest})
        }
    };
    let schema = if param.repeated { json!({"type": "array", "items": one}) } else { one };
    json!({"name": param.name, "in": "query", "description": param.about, "schema": schema})
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let (status, response) = success(route.answer);
    responses.insert(status.to_string(), response);
    if let Answer::Judged(_) = route.answer {
        for (status, about) in [(409, "It was taken before."), (422, "Nothing of it was taken.")] {
            let mut response = success(route.answer).1;
            response["description"] = about.into();
            responses.insert(status.to_string(), response);
        }
    }
    for code in errors(route) {
        let response = json!({"$ref": format!("#/components/responses/{code}")});
        responses.insert(code.status().as_u16().to_string(), response);
    }
    responses.into()
}

/// What a route can answer that is not success: what follows from what it needs and takes, and its own.
fn errors(route: &Route) -> Vec<Code> {
    let mut errors = vec![Code::BadRequest, Code::Internal];
    if route.needs != Needs::Nothing {
        errors.extend([Code::Unauthenticated, Code::Forbidden, Code::TooManyRequests, Code::Unavailable]);
    }
    if route.query.iter().any(|param| param.name == "source") {
        errors.push(Code::NotFound);
    }
    if route.body.is_some() {
        errors.push(Code::TooLarge);
    }
    errors.extend(route.errors);
    errors
}

fn success(answer: Answer) -> (u16, Value) {
    let with = |content: Value| json!({"description": "All is well.", "content": content});
    match answer {
        Answer::Json(schema) => (200, with(json!({"application/json": {"schema": reference(schema)}}))),
        Answer::Judged(schema) => (202, with(json!({"application/json": {"schema": reference(schema)}}))),
        Answer::Made(schema) => (201, with(json!({"application/json": {"schema": reference(schema)}}))),
        Answer::Rows(schema) => {
            let text = json!({"schema": {"type": "string"}});
            let content = json!({
                "application/json": {"schema": reference(schema)},
                "text/csv": text,
                "application/x-ndjson": text,
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            });
            (200, with(content))
        }
        Answer::Table(schema) => {
            let text = json!({"schema": {"type": "string"}});
            (200, with(json!({"application/json": {"schema": reference(schema)}, "text/csv": text})))
        }
        Answer::Csv => (200, with(json!({"text/csv": {"schema": {"type": "string"}}}))),
        Answer::Events => (200, with(json!({"text/event-stream": {"schema": {"type": "string"}}}))),
        Answer::Metrics => (200, with(json!({"text/plain": {"schema": {"type": "string"}}}))),
        Answer::Empty => (204, json!({"description": "All is well."})),
    }
}

fn error_responses() -> Value {
    let responses = Code::ALL.into_iter().map(|code| {
        let mut response = json!({
            "description": code.status().canonical_reason().unwrap_or_default(),
            "content": {"application/json": {"schema": reference("Error")}},
        });
        if matches!(code, Code::TooManyRequests | Code::Unavailable) {
            response["headers"] = json!({"Retry-After": {
                "description": "Seconds to wait before the next try, where it is known.",
                "schema": {"type": "integer"},
            }});
        }
        (code.to_string(), response)
    });
    Value::Object(responses.collect())
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}
