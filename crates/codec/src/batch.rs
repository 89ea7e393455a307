//! Bodies with many profiles: each item of `data` is one. Dossier 6.2: `import_batch`, `add_batch`, `update_batch`.
//!
//! Such a body never becomes one tree. It is gone through once, which finds the items and reads what stands around them;
//! then each item is parsed on its own, as the `data` of an import, so that memory does not grow with their number.

use crate::{
    element::Object,
    format::Format,
    import,
    limits::Limits,
    parameter::{OPTIONS, Parameter, SEARCH, SEGMENTS, SHARED_SEARCH},
    request::Parameters,
    tree::{Aside, Tree, parse_around, parse_item, text},
};
use rollcall_model::{
    database::Database,
    import::{ImportRequest, ImportScope},
    rejection::Rejection,
    response_code::ResponseCode,
    world::World,
};

/// How many profiles a body may hold.
pub const LARGEST_BATCH: usize = 10_000;

const DATA: &str = Parameter::Data.name();

/// A body with many profiles, borrowed from its bytes.
#[derive(Debug)]
pub struct Batch<'a> {
    text: &'a str,
    format: Format,
    limits: Limits,
    around: Tree<'a>,
    items: Option<Vec<&'a str>>,
}

impl<'a> Batch<'a> {
    /// Finds the items. Refused when what is around them is not well-formed or passes a limit; what is in them is looked
    /// at by [`Batch::check`].
    pub fn of(bytes: &'a [u8], format: Format, limits: Limits) -> Result<Self, Rejection> {
        let text = text(bytes)?;
        let mut list = Aside { name: DATA, most: LARGEST_BATCH, items: None };
        let around = parse_around(text, format, limits, &mut list)?;
        Ok(Self { text, format, limits, around, items: list.items })
    }

    /// What the body says beside its items.
    pub fn parameters(&self) -> Parameters<'_, 'a> {
        Parameters::of(&self.around)
    }

    /// How many items there are. Refused when there is no list of them.
    pub fn count(&self) -> Result<usize, Rejection> {
        let items = self.items.as_ref();
        items.map(Vec::len).ok_or_else(|| ResponseCode::MissingParameter.at(DATA))
    }

    /// Bytes of one item.
    pub fn bytes(&self, place: usize) -> usize {
        self.item(place).len()
    }

    /// Whether the item is well-formed and within the limits.
    pub fn check(&self, place: usize) -> Result<(), Rejection> {
        self.parse(place).map(|_| ())
    }

    /// Reads one item as an import: what single calls would refuse is refused in the same words. `shared` is what the body
    /// says beside its items, found once for all of them.
    pub fn read(
        &self,
        place: usize,
        scope: ImportScope,
        shared: &Parameters<'_, '_>,
        database: &Database,
        world: &World,
    ) -> Result<ImportRequest, Rejection> {
        let tree = self.parse(place)?;
        let own = own(tree.root(), database);
        let parameters = own.or(SHARED_SEARCH, shared).or(OPTIONS, shared).or(SEGMENTS, shared);
        import::read_as(scope, &parameters, database, world, self.limits)
    }

    fn item(&self, place: usize) -> &'a str {
        self.items.as_ref().and_then(|items| items.get(place)).copied().unwrap_or("")
    }

    fn parse(&self, place: usize) -> Result<Tree<'a>, Rejection> {
        parse_item(self.text, self.item(place), DATA, self.format, self.limits)
    }
}

/// What an item says itself: the profile's `data`, or an object with `data` in it and beside it what an import may say of
/// one profile. An item is of the second kind unless the database has a field by that name.
fn own<'t, 'a>(root: Object<'t, 'a>, database: &Database) -> Parameters<'t, 'a> {
    let plain = Parameters::among(root);
    let item = plain.get(Parameter::Data).and_then(|item| item.as_object());
    let outer = item.filter(|item| item.given(DATA).is_some() && database.fields.get(DATA).is_none());
    let Some(outer) = outer.map(Parameters::among) else { return plain };
    let of_one = [&[Parameter::Data], SEARCH, OPTIONS, SEGMENTS];
    of_one.into_iter().fold(Parameters::none(), |own, parameters| own.or(parameters, &outer))
}
