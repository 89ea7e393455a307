//! Table: the documented channels and the kind of address each uses. Page lines 162-203.
//!
//! A channel of the configuration (S9) is one more [`Channel`]; no code asks for a channel by its name.

use std::{fmt, sync::Arc};

/// The kind of address a channel uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressKind {
    /// An e-mail address.
    Email,
    /// A phone number that takes text messages.
    Phone,
    /// A push token together with its provider.
    Push,
    /// The number of a chat with a bot.
    Chat,
    /// A phone number under which a messenger knows its user.
    Messenger,
    /// On a channel of the configuration: this field of the channel's data.
    Custom {
        /// The name of the field.
        id_field: Box<str>,
    },
}

impl AddressKind {
    /// Whether only a configuration brings such addresses.
    pub fn is_custom(&self) -> bool {
        matches!(self, Self::Custom { .. })
    }
}

/// The documented channels.
pub const CHANNELS: &[(&str, AddressKind)] = &[
    ("email", AddressKind::Email),
    ("sms", AddressKind::Phone),
    ("push", AddressKind::Push),
    ("telegram_bot", AddressKind::Chat),
    ("whatsapp", AddressKind::Messenger),
    ("viber", AddressKind::Messenger),
    ("notify", AddressKind::Messenger),
];

/// A channel: its name and the kind of address it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// What it is called.
    pub name: ChannelName,
    /// What its addresses are.
    pub address: AddressKind,
}

/// The name of a channel. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ChannelName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The documented channels as [`Channel`]s.
pub fn documented() -> impl Iterator<Item = Channel> {
    CHANNELS.iter().map(|(name, address)| Channel { name: (*name).into(), address: address.clone() })
}
