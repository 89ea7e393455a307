//! What an import changes in a profile. Rulings D1, D2, D8, D12, D14.

use crate::{
    email::Email,
    field::{FieldName, FieldValue},
    field_change::FieldChange,
    phone::Phone,
    profile::Profile,
    rejection::Rejection,
    resource::Resource,
    segment::SegmentId,
    subscription_patch::SubscriptionPatch,
    system_field::{EMAIL, PHONES},
};

/// The changes one import asks for. What it does not name stays as it is (D1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProfilePatch {
    /// Changes to fields, in the order of the request.
    pub fields: Vec<(FieldName, FieldChange)>,
    /// Subscriptions to add or change, in the order of the request.
    pub subscriptions: Vec<SubscriptionPatch>,
    /// Segments to enter.
    pub add_to_segments: Vec<SegmentId>,
    /// Segments to leave.
    pub remove_from_segments: Vec<SegmentId>,
}

impl ProfilePatch {
    /// Makes the changes. `resource` looks up the resources of the configuration. Refused when a functional update
    /// has a result that cannot be kept; the profile is then of no further use. Subscriptions for which that holds are
    /// left out where the request skips invalid ones (S7).
    pub fn apply<'a>(
        &self,
        profile: &mut Profile,
        skip_invalid_subscriptions: bool,
        resource: impl Fn(&SubscriptionPatch) -> Option<&'a Resource>,
    ) -> Result<(), Rejection> {
        for (name, change) in &self.fields {
            change.apply(name, &mut profile.fields)?;
        }
        for patch in &self.subscriptions {
            let raises = resource(patch).is_some_and(|resource| resource.raise_priority);
            match patch.apply(&mut profile.subscriptions, raises) {
                Err(refusal) if !skip_invalid_subscriptions => return Err(refusal),
                Ok(()) | Err(_) => {}
            }
        }
        profile.segments.extend(&self.add_to_segments);
        for segment in &self.remove_from_segments {
            profile.segments.remove(segment);
        }
        Ok(())
    }

    /// What the patch does to the field called `name`, if anything.
    pub fn change(&self, name: &str) -> Option<&FieldChange> {
        self.fields.iter().rev().find(|(changed, _)| changed.as_str() == name).map(|(_, change)| change)
    }

    /// The value the patch gives to the field called `name`.
    pub fn value(&self, name: &str) -> Option<&FieldValue> {
        match self.change(name) {
            Some(FieldChange::Set(value)) => Some(value),
            _ => None,
        }
    }

    /// The e-mail address the patch gives.
    pub fn email(&self) -> Option<&Email> {
        match self.value(EMAIL) {
            Some(FieldValue::Email(email)) => Some(email),
            _ => None,
        }
    }

    /// The phone numbers the patch gives.
    pub fn phones(&self) -> &[Phone] {
        match self.value(PHONES) {
            Some(FieldValue::Phones(phones)) => phones,
            _ => &[],
        }
    }
}
