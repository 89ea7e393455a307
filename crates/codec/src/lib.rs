//! The wire: JSON and XML to and from the import request, and the answers back.
//!
//! Bytes become a [`tree::Tree`] ([`json`], [`xml`]: neither knows a parameter's name), the tree is read through
//! [`element::Element`]s whose scalars stay text until a reader asks for a type, and [`import`] knows the parameters. One
//! reader serves both formats, so that they cannot drift apart (X8). The way back is [`answer`] and [`encode`], over a
//! [`node::Node`]. Lives here: every wire spelling. Does not live here: HTTP, what a request does.

pub mod format; // table: the two formats and their media types
pub mod limits; // what a body may hold at most

mod json; // JSON bytes -> tree
mod names; // names of one object: each once
pub mod tree; // a parsed body, borrowed from its bytes
mod xml; // XML bytes -> tree

pub mod element; // reading a tree: typed, with places for refusals
mod scalar; // reading one value by the type that is wanted

mod change; // a value, or a functional update
mod contact; // addresses of channels, by kind
pub mod import;
pub mod request; // the parameters of calls
mod subscription; // an item of `data.subscriptions` // the import request

pub mod answer; // outcomes and profiles -> bytes
pub mod encode;
pub mod node; // what is written, whatever the format
mod write; // node -> bytes // import request -> bytes, for clients and tests

pub use tree::parse;
