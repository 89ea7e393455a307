//! Table: the calls. Rulings T1-T3; dossier 6.

use crate::{
    batch,
    call::{Call, Pending},
    catalogue, change, delete,
    failure::Failure,
    get, list,
    outbox::calls,
    service::Service,
};
use rollcall_codec::{
    batch::Batch,
    format::Format,
    parameter::{self, Parameter},
    request::Parameters,
};
use rollcall_model::{action::Action, database::Database, token::Grant, world::World};
use std::sync::Arc;

/// A call: where it is, what one must be allowed to do for it, what it takes, does and answers.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The path, without a trailing slash.
    pub path: &'static str,
    /// What a token must allow.
    pub action: Action,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What the body must say, beside token and database.
    pub required: &'static [Parameter],
    /// What the body may say, in groups.
    pub optional: &'static [&'static [Parameter]],
    /// What it answers where nothing is wrong.
    pub answer: AnswerShape,
    /// Answers an authenticated request with a body.
    pub serve: Serve,
}

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub enum Serve {
    /// A database that `db_id` names, in which the caller may do the action.
    InDatabase(for<'a> fn(Request<'a>, &'a Database) -> Answering<'a>),
    /// The same, with a list of profiles in `data`.
    Batch(for<'a> fn(Request<'a>, &'a Database, &'a Batch<'a>) -> Answering<'a>),
    /// What the configuration says; as much of it as the caller may see.
    OfConfiguration(for<'a> fn(Request<'a>) -> Answering<'a>),
}

/// What stands in an answer beside `error` and `error_text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerShape {
    /// `profile_id`.
    Outcome,
    /// `result`: a list of outcomes and refusals, in the order of the request; in XML repeated `<xml>`.
    Results,
    /// `data` with `profile_id`.
    Removed,
    /// `data`: a profile.
    Profile,
    /// `data`: a list of profiles; `from_id`, where there are more.
    Profiles,
    /// `data`: a subscription.
    Subscription,
    /// `data`: a list of subscriptions.
    Subscriptions,
    /// `data`: a resource.
    Resource,
    /// `data`: a list of databases; `from_id`, where there are more.
    Databases,
    /// `data`: a list of fields.
    Fields,
    /// `data`: a list of events; `from_id`, where there are more.
    Events,
    /// `count`: how many it was done to.
    Count,
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

/// What all paths begin with. Some clients put two slashes behind it.
const BASE: &str = "/api/v1.1/";

