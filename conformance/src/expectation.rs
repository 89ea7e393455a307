//! The words a case uses for what it wants: of an answer's meaning ([`Expectation`]) and of its form ([`Demands`]).

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use crate::Format;
use crate::answer::Answer;
use crate::placeholder::Values;
use crate::value::Value;

/// What the answers to a step mean. Most steps have one answer; a parallel one has many.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// `error` 0 and a profile id.
    Accepted,
    /// Accepted, with an id this case has not seen.
    New,
    /// Accepted, with the id saved under this name.
    Same(String),
    /// Accepted, with another id than the one saved under this name.
    Not(String),
    /// Accepted, with an id saved under one of these names.
    OneOf(Vec<String>),
    /// A number other than 0 and a text; with this number, if one is given.
    Refused(Option<i64>),
    /// Every answer accepted, all with one id.
    AllSame,
    /// `error` 0; for calls that answer no profile id.
    Done,
    /// A well-formed answer with `error`, whatever it says.
    Readable,
}

impl Expectation {
    /// Reads the word of a case file.
    ///
    /// # Errors
    /// Lists the words there are.
    pub fn parse(word: &str) -> Result<Self, String> {
        let name = |argument: &str| (!argument.is_empty()).then(|| argument.to_owned());
        let found = match word.split_once(':') {
            None => match word {
                "accepted" => Some(Self::Accepted),
                "new" => Some(Self::New),
                "refused" => Some(Self::Refused(None)),
                "all-same" => Some(Self::AllSame),
                "done" => Some(Self::Done),
                "readable" => Some(Self::Readable),
                _ => None,
            },
            Some(("same", argument)) => name(argument).map(Self::Same),
            Some(("not", argument)) => name(argument).map(Self::Not),
            Some(("one-of", argument)) => {
                argument.split(',').map(|part| name(part.trim())).collect::<Option<_>>().map(Self::OneOf)
            }
            Some(("refused", number)) => number.parse().ok().map(|number| Self::Refused(Some(number))),
            Some(_) => None,
        };
        found.ok_or_else(|| {
            format!(
                "unknown expectation `{word}`; there are accepted, new, same:NAME, not:NAME, one-of:A,B, refused, \
                 refused:NUMBER, all-same, done, \
                 readable"
            )
        })
    }

    /// The word of a case file, without its arguments.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::New => "new",
            Self::Same(_) => "same",
            Self::Not(_) => "not",
            Self::OneOf(_) => "one-of",
            Self::Refused(_) => "refused",
            Self::AllSame => "all-same",
            Self::Done => "done",
            Self::Readable => "readable",
        }
    }

    /// The names of saved ids this needs.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Same(name) | Self::Not(name) => vec![name],
            Self::OneOf(names) => names.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// True for the expectations that an answer without error fulfils.
    pub fn wants_acceptance(&self) -> bool {
        !matches!(self, Self::Refused(_) | Self::Readable)
    }

    /// True if the answers mean this. `seen` are the ids answered to this case before the step.
    pub fn holds(&self, answers: &[Answer], values: &Values<'_>, seen: &BTreeSet<String>) -> bool {
        if *self == Self::AllSame {
            let first = answers.first().and_then(Answer::accepted_id);
            return first.is_some() && answers.iter().all(|answer| answer.accepted_id() == first);
        }
        !answers.is_empty() && answers.iter().all(|answer| self.holds_for(answer, values, seen))
    }

    fn holds_for(&self, answer: &Answer, values: &Values<'_>, seen: &BTreeSet<String>) -> bool {
        let id = answer.accepted_id();
        let is_saved_as = |name: &str| id.is_some() && values.saved(name) == id;
        match self {
            Self::Accepted | Self::AllSame => id.is_some(),
            Self::New => id.is_some_and(|id| !seen.contains(id)),
            Self::Same(name) => is_saved_as(name),
            Self::Not(name) => id.is_some() && values.saved(name).is_some_and(|saved| id != Some(saved)),
            Self::OneOf(names) => names.iter().any(|name| is_saved_as(name)),
            Self::Refused(number) => is_refusal(answer, *number),
            Self::Done => answer.envelope.as_ref().is_ok_and(|envelope| envelope.error == 0),
            Self::Readable => answer.envelope.is_ok(),
        }
    }
}

