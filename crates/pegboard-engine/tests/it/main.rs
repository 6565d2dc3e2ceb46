//! What the engine must hold to: the reports contract and the timeline rules, sentence by sentence (scenarios), and
//! the laws that hold for every history (properties).

mod support;

mod activities;
mod agent_rows;
mod classes;
mod cuts;
mod daily;
mod entities;
mod order;
mod queues;
mod segment_rows;
mod sessions;
mod sign_in_out;
mod silence;
mod starts;
mod windows;

mod generate;
mod laws_of_contacts;
mod laws_of_order;
mod laws_of_snapshots;
mod laws_of_time;
