//! The glossary of the field, as plain values: what a database, a profile, a subscription, an import *is*.
//!
//! Lives here: types whose values cannot be wrong, the tables of the documentation (channels, statuses, response
//! codes, system fields, field types, actions), and what a patch does to a profile. Does not live here: how a body is
//! written (`rollcall-codec`), searching (`rollcall-matching`), storage, HTTP, clocks. Refusals name the place as the
//! sender does (`data.email`). Read in this order:

pub mod response_code; // table: reason, number, text
pub mod rejection; // a refusal as a value: reason, place, detail

pub mod email;
pub mod phone;
pub mod value; // free-form values of object fields
pub mod distinct; // lists that hold each value once
mod hex; // bytes as digits

pub mod time_zone; // which ones there are

pub mod field; // table: field types; names, definitions, values
pub mod system_field; // table: `_fname`, `_bdate`, ...
pub mod field_action; // table: `set`, `unset`, `incr`, ...
pub mod field_change; // what an import does to one field
pub mod channel; // table: documented channels and their kind of address
pub mod address; // one contact on a channel
pub mod resource; // what one subscribes to
pub mod segment;
pub mod subscription_status; // table: word, number
pub mod subscription;
pub mod hash_id; // the short name of a subscription

pub mod database;
pub mod profile;
pub mod profile_patch; // what an import changes in a profile
pub mod subscription_patch; // and in its subscriptions
pub mod place; // table: what the place of an address fills

pub mod event_kind; // table: what can become of a profile
pub mod profile_change; // what has become of one
pub mod trigger; // who wants to know of it
pub mod event; // what is sent to them

pub mod action; // table: what a token can be allowed to do
pub mod token;
pub mod world; // all of the above that is configuration
pub mod import; // the request and its outcome
pub mod explanation; // how the one led to the other

#[cfg(any(test, feature = "strategies"))]
pub mod strategies; // whatever all of this can hold, for property tests
