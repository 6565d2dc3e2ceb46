//! What is posted, and where to.

use std::error::Error;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pegboard_model::Timestamp;
use pegboard_sim::stand_in::task_router::sign_form;

/// How many agents there are to tell of.
const AGENTS: u64 = 1000;

/// A way in to a receiver.
pub(crate) struct Route {
    pub(crate) address: SocketAddr,
    path: String,
    kind: Kind,
}

enum Kind {
    Push { authorization: String },
    Twilio { token: String, public: String },
}

impl Route {
    /// What is pushed, to a server that does not look at it.
    pub(crate) fn bare(address: SocketAddr) -> Self {
        let kind = Kind::Push { authorization: STANDARD.encode("bare:key") };
        Self { address, path: "/".to_owned(), kind }
    }

    pub(crate) fn push(url: &str, key: &str) -> Result<Self, Box<dyn Error>> {
        let (address, path) = place(url)?;
        Ok(Self { address, path, kind: Kind::Push { authorization: STANDARD.encode(key) } })
    }

    pub(crate) fn twilio(url: &str, key: &str) -> Result<Self, Box<dyn Error>> {
        let (address, path) = place(url)?;
        let (token, public) = key.split_once('@').ok_or("the key is token@PUBLIC-URL")?;
        Ok(Self { address, path, kind: Kind::Twilio { token: token.to_owned(), public: public.to_owned() } })
    }

    /// The post of this number: an event of its own.
    pub(crate) fn post(&self, number: u64) -> Vec<u8> {
        let (headers, body) = match &self.kind {
            Kind::Push { authorization } => {
                let headers =
                    format!("Content-Type: application/json\r\nAuthorization: Basic {authorization}\r\n");
                (headers, state(number))
            }
            Kind::Twilio { token, public } => {
                let (fields, body) = callback(number);
                let signature = sign_form(token, public, &fields);
                let content = "application/x-www-form-urlencoded";
                (format!("Content-Type: {content}\r\nX-Twilio-Signature: {signature}\r\n"), body)
            }
        };
        let length = body.len();
        format!("POST {} HTTP/1.1\r\nHost: hub\r\n{headers}Content-Length: {length}\r\n\r\n{body}", self.path)
            .into_bytes()
    }
}

/// The address and the path of an `http://` URL.
fn place(url: &str) -> Result<(SocketAddr, String), Box<dyn Error>> {
    let rest = url.strip_prefix("http://").ok_or("the URL begins with http://")?;
    let (address, path) = rest.split_once('/').ok_or("the URL has a path")?;
    Ok((address.parse()?, format!("/{path}")))
}

#[expect(clippy::disallowed_methods, reason = "what is posted is of now, by the clock that the receiver has")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn state(number: u64) -> String {
    let (agent, at) = (number % AGENTS, Timestamp::from_millis(now_ms()));
    let (status, routing) =
        if (number / AGENTS).is_multiple_of(2) { ("Available", "routable") } else { ("Lunch", "aux") };
    format!(
        "{{\"kind\":\"agent_state\",\"id\":\"e-{number}\",\"agent\":\"{agent}\",\"at\":\"{at}\",\"login\":\"agent{agent}\",\
         \"status\":{{\"name\":\"{status}\",\"routing\":\"{routing}\"}}}}"
    )
}

/// The fields of a callback, and the same as a form: nothing in them needs encoding.
fn callback(number: u64) -> (Vec<(String, String)>, String) {
    let agent = number % AGENTS;
    let activity = if (number / AGENTS).is_multiple_of(2) { "Available" } else { "Lunch" };
    let fields = [
        ("EventType", "worker.activity.update".to_owned()),
        ("Sid", format!("EV{number:032x}")),
        ("TimestampMs", now_ms().to_string()),
        ("AccountSid", format!("AC{:032x}", 7)),
        ("WorkspaceSid", format!("WS{:032x}", 7)),
        ("WorkerSid", format!("WK{agent:032x}")),
        ("WorkerName", format!("agent{agent}")),
        ("WorkerActivitySid", format!("WA{:032x}", number / AGENTS % 2)),
        ("WorkerActivityName", activity.to_owned()),
        ("WorkerVersion", number.to_string()),
    ];
    let mut body = String::new();
    for (name, value) in &fields {
        let separator = if body.is_empty() { "" } else { "&" };
        // Writing to a text cannot fail.
        let _written = write!(body, "{separator}{name}={value}");
    }
    (fields.map(|(name, value)| (name.to_owned(), value)).into(), body)
}
