//! Table: the places a mode can search; and the keys a profile is found by there.
//!
//! Both sides of a search are defined here, so that they cannot drift apart: what a store indexes ([`keys_of`]) and what
//! a mode looks for ([`KeySource::lookups`]).

use rollcall_model::{
    address::Address,
    database::Database,
    field::FieldValue,
    import::Identifiers,
    profile::Profile,
    profile_patch::ProfilePatch,
    rejection::Rejection,
    resource::ResourceId,
    response_code::ResponseCode,
    subscription::Subscription,
    system_field::{self, EMAIL},
    world::World,
};
use std::borrow::Cow;

macro_rules! key_sources {
    ($($(#[$doc:meta])* $source:ident $name:literal $parameter:literal;)*) => {
        /// A place that a mode can search.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum KeySource { $($(#[$doc])* $source,)* }

        impl KeySource {
            /// All places, in the order of the table.
            pub const ALL: &[KeySource] = &[$(KeySource::$source,)*];

            /// What it is called where a search is explained.
            pub const fn name(self) -> &'static str {
                match self { $(KeySource::$source => $name,)* }
            }

            /// The parameter a search there cannot do without.
            pub const fn parameter(self) -> &'static str {
                match self { $(KeySource::$source => $parameter,)* }
            }
        }
    };
}

key_sources! {
    /// The profile's identifier.
    ProfileId "profile_id" "profile_id";
    /// The profile's e-mail field.
    ProfileEmail "profile_email" "email";
    /// The profile's phone numbers.
    ProfilePhone "profile_phone" "phone";
    /// A custom field of the profile.
    CustomField "custom_field" "field_value";
    /// Addresses of e-mail subscriptions, whatever their status (M16).
    EmailSubscription "email_subscription" "email";
    /// Numbers of SMS subscriptions.
    SmsSubscription "sms_subscription" "phone";
    /// Push tokens, each together with its provider.
    PushSubscription "push_subscription" "subscription_id";
    /// Addresses on a channel of the configuration (M6, first reading).
    CustomChannel "custom_channel" "field_value";
    /// A custom field of subscriptions (M6, second reading).
    SubscriptionField "subscription_field" "field_value";
}

impl KeySource {
    /// Whether a search there must name the field or channel.
    pub fn needs_field_name(self) -> bool {
        matches!(self, Self::CustomField | Self::CustomChannel | Self::SubscriptionField)
    }

    /// Whether every key there stems from a subscription, so that it has a resource.
    pub fn is_of_subscriptions(self) -> bool {
        !matches!(self, Self::ProfileId | Self::ProfileEmail | Self::ProfilePhone | Self::CustomField)
    }

    /// What to look for there, most significant first; empty when the request gives nothing to look for. The value
    /// comes from the identifiers, else from what `data` says of the same thing (M11).
    pub fn lookups<'a>(self, wanted: &Wanted<'a>) -> Vec<Lookup<'a>> {
        match self {
            Self::ProfileId => {
                let id = wanted.identifiers.profile_id.map(|id| id.to_string().into());
                id.map(|id| self.one("", id)).into_iter().collect()
            }
            Self::ProfileEmail => wanted.email().map(|email| self.one("", email)).into_iter().collect(),
            Self::ProfilePhone => wanted.phones().into_iter().map(|phone| self.one("", phone)).collect(),
            Self::EmailSubscription => {
                wanted.email().map(|email| self.one("", email).at(wanted.identifiers.resource)).into_iter().collect()
            }
            Self::SmsSubscription => {
                let resource = wanted.identifiers.resource;
                wanted.phones().into_iter().map(|phone| self.one("", phone).at(resource)).collect()
            }
            Self::PushSubscription => {
                wanted.push_tokens().into_iter().map(|(provider, token)| self.one(provider, token.into())).collect()
            }
            Self::CustomField => {
                wanted.field_value().into_iter().flat_map(|value| self.all_texts(wanted, value)).collect()
            }
            Self::CustomChannel => wanted
                .custom_addresses()
                .into_iter()
                .map(|(channel, address)| self.one(channel, address.into()))
                .collect(),
            Self::SubscriptionField => {
                wanted.subscription_values().iter().flat_map(|value| self.all_texts(wanted, value)).collect()
            }
        }
    }

    fn one<'a>(self, name: &'a str, value: Cow<'a, str>) -> Lookup<'a> {
        Lookup(vec![LookupKey { source: self, name, value, resource: None }])
    }

    /// The named field must have all of the value's texts: one for a scalar, one a tag for tags (M5).
    fn all_texts<'a>(self, wanted: &Wanted<'a>, value: &'a FieldValue) -> Option<Lookup<'a>> {
        let name = wanted.identifiers.field_name.as_ref()?.as_str();
        let key = |value| LookupKey { source: self, name, value, resource: None };
        let keys: Vec<_> = value.search_texts().into_iter().map(key).collect();
        (!keys.is_empty()).then_some(Lookup(keys))
    }
}

