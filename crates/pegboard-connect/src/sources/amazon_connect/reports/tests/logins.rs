use super::*;

const NAME: &str = "LoginLogout-2026-03-02T00:15:00Z.csv";
const HEADER: &str = "Agent,First name,Last name,Login time,Logout time";

fn read_logins(text: &str) -> Result<ReportRows, ReportError> {
    read_as(&reader(), NAME, text)
}

/// Who, from when, for how long.
fn sessions(read: &ReportRows) -> Vec<(String, String, Option<String>)> {
    let session = |row: &AcdRow| {
        assert_eq!((row.report, row.interval_s), (AcdReport::Sessions, Millis::ZERO));
        let agent = row.grouping.agent.as_ref().and_then(Known::name).unwrap().to_owned();
        let length = row.get(Column::Session).map(|length| length.to_string());
        (agent, row.interval_start.to_string(), length)
    };
    read.rows.iter().map(session).collect()
}

fn session(agent: &str, sign_in: &str, length: Option<&str>) -> (String, String, Option<String>) {
    (agent.to_owned(), sign_in.to_owned(), length.map(str::to_owned))
}

#[test]
fn a_row_is_a_session_and_one_that_is_not_over_has_no_end() {
    let text = format!(
        "\u{feff}{HEADER}\n\
         ann,Ann,Lee,2026-03-01T22:15:07Z,2026-03-02T06:15:07Z\n\
         \"bo, jr\",Bo,Ray,2026-03-01T23:00:00Z,-\n"
    );
    let read = read_logins(&text).unwrap();
    assert_eq!((&read.unknown[..], read.unused), (&[][..], None));
    let expected = [
        session("ann", "2026-03-01T22:15:07Z", Some("28800")),
        session("bo, jr", "2026-03-01T23:00:00Z", None),
    ];
    assert_eq!(sessions(&read), expected);
    assert_eq!(read.rows[0].key(), "name=LoginLogout&interval_s=0&agent=ann", "the same before it is over");
    let extra: Vec<_> = read.rows[0].extra().iter().map(|extra| &*extra.label).collect();
    assert_eq!(extra, ["First name", "Last name"]);
}

#[test]
fn columns_stand_anywhere_and_a_site_says_what_its_are_called() {
    let text = "Abmeldung,Agent,Anmeldung,Zimmer\n2026-03-01T10:00:00Z,ann,2026-03-01T09:00:00Z,7\n";
    let error = read_logins(text).unwrap_err();
    assert_eq!(error.problem, ReportProblem::NoLoginColumn("Login time"));
    let mut labels = Labels::default();
    labels.add("Anmeldung", Meaning::Start);
    labels.add("Abmeldung", Meaning::End);
    let reader = ReportReader::new(ReportSettings { labels, ..ReportSettings::default() });
    let read = read_as(&reader, NAME, text).unwrap();
    assert_eq!(sessions(&read), [session("ann", "2026-03-01T09:00:00Z", Some("3600"))]);
    assert_eq!(read.unknown, [Text::from("Zimmer")]);
}

#[test]
fn of_two_sessions_that_begin_at_once_the_longer_is_kept() {
    let row = |end: &str| format!("ann,,,2026-03-01T09:00:00Z,{end}\n");
    let (short, long) = (row("2026-03-01T09:10:00Z"), row("2026-03-01T09:20:00Z"));
    let length = |text: &str| sessions(&read_logins(&format!("{HEADER}\n{text}")).unwrap()).remove(0).2;
    assert_eq!(length(&format!("{short}{long}{short}")).as_deref(), Some("1200"));
    assert_eq!(length(&format!("{short}{}{long}", row(""))), None);
}

#[test]
fn r28_a_session_ends_within_a_year_and_not_before_it_begins() {
    let read = |end: &str| read_logins(&format!("{HEADER}\nann,,,2026-03-01T09:00:00Z,{end}\n"));
    assert!(read("2026-03-01T09:00:00Z").is_ok() && read("2027-03-02T09:00:00Z").is_ok());
    for end in ["2026-03-01T08:59:59Z", "2027-03-02T09:00:01Z"] {
        let error = read(end).unwrap_err();
        assert_eq!((error.problem, error.place.line), (ReportProblem::Session, Some(2)), "{end}");
    }
    assert_eq!(read("soon").unwrap_err().problem, ReportProblem::NotATime);
}
