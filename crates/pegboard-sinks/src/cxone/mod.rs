//! NICE CXone WFM: agent states, agent activities, and the queue report with its three arrays.
