//! The name that was meant.

/// How alike two names must be, from 0 to 1, for one to be offered for the other.
const LEAST_LIKENESS: f64 = 0.8;

/// The name that is written most like `given`, if any is written like it. Case, hyphens and underscores do not count.
pub(super) fn nearest<'n>(given: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let given = plain(given);
    let likeness = |name: &str| strsim::jaro_winkler(&given, &plain(name));
    let ranked = names.into_iter().map(|name| (likeness(name), name));
    let best = ranked.filter(|(likeness, _)| *likeness >= LEAST_LIKENESS).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, name)| name)
}

fn plain(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_a_stranger_finds_none() {
        let names = ["stream", "region", "access_key_id", "tls_certificate", "time_zone"];
        let found = |given| nearest(given, names);
        assert_eq!(found("strem"), Some("stream"));
        assert_eq!(found("Timezone"), Some("time_zone"));
        assert_eq!(found("tls-cert"), Some("tls_certificate"));
        assert_eq!(found("accesskey"), Some("access_key_id"));
        assert_eq!(found("password"), None);
        assert_eq!(found(""), None);
    }
}
