//! A table beside the configuration, as a spreadsheet saves it.

use pegboard::config::{queue_settings, statuses};

use super::scratch::Scratch;

thread_local! {
    static FILE: Scratch = Scratch::new("table.csv");
}

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let statuses = "StateName,StateType\nAvailable,A\n\"Lunch, late\",0\nBreak,1\n";
    let queues = "queue,service_level_s,short_abandon_s\nSales,20,5\n\"Support, EN\",12.5,0.005\n";
    [statuses, queues].map(Vec::from).into()
}

/// Whatever it is taken for, every fault has its words.
pub(crate) fn take(bytes: &[u8]) {
    FILE.with(|file| {
        let path = file.holding(bytes);
        let told = [statuses::read(path).err(), queue_settings::read(path).err()];
        assert!(told.into_iter().flatten().all(|errors| !errors.to_string().trim().is_empty()));
    });
}
