//! The reference by call is complete, and its examples are answered as printed.
//!
//! A call has one section, named like its path. Its table of parameters is that of the server:
//! `ROLLCALL_WRITE_REFERENCE=1 cargo test -p rollcall-server --test documents` writes it. Its blocks are pairs, a request
//! and the answer to it; identifiers stand for those that the answers before have shown.

use crate::{
    answers::{has_json, has_xml, identifiers},
    blocks::{Block, blocks},
    common::{answer, call, service},
    stage::repository,
};
use rollcall_codec::{
    format::Format,
    parameter::{Parameter, ParameterKind},
};
use rollcall_matching::mode::MODES;
use rollcall_model::{
    channel::CHANNELS, field_action::FieldAction, response_code::ResponseCode, subscription_status::SubscriptionStatus,
    system_field::SYSTEM_FIELDS,
};
use rollcall_server::{
    routes::{ROUTES, Route},
    service::Service,
};
use std::{collections::BTreeMap, env, fs, path::PathBuf};

/// Where the table of parameters stands in a section.
const BEGIN: &str = "<!-- parameters -->\n";
const END: &str = "<!-- end of parameters -->";

/// What all calls have in common is said once, in the page on calling.
const SAID_ELSEWHERE: &[Parameter] = &[Parameter::Token, Parameter::Format];

#[test]
fn every_call_has_a_section_with_its_parameters() {
    for route in ROUTES {
        let heading = format!("\n## {}\n", name(route));
        let pages = pages();
        let of_call: Vec<_> = pages.iter().filter(|(_, text)| text.contains(&heading)).collect();
        let [(path, text)] = of_call[..] else { panic!("{} pages have a section {heading:?}", of_call.len()) };
        let (before, section) = text.split_once(&heading).unwrap();
        let (intro, rest) = section.split_once(BEGIN).unwrap_or_else(|| panic!("{heading:?} has no {BEGIN:?}"));
        let (written, behind) = rest.split_once(END).unwrap_or_else(|| panic!("{heading:?} has no {END:?}"));
        let table = table(route);
        if env::var_os("ROLLCALL_WRITE_REFERENCE").is_some() {
            fs::write(path, format!("{before}{heading}{intro}{BEGIN}{table}{END}{behind}")).unwrap();
        } else {
            assert_eq!(written, table, "{}: {heading}", path.display());
        }
    }
}

#[test]
fn the_examples_of_every_call_are_answered_as_printed() {
    let mut tried = 0;
    for (path, text) in pages() {
        let mut replay = Replay { service: service(), known: BTreeMap::new() };
        if path.file_stem().unwrap() != "import" {
            let import = fs::read_to_string(repository().join("docs/reference/import.md")).unwrap();
            let first = blocks(&import).into_iter().take(2).collect::<Vec<_>>();
            replay.exchange(&ROUTES[0], &first[0], &first[1], "import.md");
        }
        for section in text.split("\n## ").skip(1) {
            let (name, body) = section.split_once('\n').unwrap();
            if let Some(route) = ROUTES.iter().find(|route| self::name(route) == name) {
                for pair in blocks(body).chunks(2) {
                    let [request, answer] = pair else { panic!("{}: {name}: a request has no answer", path.display()) };
                    replay.exchange(route, request, answer, &path.display().to_string());
                    tried += 1;
                }
            }
        }
    }
    assert!(tried >= ROUTES.len(), "only {tried} examples");
}

#[test]
fn every_row_of_the_tables_stands_in_the_page_on_it() {
    let page = |name: &str| fs::read_to_string(repository().join("docs/reference").join(name)).unwrap();
    let answers = page("answers.md");
    for code in ResponseCode::ALL {
        assert!(answers.contains(&format!("\n| {} | {} |", code.number(), code.text())), "{code:?}");
    }
    let [matching, fields, subscriptions] = ["matching.md", "fields.md", "subscriptions.md"].map(page);
    let modes = MODES.iter().map(|mode| (&matching, mode.name));
    let fields = SYSTEM_FIELDS
        .iter()
        .map(|(name, _)| *name)
        .chain(FieldAction::ALL.iter().map(|one| one.name()))
        .map(|name| (&fields, name));
    let statuses = SubscriptionStatus::ALL.iter().map(|status| status.word());
    let subscriptions = CHANNELS.iter().map(|(name, _)| *name).chain(statuses).map(|name| (&subscriptions, name));
    for (page, name) in modes.chain(fields).chain(subscriptions) {
        let is_in_first_cell =
            |line: &str| line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{name}`")));
        assert!(page.lines().any(is_in_first_cell), "{name}");
    }
}

/// The pages of the reference.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<_> =
        fs::read_dir(repository().join("docs/reference")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// What the section of a call is called: its path, without what all paths of the platform begin with.
fn name(route: &Route) -> &'static str {
    let path = route.path.strip_prefix("/api/").unwrap();
    path.strip_prefix("v1.1/").unwrap_or(path)
}

fn table(route: &Route) -> String {
    let mut table = "\n| parameter | holds | |\n| --- | --- | --- |\n".to_owned();
    for (parameter, is_required) in route.parameters().into_iter().filter(|(one, _)| !SAID_ELSEWHERE.contains(one)) {
        let required = if is_required { "Required. " } else { "" };
        let kind = kind(parameter.kind());
        table += &format!("| `{}` | {kind} | {required}{} |\n", parameter.name(), parameter.text());
    }
    table + "\n"
}

fn kind(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Text => "text",
        ParameterKind::Int => "whole number",
        ParameterKind::Bool => "true or false",
        ParameterKind::Scalar => "text or whole number",
        ParameterKind::Ints => "list of whole numbers",
        ParameterKind::Texts => "list of texts",
        ParameterKind::Object => "object",
    }
}

/// A server for one page.
struct Replay {
    service: Service,
    /// The identifiers that the server has given, by those that are printed for them.
    known: BTreeMap<String, String>,
}

impl Replay {
    fn exchange(&mut self, route: &Route, request: &Block<'_>, printed: &Block<'_>, page: &str) {
        let format =
            Format::named(request.language).unwrap_or_else(|| panic!("{page}: {}: {}", route.path, request.language));
        let body = self.known.iter().fold(request.text.clone(), |body, (printed, given)| body.replace(printed, given));
        let came = String::from_utf8(answer(&self.service, call(route.path, format, body.as_bytes())).body).unwrap();
        let is_so = match format {
            Format::Json => has_json(&came, &printed.text),
            Format::Xml => has_xml(&came, &printed.text),
        };
        assert!(is_so, "{page}: {}: printed {}came {came}", route.path, printed.text);
        self.known.extend(identifiers(&printed.text).map(str::to_owned).zip(identifiers(&came).map(str::to_owned)));
    }
}