/// The calls.
pub const ROUTES: &[Route] = &[
    Route {
        path: "/api/v1.1/profiles/import",
        action: Action::Import,
        summary: "Updates the profile that is found, or creates one.",
        required: &[Parameter::Data],
        optional: &[parameter::SEARCH, parameter::OPTIONS, parameter::SEGMENTS, parameter::TRIAL],
        answer: AnswerShape::Outcome,
        serve: Serve::InDatabase(change::import),
    },
    Route {
        path: "/api/v1.1/profiles/update",
        action: Action::Import,
        summary: "Updates the profile that is found; creates none.",
        required: &[Parameter::Data],
        optional: &[parameter::SEARCH, parameter::OPTIONS, parameter::SEGMENTS, parameter::TRIAL],
        answer: AnswerShape::Outcome,
        serve: Serve::InDatabase(change::update),
    },
    Route {
        path: "/api/v1.1/profiles/add",
        action: Action::Import,
        summary: "Creates a profile, and looks for none; without data an empty one.",
        required: &[],
        optional: &[&[Parameter::Data], parameter::OPTIONS, parameter::SEGMENTS, parameter::TRIAL],
        answer: AnswerShape::Outcome,
        serve: Serve::InDatabase(change::add),
    },
    Route {
        path: "/api/v1.1/profiles/import_batch",
        action: Action::Import,
        summary: "Imports many profiles, each on its own and in their order.",
        required: &[Parameter::Data],
        optional: &[parameter::SHARED_SEARCH, parameter::OPTIONS, parameter::SEGMENTS],
        answer: AnswerShape::Results,
        serve: Serve::Batch(batch::import),
    },
    Route {
        path: "/api/v1.1/profiles/update_batch",
        action: Action::Import,
        summary: "Updates many profiles, each on its own and in their order; creates none.",
        required: &[Parameter::Data],
        optional: &[parameter::SHARED_SEARCH, parameter::OPTIONS, parameter::SEGMENTS],
        answer: AnswerShape::Results,
        serve: Serve::Batch(batch::update),
    },
    Route {
        path: "/api/v1.1/profiles/add_batch",
        action: Action::Import,
        summary: "Creates many profiles, each on its own; looks for none.",
        required: &[Parameter::Data],
        optional: &[parameter::OPTIONS, parameter::SEGMENTS],
        answer: AnswerShape::Results,
        serve: Serve::Batch(batch::add),
    },
    Route {
        path: "/api/v1.1/profiles/get",
        action: Action::Read,
        summary: "Shows the profile that is found.",
        required: &[],
        optional: &[parameter::SEARCH],
        answer: AnswerShape::Profile,
        serve: Serve::InDatabase(get::profile),
    },
    Route {
        path: "/api/v1.1/profiles/list",
        action: Action::Read,
        summary: "Shows the profiles of a database page by page, the oldest first.",
        required: &[],
        optional: &[parameter::PAGE],
        answer: AnswerShape::Profiles,
        serve: Serve::InDatabase(list::profiles),
    },
    Route {
        path: "/api/v1.1/profiles/delete",
        action: Action::Delete,
        summary: "Removes the profile that is found.",
        required: &[],
        optional: &[parameter::SEARCH],
        answer: AnswerShape::Removed,
        serve: Serve::InDatabase(delete::profile),
    },
    Route {
        path: "/api/v1.1/profiles/segstatic/add",
        action: Action::Import,
        summary: "Puts a profile into a static segment.",
        required: &[Parameter::ProfileId, Parameter::SegmentId],
        optional: &[&[Parameter::SkipTriggers], parameter::TRIAL],
        answer: AnswerShape::Outcome,
        serve: Serve::InDatabase(change::enter_segment),
    },
    Route {
        path: "/api/v1.1/profiles/segstatic/remove",
        action: Action::Import,
        summary: "Takes a profile out of a static segment.",
        required: &[Parameter::ProfileId, Parameter::SegmentId],
        optional: &[&[Parameter::SkipTriggers], parameter::TRIAL],
        answer: AnswerShape::Outcome,
        serve: Serve::InDatabase(change::leave_segment),
    },
    Route {
        path: "/api/v1.1/subscriptions/set",
        action: Action::Import,
        summary: "Adds a subscription to a profile, or changes the one with the same resource, channel and address.",
        required: &[Parameter::ProfileId, Parameter::ResourceId, Parameter::Channel],
        optional: &[parameter::ADDRESS, parameter::SUBSCRIPTION, &[Parameter::SkipTriggers], parameter::TRIAL],
        answer: AnswerShape::Outcome,
        serve: Serve::InDatabase(change::set_subscription),
    },
    Route {
        path: "/api/v1.1/subscriptions/get",
        action: Action::Read,
        summary: "Shows one subscription of a profile.",
        required: &[Parameter::ProfileId, Parameter::ResourceId, Parameter::Channel],
        optional: &[parameter::ADDRESS],
        answer: AnswerShape::Subscription,
        serve: Serve::InDatabase(get::subscription),
    },
    Route {
        path: "/api/v1.1/subscriptions/list",
        action: Action::Read,
        summary: "Shows the subscriptions of a profile.",
        required: &[Parameter::ProfileId],
        optional: &[],
        answer: AnswerShape::Subscriptions,
        serve: Serve::InDatabase(get::subscriptions),
    },
    Route {
        path: "/api/v1.1/resources/get",
        action: Action::Read,
        summary: "Shows a resource of a database that the caller may read.",
        required: &[Parameter::Id],
        optional: &[],
        answer: AnswerShape::Resource,
        serve: Serve::OfConfiguration(catalogue::resource),
    },
    Route {
        path: "/api/v1.1/resources/fields_get",
        action: Action::Read,
        summary: "Shows the fields that subscriptions to a resource may have.",
        required: &[Parameter::Id],
        optional: &[&[Parameter::Channel]],
        answer: AnswerShape::Fields,
        serve: Serve::OfConfiguration(catalogue::resource_fields),
    },
    Route {
        path: "/api/v1.1/databases/list",
        action: Action::Read,
        summary: "Shows the databases that the caller may read.",
        required: &[],
        optional: &[parameter::PAGE],
        answer: AnswerShape::Databases,
        serve: Serve::OfConfiguration(list::databases),
    },
    Route {
        path: "/api/v1.1/databases/fields_get",
        action: Action::Read,
        summary: "Shows the fields that profiles of a database may have.",
        required: &[],
        optional: &[],
        answer: AnswerShape::Fields,
        serve: Serve::InDatabase(catalogue::database_fields),
    },
    // Ours: what the documented platform has no call for.
    Route {
        path: "/api/rollcall/outbox/list",
        action: Action::Read,
        summary: "Shows events that wait to be sent to webhooks, and those that were given up, page by page.",
        required: &[],
        optional: &[parameter::PAGE],
        answer: AnswerShape::Events,
        serve: Serve::InDatabase(calls::list),
    },
    Route {
        path: "/api/rollcall/outbox/retry",
        action: Action::Delete,
        summary: "Sends events again that were given up.",
        required: &[Parameter::Events],
        optional: &[],
        answer: AnswerShape::Count,
        serve: Serve::InDatabase(calls::retry),
    },
    Route {
        path: "/api/rollcall/outbox/drop",
        action: Action::Delete,
        summary: "Throws events away that were given up.",
        required: &[Parameter::Events],
        optional: &[],
        answer: AnswerShape::Count,
        serve: Serve::InDatabase(calls::drop),
    },
];

