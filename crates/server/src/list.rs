//! Lists that are too long for one answer, page by page: each says where the next one begins, unless it is the last.
//! Dossier 6.2.

use crate::routes::{Answering, Request};
use rollcall_codec::answer;
use rollcall_model::{action::Action, database::Database};
use rollcall_store::transaction;

/// `profiles/list`.
pub(crate) fn profiles<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let Request { service, parameters, world, format, .. } = request;
        let (after, limit, id) = (parameters.after_profile()?, parameters.limit()?, database.id);
        // One more tells whether there is a next page.
        let found = transaction::read(&*service.store, move |state| state.profiles_after(id, after, limit + 1)).await?;
        let page = &found[..found.len().min(limit)];
        let next = page.last().filter(|_| found.len() > limit).map(|profile| profile.id);
        Ok(answer::profiles(page.iter().map(|profile| &**profile), next, world, format))
    })
}

/// `databases/list`.
pub(crate) fn databases(request: Request<'_>) -> Answering<'_> {
    Box::pin(async move {
        let Request { grant, parameters, world, format, .. } = request;
        let (after, limit) = (parameters.after_database()?, parameters.limit()?);
        let is_wanted = |database: &&Database| {
            grant.allows(Action::Read, database.id) && after.is_none_or(|after| database.id > after)
        };
        let mut found: Vec<_> = world.databases.iter().filter(is_wanted).collect();
        found.sort_unstable_by_key(|database| database.id);
        let page = &found[..found.len().min(limit)];
        let next = page.last().filter(|_| found.len() > limit).map(|database| database.id);
        Ok(answer::databases(page, next, format))
    })
}
