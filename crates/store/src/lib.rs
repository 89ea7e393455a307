//! Where profiles are kept, behind one trait: [`memory::MemoryStore`] forgets at exit, [`disk::DiskStore`] does not, and
//! [`postgres::PostgresStore`] shares them with other servers.
//!
//! A write is a piece of work that is handed to the store and gets a place of its own in one serial order; what it reads
//! and what it changes are one consistent state, and its answer means that the change is kept. Lives here: profiles and
//! the index of their keys, identifiers of new profiles, the form on disk. Does not live here: which keys a profile has
//! and which of them a request looks for (`rollcall-matching`), what an import changes (`rollcall-model`).
//! Read in this order:

pub mod error;
pub mod ids; // identifiers of new profiles
pub mod transaction; // what a piece of work sees; the trait `Store`; `write`

mod overlay; // what a job has changed
mod profiles; // profiles and their index, as maps
mod outbox; // events that wait, as a map
mod layer; // what the jobs of a batch have changed

pub mod memory; // the store that forgets

pub mod record; // a profile as bytes
mod key_place; // table: what a key is called in an index

pub mod disk; // the store that does not

#[cfg(feature = "postgres")]
pub mod postgres; // the store that many servers share

pub mod figures; // what a store tells of itself
pub mod progress; // how far something long has come

pub mod backup; // a copy of a folder
pub mod check; // whether a folder is sound
