//! Table: the matching modes. Page lines 88-118; rulings M1-M9.

use crate::key::KeySource::{
    self, CustomChannel, CustomField, EmailSubscription, ProfileEmail, ProfileId, ProfilePhone, PushSubscription,
    SmsSubscription, SubscriptionField,
};
use rollcall_model::{import::Identifiers, rejection::Rejection, response_code::ResponseCode};

/// A matching mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// What requests call it. Case matters (M1).
    pub name: &'static str,
    /// The places it searches. The first that finds anybody decides (M10).
    pub keys: &'static [KeySource],
    /// What happens when none of them does.
    pub on_absent: OnAbsent,
}

/// What happens when nobody is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAbsent {
    /// A profile is created (M9).
    Create,
    /// The request is refused (M8).
    Refuse,
}

/// The modes. The first one is the default.
pub const MODES: &[Mode] = &[
    creating("email", &[ProfileEmail, EmailSubscription]),
    creating("email_profile", &[ProfileEmail]),
    creating("email_sub", &[EmailSubscription]),
    creating("phone", &[ProfilePhone, SmsSubscription]),
    creating("phone_sub", &[SmsSubscription]),
    Mode { name: "profile_id", keys: &[ProfileId], on_absent: OnAbsent::Refuse },
    creating("push_sub", &[PushSubscription]),
    creating("custom", &[CustomField]),
    creating("custom_sub", &[CustomChannel, SubscriptionField]),
    creating("email_phone", &[ProfileEmail, ProfilePhone]),
    creating("email_phone_sub", &[EmailSubscription, SmsSubscription]),
];

const fn creating(name: &'static str, keys: &'static [KeySource]) -> Mode {
    Mode { name, keys, on_absent: OnAbsent::Create }
}

/// The mode a request asks for: the named one; without a name the default, or, where only a profile's identifier is
/// given, the one that searches by that (M12).
pub fn choose<'a>(modes: &'a [Mode], name: Option<&str>, identifiers: &Identifiers) -> Result<&'a Mode, Rejection> {
    let only_an_id_is_given = identifiers.profile_id.is_some() && identifiers.email.is_none();
    let chosen = match name {
        Some(name) => modes.iter().find(|mode| mode.name == name),
        None if only_an_id_is_given => modes.iter().find(|mode| mode.keys == [ProfileId]),
        None => modes.first(),
    };
    chosen.ok_or_else(|| {
        let known: Vec<_> = modes.iter().map(|mode| mode.name).collect();
        ResponseCode::UnknownMatchingMode.because(format!("known modes: {}", known.join(", "))).under("matching")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_a_name_and_a_search_of_its_own() {
        for (place, mode) in MODES.iter().enumerate() {
            assert!(!mode.keys.is_empty(), "{} searches nothing", mode.name);
            for other in &MODES[place + 1..] {
                assert!(mode.name != other.name && mode.keys != other.keys, "{} and {}", mode.name, other.name);
            }
        }
    }

    #[test]
    fn chooses_by_name_or_by_what_is_given() {
        let with_id =
            Identifiers { profile_id: Some(rollcall_model::profile::ProfileId([0; 12])), ..Identifiers::default() };
        let chosen = |name, identifiers| choose(MODES, name, identifiers).map(|mode| mode.name);
        let without = Identifiers::default();
        assert_eq!(chosen(None, &without), Ok("email"));
        assert_eq!(chosen(None, &with_id), Ok("profile_id"));
        assert_eq!(chosen(Some("phone"), &with_id), Ok("phone"));
        for unknown in ["", "Email", "email ", "phone_profile"] {
            let refusal = chosen(Some(unknown), &with_id).expect_err(unknown);
            assert_eq!(refusal.code, ResponseCode::UnknownMatchingMode);
        }
    }
}
