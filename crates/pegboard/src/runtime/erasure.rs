//! Has the hub forget a person: what names him becomes a pseudonym, in every row of the store and every file of the archive.
//!
//! Whoever leads the source does it, one person after the other, beside live work. Numbers stay what they are: rows,
//! timelines and contacts go on under the pseudonym, without a revision and without a word to sinks.

mod job;
mod request;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use pegboard_connect::person::Terms;
use pegboard_model::{Class, SourceName};
use pegboard_store::{Erasure, ErasureState, ErasureWrite, Store, StoreError};

pub use self::request::{ErasureError, ErasureProgress, ErasureRequest, ErasureStatus, MOST_OTHERS, NOTES};

use self::job::Job;
use self::request::Asked;
use super::source::Shared;
use super::watch;

/// How often there is a look whether somebody asked for something on another node.
const LOOK: Duration = Duration::from_secs(5);

/// The pause after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// How many erasures of a source may be under way or wait.
pub const MOST_OPEN: usize = 100;

/// The part of the source that fails when forgetting does.
pub(super) const PART: &str = "erasure";

/// Notes who is to be forgotten. Fails if he is signed in, or if too much is asked for already.
pub(super) async fn ask(
    shared: &Shared,
    request: ErasureRequest,
    pseudonym: String,
    by: &str,
) -> Result<ErasureStatus, ErasureError> {
    let ErasureRequest { source, agent, also, dry_run } = request;
    let known = shared.store.stored_agents_of(&source, std::slice::from_ref(&agent)).await?;
    let works = |class| !matches!(class, Class::SignedOut | Class::Unknown);
    if known.iter().any(|known| works(known.now.class)) && !dry_run {
        return Err(ErasureError::SignedIn);
    }
    let identifiers = also.into_iter().chain([agent.as_str().to_owned()]).collect();
    let terms = Terms { identifiers, ..Terms::default() };
    let asked = Asked { agent: agent.as_str().to_owned(), terms, pseudonym: pseudonym.clone() };
    let progress = ErasureProgress { by: by.to_owned(), dry_run, pseudonym, ..ErasureProgress::default() };
    let (at, asked, progress) = ((shared.clock)(), asked.to_json(), progress.to_json());
    let write = ErasureWrite { source: source.clone(), at, asked, progress: progress.clone() };
    let id = shared.store.add_erasure(write, MOST_OPEN).await?.ok_or(ErasureError::TooManyOpen)?;
    shared.erase.notify_one();
    let state = ErasureState::Waiting;
    Ok(ErasureStatus::of(&Erasure { id, source, at, state, asked: String::new(), progress })?)
}

/// Erasures of the sources (of all where empty) with numbers below `before`, newest first.
pub(super) async fn list(
    store: &dyn Store,
    sources: &[SourceName],
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<ErasureStatus>, StoreError> {
    store.erasures(sources, before, false, limit).await?.iter().map(ErasureStatus::of).collect()
}

/// Forgets who is to be forgotten until `stop` turns true.
pub(super) async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        // Dropped half-way it is begun again: what was replaced stays so.
        let turn = tokio::select! {
            biased;
            _ = stop.changed() => break,
            turn = turn(&shared) => turn,
        };
        let pause = match turn {
            Ok(true) => Duration::ZERO,
            Ok(false) => LOOK,
            Err(error) => {
                tracing::warn!(source.name = %shared.config.name, "cannot forget a person: {error}");
                shared.status.failed(
                    PART,
                    (shared.clock)(),
                    format!("cannot forget a person: {error}"),
                    false,
                );
                AFTER_FAILURE
            }
        };
        tokio::select! {
            biased;
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {}
            () = shared.erase.notified() => {}
        }
    }
    shared.status.recovered(PART);
}

/// Forgets the next person; false if there is none.
async fn turn(shared: &Shared) -> Result<bool, job::JobError> {
    let source = std::slice::from_ref(&shared.config.name);
    let open = shared.store.erasures(source, None, true, MOST_OPEN).await?;
    let Some(oldest) = open.into_iter().next_back() else {
        shared.status.recovered(PART);
        return Ok(false);
    };
    Job::of(shared, &oldest)?.run(oldest.state).await?;
    shared.status.recovered(PART);
    Ok(true)
}
