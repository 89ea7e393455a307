//! The glossary of the field, as plain values: what a database, a profile, a subscription, an import *is*.
//!
//! Lives here: types whose values cannot be wrong, the tables of the documentation (channels, statuses, response
//! codes, system fields, field types), and what a patch does to a profile. Does not live here: wire spellings
//! (`rollcall-codec`), searching (`rollcall-matching`), storage, HTTP, clocks. Read in this order:

pub mod rejection;
pub mod response_code; // table: reason, number, text // a refusal as a value: reason, place, detail

pub mod email;
pub mod phone;
pub mod value; // free-form values of object fields

pub mod address; // one contact on a channel
pub mod channel; // table: documented channels and their kind of address
pub mod field; // table: field types; names, definitions, values
pub mod field_action; // table: set, unset, incr, ...
pub mod field_change; // what an import does to one field
pub mod resource; // what one subscribes to
pub mod segment;
pub mod subscription;
pub mod subscription_status; // table: word, number
pub mod system_field; // table: `_fname`, `_bdate`, ...

pub mod database;
pub mod profile;
pub mod profile_patch; // what an import changes in a profile
pub mod subscription_patch; // and in its subscriptions

pub mod import;
pub mod token;
pub mod world; // all of the above that is configuration // the request and its outcome
