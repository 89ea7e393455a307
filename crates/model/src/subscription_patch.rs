//! What an import does to a profile's subscriptions. Rulings S1, S2, S3, S10.

use crate::{
    address::Address,
    channel::ChannelName,
    field::FieldName,
    field_change::FieldChange,
    rejection::Rejection,
    resource::{Category, ResourceId},
    response_code::ResponseCode,
    subscription::{Registration, Subscription},
    subscription_status::SubscriptionStatus,
};

/// A subscription to add, or to change where the profile has it already.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionPatch {
    /// Its place in the request, counted from 0, which refusals name.
    pub position: usize,
    /// What is subscribed to.
    pub resource: ResourceId,
    /// By which way.
    pub channel: ChannelName,
    /// Under which address.
    pub address: Address,
    /// Absent: unchanged, or subscribed when new.
    pub status: Option<SubscriptionStatus>,
    /// Absent: unchanged, or by the resource's option when new.
    pub priority: Option<i32>,
    /// Fields to set or clear, key by key.
    pub custom_fields: Vec<(FieldName, FieldChange)>,
    /// Topics to add.
    pub categories: Vec<Category>,
    /// How it came about; what is absent stays as it is.
    pub registration: Registration,
}

impl SubscriptionPatch {
    /// A patch that changes nothing of the subscription it means.
    pub fn new(position: usize, resource: ResourceId, channel: ChannelName, address: Address) -> Self {
        let (status, priority, custom_fields, categories, registration) = Default::default();
        Self { position, resource, channel, address, status, priority, custom_fields, categories, registration }
    }

    /// Whether this is the subscription it means.
    pub fn is_about(&self, known: &Subscription) -> bool {
        known.is(self.resource, &self.channel, &self.address)
    }

    /// Changes the subscription it means, or adds it. `raises_priority` is the resource's option for new ones (S3).
    /// Refused, with nothing changed, when a functional update has a result that cannot be kept.
    pub fn apply(&self, subscriptions: &mut Vec<Subscription>, raises_priority: bool) -> Result<(), Rejection> {
        let known = subscriptions.iter().position(|known| self.is_about(known));
        match known {
            Some(place) => subscriptions[place] = self.changed(subscriptions[place].clone())?,
            None => {
                let fresh = self.on_its_own()?;
                if raises_priority && self.priority.is_none() {
                    move_down(subscriptions, self.resource);
                }
                subscriptions.push(fresh);
            }
        }
        Ok(())
    }

    /// The subscription it adds where there is none.
    pub fn on_its_own(&self) -> Result<Subscription, Rejection> {
        self.changed(self.fresh())
    }

    fn fresh(&self) -> Subscription {
        Subscription::new(self.resource, self.channel.clone(), self.address.clone())
    }

    fn changed(&self, mut subscription: Subscription) -> Result<Subscription, Rejection> {
        if let Some(status) = self.status {
            subscription.status = status;
        }
        if let Some(priority) = self.priority {
            subscription.priority = priority;
        }
        let Registration { date, ip, url } = self.registration.clone();
        let known = &mut subscription.registration;
        *known = Registration { date: date.or(known.date), ip: ip.or(known.ip), url: url.or(known.url.take()) };
        for (name, change) in &self.custom_fields {
            change.apply(name, &mut subscription.custom_fields).map_err(|refusal| self.invalid(refusal))?;
        }
        for category in &self.categories {
            if !subscription.categories.contains(category) {
                subscription.categories.push(category.clone());
            }
        }
        Ok(subscription)
    }

    fn invalid(&self, refusal: Rejection) -> Rejection {
        let refusal = Rejection { code: ResponseCode::InvalidSubscription, ..refusal };
        refusal.under("custom_fields").under_index(self.position).under("subscriptions")
    }
}

/// Makes room at the top: every other subscription to the resource goes down by one (S3).
fn move_down(subscriptions: &mut [Subscription], resource: ResourceId) {
    for subscription in subscriptions.iter_mut().filter(|known| known.resource == resource) {
        subscription.priority = subscription.priority.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldValue;

    fn sms(digits: u64) -> SubscriptionPatch {
        let phone = Address::Phone(crate::phone::Phone::from_digits(digits).unwrap());
        SubscriptionPatch::new(0, ResourceId(1), "sms".into(), phone)
    }

    #[test]
    fn a_second_import_changes_what_it_gives_and_leaves_the_rest() {
        let mut subscriptions = Vec::new();
        let first = SubscriptionPatch {
            status: Some(SubscriptionStatus::Unsubscribed),
            priority: Some(3),
            categories: vec!["news".into()],
            custom_fields: vec![("a".into(), FieldChange::Set(FieldValue::Int(1)))],
            ..sms(79000000000)
        };
        first.apply(&mut subscriptions, false).unwrap();
        let second = SubscriptionPatch {
            categories: vec!["sale".into(), "news".into()],
            custom_fields: vec![("b".into(), FieldChange::Set(FieldValue::Int(2)))],
            ..sms(79000000000)
        };
        second.apply(&mut subscriptions, false).unwrap();
        let [only] = &subscriptions[..] else { panic!("{subscriptions:?}") };
        assert_eq!((only.status, only.priority), (SubscriptionStatus::Unsubscribed, 3));
        assert_eq!(only.categories, ["news".into(), "sale".into()] as [Category; 2]);
        assert_eq!(only.custom_fields.iter().count(), 2);
    }

    #[test]
    fn another_address_is_another_subscription() {
        let mut subscriptions = Vec::new();
        sms(79000000000).apply(&mut subscriptions, false).unwrap();
        sms(79000000001).apply(&mut subscriptions, false).unwrap();
        assert_eq!(subscriptions.len(), 2);
    }

    #[test]
    fn a_new_subscription_goes_first_where_the_resource_says_so() {
        let priorities = |raises: bool, given: Option<i32>| {
            let mut subscriptions = Vec::new();
            sms(79000000000).apply(&mut subscriptions, raises).unwrap();
            SubscriptionPatch { priority: given, ..sms(79000000001) }.apply(&mut subscriptions, raises).unwrap();
            subscriptions.iter().map(|subscription| subscription.priority).collect::<Vec<_>>()
        };
        assert_eq!(priorities(true, None), [1, 0]);
        assert_eq!(priorities(true, Some(5)), [0, 5]);
        assert_eq!(priorities(false, None), [0, 0]);
    }
}
