//! Files: records in a file, or in the files of a folder, as they are written.
//!
//! A file is a partition; its position is the number of bytes that are done with, of the plain content where it is
//! compressed. With `follow`, reading goes on at the end as the file grows, and new files of the folder are taken
//! up; without it, a file ends at its end. Compressed files are read once they are there, from beginning to end. A
//! file must only grow: one that shrinks was replaced, which is an error that names it. A file of a folder may be
//! taken away when it is read.

mod growing;
mod partition;
mod source;
#[cfg(test)]
mod tests;

pub use self::source::{Clock, FileSource, KIND};
