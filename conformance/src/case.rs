//! A case: its steps, what they send, what they expect of the answers.
//!
//! How a case file is read and checked is in `read`, what the answers mean in `judge`.

pub mod read;

use std::collections::{BTreeMap, BTreeSet};

use crate::Format;
use crate::expectation::{Demands, Expectation};
use crate::placeholder::{Escape, Missing, Scope, Template, Values};
use crate::render::{self, Arrays};
use crate::requirement::Level;
use crate::value::Value;
use crate::world::Role;

/// One case file.
#[derive(Debug, Clone)]
pub struct Case {
    /// `<area>/<name>`, from the path of the file; never changes.
    pub id: String,
    /// The file, relative to the suite.
    pub file: String,
    /// What is tried, in one line.
    pub title: String,
    /// Ids of the requirements; the first one is blamed when the case fails.
    pub requirements: Vec<String>,
    /// The level the file asks for, if it lowers that of its first requirement.
    pub lowered: Option<Level>,
    /// The formats it runs in.
    pub formats: Vec<Format>,
    /// Capabilities it needs.
    pub needs: BTreeSet<String>,
    /// Roles of the world that it uses.
    pub roles: BTreeSet<Role>,
    /// What is sent, in order.
    pub steps: Vec<Step>,
    /// Why the case is kept although no fault of `conformance/faulty` needs it; only for cases that need the reason.
    pub documents: Option<String>,
}

impl Case {
    /// The folder of the case: the group under which reports count it.
    pub fn area(&self) -> &str {
        area(&self.id)
    }
}

/// The area in the id of a case.
pub(crate) fn area(id: &str) -> &str {
    id.split('/').next().unwrap_or_default()
}

/// One request and what is expected of the answer.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is sent.
    pub message: Message,
    /// What the step is for.
    pub purpose: Purpose,
    /// Any of these is lawful.
    pub expect: Vec<Expectation>,
    /// Demands on the answer's form.
    pub demands: Demands,
    /// What the answer's `data` must contain.
    pub data: Option<Template>,
    /// How many items lists of the answer's `data` must have, by name.
    pub counts: BTreeMap<String, usize>,
    /// What must have become of each item of a batch, in order.
    pub results: Vec<ItemResult>,
    /// The name under which the answered id is remembered.
    pub save: Option<String>,
    /// How many times the request is sent at once; 1 for most.
    pub parallel: usize,
    /// The near-identical request that must be accepted.
    pub twin: Option<Twin>,
}

/// What must have become of one item of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemResult {
    /// What its result means.
    pub expect: Expectation,
    /// The name under which its id is remembered.
    pub save: Option<String>,
}

/// What a step is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// It prepares what a later step checks.
    SetUp,
    /// It is judged.
    Check,
    /// It records the first word whose expectation holds, under a name, and never fails.
    Observe {
        /// Name in the fingerprint.
        name: String,
        /// Expectation and the word for it, in order.
        answers: Vec<(Expectation, String)>,
    },
}

/// The request that differs in one thing from a refused one.
#[derive(Debug, Clone)]
pub struct Twin {
    /// What is sent.
    pub message: Message,
    /// Whose values it is filled with.
    pub scope: Scope,
    /// Why it differs in more than one thing; only where one does not do.
    pub differs: Option<String>,
    /// Any of these is lawful.
    pub expect: Vec<Expectation>,
    /// The name under which the answered id is remembered.
    pub save: Option<String>,
}

/// A request before its placeholders are filled.
#[derive(Debug, Clone)]
pub struct Message {
    /// The body.
    pub body: Body,
    /// HTTP method.
    pub method: String,
    /// Path below `/api/v1.1/`.
    pub path: Template,
    /// Query without its question mark.
    pub query: Option<Template>,
    /// `Content-Type`; empty for none; the format's own if nothing is said.
    pub content_type: Option<Template>,
    /// `Accept`; none if nothing is said.
    pub accept: Option<Template>,
    /// `Authorization`; none if nothing is said.
    pub authorization: Option<Template>,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub enum Body {
    /// A JSON object, rendered as XML where the format asks for it.
    Tree {
        /// Its JSON text.
        template: Template,
        /// True if `token` and `db_id` are not put in front.
        bare: bool,
        /// How lists are marked in XML.
        arrays: Arrays,
    },
    /// Bytes per format.
    Literal {
        /// Sent when the case runs in JSON.
        json: Option<LiteralBytes>,
        /// Sent when the case runs in XML.
        xml: Option<LiteralBytes>,
    },
}

/// Bytes to send as they are.
#[derive(Debug, Clone)]
pub enum LiteralBytes {
    /// A text with placeholders.
    Template(Template),
    /// A file of `fixtures/`, byte for byte.
    File(Vec<u8>),
}

/// Why a body cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unbuildable {
    /// A role or a saved id is missing.
    Missing(Missing),
    /// The suite itself is at fault.
    Fault(String),
}

