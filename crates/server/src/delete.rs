//! One profile, found as it is to be shown, and removed. Dossier 6.2.

use crate::{
    failure::{Failure, apart},
    get::Search,
    routes::{Answering, Request},
};
use rollcall_codec::answer;
use rollcall_model::{
    database::{Database, DatabaseId},
    profile::ProfileId,
};
use rollcall_store::transaction::{self, Transaction};

/// `profiles/delete`.
pub(crate) fn profile<'a>(request: Request<'a>, database: &'a Database) -> Answering<'a> {
    Box::pin(async move {
        let (search, database) = (Search::of(&request, database)?, database.id);
        let work = move |state: &mut dyn Transaction| apart(remove(&search, database, state));
        let id = transaction::write(&*request.service.store, work).await??;
        Ok(answer::removed(id, request.format))
    })
}

fn remove(search: &Search, database: DatabaseId, state: &mut dyn Transaction) -> Result<ProfileId, Failure> {
    let id = search.find(state)?;
    state.remove(database, id)?;
    Ok(id)
}
