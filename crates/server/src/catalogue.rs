//! What the configuration says of fields and resources, as far as the caller may read what they belong to. Dossier 6.2.

use crate::routes::{Answering, Request};
use rollcall_codec::answer;
use rollcall_model::{
    action::Action, database::Database, rejection::Rejection, resource::Resource, response_code::ResponseCode,
};

/// `databases/fields_get`.
pub(crate) fn database_fields<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move { Ok(answer::fields(&database.fields, request.format)) })
}

/// `resources/get`.
pub(crate) fn resource(request: Request<'_>) -> Answering<'_> {
    Box::pin(async move {
        let resource = open_resource(&request)?;
        Ok(answer::resource(resource, |id| request.grant.allows(Action::Read, id), request.format))
    })
}

/// `resources/fields_get`. All channels of a resource have the same fields here.
pub(crate) fn resource_fields(request: Request<'_>) -> Answering<'_> {
    Box::pin(async move {
        let resource = open_resource(&request)?;
        match request.parameters.channel()? {
            Some(name) if resource.channels.iter().all(|channel| channel.as_str() != &*name) => {
                Err(ResponseCode::IncorrectValue.because("the resource has no such channel").under("channel").into())
            }
            _ => Ok(answer::fields(&resource.fields, request.format)),
        }
    })
}

/// The resource that is asked about, if it is open to a database that the caller may read.
fn open_resource<'a>(request: &Request<'a>) -> Result<&'a Resource, Rejection> {
    let may_read = |resource: &&Resource| resource.databases.iter().any(|id| request.grant.allows(Action::Read, *id));
    let resource = request.world.resource(request.parameters.resource_id()?).filter(may_read);
    resource.ok_or_else(|| ResponseCode::ResourceNotFound.at("id"))
}
