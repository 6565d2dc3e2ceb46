//! The mapping that a deliverer goes by: it is looked for again and again, for people edit it while the hub runs.

use std::sync::{Arc, Mutex, PoisonError};

use pegboard_store::StoreError;

use super::{CONFIRM, Deliverer, release};
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

    /// Takes over what people have edited, on whichever node. Answers whether there was anything.
    pub(super) async fn remap(&self) -> Result<bool, StoreError> {
        let versions = self.store.mapping_versions(&self.name).await?;
        if self.mapping().is_of(&versions) {
            return Ok(false);
        }
        let held = Held::load_versions(&*self.store, &self.name, &self.mapped.folder, versions).await?;
        *self.mapped.held.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
        tracing::info!(sink.name = %self.name, "the mapping was edited: what is delivered from now on is named by it");
        Ok(true)
    }
}

/// How often there is a look at what waited for a row, after the mapping has changed: what is on its way then is listed afterwards.
const LOOKS: u32 = 3;

/// Takes over what people edit, and has that sent which waited for it, until the store fails.
pub(super) async fn follow(deliverer: &Deliverer, epoch: u64) -> Result<(), StoreError> {
    let mut looks = LOOKS;
    loop {
        if looks > 0 {
            release::release(deliverer, epoch).await?;
            looks -= 1;
        }
        tokio::time::sleep(CONFIRM).await;
        if deliverer.remap().await? {
            looks = LOOKS;
        }
    }
}
