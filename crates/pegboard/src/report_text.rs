//! Rows as text: CSV, JSON and NDJSON. Encodes, and computes nothing.
