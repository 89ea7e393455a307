//! Answers: what was done, refused or is shown, to bytes. Page lines 465-485; rulings T9, T10, X7; dossier 5.2, 6.

use crate::{
    catalogue,
    encode::{self, Spelling},
    event, explain,
    format::Format,
    node::Node,
    parameter::Parameter,
    write,
};
use rollcall_model::{
    database::{Database, DatabaseId},
    event::{Event, EventNumber},
    explanation::Explanation,
    field::FieldDefinitions,
    import::ImportOutcome,
    profile::{Profile, ProfileId},
    rejection::Rejection,
    resource::Resource,
    response_code::ResponseCode,
    subscription::Subscription,
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

/// The answer that shows a page of the outbox. `next` is where the next page begins to go on, if there is one.
pub fn events(events: &[(EventNumber, Arc<Event>)], next: Option<EventNumber>, format: Format) -> Vec<u8> {
    let list = events.iter().map(|(number, event)| event::node(*number, event)).collect();
    shown(Node::List(list), next.map(event::number), format)
}

/// The answer that says how many it was done to.
pub fn count(count: usize, format: Format) -> Vec<u8> {
    let [number, text] = success();
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
    let [number, text] = success();
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
    shown(encode::profile(profile, world), None, format)
}

/// The answer that shows a page of profiles. `next` is where the next page begins to go on, if there is one.
pub fn profiles<'p>(
    profiles: impl Iterator<Item = &'p Profile>,
    next: Option<ProfileId>,
    world: &World,
    format: Format,
) -> Vec<u8> {
    shown(Node::List(profiles.map(|profile| encode::profile(profile, world)).collect()), next.map(Node::text), format)
}

/// The answer to a removal.
pub fn removed(id: ProfileId, format: Format) -> Vec<u8> {
    shown(Node::object([(Parameter::ProfileId.name(), Node::text(id))]), None, format)
}

/// The answer that shows a subscription of this profile.
pub fn subscription(known: &Subscription, profile: ProfileId, world: &World, format: Format) -> Vec<u8> {
    shown(encode::shown_subscription(known, profile, world, Spelling::Documented), None, format)
}

/// The answer that shows the subscriptions of a profile.
pub fn subscriptions(profile: &Profile, world: &World, format: Format) -> Vec<u8> {
    let one = |known| encode::shown_subscription(known, profile.id, world, Spelling::Documented);
    shown(Node::List(profile.subscriptions.iter().map(one).collect()), None, format)
}

/// The answer that shows a page of databases. `next` is where the next page begins to go on, if there is one.
pub fn databases(databases: &[&Database], next: Option<DatabaseId>, format: Format) -> Vec<u8> {
    let list = databases.iter().map(|database| catalogue::database(database)).collect();
    shown(Node::List(list), next.map(|id| Node::Int(id.0.into())), format)
}

/// The answer that shows a resource, and those of its databases that are to be shown.
pub fn resource(resource: &Resource, is_shown: impl Fn(DatabaseId) -> bool, format: Format) -> Vec<u8> {
    shown(catalogue::resource(resource, is_shown), None, format)
}

/// The answer that shows fields of a database or of a resource.
pub fn fields(definitions: &FieldDefinitions, format: Format) -> Vec<u8> {
    shown(catalogue::fields(definitions), None, format)
}

/// What is shown stands before the words of success, as the names are ordered; where to go on stands behind them.
fn shown(data: Node, next: Option<Node>, format: Format) -> Vec<u8> {
    let [number, text] = success();
    let mut members = vec![("data", data), number, text];
    members.extend(next.map(|next| (Parameter::FromId.name(), next)));
    write::document(&Node::Object(members.into_iter().map(|(name, node)| (name.to_owned(), node)).collect()), format)
}

fn success() -> [(&'static str, Node); 2] {
    envelope(ResponseCode::Success, ResponseCode::Success.text().to_owned())
}

/// The answer to a batch while results are put in: each in the form that a call of its own would have got.
#[derive(Debug)]
pub struct BatchAnswer {
    format: Format,
    body: Vec<u8>,
    is_empty: bool,
}

impl BatchAnswer {
    /// The answer to a batch without items.
    pub fn new(format: Format) -> Self {
        let mut body = write::document(&Node::object(success()), format);
        let (end, list) = match format {
            Format::Json => ("}", r#","result":["#),
            Format::Xml => (XML_END, ""),
        };
        body.truncate(body.len() - end.len());
        body.extend_from_slice(list.as_bytes());
        Self { format, body, is_empty: true }
    }

    /// Puts the next result in.
    pub fn add(&mut self, result: Result<ImportOutcome, Rejection>) {
        let one = match result {
            Ok(done) => outcome(done, self.format),
            Err(refused) => refusal(&refused, self.format),
        };
        if !std::mem::take(&mut self.is_empty) && self.format == Format::Json {
            self.body.push(b',');
        }
        self.body.extend_from_slice(&one);
    }

    /// The whole answer.
    pub fn finish(mut self) -> Vec<u8> {
        let end = match self.format {
            Format::Json => "]}",
            Format::Xml => XML_END,
        };
        self.body.extend_from_slice(end.as_bytes());
        self.body
    }
}

const XML_END: &str = "</xml>";

fn envelope(code: ResponseCode, text: String) -> [(&'static str, Node); 2] {
    [("error", Node::Int(code.number().into())), ("error_text", Node::Text(text))]
}

#[cfg(test)]
mod tests {
    use super::*;

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
