//! Every way to say whom a request means, for people that are told apart by a number.

use serde_json::{Value, json};

pub(crate) fn email(who: usize) -> String {
    format!("Person{who}@example.com")
}

pub(crate) fn phone(who: usize) -> String {
    format!("+7900000000{who}")
}

/// A way to say whom a request means. Where no value of the profile itself is searched, the data must carry `needs`, or
/// nothing would be found the second time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    pub(crate) identifiers: fn(usize) -> Value,
    pub(crate) needs: Option<Contact>,
}

const fn mode(identifiers: fn(usize) -> Value) -> Mode {
    Mode { identifiers, needs: None }
}

const fn mode_that_needs(contact: Contact, identifiers: fn(usize) -> Value) -> Mode {
    Mode { identifiers, needs: Some(contact) }
}

pub(crate) const MODES: &[Mode] = &[
    mode(|who| json!({ "email": email(who) })),
    mode(|who| json!({ "matching": "email", "email": email(who) })),
    mode(|who| json!({ "matching": "email_profile", "email": email(who) })),
    mode(|who| json!({ "matching": "phone", "phone": phone(who) })),
    mode(|who| json!({ "matching": "email_phone", "email": email(who), "phone": phone(who) })),
    mode(|who| json!({ "matching": "custom", "field_name": "custom_field", "field_value": who })),
    mode(|_| json!({ "matching": "profile_id", "profile_id": "54759eb3c090d83494e2d804" })),
    mode_that_needs(Contact::Email, |who| json!({ "matching": "email_sub", "email": email(who) })),
    mode_that_needs(Contact::Phone, |who| json!({ "matching": "phone_sub", "phone": phone(who) })),
    mode_that_needs(
        Contact::Phone,
        |who| json!({ "matching": "email_phone_sub", "email": email(who), "phone": phone(who) }),
    ),
    mode_that_needs(
        Contact::Push,
        |who| json!({ "matching": "push_sub", "provider": "Firefox", "subscription_id": who }),
    ),
    mode_that_needs(
        Contact::Bot,
        |who| json!({ "matching": "custom_sub", "field_name": "max_bot", "field_value": who }),
    ),
];

#[derive(Debug, Clone, Copy)]
pub(crate) enum Contact {
    Email,
    Phone,
    Push,
    Bot,
    /// None that could be stored.
    Broken,
}

impl Contact {
    pub(crate) fn subscription(self, who: usize) -> Value {
        match self {
            Self::Email => json!({ "resource_id": 1, "channel": "email", "email": email(who) }),
            Self::Phone => json!({ "resource_id": 2, "channel": "sms", "phone": phone(who) }),
            Self::Push => {
                json!({ "resource_id": 1, "channel": "push", "provider": "Firefox", "subscription_id": who })
            }
            Self::Bot => json!({ "resource_id": 1, "channel": "max_bot", "cc_data": { "chat_id": who } }),
            Self::Broken => json!({ "resource_id": 1, "channel": "email" }),
        }
    }
}

pub(crate) fn merged(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("{more} is no object") };
    object.as_object_mut().unwrap().extend(more);
    object
}
