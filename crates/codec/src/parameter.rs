//! Table: the parameters of calls, by the name that a body spells. Readers take names from here and from nowhere else,
//! and so does what is said about calls. Page lines 85-203; dossier 3.1, 4.1 and 6.
//!
//! A name means one thing in all calls that know it, as far as a sentence can say; which of them a call takes is said by
//! the server's table of routes.

macro_rules! parameters {
    ($($(#[doc = $text:literal])+ $parameter:ident $name:literal $kind:ident;)*) => {
        /// Something that a body can say.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Parameter { $($(#[doc = $text])+ $parameter,)* }

        impl Parameter {
            /// All rows, in the order of the table.
            pub const ALL: &[Parameter] = &[$(Parameter::$parameter,)*];

            /// What a body calls it.
            pub const fn name(self) -> &'static str {
                match self { $(Parameter::$parameter => $name,)* }
            }

            /// What it holds.
            pub const fn kind(self) -> ParameterKind {
                match self { $(Parameter::$parameter => ParameterKind::$kind,)* }
            }

            /// What it is for, in a sentence or two.
            pub const fn text(self) -> &'static str {
                match self { $(Parameter::$parameter => concat!($($text),+).trim_ascii(),)* }
            }

            /// The parameter that a body calls `name`.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$parameter),)*
                    _ => None,
                }
            }
        }
    };
}

/// What a parameter holds. In XML every scalar is a text, and is read as what is wanted (X6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// A text or a whole number.
    Scalar,
    /// A list of whole numbers.
    Ints,
    /// A list of texts.
    Texts,
    /// An object.
    Object,
}

parameters! {
    /// The API token. It may stand in the header `Authorization: Bearer` instead.
    Token "token" Text;
    /// The number of the profile database.
    DatabaseId "db_id" Int;
    /// How the answer is written: `json` or `xml`. Without it, as the request is.
    Format "format" Text;

    /// How to find the profile: the name of a matching mode. Without it `email`, or `profile_id` where only that is given.
    Matching "matching" Text;
    /// An e-mail address: of the profile to find, or of the subscription.
    Email "email" Text;
    /// A phone number: of the profile to find, or of the subscription.
    Phone "phone" Text;
    /// The identifier of the profile.
    ProfileId "profile_id" Text;
    /// Who delivers to the push token.
    Provider "provider" Text;
    /// The push token.
    SubscriptionId "subscription_id" Text;
    /// The name of the custom field, or of the custom channel, to find the profile by.
    FieldName "field_name" Text;
    /// The value to look for in `field_name`.
    FieldValue "field_value" Scalar;
    /// The number of a resource: the subscription's; where a profile is looked for, only subscriptions to it are searched.
    ResourceId "resource_id" Int;

    /// Whether no trigger is to hear of the change.
    SkipTriggers "skip_triggers" Bool;
    /// Whether subscriptions that cannot be stored are left out, instead of failing the request.
    SkipInvalidSubscriptions "skip_invalid_subscriptions" Bool;
    /// Whether places are filled in from the IP addresses in `data`.
    DetectGeo "detect_geo" Bool;
    /// Whether the answer is to say how it came about.
    Explain "explain" Bool;
    /// Whether nothing is to be stored, and the answer is to say what would come of it.
    DryRun "dry_run" Bool;
    /// Numbers of static segments that the profile is put into.
    AddToSegments "add_to_segments" Ints;
    /// Numbers of static segments that the profile is taken out of.
    RemoveFromSegments "remove_from_segments" Ints;
    /// The profile's fields and its `subscriptions`; in a batch, a list of such objects.
    Data "data" Object;

    /// The channel of the subscription, or of the fields that are asked for.
    Channel "channel" Text;
    /// The address of the subscription on channels that have no parameter of their own for it.
    ChannelData "cc_data" Object;
    /// The e-mail address in the spelling of stored subscriptions: an object with `email`.
    EmailData "email_data" Object;
    /// The phone number in the spelling of stored subscriptions: an object with `phone`.
    PhoneData "phone_data" Object;
    /// The status of the subscription, as a word or a number; -1 leaves it as it is.
    Status "status" Scalar;
    /// The priority of the subscription: 0 is the highest, -1 leaves it as it is.
    Priority "priority" Int;
    /// Fields of the subscription, by name.
    CustomFields "custom_fields" Object;
    /// Names of the resource's categories to subscribe to.
    Categories "cats" Texts;
    /// When the subscription was made: a day, or a moment in RFC 3339.
    Date "date" Text;
    /// From which IP address the subscription was made.
    Ip "ip" Text;
    /// On which page the subscription was made.
    Url "url" Text;

    /// The number of a static segment.
    SegmentId "segment_id" Int;
    /// The number of a resource.
    Id "id" Int;
    /// Numbers of events in the outbox.
    Events "events" Ints;
    /// Where to go on: what the answer before gave as `from_id`.
    FromId "from_id" Scalar;
    /// How much to show at most.
    Limit "limit" Int;
}

/// What says who asks for what, in any call.
pub const CALLER: &[Parameter] = &[Parameter::Token, Parameter::Format];

/// What a profile is found by.
pub const SEARCH: &[Parameter] = &[
    Parameter::Matching,
    Parameter::Email,
    Parameter::Phone,
    Parameter::ProfileId,
    Parameter::Provider,
    Parameter::SubscriptionId,
    Parameter::FieldName,
    Parameter::FieldValue,
    Parameter::ResourceId,
];

/// What says how many profiles are found, each by what it says itself.
pub const SHARED_SEARCH: &[Parameter] = &[Parameter::Matching, Parameter::FieldName, Parameter::ResourceId];

/// How a change is gone about.
pub const OPTIONS: &[Parameter] = &[Parameter::SkipTriggers, Parameter::SkipInvalidSubscriptions, Parameter::DetectGeo];

/// What a change is asked about itself.
pub const TRIAL: &[Parameter] = &[Parameter::Explain, Parameter::DryRun];

/// The segments that a change is about.
pub const SEGMENTS: &[Parameter] = &[Parameter::AddToSegments, Parameter::RemoveFromSegments];

/// What tells a subscription from the profile's others.
pub const ADDRESS: &[Parameter] = &[
    Parameter::ResourceId,
    Parameter::Channel,
    Parameter::Email,
    Parameter::EmailData,
    Parameter::Phone,
    Parameter::PhoneData,
    Parameter::Provider,
    Parameter::SubscriptionId,
    Parameter::ChannelData,
];

/// What else there is to a subscription.
pub const SUBSCRIPTION: &[Parameter] = &[
    Parameter::Status,
    Parameter::Priority,
    Parameter::CustomFields,
    Parameter::Categories,
    Parameter::Date,
    Parameter::Ip,
    Parameter::Url,
];

/// Pages of a list.
pub const PAGE: &[Parameter] = &[Parameter::FromId, Parameter::Limit];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_row_and_each_row_says_what_it_is_for() {
        for &parameter in Parameter::ALL {
            assert_eq!(Parameter::named(parameter.name()), Some(parameter));
            assert!(parameter.text().ends_with('.') && !parameter.text().starts_with(' '), "{parameter:?}");
        }
        assert_eq!(Parameter::named("Token"), None);
    }
}
