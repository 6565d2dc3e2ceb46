//! One value of the file, read as what it stands for.
//!
//! Each reader says, if the value is wrong, what would be right. What was found is added where the fault is written
//! down, so that only one place decides whether it may be shown.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::http::Uri;
use jiff::tz::TimeZone;
use pegboard_aws::{FifoQueueRef, FunctionName, QueueRef, StreamRef};
use pegboard_connect::sources::amazon_connect::reports::Expected;
use pegboard_engine::IntervalLength;
use pegboard_model::{Millis, SourceName, Timestamp};
use pegboard_net::egress::InvalidOpening;
use pegboard_net::target::InvalidTarget;
use pegboard_net::{MailAddress, Opening, Target};
use pegboard_store::{InvalidPostgresUrl, PostgresUrl};
use toml::de::DeValue;

use super::nearest::nearest;
use super::secret::{InvalidSecretRef, SecretRef};
use super::settings::{PostgresSettings, Start, StoreUrl, WebUrl};

/// Why a value is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What would be right, to follow "expected".
    pub(super) expected: Cow<'static, str>,
    /// What else helps.
    pub(super) help: Option<String>,
    /// Whether the value may hold a secret, so that it must not be shown.
    pub(super) secret: bool,
}

impl Wrong {
    pub(super) fn expected(expected: impl Into<Cow<'static, str>>) -> Self {
        Self { expected: expected.into(), help: None, secret: false }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn nearest(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    pub(super) fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

/// What reading a value yields.
pub(super) type Read<T> = Result<T, Wrong>;

fn text<'v>(value: &'v DeValue<'_>, expected: &'static str) -> Read<&'v str> {
    value.as_str().ok_or_else(|| Wrong::expected(expected))
}

/// `true` or `false`.
pub(super) fn boolean(value: &DeValue<'_>) -> Read<bool> {
    let wrong = Wrong::expected("true or false");
    match value {
        DeValue::Boolean(value) => Ok(*value),
        DeValue::String(word) if matches!(&**word, "true" | "false") => {
            Err(wrong.help("write it without quotes"))
        }
        _ => Err(wrong),
    }
}

/// A whole number within a range.
pub(super) fn count(range: RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Read<u32> {
    move |value| {
        let number = match value {
            DeValue::Integer(digits) => u32::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            Wrong::expected(format!("a whole number from {} to {}", range.start(), range.end()))
        })
    }
}

/// A size in bytes within a range, such as `20GB`.
pub(super) fn bytes(range: RangeInclusive<u64>) -> impl Fn(&DeValue<'_>) -> Read<u64> {
    move |value| {
        let wrong = || {
            let (least, most) = (show_bytes(*range.start()), show_bytes(*range.end()));
            Wrong::expected(format!("a size from {least} to {most}"))
        };
        let unit = "a size is a whole number with its unit, in quotes: MB, GB or TB";
        let size = value.as_str().and_then(parse_bytes).ok_or_else(|| wrong().help(unit))?;
        if range.contains(&size) { Ok(size) } else { Err(wrong()) }
    }
}

const UNITS: [(&str, u64); 3] = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000)];

fn parse_bytes(text: &str) -> Option<u64> {
    let (digits, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    digits.trim_end().parse::<u64>().ok()?.checked_mul(*unit)
}

fn show_bytes(bytes: u64) -> String {
    let unit = UNITS.iter().find(|(_, unit)| bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes} bytes"), |(name, unit)| format!("{}{name}", bytes / unit))
}

/// One of a few words.
pub(super) fn word<T: FromStr>(choices: &'static [&'static str]) -> impl Fn(&DeValue<'_>) -> Read<T> {
    move |value| {
        let wrong = || Wrong::expected(one_of(choices));
        let word = value.as_str().ok_or_else(wrong)?;
        word.parse().map_err(|_| wrong().nearest(nearest(word, choices.iter().copied())))
    }
}

fn one_of(choices: &[&str]) -> String {
    match choices {
        [only] => format!("\"{only}\""),
        _ => format!("one of \"{}\"", choices.join("\", \"")),
    }
}

