//! What an import does to one field: the functional updates, at work. Rulings D2, D10.

use crate::{
    distinct::{difference, union},
    field::{FieldName, FieldValue, Fields},
    rejection::Rejection,
    response_code::ResponseCode,
    value::{Object, Value},
};

/// A change to one field. Which actions fit which type is said by
/// [`FieldAction::works_on`](crate::field_action::FieldAction::works_on).
#[derive(Debug, Clone, PartialEq)]
pub enum FieldChange {
    /// Gives it this value.
    Set(FieldValue),
    /// Clears it.
    Unset,
    /// Adds this number; a field without a value counts as zero.
    Increment(FieldValue),
    /// Adds what this list holds and the field does not.
    Add(FieldValue),
    /// Takes out what this list holds.
    Delete(FieldValue),
    /// Writes a property of an object.
    Upsert {
        /// The property; dots lead into objects within the object.
        property: Box<str>,
        /// Its value.
        value: Value,
    },
    /// Writes into every object of a list that has a property; where none has, adds an object.
    UpsertEach {
        /// The property.
        property: Box<str>,
        /// What is written or added.
        members: Object,
    },
}

impl FieldChange {
    /// Does to `fields` what the change says. Refused, at the field, when the result cannot be kept.
    pub fn apply(&self, name: &FieldName, fields: &mut Fields) -> Result<(), Rejection> {
        let before = fields.get(name.as_str());
        let after = match self {
            Self::Set(value) => Ok(Some(value.clone())),
            Self::Unset => Ok(None),
            Self::Increment(by) => increment(before, by).map(Some),
            Self::Add(more) => with(before, more).map(Some),
            Self::Delete(less) => without(before, less),
            Self::Upsert { property, value } => upsert(before, property, value).map(Some),
            Self::UpsertEach { property, members } => upsert_each(before, property, members).map(Some),
        };
        match after.map_err(|problem| ResponseCode::IncorrectValue.because(problem).under(name.as_str()))? {
            Some(value) => fields.set(name.clone(), value),
            None => fields.remove(name.as_str()),
        }
        Ok(())
    }
}

/// Why a change cannot be made.
type Problem = &'static str;

/// The field was defined with another type when it got the value that is stored.
const OTHER_TYPE: Problem = "the stored value is of another type";

fn increment(before: Option<&FieldValue>, by: &FieldValue) -> Result<FieldValue, Problem> {
    match (before, by) {
        (None, by) => Ok(by.clone()),
        (Some(FieldValue::Int(before)), FieldValue::Int(by)) => {
            before.checked_add(*by).map(FieldValue::Int).ok_or("the sum is out of range")
        }
        (Some(FieldValue::Float(before)), FieldValue::Float(by)) => {
            Some(before + by).filter(|sum| sum.is_finite()).map(FieldValue::Float).ok_or("the sum is out of range")
        }
        _ => Err(OTHER_TYPE),
    }
}

fn with(before: Option<&FieldValue>, more: &FieldValue) -> Result<FieldValue, Problem> {
    match (before, more) {
        (None, more) => Ok(more.clone()),
        (Some(FieldValue::Tags(before)), FieldValue::Tags(more)) => Ok(FieldValue::Tags(union(before, more))),
        (Some(FieldValue::Objects(before)), FieldValue::Objects(more)) => Ok(FieldValue::Objects(union(before, more))),
        _ => Err(OTHER_TYPE),
    }
}

fn without(before: Option<&FieldValue>, less: &FieldValue) -> Result<Option<FieldValue>, Problem> {
    match (before, less) {
        (None, _) => Ok(None),
        (Some(FieldValue::Tags(before)), FieldValue::Tags(less)) => {
            Ok(Some(FieldValue::Tags(difference(before, less))))
        }
        (Some(FieldValue::Objects(before)), FieldValue::Objects(less)) => {
            Ok(Some(FieldValue::Objects(difference(before, less))))
        }
        _ => Err(OTHER_TYPE),
    }
}

fn upsert(before: Option<&FieldValue>, property: &str, value: &Value) -> Result<FieldValue, Problem> {
    let mut object = match before {
        None => Object::new(),
        Some(FieldValue::Object(object)) => object.clone(),
        Some(_) => return Err(OTHER_TYPE),
    };
    write(&mut object, property, value)?;
    Ok(FieldValue::Object(object))
}

/// Writes the property, making the objects on the way to it.
fn write(object: &mut Object, property: &str, value: &Value) -> Result<(), Problem> {
    let Some((first, rest)) = property.split_once('.') else {
        object.insert(property.into(), value.clone());
        return Ok(());
    };
    match object.entry(first.into()).or_insert_with(|| Value::Object(Object::new())) {
        Value::Object(inner) => write(inner, rest, value),
        _ => Err("the property is within something that is no object"),
    }
}

