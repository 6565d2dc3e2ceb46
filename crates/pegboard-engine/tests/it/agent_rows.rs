//! `agent_interval`, the status table, and `group_interval`.

use pegboard_engine::agents::AgentReport;
use pegboard_engine::{StatusTable, StatusType};
use pegboard_model::policy::{GroupBy, ReadyTime};
use pegboard_model::report::{AgentInterval, GroupInterval};
use pegboard_model::{Millis, Status, StatusKind};

use crate::support::{at, columns, day, day_with_silence, grid, window};

fn report(from: &str, to: &str) -> AgentReport {
    AgentReport {
        source: "acd".into(),
        grid: grid(15, window(from, to)),
        known_until: at(to),
        statuses: StatusTable::default(),
        group_by: GroupBy::Team,
    }
}

fn agent_rows(script: &str, from: &str, to: &str) -> Vec<AgentInterval> {
    report(from, to).rows(&day(script).timeline).intervals
}

const CLASSES: &str = "login_s available_s ringing_s talk_s hold_s acw_s error_s aux_s unknown_s";
const STAFFING: &str = "staffed_s status_available_s status_unavailable_s";

const BUSY_QUARTER: &str = "09:00 Available team:Blue
    09:01 Available + c1 VOICE INBOUND CONNECTING
    09:01:10 Available + c1 VOICE INBOUND CONNECTED
    09:05 Available + c1 VOICE INBOUND CONNECTED_ONHOLD
    09:06 Available + c1 VOICE INBOUND CONNECTED
    09:08 Available + c1 VOICE INBOUND ENDED
    09:09:00.005 Available + c2 VOICE INBOUND MISSED
    09:10 Break
    09:12 LOGOUT";

#[test]
fn time_goes_where_it_belongs_to_the_millisecond() {
    let rows = agent_rows(BUSY_QUARTER, "09:00", "09:15");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        columns(&rows[0], CLASSES),
        "login_s=720 available_s=60 ringing_s=10 talk_s=350 hold_s=60 acw_s=60.005 error_s=59.995 aux_s=120 unknown_s=0"
    );
    assert_eq!(
        columns(&rows[0], "interval_start interval_s source agent_id agent_login agent_name team"),
        "interval_start=2026-03-02T09:00:00Z interval_s=900 source=acd agent_id=a1 agent_login=ann agent_name=Ann team=Blue"
    );
}

#[test]
fn ready_time_is_waiting_or_productive() {
    let row = &agent_rows(BUSY_QUARTER, "09:00", "09:15")[0];
    assert_eq!(row.ready(ReadyTime::Waiting), row.available_s);
    assert_eq!(row.ready(ReadyTime::Productive), Millis::new(720_000 - 120_000 - 59_995));
    assert_eq!(row.not_ready(), Millis::new(120_000 + 59_995));
}

#[test]
fn a_row_for_each_interval_with_time_signed_in_or_unknown_after_the_first_evidence() {
    let told = day_with_silence(
        "09:10 Available; 09:12 BEAT Available; 10:05 Offline; 12:00 LOGIN Offline; 12:31 Available; 12:33 LOGOUT",
    );
    let rows = report("08:00", "13:00").rows(&told.timeline).intervals;
    let shown: Vec<_> = rows.iter().map(|row| columns(row, "interval_start login_s unknown_s")).collect();
    assert_eq!(
        shown,
        [
            "interval_start=2026-03-02T09:00:00Z login_s=120 unknown_s=780",
            "interval_start=2026-03-02T09:15:00Z login_s=0 unknown_s=900",
            "interval_start=2026-03-02T09:30:00Z login_s=0 unknown_s=900",
            "interval_start=2026-03-02T09:45:00Z login_s=0 unknown_s=900",
            "interval_start=2026-03-02T10:00:00Z login_s=0 unknown_s=300",
            "interval_start=2026-03-02T12:30:00Z login_s=120 unknown_s=0",
        ],
        "in the first, 600 s before the first evidence and 180 s of silence; none for time that is signed out"
    );
}

#[test]
fn an_open_state_lasts_to_the_end_of_the_window_and_the_window_cuts_intervals() {
    let rows = agent_rows("09:00 Available", "09:10", "09:35");
    let shown: Vec<_> = rows.iter().map(|row| columns(row, "interval_start interval_s login_s")).collect();
    assert_eq!(
        shown,
        [
            "interval_start=2026-03-02T09:10:00Z interval_s=300 login_s=300",
            "interval_start=2026-03-02T09:15:00Z interval_s=900 login_s=900",
            "interval_start=2026-03-02T09:30:00Z interval_s=300 login_s=300",
        ]
    );
}

