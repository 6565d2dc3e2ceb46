//! What the commands about sinks share: which sink is meant, and how lines are written.

use std::io::Write as _;

use pegboard_model::SinkName;

use super::Failure;

/// The names of the sinks that are configured.
pub(super) struct Sinks(pub(super) Vec<SinkName>);

impl Sinks {
    /// Those that are asked about.
    pub(super) fn chosen<'a>(&'a self, name: Option<&'a str>) -> Vec<&'a str> {
        name.map_or_else(|| self.0.iter().map(SinkName::as_str).collect(), |name| vec![name])
    }

    /// The path of the one that is meant.
    pub(super) fn path(&self, name: Option<&str>) -> Result<String, Failure> {
        match *self.chosen(name) {
            [name] => Ok(path_of(name)),
            [] => Err(Failure::Usage("no sink is configured".to_owned())),
            ref names => Err(Failure::Usage(format!("say which sink with --sink: {}", names.join(", ")))),
        }
    }
}

/// The path of a sink.
pub(super) fn path_of(sink: &str) -> String {
    format!("/api/v1/sinks/{}", encoded(sink))
}

/// A text in a path.
pub(super) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Whoever reads may close early. Answers whether somebody still reads.
pub(super) fn write_lines(lines: impl IntoIterator<Item = String>) -> bool {
    let mut out = std::io::stdout().lock();
    lines.into_iter().all(|line| writeln!(out, "{line}").is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_sink_need_not_be_named() {
        let sinks = |names: &[&str]| Sinks(names.iter().map(|name| (*name).into()).collect());
        assert_eq!(sinks(&["wfm"]).path(None).unwrap(), "/api/v1/sinks/wfm");
        assert_eq!(sinks(&["a", "b"]).path(Some("b")).unwrap(), "/api/v1/sinks/b");
        assert!(sinks(&["a", "b"]).path(None).is_err() && sinks(&[]).path(None).is_err());
    }
}
