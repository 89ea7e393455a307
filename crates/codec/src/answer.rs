//! Answers: outcome, refusal or profile to bytes. Page lines 465-485; rulings T9, T10, X7; dossier 6.1.

use crate::{encode, event, explain, format::Format, node::Node, write};
use rollcall_model::{
    event::{Event, EventNumber},
    explanation::Explanation,
    import::ImportOutcome,
    profile::Profile,
    rejection::Rejection,
    response_code::ResponseCode,
    world::World,
};
use std::sync::Arc;

/// The answer to an import that took effect.
pub fn outcome(outcome: ImportOutcome, format: Format) -> Vec<u8> {
    let success = ResponseCode::Success;
    let id = outcome.profile_id();
    // The one answer that is on every import's way: written without a detour, and tested against the long way.
    match format {
        Format::Json => format!(r#"{{"error":0,"error_text":"{}","profile_id":"{id}"}}"#, success.text()),
        Format::Xml => format!(
            "<xml><error>0</error><error_text>{}</error_text><profile_id>{id}</profile_id></xml>",
            success.text()
        ),
    }
    .into_bytes()
}

/// The answer that shows events of the outbox, and where to go on.
pub fn events(events: &[(EventNumber, Arc<Event>)], next: Option<EventNumber>, format: Format) -> Vec<u8> {
    let [number, text] = envelope(ResponseCode::Success, ResponseCode::Success.text().to_owned());
    let shown = events.iter().map(|(number, event)| event::node(*number, event)).collect();
    let next = next.map_or(Node::Null, event::number);
    write::document(&Node::object([number, text, ("events", Node::List(shown)), ("next", next)]), format)
}

/// The answer that says how many it was done to.
pub fn count(count: usize, format: Format) -> Vec<u8> {
    let [number, text] = envelope(ResponseCode::Success, ResponseCode::Success.text().to_owned());
    let count = Node::Int(i64::try_from(count).unwrap_or(i64::MAX));
    write::document(&Node::object([number, text, ("count", count)]), format)
}

/// The answer to an import that explains itself. One that was only tried has not created anything, and thus names no
/// profile that it would have.
pub fn explained(
    outcome: ImportOutcome,
    explanation: &Explanation,
    tried: Trial,
    world: &World,
    format: Format,
) -> Vec<u8> {
    let [number, text] = envelope(ResponseCode::Success, ResponseCode::Success.text().to_owned());
    let id = match outcome {
        ImportOutcome::Created(_) if tried.is_dry_run => Node::Null,
        outcome => Node::text(outcome.profile_id()),
    };
    let explained = explain::node(explanation, tried.skip_triggers, world);
    let is_dry_run = Node::Bool(tried.is_dry_run);
    let members = [number, text, ("profile_id", id), ("dry_run", is_dry_run), ("explain", explained)];
    write::document(&Node::object(members), format)
}

/// What an import that explains itself was told to leave.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// It was to store nothing.
    pub is_dry_run: bool,
    /// No trigger was to hear of it.
    pub skip_triggers: bool,
}

/// The answer to a refused request.
pub fn refusal(refusal: &Rejection, format: Format) -> Vec<u8> {
    let [number, text] = envelope(refusal.code, refusal.to_string());
    write::document(&Node::object([number, text]), format)
}

/// The answer that shows a profile.
pub fn profile(profile: &Profile, world: &World, format: Format) -> Vec<u8> {
    let [number, text] = envelope(ResponseCode::Success, ResponseCode::Success.text().to_owned());
    write::document(&Node::object([("data", encode::profile(profile, world)), number, text]), format)
}

fn envelope(code: ResponseCode, text: String) -> [(&'static str, Node); 2] {
    [("error", Node::Int(code.number().into())), ("error_text", Node::Text(text))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollcall_model::profile::ProfileId;

    #[test]
    fn the_short_way_writes_what_the_long_way_would() {
        let created = ImportOutcome::Created(ProfileId([7; 12]));
        let [number, text] = envelope(ResponseCode::Success, "Successful operation".to_owned());
        let long = Node::object([number, text, ("profile_id", Node::text(created.profile_id()))]);
        for &format in Format::ALL {
            assert_eq!(outcome(created, format), write::document(&long, format));
        }
    }

    #[test]
    fn a_shown_profile_stands_before_the_words_of_success() {
        let profile = Profile::new(ProfileId([7; 12]), rollcall_model::database::DatabaseId(1));
        let nothing = World::default();
        let shown = |format| String::from_utf8(super::profile(&profile, &nothing, format)).unwrap();
        let id = profile.id;
        let json = shown(Format::Json);
        assert!(json.starts_with(r#"{"data":{"#) && json.contains(&format!(r#""id":"{id}""#)), "{json}");
        assert!(json.ends_with(r#""error":0,"error_text":"Successful operation"}"#), "{json}");
        let xml = shown(Format::Xml);
        assert!(xml.starts_with("<xml><data>") && xml.contains(&format!("<id>{id}</id>")), "{xml}");
    }

    #[test]
    fn a_refusal_names_reason_and_place_but_no_profile() {
        let wrong = ResponseCode::IncorrectValue.because("not <a> phone number").under("phone");
        assert_eq!(
            String::from_utf8(refusal(&wrong, Format::Xml)).unwrap(),
            "<xml><error>400</error><error_text>Incorrect request: incorrect value: phone: not &lt;a&gt; phone number</error_text></xml>"
        );
    }
}
