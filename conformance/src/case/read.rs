//! Reads a case file and checks all that can be known of it without a target, so that a run never trips over one.
//!
//! Which requirement ids exist is checked in `suite`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

use super::{Body, Case, ItemResult, LiteralBytes, Message, Purpose, Step, Twin, Unbuildable, data_of, tree};
use crate::Format;
use crate::compare;
use crate::expectation::{Demands, Expectation};
use crate::placeholder::{BLOCK, Placeholder, Scope, Template, Values};
use crate::render::Arrays;
use crate::requirement::Level;
use crate::world::{self, CAPABILITIES, DOCUMENTED_WORLD, Role, World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    title: String,
    requirements: Vec<String>,
    level: Option<Level>,
    #[serde(default)]
    needs: BTreeSet<String>,
    formats: Option<Vec<Format>>,
    formats_why: Option<String>,
    documents: Option<String>,
    steps: Vec<StepFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFile {
    import: Option<String>,
    get: Option<String>,
    call: Option<String>,
    body: Option<String>,
    literal: Option<LiteralFile>,
    #[serde(default)]
    bare: bool,
    #[serde(default)]
    xml_arrays: Arrays,
    expect: Option<Words>,
    save: Option<String>,
    #[serde(default)]
    check: bool,
    #[serde(rename = "no_trace_of")]
    _no_trace_of: Option<String>, // for the reader only
    twin: Option<String>,
    twin_literal: Option<LiteralFile>,
    #[serde(default)]
    twin_scope: Scope,
    twin_differs: Option<String>,
    twin_expect: Option<Words>,
    twin_save: Option<String>,
    parallel: Option<usize>,
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
    content_type: Option<String>,
    accept: Option<String>,
    authorization: Option<String>,
    #[serde(default)]
    answer: Demands,
    data: Option<String>,
    #[serde(default)]
    data_counts: BTreeMap<String, usize>,
    #[serde(default)]
    results: Vec<String>,
    observe: Option<String>,
    answers: Option<OrderedWords>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LiteralFile {
    json: Option<String>,
    xml: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    AnyOf(Vec<String>),
}

/// A table of words whose order counts.
struct OrderedWords(Vec<(String, String)>);

impl<'de> Deserialize<'de> for OrderedWords {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = OrderedWords;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of expectations and words")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrderedWords, A::Error> {
                let mut words = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    words.push(entry);
                }
                Ok(OrderedWords(words))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Gives the bytes of a file of `fixtures/`.
pub type Fixture<'a> = dyn Fn(&str) -> Option<Vec<u8>> + 'a;

/// Reads one case file. `id` is `<area>/<name>`.
///
/// # Errors
/// Everything that is wrong with it, each naming the key.
pub fn read(id: &str, file: &str, text: &str, fixture: &Fixture<'_>) -> Result<Case, Vec<String>> {
    let written: CaseFile = toml::from_str(text).map_err(|error| vec![error.to_string().trim_end().to_owned()])?;
    let mut problems = Vec::new();
    let last = written.steps.len();
    let mut steps = Vec::new();
    for (position, step) in written.steps.into_iter().enumerate() {
        match read_step(step, position + 1 == last, fixture) {
            Ok(step) => steps.push(step),
            Err(problem) => problems.push(format!("steps[{}]: {problem}", position + 1)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let messages: Vec<&Message> = steps.iter().flat_map(messages_of).collect();
    let roles_sent = messages.iter().flat_map(|message| roles_of(message));
    let roles = roles_sent.chain(steps.iter().flat_map(roles_of_data)).collect();
    let needs = written.needs.into_iter().chain(messages.iter().flat_map(|message| capabilities_of(message))).collect();
    let mut case = Case {
        id: id.to_owned(),
        file: file.to_owned(),
        title: written.title,
        requirements: written.requirements,
        lowered: written.level,
        formats: Vec::new(),
        needs,
        roles,
        steps,
        documents: written.documents,
    };
    match formats_of(&case, written.formats, written.formats_why.as_deref()) {
        Ok(formats) => case.formats = formats,
        Err(problem) => problems.push(problem),
    }
    problems.extend(check(&case));
    if problems.is_empty() { Ok(case) } else { Err(problems) }
}

fn read_step(written: StepFile, is_last: bool, fixture: &Fixture<'_>) -> Result<Step, String> {
    let main_path = main_path(&written)?;
    let (key, body) = match (&written.import, &written.get, &written.body, &written.literal) {
        (Some(text), None, None, None) => ("import", tree_body("import", text, written.bare, written.xml_arrays)?),
        (None, Some(text), None, None) => ("get", tree_body("get", text, written.bare, written.xml_arrays)?),
        (None, None, Some(text), None) => ("body", tree_body("body", text, written.bare, written.xml_arrays)?),
        (None, None, None, Some(literal)) => ("literal", literal_body("literal", literal, fixture)?),
        _ => return Err("give exactly one of `import`, `get`, `body`, `literal`".to_owned()),
    };
    if key == "literal" && (written.bare || written.xml_arrays != Arrays::default()) {
        return Err("`bare` and `xml_arrays` make no sense with `literal`".to_owned());
    }
    let message = Message {
        body,
        method: written.method.clone().unwrap_or_else(|| "POST".to_owned()),
        path: template("path", written.path.as_deref().unwrap_or(&main_path))?,
        query: optional_template("query", written.query.as_deref())?,
        content_type: optional_template("content_type", written.content_type.as_deref())?,
        accept: optional_template("accept", written.accept.as_deref())?,
        authorization: optional_template("authorization", written.authorization.as_deref())?,
    };
    let parallel = written.parallel.unwrap_or(1);
    if !(1..=256).contains(&parallel) {
        return Err("`parallel` must be between 1 and 256".to_owned());
    }
    let twin = read_twin(&written, &main_path, fixture)?;
    let purpose = purpose_of(&written, is_last)?;
    let expect = match (&written.expect, &purpose) {
        (Some(words), _) => expectations("expect", words)?,
        (None, Purpose::Observe { .. }) => Vec::new(),
        (None, _) => return Err("`expect` is missing".to_owned()),
    };
    if expect.contains(&Expectation::AllSame) && written.parallel.is_none() {
        return Err("`expect = \"all-same\"` makes sense with `parallel` only".to_owned());
    }
    if key == "import" {
        refuse_what_an_import_does_not_answer(&written)?;
    }
    let data = optional_template("data", written.data.as_deref())?;
    let results = written.results.iter().map(|item| item_result(item)).collect::<Result<_, _>>()?;
    let (demands, counts, save) = (written.answer, written.data_counts, written.save);
    Ok(Step { message, purpose, expect, demands, data, counts, results, save, parallel, twin })
}

/// The call that a step is about: that of its key, or the one it names.
fn main_path(written: &StepFile) -> Result<String, String> {
    match (&written.call, &written.body, &written.literal) {
        (Some(path), Some(_), _) | (Some(path), _, Some(_)) if world::is_call(path) => Ok(path.clone()),
        (Some(path), Some(_), _) | (Some(path), _, Some(_)) => Err(format!(
            "`call` names `{path}`; there are {}, and those among the capabilities: {}",
            world::IMPORT,
            CAPABILITIES.join(", ")
        )),
        (Some(_), ..) => Err("`call` needs `body` or `literal`".to_owned()),
        (None, Some(_), _) => Err("`body` needs `call`".to_owned()),
        (None, None, _) if written.get.is_some() => Ok("profiles/get".to_owned()),
        (None, None, _) => Ok(world::IMPORT.to_owned()),
    }
}

fn refuse_what_an_import_does_not_answer(written: &StepFile) -> Result<(), String> {
    let keys = [
        ("data", written.data.is_some()),
        ("data_counts", !written.data_counts.is_empty()),
        ("results", !written.results.is_empty()),
    ];
    match keys.into_iter().find(|(_, is_given)| *is_given) {
        Some((key, _)) => Err(format!("`{key}` makes no sense with `import`")),
        None => Ok(()),
    }
}

/// `new`, or `new as ann`.
fn item_result(text: &str) -> Result<ItemResult, String> {
    let (word, save) = match text.split_once(" as ") {
        Some((word, name)) => (word, Some(name.to_owned())),
        None => (text, None),
    };
    let expect = Expectation::parse(word).map_err(|error| format!("results: {error}"))?;
    Ok(ItemResult { expect, save })
}

fn read_twin(written: &StepFile, main_path: &str, fixture: &Fixture<'_>) -> Result<Option<Twin>, String> {
    let body = match (&written.twin, &written.twin_literal) {
        (Some(_), Some(_)) => return Err("give `twin` or `twin_literal`, not both".to_owned()),
        (Some(text), None) => tree_body("twin", text, false, written.xml_arrays)?,
        (None, Some(literal)) => literal_body("twin_literal", literal, fixture)?,
        (None, None) if has_twin_keys(written) => return Err("keys that begin with `twin_` need a `twin`".to_owned()),
        (None, None) => return Ok(None),
    };
    // The twin goes out in the ordinary way: where the step overrides the transport, that is the one difference.
    let message = Message {
        body,
        method: "POST".to_owned(),
        path: template("path", main_path)?,
        query: None,
        content_type: None,
        accept: None,
        authorization: None,
    };
    let expect = match &written.twin_expect {
        Some(words) => expectations("twin_expect", words)?,
        None => vec![Expectation::Accepted],
    };
    let (scope, differs, save) = (written.twin_scope, written.twin_differs.clone(), written.twin_save.clone());
    if differs.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err("`twin_differs` must give the reason".to_owned());
    }
    Ok(Some(Twin { message, scope, differs, expect, save }))
}

fn has_twin_keys(written: &StepFile) -> bool {
    let optional = [written.twin_expect.is_some(), written.twin_save.is_some(), written.twin_differs.is_some()];
    optional.contains(&true) || written.twin_scope != Scope::default()
}

fn purpose_of(written: &StepFile, is_last: bool) -> Result<Purpose, String> {
    let Some(name) = &written.observe else {
        if written.answers.is_some() {
            return Err("`answers` needs `observe`".to_owned());
        }
        return Ok(if is_last || written.check { Purpose::Check } else { Purpose::SetUp });
    };
    if written.check {
        return Err("a step is observed or checked, not both".to_owned());
    }
    let answers = match &written.answers {
        Some(OrderedWords(words)) => words
            .iter()
            .map(|(word, answer)| Ok((Expectation::parse(word)?, answer.clone())))
            .collect::<Result<_, String>>()
            .map_err(|error| format!("answers: {error}"))?,
        None => {
            vec![(Expectation::Accepted, "accepted".to_owned()), (Expectation::Refused(None), "refused".to_owned())]
        }
    };
    Ok(Purpose::Observe { name: name.clone(), answers })
}

fn expectations(key: &str, words: &Words) -> Result<Vec<Expectation>, String> {
    let words = match words {
        Words::One(word) => std::slice::from_ref(word),
        Words::AnyOf(words) if words.is_empty() => return Err(format!("`{key}` is empty")),
        Words::AnyOf(words) => words.as_slice(),
    };
    words.iter().map(|word| Expectation::parse(word).map_err(|error| format!("{key}: {error}"))).collect()
}

fn template(key: &str, text: &str) -> Result<Template, String> {
    Template::parse(text).map_err(|error| format!("{key}: {error}"))
}

fn optional_template(key: &str, text: Option<&str>) -> Result<Option<Template>, String> {
    text.map(|text| template(key, text)).transpose()
}

fn tree_body(key: &str, text: &str, bare: bool, arrays: Arrays) -> Result<Body, String> {
    let template = template(key, text)?;
    if template.placeholders().any(|hole| matches!(hole, Placeholder::Hex(_))) {
        return Err(format!("{key}: raw bytes (`${{hex:..}}`) can be sent with `literal` only"));
    }
    Ok(Body::Tree { template, bare, arrays })
}

fn literal_body(key: &str, literal: &LiteralFile, fixture: &Fixture<'_>) -> Result<Body, String> {
    let read = |text: &Option<String>| match text.as_deref() {
        None => Ok(None),
        Some(text) => match text.trim().strip_prefix('@') {
            Some(path) => match fixture(path) {
                Some(bytes) => Ok(Some(LiteralBytes::File(bytes))),
                None => Err(format!("{key}: there is no file `{path}` in fixtures")),
            },
            None => template(key, text).map(LiteralBytes::Template).map(Some),
        },
    };
    let (json, xml) = (read(&literal.json)?, read(&literal.xml)?);
    if json.is_none() && xml.is_none() {
        return Err(format!("{key}: give `json`, `xml` or both"));
    }
    Ok(Body::Literal { json, xml })
}

fn messages_of(step: &Step) -> impl Iterator<Item = &Message> {
    std::iter::once(&step.message).chain(step.twin.iter().map(|twin| &twin.message))
}

fn roles_of(message: &Message) -> Vec<Role> {
    message.templates().into_iter().flat_map(roles_in).collect()
}

fn roles_of_data(step: &Step) -> Vec<Role> {
    step.data.iter().flat_map(roles_in).collect()
}

fn roles_in(template: &Template) -> Vec<Role> {
    let role = |hole: &Placeholder| match hole {
        Placeholder::Role(role) => Some(role.clone()),
        _ => None,
    };
    template.placeholders().filter_map(role).collect()
}

/// What sending this message needs beyond the import call.
fn capabilities_of(message: &Message) -> Vec<String> {
    let path = message.path.literal_start().trim_end_matches('/');
    let asked = CAPABILITIES.into_iter().find(|capability| *capability == path);
    // A file holds the token, ids and names that the documentation prints.
    let printed = message.sends_a_file().then_some(DOCUMENTED_WORLD);
    asked.into_iter().chain(printed).map(str::to_owned).collect()
}

fn formats_of(case: &Case, wanted: Option<Vec<Format>>, why: Option<&str>) -> Result<Vec<Format>, String> {
    match (&wanted, why.map(str::trim)) {
        (Some(_), None | Some("")) => return Err("`formats` needs `formats_why`".to_owned()),
        (None, Some(_)) => return Err("`formats_why` needs `formats`".to_owned()),
        _ => {}
    }
    let messages = || case.steps.iter().flat_map(messages_of);
    let wanted: BTreeSet<Format> = wanted.map_or_else(|| Format::ALL.into(), BTreeSet::from_iter);
    let written = messages().map(Message::formats).fold(wanted.clone(), |all, some| &all & &some);
    let formats: Vec<Format> =
        written.into_iter().filter(|format| *format == Format::Json || !messages().any(holds_null)).collect();
    if formats.is_empty() {
        return Err("there is no format in which every step can be sent".to_owned());
    }
    Ok(formats)
}

/// `null` has no XML form, so a case that sends it is JSON only.
fn holds_null(message: &Message) -> bool {
    with_sample_values(|values| match &message.body {
        Body::Tree { template, bare, .. } => tree(template, *bare, values).is_ok_and(|tree| tree.holds_null()),
        Body::Literal { .. } => false,
    })
}

/// Runs `check` with values for every role, so that what a template becomes can be looked at.
fn with_sample_values<T>(check: impl FnOnce(&mut Values<'_>) -> T) -> T {
    static WORLD: LazyLock<World> = LazyLock::new(World::sample);
    check(&mut Values::sample(&WORLD))
}

fn check(case: &Case) -> Vec<String> {
    let mut problems = Vec::new();
    if case.title.trim().is_empty() {
        problems.push("`title` is empty".to_owned());
    }
    if case.requirements.is_empty() {
        problems.push("`requirements` is empty".to_owned());
    }
    if case.steps.is_empty() {
        problems.push("`steps` is empty".to_owned());
    }
    if case.documents.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
        problems.push("`documents` must give the reason".to_owned());
    }
    for word in case.needs.iter().filter(|word| !CAPABILITIES.contains(&word.as_str())) {
        problems.push(format!("needs: unknown capability `{word}`; known: {}", CAPABILITIES.join(", ")));
    }
    problems.extend(check_names(case));
    for (position, step) in case.steps.iter().enumerate() {
        problems.extend(check_step(case, step).into_iter().map(|what| format!("steps[{}]: {what}", position + 1)));
    }
    problems
}

fn check_step(case: &Case, step: &Step) -> Vec<String> {
    let mut problems = Vec::new();
    for message in messages_of(step) {
        for format in &case.formats {
            if let Err(Unbuildable::Fault(fault)) = with_sample_values(|values| message.bytes(*format, values)) {
                problems.push(format!("the body cannot be sent as {format}: {fault}"));
            }
        }
    }
    if let Some(data) = &step.data
        && let Err(fault) = with_sample_values(|values| data_of(data, values))
    {
        problems.push(format!("data: {fault:?}"));
    }
    problems.extend(step.twin.as_ref().and_then(|twin| check_twin(&step.message, twin)));
    let is_refusal = !step.expect.is_empty() && step.expect.iter().all(|one| matches!(one, Expectation::Refused(_)));
    if is_refusal && step.twin.is_none() && !matches!(step.purpose, Purpose::Observe { .. }) {
        problems.push("a refusal needs a `twin` that differs in one thing and is accepted".to_owned());
    }
    problems
}

/// A JSON twin differs from the request that is refused in one thing, or says why it differs in more.
fn check_twin(refused: &Message, twin: &Twin) -> Option<String> {
    let sent = |message: &Message, values: &mut Values<'_>| match &message.body {
        Body::Tree { template, bare, .. } => tree(template, *bare, values).ok(),
        Body::Literal { .. } => None,
    };
    // With the same values, so that a name stands for the same in both.
    let (one, other) = with_sample_values(|values| (sent(refused, values), sent(&twin.message, values)));
    let mut places = compare::differing_places(&one?, &other?);
    places.extend(differing_transport(refused, &twin.message).map(str::to_owned));
    match (places.len() > 1, &twin.differs) {
        (true, None) => Some(format!(
            "`twin` differs in {} things: {}; let it differ in one, or say why in `twin_differs`",
            places.len(),
            places.join(", ")
        )),
        (false, Some(_)) => Some("`twin_differs` is for a `twin` that differs in more than one thing".to_owned()),
        _ => None,
    }
}

fn differing_transport(one: &Message, other: &Message) -> impl Iterator<Item = &'static str> {
    let parts = [
        ("method", one.method != other.method),
        ("path", one.path != other.path),
        ("query", one.query != other.query),
        ("content_type", one.content_type != other.content_type),
        ("accept", one.accept != other.accept),
        ("authorization", one.authorization != other.authorization),
    ];
    parts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name)
}

/// Every remembered id must have been saved by an earlier step (or, for a twin, by its own step).
fn check_names(case: &Case) -> Vec<String> {
    let mut problems = Vec::new();
    let mut saved: BTreeSet<&str> = BTreeSet::new();
    let (mut phones, mut ints) = (BTreeSet::new(), BTreeSet::new());
    for (position, step) in case.steps.iter().enumerate() {
        let mut demand = |names: Vec<&str>, saved: &BTreeSet<&str>| {
            for name in names.into_iter().filter(|name| !saved.contains(name)) {
                problems.push(format!("steps[{}]: no earlier step saves `{name}`", position + 1));
            }
        };
        demand(names_in(&step.message), &saved);
        demand(step.expect.iter().flat_map(Expectation::names).collect(), &saved);
        demand(step.data.iter().flat_map(names_of).collect(), &saved);
        for item in &step.results {
            demand(item.expect.names(), &saved);
            saved.extend(item.save.as_deref());
        }
        if let Purpose::Observe { answers, .. } = &step.purpose {
            demand(answers.iter().flat_map(|(expectation, _)| expectation.names()).collect(), &saved);
        }
        saved.extend(step.save.as_deref());
        if let Some(twin) = &step.twin {
            demand(names_in(&twin.message), &saved);
            demand(twin.expect.iter().flat_map(Expectation::names).collect(), &saved);
            saved.extend(twin.save.as_deref());
        }
        let scope_of_twin = step.twin.as_ref().map_or(Scope::Shared, |twin| twin.scope);
        for (message, scope) in messages_of(step).zip([Scope::Shared, scope_of_twin]) {
            for hole in message.templates().into_iter().flat_map(Template::placeholders) {
                match hole {
                    Placeholder::Phone(name) => phones.insert((name, scope)),
                    Placeholder::Int(name) => ints.insert((name, scope)),
                    _ => false,
                };
            }
        }
    }
    if phones.len() > BLOCK || ints.len() > BLOCK {
        problems.push(format!("more than {BLOCK} different phones or whole numbers"));
    }
    problems
}

fn names_in(message: &Message) -> Vec<&str> {
    message.templates().into_iter().flat_map(names_of).collect()
}

fn names_of(template: &Template) -> Vec<&str> {
    let mut names = Vec::new();
    for hole in template.placeholders() {
        if let Placeholder::Id(name) = hole {
            names.push(name.as_str());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "title = 'A case'\nrequirements = ['A-1']\n";
    const IMPORT: &str = "import = '''{\"email\": \"${email:a}\", \"data\": {}}'''\n";

    fn read_text(text: &str) -> Result<Case, Vec<String>> {
        let fixture = |path: &str| (path == "documented/request-1.json").then(|| b"{}".to_vec());
        read("area/name", "cases/area/name.toml", text, &fixture)
    }

    fn steps(steps: &str) -> Result<Case, Vec<String>> {
        read_text(&format!("{HEAD}{steps}"))
    }

    #[track_caller]
    fn refuses(result: Result<Case, Vec<String>>, reason: &str) {
        let problems = result.unwrap_err().join("\n");
        assert!(problems.contains(reason), "`{problems}` does not say `{reason}`");
    }

    #[test]
    fn the_last_step_is_a_check_and_the_others_prepare() {
        let case = steps(&format!(
            "[[steps]]\n{IMPORT}expect = 'new'\n[[steps]]\n{IMPORT}expect = 'new'\ncheck = true\n\
             [[steps]]\n{IMPORT}expect = 'accepted'"
        ));
        let purposes: Vec<Purpose> = case.unwrap().steps.into_iter().map(|step| step.purpose).collect();
        assert_eq!(purposes, [Purpose::SetUp, Purpose::Check, Purpose::Check]);
    }

    #[test]
    fn puts_token_and_database_in_front_unless_they_are_given() {
        let sent = |step: &str| {
            let case = steps(&format!("[[steps]]\nexpect = 'accepted'\n{step}")).unwrap();
            let world = World::read("[suite]\ntoken = 't'\ndatabase = 7").unwrap();
            let mut values = Values::new(&world, 1, 0, "area/name", Format::Json);
            String::from_utf8(case.steps[0].message.bytes(Format::Json, &mut values).unwrap()).unwrap()
        };
        assert_eq!(sent(r#"import = '{"data":{}}'"#), r#"{"token":"t","db_id":7,"data":{}}"#);
        assert_eq!(sent(r#"import = '{"data":{},"db_id":9}'"#), r#"{"token":"t","data":{},"db_id":9}"#);
        assert_eq!(sent("import = '{\"data\":{}}'\nbare = true"), r#"{"data":{}}"#);
        assert_eq!(sent("literal = { json = '@documented/request-1.json' }"), "{}");
    }

    #[test]
    fn runs_in_the_formats_that_every_step_has() {
        let formats = |step: &str| steps(&format!("[[steps]]\nexpect = 'accepted'\n{step}")).map(|case| case.formats);
        assert_eq!(formats(IMPORT).unwrap(), [Format::Json, Format::Xml]);
        assert_eq!(formats(r#"import = '{"data":{"a":null}}'"#).unwrap(), [Format::Json]);
        assert_eq!(formats("literal = { xml = '<xml/>' }").unwrap(), [Format::Xml]);
    }

    #[test]
    fn finds_roles_and_capabilities_by_itself() {
        let case = steps(
            "[[steps]]\nget = '{\"email\":\"${email:a}\",\"resource_id\":${resource}}'\nexpect = 'accepted'\n\
             data = '{\"${field:int}\":1}'",
        )
        .unwrap();
        assert_eq!(case.needs, BTreeSet::from(["profiles/get".to_owned()]));
        assert_eq!(case.roles, BTreeSet::from([Role::Resource, Role::Field("int".to_owned())]));
    }

    #[test]
    fn a_call_goes_to_its_path_with_its_twin_and_its_results_are_remembered() {
        let case = steps(
            "[[steps]]\ncall = 'profiles/add_batch'\nbody = '{\"data\":[1]}'\nexpect = 'done'\n\
             results = ['new as ann', 'refused', 'not:ann']\ntwin = '{\"data\":[2]}'\n\
             [[steps]]\nget = '{\"profile_id\":\"${id:ann}\"}'\nexpect = 'same:ann'",
        )
        .unwrap();
        let step = &case.steps[0];
        assert_eq!(step.message.path, step.twin.as_ref().unwrap().message.path);
        assert!(case.needs.contains("profiles/add_batch"), "{:?}", case.needs);
        let saves: Vec<_> = step.results.iter().map(|item| item.save.as_deref()).collect();
        assert_eq!(saves, [Some("ann"), None, None]);
    }

    #[test]
    fn observed_words_keep_their_order() {
        let case = steps(&format!(
            "[[steps]]\n{IMPORT}observe = 'x'\nanswers = {{ refused = 'z', accepted = 'a', readable = 'm' }}"
        ));
        let Purpose::Observe { answers, .. } = &case.unwrap().steps[0].purpose else { panic!("not observed") };
        assert_eq!(answers.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>(), ["z", "a", "m"]);
    }

    #[test]
    fn refuses_unknown_keys_naming_them() {
        refuses(steps(&format!("[[steps]]\n{IMPORT}expects = 'new'")), "expects");
        refuses(read_text(&format!("{HEAD}titel = 'x'\n[[steps]]\n{IMPORT}expect = 'new'")), "titel");
        refuses(steps(&format!("[[steps]]\n{IMPORT}expect = 'new'\nanswer = {{ state = 1 }}")), "state");
    }

    #[test]
    fn refuses_a_refusal_without_twin() {
        let refused = format!("[[steps]]\n{IMPORT}expect = 'refused'\n");
        refuses(steps(&refused), "steps[1]: a refusal needs a `twin`");
        assert!(steps(&format!("{refused}twin = '{{\"data\":{{}}}}'")).is_ok());
        assert!(steps(&format!("{refused}observe = 'x'")).is_ok());
        assert!(steps(&format!("[[steps]]\n{IMPORT}expect = ['refused', 'accepted']")).is_ok());
    }

    #[test]
    fn refuses_a_twin_that_differs_in_more_than_one_thing() {
        let twin =
            |body: &str, more: &str| steps(&format!("[[steps]]\n{IMPORT}expect = 'refused'\ntwin = '{body}'\n{more}"));
        let two = r#"{"email":"${email:b}","data":{"a":1}}"#;
        refuses(twin(two, ""), "differs in 2 things: /data/a, /email;");
        assert!(twin(two, "twin_differs = 'both are needed'").is_ok());
        assert!(twin(r#"{"email":"${email:a}","data":{"a":{"b":1,"c":[2]}}}"#, "").is_ok());
        assert!(twin(r#"{"email":"${email:a}","data":{}}"#, "twin_scope = 'own'").is_ok());
        refuses(twin(r#"{"data":{}}"#, "method = 'PUT'"), "differs in 2 things: /email, method;");
        refuses(twin(r#"{"data":{}}"#, "twin_differs = 'x'"), "more than one thing");
        refuses(twin(two, "twin_differs = ' '"), "must give the reason");
    }

    #[test]
    fn refuses_formats_without_reason() {
        let step = format!("[[steps]]\n{IMPORT}expect = 'new'");
        refuses(read_text(&format!("{HEAD}formats = ['json']\n{step}")), "`formats` needs `formats_why`");
        refuses(read_text(&format!("{HEAD}formats_why = 'x'\n{step}")), "`formats_why` needs `formats`");
        let null = "[[steps]]\nimport = '{\"a\":null}'\nexpect = 'new'";
        refuses(read_text(&format!("{HEAD}formats = ['xml']\nformats_why = 'x'\n{null}")), "no format in which");
    }

    #[test]
    fn refuses_names_that_nothing_saved() {
        refuses(steps(&format!("[[steps]]\n{IMPORT}expect = 'same:ann'")), "no earlier step saves `ann`");
        refuses(
            steps("[[steps]]\nimport = '{\"profile_id\":\"${id:bob}\"}'\nexpect = 'new'"),
            "no earlier step saves `bob`",
        );
        refuses(
            steps(&format!("[[steps]]\n{IMPORT}observe = 'x'\nanswers = {{ 'same:ann' = 'y' }}")),
            "no earlier step saves `ann`",
        );
    }

    #[test]
    fn refuses_bodies_that_cannot_be_sent() {
        let body = |body: &str| steps(&format!("[[steps]]\nimport = '{body}'\nexpect = 'new'"));
        refuses(body("[1]"), "no JSON object");
        refuses(body("{\"a\":1"), "cannot be sent as json");
        refuses(body("{\"a\":1,\"a\":2}"), "given twice");
        refuses(body("{\"a\":[[1]]}"), "cannot be sent as xml");
        refuses(body("{\"a\":\"${mail:a}\"}"), "unknown placeholder");
        refuses(body("{\"a\":\"${hex:ff}\"}"), "`literal` only");
    }

    #[test]
    fn refuses_steps_that_contradict_themselves() {
        let step = |more: &str| steps(&format!("[[steps]]\n{IMPORT}{more}"));
        refuses(step(""), "`expect` is missing");
        refuses(step("expect = 'new'\nget = '{}'"), "exactly one of");
        refuses(step("expect = 'all-same'"), "`parallel` only");
        refuses(step("expect = 'new'\nparallel = 0"), "between 1 and 256");
        refuses(step("observe = 'x'\ncheck = true"), "not both");
        refuses(step("expect = 'new'\nanswers = { refused = 'x' }"), "`answers` needs `observe`");
        refuses(step("expect = 'new'\ntwin_save = 'x'"), "need a `twin`");
        refuses(step("expect = 'new'\ntwin_scope = 'own'"), "need a `twin`");
        for (key, value) in [("data", "'{}'"), ("data_counts", "{ phones = 1 }"), ("results", "['new']")] {
            refuses(
                step(&format!("expect = 'new'\n{key} = {value}")),
                &format!("`{key}` makes no sense with `import`"),
            );
        }
        refuses(steps("[[steps]]\ncall = 'profiles/add'\nexpect = 'new'"), "`call` needs `body`");
        refuses(steps("[[steps]]\nbody = '{}'\nexpect = 'new'"), "`body` needs `call`");
        refuses(steps("[[steps]]\ncall = 'profiles/ad'\nbody = '{}'\nexpect = 'new'"), "names `profiles/ad`");
        refuses(steps("[[steps]]\ncall = 'profiles/add'\nbody = '{}'\nexpect = 'done'\nresults = ['no']"), "results:");
        refuses(steps("[[steps]]\nliteral = { json = '@no/such' }\nexpect = 'new'"), "no file `no/such`");
        refuses(read_text(&format!("{HEAD}needs = ['x']\n[[steps]]\n{IMPORT}expect = 'new'")), "unknown capability");
    }
}
