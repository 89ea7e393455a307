//! Each parameter beside `data`, and `data` itself: refused, refused with one of its values, or ignored.

use super::{kebab, made};
use crate::{Fault, message::Message, seam::Seam};
use rollcall_model::import::ImportRequest;

/// Parameter, what it is for, and how it is ignored where that can be noticed.
type Row = (&'static str, &'static str, Option<fn(&mut ImportRequest)>);

const PARAMETERS: &[Row] = &[
    ("token", "DATA-ADDS", None), // ignored: see `bodies`, as for the next two
    ("db_id", "DATA-ADDS", None),
    ("matching", "MATCH-CREATES", None),
    ("email", "MATCH-EMAIL-BOTH", Some(|request| request.identifiers.email = None)),
    ("phone", "MATCH-PHONE-BOTH", Some(|request| request.identifiers.phone = None)),
    ("profile_id", "MATCH-PROFILE-ID", Some(|request| request.identifiers.profile_id = None)),
    ("provider", "MATCH-PUSH-SUB", Some(|request| request.identifiers.provider = None)),
    ("subscription_id", "MATCH-PUSH-SUB", Some(|request| request.identifiers.subscription_id = None)),
    ("field_name", "MATCH-CUSTOM", Some(|request| request.identifiers.field_name = None)),
    ("field_value", "MATCH-CUSTOM", Some(|request| request.identifiers.field_value = None)),
    ("skip_triggers", "PARAM-SKIP-TRIGGERS", None),
    ("skip_invalid_subscriptions", "PARAM-SKIP-INVALID", None),
    ("detect_geo", "PARAM-DETECT-GEO", None),
    ("add_to_segments", "PARAM-ADD-TO-SEGMENTS", None), // no answer shows the segments of a profile
    ("remove_from_segments", "PARAM-REMOVE-FROM-SEGMENTS", None),
    ("data", "DATA-ADDS", Some(|request| request.patch = Default::default())),
];

/// The parameters that are true or false.
const FLAGS: [&str; 3] = ["skip_triggers", "skip_invalid_subscriptions", "detect_geo"];

pub(super) fn faults() -> Vec<Fault> {
    let each = PARAMETERS.iter().flat_map(|row| [Some(refused(row)), ignored(row)]).flatten();
    let flags = PARAMETERS.iter().filter(|(parameter, ..)| FLAGS.contains(parameter));
    each.chain(flags.flat_map(|row| ["true", "false"].map(|value| refused_with(row, value)))).collect()
}

fn refused((parameter, breaks, _): &'static Row) -> Fault {
    let story = format!("A request with the parameter {parameter} is refused.");
    let is_there = |message: &Message| message.has_parameter(parameter);
    made(format!("parameter-{}-refused", kebab(parameter)), *breaks, story, Seam::refuses(is_there))
}

fn ignored((parameter, breaks, ignore): &'static Row) -> Option<Fault> {
    let ignore = (*ignore)?;
    let story = format!("The parameter {parameter} is read and ignored.");
    Some(made(format!("parameter-{}-ignored", kebab(parameter)), *breaks, story, Seam::import(ignore)))
}

fn refused_with((parameter, breaks, _): &'static Row, value: &'static str) -> Fault {
    let story = format!("The parameter {parameter} must not be {value}.");
    let has_value = move |message: &Message| message.value(parameter) == Some(value);
    made(format!("parameter-{}-{value}-refused", kebab(parameter)), *breaks, story, Seam::refuses(has_value))
}
