//! What every store does, as the same sentences over each of them; and random histories, told to both and to a list.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]

mod common;

use common::{
    DATABASE, change_outbox, event, find, found_by_everything, id, keep, lookups, outbox, read_now, remove, stored,
    subscription, write_now,
};
use proptest::{collection, prelude::*, sample::select, test_runner::TestRunner};
use rollcall_matching::key::{KeySource, LookupKey, keys_of};
use rollcall_model::{
    address::Address,
    database::DatabaseId,
    email::Email,
    event::{DeadLetter, Event},
    field::FieldValue,
    phone::Phone,
    profile::{Profile, ProfileId},
    resource::ResourceId,
};
#[cfg(feature = "postgres")]
use rollcall_store::postgres::PostgresStore;
use rollcall_store::{
    disk::DiskStore,
    error::StoreError,
    figures::Figures,
    ids::new_profile_id,
    memory::MemoryStore,
    transaction::{Job, NumberedEvent, OutboxChange, Store},
};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Barrier},
    thread,
};

macro_rules! contract {
    ($($(#[$doc:meta])* fn $name:ident($store:ident) $body:block)*) => {
        $(fn $name($store: &dyn Store) $body)*

        mod memory {
            $(#[test] fn $name() { super::$name(&super::MemoryStore::new()); })*
        }

        mod disk {
            $(#[test] fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(&super::DiskStore::open(folder.path()).unwrap());
            })*
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[test] fn $name() {
                let Some(store) = super::postgres_store() else { return };
                super::$name(&store);
            })*
        }
    };
}

/// A store in a database of its own, where PostgreSQL is installed.
#[cfg(feature = "postgres")]
fn postgres_store() -> Option<PostgresStore> {
    let cluster = rollcall_testbed::postgres::shared()?;
    Some(PostgresStore::open(&cluster.new_database().unwrap()).unwrap_or_else(|error| panic!("{error}")))
}

contract! {
    fn a_profile_is_as_it_was_put(store) {
        let profile = found_by_everything(1);
        keep(store, &profile);
        assert_eq!(stored(store, DATABASE, profile.id).unwrap().as_deref(), Some(&profile));
        assert_eq!(stored(store, DATABASE, id(2)).unwrap(), None);
    }

    fn a_profile_is_found_by_each_of_its_keys(store) {
        let profile = found_by_everything(1);
        let sources: HashSet<_> = lookups(&profile).iter().map(|key| key.source).collect();
        assert_eq!(sources.len(), KeySource::ALL.len(), "the sample has a key of every source");
        for key in lookups(&profile) {
            assert_eq!(find(store, DATABASE, &key), [], "{key:?}");
        }
        keep(store, &profile);
        for key in lookups(&profile) {
            assert_eq!(find(store, DATABASE, &key), [profile.id], "{key:?}");
        }
    }

    fn a_changed_profile_is_found_by_what_it_has_now_only(store) {
        let before = found_by_everything(1);
        keep(store, &before);
        let after = Profile { id: before.id, ..found_by_everything(2) };
        keep(store, &after);
        let kept: HashSet<_> = lookups(&after).into_iter().collect();
        for key in lookups(&before).iter().filter(|key| !kept.contains(key)) {
            assert_eq!(find(store, DATABASE, key), [], "{key:?}");
        }
        for key in &kept {
            assert_eq!(find(store, DATABASE, key), [before.id], "{key:?}");
        }
    }

    fn an_emptied_profile_is_found_by_its_identifier_only(store) {
        let full = found_by_everything(1);
        keep(store, &full);
        keep(store, &Profile::new(full.id, DATABASE));
        for key in lookups(&full) {
            let expected: &[_] = if key.source == KeySource::ProfileId { &[full.id] } else { &[] };
            assert_eq!(find(store, DATABASE, &key), expected, "{key:?}");
        }
    }

    fn a_resource_narrows_a_search(store) {
        let mut profile = Profile::new(id(1), DATABASE);
        let address = Address::Email(Email::parse("ann@example.com").unwrap());
        profile.subscriptions =
            vec![subscription(1, "email", address.clone()), subscription(256, "email", address.clone())];
        keep(store, &profile);
        let at = |resource: Option<u32>| {
            let value = "ann@example.com".into();
            let resource = resource.map(ResourceId);
            find(store, DATABASE, &LookupKey { source: KeySource::EmailSubscription, name: "", value, resource })
        };
        assert_eq!([at(None), at(Some(1)), at(Some(256))], [[id(1)]; 3]);
        assert_eq!([at(Some(0)), at(Some(2))], [[]; 2]);
        profile.subscriptions.remove(0);
        keep(store, &profile);
        assert_eq!(at(None), [id(1)]);
        assert_eq!(at(Some(1)), []);
    }

    fn an_identifier_is_not_of_a_resource(store) {
        keep(store, &Profile::new(id(1), DATABASE));
        let by = |value: &str, resource| {
            find(store, DATABASE, &LookupKey { source: KeySource::ProfileId, name: "", value: value.into(), resource })
        };
        assert_eq!(by(&id(1).to_string(), None), [id(1)]);
        assert_eq!(by(&id(1).to_string(), Some(ResourceId(1))), []);
        assert_eq!(by("no identifier", None), []);
    }

    fn several_are_found_oldest_first_and_each_once(store) {
        let phone = Phone::from_digits(79_000_000_000).unwrap();
        for number in [3, 1, 2] {
            let mut profile = Profile::new(id(number), DATABASE);
            // a younger profile has the lower resource, and one resource is there twice
            let resource = u32::from(10 - number);
            profile.subscriptions = [resource, resource, 20]
                .map(|resource| subscription(resource, "sms", Address::Phone(phone)))
                .into();
            keep(store, &profile);
        }
        let value = phone.to_string().into();
        let key = LookupKey { source: KeySource::SmsSubscription, name: "", value, resource: None };
        assert_eq!(find(store, DATABASE, &key), [id(1), id(2), id(3)]);
    }

    fn a_key_that_a_profile_has_twice_stays_until_both_are_gone(store) {
        let mut profile = Profile::new(id(1), DATABASE);
        let address = Address::Phone(Phone::from_digits(79_000_000_000).unwrap());
        profile.subscriptions = vec![subscription(1, "sms", address.clone()), subscription(1, "fax", address)];
        for expected in [[id(1)].as_slice(), &[id(1)], &[]] {
            keep(store, &profile);
            let value = "+79000000000".into();
            let key = LookupKey { source: KeySource::SmsSubscription, name: "", value, resource: Some(ResourceId(1)) };
            assert_eq!(find(store, DATABASE, &key), expected, "{:?}", profile.subscriptions);
            profile.subscriptions.pop();
        }
    }

    fn another_database_is_never_searched(store) {
        let profile = found_by_everything(1);
        keep(store, &profile);
        for other in [0, 2, 256, u32::MAX].map(DatabaseId) {
            assert_eq!(stored(store, other, profile.id).unwrap(), None);
            for key in lookups(&profile) {
                assert_eq!(find(store, other, &key), [], "{key:?}");
            }
        }
    }

    fn databases_keep_the_same_identifier_apart(store) {
        let here = found_by_everything(1);
        let there = Profile { database: DatabaseId(2), ..found_by_everything(1) };
        keep(store, &here);
        keep(store, &there);
        keep(store, &Profile::new(here.id, DATABASE));
        for key in lookups(&there) {
            assert_eq!(find(store, DatabaseId(2), &key), [there.id], "{key:?}");
        }
    }

    fn profiles_are_read_page_by_page_oldest_first(store) {
        for number in [3, 1, 4, 2] {
            keep(store, &found_by_everything(number));
            keep(store, &Profile { database: DatabaseId(2), ..found_by_everything(number) });
        }
        let page = |after: Option<u8>, count| {
            let page = read_now(store, move |state| state.profiles_after(DATABASE, after.map(id), count)).unwrap();
            page.into_iter().map(|profile| (*profile).clone()).collect::<Vec<_>>()
        };
        let all = [1, 2, 3, 4].map(found_by_everything);
        assert_eq!(page(None, 9), all);
        assert_eq!([page(None, 2), page(Some(2), 2)].concat(), all);
        assert_eq!([page(Some(4), 9), page(None, 0)], [[], []]);
    }

    fn work_that_panics_while_reading_leaves_the_store_alone(store) {
        keep(store, &found_by_everything(1));
        let error = read_now(store, |_| -> Result<(), _> { panic!("on purpose") });
        assert!(matches!(error, Err(StoreError::Panicked)), "{error:?}");
        assert!(stored(store, DATABASE, id(1)).unwrap().is_some());
    }

    fn work_sees_what_it_has_put(store) {
        let (first, second) = (found_by_everything(1), found_by_everything(2));
        keep(store, &first);
        write_now(store, move |transaction| {
            transaction.put(Profile::new(first.id, DATABASE))?;
            transaction.put(second.clone())?;
            for key in lookups(&first).iter().filter(|key| key.source == KeySource::ProfileEmail) {
                assert_eq!(transaction.find(DATABASE, key)?, []);
            }
            for key in lookups(&second) {
                assert_eq!(transaction.find(DATABASE, &key)?, [second.id], "{key:?}");
            }
            let email = lookups(&second)[0].clone();
            assert_eq!(transaction.find(DatabaseId(2), &email)?, []);
            assert_eq!(transaction.profile(DATABASE, second.id)?.as_deref(), Some(&second));
            Ok(())
        })
        .unwrap();
    }

    fn work_that_puts_many_finds_each_of_them_as_it_is_now(store) {
        keep(store, &found_by_everything(1));
        let seen = write_now(store, |transaction| {
            let mut seen = Vec::new();
            for number in 1..=30 {
                let profile = found_by_everything(number);
                transaction.put(profile.clone())?;
                // The one before is put again, and has lost all keys but its identifier.
                transaction.put(Profile::new(id(number - 1), DATABASE))?;
                for key in lookups(&profile) {
                    seen.push((number, transaction.find(DATABASE, &key)?.contains(&profile.id)));
                }
                let before = found_by_everything(number - 1);
                let left = keys_of(&before).iter().any(|key| {
                    transaction.find(DATABASE, key).unwrap().contains(&before.id)
                });
                seen.push((number, !left));
            }
            Ok(seen)
        });
        let not_seen: Vec<_> = seen.unwrap().into_iter().filter(|(_, is_right)| !is_right).collect();
        assert_eq!(not_seen, []);
        assert_eq!(read_now(store, |state| state.profiles_after(DATABASE, None, 99)).unwrap().len(), 31);
    }

    fn work_that_fails_leaves_nothing(store) {
        let profile = found_by_everything(1);
        let put = profile.clone();
        let error = write_now(store, move |transaction| {
            transaction.put(put.clone())?;
            Err::<(), _>(StoreError::Busy)
        });
        assert!(matches!(error, Err(StoreError::Busy)), "{error:?}");
        assert_eq!(stored(store, DATABASE, profile.id).unwrap(), None);
        for key in lookups(&profile) {
            assert_eq!(find(store, DATABASE, &key), [], "{key:?}");
        }
    }

    fn work_that_panics_leaves_nothing_and_the_store_goes_on(store) {
        let profile = found_by_everything(1);
        let put = profile.clone();
        let error = write_now(store, move |transaction| -> Result<(), _> {
            transaction.put(put.clone())?;
            panic!("on purpose")
        });
        assert!(matches!(error, Err(StoreError::Panicked)), "{error:?}");
        assert_eq!(stored(store, DATABASE, profile.id).unwrap(), None);
        keep(store, &profile);
        assert_eq!(find(store, DATABASE, &lookups(&profile)[0]), [profile.id]);
    }

    fn jobs_handed_over_together_run_in_order_and_see_each_other(store) {
        let jobs = (0..50u8).map(|number| {
            let (job, answer) = Job::new(move |transaction| {
                let mine = found_by_everything(number);
                if number % 5 == 4 {
                    transaction.put(mine)?;
                    return Err(StoreError::Busy); // every fifth refuses, after it has put
                }
                let before = number.checked_sub(1).map(found_by_everything);
                let seen = match &before {
                    Some(before) => transaction.find(DATABASE, &lookups(before)[0])?.len(),
                    None => 0,
                };
                transaction.put(mine)?;
                Ok(seen)
            });
            store.enqueue(job).unwrap();
            answer
        });
        let answers: Vec<_> = jobs.collect();
        for (answer, number) in answers.into_iter().zip(0..) {
            match answer.blocking_recv().unwrap() {
                Ok(seen) => assert_eq!(seen, usize::from(number % 5 != 0), "{number}"),
                Err(error) => assert!(number % 5 == 4 && matches!(error, StoreError::Busy), "{number}: {error}"),
            }
        }
    }

    fn racing_writers_of_one_new_address_make_one_profile(store) {
        let start = Barrier::new(8);
        let find_or_create = || {
            start.wait();
            write_now(store, |transaction| {
                let address = Email::parse("ann@example.com").unwrap();
                let value = address.key().into();
                let key = LookupKey { source: KeySource::ProfileEmail, name: "", value, resource: None };
                if let Some(known) = transaction.find(DATABASE, &key)?.first() {
                    return Ok(*known);
                }
                let mut profile = Profile::new(new_profile_id(), DATABASE);
                profile.fields.set("email".into(), FieldValue::Email(address.clone()));
                let id = profile.id;
                transaction.put(profile)?;
                Ok(id)
            })
            .unwrap()
        };
        let ids: HashSet<_> = thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|_| scope.spawn(find_or_create)).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 1);
    }

    fn a_removed_profile_is_found_by_nothing(store) {
        let (gone, stays) = (found_by_everything(1), found_by_everything(2));
        keep(store, &gone);
        keep(store, &stays);
        remove(store, gone.id);
        remove(store, id(9)); // who was never there
        assert_eq!(stored(store, DATABASE, gone.id).unwrap(), None);
        for key in lookups(&gone) {
            assert!(!find(store, DATABASE, &key).contains(&gone.id), "{key:?}");
        }
        let page = read_now(store, |state| state.profiles_after(DATABASE, None, 9)).unwrap();
        assert_eq!(page.iter().map(|profile| profile.id).collect::<Vec<_>>(), [stays.id]);
        for key in lookups(&stays) {
            assert_eq!(find(store, DATABASE, &key), [stays.id], "{key:?}");
        }
    }

    fn a_profile_that_is_put_again_after_its_removal_lives(store) {
        for number in [1, 2, 1] {
            let profile = Profile { id: id(1), ..found_by_everything(number) };
            keep(store, &profile);
            assert_eq!(stored(store, DATABASE, profile.id).unwrap().as_deref(), Some(&profile));
            for key in lookups(&profile) {
                assert_eq!(find(store, DATABASE, &key), [profile.id], "{key:?}");
            }
            remove(store, profile.id);
        }
        assert_eq!(stored(store, DATABASE, id(1)).unwrap(), None);
    }

    fn work_sees_what_it_has_removed(store) {
        let profile = found_by_everything(1);
        keep(store, &profile);
        write_now(store, move |transaction| {
            transaction.remove(DATABASE, profile.id)?;
            assert_eq!(transaction.profile(DATABASE, profile.id)?, None);
            for key in lookups(&profile) {
                assert_eq!(transaction.find(DATABASE, &key)?, [], "{key:?}");
            }
            transaction.put(Profile::new(profile.id, DATABASE))
        })
        .unwrap();
        assert_eq!(stored(store, DATABASE, id(1)).unwrap().as_deref(), Some(&Profile::new(id(1), DATABASE)));
    }

    fn jobs_handed_over_together_see_what_those_before_them_have_removed(store) {
        keep(store, &found_by_everything(0));
        // Each removes the one before and puts itself; every fifth fails, after it has done so.
        let jobs = (1..50u8).map(|number| {
            let (job, answer) = Job::new(move |transaction| {
                let before = found_by_everything(number - 1);
                let found = transaction.find(DATABASE, &lookups(&before)[0])?.len();
                transaction.remove(DATABASE, before.id)?;
                assert_eq!(transaction.find(DATABASE, &lookups(&before)[0])?, []);
                transaction.put(found_by_everything(number))?;
                if number % 5 == 0 { Err(StoreError::Busy) } else { Ok(found) }
            });
            store.enqueue(job).unwrap();
            answer
        });
        let answers: Vec<_> = jobs.collect();
        for (answer, number) in answers.into_iter().zip(1u8..) {
            match answer.blocking_recv().unwrap() {
                Ok(found) => assert_eq!(found, usize::from(number % 5 != 1 || number == 1), "{number}"),
                Err(error) => assert!(number % 5 == 0 && matches!(error, StoreError::Busy), "{number}: {error}"),
            }
        }
        for number in 0..50 {
            let is_left = number % 5 == 4; // whose remover failed, or is not there
            assert_eq!(stored(store, DATABASE, id(number)).unwrap().is_some(), is_left, "{number}");
        }
    }

    fn work_that_fails_removes_nothing(store) {
        let profile = found_by_everything(1);
        keep(store, &profile);
        let error = write_now(store, |transaction| {
            transaction.remove(DATABASE, id(1))?;
            Err::<(), _>(StoreError::Busy)
        });
        assert!(matches!(error, Err(StoreError::Busy)), "{error:?}");
        assert_eq!(stored(store, DATABASE, profile.id).unwrap().as_deref(), Some(&profile));
        assert_eq!(find(store, DATABASE, &lookups(&profile)[0]), [profile.id]);
    }

    fn events_are_read_in_the_order_in_which_they_were_posted(store) {
        for bodies in [&["a", "b"][..], &["c"], &["d", "e", "f"]] {
            change_outbox(store, bodies.iter().map(|body| OutboxChange::Post(event(body))).collect());
        }
        assert_eq!(bodies(&outbox(store)), ["a", "b", "c", "d", "e", "f"]);
        let numbers: Vec<_> = outbox(store).into_iter().map(|(number, _)| number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let third = numbers[2];
        let page = read_now(store, move |state| state.events_after(Some(third), 2)).unwrap();
        assert_eq!(bodies(&page), ["d", "e"]);
        let one = read_now(store, move |state| state.event(third)).unwrap();
        assert_eq!(one.as_deref(), Some(&*event("c")));
        let last = numbers[5];
        assert!(read_now(store, move |state| state.events_after(Some(last), 9)).unwrap().is_empty());
        assert!(read_now(store, |state| state.events_after(None, 0)).unwrap().is_empty());
    }

    fn an_event_is_replaced_where_it_is_and_gone_when_it_is_removed(store) {
        change_outbox(store, ["a", "b", "c"].map(|body| OutboxChange::Post(event(body))).into());
        let numbers: Vec<_> = outbox(store).into_iter().map(|(number, _)| number).collect();
        let dead = Some(DeadLetter { attempts: 3, reason: "no answer".into() });
        let given_up = Arc::new(Event { dead, ..(*event("B")).clone() });
        change_outbox(store, vec![OutboxChange::Replace(numbers[1], Arc::clone(&given_up)), OutboxChange::Remove(numbers[0])]);
        let left: Vec<_> = outbox(store);
        assert_eq!(left, [(numbers[1], given_up), (numbers[2], event("c"))]);
        let gone = numbers[0];
        assert_eq!(read_now(store, move |state| state.event(gone)).unwrap(), None);
        // What is not there any more stays away, also within one job.
        change_outbox(store, vec![
            OutboxChange::Replace(gone, event("x")),
            OutboxChange::Remove(gone),
            OutboxChange::Remove(numbers[1]),
            OutboxChange::Replace(numbers[1], event("x")),
            OutboxChange::Post(event("d")),
        ]);
        assert_eq!(bodies(&outbox(store)), ["c", "d"]);
        assert!(outbox(store)[1].0 > numbers[2]);
    }

    fn a_number_is_not_given_to_a_second_event(store) {
        let mut seen = HashSet::new();
        for _ in 0..5 {
            change_outbox(store, vec![OutboxChange::Post(event("a"))]);
            let number = outbox(store)[0].0;
            assert!(seen.insert(number), "{number:?}");
            change_outbox(store, vec![OutboxChange::Remove(number)]);
            assert_eq!(outbox(store), []);
        }
    }

    fn work_that_fails_or_panics_leaves_no_event(store) {
        change_outbox(store, vec![OutboxChange::Post(event("a"))]);
        let number = outbox(store)[0].0;
        let refused = write_now(store, move |transaction| {
            transaction.change_outbox(OutboxChange::Post(event("b")))?;
            transaction.change_outbox(OutboxChange::Remove(number))?;
            Err::<(), _>(StoreError::Busy)
        });
        assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
        let panicked = write_now(store, move |transaction| -> Result<(), _> {
            transaction.change_outbox(OutboxChange::Replace(number, event("c")))?;
            panic!("on purpose")
        });
        assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
        assert_eq!(outbox(store), [(number, event("a"))]);
    }

    fn an_event_is_kept_together_with_its_profile(store) {
        write_now(store, |transaction| {
            transaction.put(found_by_everything(1))?;
            transaction.change_outbox(OutboxChange::Post(event("a")))
        })
        .unwrap();
        let seen = read_now(store, |state| {
            Ok((state.profile(DATABASE, id(1))?.is_some(), state.events_after(None, 9)?.len()))
        });
        assert_eq!(seen.unwrap(), (true, 1));
    }

    fn figures_are_what_was_done_as_far_as_they_are_known(store) {
        keep(store, &found_by_everything(1));
        keep(store, &found_by_everything(2));
        remove(store, id(1));
        change_outbox(store, vec![OutboxChange::Post(event("a")), OutboxChange::Post(event("b"))]);
        let Figures { waiting, commits, jobs, bytes_written, profiles, events } = store.figures();
        assert_eq!(jobs, Some(4));
        assert_eq!((waiting.unwrap_or(0), commits.unwrap_or(4)), (0, 4));
        assert_eq!((profiles.unwrap_or(1), events.unwrap_or(2)), (1, 2));
        assert!(bytes_written.is_none_or(|bytes| bytes > 1_000), "{bytes_written:?}");
        store.close().unwrap();
        store.figures();
    }

    fn the_only_server_of_a_store_may_deliver(store) {
        assert!(store.may_deliver().unwrap());
        assert!(store.may_deliver().unwrap());
    }

    fn a_closed_store_says_so(store) {
        keep(store, &found_by_everything(1));
        store.close().unwrap();
        store.close().unwrap();
        assert!(matches!(write_now(store, |_| Ok(())), Err(StoreError::Closed)));
        assert!(matches!(stored(store, DATABASE, id(1)), Err(StoreError::Closed)));
    }
}

