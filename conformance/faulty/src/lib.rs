//! The server with one thing broken: what proves that the judge notices.
//!
//! A [`Fault`] is a row: its name, its story, the requirement it breaks, and one deviation at one seam of the server.
//! Everything else is the server as it is. Rows are written from the requirements and not from the cases, so that a
//! fault which survives tells of a missing case. Does not live here: the judge (`rollcall-conformance`), and what is
//! right (`crates/`).

mod faults; // the rows, by seam
mod lens; // a store seen through something
pub mod matrix; // which case notices which fault
mod message; // a call that can be changed
pub mod personality; // the server with habits of its own, none of them wrong
mod seam; // where a deviation can be put, and the server that has it

pub use faults::all;

use anyhow::Context;
use rollcall_server::{
    call::Answer,
    http::{self, Settings},
};
use seam::Seam;
use std::{future::Future, sync::Arc};
use tokio::net::TcpListener;

/// One thing that is broken.
#[derive(Clone, Copy)]
pub struct Fault {
    /// What it is called, in kebab case.
    pub name: &'static str,
    /// The requirement it breaks: a row of `conformance/spec/requirements`.
    pub breaks: &'static str,
    /// What is wrong, in one line.
    pub story: &'static str,
    /// Why the cases leave room for it, though it breaks a MUST: then it is told and changes no verdict.
    pub room: Option<&'static str>,
    seam: Seam,
}

impl Fault {
    /// The same fault, which is only told, and why.
    const fn only_told(self, why: &'static str) -> Self {
        Self { room: Some(why), ..self }
    }

    /// The server with this fault, on a fresh store in memory and with the documented world.
    pub fn server(&self) -> anyhow::Result<Arc<dyn Answer>> {
        self.seam.server()
    }
}

/// The server without a fault, otherwise set up alike.
pub fn unbroken() -> anyhow::Result<Arc<dyn Answer>> {
    Seam::Nowhere.server()
}

/// The fault with this name.
pub fn named(name: &str) -> anyhow::Result<&'static Fault> {
    all()
        .iter()
        .find(|fault| fault.name == name)
        .with_context(|| format!("no fault is called {name:?}; --list names them all"))
}

/// Listens on a free port of this machine. Gives the base URL, and what serves it for as long as it is polled.
pub async fn listen(server: Arc<dyn Answer>) -> anyhow::Result<(String, impl Future<Output = ()> + Send)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1")?;
    let url = format!("http://{}", listener.local_addr()?);
    let serving = http::serve(listener, server, Settings::default(), std::future::pending());
    Ok((url, serving))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_name_and_a_story_of_its_own() {
        let faults = all();
        for (place, fault) in faults.iter().enumerate() {
            let is_kebab =
                fault.name.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
            assert!(is_kebab, "{}", fault.name);
            assert!(!fault.story.contains('\n') && fault.story.ends_with('.'), "{}: {}", fault.name, fault.story);
            for other in &faults[place + 1..] {
                assert!(fault.name != other.name && fault.story != other.story, "{} and {}", fault.name, other.name);
            }
        }
    }

    #[test]
    fn an_unknown_name_leads_to_the_list() {
        let error = named("no-such-fault").err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("no fault is called \"no-such-fault\"; --list names them all"));
    }
}
