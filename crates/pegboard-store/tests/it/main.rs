//! What a store has to do, and what the embedded one does besides.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod backup;
mod damage;
mod disks;
mod erasure;
mod faults;
mod home;
mod kill;
mod postgres;
mod power;
mod retention;
mod sample;
mod suite;

use home::{PostgresHome, SqliteHome};

/// Runs tests of the suite on every store, each with a store of its own.
macro_rules! on_every_store {
    ($($part:ident::$test:ident,)*) => {
        mod on_sqlite {
            use super::{SqliteHome, suite};

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                suite::$part::$test(&SqliteHome::new()).await;
            })*
        }

        mod on_postgres {
            use super::{PostgresHome, suite};

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let Some(home) = PostgresHome::new() else { return };
                suite::$part::$test(&home).await;
            })*
        }
    };
}

on_every_store! {
    ingest::a_batch_is_all_there_after_a_restart,
    ingest::a_partition_adds_up_its_batches,
    ingest::the_watermark_never_goes_back,
    ingest::an_earlier_owner_is_refused_and_writes_nothing,
    ingest::a_batch_for_another_position_is_refused_and_writes_nothing,
    ingest::a_partition_that_nobody_took_is_refused,
    ingest::two_owners_race_and_one_chain_of_positions_remains,
    ingest::a_child_begins_only_after_its_parents,
    ingest::a_base_stands_for_the_evidence_that_it_replaces,
    ingest::a_second_copy_of_evidence_changes_nothing,
    ingest::the_newest_version_of_a_contact_wins_in_any_order,
    ingest::a_timeline_is_replaced_from_an_instant_on,
    ingest::a_stretch_of_a_timeline_is_replaced_and_what_follows_stays,
    ingest::a_sign_in_stands_before_the_segment_that_shares_its_start,
    ingest::segments_that_touch_a_window_are_found,
    ingest::r28_dead_letters_come_newest_first_and_cut,
    ingest::gaps_come_newest_first,
    ingest::a_queue_keeps_all_its_names_and_when_it_was_called_so,
    feeds::numbers_have_no_gaps_under_concurrent_partitions,
    feeds::snapshot_and_feed_show_every_change_once,
    feeds::r28_a_page_is_fair_and_bounded,
    feeds::a_cursor_that_does_not_fit_is_refused,
    feeds::sources_are_kept_apart,
    closing::a_row_is_revised_only_if_it_differs,
    closing::a_row_that_is_gone_is_told_and_can_come_back,
    closing::an_earlier_closer_is_refused_and_writes_nothing,
    closing::a_row_that_is_no_json_is_refused_with_all_of_its_closing,
    closing::closed_until_never_goes_back,
    closing::rows_of_agents_and_of_contacts_are_closed_apart,
    closing::marks_are_merged,
    closing::an_answer_removes_a_mark_unless_it_changed,
    closing::what_changes_behind_an_announced_closing_is_marked_and_nothing_else,
    closing::a_contact_marks_where_it_was_and_where_it_is,
    closing::wherever_a_batch_comes_in_its_change_is_seen_or_marked,
    reload::a_day_is_wholly_old_until_it_is_swapped_and_wholly_new_from_then_on,
    reload::what_was_set_aside_and_not_swapped_is_dropped_without_a_trace,
    reload::a_reload_of_another_epoch_is_refused,
    reload::a_reload_waits_runs_and_can_be_ended,
    acd::a_row_of_the_acd_is_revised_only_if_it_differs,
    acd::what_an_older_file_tells_changes_nothing,
    acd::a_batch_that_is_refused_writes_no_row_of_the_acd,
    acd::every_revision_of_a_row_is_told,
    delivery::every_sink_that_was_delivered_to_is_listed,
    delivery::a_unit_waits_until_its_newest_revision_is_acknowledged,
    delivery::what_fails_is_due_after_its_pause_and_a_change_does_not_shorten_it,
    delivery::what_is_parked_waits_for_a_person_or_a_change,
    delivery::an_earlier_deliverer_is_refused_and_writes_nothing,
    delivery::cursors_and_refused_states_are_kept,
    delivery::a_whole_picture_is_held_back_until_it_is_released_or_it_is_over,
    delivery::what_a_sink_was_told_of_agents_and_sources_is_kept,
    delivery::the_ledger_counts_and_pages_what_there_is,
    delivery::units_are_chosen_by_report_state_reason_and_interval,
    delivery::what_is_sent_again_is_a_new_revision,
    mapping::a_table_has_versions_and_of_two_that_follow_one_the_first_is_written,
    mapping::a_table_that_is_given_back_has_no_content,
    mapping::r28_ten_versions_of_a_table_are_kept,
    alarms::one_alarm_about_the_same_is_open_and_the_next_time_is_another,
    alarms::alarms_are_asked_for_by_source_by_page_and_by_whether_they_are_open,
    alarms::notice_is_taken_of_what_is_open_and_a_silence_is_of_what_comes_back,
    alarms::what_an_outlet_was_told_is_kept_for_each,
    alarms::r28_alarms_that_are_over_are_kept_for_400_days,
    contact_events::events_of_contacts_are_kept_once_and_with_their_batch,
    contact_events::events_of_a_contact_that_others_were_faster_with_are_refused,
    intake::what_was_handed_in_is_read_in_order_until_it_is_let_go_of,
    intake::a_key_that_comes_again_keeps_nothing_and_has_the_same_answer,
    intake::r28_a_lane_that_is_full_keeps_nothing_more,
    intake::what_is_handed_in_at_once_has_numbers_without_a_gap,
    delivery::what_no_row_names_is_counted_until_it_is_forgotten,
    delivery::r28_ten_thousand_names_of_a_sink_are_kept,
    dead_letters::a_letter_is_tried_again_and_ends,
    nodes::who_beats_is_on_the_roll_and_what_it_holds,
    nodes::one_node_holds_a_lease_until_it_lets_go,
    nodes::what_a_dead_node_held_is_free_and_a_dead_node_takes_nothing,
    nodes::an_agent_that_another_wrote_meanwhile_fails_the_batch,
    nodes::agents_come_by_pages_of_their_ids,
    nodes::a_source_tells_how_it_stands,
    leaving::who_left_is_removed_with_all_that_is_left_of_him,
    leaving::who_was_written_meanwhile_or_has_a_mark_stays,
    leaving::what_was_derived_from_an_agent_who_left_is_refused,
    access::a_token_is_found_by_its_hash_until_it_is_revoked,
    access::a_second_token_with_the_same_hash_is_refused,
    audit::s37_entries_are_chained_in_the_order_in_which_they_were_written,
    audit::s37_the_log_goes_on_after_a_restart,
    audit::s37_entries_are_kept_for_400_days,
    retention::r28_details_go_after_62_days_and_rows_stay,
    retention::details_that_are_not_closed_yet_stay_however_old,
    retention::nothing_is_derived_again_of_which_the_details_are_gone,
    archive::steps_wait_by_partition_and_hour_until_they_are_written,
    archive::a_batch_that_is_refused_leaves_nothing,
    archive::steps_that_come_later_are_a_file_of_their_own,
    erasure::an_erasure_waits_runs_and_ends,
    erasure::r28_erasures_that_are_over_are_kept_for_400_days,
    erasure::every_row_is_shown_and_changed_as_it_is_told,
    erasure::what_another_changed_meanwhile_stays_and_so_does_what_has_the_new_key,
    events::events_of_a_source_have_one_order_and_come_as_they_were,
    events::a_batch_that_is_refused_leaves_no_events,
    events::r28_a_page_of_events_has_8_mib,
    events::r28_events_go_after_24_hours_or_beyond_4_gib,
    events::how_far_a_sink_has_taken_events_is_kept_under_its_epoch,
    upkeep::what_was_handed_in_before_the_end_is_kept,
    upkeep::a_store_that_was_shut_down_says_so,
    upkeep::r28_a_sweep_keeps_what_it_promises,
    upkeep::r28_feeds_and_dead_letters_are_bounded_by_number,
}
