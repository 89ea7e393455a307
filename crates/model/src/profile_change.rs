//! What has become of a profile: the differences between before and after. Ruling D13.

use crate::{
    event_kind::EventKind,
    field::{FieldName, FieldValue},
    profile::Profile,
    segment::SegmentId,
    subscription::Subscription,
    subscription_status::SubscriptionStatus,
};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub enum ProfileChange<'a> {
    /// The profile is new.
    Created,
    /// The profile was there, and is not as it was. The other changes say in what.
    Updated,
    /// A field of a new profile has this value.
    FieldGiven(&'a FieldName, &'a FieldValue),
    /// A field of a profile that was there has another value, or one where it had none, or none where it had one.
    FieldChanged {
        /// The field.
        name: &'a FieldName,
        /// Its value before, if it had one.
        before: Option<&'a FieldValue>,
        /// Its value after, if it has one.
        after: Option<&'a FieldValue>,
    },
    /// The profile has a subscription that it did not have.
    SubscriptionAdded(&'a Subscription),
    /// Something else than the status of a subscription is not as it was; here it is as it is now.
    SubscriptionChanged(&'a Subscription),
    /// The status of a subscription is another one.
    StatusChanged {
        /// The subscription, as it is now.
        subscription: &'a Subscription,
        /// Its status before.
        before: SubscriptionStatus,
    },
    /// The profile came into a segment.
    SegmentEntered(SegmentId),
    /// The profile went out of a segment.
    SegmentLeft(SegmentId),
}

impl<'a> ProfileChange<'a> {
    /// What it is to triggers; some changes are nothing to them.
    pub fn event_kind(&self) -> Option<EventKind> {
        match self {
            Self::Created => Some(EventKind::ProfileCreated),
            Self::Updated => Some(EventKind::ProfileUpdated),
            Self::FieldChanged { .. } => Some(EventKind::FieldChanged),
            Self::SubscriptionAdded(_) => Some(EventKind::SubscriptionAdded),
            Self::StatusChanged { .. } => Some(EventKind::StatusChanged),
            Self::SegmentEntered(_) => Some(EventKind::SegmentEntered),
            Self::SegmentLeft(_) => Some(EventKind::SegmentLeft),
            Self::FieldGiven(..) | Self::SubscriptionChanged(_) => None,
        }
    }

    /// What it is called where an import is explained.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FieldGiven(..) => "field_given",
            Self::SubscriptionChanged(_) => "subscription_changed",
            _ => self.event_kind().map_or("", EventKind::name),
        }
    }

    /// The field it is about.
    pub fn field(&self) -> Option<&'a FieldName> {
        match self {
            Self::FieldGiven(name, _) | Self::FieldChanged { name, .. } => Some(name),
            _ => None,
        }
    }

    /// The subscription it is about, as it is now.
    pub fn subscription(&self) -> Option<&'a Subscription> {
        match self {
            Self::SubscriptionAdded(subscription)
            | Self::SubscriptionChanged(subscription)
            | Self::StatusChanged { subscription, .. } => Some(subscription),
            _ => None,
        }
    }

    /// The segment it is about.
    pub fn segment(&self) -> Option<SegmentId> {
        match self {
            Self::SegmentEntered(segment) | Self::SegmentLeft(segment) => Some(*segment),
            _ => None,
        }
    }
}

/// What has become of a profile, or that it is new; nothing where it is as it was. The subscriptions that it had are to
/// be its first ones still, in their order: no call takes one away.
pub fn changes<'a>(before: Option<&'a Profile>, after: &'a Profile) -> Vec<ProfileChange<'a>> {
    match before {
        Some(before) if before == after => Vec::new(),
        Some(before) => {
            let mut changes = vec![ProfileChange::Updated];
            changes.extend(in_fields(before, after));
            changes.extend(in_subscriptions(&before.subscriptions, &after.subscriptions));
            let left = before.segments.difference(&after.segments);
            let entered = after.segments.difference(&before.segments);
            changes.extend(entered.copied().map(ProfileChange::SegmentEntered));
            changes.extend(left.copied().map(ProfileChange::SegmentLeft));
            changes
        }
        None => {
            let mut changes = vec![ProfileChange::Created];
            changes.extend(after.fields.iter().map(|(name, value)| ProfileChange::FieldGiven(name, value)));
            changes.extend(after.subscriptions.iter().map(ProfileChange::SubscriptionAdded));
            changes.extend(after.segments.iter().copied().map(ProfileChange::SegmentEntered));
            changes
        }
    }
}

fn in_fields<'a>(before: &'a Profile, after: &'a Profile) -> impl Iterator<Item = ProfileChange<'a>> {
    let given = after.fields.iter().map(|(name, value)| (name, before.fields.get(name.as_str()), Some(value)));
    let is_gone = |(name, _): &(&FieldName, _)| after.fields.get(name.as_str()).is_none();
    let gone = before.fields.iter().filter(is_gone).map(|(name, value)| (name, Some(value), None));
    let all = given.chain(gone).filter(|(_, before, after)| before != after);
    all.map(|(name, before, after)| ProfileChange::FieldChanged { name, before, after })
}

