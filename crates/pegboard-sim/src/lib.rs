//! A simulated contact centre with known truth.
