//! The file that `pegboard init` writes.

/// A commented `pegboard.toml` that is valid as it stands and shows every key.
pub const fn template() -> &'static str {
    include_str!("template.toml")
}
