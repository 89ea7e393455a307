//! Compares an answer's data with what a case wants of it, by meaning: order of keys, other keys, other list items,
//! the spelling of numbers and dates make no difference. And tells where two requests differ, to the letter.

use std::collections::{BTreeMap, BTreeSet};

use crate::Format;
use crate::value::Value;

/// Where `actual` does not hold what `expected` asks for, as `path: expected ..., found ...`; nothing if it does.
pub fn difference(expected: &Value, actual: &Value, format: Format) -> Option<String> {
    Comparison { format }.differs("data", expected, Some(actual))
}

/// Where a list of `actual` has another number of items than `expected` says; nothing if all are right. `data` is
/// `actual` itself.
pub fn count_difference(expected: &BTreeMap<String, usize>, actual: &Value, format: Format) -> Option<String> {
    let comparison = Comparison { format };
    expected.iter().find_map(|(name, &expected)| {
        let (path, list) = match name.as_str() {
            "data" => ("data".to_owned(), Some(actual)),
            name => (format!("data.{name}"), actual.get(name)),
        };
        match comparison.items(&path, list) {
            Ok(items) if items.len() == expected => None,
            Ok(items) => {
                let found = Value::List(items.to_vec());
                Some(format!("{path}: expected {expected} in the list, found {}: {found}", items.len()))
            }
            Err(difference) => Some(difference),
        }
    })
}

/// The places, as JSON pointers, where one request has something that the other has not, or has otherwise. What is
/// missing or of another kind as a whole is one place.
pub fn differing_places(one: &Value, other: &Value) -> Vec<String> {
    let mut places = Vec::new();
    collect_differing_places(String::new(), Some(one), Some(other), &mut places);
    places
}

fn collect_differing_places(path: String, one: Option<&Value>, other: Option<&Value>, places: &mut Vec<String>) {
    match (one, other) {
        (Some(Value::Object(members)), Some(Value::Object(others))) => {
            let names: BTreeSet<&str> = members.iter().chain(others).map(|(name, _)| name.as_str()).collect();
            for name in names {
                let [one, other] = [one, other].map(|object| object.and_then(|object| object.get(name)));
                collect_differing_places(format!("{path}/{name}"), one, other, places);
            }
        }
        (Some(Value::List(items)), Some(Value::List(others))) => {
            for at in 0..items.len().max(others.len()) {
                collect_differing_places(format!("{path}/{at}"), items.get(at), others.get(at), places);
            }
        }
        _ if one == other => {}
        _ => places.push(path),
    }
}

/// A spelling that is the same for scalars that mean the same.
pub fn canonical(scalar: &Value) -> String {
    match scalar {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.as_i64().is_none() && number.as_u64().is_none() => float.to_string(),
            _ => number.to_string(),
        },
        Value::Text(text) => moment(text).map_or_else(|| scalar.to_json(), |moment| format!("moment {moment}")),
        other => other.to_json(),
    }
}

/// Stands for any text that is not empty, and for any number.
const ANYTHING: &str = "*";

struct Comparison {
    format: Format,
}

impl Comparison {
    fn differs(&self, path: &str, expected: &Value, actual: Option<&Value>) -> Option<String> {
        match (expected, actual) {
            (Value::Null, None | Some(Value::Null)) => None,
            (Value::List(items), actual) => self.list_differs(path, items, actual),
            (_, None) => Some(format!("{path}: expected {expected}, found nothing")),
            (Value::Object(members), Some(actual @ Value::Object(_))) => members
                .iter()
                .find_map(|(key, expected)| self.differs(&format!("{path}.{key}"), expected, actual.get(key))),
            (_, Some(actual)) if self.is_same_scalar(expected, actual) => None,
            (_, Some(actual)) => Some(format!("{path}: expected {expected}, found {actual}")),
        }
    }

    /// Every expected item must be found somewhere in the answered list.
    fn list_differs(&self, path: &str, expected: &[Value], actual: Option<&Value>) -> Option<String> {
        if expected.is_empty() && actual.is_none() {
            return None;
        }
        let items = match self.items(path, actual) {
            Ok(items) => items,
            Err(difference) => return Some(difference),
        };
        let is_found = |wanted: &&Value| items.iter().any(|item| self.differs(path, wanted, Some(item)).is_none());
        let missing = expected.iter().find(|wanted| !is_found(wanted))?;
        let found = Value::List(items.to_vec());
        Some(format!("{path}: expected an item {missing}, found {found}"))
    }

