use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::*;

/// What the scanner reads, and what `serde_json` does.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown and compared as text")]
struct Outer<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
    number: Option<i64>,
    #[serde(default)]
    flag: Present,
    any: Option<IgnoredAny>,
    #[serde(borrow)]
    list: Option<Vec<Object<Inner<'a>>>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown and compared as text")]
struct Inner<'a> {
    #[serde(borrow)]
    name: Option<Str<'a>>,
}

read_object!(Outer {
    "name" => name,
    "number" => number,
    "flag" => flag,
    "any" => any,
    "list" => list,
});

read_object!(Inner {
    "name" => name,
});

fn scanned(text: &str) -> Option<String> {
    read::<Outer<'_>>(Scanner::new(text)).map(|outer| format!("{outer:?}"))
}

fn parsed(text: &str) -> Option<String> {
    serde_json::from_str::<Object<Outer<'_>>>(text).ok().map(|Object(outer)| format!("{outer:?}"))
}

#[test]
fn reads_what_it_is_asked_for_and_passes_the_rest() {
    for text in [
        "{}",
        " { } ",
        r#"{"name":"Ada","number":-12,"flag":null,"any":[1],"list":[]}"#,
        "{\n\t\"name\" : \"Ada\" ,\r\n \"list\" : [ { \"name\" : null } , { } ] }\n",
        r#"{"other":{"name":[{"a":[],"b":{},"c":"}\"]"}]},"name":"a\u0041\n\"\\"}"#,
        r#"{"x":0,"x":-0.5e+10,"x":1E5,"x":[true,false,null,[[]]],"x":"\ud83d\ude00 ü 語"}"#,
        r#"{"flag":{"flag":1},"number":999999999999999999,"any":null}"#,
        r#"{"name":"語語語語語語語","a":"\u00e9 a long text behind an escape, with a brace }"}"#,
    ] {
        assert!(scanned(text).is_some(), "{text}");
        assert_eq!(scanned(text), parsed(text), "{text}");
    }
}

#[test]
fn gives_up_on_what_is_not_json() {
    for text in [
        "",
        " ",
        "{",
        "}",
        "[]",
        "null",
        "1",
        "\"\"",
        "{}x",
        "{} {}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":1e+}",
        "{\"a\":+1}",
        "{\"a\":--1}",
        "{\"a\":nul}",
        "{\"a\":nulll}",
        "{\"a\":True}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1 2]}",
        "{\"a\":[}",
        "{\"a\":{]}",
        "{\"a\":[1}",
        "{\"a\":\"}",
        "{\"a\":\"\\\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"a longer text with a tab\tin it\"}",
        "{\"name\":\"\n\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"a\":\u{a0}1}",
        "\u{feff}{}",
    ] {
        assert_eq!(scanned(text), None, "{text}");
        assert_eq!(parsed(text), None, "{text}");
    }
}

#[test]
fn gives_up_on_a_wrong_type_and_on_what_comes_twice() {
    for text in [
        r#"{"name":1}"#,
        r#"{"name":[]}"#,
        r#"{"name":true}"#,
        r#"{"number":"1"}"#,
        r#"{"number":1.0}"#,
        r#"{"number":1e2}"#,
        r#"{"number":-0}"#,
        r#"{"number":9223372036854775808}"#,
        r#"{"list":{}}"#,
        r#"{"list":[[]]}"#,
        r#"{"list":[null]}"#,
        r#"{"name":"a","name":"a"}"#,
        r#"{"name":null,"name":"a"}"#,
        r#"{"flag":1,"flag":1}"#,
        r#"{"list":[{"name":"a","name":null}]}"#,
    ] {
        assert_eq!(scanned(text), None, "{text}");
        assert_eq!(parsed(text), None, "{text}");
    }
}

#[test]
fn is_not_sure_of_some_good_json() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for text in [r#"{"n\u0061me":"a"}"#, r#"{"number":9223372036854775807}"#, &deep] {
        assert_eq!(scanned(text), None, "{text}");
        assert!(parsed(text).is_some(), "{text}");
    }
}

