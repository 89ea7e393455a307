//! Table: what a key is called in an index, in bytes.

use rollcall_matching::key::{KeySource, LookupKey};
use rollcall_model::database::DatabaseId;
use sha2::{Digest, Sha256};

/// A longer text is replaced by its SHA-256: an index has room for short names only, and a text of the world is long.
const LONGEST_TEXT: usize = 256;
/// In place of a length: what follows is a SHA-256.
const HASHED: u16 = u16::MAX;

/// What a place that a mode can search is called. Numbers are never used again for another place.
const fn source_tag(source: KeySource) -> u8 {
    match source {
        KeySource::ProfileId => 0, // in no index: profiles are found by it without an index
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

/// A key's database, source, name and value; not its resource. None of these is the beginning of another, since every
/// text follows its length.
pub(crate) fn key_place(database: DatabaseId, key: &LookupKey<'_>) -> Vec<u8> {
    let mut place = Vec::with_capacity(4 + 1 + 2 + key.name.len() + 2 + key.value.len() + 4);
    place.extend_from_slice(&database.0.to_be_bytes());
    place.push(source_tag(key.source));
    push_text(&mut place, key.name);
    push_text(&mut place, &key.value);
    place
}

fn push_text(place: &mut Vec<u8>, text: &str) {
    match u16::try_from(text.len()) {
        Ok(length) if text.len() <= LONGEST_TEXT => {
            place.extend_from_slice(&length.to_be_bytes());
            place.extend_from_slice(text.as_bytes());
        }
        _ => {
            place.extend_from_slice(&HASHED.to_be_bytes());
            place.extend_from_slice(&Sha256::digest(text));
        }
    }
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
    fn places_are_laid_out_as_stores_know_them() {
        let place = key_place(DatabaseId(1), &key("ab", "c", Some(2)));
        assert_eq!(place, [0, 0, 0, 1, 3, 0, 2, b'a', b'b', 0, 1, b'c']);
    }

    #[test]
    fn long_texts_stay_apart_and_places_stay_short() {
        let (long, longer) = ("x".repeat(300), "x".repeat(70_000));
        let place = |value: &str| key_place(DatabaseId(1), &key(&long, value, None));
        assert_ne!(place(&long), place(&longer));
        assert!(place(&longer).len() < 100);
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
