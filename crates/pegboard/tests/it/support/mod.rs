//! What the tests share.

pub(crate) mod clock;
pub(crate) mod compare;
pub(crate) mod day;
pub(crate) mod live;
pub(crate) mod replayed;
pub(crate) mod script;
