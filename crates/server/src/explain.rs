//! An import that explains itself, or that is only tried: the same steps as any import, told as they are gone through.

use crate::{
    call::Call,
    failure::{Failure, apart},
    import::Effect,
    routes::{Request, Route},
};
use rollcall_codec::{answer::Trial, parameter::Parameter};
use rollcall_model::{
    action::Action,
    explanation::Explanation,
    import::{ImportOutcome, ImportRequest},
    rejection::Rejection,
    response_code::ResponseCode,
};
use rollcall_store::transaction::{self, Transaction};
use std::sync::Arc;

/// Whether the import is to explain itself, by the body or else by the query; one that is only tried always does.
pub(crate) fn asked(request: &Request<'_>, import: &ImportRequest) -> Result<Option<Trial>, Rejection> {
    let [is_explained, is_dry_run] = wanted(request)?;
    let trial = Trial { is_dry_run, skip_triggers: import.options.skip_triggers };
    Ok((is_explained || is_dry_run).then_some(trial))
}

/// Refuses to be tried where a call cannot be: to ignore that would do what its sender only wants to know of.
pub(crate) fn refuse_where_impossible(route: &Route, request: &Request<'_>) -> Result<(), Rejection> {
    let can_be_tried = route.optional.iter().any(|group| group.contains(&Parameter::DryRun));
    if route.action == Action::Read || can_be_tried {
        return Ok(());
    }
    match wanted(request)? {
        [_, true] => {
            Err(ResponseCode::IncorrectValue.because("this call cannot be tried").under(Parameter::DryRun.name()))
        }
        [_, false] => Ok(()),
    }
}

/// Whether an explanation is wanted, and whether nothing is to be stored.
fn wanted(request: &Request<'_>) -> Result<[bool; 2], Rejection> {
    let [explain, dry_run] = request.parameters.explain()?;
    let said =
        |given: Option<bool>, parameter: Parameter| given.map_or_else(|| flag(request.call, parameter.name()), Ok);
    Ok([said(explain, Parameter::Explain)?, said(dry_run, Parameter::DryRun)?])
}

fn flag(call: &Call<'_>, name: &str) -> Result<bool, Rejection> {
    match call.parameter(name).as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(ResponseCode::IncorrectValue.because("neither true nor false").under(name)),
    }
}

/// Makes the import take effect, or only finds out what its effect would be, and tells how it came about.
pub(crate) async fn import(
    from: &Request<'_>,
    mut import: ImportRequest,
    trial: Trial,
) -> Result<(ImportOutcome, Explanation), Failure> {
    let Request { service, .. } = from;
    service.geo.fill(&mut import);
    let database = import.database;
    let (world, modes, backlog) = (Arc::clone(from.world), service.modes, Arc::clone(&service.backlog));
    let effect = move |state: &mut dyn Transaction| {
        let mut explanation = Explanation::default();
        let effect = Effect { request: &import, world: &world, modes, backlog: &backlog };
        apart(effect.take(state, Some(&mut explanation)).map(|outcome| (outcome, explanation)))
    };
    if trial.is_dry_run {
        let tried = transaction::read(&*service.store, move |state| transaction::try_out(state, &effect)).await?;
        return Ok(tried?);
    }
    let explained = transaction::write(&*service.store, effect).await??;
    service.backlog.ring_for(database, from.world);
    Ok(explained)
}
