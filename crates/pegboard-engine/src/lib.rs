//! From observations to timelines, from timelines to report rows: pure.