/// Text that is not empty.
pub(super) fn words(expected: &'static str) -> impl Fn(&DeValue<'_>) -> Read<String> {
    move |value| {
        let given = text(value, expected)?;
        if given.trim().is_empty() { Err(Wrong::expected(expected)) } else { Ok(given.to_owned()) }
    }
}

/// A list of names, each of which stands there once.
pub(super) fn names(most: usize) -> impl Fn(&DeValue<'_>) -> Read<Vec<String>> {
    move |value| {
        let wrong = || Wrong::expected(format!("a list of at most {most} names, each once"));
        let given = value.as_array().filter(|given| given.len() <= most).ok_or_else(wrong)?;
        let mut names = Vec::with_capacity(given.len());
        for name in given {
            let name = name.get_ref().as_str().filter(|name| !name.trim().is_empty()).ok_or_else(wrong)?;
            if names.iter().any(|known| known == name) {
                return Err(wrong());
            }
            names.push(name.to_owned());
        }
        Ok(names)
    }
}

/// A list of names, each once, and at least one.
pub(super) fn some_names(most: usize) -> impl Fn(&DeValue<'_>) -> Read<Vec<String>> {
    move |value| {
        let some = names(most)(value).ok().filter(|names| !names.is_empty());
        some.ok_or_else(|| Wrong::expected(format!("a list of 1 to {most} names, each once")))
    }
}

/// A list of a few words, each of which stands there once.
pub(super) fn words_of<T: FromStr>(
    choices: &'static [&'static str],
) -> impl Fn(&DeValue<'_>) -> Read<Vec<T>> {
    move |value| {
        let given = names(choices.len())(value)
            .map_err(|_| Wrong::expected(format!("a list, each word once, of {}", one_of(choices))))?;
        let read = |word: &String| {
            let nearest = nearest(word, choices.iter().copied());
            word.parse()
                .map_err(|_| Wrong::expected(format!("a list of {}", one_of(choices))).nearest(nearest))
        };
        given.iter().map(read).collect()
    }
}

/// The address of a target.
pub(super) fn target(value: &DeValue<'_>) -> Read<Target> {
    let wrong = || Wrong::expected("the address of a service: https://...");
    let given = value.as_str().ok_or_else(wrong)?;
    given.parse().map_err(|error| match error {
        // It may hold a password.
        InvalidTarget::Credentials => wrong().help(InvalidTarget::Credentials.to_string()).secret(),
        other => wrong().help(other.to_string()),
    })
}

/// Networks and hosts that may be reached.
pub(super) fn openings(most: usize) -> impl Fn(&DeValue<'_>) -> Read<Vec<Opening>> {
    move |value| {
        let read = |text: &String| {
            let wrong =
                |error| Wrong::expected("networks, addresses or names of hosts").help(format!("{error}"));
            text.parse().map_err(|error: InvalidOpening| wrong(error))
        };
        names(most)(value)?.iter().map(read).collect()
    }
}

/// References to secrets, at least one.
pub(super) fn secrets(folder: &Path, most: usize) -> impl Fn(&DeValue<'_>) -> Read<Vec<SecretRef>> {
    let one = secret(folder);
    move |value| {
        let wrong = || Wrong::expected(format!("a list of 1 to {most} references to secrets")).secret();
        let given = value.as_array().filter(|given| (1..=most).contains(&given.len())).ok_or_else(wrong)?;
        given.iter().map(|reference| one(reference.get_ref())).collect()
    }
}

/// An address of a mailbox.
pub(super) fn mail_address(value: &DeValue<'_>) -> Read<MailAddress> {
    const EXPECTED: &str = "an address of mails, such as \"Ops <ops@example.com>\"";
    text(value, EXPECTED)?.parse().map_err(|_| Wrong::expected(EXPECTED))
}

