//! In which class an agent is: the nine classes, and which of several contacts decides.

use pegboard_engine::TimelinePolicy;
use pegboard_model::Class;
use pegboard_model::policy::Precedence;

use crate::support::{Day, day, day_by};

/// The class while the agent is Available with these contacts.
fn class_with(contacts: &str) -> Class {
    class_in(&day(&format!("09:00 Available {contacts}")))
}

/// The same by the platform's own precedence.
fn class_with_aws(contacts: &str) -> Class {
    let policy = TimelinePolicy { precedence: Precedence::Aws, silence: None };
    class_in(&day_by(&format!("09:00 Available {contacts}"), &policy))
}

fn class_in(day: &Day) -> Class {
    day.state_at("09:00").expect("a state").class
}

#[test]
fn every_phase_of_a_contact_has_its_class() {
    let classes = [
        ("CONNECTED", Class::Talk),
        ("CONNECTED_ONHOLD", Class::Hold),
        ("PAUSED", Class::Hold),
        ("ENDED", Class::Acw),
        ("CONNECTING", Class::Ringing),
        ("INCOMING", Class::Ringing),
        ("PENDING", Class::Ringing),
        ("MISSED", Class::Error),
        ("REJECTED", Class::Error),
        ("ERROR", Class::Error),
        ("DREAMING", Class::Unknown),
    ];
    for (phase, class) in classes {
        assert_eq!(class_with(&format!("+ c1 VOICE INBOUND {phase}")), class, "{phase}");
        assert_eq!(class_with_aws(&format!("+ c1 VOICE INBOUND {phase}")), class, "{phase}, aws");
    }
}

#[test]
fn without_contacts_the_status_decides() {
    let told = day("09:00 Available; 09:10 Break; 09:20 Offline; 09:30 Ready/routable; 09:40 Home/offline");
    assert_eq!(
        told.classes(),
        "unknown, 09:00 available, 09:10 aux, 09:20 signed_out, 09:30 available, 09:40 signed_out"
    );
}