/// What a request offers to find its profile by.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The matching values beside `data`.
    pub identifiers: &'a Identifiers,
    /// What `data` says.
    pub patch: &'a ProfilePatch,
}

impl<'a> Wanted<'a> {
    fn email(&self) -> Option<Cow<'a, str>> {
        self.identifiers.email.as_ref().or_else(|| self.patch.email()).map(|email| email.key().into())
    }

    fn phones(&self) -> Vec<Cow<'a, str>> {
        let given = self.identifiers.phone.as_slice();
        let phones = if given.is_empty() { self.patch.phones() } else { given };
        phones.iter().map(|phone| phone.to_string().into()).collect()
    }

    fn push_tokens(&self) -> Vec<(&'a str, &'a str)> {
        match (&self.identifiers.provider, &self.identifiers.subscription_id) {
            (Some(provider), Some(token)) => vec![(provider, token)],
            (None, None) => self.addresses().filter_map(|(_, address)| push_token(address)).collect(),
            _ => Vec::new(),
        }
    }

    fn field_value(&self) -> Option<&'a FieldValue> {
        match &self.identifiers.field_value {
            Some(given) => given.of_database.as_ref(),
            None => self.patch.value(self.identifiers.field_name.as_ref()?.as_str()),
        }
    }

    fn subscription_values(&self) -> &'a [FieldValue] {
        self.identifiers.field_value.as_ref().map_or(&[], |given| &given.of_subscriptions)
    }

    fn custom_addresses(&self) -> Vec<(&'a str, &'a str)> {
        let Some(channel) = self.identifiers.field_name.as_ref().map(|name| name.as_str()) else { return Vec::new() };
        if let Some(given) = &self.identifiers.field_value {
            return vec![(channel, given.text.trim())];
        }
        let on_channel = self.addresses().filter(|(name, _)| *name == channel);
        on_channel.filter_map(|(name, address)| custom_id(address).map(|id| (name, id))).collect()
    }

    fn addresses(&self) -> impl Iterator<Item = (&'a str, &'a Address)> {
        self.patch.subscriptions.iter().map(|subscription| (subscription.channel.as_str(), &subscription.address))
    }
}

fn push_token(address: &Address) -> Option<(&str, &str)> {
    match address {
        Address::Push { provider, subscription_id } => Some((provider, subscription_id)),
        _ => None,
    }
}

fn custom_id(address: &Address) -> Option<&str> {
    match address {
        Address::Custom(id) => Some(id),
        _ => None,
    }
}

/// Keys that a profile must have all of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup<'a>(pub Vec<LookupKey<'a>>);

impl Lookup<'_> {
    fn at(mut self, resource: Option<ResourceId>) -> Self {
        self.0.iter_mut().for_each(|key| key.resource = resource);
        self
    }
}

/// One key of an index: a value at a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LookupKey<'a> {
    /// The place.
    pub source: KeySource,
    /// Which one of several there: the field, the channel, or the push provider; else empty.
    pub name: &'a str,
    /// The value, in the form it is compared by.
    pub value: Cow<'a, str>,
    /// In a profile's key: the resource of the subscription it stems from. In a look-up: only there (M17).
    pub resource: Option<ResourceId>,
}

impl LookupKey<'_> {
    /// Whether a profile that has this key is meant by that look-up.
    pub fn is_found_by(&self, wanted: &LookupKey<'_>) -> bool {
        (self.source, self.name, &self.value) == (wanted.source, wanted.name, &wanted.value)
            && (wanted.resource.is_none() || wanted.resource == self.resource)
    }
}

