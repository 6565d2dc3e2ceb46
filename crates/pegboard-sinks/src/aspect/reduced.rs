//! The event as the adherence product reads it: the original, compacted, without what it has no use for.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in their order, each with its value as it stands.
struct Members<'a>(Vec<(String, &'a RawValue)>);

/// The JSON text `event` without blanks outside of texts, without `PreviousAgentSnapshot`, and without
/// `CurrentAgentSnapshot.Configuration.RoutingProfile`. Nothing else is changed: the order of members, the spelling of texts and of numbers
/// stay.
pub(super) fn reduce(event: &str) -> serde_json::Result<String> {
    let mut out = String::with_capacity(event.len() / 2);
    put_object(event, Place::Event, &mut out)?;
    Ok(out)
}

/// Where in an event something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Event,
    Snapshot,
    Configuration,
    Elsewhere,
}

impl Place {
    /// The place of a member of what stands here; nothing for one that is left out.
    fn of_member(self, name: &str) -> Option<Self> {
        match (self, name) {
            (Self::Event, "PreviousAgentSnapshot") | (Self::Configuration, "RoutingProfile") => None,
            (Self::Event, "CurrentAgentSnapshot") => Some(Self::Snapshot),
            (Self::Snapshot, "Configuration") => Some(Self::Configuration),
            _ => Some(Self::Elsewhere),
        }
    }
}

fn put_object(object: &str, place: Place, out: &mut String) -> serde_json::Result<()> {
    let Members(members) = serde_json::from_str(object)?;
    out.push('{');
    let kept = members.iter().filter_map(|(name, value)| Some((name, value.get(), place.of_member(name)?)));
    for (index, (name, value, place)) in kept.enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(name)?);
        out.push(':');
        if place == Place::Elsewhere || !value.starts_with('{') {
            put_compact(value, out);
        } else {
            put_object(value, place, out)?;
        }
    }
    out.push('}');
    Ok(())
}

/// Adds valid JSON without the blanks outside of texts.
fn put_compact(json: &str, out: &mut String) {
    let (mut in_text, mut escaped) = (false, false);
    out.extend(json.chars().filter(|char| {
        if in_text {
            in_text = *char != '"' || escaped;
            escaped = *char == '\\' && !escaped;
            return true;
        }
        in_text = *char == '"';
        !char.is_ascii_whitespace()
    }));
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_the_two_members_and_the_blanks_go() {
        let event = r#" { "Version" : "2017-10-01",
            "PreviousAgentSnapshot" : { "a" : 1 },
            "CurrentAgentSnapshot":{"Configuration": {"Username":"a\" }\\","RoutingProfile":{"Name":"P"}, "FirstName" : "\u00e9 é\/"},
                "RoutingProfile": 1.50, "Contacts":[ ], "NextAgentStatus" : null },
            "RoutingProfile" : [ 1e3 , true ] , "AgentARN":"x" } "#;
        let expected = r#"{"Version":"2017-10-01","CurrentAgentSnapshot":{"Configuration":{"Username":"a\" }\\","FirstName":"\u00e9 é\/"},"RoutingProfile":1.50,"Contacts":[],"NextAgentStatus":null},"RoutingProfile":[1e3,true],"AgentARN":"x"}"#;
        assert_eq!(reduce(event).unwrap(), expected);
    }

    #[test]
    fn what_has_another_shape_stays() {
        for same in [
            "{}",
            r#"{"CurrentAgentSnapshot":null}"#,
            r#"{"CurrentAgentSnapshot":{"Configuration":[{"RoutingProfile":1}]}}"#,
        ] {
            assert_eq!(reduce(same).unwrap(), same);
        }
        assert_eq!(reduce(r#"{"PreviousAgentSnapshot":null}"#).unwrap(), "{}");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\ {}\\[\\],:\n\té]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z\" ]{0,4}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_it_was(kept in any_json(), gone in any_json(), pretty: bool) {
            let event = |with: bool| {
                let mut event = json!({ "A": kept, "CurrentAgentSnapshot": { "Configuration": { "B": kept }, "C": kept } });
                if with {
                    event["PreviousAgentSnapshot"] = gone.clone();
                    event["CurrentAgentSnapshot"]["Configuration"]["RoutingProfile"] = gone.clone();
                }
                event
            };
            let whole = event(true);
            let text = if pretty { serde_json::to_string_pretty(&whole) } else { serde_json::to_string(&whole) };
            prop_assert_eq!(reduce(&text.unwrap()).unwrap(), event(false).to_string());
        }
    }
}
