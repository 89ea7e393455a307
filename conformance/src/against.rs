//! Compares two targets by what they answer to the same cases: not whether one is right, but where they disagree.
//!
//! Answers are compared by meaning. What the first target answers differently when it is asked again, about other
//! people, is noise and not held against the second one. Two targets that both break down do not agree: that is a
//! finding of its own. What is said of the findings is for `report/disagreements.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::Format;
use crate::answer::{Answer, Envelope};
use crate::case::{Case, Step};
use crate::compare;
use crate::judge::{Exchange, Verdict};
use crate::placeholder::Placeholder;
use crate::run::Run;
use crate::suite::Suite;
use crate::value::Value;
use crate::xml;

/// A sent text of this length does not stand in an answer by chance.
const TELLING_LENGTH: usize = 8;

/// What two targets made of the same cases.
#[derive(Debug)]
pub struct Comparison {
    /// How many verdicts could be compared: a case in a format that was tried on both.
    pub compared: usize,
    /// The kinds of disagreement, the gravest first.
    pub classes: Vec<Class>,
    /// Paths of `data` that the first target itself answers now so and now so.
    pub noise: Vec<String>,
    /// How many verdicts the first target did not answer twice alike.
    pub unsteady: usize,
    /// Why the two could not be compared.
    pub reasons: Vec<String>,
}

/// Disagreements of one kind.
#[derive(Debug)]
pub struct Class {
    /// What they are about.
    pub aspect: Aspect,
    /// What the first target says.
    pub a: String,
    /// What the second target says.
    pub b: String,
    /// In how many verdicts.
    pub count: usize,
    /// The first of them.
    pub example: Example,
}

/// One disagreement.
#[derive(Debug)]
pub struct Example {
    /// Id of the case.
    pub case: String,
    /// The format.
    pub format: Format,
    /// Which step, in words.
    pub step: String,
    /// What the first target says, to the letter.
    pub a: String,
    /// What the second target says, to the letter.
    pub b: String,
    /// The telling exchange with the first target.
    pub with_a: Option<Exchange>,
    /// The telling exchange with the second target.
    pub with_b: Option<Exchange>,
}

/// What a disagreement is about, the gravest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Neither gave an answer that can be read.
    BothBroke,
    /// Accepted, refused and with which number, or no answer.
    Answer,
    /// Which of the ids answered to the case.
    Id,
    /// What became of the items of a batch.
    Results,
    /// The class of the HTTP status.
    Status,
    /// The format of the body.
    Format,
    /// Whether there is a text.
    ErrorText,
    /// What is stored, at this path.
    Data(String),
    /// Only the judge sees it.
    Verdict,
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BothBroke => f.write_str("both broke"),
            Self::Answer => f.write_str("answer"),
            Self::Id => f.write_str("profile_id"),
            Self::Results => f.write_str("results"),
            Self::Status => f.write_str("HTTP status"),
            Self::Format => f.write_str("format"),
            Self::ErrorText => f.write_str("error_text"),
            Self::Data(path) => f.write_str(path),
            Self::Verdict => f.write_str("verdict"),
        }
    }
}

/// A thing said, in a spelling to compare and one to show.
#[derive(Debug, Clone)]
struct Said {
    key: String,
    shown: String,
}

impl Said {
    fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { key: text.clone(), shown: text }
    }
}

/// What the answers to one step mean.
struct Group<'a> {
    step: String,
    first: &'a Exchange,
    meaning: BTreeMap<Aspect, Said>,
    is_broken: bool,
}

/// Where two runs of a case differ.
struct Difference {
    place: usize,
    aspect: Aspect,
    a: String,
    b: String,
}

impl Difference {
    /// True if what follows is a consequence.
    fn derails(&self) -> bool {
        matches!(self.aspect, Aspect::BothBroke | Aspect::Answer | Aspect::Id)
    }

    /// What it has in common with others of its kind.
    fn kind(&self) -> (Aspect, String, String) {
        let general = |said: &str, other: &str| match (said, other) {
            (NOTHING, _) => NOTHING.to_owned(),
            (_, NOTHING) => "something".to_owned(),
            _ => "something else".to_owned(),
        };
        match &self.aspect {
            Aspect::Data(_) => (self.aspect.clone(), general(&self.a, &self.b), general(&self.b, &self.a)),
            _ => (self.aspect.clone(), self.a.clone(), self.b.clone()),
        }
    }
}

