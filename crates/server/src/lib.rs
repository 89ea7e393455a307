//! The server: HTTP in, profiles in a store, HTTP out.
//!
//! The path of a request: [`http`] makes a [`call::Call`] of it, [`service::Service`] finds its row in [`routes`] and
//! checks who calls, [`import`] does what is asked, in one write of the store, and a [`call::Reply`] goes back. Only
//! [`http`] knows HTTP types. Every seam (answering a call, importing, the store, the table of modes) is handed in, so
//! that a test can stand in for it. Start reading at [`import`].

pub mod call; // a request and its reply, without HTTP
pub mod failure; // refused, or failed: one place that makes answers of it
pub mod world_file; // the configuration, from a TOML file
pub mod worlds; // the configuration that is in force
pub mod watch; // when a file is to be read again
pub mod reload; // the configuration, read again

pub mod geo; // where IP addresses are

pub mod import; // one import as numbered steps: the heart
mod explain; // the same, with how it came to its outcome
pub mod outbox; // what triggers hear, from its posting to its delivery
mod change; // the calls that are an import, with more or less to say
mod batch; // many imports in one body
mod get; // one profile or what is on it, to look at
mod delete; // one profile, to be gone
mod list; // pages of profiles and of databases
mod catalogue; // what the configuration says of fields and resources

pub mod routes; // table: the calls
pub mod probes; // table: what those ask who look after the process
pub mod openapi; // the tables as an OpenAPI document
pub mod allowances; // what tokens have used of what they are allowed
pub mod service; // a call to its reply
pub mod metrics; // figures, for Prometheus
mod access_log; // one event a call
mod request_id; // what a call is called in it
pub mod http; // sockets, and the only HTTP types
