//! The short name of a subscription: 8 hexadecimal digits. Dossier 4.4: `hash_id`.

use crate::{address::Address, profile::ProfileId, subscription::Subscription};
use sha2::{Digest, Sha256};
use std::fmt;

/// What a subscription of a profile is called for short. It follows from the profile and from what makes the subscription
/// the one it is (S1), so that it is not kept and never changes. Written as 8 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashId(u32);

impl HashId {
    /// That of a subscription of this profile: the first 32 bits of the SHA-256 of profile, resource, channel and address.
    pub fn of(profile: ProfileId, subscription: &Subscription) -> Self {
        let mut hash = Sha256::new();
        hash.update(profile.0);
        hash.update(subscription.resource.0.to_be_bytes());
        add(&mut hash, subscription.channel.as_str());
        match &subscription.address {
            Address::Email(email) => add(&mut hash, email.key()),
            Address::Phone(phone) | Address::Messenger(phone) => add(&mut hash, &phone.to_string()),
            Address::Push { provider, subscription_id } => {
                add(&mut hash, provider);
                add(&mut hash, subscription_id);
            }
            Address::Chat(number) => add(&mut hash, &number.to_string()),
            Address::Custom(id) => add(&mut hash, id),
        }
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// With its length before it, so that two texts in a row cannot be taken for two others.
fn add(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

impl fmt::Display for HashId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{email::Email, resource::ResourceId, subscription_status::SubscriptionStatus};

    fn email(text: &str) -> Subscription {
        Subscription::new(ResourceId(1), "email".into(), Address::Email(Email::parse(text).unwrap()))
    }

    #[test]
    fn is_the_same_in_every_release() {
        let id = HashId::of(ProfileId([7; 12]), &email("ann@example.com"));
        assert_eq!(id.to_string(), "78e50b43");
    }

    #[test]
    fn follows_from_what_makes_a_subscription_the_one_it_is() {
        let of = |subscription: &Subscription| HashId::of(ProfileId([7; 12]), subscription);
        let ann = email("ann@example.com");
        let later = Subscription { status: SubscriptionStatus::Unsubscribed, priority: 5, ..email("ANN@example.com") };
        assert_eq!(of(&ann), of(&later));
        let push = |provider: &str, token: &str| Subscription {
            address: Address::Push { provider: provider.into(), subscription_id: token.into() },
            channel: "push".into(),
            ..ann.clone()
        };
        let others = [
            HashId::of(ProfileId([8; 12]), &ann),
            of(&email("ben@example.com")),
            of(&Subscription { resource: ResourceId(2), ..ann.clone() }),
            of(&Subscription { channel: "other".into(), ..ann.clone() }),
            of(&push("a", "bc")),
            of(&push("ab", "c")),
        ];
        for (place, other) in others.iter().enumerate() {
            assert!(*other != of(&ann) && !others[..place].contains(other), "{place}");
        }
    }
}