#[test]
fn all_nine_classes_occur_in_one_day() {
    let told = day("08:00 Offline
         09:00 Available
         09:05 Available + c1 VOICE INBOUND CONNECTING
         09:06 Available + c1 VOICE INBOUND CONNECTED
         09:07 Available + c1 VOICE INBOUND CONNECTED_ONHOLD
         09:08 Available + c1 VOICE INBOUND ENDED
         09:09 Available + c2 VOICE INBOUND MISSED
         09:10 Break");
    assert_eq!(
        told.classes(),
        "unknown, 08:00 signed_out, 09:00 available, 09:05 ringing, 09:06 talk, 09:07 hold, 09:08 acw, 09:09 error, \
         09:10 aux"
    );
}

#[test]
fn contacts_first_talk_then_hold_then_acw_then_ringing_then_error_then_what_is_not_known() {
    let ranked = ["CONNECTED", "CONNECTED_ONHOLD", "ENDED", "CONNECTING", "MISSED", "DREAMING"];
    for (rank, stronger) in ranked.iter().enumerate() {
        for weaker in &ranked[rank + 1..] {
            let stronger_class = class_with(&format!("+ c1 VOICE INBOUND {stronger}"));
            let both = [
                format!("+ c1 VOICE INBOUND {weaker} + c2 CHAT INBOUND {stronger}"),
                format!("+ c1 CHAT INBOUND {stronger} + c2 VOICE INBOUND {weaker}"),
            ];
            for contacts in both {
                assert_eq!(class_with(&contacts), stronger_class, "{contacts}");
            }
        }
    }
}

#[test]
fn amazon_ranks_errors_first_and_takes_talk_hold_and_dialling_for_one() {
    let ranked = ["ERROR", "MISSED", "REJECTED", "CONNECTED", "ENDED", "CONNECTING", "DREAMING"];
    for (rank, stronger) in ranked.iter().enumerate() {
        for weaker in &ranked[rank + 1..] {
            // The weaker one has been there for longer and has the smaller id: neither helps it.
            let policy = TimelinePolicy { precedence: Precedence::Aws, silence: None };
            let contacts = format!("+ c1 VOICE INBOUND {weaker} @08:00 + c2 CHAT INBOUND {stronger} @08:30");
            let told = day_by(&format!("09:00 Available {contacts}"), &policy);
            let decided = told.state_at("09:00").and_then(|state| state.contact.clone()).expect("a contact");
            assert_eq!(&*decided.phase_text, *stronger, "{contacts}");
        }
    }
    for (longest, class) in
        [("CONNECTED", Class::Talk), ("CONNECTED_ONHOLD", Class::Hold), ("PAUSED", Class::Hold)]
    {
        let other = if longest == "CONNECTED" { "CONNECTED_ONHOLD" } else { "CONNECTED" };
        let contacts = format!("+ c1 CHAT INBOUND {other} @08:40 + c2 CHAT INBOUND {longest} @08:20");
        assert_eq!(class_with_aws(&contacts), class, "on contact: the longest decides, {contacts}");
    }
    let dialling = "+ c1 CHAT INBOUND CONNECTED @08:40 + c2 VOICE OUTBOUND CONNECTING @08:20";
    assert_eq!(class_with_aws(dialling), Class::Ringing, "an outbound contact that rings is on contact");
    assert_eq!(class_with(dialling), Class::Talk);
}

#[test]
fn of_two_contacts_in_one_class_the_longer_one_decides_and_then_the_smaller_id() {
    let decides = |script: &str| {
        let told = day(script);
        let state = told.state_at("09:30").expect("a state");
        state.contact.as_ref().expect("a contact").id.to_string()
    };
    let later_second = "09:00 Available + c9 CHAT INBOUND CONNECTED
        09:01 Available + c1 CHAT INBOUND CONNECTED + c9 CHAT INBOUND CONNECTED";
    assert_eq!(decides(later_second), "c9");
    let together = "09:00 Available + c9 CHAT INBOUND CONNECTED + c1 CHAT INBOUND CONNECTED";
    assert_eq!(decides(together), "c1");
    // The platform's word orders them on the first evidence, and where it lies in the gap.
    let by_word = "09:00 Available + c1 CHAT INBOUND CONNECTED @08:59 + c9 CHAT INBOUND CONNECTED @08:58";
    assert_eq!(decides(by_word), "c9");
    let in_gap = "09:00 Available
        09:10 Available + c1 CHAT INBOUND CONNECTED @09:05 + c9 CHAT INBOUND CONNECTED @09:04";
    assert_eq!(decides(in_gap), "c9");
    let word_outside_gap = "09:00 Available
        09:10 Available + c1 CHAT INBOUND CONNECTED @08:30 + c9 CHAT INBOUND CONNECTED @08:20";
    assert_eq!(decides(word_outside_gap), "c1", "neither word is believed: both since 09:10");
}

#[test]
fn since_is_the_start_of_the_phase_and_not_of_the_call() {
    // c1 talks since 09:00, c2 since 09:02. c1 is held and taken back: since 09:06 now, though the platform repeats 09:00.
    let told = day("09:00 Available + c1 CHAT INBOUND CONNECTED @09:00
        09:02 Available + c1 CHAT INBOUND CONNECTED @09:00 + c2 CHAT INBOUND CONNECTED @09:02
        09:04 Available + c1 CHAT INBOUND CONNECTED_ONHOLD @09:00 + c2 CHAT INBOUND CONNECTED @09:02
        09:06 Available + c1 CHAT INBOUND CONNECTED @09:00 + c2 CHAT INBOUND CONNECTED @09:02");
    let deciding: Vec<_> = ["09:03", "09:05", "09:07"]
        .map(|time| {
            told.state_at(time).and_then(|state| state.contact.as_ref()).expect("a contact").id.to_string()
        })
        .into();
    assert_eq!(deciding, ["c1", "c2", "c2"]);
}

#[test]
fn monitored_contacts_never_decide() {
    let monitoring = "+ c1 VOICE MONITOR CONNECTED";
    assert_eq!(class_with(monitoring), Class::Available);
    assert_eq!(class_with_aws(monitoring), Class::Available);
    assert_eq!(class_with("+ c1 VOICE MONITOR CONNECTED + c2 VOICE INBOUND ENDED"), Class::Acw);
    assert_eq!(class_with("+ c1 VOICE INBOUND CONNECTED monitored"), Class::Available, "a barge");
}

#[test]
fn contact_work_outranks_every_status() {
    for status in ["Available", "Break", "Offline"] {
        let told =
            day(&format!("09:00 {status}; 09:05 {status} + c1 VOICE OUTBOUND CONNECTED; 09:10 {status}"));
        assert_eq!(told.state_at("09:05").map(|state| state.class), Some(Class::Talk), "{status}");
        assert_ne!(told.state_at("09:10").map(|state| state.class), Some(Class::Talk), "{status}");
    }
}

#[test]
fn a_phase_that_is_not_known_is_unknown_time_and_keeps_its_words() {
    let told = day("09:00 Available + c1 VOICE INBOUND DREAMING; 09:05 Available");
    assert_eq!(
        told.segments(),
        ["09:00-09:05 unknown VOICE-INBOUND-DREAMING (Available)", "09:05- available Available"]
    );
}
