//! Whether a value is as a schema of the description says.

use serde_json::Value;

/// What is wrong with `value`, by the place where it is; nothing if it conforms. Knows the words of JSON Schema that
/// the description uses, and fails on any other.
pub(crate) fn faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (word, wanted) in schema.as_object().unwrap() {
        match word.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().unwrap().trim_start_matches('#');
                found.extend(faults(document, document.pointer(pointer).unwrap(), value, at));
            }
            "anyOf" => {
                let options = wanted.as_array().unwrap();
                if !options.iter().any(|option| faults(document, option, value, at).is_empty()) {
                    found.push(format!("{at}: none of {wanted}"));
                }
            }
            "type" => {
                let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                if !kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)) {
                    found.push(format!("{at}: {value} is not {wanted}"));
                }
            }
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                found.push(format!("{at}: {value} not in {wanted}"));
            }
            "minimum" if value.as_f64().is_some_and(|number| number < wanted.as_f64().unwrap()) => {
                found.push(format!("{at}: {value} < {wanted}"));
            }
            "required" => {
                let missing = wanted
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|name| value.get(name.as_str().unwrap()).is_none());
                found.extend(missing.map(|name| format!("{at}: {name} is missing")));
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(faults(document, wanted, item, &format!("{at}[{index}]")));
                }
            }
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    match wanted.get(name) {
                        Some(schema) => {
                            found.extend(faults(document, schema, value, &format!("{at}.{name}")));
                        }
                        None => found.push(format!("{at}: {name} is not described")),
                    }
                }
            }
            "format" if wanted == "date-time" => {
                if value.as_str().is_some_and(|text| pegboard_model::Timestamp::parse(text).is_err()) {
                    found.push(format!("{at}: {value} is not a time"));
                }
            }
            "enum" | "minimum" | "format" | "additionalProperties" | "description" => {}
            other => panic!("{at}: this check does not know '{other}'"),
        }
    }
    found
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("unknown type {other}"),
    }
}
