//! What the tests share.

pub(crate) mod archiving;
pub(crate) mod binary;
pub(crate) mod bucket;
pub(crate) mod clock;
pub(crate) mod compare;
pub(crate) mod day;
pub(crate) mod event;
pub(crate) mod feeding;
pub(crate) mod live;
#[allow(dead_code, reason = "some of its faults are for the tests of the reader itself")]
#[path = "../../../../pegboard-aws/tests/it/proxy.rs"]
pub(crate) mod proxy;
pub(crate) mod repairs;
pub(crate) mod replayed;
pub(crate) mod script;
pub(crate) mod serving;
pub(crate) mod stream;
