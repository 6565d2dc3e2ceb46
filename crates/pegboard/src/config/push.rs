//! What `[source.push]` says: the key with which an ACD hands in records.

use std::path::Path;

use super::secret::SecretRef;
use super::table::Table;
use super::value;

/// Who may hand records to a source, and what they promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSettings {
    /// The id of the access key.
    pub access_key_id: SecretRef,
    /// Its secret.
    pub secret_access_key: SecretRef,
    /// Whether the ACD confirms the state of everybody who is signed in now and then, so that silence means something.
    pub heartbeat: bool,
}

/// Reads the table.
pub(super) fn push(mut table: Table<'_, '_>, folder: &Path) -> Option<PushSettings> {
    let access_key_id = table.required("access_key_id", value::secret(folder));
    let secret_access_key = table.required("secret_access_key", value::secret(folder));
    let mut heartbeat = false;
    table.set("heartbeat", &mut heartbeat, value::boolean);
    table.finish();
    Some(PushSettings { access_key_id: access_key_id?, secret_access_key: secret_access_key?, heartbeat })
}