/// Addresses of mailboxes, at least one.
pub(super) fn mail_addresses(most: usize) -> impl Fn(&DeValue<'_>) -> Read<Vec<MailAddress>> {
    move |value| {
        let wrong = || Wrong::expected(format!("a list of 1 to {most} addresses of mails"));
        let given = value.as_array().filter(|given| (1..=most).contains(&given.len())).ok_or_else(wrong)?;
        given.iter().map(|address| mail_address(address.get_ref())).collect()
    }
}

/// From when on: `latest`, or a time.
pub(super) fn since(value: &DeValue<'_>) -> Read<Option<Timestamp>> {
    match start(value) {
        Ok(Start::Latest) => Ok(None),
        Ok(Start::At(at)) => Ok(Some(at)),
        Ok(Start::TrimHorizon) | Err(_) => {
            Err(Wrong::expected("\"latest\", or a time with its zone, such as \"2026-03-01T09:15:00Z\""))
        }
    }
}

/// What a node is called: a few words that stand well in a line of a log.
pub(super) fn node_name(value: &DeValue<'_>) -> Read<String> {
    let expected = "a name of at most 64 characters, in one line";
    let given = text(value, expected)?;
    let fits =
        !given.trim().is_empty() && given.chars().count() <= 64 && !given.chars().any(char::is_control);
    if fits { Ok(given.to_owned()) } else { Err(Wrong::expected(expected)) }
}

/// A whole number and a unit, within a range.
pub(super) fn duration(range: RangeInclusive<Millis>) -> impl Fn(&DeValue<'_>) -> Read<Millis> {
    move |value| {
        let wrong = || {
            let (least, most) = (show_duration(*range.start()), show_duration(*range.end()));
            Wrong::expected(format!("a duration from {least} to {most}"))
        };
        match value {
            DeValue::String(given) => {
                let duration = parse_duration(given).ok_or_else(|| {
                    wrong().help("a duration is a whole number with its unit: ms, s, m, h or d")
                })?;
                if range.contains(&duration) { Ok(duration) } else { Err(wrong()) }
            }
            DeValue::Integer(_) => {
                Err(wrong().help("write it in quotes and with its unit: ms, s, m, h or d"))
            }
            _ => Err(wrong()),
        }
    }
}

fn parse_duration(text: &str) -> Option<Millis> {
    let unit_at = text.find(|char: char| !char.is_ascii_digit())?;
    let (digits, unit) = text.split_at(unit_at);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(unit_ms).map(Millis::new)
}

/// In the largest unit that divides it.
fn show_duration(duration: Millis) -> String {
    let millis = duration.get();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    match units.into_iter().find(|(unit, _)| millis != 0 && millis % unit == 0) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0s".to_owned(),
        None => format!("{millis}ms"),
    }
}

/// A time of the day such as `"02:30"`, after midnight.
pub(super) fn time_of_day(value: &DeValue<'_>) -> Read<Millis> {
    const EXPECTED: &str = "a time of the day from \"00:00\" to \"23:59\"";
    let text = text(value, EXPECTED)?;
    let number = |digits: &str, most: i64| {
        let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|number| is_number && *number <= most)
    };
    let parts = text.split_once(':').map(|(hours, minutes)| (number(hours, 23), number(minutes, 59)));
    match parts {
        Some((Some(hours), Some(minutes))) => Ok(Millis::from_minutes(hours * 60 + minutes)),
        _ => Err(Wrong::expected(EXPECTED)),
    }
}

/// The length of an interval: any way to write 5, 10, 15, 30 or 60 minutes.
pub(super) fn interval(value: &DeValue<'_>) -> Read<IntervalLength> {
    let length = value.as_str().and_then(parse_duration).and_then(|length| {
        let minutes = u8::try_from(length.get() / 60_000).ok()?;
        IntervalLength::minutes(minutes).filter(|_| length == Millis::from_minutes(i64::from(minutes)))
    });
    length.ok_or_else(|| Wrong::expected("one of \"5m\", \"10m\", \"15m\", \"30m\", \"60m\""))
}

/// A zone of the IANA database.
pub(super) fn time_zone(value: &DeValue<'_>) -> Read<TimeZone> {
    let expected = "the name of a time zone, such as \"UTC\" or \"Europe/Berlin\"";
    let given = text(value, expected)?;
    TimeZone::get(given).map_err(|_| Wrong::expected(expected).nearest(nearest_zone(given).as_deref()))
}

