//! The program is killed while it delivers over a bad line; what the WFM has in the end is what it would have if nobody had killed
//! it.

use std::collections::BTreeSet;
use std::time::Duration;

use pegboard_sinks::Changes;

use super::hub::{self, Folder};
use super::input::Input;
use super::wfm::Expected;
use super::{KILLS, KILLS_BEFORE_LATE, Point, kill_at, next};

/// What goes wrong on the line follows from it.
const SEED: u64 = 71;

/// Before there is anything to deliver.
const EMPTY: [Point; 4] = [
    ("deliver.before_take", 1),
    ("deliver.taken", 1),
    ("deliver.states_before_note", 1),
    ("deliver.states_after_note", 1),
];

/// While what is closed is put into the ledger, which happens once.
const LISTING: [Point; 1] = [("deliver.rows_listed", 1)];

/// Before anything is corrected.
const DELIVERING: [Point; 11] = [
    ("deliver.states_before_note", 1),
    ("deliver.states_after_note", 1),
    ("deliver.before_send", 3),
    ("deliver.after_send", 2),
    ("deliver.rows_before_note", 1),
    ("deliver.rows_after_note", 1),
    ("deliveries.before", 2),
    ("deliveries.after", 2),
    ("deliver.rows_before_note", 3),
    ("deliver.taken", 1),
    ("deliver.after_send", 4),
];

/// For how long a point is waited for: over a bad line everything may be delivered by then, or wait for its next try.
const ENOUGH: Duration = Duration::from_secs(8);

/// At how many of the points while something is delivered or corrected it dies at least.
const ENOUGH_POINTS: usize = 2;

/// The longest that the program runs before it is killed at random: most of it is not delivered by then.
const LONGEST: Duration = Duration::from_secs(2);

/// While corrections are sent.
const CORRECTING: [Point; 4] = [
    ("deliver.corrected", 1),
    ("deliver.before_send", 2),
    ("deliver.after_send", 1),
    ("deliver.rows_after_note", 1),
];

fn survives_a_kill_at_every_step(folder: &Folder, changes: Changes) {
    let input = Input::shift();
    let expected = Expected::of(&input);
    let wfm = expected.begin(folder, changes, SEED);
    kill_at(folder, &EMPTY);
    input.write_records(folder.path());
    wfm.takes_no_states();
    kill_at(folder, &LISTING);
    wfm.has_a_bad_line(SEED);
    let mut died = kill_at_some(folder, &DELIVERING);
    // What has not been delivered cannot be corrected.
    wfm.has_everything(folder, input.records());
    wfm.has_a_bad_line(SEED);
    input.write_late(folder.path());
    died += kill_at_some(folder, &CORRECTING);
    assert!(died > ENOUGH_POINTS, "only {died} points were reached");
    wfm.forgets_tokens();
    wfm.has_everything(folder, input.all_records());
    expected.assert_arrived(folder, &wfm, EMPTY.len() + LISTING.len() + DELIVERING.len() + CORRECTING.len());
    assert!(wfm.repeated() > 0, "what had arrived before a death came again, under its key");
}

/// Has the program die at the points, as far as anything is left to be done there; answers at how many it did.
fn kill_at_some(folder: &Folder, points: &[Point]) -> usize {
    points.iter().filter(|(name, hit)| folder.kill_at_or_after(name, *hit, ENOUGH)).count()
}

#[test]
fn r15_r17_r21_a_kill_at_every_step_of_delivery_costs_nothing() {
    survives_a_kill_at_every_step(&Folder::new(), Changes::Every);
}

#[test]
fn r15_r17_r21_a_kill_at_every_step_of_delivery_costs_nothing_on_postgres() {
    if let Some(folder) = Folder::on_postgres() {
        survives_a_kill_at_every_step(&folder, Changes::Latest);
    }
}

#[test]
fn r15_r17_r21_kills_at_random_moments_of_delivery_cost_nothing() {
    kill_at_random_moments(Folder::new, [Changes::Latest, Changes::Every]);
}

#[test]
fn r15_r17_r21_kills_at_random_moments_of_delivery_cost_nothing_on_postgres() {
    if Folder::on_postgres().is_some() {
        kill_at_random_moments(|| Folder::on_postgres().unwrap(), [Changes::Every, Changes::Latest]);
    }
}

fn kill_at_random_moments(make: impl Fn() -> Folder, changes: [Changes; 2]) {
    let stores = hub::soak_kills().map_or(1, |kills| kills.div_ceil(KILLS));
    let seed = hub::seed();
    eprintln!("{KILLS} random kills of each of {stores} stores; PEGBOARD_SEED={seed} gives the same again");
    let input = Input::shift();
    let expected = Expected::of(&input);
    let longest = u64::try_from(LONGEST.as_micros()).unwrap();
    let mut random = seed;
    let mut moments = BTreeSet::new();
    for (changes, store) in changes.into_iter().cycle().zip(1..=stores) {
        let folder = make();
        let wfm = expected.begin(&folder, changes, next(&mut random));
        // The sink is known from before the first record on, so that all of the feed is delivered.
        kill_at(&folder, &[("deliver.states_after_note", 1)]);
        input.write_records(folder.path());
        for kill in 0..KILLS {
            if kill == KILLS_BEFORE_LATE {
                wfm.has_everything(&folder, input.records());
                wfm.has_a_bad_line(next(&mut random));
                input.write_late(folder.path());
            }
            folder.kill_after(Duration::from_micros(next(&mut random) % longest));
            moments.insert(wfm.taken());
            if kill.is_multiple_of(5) {
                wfm.forgets_tokens();
            }
        }
        wfm.has_everything(&folder, input.all_records());
        expected.assert_arrived(&folder, &wfm, usize::try_from(KILLS).unwrap());
        eprintln!(
            "{} kills of delivery on {}, {changes:?}: everything arrived",
            store * KILLS,
            folder.store_kind()
        );
    }
    eprintln!("taken by the WFM when the program was killed: {moments:?}");
    assert!(moments.len() > 3, "all kills hit the same few moments: {moments:?}");
}