const NOTHING: &str = "nothing";

type Name<'a> = (&'a str, Format);

/// What the first target does not answer twice alike.
#[derive(Default)]
struct Noise<'a> {
    paths: BTreeSet<String>,
    places: BTreeSet<(Name<'a>, usize, Aspect)>,
    /// From here on a case went another way.
    ends: BTreeMap<Name<'a>, usize>,
}

/// Compares the runs of `a`, of `a` again with another seed, and of `b`.
pub fn compare(suite: &Suite, a: &Run, again: &Run, b: &Run) -> Comparison {
    let reasons: Vec<String> = [a, again, b].iter().flat_map(|run| run.trouble.clone()).collect();
    let noise = Noise::learn(suite, a, again);
    let others = by_name(b);
    let mut classes: BTreeMap<(Aspect, String, String), Class> = BTreeMap::new();
    let mut compared = 0;
    for one in &a.verdicts {
        let Some(other) = others.get(&name(one)) else { continue };
        let Some(case) = suite.case(&one.case).filter(|_| one.is_tried() && other.is_tried()) else { continue };
        compared += 1;
        let (groups, others) = (groups(case, one), groups(case, other));
        let mut found = differences(&groups, &others, (one, other));
        found.retain(|difference| !noise.covers(name(one), difference));
        let mut told = BTreeSet::new();
        for difference in found.into_iter().filter(|difference| told.insert(difference.kind())) {
            let (aspect, said, heard) = difference.kind();
            let class = classes.entry(difference.kind()).or_insert_with(|| {
                let example = example(one, difference, &groups, &others);
                Class { aspect, a: said, b: heard, count: 0, example }
            });
            class.count += 1;
        }
    }
    let mut classes: Vec<Class> = classes.into_values().collect();
    classes.sort_by(|one, other| one.aspect.cmp(&other.aspect).then(other.count.cmp(&one.count)));
    let mut comparison =
        Comparison { compared, classes, unsteady: noise.cases(), noise: noise.paths.into_iter().collect(), reasons };
    if comparison.reasons.is_empty() && compared == 0 {
        comparison.reasons.push("no selected case could be tried on both; see --filter and the world file".to_owned());
    }
    comparison
}

impl Comparison {
    /// The exit code of the program.
    pub fn exit_code(&self) -> u8 {
        match (self.reasons.is_empty(), self.classes.is_empty()) {
            (false, _) => 2,
            (true, false) => 1,
            (true, true) => 0,
        }
    }
}

fn name(verdict: &Verdict) -> Name<'_> {
    (&verdict.case, verdict.format)
}

fn by_name(run: &Run) -> BTreeMap<Name<'_>, &Verdict> {
    run.verdicts.iter().map(|verdict| (name(verdict), verdict)).collect()
}

impl<'a> Noise<'a> {
    fn learn(suite: &Suite, a: &'a Run, again: &Run) -> Self {
        let others = by_name(again);
        let mut noise = Self::default();
        for one in &a.verdicts {
            let (Some(other), Some(case)) = (others.get(&name(one)), suite.case(&one.case)) else { continue };
            for difference in differences(&groups(case, one), &groups(case, other), (one, other)) {
                noise.note(name(one), difference);
            }
        }
        noise
    }

    fn note(&mut self, name: Name<'a>, difference: Difference) {
        if difference.aspect == Aspect::BothBroke {
            return;
        }
        if difference.derails() {
            self.ends.insert(name, difference.place);
        }
        match difference.aspect {
            // What is stored varies by its nature, a time say; that it was the same twice in another case is luck.
            Aspect::Data(path) => drop(self.paths.insert(path)),
            aspect => drop(self.places.insert((name, difference.place, aspect))),
        }
    }

    fn covers(&self, name: Name<'a>, difference: &Difference) -> bool {
        let is_behind = self.ends.get(&name).is_some_and(|&end| difference.place > end);
        is_behind
            || matches!(&difference.aspect, Aspect::Data(path) if self.paths.contains(path))
            || self.places.contains(&(name, difference.place, difference.aspect.clone()))
    }

