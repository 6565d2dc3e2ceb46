//! The query string, held to what the route declares.

use std::fmt::Display;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::api::error::{ApiError, Code};

/// A parameter of a query or of a path that a route takes.
#[derive(Debug)]
pub(crate) struct Param {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whether it may stand there more than once.
    pub(crate) repeated: bool,
    /// What it holds.
    pub(crate) kind: ParamKind,
    /// What it does, for the description of the API.
    pub(crate) about: &'static str,
}

/// What a parameter holds.
#[derive(Debug)]
pub(crate) enum ParamKind {
    /// Any text.
    Text,
    /// An instant in RFC 3339.
    Time,
    /// A day, such as 2026-03-01.
    Day,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number in this range, both ends included.
    Number(i64, i64),
}

/// The parameters of one request: only those that the route declares, none of them empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(&'static str, String)>);

impl Params {
    /// Reads a query string. A name that the route does not know is refused, naming the nearest one that it knows;
    /// a parameter without a value counts as not given.
    pub(crate) fn parse(query: &str, known: &'static [Param]) -> Result<Self, ApiError> {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let param = known.iter().find(|param| param.name == name);
            let param = param.ok_or_else(|| unknown(&name, known))?;
            if value.is_empty() {
                continue;
            }
            if !param.repeated && params.one(param.name).is_some() {
                return Err(bad(param.name, "stands there more than once"));
            }
            param.kind.check(param.name, &value)?;
            params.0.push((param.name, value.into_owned()));
        }
        Ok(params)
    }

    /// The value of a parameter that is not repeated.
    pub(crate) fn one(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter as a type.
    pub(crate) fn parsed<T>(&self, name: &'static str) -> Result<Option<T>, ApiError>
    where
        T: std::str::FromStr,
        T::Err: Display,
    {
        self.one(name).map(|text| text.parse().map_err(|error| bad(name, error))).transpose()
    }
}

/// What stands in the path in place of its one `{name}`.
#[derive(Debug)]
pub(crate) struct InPath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(not_text)?;
        let (_, value) = params.iter().next().ok_or_else(ApiError::internal)?;
        Ok(Self(value.to_string()))
    }
}

/// What stands in the path in place of its two `{names}`.
#[derive(Debug)]
pub(crate) struct BothInPath(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for BothInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(not_text)?;
        let mut values = params.iter().map(|(_, value)| value.to_string());
        let both = values.next().zip(values.next());
        both.map(|(first, second)| Self(first, second)).ok_or_else(ApiError::internal)
    }
}

fn not_text<E>(_: E) -> ApiError {
    ApiError::bad_request("path", "the path must be UTF-8, percent-encoded")
}

impl ParamKind {
    fn check(&self, name: &'static str, value: &str) -> Result<(), ApiError> {
        match self {
            Self::Text => Ok(()),
            Self::Time => {
                pegboard_model::Timestamp::parse(value).map(|_| ()).map_err(|error| bad(name, error))
            }
            Self::Day => value
                .parse::<jiff::civil::Date>()
                .map(|_| ())
                .map_err(|_| bad(name, "must be a day, such as 2026-03-01")),
            Self::Word(words) if words.contains(&value) => Ok(()),
            Self::Word(words) => Err(bad(name, format_args!("'{value}' is not one of {}", words.join(", ")))),
            Self::Number(least, greatest) => match value.parse::<i64>() {
                Ok(number) if (*least..=*greatest).contains(&number) => Ok(()),
                _ => Err(bad(name, format_args!("must be a whole number from {least} to {greatest}"))),
            },
        }
    }
}

fn bad(name: &str, what: impl Display) -> ApiError {
    ApiError::bad_request(format!("query.{name}"), format!("{name}: {what}"))
}

fn unknown(name: &str, known: &'static [Param]) -> ApiError {
    let shown: String = name.chars().take(40).collect();
    let nearest = known.iter().map(|param| param.name).min_by_key(|known| strsim::levenshtein(known, &shown));
    let message = match nearest {
        Some(nearest) => format!("there is no parameter '{shown}' here: did you mean '{nearest}'?"),
        None => format!("there is no parameter '{shown}' here: this route takes none"),
    };
    ApiError::new(Code::BadRequest, message).at(format!("query.{shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Param] = &[
        Param { name: "source", repeated: true, kind: ParamKind::Text, about: "" },
        Param { name: "from", repeated: false, kind: ParamKind::Time, about: "" },
        Param { name: "class", repeated: true, kind: ParamKind::Word(&["talk", "hold"]), about: "" },
        Param { name: "limit", repeated: false, kind: ParamKind::Number(1, 100), about: "" },
    ];

    fn refused(query: &str) -> String {
        Params::parse(query, KNOWN).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_the_route_knows() {
        let params =
            Params::parse("source=a%20b&source=c&from=2026-03-01T00:00:00Z&limit=&class=talk", KNOWN);
        let params = params.unwrap();
        assert_eq!(params.all("source").collect::<Vec<_>>(), ["a b", "c"]);
        assert!(params.parsed::<pegboard_model::Timestamp>("from").unwrap().is_some());
        assert_eq!(params.one("limit"), None, "an empty value is no value");
    }

    #[test]
    fn names_the_nearest_parameter() {
        assert_eq!(
            refused("sorce=a"),
            "bad_request: there is no parameter 'sorce' here: did you mean 'source'?"
        );
        let none = Params::parse("x=1", &[]).unwrap_err().to_string();
        assert_eq!(none, "bad_request: there is no parameter 'x' here: this route takes none");
    }

    #[test]
    fn refuses_values_that_do_not_fit() {
        assert!(refused("from=2026-03-01T00:00:00Z&from=2026-03-02T00:00:00Z").contains("more than once"));
        assert!(refused("from=yesterday").contains("not a time in RFC 3339"));
        assert!(refused("class=talking").contains("'talking' is not one of talk, hold"));
        for limit in ["0", "101", "ten", "99999999999999999999"] {
            assert!(refused(&format!("limit={limit}")).contains("from 1 to 100"), "{limit}");
        }
    }
}
