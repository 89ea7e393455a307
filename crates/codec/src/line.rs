//! A profile as one line of JSON, complete: what `rollcall export` writes and `rollcall load` reads.
//!
//! A line is what `profiles/get` shows, so that people can write one by hand; fields are read by the configuration as in
//! an import. What would not be read back as itself is written in an exact form (`exact`, `stored_subscription`), which
//! is taken as it is. Nothing is left out or guessed: a name that is not known is refused. Lives here: the line. Does not
//! live here: files of lines.

use crate::{
    contact::required,
    element::{Element, Object},
    encode,
    exact::{self, marked},
    format::Format,
    limits::Limits,
    node::Node,
    stored_subscription, subscription,
    tree::parse,
    write,
};
use rollcall_model::{
    database::{Database, DatabaseId},
    field::{FieldDefinition, FieldName, Fields},
    field_change::FieldChange,
    phone::Region,
    profile::{Profile, ProfileId},
    rejection::{Path, Rejection},
    response_code::ResponseCode,
    segment::SegmentId,
    subscription::{Registration, Subscription},
    world::World,
};
use std::{borrow::Cow, collections::BTreeSet, fmt};

const DATABASE: &str = "db_id";
const ID: &str = "id";
const SEGMENTS: &str = "segments";
const SUBSCRIPTIONS: &str = "subscriptions";

/// The marks of a segment and of a subscription that are taken as they are.
const SEGMENT: &str = "segment";
const SUBSCRIPTION: &str = "subscription";

/// A line is one profile that was kept once, whatever the limits for bodies were then. How long a line may be is for who
/// reads the file to say; nesting is bounded by the JSON parser.
const LIMITS: Limits = Limits {
    depth: usize::MAX,
    name_bytes: usize::MAX,
    text_bytes: usize::MAX,
    values: usize::MAX,
    subscriptions: usize::MAX,
};

/// Why a line is no profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Where in the line; empty when the line as a whole is meant.
    pub path: Path,
    /// What is wrong there.
    pub problem: Cow<'static, str>,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.problem),
            false => write!(f, "{}: {}", self.path, self.problem),
        }
    }
}

impl std::error::Error for LineError {}

impl From<Rejection> for LineError {
    fn from(refusal: Rejection) -> Self {
        let Rejection { code, path, detail } = refusal;
        let reason = code.text().trim_start_matches("Incorrect request: ");
        let problem = match code {
            _ if detail.is_empty() => reason.into(),
            // The one line of what was parsed has another number in its file.
            ResponseCode::MalformedBody => detail.trim_start_matches("line 1, ").to_owned().into(),
            _ => detail,
        };
        Self { path, problem }
    }
}

/// The profile as a line, without the newline at its end.
pub fn encode(profile: &Profile, world: &World) -> Vec<u8> {
    let database = world.database(profile.database);
    let mut members =
        vec![(DATABASE.to_owned(), Node::Int(profile.database.0.into())), (ID.to_owned(), Node::text(profile.id))];
    members.extend(fields(&profile.fields, |name| database?.fields.get(name)));
    let segments = profile.segments.iter().map(|id| segment(id, database)).collect();
    members.push((SEGMENTS.to_owned(), Node::List(segments)));
    let subscriptions = (0..profile.subscriptions.len()).map(|place| subscription_at(place, profile, world)).collect();
    members.push((SUBSCRIPTIONS.to_owned(), Node::List(subscriptions)));
    write::document(&Node::Object(members), Format::Json)
}

fn fields<'d>(
    fields: &Fields,
    definition: impl Fn(&str) -> Option<&'d FieldDefinition>,
) -> impl Iterator<Item = (String, Node)> {
    fields.iter().map(move |(name, value)| (name.to_string(), exact::write(value, definition(name.as_str()))))
}

fn segment(id: &SegmentId, database: Option<&Database>) -> Node {
    let node = encode::segment(id);
    match database.is_some_and(|database| has_segment(database, *id)) {
        true => node,
        false => exact::mark(SEGMENT, node),
    }
}

fn has_segment(database: &Database, id: SegmentId) -> bool {
    database.segments.iter().any(|segment| segment.id == id)
}

