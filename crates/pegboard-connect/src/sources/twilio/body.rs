//! What is posted, streamed or fetched, to events.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::event::Event;
use super::feed::{self, FedAgent};
use super::fields::Fields;
use crate::sources::{DecodeError, Found, Problem, json};

/// The longest body that is read, in bytes: a page of a thousand events with a few kilobytes each.
pub const MAX_BODY_BYTES: usize = 8 << 20;

/// The most events of one body: the largest page of the Events resource.
pub const MAX_EVENTS: usize = 1000;

/// What the types of `CloudEvents` of TaskRouter begin with. Its rate limits are another product's.
const CLOUD_EVENT_PREFIX: &str = "com.twilio.taskrouter.";

/// What came of a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// The events, as they stood.
    pub events: Vec<Event>,
    /// Agents as the WFM RTA feed tells of them; of those who are in no activity nothing is told.
    pub fed: Vec<FedAgent>,
    /// Why single events, or agents of the feed, could not be read; the others were.
    pub bad: Vec<DecodeError>,
    /// How many things were about something else: another product on the same sink, a callback of a conference.
    pub foreign: u64,
}

/// Reads a body, whichever way it came: it tells by itself whether it is a form, an array of `CloudEvents`, a page of the Events
/// resource, one element of either, or a body of the WFM RTA feed.
///
/// Fails where nothing of it can be read.
pub fn decode(bytes: &[u8]) -> Result<Body, DecodeError> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(DecodeError::TooLong { limit: MAX_BODY_BYTES });
    }
    let text = json::text(bytes)?;
    let mut body = Body::default();
    if !text.trim_start().starts_with(['[', '{']) {
        let form = text.trim();
        if !form.is_empty() {
            body.take(of_fields(&Fields::of_form(form.as_bytes())));
        }
        return Ok(body);
    }
    match value(text)? {
        Value::Array(elements) => body.take_all("", &elements)?,
        Value::Object(object) if feed::is_fed(&object) => body.take_fed(&object)?,
        Value::Object(object) => match object.get("events") {
            Some(Value::Array(events)) => body.take_all("events", events)?,
            _ => body.take(element(&object)),
        },
        _ => body.foreign += 1,
    }
    Ok(body)
}

/// The events of a body each as a record of its own, so that a bad one costs only itself; a body that cannot be taken apart is
/// one record.
pub fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
    }

    let text = bytes.trim_ascii_start();
    let elements = match text.first() {
        Some(b'[') => serde_json::from_slice::<Vec<&RawValue>>(text).ok(),
        Some(b'{') => serde_json::from_slice::<Page<'_>>(text).ok().map(|page| page.events),
        _ => None,
    };
    match elements {
        Some(elements) if elements.len() <= MAX_EVENTS => {
            elements.into_iter().map(|element| element.get().as_bytes().to_vec()).collect()
        }
        _ => vec![bytes.to_vec()],
    }
}

/// Reads JSON. Only its syntax can be wrong, so that no message repeats what it says.
fn value(text: &str) -> Result<Value, DecodeError> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let problem = error.to_string();
        let problem = problem.split(" at line").next().unwrap_or_default().to_owned();
        DecodeError::NotJson { problem, line, column }
    })
}

impl Body {
    fn take_all(&mut self, list: &str, elements: &[Value]) -> Result<(), DecodeError> {
        if elements.len() > MAX_EVENTS {
            return Err(DecodeError::field(
                if list.is_empty() { "the list" } else { list },
                Problem::TooLarge,
            ));
        }
        for (index, value) in elements.iter().enumerate() {
            let event = match value {
                Value::Object(object) => element(object),
                _ => Ok(None),
            };
            self.take(event.map_err(|error| error.within(format_args!("{list}[{index}]"))));
        }
        Ok(())
    }

    fn take_fed(&mut self, body: &Map<String, Value>) -> Result<(), DecodeError> {
        for agent in feed::read(body)? {
            match agent {
                Ok(Some(agent)) => self.fed.push(agent),
                Ok(None) => self.foreign += 1,
                Err(error) => self.bad.push(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, event: Result<Option<Event>, DecodeError>) {
        match event {
            Ok(Some(event)) => self.events.push(event),
            Ok(None) => self.foreign += 1,
            Err(error) => self.bad.push(error),
        }
    }
}

/// One `CloudEvent`, or one record of the Events resource; nothing where it is neither.
fn element(object: &Map<String, Value>) -> Result<Option<Event>, DecodeError> {
    if object.contains_key("specversion") {
        return cloud_event(object);
    }
    let mut fields = Fields::default();
    fields.take(object);
    if let Some(Value::Object(data)) = object.get("event_data") {
        fields.take(data);
    }
    of_fields(&fields)
}

/// A `CloudEvent` of TaskRouter. Its `data` is an object, or the text of one; the event is its `payload`.
fn cloud_event(object: &Map<String, Value>) -> Result<Option<Event>, DecodeError> {
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    if !kind.starts_with(CLOUD_EVENT_PREFIX) {
        return Ok(None);
    }
    let data = nested(object, "data")?;
    let payload = nested(&data, "payload").map_err(|error| error.within("data"))?;
    let mut fields = Fields::default();
    fields.take(&payload);
    // What wraps the event tells the same of id and time, should the event itself not.
    fields.take(&data);
    of_fields(&fields).map_err(|error| error.within("data.payload"))
}

/// The object that stands in a field, as such or as text.
fn nested(object: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, DecodeError> {
    match object.get(name) {
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(Value::String(text)) => match value(text) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(DecodeError::field(name, Problem::WrongType(Found::Text))),
        },
        Some(_) => Err(DecodeError::field(name, Problem::WrongType(Found::SomethingElse))),
        None => Err(DecodeError::missing(name)),
    }
}

fn of_fields(fields: &Fields) -> Result<Option<Event>, DecodeError> {
    if fields.get("event_type").is_none() { Ok(None) } else { Event::read(fields).map(Some) }
}