    fn cases(&self) -> usize {
        self.places.iter().map(|(name, ..)| name).collect::<BTreeSet<_>>().len()
    }
}

/// Where two runs of a case differ, up to the first difference that makes them go different ways.
fn differences(one: &[Group<'_>], other: &[Group<'_>], (a, b): (&Verdict, &Verdict)) -> Vec<Difference> {
    let mut found = Vec::new();
    for (place, (one, other)) in one.iter().zip(other).enumerate() {
        found.extend(differences_of_step(place, one, other));
        if found.last().is_some_and(Difference::derails) {
            return found;
        }
    }
    if found.is_empty() && a.outcome != b.outcome {
        let said = |verdict: &Verdict| verdict.outcome.word().to_owned();
        found.push(Difference { place: one.len().min(other.len()), aspect: Aspect::Verdict, a: said(a), b: said(b) });
    }
    found
}

/// One that derails comes last.
fn differences_of_step(place: usize, one: &Group<'_>, other: &Group<'_>) -> Vec<Difference> {
    let said = |group: &Group<'_>, aspect: &Aspect| match group.meaning.get(aspect) {
        Some(said) => said.clone(),
        None => Said::plain(NOTHING),
    };
    let difference = |aspect: &Aspect, told: &Aspect| {
        let (a, b) = (said(one, told).shown, said(other, told).shown);
        Difference { place, aspect: aspect.clone(), a, b }
    };
    if one.is_broken && other.is_broken {
        return vec![difference(&Aspect::BothBroke, &Aspect::Answer)];
    }
    let differs = |aspect: &Aspect| said(one, aspect).key != said(other, aspect).key;
    if differs(&Aspect::Answer) {
        return vec![difference(&Aspect::Answer, &Aspect::Answer)];
    }
    let aspects: BTreeSet<&Aspect> = one.meaning.keys().chain(other.meaning.keys()).collect();
    let mut found: Vec<Difference> =
        aspects.into_iter().filter(|aspect| differs(aspect)).map(|aspect| difference(aspect, aspect)).collect();
    found.sort_by_key(Difference::derails);
    found
}

fn example(one: &Verdict, difference: Difference, groups: &[Group<'_>], others: &[Group<'_>]) -> Example {
    // The verdicts may differ where one of the two was asked no more.
    let at = |groups: &[Group<'_>]| groups.get(difference.place).map(|group| group.first.clone());
    let step = groups.get(difference.place).or(groups.last()).map(|group| group.step.clone()).unwrap_or_default();
    let (with_a, with_b) = (at(groups), at(others));
    let (case, format) = (one.case.clone(), one.format);
    Example { case, format, step, a: difference.a, b: difference.b, with_a, with_b }
}

/// The exchanges of a verdict by step, with what the answers mean.
fn groups<'a>(case: &Case, verdict: &'a Verdict) -> Vec<Group<'a>> {
    let steps = steps_of(case, &verdict.exchanges);
    let mut reader = Reader { echo: Echo::default(), ids: Vec::new() };
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut at = 0;
    while let Some((step, first)) = steps.get(at).zip(verdict.exchanges.get(at)) {
        let many = steps[at..].iter().take_while(|other| *other == step).count();
        let exchanges = &verdict.exchanges[at..verdict.exchanges.len().min(at + many)];
        let meanings: Vec<_> = exchanges.iter().map(|exchange| reader.read(exchange)).collect();
        let is_broken = exchanges.iter().any(is_broken);
        groups.push(Group { step: step.clone(), first, meaning: joined(meanings), is_broken });
        at += many;
    }
    groups
}

/// The step of each exchange, in words. A step that needs an id which nobody answered sends nothing.
fn steps_of(case: &Case, exchanges: &[Exchange]) -> Vec<String> {
    let mut steps = Vec::new();
    let mut saved: BTreeSet<&str> = BTreeSet::new();
    for (position, step) in case.steps.iter().enumerate() {
        let mut holes = step.message.templates().into_iter().flat_map(|template| template.placeholders());
        if holes.any(|hole| matches!(hole, Placeholder::Id(name) if !saved.contains(name.as_str()))) {
            continue;
        }
        let name = format!("step {} of {}", position + 1, case.steps.len());
        let parts = [(&step.save, step.parallel, name.clone())];
        saved.extend(saved_by_results(step, exchanges.get(steps.len())));
        let twin = step.twin.iter().map(|twin| (&twin.save, 1, format!("{name}, its twin")));
        for (save, times, name) in parts.into_iter().chain(twin) {
            let is_accepted = exchanges.get(steps.len()).is_some_and(|exchange| accepted_id(exchange).is_some());
            saved.extend(save.as_deref().filter(|_| is_accepted));
            steps.extend(std::iter::repeat_n(name, times));
        }
    }
    steps
}