impl Message {
    /// The bytes to send in `format`.
    ///
    /// # Errors
    /// When a role or saved id is missing, or the suite would write something that is not well-formed.
    pub fn bytes(&self, format: Format, values: &mut Values<'_>) -> Result<Vec<u8>, Unbuildable> {
        match &self.body {
            Body::Tree { template, bare, arrays } => {
                let tree = tree(template, *bare, values)?;
                match format {
                    Format::Json => Ok(tree.to_json().into_bytes()),
                    Format::Xml => render::to_xml(&tree, *arrays).map(String::into_bytes).map_err(Unbuildable::Fault),
                }
            }
            Body::Literal { json, xml } => match if format == Format::Json { json } else { xml } {
                Some(LiteralBytes::File(bytes)) => Ok(bytes.clone()),
                Some(LiteralBytes::Template(text)) => {
                    text.fill(values, Escape::from(format)).map_err(Unbuildable::Missing)
                }
                None => Err(Unbuildable::Fault(format!("no literal bytes for {format}"))),
            },
        }
    }

    /// Everything in it that may hold placeholders.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        let mut all = vec![&self.path];
        match &self.body {
            Body::Tree { template, .. } => all.push(template),
            Body::Literal { json, xml } => {
                for bytes in [json, xml].into_iter().flatten() {
                    if let LiteralBytes::Template(template) = bytes {
                        all.push(template);
                    }
                }
            }
        }
        let optional = [&self.query, &self.content_type, &self.accept, &self.authorization];
        all.extend(optional.into_iter().flatten());
        all
    }

    fn formats(&self) -> BTreeSet<Format> {
        match &self.body {
            Body::Tree { .. } => Format::ALL.into(),
            Body::Literal { json, xml } => {
                let given = [(json, Format::Json), (xml, Format::Xml)];
                given.into_iter().filter(|(bytes, _)| bytes.is_some()).map(|(_, format)| format).collect()
            }
        }
    }

    fn sends_a_file(&self) -> bool {
        let is_file = |bytes: &Option<LiteralBytes>| matches!(bytes, Some(LiteralBytes::File(_)));
        matches!(&self.body, Body::Literal { json, xml } if is_file(json) || is_file(xml))
    }
}

/// The request tree, with `token` and `db_id` of the world in front unless they are given or unwanted.
fn tree(template: &Template, bare: bool, values: &mut Values<'_>) -> Result<Value, Unbuildable> {
    let text = template.fill_text(values, Escape::Json).map_err(Unbuildable::Missing)?;
    let Value::Object(mut members) = Value::parse(&text).map_err(Unbuildable::Fault)? else {
        return Err(Unbuildable::Fault("the body is no JSON object".to_owned()));
    };
    let roles = if bare { [].as_slice() } else { &[("db_id", Role::Database), ("token", Role::Token)] };
    for (key, role) in roles {
        if !members.iter().any(|(name, _)| name == key) {
            let value = values.role(role).map_err(Unbuildable::Missing)?;
            members.insert(0, ((*key).to_owned(), value));
        }
    }
    Ok(Value::Object(members))
}

/// The filled `data` of a step.
///
/// # Errors
/// When a role or saved id is missing, or the text is no JSON.
pub fn data_of(data: &Template, values: &mut Values<'_>) -> Result<Value, Unbuildable> {
    let text = data.fill_text(values, Escape::Json).map_err(Unbuildable::Missing)?;
    Value::parse(&text).map_err(Unbuildable::Fault)
}