/// Every key under which the profile is found, except its identifier.
pub fn keys_of(profile: &Profile) -> Vec<LookupKey<'_>> {
    let mut keys = Vec::with_capacity(4 + profile.subscriptions.len());
    keys.extend(key_of_field(profile, EMAIL));
    let mut add = |source, name, value, resource| keys.push(LookupKey { source, name, value, resource });
    for phone in profile.phones() {
        add(KeySource::ProfilePhone, "", phone.to_string().into(), None);
    }
    for (name, value) in profile.fields.iter().filter(|(name, _)| system_field::is_custom(name)) {
        value.search_texts().into_iter().for_each(|text| add(KeySource::CustomField, name.as_str(), text, None));
    }
    for subscription in &profile.subscriptions {
        keys.extend(key_of_address(subscription));
        keys.extend(keys_of_custom_fields(subscription));
    }
    keys
}

/// The key under which the profile is found by a field that can be unique: by its e-mail address, or by a custom field of
/// one value. None where it has none.
pub fn key_of_field<'a>(profile: &'a Profile, field: &'a str) -> Option<LookupKey<'a>> {
    let value = profile.fields.get(field)?.search_texts().into_iter().next()?;
    let (source, name) = if field == EMAIL { (KeySource::ProfileEmail, "") } else { (KeySource::CustomField, field) };
    Some(LookupKey { source, name, value, resource: None })
}

fn key_of_address(subscription: &Subscription) -> Option<LookupKey<'_>> {
    let (source, name, value) = match &subscription.address {
        Address::Email(email) => (KeySource::EmailSubscription, "", email.key().into()),
        Address::Phone(phone) => (KeySource::SmsSubscription, "", phone.to_string().into()),
        Address::Push { provider, subscription_id } => {
            (KeySource::PushSubscription, &**provider, (&**subscription_id).into())
        }
        Address::Custom(id) => (KeySource::CustomChannel, subscription.channel.as_str(), (&**id).into()),
        Address::Chat(_) | Address::Messenger(_) => return None, // no mode searches these
    };
    Some(LookupKey { source, name, value, resource: Some(subscription.resource) })
}

fn keys_of_custom_fields(subscription: &Subscription) -> impl Iterator<Item = LookupKey<'_>> {
    let (source, resource) = (KeySource::SubscriptionField, Some(subscription.resource));
    let custom = subscription.custom_fields.iter().filter(|(name, _)| system_field::is_custom(name));
    custom.flat_map(move |(name, value)| {
        let key = move |value| LookupKey { source, name: name.as_str(), value, resource };
        value.search_texts().into_iter().map(key)
    })
}

/// The sources of a mode that a request searches: of those that need a name, only the first that knows the given one
/// (M6). A name that nobody knows is refused: creating a profile for it would create one each time.
pub(crate) fn searched<'s>(
    sources: &'s [KeySource],
    wanted: &Wanted<'_>,
    database: &Database,
    world: &World,
) -> Result<impl Iterator<Item = KeySource> + use<'s>, Rejection> {
    let mut named = sources.iter().copied().filter(|source| source.needs_field_name()).peekable();
    let refuse = |problem| ResponseCode::IncorrectValue.because(problem).under("field_name");
    let known = match (named.peek(), &wanted.identifiers.field_name) {
        (None, _) => None,
        (Some(_), None) => return Err(ResponseCode::MissingParameter.at("field_name")),
        (Some(_), Some(name)) => {
            let known = named.find(|source| source.knows(name.as_str(), database, world));
            let unknown = || refuse(format!("nothing to search is called {:?}", name.as_str()));
            Some(known.ok_or_else(unknown)?)
        }
    };
    if let (Some(KeySource::CustomField), Some(name)) = (known, &wanted.identifiers.field_name)
        && !database.fields.get(name.as_str()).is_some_and(|field| field.is_indexed)
    {
        return Err(refuse(format!("field {:?} is not indexed, so that nothing is found by it", name.as_str())));
    }
    Ok(sources.iter().copied().filter(move |source| !source.needs_field_name() || Some(*source) == known))
}

impl KeySource {
    fn knows(self, name: &str, database: &Database, world: &World) -> bool {
        match self {
            Self::CustomField => database.fields.get(name).is_some_and(|field| system_field::is_custom(&field.name)),
            Self::CustomChannel => world.channel(name).is_some_and(|channel| channel.address.is_custom()),
            Self::SubscriptionField => world.resources.iter().any(|resource| {
                resource.databases.contains(&database.id)
                    && resource.fields.get(name).is_some_and(|field| system_field::is_custom(&field.name))
            }),
            _ => false,
        }
    }
}