#[test]
fn a_known_object_is_passed_only_where_it_stands() {
    let known = r#"{"a":1}"#;
    let skips = |text| Scanner::new(text).with_known(known).skip();
    for good in [r#"{"a":1}"#, r#"[{"a":1},{"a":1}]"#, r#"{"b":{"a":1},"c":[{"a":1}]}"#, r#"{"a":12}"#] {
        assert!(skips(good).is_some(), "{good}");
    }
    for bad in [r#"[{"a":1}{"a":1}]"#, r#"[{"a":1},]"#, r#"{"b":{"a":1}"#, r#"[{"a":1]"#] {
        assert!(skips(bad).is_none(), "{bad}");
    }
}

#[test]
fn the_end_of_a_plain_text_is_found_at_every_offset() {
    for length in 0..40 {
        for end in ["\"", "\\", "\u{0}", "\u{1f}"] {
            let text = format!("{}{end}{}", "\u{7f}".repeat(length), "!".repeat(20));
            assert_eq!(plain_length(text.as_bytes()), length, "{text:?}");
        }
        assert_eq!(plain_length("é".repeat(length).as_bytes()), 2 * length);
    }
}

#[test]
fn a_repeated_object_is_passed_where_it_comes_again() {
    let passes = |text: String| {
        let mut scan = Scanner::new(&text);
        scan.first_key()?;
        Repeated::<Inner<'_>>::read(&mut scan)?;
        scan.next_key()?;
        let rest = scan.rest().len();
        scan.skip()?;
        let passed = rest - scan.rest().len();
        (scan.next_key()? == Key::End).then_some(passed)
    };
    let first = r#"{"name":"Ada","x":[1,{"y":"z"}]}"#;
    let text = |second: &str| format!(r#"{{"a":{first},"b":{second}}}"#);
    assert_eq!(passes(text(first)), Some(first.len()));
    assert_eq!(passes(text(&format!("[{first}, {first}]"))), Some(2 * first.len() + 4));
    assert_eq!(passes(text(&format!("{first}{first}"))), None);
    assert_eq!(passes(text(&first[..first.len() - 1])), None);
}

/// JSON of any shape, with the keys that are read among others.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\"\\\\\u{1}é語 ]{0,20}".prop_map(Value::from),
    ];
    let key =
        || prop_oneof![Just("name"), Just("number"), Just("flag"), Just("any"), Just("list"), Just("x\"é")];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// What damage does to a text: a byte put in, taken out or changed for one that means something.
fn damaged(text: &str, at: usize, with: &str, length: usize) -> Option<String> {
    let end = (at + length).min(text.len());
    Some(format!("{}{with}{}", text.get(..at)?, text.get(end..)?))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn takes_what_serde_takes_and_reads_the_same(
        value in json(),
        pretty in any::<bool>(),
        at in any::<proptest::sample::Index>(),
        with in proptest::sample::select(&["", "{", "}", "[", "]", "\"", ",", ":", "\\", "0", "-", "e", ".", " ", "\n", "\u{1}", "null", "é", "\"name\":"][..]),
        length in 0_usize..3,
    ) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        for text in [damaged(&text, at.index(text.len()), with, length), Some(text)].into_iter().flatten() {
            let (mine, theirs) = (scanned(&text), parsed(&text));
            if mine.is_some() {
                prop_assert_eq!(&mine, &theirs, "{}", text);
            }
            let skipped = read::<IgnoredAny>(Scanner::new(&text)).is_some();
            prop_assert_eq!(skipped, serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn any_text_is_judged_alike(text in "[{}\\[\\]\",:0-9a-z\\\\ .\n-]{0,20}") {
        let skipped = read::<IgnoredAny>(Scanner::new(&text)).is_some();
        prop_assert_eq!(skipped, serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
    }
}