impl Route {
    /// Everything that the body can say, each parameter once, and whether it must.
    pub fn parameters(&self) -> Vec<(Parameter, bool)> {
        let database: &[_] = match self.serve {
            Serve::InDatabase(_) | Serve::Batch(_) => &[Parameter::DatabaseId],
            Serve::OfConfiguration(_) => &[],
        };
        let required = database.iter().chain(self.required).map(|&parameter| (parameter, true));
        let optional = parameter::CALLER.iter().chain(self.optional.iter().copied().flatten());
        let mut all: Vec<(Parameter, bool)> = required.collect();
        for &parameter in optional {
            if all.iter().all(|(known, _)| *known != parameter) {
                all.push((parameter, false));
            }
        }
        all
    }
}

/// The call at this path, with or without one trailing slash (T1), and with one or two slashes behind the version.
pub fn route(path: &str) -> Option<&'static Route> {
    let path = path.strip_suffix('/').unwrap_or(path);
    match path.strip_prefix(BASE).and_then(|call| call.strip_prefix('/')) {
        Some(call) => ROUTES.iter().find(|route| route.path.strip_prefix(BASE) == Some(call)),
        None => ROUTES.iter().find(|route| route.path == path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_call_with_and_without_a_trailing_slash() {
        for path in ["/api/v1.1/profiles/import", "/api/v1.1/profiles/import/", "/api/v1.1//profiles/import"] {
            assert!(route(path).is_some(), "{path}");
        }
        for unknown in [
            "",
            "/",
            "/api/v1.1/",
            "/api/v1.1///profiles/import",
            "/api/v1.1/profiles/import//",
            "/api/v1.1/profiles//import",
            "/api/v1.1/profiles",
            "/API/v1.1/profiles/import",
        ] {
            assert!(route(unknown).is_none(), "{unknown}");
        }
    }

    #[test]
    fn each_path_stands_once_and_is_found() {
        for (place, row) in ROUTES.iter().enumerate() {
            assert!(ROUTES[place + 1..].iter().all(|other| other.path != row.path), "{}", row.path);
            assert!(route(row.path).is_some_and(|found| found.path == row.path), "{}", row.path);
        }
    }

    #[test]
    fn a_call_says_once_of_each_parameter_whether_it_must_be_there() {
        for row in ROUTES {
            let parameters = row.parameters();
            for (place, (parameter, _)) in parameters.iter().enumerate() {
                assert!(
                    parameters[place + 1..].iter().all(|(other, _)| other != parameter),
                    "{}: {parameter:?}",
                    row.path
                );
            }
        }
    }
}
