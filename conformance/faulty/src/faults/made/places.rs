//! Each place that can be searched: several that are found there count as none.

use super::{kebab, made};
use crate::{Fault, seam::Seam};
use rollcall_matching::key::{KeySource, LookupKey};
use rollcall_model::database::DatabaseId;
use rollcall_store::transaction::Transaction;

/// The places where several profiles may have the same; an identifier and the profile's e-mail have one owner.
const SHARED: [KeySource; 5] = [
    KeySource::ProfilePhone,
    KeySource::CustomField,
    KeySource::EmailSubscription,
    KeySource::SmsSubscription,
    KeySource::PushSubscription,
];

pub(super) fn faults() -> Vec<Fault> {
    SHARED.into_iter().map(several).collect()
}

fn several(place: KeySource) -> Fault {
    let only_one = move |state: &dyn Transaction, database: DatabaseId, key: &LookupKey<'_>| {
        let mut found = state.find(database, key)?;
        if key.source == place && found.len() > 1 {
            found.clear();
        }
        Ok(found)
    };
    let words = kebab(&format!("{place:?}"));
    let story = format!("When the place {} finds several profiles, one more is made.", words.replace('-', " "));
    made(format!("several-by-{words}-is-nobody"), "MATCH-SEVERAL", story, Seam::find(only_one))
}
