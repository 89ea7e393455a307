//! What a generated case sends, as plain values: imports over small pools, so that they meet each other.
//!
//! How values come about is in `strategy`, what they lead to in `oracle`, how they are spelled in `spell`.

use crate::world;

/// A place in a pool: which of a few e-mails, phones, words ... is meant.
pub type Pick = u8;

/// One import, and what is wrong with it, if anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Which call it goes to.
    pub call: Call,
    /// Where it goes.
    pub database: Database,
    /// How it is matched.
    pub mode: Mode,
    /// The matching values at the top level; those that the mode does not search by must not matter.
    pub key: Key,
    /// The fields it gives.
    pub data: Data,
    /// Optional parameters which change nothing that a later import could see.
    pub flags: Flags,
    /// How it is written down.
    pub spelling: Spelling,
    /// The one thing that is wrong.
    pub defect: Option<Defect>,
}

/// The calls that a sequence is made of. Beside the import, only those that find somebody for certain are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `profiles/import`.
    Import,
    /// `profiles/update`.
    Update,
    /// `profiles/delete`.
    Delete,
}

impl Call {
    /// Its path, and the requirement it serves, where that is another than the mode's.
    pub fn row(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Import => (world::IMPORT, None),
            Self::Update => ("profiles/update", Some("UPDATE-CHANGES")),
            Self::Delete => ("profiles/delete", Some("DELETE-NAMES")),
        }
    }
}

/// The two databases of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// `${db}`.
    Main,
    /// `${other_db}`.
    Other,
}

/// The matching modes; what each searches is a table of `oracle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `matching` left out.
    Default,
    /// `email`.
    Email,
    /// `email_profile`.
    EmailProfile,
    /// `email_sub`.
    EmailSub,
    /// `phone`.
    Phone,
    /// `phone_sub`.
    PhoneSub,
    /// `profile_id`.
    ProfileId,
    /// `push_sub`.
    PushSub,
    /// `custom`.
    Custom,
    /// `custom_sub`.
    CustomSub,
    /// `email_phone`.
    EmailPhone,
    /// `email_phone_sub`.
    EmailPhoneSub,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Default,
        Self::Email,
        Self::EmailProfile,
        Self::EmailSub,
        Self::Phone,
        Self::PhoneSub,
        Self::ProfileId,
        Self::PushSub,
        Self::Custom,
        Self::CustomSub,
        Self::EmailPhone,
        Self::EmailPhoneSub,
    ];

    /// How it is spelled and which requirement it serves.
    pub fn row(self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Default => (None, "MATCH-DEFAULT-EMAIL"),
            Self::Email => (Some("email"), "MATCH-EMAIL-BOTH"),
            Self::EmailProfile => (Some("email_profile"), "MATCH-EMAIL-PROFILE"),
            Self::EmailSub => (Some("email_sub"), "MATCH-EMAIL-SUB"),
            Self::Phone => (Some("phone"), "MATCH-PHONE-BOTH"),
            Self::PhoneSub => (Some("phone_sub"), "MATCH-PHONE-SUB"),
            Self::ProfileId => (Some("profile_id"), "MATCH-PROFILE-ID"),
            Self::PushSub => (Some("push_sub"), "MATCH-PUSH-SUB"),
            Self::Custom => (Some("custom"), "MATCH-CUSTOM"),
            Self::CustomSub => (Some("custom_sub"), "MATCH-CUSTOM-SUB"),
            Self::EmailPhone => (Some("email_phone"), "MATCH-EMAIL-PHONE"),
            Self::EmailPhoneSub => (Some("email_phone_sub"), "MATCH-EMAIL-PHONE-SUB"),
        }
    }
}

/// The matching values that stand at the top level.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Key {
    /// `email`.
    pub email: Option<Pick>,
    /// `phone`.
    pub phone: Option<Pick>,
    /// `field_name` and `field_value`.
    pub custom: Option<Custom>,
    /// `provider` and `subscription_id`.
    pub push: Option<Push>,
    /// `profile_id`: the id of which step, counted from 0.
    pub profile: Option<usize>,
}

/// A value of a custom field that can be searched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custom {
    /// Of `${field:string}`.
    Word(Pick),
    /// Of `${field:int}`.
    Number(Pick),
}

/// The address of a push subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push {
    /// Which provider.
    pub provider: Pick,
    /// Which `subscription_id`.
    pub token: Pick,
}