#[test]
fn a_row_shows_the_last_team_of_its_interval() {
    let rows = agent_rows(
        "09:00 Available team:Blue; 09:10 Available team:Red; 09:20 Available team:Green",
        "09:00",
        "09:30",
    );
    assert_eq!(&*rows[0].team, "Red");
    assert_eq!(&*rows[1].team, "Green");
    let after_logout =
        agent_rows("09:00 Available team:Blue; 09:10 LOGOUT; 09:12 Offline team:Red", "09:00", "09:15");
    assert_eq!(&*after_logout[0].team, "Red", "also where the agent is signed out");
}

fn table(rows: &[(&str, StatusType)]) -> StatusTable {
    let mut table = StatusTable::default();
    for (name, kind) in rows {
        table.set(name, *kind);
    }
    table
}

fn staffing(script: &str, statuses: StatusTable) -> String {
    let report = AgentReport { statuses, ..report("09:00", "09:15") };
    let rows = report.rows(&day(script).timeline).intervals;
    rows.first().map_or_else(String::new, |row| columns(row, STAFFING))
}

#[test]
fn without_a_row_routable_is_a_offline_is_0_and_anything_else_is_1() {
    let script = "09:00 Available; 09:05 Break; 09:12 Offline";
    assert_eq!(
        staffing(script, StatusTable::default()),
        "staffed_s=720 status_available_s=300 status_unavailable_s=420"
    );
}

#[test]
fn types_a_p_and_1_are_staffed_and_only_a_is_available() {
    let script = "09:00 Available; 09:02 Mail; 09:04 Training; 09:06 Lunch; 09:10 Offline";
    let statuses = table(&[
        ("Available", StatusType::SignedIn),
        ("Mail", StatusType::Available),
        ("Training", StatusType::Productive),
        ("Lunch", StatusType::SignedOut),
    ]);
    assert_eq!(staffing(script, statuses), "staffed_s=360 status_available_s=120 status_unavailable_s=240");
}

#[test]
fn a_status_is_matched_by_name_ignoring_case_and_outer_blanks_or_by_its_id() {
    let of = |name: &str, id: Option<&str>, rows: &[(&str, StatusType)]| {
        let status = Status { id: id.map(Into::into), name: name.into(), kind: StatusKind::Aux };
        table(rows).type_of(&status)
    };
    let productive = |row: &'static str| [(row, StatusType::Productive)];
    assert_eq!(of("Deep Work", None, &productive("  deep WORK ")), StatusType::Productive);
    assert_eq!(of(" Ärztin ", None, &productive("ÄRZTIN")), StatusType::Productive);
    assert_eq!(of("Deep  Work", None, &productive("deep work")), StatusType::SignedIn, "inner blanks count");
    assert_eq!(of("Break", Some("17"), &productive("17")), StatusType::Productive);
    assert_eq!(of("Break", Some("17"), &productive("18")), StatusType::SignedIn);
    let both = [("17", StatusType::Productive), ("break", StatusType::SignedOut)];
    assert_eq!(of("Break", Some("17"), &both), StatusType::SignedOut, "the name before the id");
    let twice = [("break", StatusType::Productive), ("BREAK", StatusType::SignedOut)];
    assert_eq!(of("Break", None, &twice), StatusType::SignedOut, "the later row counts");
}

#[test]
fn the_types_have_their_letters() {
    let parsed = ["A", "P", "1", "0", " a ", "p"].map(StatusType::parse);
    let kinds = [StatusType::Available, StatusType::Productive, StatusType::SignedIn, StatusType::SignedOut];
    assert_eq!(parsed, [kinds[0], kinds[1], kinds[2], kinds[3], kinds[0], kinds[1]].map(Some));
    assert_eq!(["", "2", "AP", "available"].map(StatusType::parse), [None; 4]);
}

