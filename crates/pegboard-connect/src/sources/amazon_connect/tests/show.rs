//! Decoded records as text for people, each field of the model in it.

use std::fmt::Write;

use pegboard_model::{AgentContact, ContactLeg, Millis, Observation, Snapshot, Timestamp, What};

use super::Decoded;

pub(super) fn show(all: &[Decoded]) -> String {
    let mut out = String::new();
    for decoded in all {
        match decoded {
            Decoded::Agent(observation) => show_observation(&mut out, observation),
            Decoded::Contact(leg) => show_leg(&mut out, leg),
            Decoded::Told { .. } => panic!("Amazon Connect tells nothing piece by piece"),
            Decoded::Foreign => out.push_str("foreign\n"),
        }
    }
    out
}

fn show_observation(out: &mut String, observation: &Observation) {
    let Observation { agent, at, order, id, what } = observation;
    let (what, snapshot) = match what {
        What::Snapshot(snapshot) => ("snapshot", Some(snapshot)),
        What::Confirmation(snapshot) => ("confirmation", Some(snapshot)),
        What::SignIn(snapshot) => ("sign-in", Some(snapshot)),
        What::SignOut(snapshot) => ("sign-out", snapshot.as_ref()),
        other => panic!("an agent event says nothing like {other:?}"),
    };
    writeln!(out, "{} {at} {what} agent={agent} id={id}", order.position).unwrap();
    if let Some(snapshot) = snapshot {
        show_snapshot(out, snapshot);
    }
}

fn show_snapshot(out: &mut String, snapshot: &Snapshot) {
    let Snapshot { status, status_since, contacts, profile } = snapshot;
    let id = status.id.as_ref().map_or("none", |id| id.as_str());
    writeln!(out, "  status {:?} {:?} id={id} since {}", status.name, status.kind, show_time(*status_since))
        .unwrap();
    if let Some(profile) = profile {
        writeln!(
            out,
            "  profile login={:?} name={:?} team={:?} levels={:?} routing={:?}",
            profile.login, profile.name, profile.team, profile.levels, profile.routing_profile
        )
        .unwrap();
    }
    for contact in contacts {
        show_contact(out, contact);
    }
}

fn show_contact(out: &mut String, contact: &AgentContact) {
    let AgentContact { id, channel, initiation, outbound, monitored, phase, phase_text, since, queue } =
        contact;
    write!(
        out,
        "  contact {id} {channel:?} {initiation} {phase:?} ({phase_text}) since {}",
        show_time(*since)
    )
    .unwrap();
    for (flag, name) in [(outbound, " outbound"), (monitored, " monitored")] {
        out.push_str(if *flag { name } else { "" });
    }
    if let Some(queue) = queue {
        write!(out, " queue={}/{:?}{}", queue.id, queue.name, if queue.personal { " personal" } else { "" })
            .unwrap();
    }
    out.push('\n');
}

fn show_leg(out: &mut String, leg: &ContactLeg) {
    let ContactLeg {
        id, version, channel, initiation, direction, monitored, queue, agent, disconnected, ..
    } = leg;
    write!(out, "{id} {channel:?} {initiation} {} ended {}", direction.as_str(), show_time(*disconnected))
        .unwrap();
    let flags =
        [(*monitored, " monitored"), (leg.handed_on, " handed-on"), (leg.transferred_in, " transferred-in")];
    for (flag, name) in flags {
        out.push_str(if flag { name } else { "" });
    }
    writeln!(out, " updated {} {:016x}", version.updated, version.content).unwrap();
    if let Some(stay) = queue {
        let personal = if stay.queue.personal { " personal" } else { "" };
        writeln!(
            out,
            "  queue {}/{:?}{personal} entered {} waited {} rang {}",
            stay.queue.id,
            stay.queue.name,
            show_time(stay.entered),
            show_span(stay.waited),
            show_span(stay.rang)
        )
        .unwrap();
    }
    if let Some(agent) = agent {
        writeln!(
            out,
            "  agent {}/{:?} connected {} talk {} hold {} acw {} until {}{}",
            agent.agent,
            agent.login,
            show_time(agent.connected),
            agent.talk,
            agent.hold,
            agent.acw,
            show_time(agent.acw_end),
            if agent.passed_on { " passed-on" } else { "" }
        )
        .unwrap();
    }
}

fn show_time(time: Option<Timestamp>) -> String {
    time.map_or("never".to_owned(), |time| time.to_string())
}

fn show_span(span: Option<Millis>) -> String {
    span.map_or("unknown".to_owned(), |span| span.to_string())
}
