//! Table: the keyspaces of a folder, and how their rows are laid out. A change here is a new [`FORMAT`].

use rollcall_matching::key::{KeySource, LookupKey};
use rollcall_model::{database::DatabaseId, profile::ProfileId};
use sha2::{Digest, Sha256};

/// The number of the layout that this program writes.
pub(crate) const FORMAT: u32 = 1;

/// Name of a fact about the folder to its value.
pub(crate) const META: &str = "meta";
/// [`profile_row`] to the profile's record.
pub(crate) const PROFILES: &str = "profiles";
/// [`key_row`] to nothing: the row says that the profile has the key.
pub(crate) const KEYS: &str = "keys";

/// The keyspaces of a folder.
pub(crate) const KEYSPACES: &[&str] = &[META, PROFILES, KEYS];

/// In [`META`]: the folder's [`FORMAT`], 4 bytes, most significant first.
pub(crate) const META_FORMAT: &str = "format";
/// In [`META`]: when the folder was made, as text.
pub(crate) const META_CREATED: &str = "created";
/// In [`META`]: when the folder was last opened, as text.
pub(crate) const META_OPENED: &str = "opened";

/// A row that no keyspace ever has: shorter than any row of profiles and keys, longer than the empty one, which the
/// engine does not allow.
pub(crate) const NO_ROW: &[u8] = &[0];

/// A longer text is put into a row as its SHA-256: the engine's rows have a limit, and a text of the world has none.
const LONGEST_TEXT: usize = 256;
/// In place of a length: what follows is a SHA-256.
const HASHED: u16 = u16::MAX;

/// What a place that a mode can search is called in rows. Numbers are never used again for another place.
const fn source_tag(source: KeySource) -> u8 {
    match source {
        KeySource::ProfileId => 0, // in no row: profiles are found by it without an index
        KeySource::ProfileEmail => 1,
        KeySource::ProfilePhone => 2,
        KeySource::CustomField => 3,
        KeySource::EmailSubscription => 4,
        KeySource::SmsSubscription => 5,
        KeySource::PushSubscription => 6,
        KeySource::CustomChannel => 7,
        KeySource::SubscriptionField => 8,
    }
}

/// The database and identifier that a row's key says.
pub(crate) fn of_profile_row(row: &[u8]) -> Option<(DatabaseId, ProfileId)> {
    let (database, id) = row.split_at_checked(4)?;
    Some((DatabaseId(u32::from_be_bytes(database.try_into().ok()?)), ProfileId(id.try_into().ok()?)))
}

/// Where a profile is kept: database and identifier.
pub(crate) fn profile_row(database: DatabaseId, id: ProfileId) -> [u8; 16] {
    let mut row = [0; 16];
    row[..4].copy_from_slice(&database.0.to_be_bytes());
    row[4..].copy_from_slice(&id.0);
    row
}

/// Where a profile's key is kept: place, resource, identifier. Rows of one key therefore lie together, those of one
/// resource among them too, and in them the oldest profile first.
pub(crate) fn key_row(database: DatabaseId, key: &LookupKey<'_>, id: ProfileId) -> Vec<u8> {
    let mut row = key_place(database, key);
    match key.resource {
        None => row.push(0),
        Some(resource) => push_resource(&mut row, resource.0),
    }
    row.extend_from_slice(&id.0);
    row
}

/// What the rows of all profiles with this key begin with. A look-up without a resource means any (M17).
pub(crate) fn key_prefix(database: DatabaseId, key: &LookupKey<'_>) -> Vec<u8> {
    let mut row = key_place(database, key);
    if let Some(resource) = key.resource {
        push_resource(&mut row, resource.0);
    }
    row
}

/// The part of a key's rows that tells its database, source, name and value. None of them is the beginning of another,
/// since every text follows its length.
pub(crate) fn key_place(database: DatabaseId, key: &LookupKey<'_>) -> Vec<u8> {
    let mut row = Vec::with_capacity(4 + 1 + 2 + key.name.len() + 2 + key.value.len() + 5 + 12);
    row.extend_from_slice(&database.0.to_be_bytes());
    row.push(source_tag(key.source));
    push_text(&mut row, key.name);
    push_text(&mut row, &key.value);
    row
}

fn push_text(row: &mut Vec<u8>, text: &str) {
    match u16::try_from(text.len()) {
        Ok(length) if text.len() <= LONGEST_TEXT => {
            row.extend_from_slice(&length.to_be_bytes());
            row.extend_from_slice(text.as_bytes());
        }
        _ => {
            row.extend_from_slice(&HASHED.to_be_bytes());
            row.extend_from_slice(&Sha256::digest(text));
        }
    }
}

fn push_resource(row: &mut Vec<u8>, number: u32) {
    row.push(1);
    row.extend_from_slice(&number.to_be_bytes());
}

/// The identifier at the end of a row of [`KEYS`].
pub(crate) fn id_of_key_row(row: &[u8]) -> Option<ProfileId> {
    row.last_chunk().map(|id| ProfileId(*id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rollcall_model::resource::ResourceId;
    use std::collections::HashSet;

    fn key<'a>(name: &'a str, value: &'a str, resource: Option<u32>) -> LookupKey<'a> {
        let resource = resource.map(ResourceId);
        LookupKey { source: KeySource::CustomField, name, value: value.into(), resource }
    }

    #[test]
    fn every_source_has_a_tag_of_its_own() {
        let tags: HashSet<_> = KeySource::ALL.iter().map(|&source| source_tag(source)).collect();
        assert_eq!(tags.len(), KeySource::ALL.len());
    }

    #[test]
    fn rows_are_laid_out_as_they_are_on_disk() {
        let row = key_row(DatabaseId(1), &key("ab", "c", Some(2)), ProfileId([9; 12]));
        assert_eq!(row[..13], [0, 0, 0, 1, 3, 0, 2, b'a', b'b', 0, 1, b'c', 1]);
        assert_eq!(row[13..17], [0, 0, 0, 2]);
        assert_eq!(row[17..], [9; 12]);
        assert_eq!(key_row(DatabaseId(1), &key("", "", None), ProfileId([9; 12])).len(), 4 + 1 + 2 + 2 + 1 + 12);
        assert_eq!(profile_row(DatabaseId(0x0102), ProfileId([7; 12]))[..5], [0, 0, 1, 2, 7]);
    }

    #[test]
    fn long_texts_stay_apart_and_rows_stay_short() {
        let (long, longer) = ("x".repeat(300), "x".repeat(70_000));
        let row = |value: &str| key_row(DatabaseId(1), &key(&long, value, None), ProfileId([0; 12]));
        assert_ne!(row(&long), row(&longer));
        assert!(row(&longer).len() < 100);
        let exact = "x".repeat(LONGEST_TEXT);
        assert!(key_place(DatabaseId(1), &key("", &exact, None)).ends_with(exact.as_bytes()));
    }

    proptest! {
        #[test]
        fn no_place_is_the_beginning_of_another(
            (name, value) in (".{0,4}", ".{0,4}"), (other_name, other_value) in (".{0,4}", ".{0,4}")
        ) {
            let (a, b) = (key(&name, &value, None), key(&other_name, &other_value, None));
            let begins = key_place(DatabaseId(1), &b).starts_with(&key_place(DatabaseId(1), &a));
            prop_assert_eq!(begins, a == b);
        }
    }
}
