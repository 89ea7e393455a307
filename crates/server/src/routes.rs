//! Table: the calls. Rulings T1-T3.

use crate::{failure::Failure, get, service::Service};
use rollcall_codec::{answer, format::Format, import, request::Parameters};
use rollcall_model::database::Database;

use crate::call::Pending;

/// A call: where it is, and what it does.
#[derive(Clone, Copy)]
pub struct Route {
    /// The path, without a trailing slash.
    pub path: &'static str,
    /// Answers an authorised request with a body.
    pub serve: for<'a> fn(Request<'a>) -> Pending<'a, Result<Vec<u8>, Failure>>,
}

/// What a route has to work with: a parsed body whose sender may use the database.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The server.
    pub service: &'a Service,
    /// What the body says.
    pub parameters: Parameters<'a, 'a>,
    /// The database that is meant.
    pub database: &'a Database,
    /// How the answer is to be written.
    pub format: Format,
}

/// The one method there is.
pub const METHOD: &str = "POST";

/// The calls.
pub const ROUTES: &[Route] = &[
    Route { path: "/api/v1.1/profiles/import", serve: import_profile },
    Route { path: "/api/v1.1/profiles/get", serve: get_profile },
];

/// The call at this path, with or without one trailing slash (T1).
pub fn route(path: &str) -> Option<&'static Route> {
    let path = path.strip_suffix('/').unwrap_or(path);
    ROUTES.iter().find(|route| route.path == path)
}

fn import_profile(request: Request<'_>) -> Pending<'_, Result<Vec<u8>, Failure>> {
    Box::pin(async move {
        let Request { service, parameters, database, format } = request;
        let import = import::read(&parameters, database, &service.world, service.limits)?;
        let outcome = service.importer.import(import).await?;
        Ok(answer::outcome(outcome, format))
    })
}

fn get_profile(request: Request<'_>) -> Pending<'_, Result<Vec<u8>, Failure>> {
    Box::pin(async move {
        let Request { service, parameters, database, format } = request;
        let profile = get::profile(&parameters, database, service).await?;
        Ok(answer::profile(&profile, &service.world, format))
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
