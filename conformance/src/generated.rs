//! Cases that nobody wrote: sequences of imports drawn from a seed, judged by what a reference model predicts.
//!
//! A drawn sequence (`strategy`) is settled for the world at hand (`settle`, with the predictions of `oracle`) and
//! written down as a case file (`spell`), which is read like any other. So everything that can be done with a case can
//! be done with a generated one: run in both formats, shown, kept. `rows` makes the families that need no chance.

pub mod import;
mod oracle;
mod rows;
mod settle;
mod spell;
mod strategy;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::case::{self, Case};
use crate::world::World;
use import::{Call, Import};
use oracle::Reading;
use settle::Settled;

/// Makes the generated cases of one run: the same seed and world give the same cases.
#[derive(Debug)]
pub struct Generator {
    seed: u64,
    features: Features,
}

/// What a world offers to generated cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    other_database: bool,
    resource: bool,
    other_resource: bool,
    categories: u8,
    subscription_field: bool,
    segment: bool,
    word: bool,
    number: bool,
    update: bool,
    delete: bool,
}

/// A drawn sequence that can be made simpler.
pub type Tree = Box<dyn ValueTree<Value = Vec<Import>>>;

/// A family of drawn sequences.
struct Family {
    name: &'static str,
    strategy: fn() -> BoxedStrategy<Vec<Import>>,
    /// One of how many cases is of this family, unless it is of one before it.
    every: usize,
}

const FAMILIES: [Family; 3] = [
    Family { name: "near-miss", strategy: || strategy::near_miss().boxed(), every: 4 },
    Family { name: "calls", strategy: || strategy::calls().boxed(), every: 5 },
    Family { name: "sequence", strategy: || strategy::sequence().boxed(), every: 1 },
];

impl Generator {
    /// A generator for the values of `seed` and what `world` offers.
    pub fn new(seed: u64, world: &World) -> Self {
        Self { seed, features: Features::of(world) }
    }

    /// The families of documented rows, and the first `count` drawn cases; with a count of 0 nothing.
    ///
    /// # Errors
    /// When a case that was made is none: a fault of the suite.
    pub fn cases(&self, count: usize) -> Result<Vec<Case>, String> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let drawn = (0..count).map(|number| self.case(number, &self.draw(number).current()));
        let rows = rows::cases().into_iter().map(|(id, text)| read(&id, &text));
        let mut cases: Vec<Case> = rows.chain(drawn).collect::<Result<_, _>>()?;
        cases.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(cases)
    }

    /// The drawn sequence with this number.
    pub fn draw(&self, number: usize) -> Tree {
        let mut runner = runner(self.seed, number);
        loop {
            // A strategy without filters rejects nothing; were one to do so, the next draw would do.
            if let Ok(tree) = (family(number).strategy)().new_tree(&mut runner) {
                return Box::new(tree);
            }
        }
    }

    /// The case of a sequence: that with this number, or what it was shrunk to.
    ///
    /// # Errors
    /// When what is made is no case: a fault of the suite.
    pub fn case(&self, number: usize, imports: &[Import]) -> Result<Case, String> {
        let (id, text) = self.case_file(number, imports);
        read(&id, &text)
    }

    /// Id and text of the case file of a sequence.
    pub fn case_file(&self, number: usize, imports: &[Import]) -> (String, String) {
        let name = family(number).name;
        let id = format!("generated/{name}-{number:04}");
        let settled = self.settle(number, imports);
        let title = format!("Generated {name} {number} of seed {}", self.seed);
        (id, spell::case_file(&title, &settled))
    }

    /// Half of the cases of each family ask for what everybody should do as well.
    fn settle(&self, number: usize, imports: &[Import]) -> Settled {
        let reading = if (number / FAMILIES[0].every).is_multiple_of(2) { Reading::Must } else { Reading::Should };
        settle::settle(imports, &self.features, reading)
    }
}

/// What draws the values with this number: the same for the same seed.
pub(crate) fn runner(seed: u64, number: usize) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&(number as u64).to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// The number in the id of a drawn case.
pub fn number_of(id: &str) -> Option<usize> {
    let name = id.strip_prefix("generated/")?;
    let (family, number) = name.rsplit_once('-')?;
    let is_drawn = FAMILIES.iter().any(|known| known.name == family);
    number.parse().ok().filter(|_| is_drawn)
}

fn family(number: usize) -> &'static Family {
    let is_next = |family: &&Family| number % family.every == family.every - 1;
    FAMILIES.iter().find(is_next).unwrap_or(&FAMILIES[FAMILIES.len() - 1])
}

fn read(id: &str, text: &str) -> Result<Case, String> {
    // There is no file unless it is kept.
    case::read::read(id, "", text, &|_| None)
        .map_err(|problems| format!("{id} is no case: {}\n{text}", problems.join("; ")))
}

impl Features {
    fn of(world: &World) -> Self {
        let has = |call: Call| world.capabilities.iter().any(|capability| capability == call.row().0);
        Self {
            other_database: world.other_database.is_some(),
            resource: world.resource.is_some(),
            other_resource: world.other_resource.is_some(),
            categories: u8::try_from(world.categories.len()).unwrap_or(u8::MAX),
            subscription_field: world.subscription_field.is_some(),
            segment: !world.segments.is_empty(),
            word: world.fields.contains_key("string"),
            number: world.fields.contains_key("int"),
            update: has(Call::Update),
            delete: has(Call::Delete),
        }
    }
}
