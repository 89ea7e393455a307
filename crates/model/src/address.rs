//! One contact on a channel, in the form it is compared by. Rulings S1, M7, M14, M15.

use crate::{email::Email, phone::Phone};

/// An address on some channel. Which variant a channel uses is said by its
/// [`AddressKind`](crate::channel::AddressKind).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An e-mail address.
    Email(Email),
    /// A phone number that takes text messages.
    Phone(Phone),
    /// A push token; the same token of two providers is two addresses.
    Push {
        /// Who delivers, such as `android-firebase`.
        provider: Box<str>,
        /// The token.
        subscription_id: Box<str>,
    },
    /// The number of a chat with a bot.
    Chat(i64),
    /// A phone number under which a messenger knows its user.
    Messenger(Phone),
    /// The value of a custom channel's id field.
    Custom(Box<str>),
}

impl Address {
    /// Whether both reach the same place. E-mail addresses are compared by their key, all others as they are.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Email(a), Self::Email(b)) => a.key() == b.key(),
            (a, b) => a == b,
        }
    }
}
