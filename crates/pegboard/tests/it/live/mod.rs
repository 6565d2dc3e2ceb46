//! The live hub, from a source to reports, feeds and dead letters, over a real store.

mod equals_replay;