/// The fields of `data`; nothing where a field is left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Data {
    /// `email`.
    pub email: Option<Pick>,
    /// `phones`, each once.
    pub phones: Option<Vec<Pick>>,
    /// `${field:string}`.
    pub word: Option<Pick>,
    /// `${field:int}`.
    pub number: Option<Pick>,
    /// `_fname`: a text that no one searches by.
    pub name: Option<Pick>,
    /// `subscriptions`; left out when empty.
    pub subscriptions: Vec<Subscription>,
    /// A subscription that is certainly bad, at the end of the list.
    pub bad: Option<Bad>,
}

/// One subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// `resource_id`.
    pub resource: Resource,
    /// Channel and address.
    pub address: Address,
    /// `status`.
    pub status: Option<Status>,
    /// `priority`.
    pub priority: Option<Pick>,
    /// `cats`: how many of the first categories.
    pub categories: Option<Pick>,
    /// `custom_fields`.
    pub field: Option<Pick>,
}

/// The resources that are open to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `${resource}`: every channel, both databases.
    Main,
    /// `${other_resource}`: e-mail and SMS, the main database.
    Other,
}

/// The address of a subscription; its kind is the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// Channel `email`.
    Email(Pick),
    /// Channel `sms`.
    Sms(Pick),
    /// Channel `push`.
    Push(Push),
    /// Channel `telegram_bot`.
    Telegram(Pick),
    /// Channel `whatsapp`, `viber` or `notify`.
    Messenger(Messenger, Pick),
}

/// The channels whose address is a phone in `cc_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Messenger {
    /// `whatsapp`.
    Whatsapp,
    /// `viber`.
    Viber,
    /// `notify`.
    Notify,
}

/// Status words: the one that every mode searches, and two that may be left out of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `subscribed`.
    Subscribed,
    /// `unsubscribed`.
    Unsubscribed,
    /// `suspended`.
    Suspended,
}

/// Ways in which a subscription is certainly bad (S5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// A resource that does not exist.
    Resource,
    /// A channel that does not exist.
    Channel,
    /// No address.
    Address,
}

impl Bad {
    /// The requirement that makes it bad.
    pub fn requirement(self) -> &'static str {
        match self {
            Self::Resource => "SUB-RESOURCE-UNKNOWN",
            Self::Channel => "SUB-CHANNEL-UNKNOWN",
            Self::Address => "SUB-ADDRESS-MISSING",
        }
    }
}

/// Optional parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flags {
    /// `skip_invalid_subscriptions`.
    pub skip_invalid: Option<bool>,
    /// `skip_triggers`.
    pub skip_triggers: Option<bool>,
    /// `detect_geo`, with an address in `_ip`.
    pub detect_geo: Option<bool>,
    /// `add_to_segments` with the first segment.
    pub segment: bool,
}

/// How an import is written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Spelling {
    /// Which of the orders of keys.
    pub order: u32,
    /// How lists are marked in XML.
    pub arrays: Arrays,
}

/// How lists are marked in XML, as `xml_arrays` of a case file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrays {
    /// On lists of one.
    Single,
    /// On lists of one, in double quotes.
    Double,
    /// Nowhere.
    None,
    /// On every item.
    All,
    /// On the first item.
    First,
}

/// The one thing that is wrong with a request, so that it must be refused and leave no trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// `token` is left out.
    NoToken,
    /// `token` is another one.
    WrongToken,
    /// `db_id` is left out.
    NoDatabase,
    /// `db_id` names no database.
    WrongDatabase,
    /// `data` is left out.
    NoData,
    /// `data` is a list.
    ListForData,
    /// `data` is a text.
    TextForData,
    /// The body ends too early, after so many hundredths of it.
    Cut(u8),
    /// Something stands behind the end.
    Trailing,
    /// A text holds a byte that is not UTF-8.
    NotUtf8,
    /// `profile_id` is that of nobody.
    UnknownProfile,
}

impl Import {
    /// True if a bad subscription fails the whole import (S6).
    pub fn fails_by_subscription(&self) -> bool {
        self.data.bad.is_some() && self.flags.skip_invalid != Some(true)
    }
}

impl Defect {
    /// The requirement that demands the refusal.
    pub fn requirement(self) -> &'static str {
        match self {
            Self::NoToken => "PARAM-TOKEN-REQUIRED",
            Self::WrongToken => "PARAM-TOKEN-KNOWN",
            Self::NoDatabase => "PARAM-DB-ID-REQUIRED",
            Self::WrongDatabase => "PARAM-DB-ID-KNOWN",
            Self::NoData => "PARAM-DATA-REQUIRED",
            Self::ListForData | Self::TextForData => "PARAM-DATA-OBJECT",
            Self::Cut(_) | Self::Trailing | Self::NotUtf8 => "TRANSPORT-MALFORMED",
            Self::UnknownProfile => "MATCH-PROFILE-ID-UPDATES-ONLY",
        }
    }
}
