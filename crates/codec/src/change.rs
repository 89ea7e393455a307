//! What a request does to a field: a bare value sets it, `null` clears it, and an object with an `action` is a
//! functional update. Rulings D2, D10; dossier 3.7.

use crate::{
    contact::required,
    element::{Element, Object},
    scalar::is_word,
};
use rollcall_model::{
    field::{FieldDefinition, FieldKind},
    field_action::FieldAction,
    field_change::FieldChange,
    phone::Region,
    rejection::Rejection,
};

const ACTION: &str = "action";
const VALUE: &str = "value";
const SUBMATCH: &str = "submatch";

/// How many objects within one another a property's path may lead through. The same object is walked through when it is
/// read, written and shown, so that its depth needs a bound of its own beside the body's.
const DEEPEST_PROPERTY: usize = 16;

impl<'t, 'a> Element<'t, 'a> {
    /// The change to the defined field.
    pub(crate) fn field_change(
        self,
        field: &FieldDefinition,
        region: Option<Region>,
    ) -> Result<FieldChange, Rejection> {
        if self.is_null() {
            return Ok(FieldChange::Unset);
        }
        match self.functional_update(field.kind) {
            Some(update) => functional(update, field, region).map_err(|refusal| self.at(refusal)),
            None => self.field_value(field, region).map(FieldChange::Set),
        }
    }

    /// The object of a functional update. A field of objects may hold an `action` of its own: there, only an object
    /// with nothing else in it and a known action is an update.
    fn functional_update(self, kind: FieldKind) -> Option<Object<'t, 'a>> {
        let object = self.as_object()?;
        let action = object.get(ACTION)?;
        let holds_objects = matches!(kind, FieldKind::Object | FieldKind::Objects);
        let is_plainly_one = || {
            object.members().all(|member| matches!(member.name(), ACTION | VALUE | SUBMATCH))
                && action.text().is_ok_and(|name| FieldAction::named(&name).is_some())
        };
        (!holds_objects || is_plainly_one()).then_some(object)
    }
}

fn functional(
    update: Object<'_, '_>,
    field: &FieldDefinition,
    region: Option<Region>,
) -> Result<FieldChange, Rejection> {
    let name = required(update.given(ACTION), ACTION)?;
    let action = FieldAction::named(&name.text()?).ok_or_else(|| name.refuse("there is no such action"))?;
    if !action.works_on(field.kind) {
        return Err(name.refuse(format!("does not work on a field of type {}", field.kind.name())));
    }
    let value = || required(update.given(VALUE), VALUE);
    let typed = || value()?.field_value(field, region);
    Ok(match action {
        FieldAction::Set => FieldChange::Set(typed()?),
        FieldAction::Unset => FieldChange::Unset,
        FieldAction::Increment => FieldChange::Increment(typed()?),
        FieldAction::Add => FieldChange::Add(typed()?),
        FieldAction::Delete => FieldChange::Delete(typed()?),
        FieldAction::Upsert => {
            let element = required(update.given(SUBMATCH), SUBMATCH)?;
            let property: Box<str> = element.word()?.into();
            if property.split('.').count() > DEEPEST_PROPERTY {
                return Err(element.refuse(format!("leads through more than {DEEPEST_PROPERTY} objects")));
            }
            if property.split('.').any(|name| !is_word(name)) {
                return Err(element.refuse("has a name that is empty"));
            }
            match field.kind {
                FieldKind::Objects => FieldChange::UpsertEach { property, members: value()?.free_object()? },
                _ => FieldChange::Upsert { property, value: value()?.free()? },
            }
        }
    })
}