    /// The items of an answered list, or how it is none.
    fn items<'a>(&self, path: &str, actual: Option<&'a Value>) -> Result<&'a [Value], String> {
        match (actual, self.format) {
            (Some(Value::List(items)), _) => Ok(items),
            (None, Format::Xml) => Ok(&[]),
            (Some(Value::Text(text)), Format::Xml) if text.is_empty() => Ok(&[]),
            (Some(single), Format::Xml) => Ok(std::slice::from_ref(single)), // one element looks like no list
            (None, Format::Json) => Err(format!("{path}: expected a list, found nothing")),
            (Some(other), Format::Json) => Err(format!("{path}: expected a list, found {other}")),
        }
    }

    fn is_same_scalar(&self, expected: &Value, actual: &Value) -> bool {
        match (expected, actual) {
            (Value::Number(a), Value::Number(b)) => is_same_number(&a.to_string(), &b.to_string()),
            (Value::Text(a), Value::Text(b)) if a == ANYTHING => !b.is_empty(),
            (Value::Text(a), Value::Number(_)) if a == ANYTHING => true,
            (Value::Text(a), Value::Text(b)) => a == b || is_same_moment(a, b),
            (Value::Number(a), Value::Text(b)) if self.format == Format::Xml => {
                is_same_number(&a.to_string(), b.trim())
            }
            (Value::Bool(a), Value::Text(b)) if self.format == Format::Xml => b.trim() == a.to_string(),
            (a, b) => a == b,
        }
    }
}

fn is_same_number(a: &str, b: &str) -> bool {
    match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b),
    }
}

fn is_same_moment(a: &str, b: &str) -> bool {
    matches!((moment(a), moment(b)), (Some(a), Some(b)) if a == b)
}

/// Nanoseconds since 1970 of `YYYY-MM-DD`, or of a date and time with an offset; seconds may be left out.
fn moment(text: &str) -> Option<i128> {
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = fields::<3>(date, '-')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || date.len() != 10 {
        return None;
    }
    let midnight = i128::from(days_since_1970(year, month, day)) * 86_400_000_000_000;
    match time {
        None => Some(midnight),
        Some(time) => Some(midnight + nanoseconds(time)?),
    }
}

/// Nanoseconds since midnight in UTC of `hh:mm[:ss[.fraction]]` and `Z` or `+hh:mm`.
fn nanoseconds(text: &str) -> Option<i128> {
    let at = text.find(['Z', 'z', '+', '-'])?;
    let (time, offset) = text.split_at(at);
    let offset_minutes = match offset {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = fields::<2>(&offset[1..], ':')?;
            (hours * 60 + minutes) * if offset.starts_with('-') { -1 } else { 1 }
        }
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hours, minutes, seconds] = match fields::<3>(clock, ':') {
        Some(fields) => fields,
        None => fields::<2>(clock, ':').map(|[hours, minutes]| [hours, minutes, 0])?,
    };
    let fraction: i128 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds = i128::from((hours * 60 + minutes - offset_minutes) * 60 + seconds);
    Some(seconds * 1_000_000_000 + fraction)
}

fn fields<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(separator).collect();
    let numbers: Option<Vec<i64>> =
        parts.into_iter().map(|part| is_number(part).then(|| part.parse().ok()).flatten()).collect();
    numbers?.try_into().ok()
}

