//! What tests and benches of several crates run: the program as a process, a throw-away PostgreSQL, load over HTTP.
//!
//! A tool for tests: nothing that is shipped depends on it, and it uses no crate of ours, so that every crate may use it.

pub mod chance; // seeds and amounts, printed and given
pub mod http; // a bare connection that costs little
pub mod load; // many callers, and how long each call took
pub mod people; // import requests of many people
pub mod postgres; // a cluster of its own, from an installed PostgreSQL
pub mod server; // the program `rollcall` as a child process
pub mod usage; // what a process and a folder take