fn bodies(events: &[NumberedEvent]) -> Vec<&str> {
    events.iter().map(|(_, event)| &*event.body).collect()
}

/// What one job of a random history does: this, one after the other, then it succeeds or fails.
#[derive(Debug, Clone)]
struct Step {
    acts: Vec<Act>,
    fails: bool,
}

#[derive(Debug, Clone)]
enum Act {
    Put(Profile),
    Remove(ProfileId),
}

fn step() -> impl Strategy<Value = Step> {
    let act =
        prop_oneof![3 => small_profile().prop_map(Act::Put), 1 => (0..4u8).prop_map(|number| Act::Remove(id(number)))];
    (collection::vec(act, 0..4), prop::bool::weighted(0.2)).prop_map(|(acts, fails)| Step { acts, fails })
}

impl Step {
    fn puts(&self) -> impl Iterator<Item = &Profile> {
        self.acts.iter().filter_map(|act| match act {
            Act::Put(profile) => Some(profile),
            Act::Remove(_) => None,
        })
    }
}

/// A profile out of few identifiers and few values, so that profiles meet.
fn small_profile() -> impl Strategy<Value = Profile> {
    let word = || select(vec!["", "a", "ab", "b"]);
    let field = (select(vec!["email", "phones", "x", "y", "_z"]), word(), word());
    let address = (select(vec!["email", "sms", "push", "pager", "chat"]), 1..3u32, word(), word());
    let parts = (0..4u8, collection::vec(field, 0..4), collection::vec(address, 0..4));
    parts.prop_map(|(number, fields, addresses)| {
        let mut profile = Profile::new(id(number), DATABASE);
        for (name, value, other) in fields {
            profile.fields.set(name.into(), small_value(name, value, other));
        }
        for (channel, resource, value, name) in addresses {
            let mut subscription = subscription(resource, channel, small_address(channel, value, name));
            subscription
                .custom_fields
                .set(if name.is_empty() { "z" } else { name }.into(), small_value("x", value, name));
            profile.subscriptions.push(subscription);
        }
        profile
    })
}