fn upsert_each(before: Option<&FieldValue>, property: &str, members: &Object) -> Result<FieldValue, Problem> {
    let mut items = match before {
        None => Vec::new(),
        Some(FieldValue::Objects(items)) => items.clone(),
        Some(_) => return Err(OTHER_TYPE),
    };
    let mut is_anywhere = false;
    for item in &mut items {
        if let Value::Object(object) = item
            && object.contains_key(property)
        {
            object.extend(members.clone());
            is_anywhere = true;
        }
    }
    if !is_anywhere {
        items.push(Value::Object(members.clone()));
    }
    Ok(FieldValue::Objects(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that holds `before` is changed; none stands for no value.
    fn check(before: Option<FieldValue>, change: &FieldChange, expected: Result<Option<FieldValue>, &str>) {
        let mut fields: Fields = before.into_iter().map(|value| ("a".into(), value)).collect();
        let applied = change.apply(&"a".into(), &mut fields).map(|()| fields.get("a").cloned());
        let applied = applied.map_err(|refusal| refusal.to_string());
        assert_eq!(applied, expected.map_err(|problem| format!("Incorrect request: incorrect value: a: {problem}")));
    }

    fn int(number: i64) -> Option<FieldValue> {
        Some(FieldValue::Int(number))
    }

    fn tags(tags: &[&str]) -> FieldValue {
        FieldValue::Tags(tags.iter().map(|tag| (*tag).into()).collect())
    }

    fn object(members: &[(&str, &str)]) -> Object {
        members.iter().map(|(name, text)| ((*name).into(), Value::Text((*text).into()))).collect()
    }

    #[test]
    fn increments_a_number_until_it_would_not_fit() {
        let by = |number| FieldChange::Increment(FieldValue::Int(number));
        check(int(5), &by(-7), Ok(int(-2)));
        check(None, &by(3), Ok(int(3)));
        check(int(i64::MAX), &by(1), Err("the sum is out of range"));
        let by = FieldChange::Increment(FieldValue::Float(f64::MAX));
        check(Some(FieldValue::Float(f64::MAX)), &by, Err("the sum is out of range"));
        check(Some(tags(&[])), &by, Err(OTHER_TYPE));
    }

    #[test]
    fn adds_and_deletes_tags() {
        check(Some(tags(&["a", "b"])), &FieldChange::Add(tags(&["b", "c"])), Ok(Some(tags(&["a", "b", "c"]))));
        check(Some(tags(&["a", "b"])), &FieldChange::Delete(tags(&["b", "c"])), Ok(Some(tags(&["a"]))));
        check(None, &FieldChange::Delete(tags(&["b"])), Ok(None));
    }

    #[test]
    fn upserts_a_property_of_an_object() {
        let upsert = |property: &str| FieldChange::Upsert { property: property.into(), value: Value::Text("y".into()) };
        let stored = FieldValue::Object(object(&[("x", "old"), ("z", "kept")]));
        check(Some(stored), &upsert("x"), Ok(Some(FieldValue::Object(object(&[("x", "y"), ("z", "kept")])))));
        check(None, &upsert("x"), Ok(Some(FieldValue::Object(object(&[("x", "y")])))));
        let nested = Object::from([("a".into(), Value::Object(object(&[("b", "y")])))]);
        check(None, &upsert("a.b"), Ok(Some(FieldValue::Object(nested))));
        let blocked = FieldValue::Object(object(&[("a", "text")]));
        check(Some(blocked), &upsert("a.b"), Err("the property is within something that is no object"));
    }

    #[test]
    fn upserts_the_objects_of_a_list_that_have_the_property() {
        let item = |members: &[(&str, &str)]| Value::Object(object(members));
        let change = FieldChange::UpsertEach { property: "x".into(), members: object(&[("x", "y"), ("z", "1")]) };
        let stored = FieldValue::Objects(vec![item(&[("x", "old"), ("k", "kept")]), item(&[("o", "other")])]);
        let changed = vec![item(&[("x", "y"), ("k", "kept"), ("z", "1")]), item(&[("o", "other")])];
        check(Some(stored), &change, Ok(Some(FieldValue::Objects(changed))));
        let without = FieldValue::Objects(vec![item(&[("o", "other")])]);
        let added = vec![item(&[("o", "other")]), item(&[("x", "y"), ("z", "1")])];
        check(Some(without), &change, Ok(Some(FieldValue::Objects(added))));
        check(None, &change, Ok(Some(FieldValue::Objects(vec![item(&[("x", "y"), ("z", "1")])]))));
    }
}