fn subscription_at(place: usize, profile: &Profile, world: &World) -> Node {
    let known = &profile.subscriptions[place];
    let is_repeat = is_among(known, &profile.subscriptions[..place]);
    // How one came about is told in the exact form alone, which holds any moment and any text.
    let is_exact = is_repeat || known.registration != Registration::default();
    let resource = subscription::resource_of(known, profile.database, world).filter(|_| !is_exact);
    let custom_fields = Node::Object(fields(&known.custom_fields, |name| resource?.fields.get(name)).collect());
    match resource {
        Some(_) => encode::subscription(known, custom_fields, world),
        None => exact::mark(SUBSCRIPTION, stored_subscription::write(known, custom_fields)),
    }
}

fn is_among(one: &Subscription, others: &[Subscription]) -> bool {
    others.iter().any(|other| other.is(one.resource, &one.channel, &one.address))
}

/// The profile that a line is of. `new_id` is asked where the line gives no identifier.
pub fn decode(line: &[u8], world: &World, new_id: impl FnOnce() -> ProfileId) -> Result<Profile, LineError> {
    let tree = parse(line, Format::Json, LIMITS)?;
    Ok(read(tree.root(), world, new_id)?)
}

fn read(line: Object<'_, '_>, world: &World, new_id: impl FnOnce() -> ProfileId) -> Result<Profile, Rejection> {
    let number = required(line.given(DATABASE), DATABASE)?;
    let id = DatabaseId(number.id()?);
    let database = world.database(id).ok_or_else(|| number.refuse("there is no such database"))?;
    let mut profile = Profile::new(ProfileId([0; 12]), database.id);
    let mut given_id = None;
    for member in line.members() {
        match member.name() {
            DATABASE => {}
            _ if member.is_null() => is_known(member, database)?,
            ID => given_id = Some(read_id(member)?),
            SEGMENTS => profile.segments = read_segments(member, database)?,
            SUBSCRIPTIONS => profile.subscriptions = read_subscriptions(member, database, world)?,
            name => {
                let (name, value) = exact::read(member, database.fields.get(name), database.default_region)?;
                profile.fields.set(name, value);
            }
        }
    }
    profile.id = given_id.unwrap_or_else(new_id);
    Ok(profile)
}

/// What is spelled out as nothing says nothing; a name that is not known is a mistake all the same.
fn is_known(member: Element<'_, '_>, database: &Database) -> Result<(), Rejection> {
    let is_part = [ID, SEGMENTS, SUBSCRIPTIONS].contains(&member.name());
    match is_part || database.fields.get(member.name()).is_some() {
        true => Ok(()),
        false => Err(member.refuse(exact::NO_SUCH_FIELD)),
    }
}

fn read_id(given: Element<'_, '_>) -> Result<ProfileId, Rejection> {
    given.text()?.parse().map_err(|_| given.refuse("not an identifier, which has 24 hexadecimal digits"))
}

fn read_segments(list: Element<'_, '_>, database: &Database) -> Result<BTreeSet<SegmentId>, Rejection> {
    let read = |item: Element<'_, '_>| match marked(item) {
        Some((SEGMENT, given)) => given.id().map(SegmentId).map_err(|refusal| item.at(refusal)),
        _ => Some(SegmentId(item.id()?))
            .filter(|id| has_segment(database, *id))
            .ok_or_else(|| item.refuse("the database has no such segment")),
    };
    list.items().map(read).collect()
}

fn read_subscriptions(
    list: Element<'_, '_>,
    database: &Database,
    world: &World,
) -> Result<Vec<Subscription>, Rejection> {
    let mut read = Vec::new();
    for (position, item) in list.items().enumerate() {
        match marked(item) {
            Some((SUBSCRIPTION, given)) => {
                read.push(stored_subscription::read(given).map_err(|refusal| item.at(refusal))?);
            }
            _ => {
                let patch = subscription::read(item, position, database, world, read_field)?;
                let fresh = patch.on_its_own()?;
                if is_among(&fresh, &read) {
                    return Err(item.refuse("the profile has this subscription already"));
                }
                read.push(fresh);
            }
        }
    }
    Ok(read)
}

/// A field of a subscription: its value, since a line is no request to change something.
fn read_field(
    member: Element<'_, '_>,
    definition: Option<&FieldDefinition>,
    region: Option<Region>,
) -> Result<(FieldName, FieldChange), Rejection> {
    match definition {
        Some(definition) if member.is_null() => Ok((definition.name.clone(), FieldChange::Unset)),
        _ => exact::read(member, definition, region).map(|(name, value)| (name, FieldChange::Set(value))),
    }
}