fn small_value(name: &str, value: &str, other: &str) -> FieldValue {
    match name {
        "email" => FieldValue::Email(small_email(value)),
        "phones" => FieldValue::Phones(vec![small_phone(value), small_phone(other)]),
        "x" => FieldValue::Tags(vec![value.into(), other.into()]),
        _ => FieldValue::Text(value.into()),
    }
}

fn small_address(channel: &str, value: &str, name: &str) -> Address {
    match channel {
        "email" => Address::Email(small_email(value)),
        "sms" => Address::Phone(small_phone(value)),
        "push" => Address::Push { provider: name.into(), subscription_id: value.into() },
        "pager" => Address::Custom(value.into()),
        _ => Address::Chat(1),
    }
}

fn small_email(word: &str) -> Email {
    Email::parse(&format!("x{word}@example.com")).unwrap()
}

fn small_phone(word: &str) -> Phone {
    Phone::from_digits(79_000_000_000 + word.len() as u64).unwrap()
}

/// The profiles that a history leaves, and what a search through the list of them answers.
#[derive(Default)]
struct List(BTreeMap<ProfileId, Profile>);

impl List {
    fn run(&mut self, step: &Step) {
        for act in step.acts.iter().filter(|_| !step.fails) {
            match act {
                Act::Put(profile) => drop(self.0.insert(profile.id, profile.clone())),
                Act::Remove(id) => drop(self.0.remove(id)),
            }
        }
    }

