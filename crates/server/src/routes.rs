//! Table: the calls. Rulings T1-T3.

use crate::{
    call::{Call, Pending},
    explain,
    failure::Failure,
    get,
    outbox::calls,
    service::Service,
};
use rollcall_codec::{answer, format::Format, import, request::Parameters};
use rollcall_model::{action::Action, database::Database, token::Grant, world::World};
use std::sync::Arc;

/// A call: where it is, what one must be allowed to do for it, and what it does.
#[derive(Clone, Copy)]
pub struct Route {
    /// The path, without a trailing slash.
    pub path: &'static str,
    /// What a token must allow.
    pub action: Action,
    /// Answers an authenticated request with a body.
    pub serve: Serve,
}

/// What a call is about.
#[derive(Clone, Copy)]
pub enum Serve {
    /// A database that `db_id` names, in which the caller may do the action.
    InDatabase(for<'a> fn(Request<'a>, &'a Database) -> Answering<'a>),
    /// What the configuration says; as much of it as the caller may see.
    OfConfiguration(for<'a> fn(Request<'a>) -> Answering<'a>),
}

/// A body on its way.
pub type Answering<'a> = Pending<'a, Result<Vec<u8>, Failure>>;

/// What a route has to work with: a parsed body whose sender is known.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The server.
    pub service: &'a Service,
    /// The configuration it goes by.
    pub world: &'a Arc<World>,
    /// What its sender may do.
    pub grant: &'a Grant,
    /// As it came.
    pub call: &'a Call<'a>,
    /// What the body says.
    pub parameters: Parameters<'a, 'a>,
    /// How the answer is to be written.
    pub format: Format,
}

/// The one method there is.
pub const METHOD: &str = "POST";

/// The calls.
pub const ROUTES: &[Route] = &[
    Route { path: "/api/v1.1/profiles/import", action: Action::Import, serve: Serve::InDatabase(import_profile) },
    Route { path: "/api/v1.1/profiles/get", action: Action::Read, serve: Serve::InDatabase(get_profile) },
    Route { path: "/api/rollcall/outbox/list", action: Action::Read, serve: Serve::InDatabase(calls::list) },
    Route { path: "/api/rollcall/outbox/retry", action: Action::Delete, serve: Serve::InDatabase(calls::retry) },
    Route { path: "/api/rollcall/outbox/drop", action: Action::Delete, serve: Serve::InDatabase(calls::drop) },
];

/// The call at this path, with or without one trailing slash (T1).
pub fn route(path: &str) -> Option<&'static Route> {
    let path = path.strip_suffix('/').unwrap_or(path);
    ROUTES.iter().find(|route| route.path == path)
}

fn import_profile<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let Request { service, world, grant, parameters, format, .. } = request;
        let import = import::read(&parameters, database, world, service.limits)?;
        let trial = explain::asked(&request, &import)?;
        let count = u32::from(!trial.is_some_and(|trial| trial.is_dry_run));
        service.allowances.admit(grant, count)?;
        let imported = match trial {
            None => service.import(import, world).await.map(|outcome| answer::outcome(outcome, format)),
            Some(trial) => explain::import(&request, import, trial)
                .await
                .map(|(outcome, explanation)| answer::explained(outcome, &explanation, trial, world, format)),
        };
        imported.inspect_err(|_| service.allowances.give_back(grant, count))
    })
}

fn get_profile<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let profile = get::profile(&request, database).await?;
        Ok(answer::profile(&profile, request.world, request.format))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_call_with_and_without_a_trailing_slash() {
        assert!(route("/api/v1.1/profiles/import").is_some() && route("/api/v1.1/profiles/import/").is_some());
        for unknown in ["", "/", "/api/v1.1/profiles/import//", "/api/v1.1/profiles", "/API/v1.1/profiles/import"] {
            assert!(route(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn each_path_stands_once() {
        for (place, route) in ROUTES.iter().enumerate() {
            assert!(ROUTES[place + 1..].iter().all(|other| other.path != route.path), "{}", route.path);
        }
    }
}