fn is_refusal(answer: &Answer, number: Option<i64>) -> bool {
    answer.envelope.as_ref().is_ok_and(|envelope| {
        let has_text = matches!(envelope.error_text, Some(Value::Text(_)));
        envelope.error != 0 && has_text && number.is_none_or(|number| number == envelope.error)
    })
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted (`error` 0 and a non-empty string `profile_id`)"),
            Self::New => f.write_str("accepted with an id not answered to this case before"),
            Self::Same(name) => write!(f, "accepted with the id of `{name}`"),
            Self::Not(name) => write!(f, "accepted with another id than that of `{name}`"),
            Self::OneOf(names) => write!(f, "accepted with the id of one of `{}`", names.join("`, `")),
            Self::Refused(None) => f.write_str("refused (`error` a number other than 0, `error_text` a string)"),
            Self::Refused(Some(number)) => write!(f, "refused with error {number}"),
            Self::AllSame => f.write_str("every answer accepted, all with one id"),
            Self::Done => f.write_str("done (`error` 0)"),
            Self::Readable => f.write_str("a well-formed answer with a number `error`"),
        }
    }
}

/// What a step demands of the answer's form (its `answer` table).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demands {
    /// The body is of this format and is not declared as the other one.
    pub format: Option<Format>,
    /// The HTTP status is one of these.
    pub status: Option<Vec<u16>>,
    /// The HTTP status is 200 or equal to `error`.
    #[serde(default)]
    pub mirror: bool,
    /// Whether `error_text` is there, or says something.
    pub error_text: Option<TextDemand>,
    /// Whether `profile_id` is there.
    pub profile_id: Option<IdDemand>,
}

/// What is demanded of `error_text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextDemand {
    /// It is a string, perhaps empty.
    Present,
    /// It is a string that is not empty.
    Nonempty,
}

/// What is demanded of `profile_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdDemand {
    /// It is not there.
    Absent,
    /// It is a string that is not empty.
    Nonempty,
}

impl Demands {
    /// The first demand that the answer does not meet, as (expected, actual); nothing if it meets all.
    pub fn unmet(&self, answer: &Answer) -> Option<(String, String)> {
        let envelope = match &answer.envelope {
            Ok(envelope) => envelope,
            Err(_) if *self == Self::default() => return None,
            Err(_) => return Some(("a readable answer".to_owned(), answer.describe())),
        };
        let text = envelope.error_text.as_ref();
        let id = envelope.profile_id.as_ref();
        let declares = |format: Format| answer.content_type.as_ref().is_some_and(|kind| kind.contains(format.word()));
        let other = |format| if format == Format::Json { Format::Xml } else { Format::Json };
        let is_filled = |value: Option<&Value>| value.and_then(Value::as_text).is_some_and(|text| !text.is_empty());

        if let Some(format) = self.format
            && (envelope.format != format || declares(other(format)))
        {
            let declared = answer.content_type.as_deref().unwrap_or("nothing");
            return Some((format!("an answer in {format}"), format!("{}, declared as {declared}", envelope.format)));
        }
        if let Some(statuses) = self.status.as_ref().filter(|statuses| !statuses.contains(&answer.status)) {
            return Some((format!("HTTP status {}", any_of(statuses)), format!("HTTP status {}", answer.status)));
        }
        if self.mirror && answer.status != 200 && i64::from(answer.status) != envelope.error {
            return Some((format!("HTTP status 200 or {}", envelope.error), format!("HTTP status {}", answer.status)));
        }
        if self.error_text.is_some() && text.and_then(Value::as_text).is_none() {
            return Some(("a string `error_text`".to_owned(), shown(text)));
        }
        if self.error_text == Some(TextDemand::Nonempty) && !is_filled(text) {
            return Some(("an `error_text` that says something".to_owned(), shown(text)));
        }
        match self.profile_id {
            Some(IdDemand::Absent) if id.is_some() => Some(("no `profile_id`".to_owned(), shown(id))),
            Some(IdDemand::Nonempty) if !is_filled(id) => {
                Some(("a non-empty string `profile_id`".to_owned(), shown(id)))
            }
            _ => None,
        }
    }
}

