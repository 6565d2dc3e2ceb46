//! The mapping that a deliverer goes by: it is looked for again and again, for people edit it while the hub runs.

use std::sync::{Arc, Mutex, PoisonError};

use pegboard_store::StoreError;

use super::{CONFIRM, Deliverer};
use crate::config::mapping::Folder;
use crate::runtime::mapping::Held;

/// The mapping of a sink.
#[derive(Debug)]
pub(super) struct Mapped {
    /// What the configuration says.
    folder: Arc<Folder>,
    /// What holds, as far as this node knows.
    held: Mutex<Arc<Held>>,
}

impl Mapped {
    pub(super) fn new(folder: Folder) -> Self {
        let held = Mutex::new(Arc::new(Held::unedited(&folder)));
        Self { folder: Arc::new(folder), held }
    }
}

impl Deliverer {
    /// What the configuration says of the mapping.
    pub(in crate::runtime) fn folder(&self) -> &Arc<Folder> {
        &self.mapped.folder
    }

    /// The mapping that holds.
    pub(super) fn mapping(&self) -> Arc<Held> {
        self.mapped.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over what people have edited, on whichever node.
    pub(super) async fn remap(&self) -> Result<(), StoreError> {
        let versions = self.store.mapping_versions(&self.name).await?;
        if self.mapping().is_of(&versions) {
            return Ok(());
        }
        let held = Held::load_versions(&*self.store, &self.name, &self.mapped.folder, versions).await?;
        *self.mapped.held.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
        tracing::info!(sink.name = %self.name, "the mapping was edited: what is delivered from now on is named by it");
        Ok(())
    }
}

/// Takes over what people edit, until the store fails.
pub(super) async fn follow(deliverer: &Deliverer) -> Result<(), StoreError> {
    loop {
        tokio::time::sleep(CONFIRM).await;
        deliverer.remap().await?;
    }
}
