//! Each part of an answer, in each format: missing, or under another name.

use super::{kebab, made};
use crate::{
    Fault,
    faults::answers::{rename, without},
    message::Message,
    seam::Seam,
};
use rollcall_codec::format::Format;
use rollcall_model::response_code::ResponseCode;
use rollcall_server::call;

/// Whether the answer is a success, the part, and the requirement that it is there.
const PARTS: [(bool, &str, &str); 5] = [
    (true, "error", "TRANSPORT-SUCCESS-ERROR"),
    (true, "error_text", "TRANSPORT-SUCCESS-TEXT"),
    (true, "profile_id", "TRANSPORT-SUCCESS-PROFILE-ID"),
    (false, "error", "TRANSPORT-FAILURE-ERROR"),
    (false, "error_text", "TRANSPORT-FAILURE-ERROR"),
];

/// What is done to a part.
type Way = (&'static str, fn(&mut call::Reply, &str));

const WAYS: [Way; 2] = [
    ("missing", |reply, part| without(reply, part)),
    ("renamed", |reply, part| rename(reply, part, &part.to_uppercase())),
];

pub(super) fn faults() -> Vec<Fault> {
    let each = Format::ALL.iter().flat_map(|format| PARTS.iter().map(move |part| (*format, part)));
    each.flat_map(|(format, part)| WAYS.iter().map(move |way| wrong(format, part, way))).collect()
}

fn wrong(format: Format, part: &'static (bool, &str, &str), way: &'static Way) -> Fault {
    let ((is_success, part, breaks), (way, change)) = (part, way);
    let answer = if *is_success { "success" } else { "refusal" };
    let change = move |_: &Message, reply: &mut call::Reply| {
        if reply.format == format && (reply.code == ResponseCode::Success) == *is_success {
            change(reply, part);
        }
    };
    let name = format!("{}-{answer}-{}-{way}", format.name(), kebab(part));
    let story = match *way {
        "missing" => format!("A {answer} in {} has no {part}.", format.name()),
        _ => format!("In a {answer} in {} the {part} is called {}.", format.name(), part.to_uppercase()),
    };
    made(name, *breaks, story, Seam::reply(change))
}