fn in_subscriptions<'a>(
    before: &'a [Subscription],
    after: &'a [Subscription],
) -> impl Iterator<Item = ProfileChange<'a>> {
    let kept = before.iter().zip(after).flat_map(|(before, after)| in_subscription(before, after));
    kept.chain(after.iter().skip(before.len()).map(ProfileChange::SubscriptionAdded))
}

fn in_subscription<'a>(before: &'a Subscription, after: &'a Subscription) -> impl Iterator<Item = ProfileChange<'a>> {
    let status = (before.status != after.status)
        .then_some(ProfileChange::StatusChanged { subscription: after, before: before.status });
    let is_else_the_same = match status {
        None => before == after,
        Some(_) => Subscription { status: after.status, ..before.clone() } == *after,
    };
    let rest = (!is_else_the_same).then_some(ProfileChange::SubscriptionChanged(after));
    status.into_iter().chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{database::DatabaseId, profile::ProfileId, strategies};
    use proptest::{collection, prelude::*};
    use std::ptr;

    const ID: ProfileId = ProfileId([1; 12]);
    const DATABASE: DatabaseId = DatabaseId(1);

    fn profile() -> impl Strategy<Value = Profile> {
        strategies::profile(ID, DATABASE)
    }

    /// A profile, and what a call may make of it: all of it anew but for its subscriptions, of which some are changed and
    /// some added. Few are touched at a time, so that it may be as it was.
    fn before_and_after() -> impl Strategy<Value = (Profile, Profile)> {
        let parts = (profile(), profile(), collection::vec(any::<[bool; 3]>(), 8), any::<[bool; 3]>());
        parts.prop_map(|(before, other, touched, [fields, segments, adds])| {
            let mut after = before.clone();
            if fields {
                after.fields = other.fields.iter().chain(before.fields.iter().skip(1)).map(owned).collect();
            }
            if segments {
                after.segments = other.segments;
            }
            let pairs = after.subscriptions.iter_mut().zip(&other.subscriptions).zip(touched);
            for ((known, other), [status, priority, custom_fields]) in pairs {
                known.status = if status { other.status } else { known.status };
                known.priority = if priority { other.priority } else { known.priority };
                known.custom_fields =
                    if custom_fields { other.custom_fields.clone() } else { known.custom_fields.clone() };
            }
            after.subscriptions.extend(other.subscriptions.into_iter().filter(|_| adds));
            (before, after)
        })
    }

    fn owned((name, value): (&FieldName, &FieldValue)) -> (FieldName, FieldValue) {
        (name.clone(), value.clone())
    }

    /// What was there before with the changes made to it, each of which must be one indeed.
    fn redone(before: Option<&Profile>, after: &Profile) -> Profile {
        let mut profile = before.cloned().unwrap_or_else(|| Profile::new(ID, DATABASE));
        let place = |known: &Subscription| after.subscriptions.iter().position(|other| ptr::eq(known, other)).unwrap();
        for change in changes(before, after) {
            match change {
                ProfileChange::Created => assert!(before.is_none()),
                ProfileChange::Updated => assert!(before.is_some_and(|before| before != after)),
                ProfileChange::FieldGiven(name, value) => {
                    assert!(before.is_none());
                    profile.fields.set(name.clone(), value.clone());
                }
                ProfileChange::FieldChanged { name, before: was, after: is } => {
                    assert!(was != is && profile.fields.get(name.as_str()) == was);
                    match is {
                        Some(value) => profile.fields.set(name.clone(), value.clone()),
                        None => profile.fields.remove(name.as_str()),
                    }
                }
                ProfileChange::SubscriptionAdded(subscription) => {
                    assert_eq!(place(subscription), profile.subscriptions.len());
                    profile.subscriptions.push(subscription.clone());
                }
                ProfileChange::SubscriptionChanged(subscription) => {
                    let known = &mut profile.subscriptions[place(subscription)];
                    let changed = Subscription { status: known.status, ..subscription.clone() };
                    assert_ne!(*known, changed);
                    *known = changed;
                }
                ProfileChange::StatusChanged { subscription, before } => {
                    let known = &mut profile.subscriptions[place(subscription)];
                    assert!(known.status == before && before != subscription.status);
                    known.status = subscription.status;
                }
                ProfileChange::SegmentEntered(segment) => assert!(profile.segments.insert(segment)),
                ProfileChange::SegmentLeft(segment) => assert!(profile.segments.remove(&segment)),
            }
        }
        profile
    }

    proptest! {
        #[test]
        fn each_change_is_true_and_together_they_are_all_there_is((before, after) in before_and_after()) {
            prop_assert_eq!(redone(Some(&before), &after), after);
        }

        #[test]
        fn nothing_has_changed_exactly_where_it_is_as_it_was((before, after) in before_and_after()) {
            prop_assert_eq!(changes(Some(&before), &after).is_empty(), before == after);
        }

        #[test]
        fn all_of_a_new_profile_is_new(profile in profile()) {
            let changes = changes(None, &profile);
            prop_assert_eq!(changes.first(), Some(&ProfileChange::Created));
            prop_assert_eq!(redone(None, &profile), profile);
        }
    }
}