/// The names under which ids of a batch's results are remembered, as far as there are such ids.
fn saved_by_results<'a>(step: &'a Step, exchange: Option<&Exchange>) -> Vec<&'a str> {
    let answer = exchange.filter(|_| !step.results.is_empty()).and_then(answer_of);
    let results = answer.and_then(|answer| answer.envelope.ok()?.results).unwrap_or_default();
    let is_accepted =
        |result: &Result<Envelope, String>| result.as_ref().is_ok_and(|result| result.accepted_id().is_some());
    let named = step.results.iter().zip(&results).filter(|(_, result)| is_accepted(result));
    named.filter_map(|(item, _)| item.save.as_deref()).collect()
}

fn answer_of(exchange: &Exchange) -> Option<Answer> {
    let got = exchange.received.as_ref().ok()?;
    Some(Answer::read(got.status, got.content_type(), &got.body))
}

fn accepted_id(exchange: &Exchange) -> Option<String> {
    answer_of(exchange)?.accepted_id().map(str::to_owned)
}

/// True if the target gave nothing that a client could go by.
fn is_broken(exchange: &Exchange) -> bool {
    answer_of(exchange).is_none_or(|answer| answer.status >= 500 || answer.envelope.is_err())
}

/// Many answers to one step, in whatever order they came.
fn joined(mut meanings: Vec<BTreeMap<Aspect, Said>>) -> BTreeMap<Aspect, Said> {
    if meanings.len() == 1 {
        return meanings.pop().unwrap_or_default();
    }
    let mut counts: BTreeMap<Aspect, BTreeMap<String, usize>> = BTreeMap::new();
    for (aspect, said) in meanings.into_iter().flatten() {
        *counts.entry(aspect).or_default().entry(said.key).or_default() += 1;
    }
    let listed = |counts: BTreeMap<String, usize>| match counts.len() {
        1 => counts.into_keys().collect(), // all say the same
        _ => counts.into_iter().map(|(said, count)| format!("{count} x {said}")).collect::<Vec<_>>().join(", "),
    };
    counts.into_iter().map(|(aspect, counts)| (aspect, Said::plain(listed(counts)))).collect()
}

/// Reads the answers to a case in order, knowing what was sent and answered before.
struct Reader {
    echo: Echo,
    ids: Vec<String>,
}

impl Reader {
    fn read(&mut self, exchange: &Exchange) -> BTreeMap<Aspect, Said> {
        self.echo.hear(&exchange.sent.body);
        let Some(answer) = answer_of(exchange) else {
            return BTreeMap::from([(Aspect::Answer, Said::plain("no answer"))]);
        };
        let status = Said::plain(format!("{}xx", answer.status / 100));
        let Ok(envelope) = &answer.envelope else {
            let unreadable = Said::plain(format!("unreadable with HTTP {}", status.shown));
            return BTreeMap::from([(Aspect::Answer, unreadable)]);
        };
        let id = answer.accepted_id();
        let gist = match (envelope.error, id) {
            (0, Some(_)) => "accepted".to_owned(),
            (0, None) => "error 0 without a profile_id".to_owned(),
            (error, _) => format!("refused with error {error}"),
        };
        let mut meaning = BTreeMap::from([
            (Aspect::Answer, Said::plain(gist)),
            (Aspect::Status, status),
            (Aspect::Format, Said::plain(format_of(&answer, envelope))),
            (Aspect::ErrorText, Said::plain(text_of(envelope))),
        ]);
        if let Some(id) = id {
            meaning.insert(Aspect::Id, Said::plain(self.place_of(id)));
        }
        if let Some(results) = &envelope.results {
            let words = results.iter().map(gist_of_result).collect::<Vec<_>>();
            meaning.insert(Aspect::Results, Said::plain(words.join(", ")));
        }
        if let Some(data) = envelope.data.as_ref().filter(|_| !shows_everybody(exchange)) {
            let mut leaves = BTreeMap::new();
            self.collect("data", data, &mut leaves);
            let said = |leaves: Vec<Said>| {
                let (keys, shown): (Vec<_>, Vec<_>) = leaves.into_iter().map(|said| (said.key, said.shown)).unzip();
                Said { key: sorted(keys), shown: sorted(shown) }
            };
            meaning.extend(leaves.into_iter().map(|(path, leaves)| (Aspect::Data(path), said(leaves))));
        }
        meaning
    }