    fn find(&self, key: &LookupKey<'_>) -> Vec<ProfileId> {
        let is_meant = |has: &LookupKey<'_>| {
            let resource = if key.resource.is_none() { None } else { has.resource };
            LookupKey { resource, ..has.clone() } == *key
        };
        let found = self.0.values().filter(|profile| keys_of(profile).iter().any(is_meant));
        found.map(|profile| profile.id).collect()
    }
}

/// Runs the step in a database, without waiting for its answer.
fn hand_over(store: &dyn Store, database: DatabaseId, step: &Step) -> impl FnOnce() + use<> {
    let Step { acts, fails } = step.clone();
    let (job, answer) = Job::new(move |transaction| {
        for act in &acts {
            match act {
                Act::Put(profile) => transaction.put(Profile { database, ..profile.clone() })?,
                Act::Remove(id) => transaction.remove(database, *id)?,
            }
        }
        if fails { Err(StoreError::Busy) } else { Ok(()) }
    });
    store.enqueue(job).unwrap();
    move || assert_eq!(answer.blocking_recv().unwrap().is_err(), fails)
}

#[test]
fn any_history_leaves_what_a_list_of_profiles_would() {
    let folder = tempfile::tempdir().unwrap();
    let mut stores: Vec<Arc<dyn Store>> =
        vec![Arc::new(MemoryStore::new()), Arc::new(DiskStore::open(folder.path()).unwrap())];
    #[cfg(feature = "postgres")]
    stores.extend(postgres_store().map(|store| Arc::new(store) as Arc<dyn Store>));
    let mut database = 0;
    let histories = collection::vec(step(), 1..12);
    let check = |history: Vec<Step>| {
        database += 1; // of its own for each history
        let database = DatabaseId(database);
        let mut list = List::default();
        history.iter().for_each(|step| list.run(step));
        let asked: HashSet<_> = history.iter().flat_map(Step::puts).flat_map(lookups).collect();
        for store in &stores {
            let answers: Vec<_> = history.iter().map(|step| hand_over(&**store, database, step)).collect();
            answers.into_iter().for_each(|wait| wait());
            for key in asked.iter().filter(|key| key.source != KeySource::ProfileId) {
                prop_assert_eq!(find(&**store, database, key), list.find(key), "{:?}", key);
            }
            for number in 0..4 {
                let expected = list.0.get(&id(number)).map(|known| Profile { database, ..known.clone() });
                let kept = stored(&**store, database, id(number)).unwrap();
                prop_assert_eq!(kept.as_deref(), expected.as_ref());
            }
        }
        Ok(())
    };
    let check = std::cell::RefCell::new(check);
    TestRunner::default().run(&histories, |history| (check.borrow_mut())(history)).unwrap();
}
