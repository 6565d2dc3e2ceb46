//! Whatever somebody writes into a query, a cursor, a body or a configuration: an answer, and never a panic.
//!
//! Each target is a file of its own with its corpus; `fuzz/` of the repository hands the very same to libFuzzer.

mod asked;
mod bodies;
mod configurations;
mod cursors;
mod queries;
mod scratch;
mod tables;

use crate::mutate::fuzz;

#[test]
fn s35_cursors_are_hostile_and_read_back_as_they_were_written() {
    fuzz("cursors", &cursors::corpus(), cursors::take);
}

#[test]
fn s35_query_strings_are_hostile() {
    fuzz("query strings", &queries::corpus(), queries::take);
}

#[test]
fn s35_bodies_are_hostile() {
    fuzz("bodies", &bodies::corpus(), bodies::take);
}

#[test]
fn s35_configurations_are_hostile_and_every_fault_has_its_words() {
    fuzz("configurations", &configurations::corpus(), configurations::take);
}

#[test]
fn s35_tables_of_statuses_and_queues_are_hostile() {
    fuzz("tables", &tables::corpus(), tables::take);
}
