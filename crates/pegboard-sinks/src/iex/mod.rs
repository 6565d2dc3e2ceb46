//! NICE IEX: interval files and contact history.