    /// Ids themselves mean nothing: only which of the case's it is.
    fn place_of(&mut self, id: &str) -> String {
        match self.ids.iter().position(|known| known == id) {
            Some(position) => format!("id {} of the case again", position + 1),
            None => {
                self.ids.push(id.to_owned());
                "a new id".to_owned()
            }
        }
    }

    /// The scalars under each path, the place in a list left out.
    fn collect(&self, path: &str, value: &Value, leaves: &mut BTreeMap<String, Vec<Said>>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members.iter().filter(|(key, _)| !is_made_up(path, key)) {
                    self.collect(&format!("{path}.{key}"), value, leaves);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.collect(&format!("{path}[]"), item, leaves)),
            scalar => {
                let said = Said { key: self.echo.replace(scalar), shown: scalar.to_json() };
                leaves.entry(path.to_owned()).or_default().push(said);
            }
        }
    }
}

/// True of a call whose answer depends on everything that the target was told, by any case.
fn shows_everybody(exchange: &Exchange) -> bool {
    exchange.sent.url.trim_end_matches('/').ends_with("/profiles/list")
}

/// True for ids that a target gives to what it stores: those of two targets have nothing in common.
fn is_made_up(path: &str, key: &str) -> bool {
    match key {
        "id" => matches!(path, "data" | "data[]"),
        "profile_id" => path == "data",
        _ => key == "hash_id",
    }
}

fn gist_of_result(result: &Result<Envelope, String>) -> String {
    match result {
        Ok(envelope) if envelope.error == 0 => "done".to_owned(),
        Ok(envelope) => format!("refused with error {}", envelope.error),
        Err(_) => "unreadable".to_owned(),
    }
}

fn sorted(mut words: Vec<String>) -> String {
    words.sort_unstable();
    words.join(", ")
}

fn format_of(answer: &Answer, envelope: &Envelope) -> String {
    let format = envelope.format;
    match answer.content_type.as_deref() {
        Some(declared) if declared.contains(format.word()) => format.to_string(),
        Some(declared) => format!("{format}, declared as {declared}"),
        None => format!("{format}, not declared"),
    }
}

fn text_of(envelope: &Envelope) -> &'static str {
    match &envelope.error_text {
        Some(Value::Text(text)) if text.is_empty() => "an empty text",
        Some(Value::Text(_)) => "a text",
        Some(_) => "no string",
        None => "none",
    }
}

/// The scalars that a case sent, so that what comes back is told by which of them it is: the values of a run are new
/// with each seed, their places are not.
#[derive(Default)]
struct Echo {
    sent: Vec<String>,
}

impl Echo {
    fn hear(&mut self, body: &[u8]) {
        let Ok(text) = std::str::from_utf8(body) else { return };
        let tree = if text.trim_start().starts_with('<') {
            xml::read(text).map(|xml| xml.content)
        } else {
            Value::parse(text)
        };
        // A body that is broken on purpose stores nothing that could come back.
        if let Ok(tree) = tree {
            self.note(&tree);
        }
    }

    fn note(&mut self, value: &Value) {
        match value {
            Value::Object(members) => members.iter().for_each(|(_, value)| self.note(value)),
            Value::List(items) => items.iter().for_each(|item| self.note(item)),
            scalar => {
                let text = text_of_scalar(scalar);
                let digits = text.strip_prefix('+').map(str::to_owned);
                for text in [Some(text), digits].into_iter().flatten() {
                    if !self.sent.contains(&text) {
                        self.sent.push(text);
                    }
                }
            }
        }
    }

