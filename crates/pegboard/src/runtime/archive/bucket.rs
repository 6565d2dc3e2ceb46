//! Files of the archive in a bucket.

use pegboard_connect::archive::{ArchiveBucket, FileName, OBJECT_BYTES, Stored};
use pegboard_model::SourceName;
use pegboard_store::{ArchiveFile, ArchiveStep, Store, StoreError, failpoint};

use super::ArchiveFailure;

/// How many steps are taken from the store at once.
const STEPS: usize = 64;

/// Some steps of a file, one after the other: an object.
struct Object {
    steps: ArchiveFile,
    bytes: Vec<u8>,
}

/// Writes what one partition brought in one hour, object by object, and lets go of the steps of each when it is there; false if
/// somebody else does. Names follow from the steps: after a crash in between the same object is found there, or written again.
pub(super) async fn write(
    store: &dyn Store,
    source: &SourceName,
    bucket: &ArchiveBucket,
    file: &ArchiveFile,
) -> Result<bool, ArchiveFailure> {
    let mut left = file.clone();
    while left.steps > 0 {
        let Some(object) = next_object(store, source, &left).await? else {
            // Another node was faster.
            return Ok(false);
        };
        let name = FileName::new(source, &file.partition, file.hour, object.steps.first);
        if let Stored::Other { etag } = bucket.write(&name, &object.bytes).await? {
            // A part of it, which somebody wrote who was killed before he let go of its steps, or who is about to. Whoever has let
            // go of them has written more than this.
            if store.archive_steps(source, &object.steps, object.steps.first, 1).await?.is_empty() {
                return Ok(false);
            }
            bucket.replace(&name, &object.bytes, &etag).await?;
        }
        failpoint!("archive.uploaded");
        store.archive_written(source, &object.steps).await?;
        failpoint!("archive.let_go");
        tracing::debug!(source.name = %source, file = %name, steps = object.steps.steps, "archived");
        left.first = object.steps.last + 1;
        left.steps = left.steps.saturating_sub(object.steps.steps);
    }
    Ok(true)
}

/// As many of the first steps as make an object; nothing if they are gone.
async fn next_object(
    store: &dyn Store,
    source: &SourceName,
    left: &ArchiveFile,
) -> Result<Option<Object>, StoreError> {
    let mut object = Object { steps: ArchiveFile { steps: 0, ..left.clone() }, bytes: Vec::new() };
    let mut from = left.first;
    loop {
        let steps = store.archive_steps(source, left, from, STEPS).await?;
        let Some(last) = steps.last() else { break };
        from = last.number + 1;
        if !steps.into_iter().all(|step| object.takes(&step)) {
            break;
        }
    }
    Ok(Some(object).filter(|object| object.steps.steps > 0))
}

impl Object {
    /// Adds a step, if it fits; the first one always does.
    fn takes(&mut self, step: &ArchiveStep) -> bool {
        let is_first = self.steps.steps == 0;
        if !is_first && self.bytes.len() + step.frame.len() > OBJECT_BYTES {
            return false;
        }
        if is_first {
            self.steps.first = step.number;
        }
        self.steps.last = step.number;
        self.steps.steps += 1;
        self.bytes.extend_from_slice(&step.frame);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    fn object_of(sizes: impl IntoIterator<Item = usize>) -> (Object, usize) {
        let steps = ArchiveFile {
            partition: "p".into(),
            hour: pegboard_model::Timestamp::from_millis(0),
            first: 1,
            last: 1000,
            steps: 0,
        };
        let mut object = Object { steps, bytes: Vec::new() };
        let numbers = iter::successors(Some(7_u64), |number| Some(number + 2));
        let mut steps = numbers.zip(sizes).map(|(number, size)| ArchiveStep { number, frame: vec![1; size] });
        let taken = steps.by_ref().take_while(|step| object.takes(step)).count();
        (object, taken)
    }

    #[test]
    fn r28_an_object_has_eight_mebibytes_unless_one_step_is_larger() {
        let (object, taken) = object_of([OBJECT_BYTES - 10, 10, 1]);
        assert_eq!((object.bytes.len(), taken), (OBJECT_BYTES, 2));
        assert_eq!((object.steps.first, object.steps.last, object.steps.steps), (7, 9, 2));
        let (object, taken) = object_of([OBJECT_BYTES + 1, 1]);
        assert_eq!((object.bytes.len(), taken), (OBJECT_BYTES + 1, 1));
        assert_eq!((object.steps.first, object.steps.last, object.steps.steps), (7, 7, 1));
    }
}
