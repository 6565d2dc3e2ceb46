//! One person being forgotten.
//!
//! Whatever ends it half-way, it is begun again from what was asked for, and finds what is left. Only when nothing is found
//! any more, what was asked for is forgotten, too.

use std::sync::Arc;

use pegboard_connect::archive::{Archive, ArchiveError, FileName};
use pegboard_connect::person::{Person, Terms};
use pegboard_model::Timestamp;
use pegboard_store::{Erasure, ErasureNote, ErasureState, MOST_CHANGES, StoreError, failpoint};

use super::request::{Asked, ErasureProgress};
use super::rows::{Learning, Replacing};
use crate::runtime::source::Shared;

/// How often it is looked for more of his names: by his id, by his login, and by what that tells.
const ROUNDS: usize = 3;

/// How often rows are looked for that came meanwhile.
const PASSES: usize = 20;

/// How many files are done between two notes of how far it is.
const TELL: u64 = 20;

/// Why a person is not forgotten yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the archive cannot be read: {0}")]
    Ended(#[from] tokio::task::JoinError),
}

/// An erasure that is being done.
pub(super) struct Job<'a> {
    shared: &'a Shared,
    id: u64,
    asked: Asked,
    progress: ErasureProgress,
}

impl<'a> Job<'a> {
    pub(super) fn of(shared: &'a Shared, erasure: &Erasure) -> Result<Self, StoreError> {
        let asked = Asked::read(&erasure.asked)?;
        let progress = ErasureProgress::read(&erasure.progress)?;
        Ok(Self { shared, id: erasure.id, asked, progress })
    }

    /// Does all that is left of it.
    pub(super) async fn run(mut self, state: ErasureState) -> Result<(), JobError> {
        if state == ErasureState::Wiping {
            return self.wipe().await;
        }
        self.progress.began.get_or_insert(self.now());
        self.note(ErasureState::Running).await?;
        // What waits for the archive is not on its way there meanwhile.
        let _archiving = self.shared.archiving.lock().await;
        let Some(person) = self.person().await? else {
            return self.fail("nothing names him: the id is empty, or too much else was named").await;
        };
        let person = Arc::new(person);
        if self.progress.dry_run {
            self.count(&person).await?;
            return self.end(ErasureState::Done).await;
        }
        self.replace_rows(&person).await?;
        failpoint!("erasure.rows_replaced", fails);
        self.rewrite_files(&person).await?;
        // What came in under his name while files were written.
        self.replace_rows(&person).await?;
        self.forget_asked();
        self.note(ErasureState::Wiping).await?;
        failpoint!("erasure.forgotten", fails);
        self.wipe().await
    }

    fn now(&self) -> Timestamp {
        (self.shared.clock)()
    }

    async fn note(&self, state: ErasureState) -> Result<(), StoreError> {
        let (asked, progress) = (self.asked.to_json(), self.progress.to_json());
        self.shared.store.note_erasure(ErasureNote { id: self.id, state, asked, progress }).await
    }

    fn forget_asked(&mut self) {
        self.asked = Asked::default();
    }

    async fn end(mut self, state: ErasureState) -> Result<(), JobError> {
        self.forget_asked();
        self.progress.ended = Some(self.now());
        self.note(state).await?;
        let ErasureProgress { rows, records, dry_run, .. } = self.progress;
        tracing::info!(
            source.name = %self.shared.config.name, erasure = self.id, state = state.as_str(), rows, records, dry_run,
            "an erasure is over"
        );
        Ok(())
    }

    async fn fail(mut self, why: &str) -> Result<(), JobError> {
        self.progress.error = Some(why.to_owned());
        self.end(ErasureState::Failed).await
    }

    /// Nothing is left of what was removed.
    async fn wipe(self) -> Result<(), JobError> {
        self.shared.store.wipe().await?;
        self.end(ErasureState::Done).await
    }

    /// Everything that names him, wherever it stands beside what was named.
    async fn person(&mut self) -> Result<Option<Person>, JobError> {
        let source = &self.shared.config.name;
        for _ in 0..ROUNDS {
            let Some(person) = Person::new(self.asked.terms.clone(), &self.asked.pseudonym) else {
                return Ok(None);
            };
            let person = Arc::new(person);
            let learning = Arc::new(Learning::of(person.clone()));
            self.shared.store.find_rows(source, learning.clone()).await?;
            let mut more = learning.found();
            more.add(self.learn_from_files(person).await?);
            if !self.asked.terms.add(more) {
                break;
            }
        }
        Ok(Person::new(self.asked.terms.clone(), &self.asked.pseudonym))
    }

    fn archive(&self) -> Option<Archive> {
        self.shared.archive.clone().filter(Archive::is_there)
    }

    async fn learn_from_files(&self, person: Arc<Person>) -> Result<Terms, JobError> {
        let Some(archive) = self.archive() else { return Ok(Terms::default()) };
        let learning = move || -> Result<Terms, ArchiveError> {
            let mut more = Terms::default();
            for file in archive.files()?.iter().flatten() {
                archive.learn(file, &person, &mut more)?;
            }
            Ok(more)
        };
        Ok(tokio::task::spawn_blocking(learning).await??)
    }

    async fn count(&mut self, person: &Arc<Person>) -> Result<(), JobError> {
        let replacing = Arc::new(Replacing(person.clone()));
        let found = self.shared.store.find_rows(&self.shared.config.name, replacing).await?;
        self.progress.rows = found.len() as u64;
        self.each_file(person, Archive::count).await
    }

    async fn rewrite_files(&mut self, person: &Arc<Person>) -> Result<(), JobError> {
        self.each_file(person, Archive::rewrite).await
    }

    async fn each_file(
        &mut self,
        person: &Arc<Person>,
        work: fn(&Archive, &FileName, &Person) -> Result<u64, ArchiveError>,
    ) -> Result<(), JobError> {
        let Some(archive) = self.archive() else { return Ok(()) };
        let listed = archive.clone();
        let files = tokio::task::spawn_blocking(move || listed.files()).await??;
        let files: Vec<_> = files.into_iter().flatten().collect();
        (self.progress.files, self.progress.files_read) = (files.len() as u64, 0);
        for file in files {
            let (archive, person) = (archive.clone(), person.clone());
            self.progress.records +=
                tokio::task::spawn_blocking(move || work(&archive, &file, &person)).await??;
            self.progress.files_read += 1;
            if self.progress.files_read.is_multiple_of(TELL) {
                self.note(ErasureState::Running).await?;
            }
            failpoint!("erasure.file_written", fails);
        }
        Ok(())
    }

    /// Replaces him in all rows at once, while nobody derives any from others and nobody applies what was read.
    async fn replace_rows(&mut self, person: &Arc<Person>) -> Result<(), JobError> {
        let (shared, source) = (self.shared, &self.shared.config.name);
        for _ in 0..PASSES {
            let replacing = Arc::new(Replacing(person.clone()));
            let found = shared.store.find_rows(source, replacing).await?;
            if found.is_empty() {
                return Ok(());
            }
            let all_at_once = found.len() < MOST_CHANGES;
            let _turn = shared.closing.turn().await;
            let mut agents = shared.agents.lock().await;
            self.progress.rows += shared.store.change_rows(found).await?;
            agents.forget(&[self.asked.agent.as_str().into()]);
            shared.set_stale();
            shared.refresh(&mut agents).await?;
            tracing::debug!(source.name = %source, all_at_once, "rows were replaced");
        }
        let operation = "forget a person";
        let cause = "he is heard of again and again: remove him in the ACD".into();
        Err(StoreError::Database { operation, cause }.into())
    }
}
