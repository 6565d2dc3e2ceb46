//! What happened, in the three ways in which Twilio tells it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use pegboard_model::{Millis, Timestamp};
use serde_json::{Map, Value, json};
use sha1::Sha1;

use super::WORKSPACE;
use super::happening::Happening;

const ACCOUNT: &str = "AC00000000000000000000000000000001";

impl Happening {
    /// As the Events resource lists it.
    pub fn record(&self) -> Value {
        let data: Map<String, Value> =
            self.fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({
            "sid": self.sid, "event_type": self.kind, "event_date": in_seconds(self.at), "event_date_ms": self.at.as_millis(),
            "resource_type": self.resource_type(), "resource_sid": self.resource_sid(), "account_sid": ACCOUNT,
            "workspace_sid": WORKSPACE, "source": "twilio", "description": "", "event_data": data,
        })
    }

    /// The fields of the form of an event callback, in no particular order.
    pub fn form_fields(&self) -> Vec<(String, String)> {
        let millis = self.at.as_millis();
        let of_every = [
            ("event_type", self.kind.to_owned()),
            ("account_sid", ACCOUNT.to_owned()),
            ("workspace_sid", WORKSPACE.to_owned()),
            ("workspace_name", "Flex Task Assignment".to_owned()),
            ("event_description", String::new()),
            ("resource_type", self.resource_type().to_owned()),
            ("resource_sid", self.resource_sid().to_owned()),
            ("sid", self.sid.clone()),
            ("timestamp", (millis / 1000).to_string()),
            ("timestamp_ms", millis.to_string()),
        ];
        let own = self.fields.iter().map(|(name, value)| (*name, value.clone()));
        of_every.into_iter().chain(own).map(|(name, value)| (pascal_case(name), value)).collect()
    }

    /// The body of an event callback.
    pub fn form(&self) -> String {
        let pairs = self.form_fields().into_iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", encoded(&value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// As Event Streams delivers it: one element of an array.
    pub fn cloud_event(&self) -> Value {
        let time = in_millis(self.at);
        let mut payload: Map<String, Value> =
            self.fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        for counter in ["worker_version", "reservation_version"] {
            if let Some(number) =
                payload.get(counter).and_then(Value::as_str).and_then(|text| text.parse::<u64>().ok())
            {
                payload.insert(counter.to_owned(), json!(number));
            }
        }
        payload.insert("sid".to_owned(), json!(self.sid));
        payload.insert("eventtype".to_owned(), json!(self.kind));
        payload.insert("timestamp".to_owned(), json!(time));
        payload.insert("workspace_sid".to_owned(), json!(WORKSPACE));
        json!({
            "specversion": "1.0", "type": format!("com.twilio.taskrouter.{}", self.kind), "id": self.sid.replacen("EV", "EZ", 1),
            "source": format!("/v1/Workspaces/{WORKSPACE}"), "time": time,
            "dataschema": "https://events-schemas.twilio.com/TaskRouter.WDSEvent/4", "datacontenttype": "application/json",
            "data": {
                "sid": self.sid, "account_sid": ACCOUNT, "timestamp": time, "level": "INFO", "group": self.resource_type(),
                "product_name": "TaskRouter", "payload_type": "application/json", "payload": payload,
            },
        })
    }

    fn resource_type(&self) -> &'static str {
        self.kind.split_once('.').map_or(self.kind, |(resource, _)| resource)
    }

    fn resource_sid(&self) -> &str {
        let name = match self.resource_type() {
            "worker" => "worker_sid",
            "reservation" => "reservation_sid",
            _ => "task_sid",
        };
        self.field(name).unwrap_or_default()
    }
}

/// `X-Twilio-Signature` of a form that is posted to an address, made with an auth token.
pub fn sign_form(token: &str, url: &str, fields: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort();
    sorted.dedup();
    let signed = sorted.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("a key may have any length");
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// `task_queue_sid` as `TaskQueueSid`.
fn pascal_case(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

/// As forms encode it.
fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// A time to the second.
pub(super) fn in_seconds(at: Timestamp) -> String {
    Timestamp::from_seconds(at.as_millis().div_euclid(1000)).to_string()
}

/// A time to the millisecond, always with three digits.
fn in_millis(at: Timestamp) -> String {
    in_seconds(at).replace('Z', &format!(".{:03}Z", at.as_millis().rem_euclid(1000)))
}

/// A time as HTTP writes it.
pub(super) fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = in_seconds(at);
    let days = at.since(Timestamp::from_millis(0)).get().div_euclid(Millis::from_hours(24).get());
    let day = DAYS[usize::try_from(days.rem_euclid(7)).unwrap_or(0)];
    let month = MONTHS[text[5..7].parse::<usize>().unwrap_or(1) - 1];
    format!("{day}, {} {month} {} {} GMT", &text[8..10], &text[..4], &text[11..19])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of Twilio's documentation.
    #[test]
    fn a_form_is_signed_as_twilio_signs_it() {
        let fields = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(sign_form("12345", url, &fields), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn texts_are_as_twilio_writes_them() {
        assert_eq!(pascal_case("task_queue_sid"), "TaskQueueSid");
        assert_eq!(encoded("zoé@x y"), "zo%C3%A9%40x+y");
        let at: Timestamp = "2026-01-01T11:58:00.250Z".parse().unwrap();
        assert_eq!(http_date(at), "Thu, 01 Jan 2026 11:58:00 GMT");
        assert_eq!((&*in_seconds(at), &*in_millis(at)), ("2026-01-01T11:58:00Z", "2026-01-01T11:58:00.250Z"));
    }
}
