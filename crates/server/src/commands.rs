//! The program's commands, each with its arguments. What they do to profiles is the library's, where more than one needs
//! it.

pub(crate) mod files; // which file a name leads to; files that are whole or not there
pub(crate) mod places; // which store, which world: the arguments that commands share
pub(crate) mod progress; // the bar on a terminal

pub(crate) mod backup; // a copy of a folder
pub(crate) mod check; // is a folder sound?
pub(crate) mod export; // store -> lines
pub(crate) mod load; // lines -> store
pub(crate) mod outbox; // events that wait
pub(crate) mod serve; // HTTP
pub(crate) mod token; // a new token, or the hash of one
pub(crate) mod world; // is a world file sound, and what does it come to?