    fn replace(&self, scalar: &Value) -> String {
        let text = text_of_scalar(scalar);
        if let Some(place) = self.sent.iter().position(|sent| *sent == text) {
            return format!("sent value {place}, {}", scalar.kind());
        }
        let is_part = |sent: &&String| sent.len() >= TELLING_LENGTH && text.contains(sent.as_str());
        match self.sent.iter().enumerate().find(|(_, sent)| is_part(sent)) {
            Some((place, sent)) => text.replace(sent.as_str(), &format!("<sent value {place}>")),
            None => compare::canonical(scalar),
        }
    }
}

fn text_of_scalar(scalar: &Value) -> String {
    scalar.as_text().map_or_else(|| scalar.to_json(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Outcome;
    use crate::requirement::Level;
    use crate::target::{Received, Sent};

    const SAVES: &str = "[[steps]]\nimport='{\"data\":{}}'\nexpect='new'\nsave='ann'\n\
                         [[steps]]\nimport='{\"data\":{\"a\":1}}'\nexpect='same:ann'";

    fn suite() -> Suite {
        let files = [
            (
                "spec/requirements/a.toml",
                "[A-1]\nlevel='must'\nsays='It works.'\nsource='page:1'\nconfidence='documented'".to_owned(),
            ),
            ("cases/x/y.toml", format!("title='t'\nrequirements=['A-1']\n{SAVES}")),
            ("worlds/documented.toml", "[suite]\ntoken='t'\ndatabase=1".to_owned()),
        ];
        Suite::load(&files.map(|(path, text)| (path.to_owned(), text.into_bytes())).into()).unwrap()
    }

    /// A run of the one case: each answer is a status and a body, to a request that sends this seed's e-mail.
    fn run(seed: &str, answers: &[(u16, &str)]) -> Run {
        let exchange = |(status, body): &(u16, &str)| Exchange {
            step: 0,
            is_twin: false,
            sent: Sent {
                method: "POST".to_owned(),
                url: "http://a".to_owned(),
                headers: Vec::new(),
                body: format!(r#"{{"email":"{seed}@example.com"}}"#).into_bytes(),
            },
            received: match status {
                0 => Err("connection refused".to_owned()),
                &status => {
                    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
                    Ok(Received { status, headers, body: body.as_bytes().to_vec() })
                }
            },
        };
        let passed = Verdict::new("x/y", Format::Json, Level::Must, Outcome::Pass);
        let verdict = Verdict { exchanges: answers.iter().map(exchange).collect(), ..passed };
        Run { verdicts: vec![verdict], ..Run::default() }
    }

    /// The classes found if A answers so twice, and B so.
    fn classes(a: &[(u16, &str)], again: &[(u16, &str)], b: &[(u16, &str)]) -> Vec<String> {
        let comparison = compare(&suite(), &run("seed-one", a), &run("seed-two", again), &run("seed-one", b));
        assert_eq!(comparison.compared, 1);
        let line = |class: &Class| format!("{}: {} / {} in {}", class.aspect, class.a, class.b, class.example.step);
        comparison.classes.iter().map(line).collect()
    }

    fn ok(id: &str) -> String {
        format!(r#"{{"error":0,"error_text":"","profile_id":"{id}"}}"#)
    }

    #[test]
    fn ids_are_compared_by_their_place_in_the_case() {
        let (one, two) = (ok("1"), ok("2"));
        let same = [(200, one.as_str()), (200, one.as_str())];
        let other = [(200, two.as_str()), (200, two.as_str())];
        assert_eq!(classes(&same, &other, &other), [""; 0]);
        let new = [(200, one.as_str()), (200, two.as_str())];
        assert_eq!(classes(&same, &same, &new), ["profile_id: id 1 of the case again / a new id in step 2 of 2"]);
    }

    #[test]
    fn what_follows_from_a_disagreement_is_not_told() {
        let (one, no) = (ok("1"), r#"{"error":403,"error_text":"no"}"#);
        let (a, b) = ([(200, one.as_str()), (200, one.as_str())], [(400, no), (400, no)]);
        assert_eq!(classes(&a, &a, &b), ["answer: accepted / refused with error 403 in step 1 of 2"]);
    }

    #[test]
    fn the_same_difference_in_two_steps_is_one_disagreement_of_the_case() {
        let one = ok("1");
        let (a, b) = ([(200, one.as_str()); 2], [(201, one.as_str()), (302, one.as_str())]);
        assert_eq!(classes(&a, &a, &b), ["HTTP status: 2xx / 3xx in step 2 of 2"]);
        let c = [(302, one.as_str()); 2];
        assert_eq!(classes(&a, &a, &c), ["HTTP status: 2xx / 3xx in step 1 of 2"]);
    }

    #[test]
    fn two_equal_crashes_are_not_agreement() {
        for (broken, said) in [((0, ""), "no answer"), ((500, "oops"), "unreadable with HTTP 5xx")] {
            let found = classes(&[broken], &[broken], &[broken]);
            assert_eq!(found, [format!("both broke: {said} / {said} in step 1 of 2")]);
        }
        let (no, one) = ((503, r#"{"error":503,"error_text":"later"}"#), ok("1"));
        assert_eq!(classes(&[no], &[no], &[no]).len(), 1);
        let healthy = (200, one.as_str());
        assert_eq!(classes(&[no], &[no], &[healthy]), ["answer: refused with error 503 / accepted in step 1 of 2"]);
    }

    fn got(email: &str, time: &str, more: &str) -> String {
        format!(
            r#"{{"error":0,"error_text":"","data":{{"id":"1","email":"{email}@example.com","time":"{time}"{more}}}}}"#
        )
    }

    #[test]
    fn noise_is_what_the_first_target_answers_now_so_and_now_so() {
        let (a, again) = (got("seed-one", "10:01", ""), got("seed-two", "10:02", ""));
        let b = got("seed-one", "10:03", "");
        assert_eq!(classes(&[(200, &a)], &[(200, &again)], &[(200, &b)]), [""; 0]);
        let upper = got("SEED-ONE", "10:03", "");
        let found = classes(&[(200, &a)], &[(200, &again)], &[(200, &upper)]);
        assert_eq!(found, ["data.email: something else / something else in step 1 of 2"]);
        let one = ok("1");
        let no = (200, r#"{"error":400,"error_text":"no"}"#);
        assert_eq!(classes(&[(200, &one)], &[no], &[no]), [""; 0], "A does the one and the other");
    }

    #[test]
    fn ids_that_a_target_makes_up_are_not_compared() {
        let listed = |id: &str, status: &str| {
            format!(r#"{{"error":0,"error_text":"","data":[{{"id":"{id}","hash_id":"h{id}","status":"{status}"}}]}}"#)
        };
        let (a, b) = (listed("1", "subscribed"), listed("2", "subscribed"));
        assert_eq!(classes(&[(200, &a)], &[(200, &a)], &[(200, &b)]), [""; 0]);
        let c = listed("2", "suspended");
        let found = classes(&[(200, &a)], &[(200, &a)], &[(200, &c)]);
        assert_eq!(found, ["data[].status: something else / something else in step 1 of 2"]);
    }

    #[test]
    fn data_is_compared_by_path_and_meaning() {
        let a = got("seed-one", "", r#","list":[{"k":1},{"k":2}],"on":"2020-01-01T03:00:00+03:00""#);
        let b = got("seed-one", "", r#","list":[{"k":2},{"k":1.0}],"on":"2020-01-01""#);
        assert_eq!(classes(&[(200, &a)], &[(200, &a)], &[(200, &b)]), [""; 0]);
        let c = got("seed-one", "", r#","list":[{"k":2}],"on":"2020-01-01""#);
        let found = classes(&[(200, &a)], &[(200, &a)], &[(200, &c)]);
        assert_eq!(found, ["data.list[].k: something else / something else in step 1 of 2"]);
        let d = got("seed-one", "", r#","on":"2020-01-01""#);
        let found = classes(&[(200, &a)], &[(200, &a)], &[(200, &d)]);
        assert_eq!(found, ["data.list[].k: something / nothing in step 1 of 2"]);
    }

    #[test]
    fn a_target_that_was_lost_is_not_compared() {
        let lost = Run { trouble: vec!["http://b stopped answering during the run".to_owned()], ..Run::default() };
        let comparison = compare(&suite(), &run("seed-one", &[]), &run("seed-two", &[]), &lost);
        assert_eq!(comparison.exit_code(), 2);
        let comparison = compare(&suite(), &Run::default(), &Run::default(), &Run::default());
        assert_eq!(comparison.exit_code(), 2, "nothing was compared");
    }
}
