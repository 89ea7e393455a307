//! Matching: which stored profile does an incoming one mean?
//!
//! A matching mode is a row of [`mode::MODES`]: the places it searches, in order, and what happens when nobody is found.
//! [`plan::Plan`] turns a mode and a request into look-ups; [`plan::Plan::resolve`] asks them of a store through the one
//! question of [`index::ProfileIndex`]. Lives here: the table, the search, the keys a profile is found by. Does not live
//! here: stores, wire spellings, what is written after the match. Modes are named in the table and nowhere else.

pub mod key; // table: places a mode can search; the keys of a profile
pub mod mode; // table: the modes

pub mod index; // what a store must be able to answer
pub mod plan; // mode + request -> look-ups -> match