fn any_of(statuses: &[u16]) -> String {
    statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn answer(body: &str) -> Answer {
        Answer::read(200, Some("application/json"), body.as_bytes())
    }

    fn accepted(id: &str) -> Answer {
        answer(&format!(r#"{{"error":0,"error_text":"","profile_id":"{id}"}}"#))
    }

    fn holds(word: &str, answers: &[Answer]) -> bool {
        let world = World::read("[suite]\ntoken = 't'\ndatabase = 1").unwrap();
        let mut values = Values::new(&world, 1, 0, "a/b", Format::Json);
        values.save("ann", "1");
        values.save("bob", "2");
        let seen = BTreeSet::from(["1".to_owned(), "2".to_owned()]);
        Expectation::parse(word).unwrap().holds(answers, &values, &seen)
    }

    #[track_caller]
    fn check(word: &str, yes: &[Answer], no: &[Answer]) {
        for answer in yes {
            assert!(holds(word, std::slice::from_ref(answer)), "`{word}` should hold for {answer:?}");
        }
        for answer in no {
            assert!(!holds(word, std::slice::from_ref(answer)), "`{word}` should not hold for {answer:?}");
        }
    }

    #[test]
    fn each_word_holds_where_it_should_and_nowhere_else() {
        let refused = answer(r#"{"error":404,"error_text":"no"}"#);
        let mute = answer(r#"{"error":404}"#);
        let broken = answer("oops");
        let (ann, bob, third) = (accepted("1"), accepted("2"), accepted("3"));
        check("accepted", &[ann.clone(), third.clone()], &[refused.clone(), broken.clone(), accepted("")]);
        check("new", std::slice::from_ref(&third), &[ann.clone(), refused.clone(), broken.clone()]);
        check("same:ann", std::slice::from_ref(&ann), &[bob.clone(), third.clone(), refused.clone(), broken.clone()]);
        check("same:nobody", &[], &[ann.clone(), refused.clone()]);
        check("not:ann", &[bob.clone(), third.clone()], &[ann.clone(), refused.clone(), broken.clone()]);
        check("not:nobody", &[], std::slice::from_ref(&ann));
        check("one-of:ann, bob", &[ann.clone(), bob.clone()], &[third.clone(), refused.clone()]);
        check("refused", std::slice::from_ref(&refused), &[ann.clone(), mute.clone(), broken.clone()]);
        check("refused:404", std::slice::from_ref(&refused), &[mute.clone(), ann.clone()]);
        check("refused:400", &[], std::slice::from_ref(&refused));
        let done = answer(r#"{"error":0}"#);
        check("done", &[done, ann.clone()], &[refused.clone(), broken.clone()]);
        check("readable", &[refused, mute, ann], &[broken]);
    }

    #[test]
    fn all_same_wants_one_id_in_all_answers() {
        assert!(holds("all-same", &[accepted("9"), accepted("9")]));
        assert!(!holds("all-same", &[accepted("9"), accepted("8")]));
        assert!(!holds("all-same", &[accepted("9"), answer("oops")]));
        assert!(!holds("all-same", &[]));
    }

    #[test]
    fn unknown_words_are_refused_with_the_list_of_words() {
        for word in ["accept", "same:", "refused:x", "one-of:a,,b", "other:x"] {
            assert!(Expectation::parse(word).unwrap_err().contains("there are accepted"), "{word}");
        }
    }

    #[track_caller]
    fn unmet(demands: &str, answer: &Answer, expected: Option<&str>) {
        let demands: Demands = toml::from_str(demands).unwrap();
        let unmet = demands.unmet(answer).map(|(expected, _)| expected);
        assert_eq!(unmet.as_deref(), expected, "{demands:?} of {answer:?}");
    }

    #[test]
    fn demands_of_form_are_checked_one_by_one() {
        let mute = answer(r#"{"error":400,"error_text":"","profile_id":"1"}"#);
        unmet("format = 'json'", &mute, None);
        unmet("format = 'xml'", &mute, Some("an answer in xml"));
        unmet("status = [400, 404]", &mute, Some("HTTP status 400 or 404"));
        unmet("status = [200]", &mute, None);
        unmet("mirror = true", &mute, None);
        unmet("mirror = true", &Answer { status: 500, ..mute.clone() }, Some("HTTP status 200 or 400"));
        unmet("mirror = true", &Answer { status: 400, ..mute.clone() }, None);
        unmet("error_text = 'present'", &mute, None);
        unmet("error_text = 'nonempty'", &mute, Some("an `error_text` that says something"));
        unmet("error_text = 'present'", &answer(r#"{"error":1,"error_text":5}"#), Some("a string `error_text`"));
        unmet("profile_id = 'absent'", &mute, Some("no `profile_id`"));
        unmet("profile_id = 'nonempty'", &mute, None);
        unmet("profile_id = 'nonempty'", &answer(r#"{"error":1}"#), Some("a non-empty string `profile_id`"));
        unmet("status = [200]", &answer("oops"), Some("a readable answer"));
    }

    #[test]
    fn an_answer_that_lies_about_its_format_is_not_in_it() {
        let lying = Answer::read(200, Some("application/xml"), br#"{"error":0}"#);
        unmet("format = 'json'", &lying, Some("an answer in json"));
    }
}
