use super::*;

const ID: &str = "0c1f8e2a-7d40-4b8e-9a53-1f2e3d4c5b6a";
const INSTEAD: &str = "erased-1";

fn terms(identifiers: &[&str], names: &[&str]) -> Terms {
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Terms { identifiers: set(identifiers), names: set(names) }
}

fn person() -> Person {
    Person::new(terms(&[ID, "aberg", "anna@example.org"], &["Anna Björk Berg"]), INSTEAD).unwrap()
}

fn rewritten(text: &str) -> String {
    person().rewritten(text, Place::default()).unwrap_or_else(|| text.to_owned())
}

#[test]
fn everything_but_what_names_him_stays_byte_for_byte() {
    let record = format!(
        r#"{{ "AgentARN" : "arn:aws:connect:eu:1:instance/i/agent/{ID}", "n":1.50,
            "Configuration":{{"FirstName":"Anna Bj\u00f6rk","LastName":"BERG","Username":"ABerg",
              "AgentHierarchyGroups":{{"Level1":{{"Name":"Berg"}}}}}},
            "Queue":{{"Name":"aberg","id":"\u0061"}}, "mail":"<Anna@Example.org>" }}"#
    );
    let expected = record
        .replace(ID, INSTEAD)
        .replace("Anna Bj\\u00f6rk", INSTEAD)
        .replace("\"BERG\"", "\"\"")
        .replace("\"ABerg\"", "\"erased-1\"")
        .replace("Anna@Example.org", INSTEAD);
    assert_eq!(rewritten(&record), expected, "neither the team nor the queue is the person");
    assert_eq!(person().rewritten(&expected, Place::default()), None, "once is enough");
}

#[test]
fn what_only_looks_like_him_stays() {
    for other in [
        r#"{"agent_id":"other","agent_name":"Anna Björk Berg"}"#,
        r#"{"agent_login":"aberg2"}"#,
        r#"{"queue_name":"aberg"}"#,
        "a text about aberg",
    ] {
        assert_eq!(rewritten(other), other);
    }
}

#[test]
fn a_name_is_his_where_something_around_it_names_him() {
    let found = rewritten(r#"{"agent_login":"aberg","profile":{"name":"Anna Björk Berg","team":"Berg"}}"#);
    assert_eq!(found, r#"{"agent_login":"erased-1","profile":{"name":"erased-1","team":"Berg"}}"#);
}

#[test]
fn json_within_a_string_is_looked_into() {
    let found =
        rewritten(r#"{"WorkerAttributes":"{\"email\":\"anna@example.org\",\"full_name\":\"Anna\"}"}"#);
    assert_eq!(found, r#"{"WorkerAttributes":"{\"email\":\"erased-1\",\"full_name\":\"erased-1\"}"}"#);
}

#[test]
fn a_short_id_is_one_only_where_somebody_is_named() {
    let person = Person::new(terms(&["7"], &[]), INSTEAD).unwrap();
    let text = r#"{"agent_id":"7","queue_id":"8","count":7,"note":"7 of 9"}"#;
    let found = person.rewritten(text, Place::default()).unwrap();
    assert_eq!(found, r#"{"agent_id":"erased-1","queue_id":"8","count":7,"note":"7 of 9"}"#);
    let key = Place { key: "agent", ..Place::default() };
    assert_eq!(person.rewritten("7\u{1f}q\u{1f}VOICE", key).unwrap(), "erased-1\u{1f}q\u{1f}VOICE");
    assert_eq!(person.rewritten("7\u{1f}q\u{1f}VOICE", Place::default()), None);
}

#[test]
fn prose_is_without_him_whatever_it_says() {
    let prose = Place { is_prose: true, ..Place::default() };
    let found = person().rewritten("agent aberg (Anna) is not known: write to anna@example.org", prose);
    assert_eq!(found.unwrap(), "agent erased-1 (erased-1) is not known: write to erased-1");
    assert_eq!(person().rewritten("Anna from elsewhere", prose), None);
    let cut = r#"{"Username":"aberg","x":"aberg and no e"#;
    assert_eq!(person().rewritten(cut, prose).unwrap(), r#"{"Username":"erased-1","x":"erased-1 and no e"#);
}

#[test]
fn what_is_no_text_is_nothing_afterwards() {
    assert_eq!(person().rewritten_bytes(&[0xff, 0xfe], Place::default()), Some(Vec::new()));
    assert_eq!(
        person().rewritten_bytes(b"aberg", Place { key: "agent", ..Place::default() }).unwrap(),
        b"erased-1"
    );
    assert_eq!(person().rewritten_bytes(b"nobody", Place::default()), None);
}

#[test]
fn what_stands_beside_his_id_names_him_too() {
    let by_id = Person::new(terms(&[ID], &[]), INSTEAD).unwrap();
    let mut more = Terms::default();
    by_id.learn(
        &format!(r#"{{"agent_id":"{ID}","agent_login":"aberg","agent_name":"Anna Berg","queue_name":"Q"}}"#),
        Named::No,
        &mut more,
    );
    by_id.learn(r#"{"agent_id":"other","agent_login":"other","agent_name":"Other"}"#, Named::No, &mut more);
    assert_eq!(more, terms(&["aberg"], &["Anna Berg"]));
    let by_login = Person::new(terms(&[ID, "aberg"], &[]), INSTEAD).unwrap();
    let configuration = r#"{"Configuration":{"Username":"aberg","FirstName":"Anna","LastName":"von Berg","RoutingProfile":{"Name":"Basic"}}}"#;
    by_login.learn(configuration, Named::No, &mut more);
    assert_eq!(more, terms(&["aberg"], &["Anna", "Anna Berg", "von Berg"]));
}

#[test]
fn r28_no_more_than_so_many_terms_are_learned() {
    let person = Person::new(terms(&[ID], &[]), INSTEAD).unwrap();
    let mut more = Terms::default();
    for number in 0..=learn::MOST_TERMS {
        person.learn(&format!(r#"{{"id":"{ID}","login":"login{number}"}}"#), Named::No, &mut more);
    }
    assert_eq!(more.identifiers.len(), learn::MOST_TERMS);
}

#[test]
fn nobody_is_no_person() {
    assert!(Person::new(terms(&[" "], &[""]), INSTEAD).is_none());
}

#[test]
fn s20_a_person_is_not_shown() {
    let shown = format!("{:?} {:?}", person(), person().terms());
    assert!(!shown.contains("berg") && !shown.contains("Anna"), "{shown}");
}
