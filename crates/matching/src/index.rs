//! What a store must be able to answer for matching to work: the one question of a search.

use crate::key::LookupKey;
use rollcall_model::{database::DatabaseId, profile::ProfileId};

/// Finds the profiles that have a key.
pub trait ProfileIndex {
    /// What can go wrong in the store.
    type Error;

    /// The profiles of the database that have this key, oldest first, each once (M10, M18), but no more than `count` of
    /// them: a key may have very many holders, and a search that only asks whether there are several need not hear of
    /// all. A key with a resource finds only profiles that have it from a subscription to that resource (M17).
    fn find_oldest(
        &self,
        database: DatabaseId,
        key: &LookupKey<'_>,
        count: usize,
    ) -> Result<Vec<ProfileId>, Self::Error>;

    /// All of them.
    fn find(&self, database: DatabaseId, key: &LookupKey<'_>) -> Result<Vec<ProfileId>, Self::Error> {
        self.find_oldest(database, key, usize::MAX)
    }
}