/// Days of the Gregorian calendar since 1970-01-01, counted in years that begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: Format, expected: &str, actual: &str, difference_holds: Option<&str>) {
        let found = difference(&Value::parse(expected).unwrap(), &Value::parse(actual).unwrap(), format);
        match (&found, difference_holds) {
            (None, None) => {}
            (Some(found), Some(piece)) if found.contains(piece) => {}
            _ => panic!("{expected} in {actual}: {found:?}"),
        }
    }

    #[test]
    fn other_keys_and_their_order_make_no_difference() {
        check(Format::Json, r#"{"a":1,"b":"x"}"#, r#"{"b":"x","c":0,"a":1.0}"#, None);
        check(Format::Json, r#"{"a":{"b":1}}"#, r#"{"a":{"b":2}}"#, Some("data.a.b: expected 1, found 2"));
        check(Format::Json, r#"{"a":1}"#, "{}", Some("data.a: expected 1, found nothing"));
    }

    #[test]
    fn a_star_is_any_text_or_number() {
        for actual in [r#"{"a":"x"}"#, r#"{"a":0}"#] {
            check(Format::Json, r#"{"a":"*"}"#, actual, None);
        }
        for actual in [r#"{"a":""}"#, r#"{"a":null}"#, r#"{"a":{}}"#, "{}"] {
            check(Format::Json, r#"{"a":"*"}"#, actual, Some("data.a: expected"));
        }
    }

    #[test]
    fn every_listed_item_must_be_found() {
        check(Format::Json, r#"{"s":[{"k":2},{"k":1}]}"#, r#"{"s":[{"k":1,"x":0},{"k":2},{"k":3}]}"#, None);
        check(Format::Json, r#"{"s":[{"k":4}]}"#, r#"{"s":[{"k":1}]}"#, Some(r#"an item {"k":4}"#));
        check(Format::Json, r#"{"s":["a"]}"#, r#"{"s":"a"}"#, Some("expected a list"));
        check(Format::Json, r#"{"s":["a"]}"#, "{}", Some("expected a list, found nothing"));
        check(Format::Json, r#"{"s":[]}"#, "{}", None);
    }

    #[test]
    fn lists_are_counted() {
        let count = |format, actual: &str, expected| {
            let expected = BTreeMap::from([("s".to_owned(), expected)]);
            count_difference(&expected, &Value::parse(actual).unwrap(), format)
        };
        assert_eq!(count(Format::Json, r#"{"s":[{"k":1},{"k":1}]}"#, 2), None);
        let one = count(Format::Json, r#"{"s":[1,1]}"#, 1);
        assert_eq!(one.as_deref(), Some("data.s: expected 1 in the list, found 2: [1,1]"));
        assert!(count(Format::Json, "{}", 0).is_some_and(|difference| difference.contains("found nothing")));
        assert_eq!(count(Format::Xml, r#"{"s":"x"}"#, 1), None);
        assert_eq!(count(Format::Xml, "{}", 0), None);
    }

    #[test]
    fn a_place_is_told_once_however_much_it_holds() {
        let places =
            |one: &str, other: &str| differing_places(&Value::parse(one).unwrap(), &Value::parse(other).unwrap());
        assert_eq!(places(r#"{"a":1,"b":[2]}"#, r#"{"b":[2],"a":1}"#), Vec::<String>::new());
        assert_eq!(places(r#"{"a":{"b":1}}"#, r#"{"a":{"b":2,"c":{"d":3,"e":4}}}"#), ["/a/b", "/a/c"]);
        assert_eq!(places(r#"{"a":[1,2]}"#, r#"{"a":[1]}"#), ["/a/1"]);
        assert_eq!(places(r#"{"a":[{"b":1}]}"#, r#"{"a":{"b":1}}"#), ["/a"]);
    }

    #[test]
    fn text_is_a_number_in_xml_only() {
        check(Format::Xml, r#"{"a":1,"b":true,"s":["x"]}"#, r#"{"a":"1","b":"true","s":"x"}"#, None);
        check(Format::Json, r#"{"a":1}"#, r#"{"a":"1"}"#, Some("data.a"));
        check(Format::Json, r#"{"a":"1"}"#, r#"{"a":1}"#, Some("data.a"));
        check(Format::Xml, r#"{"a":1}"#, r#"{"a":"2"}"#, Some("data.a"));
    }

    #[test]
    fn a_canonical_spelling_is_one_of_meaning() {
        let canonical = |json: &str| canonical(&Value::parse(json).unwrap());
        assert_eq!(canonical("1"), canonical("1.0"));
        assert_eq!(canonical("\"1990-02-22\""), canonical("\"1990-02-22T03:00+03:00\""));
        assert_ne!(canonical("1"), canonical("\"1\""));
    }

    #[test]
    fn null_is_also_a_key_that_is_not_there() {
        check(Format::Json, r#"{"a":null}"#, "{}", None);
        check(Format::Json, r#"{"a":null}"#, r#"{"a":0}"#, Some("expected null, found 0"));
    }

    #[test]
    fn dates_compare_as_moments() {
        for (a, b, same) in [
            ("1990-02-22T21:00:00Z", "1990-02-23T00:00:00+03:00", true),
            ("1990-02-22T21:00:00Z", "1990-02-22T21:00:00.000Z", true),
            ("1990-02-22", "1990-02-22T00:00Z", true),
            ("2000-03-01T00:00:00Z", "2000-02-29T24:00:00Z", true),
            ("1990-02-22", "1990-02-23", false),
            ("1990-02-22T21:00:00Z", "1990-02-22T21:00:00.5Z", false),
            ("12-3", "12-03", false),
        ] {
            assert_eq!(is_same_moment(a, b), same, "{a} and {b}");
        }
        assert_eq!(moment("1970-01-02"), Some(86_400_000_000_000));
        assert_eq!(moment("2024-12-31T23:59:59Z"), Some(1_735_689_599_000_000_000));
    }
}
