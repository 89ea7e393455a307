//! The wire: JSON and XML to and from the import request, and the answers back.
//!
//! Bytes become a [`tree::Tree`] (`json` and `xml` know no parameter's name), the tree is read through elements whose
//! scalars stay text until a reader asks for a type, and [`request`] and [`import`] know the parameters. One reader serves
//! both formats, so that they cannot drift apart (X8). The way back is [`answer`] and [`encode`], over nodes that are the
//! same for both. Lives here: how bodies are written. Does not live here: HTTP, what a request does.

pub mod format; // table: the two formats and their media types
pub mod limits; // what a body may hold at most

mod names; // names of one object: each once
pub mod tree; // a parsed body, borrowed from its bytes
mod json; // JSON bytes -> tree
mod xml; // XML bytes -> tree

mod element; // reading a tree: objects, lists, places for refusals
mod scalar; // reading one value by the type that is wanted
mod change; // a value, or a functional update

pub mod parameter; // table: what a body can say
pub mod request; // the parameters of an object, and those that calls share
mod contact; // addresses of channels, by kind
pub mod subscription; // an item of `data.subscriptions`
pub mod import; // the import request
pub mod batch; // many of them in one body

mod node; // what is written, whatever the format
mod write; // node -> bytes
mod catalogue; // what the configuration says, as nodes
pub mod answer; // outcomes and profiles -> bytes
pub mod encode; // import request -> bytes, for clients and tests
pub mod event; // what has become of a profile -> the body that webhooks get
mod explain; // how an import came to its outcome

mod exact; // a stored value in a line, whether the configuration knows it or not
mod stored_subscription; // the same for a subscription
pub mod line; // profile <-> a line of JSON, to move stores