/// The zone of that city, else the zone that is written most like it.
fn nearest_zone(given: &str) -> Option<String> {
    let zones: Vec<String> = jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
    let city = |zone: &str| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(given));
    let names = || zones.iter().map(String::as_str);
    let found = names().find(|zone| city(zone)).or_else(|| nearest(given, names()))?;
    Some(found.to_owned())
}

/// An address and a port.
pub(super) fn socket_address(value: &DeValue<'_>) -> Read<SocketAddr> {
    let wrong = || Wrong::expected("an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"");
    let given = value.as_str().ok_or_else(wrong)?;
    given.parse().map_err(|_| match given.strip_prefix("localhost:") {
        Some(port) => wrong().help(format!("write \"127.0.0.1:{port}\"")),
        None => wrong(),
    })
}

/// The name of a source.
pub(super) fn source_name(value: &DeValue<'_>) -> Read<SourceName> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let given = value.as_str().filter(|name| (1..=64).contains(&name.len()) && name.bytes().all(is_allowed));
    given.map(SourceName::from).ok_or_else(|| {
        Wrong::expected("a name of 1 to 64 characters, each a small letter, a digit or a hyphen")
    })
}

/// A file or folder, relative to `folder`.
pub(super) fn path(folder: &Path) -> impl Fn(&DeValue<'_>) -> Read<PathBuf> {
    move |value| {
        let given = value.as_str().filter(|path| !path.trim().is_empty() && !path.contains('\0'));
        given.map(|path| folder.join(path)).ok_or_else(|| Wrong::expected("a path"))
    }
}

/// Where the store is; a path is relative to `folder`. What is not SQLite may hold a password and is not shown.
pub(super) fn store_url(folder: &Path) -> impl Fn(&DeValue<'_>) -> Read<StoreUrl> {
    move |value| {
        let wrong = || {
            Wrong::expected(
                "\"sqlite:\" and a path, such as \"sqlite:pegboard.db\", or \"postgres://user@host/database\"",
            )
        };
        let given = value.as_str().ok_or_else(|| wrong().secret())?;
        if given.starts_with("postgres://") || given.starts_with("postgresql://") {
            let url: PostgresUrl = given
                .parse()
                .map_err(|error: InvalidPostgresUrl| wrong().help(error.to_string()).secret())?;
            let settings = PostgresSettings { url: url.beside(folder), password: None };
            return Ok(StoreUrl::Postgres(Box::new(settings)));
        }
        let path = given.strip_prefix("sqlite:").ok_or_else(|| wrong().secret())?;
        if path.starts_with("//") {
            return Err(wrong().help("write no slashes after the colon but those of the path itself"));
        }
        if path == ":memory:" {
            return Err(wrong().help("a store in memory would forget everything; name a file"));
        }
        if path.contains('?') {
            return Err(wrong().help("parameters after a question mark are not supported"));
        }
        if path.trim().is_empty() || path.contains('\0') {
            return Err(wrong());
        }
        Ok(StoreUrl::Sqlite(folder.join(path)))
    }
}

/// Scheme, host and port. A URL with a user in it may hold a password and is not shown.
pub(super) fn web_url(value: &DeValue<'_>) -> Read<WebUrl> {
    let wrong = || Wrong::expected("a URL of scheme, host and port, such as \"https://pegboard.example\"");
    let given = value.as_str().ok_or_else(wrong)?;
    if given.contains('@') {
        return Err(wrong().help("leave the user out").secret());
    }
    let url: Uri = given.parse().map_err(|_| wrong())?;
    let (Some("http" | "https"), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(wrong().help("it starts with http:// or https://"));
    };
    let has_valid_port = authority.as_str() == authority.host() || authority.port_u16().is_some();
    if authority.host().is_empty() || !has_valid_port {
        return Err(wrong());
    }
    if url.path() != "/" || url.query().is_some() || given.contains('#') {
        return Err(wrong().help("leave out what follows the host and the port"));
    }
    Ok(WebUrl(given.trim_end_matches('/').to_owned()))
}

/// The URL of a route of this hub, as it is seen from outside. What stands in its query is added by Twilio.
pub(super) fn callback_url(value: &DeValue<'_>) -> Read<String> {
    let wrong = || {
        Wrong::expected(
            "the URL that Twilio posts to: https://hub.example.com/api/v1/twilio/NAME of the source",
        )
    };
    let given = value.as_str().ok_or_else(wrong)?;
    if given.contains('@') {
        return Err(wrong().help("leave the user out").secret());
    }
    let url: Uri = given.parse().map_err(|_| wrong())?;
    let is_web = matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
    if !is_web || url.query().is_some() || given.contains('#') {
        return Err(wrong());
    }
    Ok(given.to_owned())
}

/// A Kinesis data stream.
pub(super) fn stream(value: &DeValue<'_>) -> Read<StreamRef> {
    let expected =
        "the name of a Kinesis data stream, or its ARN: arn:aws:kinesis:<region>:<account>:stream/<name>";
    text(value, expected)?.parse().map_err(|_| Wrong::expected(expected))
}

/// The name of a bucket of Amazon S3.
pub(super) fn bucket(value: &DeValue<'_>) -> Read<String> {
    let is_name = |text: &&str| {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        (3..=63).contains(&text.len()) && text.bytes().all(is_allowed) && !text.starts_with(['.', '-'])
    };
    let expected = "the name of a bucket: 3 to 63 small letters, digits, \".\" and \"-\"";
    let given = value.as_str().filter(is_name);
    given.map(str::to_owned).ok_or_else(|| Wrong::expected(expected))
}

/// What the keys of objects begin with.
pub(super) fn prefix(value: &DeValue<'_>) -> Read<String> {
    let wrong = || Wrong::expected("what keys begin with, such as \"contact-records/\": at most 1024 bytes");
    let given = value.as_str().filter(|text| text.len() <= 1024).ok_or_else(wrong)?;
    let is_url = given.starts_with("s3://") || given.starts_with('/');
    if is_url {
        Err(wrong().help("keys begin without a slash, and without their bucket"))
    } else {
        Ok(given.to_owned())
    }
}

/// What the names of reports begin with.
pub(super) fn beginning(value: &DeValue<'_>) -> Read<String> {
    let expected =
        "what names of reports begin with, such as \"AQR\" or \"*Sales\": at most 255 bytes, and no slash";
    let given = text(value, expected)?;
    let is_one = given.len() <= 255 && !given.contains('/') && !given.chars().any(char::is_control);
    if is_one { Ok(given.to_owned()) } else { Err(Wrong::expected(expected)) }
}

/// What files of reports are.
pub(super) fn report_content(value: &DeValue<'_>) -> Read<Expected> {
    let names: Vec<&str> = Expected::names().collect();
    let wrong = || Wrong::expected(one_of(&names));
    let given = value.as_str().ok_or_else(wrong)?;
    Expected::from_name(given).ok_or_else(|| wrong().nearest(nearest(given, names.iter().copied())))
}

/// A queue of Amazon SQS.
pub(super) fn queue(value: &DeValue<'_>) -> Read<QueueRef> {
    let expected = "a standard queue of Amazon SQS: arn:aws:sqs:<region>:<account>:<name>, or its URL";
    text(value, expected)?.parse().map_err(|_| Wrong::expected(expected))
}

/// FIFO queues, at least one, each once.
pub(super) fn fifo_queues(most: usize) -> impl Fn(&DeValue<'_>) -> Read<Vec<FifoQueueRef>> {
    move |value| {
        let wrong = || {
            Wrong::expected(format!(
                "a list of 1 to {most} FIFO queues of Amazon SQS, each once, by their ARNs                  (arn:aws:sqs:<region>:<account>:<name>.fifo) or URLs"
            ))
        };
        let given = names(most)(value).map_err(|_| wrong())?;
        let queues: Vec<FifoQueueRef> =
            given.iter().map(|queue| queue.parse().map_err(|_| wrong())).collect::<Read<_>>()?;
        if queues.is_empty() { Err(wrong()) } else { Ok(queues) }
    }
}

/// The name of a table of DynamoDB.
pub(super) fn dynamo_table(value: &DeValue<'_>) -> Read<String> {
    let is_name = |text: &&str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        (3..=255).contains(&text.len()) && text.bytes().all(is_allowed)
    };
    let expected = "the name of a table of DynamoDB: 3 to 255 letters, digits, \"_\", \".\" and \"-\"";
    value.as_str().filter(is_name).map(str::to_owned).ok_or_else(|| Wrong::expected(expected))
}