#[test]
fn contact_work_counts_as_the_status_it_happens_in_and_0_becomes_p() {
    let call = "+ c1 VOICE OUTBOUND CONNECTED";
    let in_status = |status: &str| format!("09:00 {status} {call}; 09:05 LOGOUT");
    assert_eq!(
        staffing(&in_status("Available"), StatusTable::default()),
        "staffed_s=300 status_available_s=300 status_unavailable_s=0"
    );
    assert_eq!(
        staffing(&in_status("Break"), StatusTable::default()),
        "staffed_s=300 status_available_s=0 status_unavailable_s=300"
    );
    assert_eq!(
        staffing(&in_status("Offline"), StatusTable::default()),
        "staffed_s=300 status_available_s=0 status_unavailable_s=300"
    );
    let lunch = table(&[("Lunch", StatusType::SignedOut)]);
    assert_eq!(
        staffing(&in_status("Lunch"), lunch.clone()),
        "staffed_s=300 status_available_s=0 status_unavailable_s=300"
    );
    assert_eq!(
        staffing("09:00 Lunch; 09:05 LOGOUT", lunch),
        "staffed_s=0 status_available_s=0 status_unavailable_s=0"
    );
}

#[test]
fn after_a_sign_out_nothing_is_staffed_whatever_status_was_left() {
    let statuses = table(&[("Offline", StatusType::Productive)]);
    let script = "09:00 Available; 09:05 LOGOUT Available; 09:10 Offline";
    assert_eq!(staffing(script, statuses), "staffed_s=300 status_available_s=300 status_unavailable_s=0");
}

#[test]
fn unknown_time_is_not_staffed_whatever_the_status() {
    let script = "09:00 Available + c1 VOICE INBOUND DREAMING; 09:05 Available; 09:10 Offline";
    let shown = staffing(script, StatusTable::default());
    assert_eq!(shown, "staffed_s=300 status_available_s=300 status_unavailable_s=0");
}

fn group_rows(report: &AgentReport, scripts: &[&str]) -> Vec<GroupInterval> {
    let parts: Vec<_> = scripts.iter().flat_map(|script| report.rows(&day(script).timeline).groups).collect();
    report.group_rows(&parts)
}

const POSITIONS: &str = "group aps staffed_s status_available_s status_unavailable_s agents";

#[test]
fn average_positions_staffed_of_a_group() {
    let scripts = [
        "09:00 Available team:Blue; 09:10 Break; 09:15 LOGOUT",
        "09:00 Available team:Blue; 09:05 Available team:Red; 09:10 LOGOUT",
        "08:00 Offline team:Blue",
    ];
    let rows = group_rows(&report("09:00", "09:15"), &scripts);
    let shown: Vec<_> = rows.iter().map(|row| columns(row, POSITIONS)).collect();
    assert_eq!(
        shown,
        [
            "group=Blue aps=1.3333 staffed_s=1200 status_available_s=900 status_unavailable_s=300 agents=2",
            "group=Red aps=0.3333 staffed_s=300 status_available_s=300 status_unavailable_s=0 agents=1",
        ]
    );
    assert_eq!(
        columns(&rows[0], "interval_start interval_s source"),
        "interval_start=2026-03-02T09:00:00Z interval_s=900 source=acd"
    );
}

#[test]
fn positions_are_of_the_interval_as_the_window_cuts_it() {
    let rows = group_rows(&report("09:05", "09:10"), &["09:00 Available team:Blue"]);
    assert_eq!(columns(&rows[0], "interval_s aps"), "interval_s=300 aps=1");
}

#[test]
fn agents_are_distinct_and_only_with_staffed_time() {
    let back_and_forth =
        "09:00 Available team:Blue; 09:05 Available team:Red; 09:10 Available team:Blue; 09:12 LOGOUT";
    let rows = group_rows(&report("09:00", "09:15"), &[back_and_forth]);
    assert_eq!(columns(&rows[0], "group staffed_s agents"), "group=Blue staffed_s=420 agents=1");
    let unstaffed =
        AgentReport { statuses: table(&[("Lunch", StatusType::SignedOut)]), ..report("09:00", "09:15") };
    let rows = group_rows(&unstaffed, &["09:00 Lunch team:Blue", "09:00 Available team:Blue"]);
    assert_eq!(columns(&rows[0], "staffed_s agents"), "staffed_s=900 agents=1");
}

#[test]
fn a_group_is_a_team_or_any_level_or_the_routing_profile() {
    let script = "09:00 Available team:Blue level1:North level5:Desk routing:Sales";
    for (group_by, group) in [
        (GroupBy::Team, "Blue"),
        (GroupBy::Level1, "North"),
        (GroupBy::Level5, "Desk"),
        (GroupBy::RoutingProfile, "Sales"),
        (GroupBy::Level2, ""),
    ] {
        let rows = group_rows(&AgentReport { group_by, ..report("09:00", "09:15") }, &[script]);
        assert_eq!(&*rows[0].group, group, "{group_by}");
    }
}