/// A function of AWS Lambda.
pub(super) fn function(value: &DeValue<'_>) -> Read<FunctionName> {
    let expected = "a function of AWS Lambda: its name or its ARN";
    text(value, expected)?.parse().map_err(|_| Wrong::expected(expected))
}

/// The name of a consumer of enhanced fan-out.
pub(super) fn consumer(value: &DeValue<'_>) -> Read<String> {
    let is_name = |text: &&str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
    };
    let expected = "the name of a consumer: 1 to 128 letters, digits, \"_\", \".\" and \"-\"";
    let given = value.as_str().filter(is_name);
    given.map(str::to_owned).ok_or_else(|| Wrong::expected(expected))
}

/// The id of an instance of Amazon Connect, by its form.
pub(super) fn instance_id(value: &DeValue<'_>) -> Read<String> {
    let wrong = || {
        Wrong::expected(
            "the id of an instance of Amazon Connect, such as \"11111111-2222-3333-4444-555555555555\"",
        )
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let given = value.as_str().ok_or_else(wrong)?;
    if (1..=100).contains(&given.len()) && given.bytes().all(is_allowed) {
        return Ok(given.to_owned());
    }
    let is_arn = given.starts_with("arn:");
    Err(if is_arn { wrong().help("write only what follows `instance/` in the ARN") } else { wrong() })
}

/// An AWS region, by its form.
pub(super) fn region(value: &DeValue<'_>) -> Read<String> {
    let is_region = |text: &&str| {
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        text.contains('-') && text.len() <= 32 && text.bytes().all(is_allowed)
    };
    let given = value.as_str().filter(is_region);
    given.map(str::to_owned).ok_or_else(|| Wrong::expected("a region, such as \"eu-central-1\""))
}

/// Where reading starts: a word, or a time as text or as TOML's own.
pub(super) fn start(value: &DeValue<'_>) -> Read<Start> {
    let wrong = || {
        Wrong::expected(
            "\"trim_horizon\", \"latest\", or a time with its zone, such as \"2026-03-01T09:15:00Z\"",
        )
    };
    match value {
        DeValue::Datetime(time) => Timestamp::parse(&time.to_string()).map(Start::At).map_err(|_| wrong()),
        DeValue::String(word) => match &**word {
            "trim_horizon" => Ok(Start::TrimHorizon),
            "latest" => Ok(Start::Latest),
            other => Timestamp::parse(other)
                .map(Start::At)
                .map_err(|_| wrong().nearest(nearest(other, ["trim_horizon", "latest"]))),
        },
        _ => Err(wrong()),
    }
}

/// A reference to a secret; a path is relative to `folder`. Whatever else stands there is not shown.
pub(super) fn secret(folder: &Path) -> impl Fn(&DeValue<'_>) -> Read<SecretRef> {
    move |value| {
        let wrong = || Wrong::expected("a reference to a secret: \"env:NAME\" or \"file:PATH\"").secret();
        let given = value.as_str().ok_or_else(wrong)?;
        SecretRef::parse(given, folder).map_err(|error| match error {
            InvalidSecretRef::Literal => wrong().help(
                "put the secret into a file with mode 0600, or into the environment, and name that here; if this is \
                 a secret, replace it where it was issued: it has been in this file",
            ),
            other => wrong().help(other.to_string()),
        })
    }
}
