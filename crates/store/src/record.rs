//! A profile, or an event, as bytes on disk: a version, a checksum, and the fields in postcard's form.
//!
//! The types here are apart from the model's, so that the model may change and the disk does not. Rules: a struct never
//! gains, loses or reorders fields, and an enum gains variants at its end only; anything else is a new version, and a
//! reader for each version stays. Database and identifier stand beside the record.

use jiff::Timestamp;
use rollcall_model::{
    address::Address,
    database::DatabaseId,
    email::Email,
    event::{DeadLetter, Event, EventId},
    field::{FieldValue, Fields},
    phone::Phone,
    profile::{Profile, ProfileId},
    resource::ResourceId,
    segment::SegmentId,
    subscription::{Registration, Subscription},
    subscription_status::SubscriptionStatus,
    value::{Object, Value},
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use xxhash_rust::xxh3::xxh3_64;

/// The versions of a profile's record, its first byte. A checksum follows in 8 bytes, then the content.
///
/// The content of the first version is [`ProfileRecord`]. It is written wherever it is enough: nearly everywhere.
const PLAIN: u8 = 1;
/// [`ProfileRecord`], and as many [`RegistrationRecord`]s as it has subscriptions.
const WITH_REGISTRATIONS: u8 = 2;

/// The version of an event's record, whose content is [`EventRecord`].
const EVENT: u8 = 1;

const HEAD: usize = 1 + 8;

/// The profile's record.
pub fn encode(profile: &Profile) -> Vec<u8> {
    let record = ProfileRecord::of(profile);
    let registrations = || profile.subscriptions.iter().map(|subscription| &subscription.registration);
    match registrations().all(|registration| *registration == Registration::default()) {
        true => seal(PLAIN, &record),
        false => seal(WITH_REGISTRATIONS, &(record, registrations().map(RegistrationRecord::of).collect::<Vec<_>>())),
    }
}

/// The profile that a record is of. An error says what is wrong with the record.
pub fn decode(database: DatabaseId, id: ProfileId, record: &[u8]) -> Result<Profile, &'static str> {
    let (record, registrations): (ProfileRecord<'_>, Vec<RegistrationRecord<'_>>) = match open(record)? {
        (PLAIN, body) => (content(body)?, Vec::new()),
        (WITH_REGISTRATIONS, body) => content(body)?,
        _ => return Err(OTHER_VERSION),
    };
    record.profile(database, id, registrations).ok_or("its record holds a value that the model refuses")
}

/// The event's record.
pub(crate) fn encode_event(event: &Event) -> Vec<u8> {
    seal(EVENT, &EventRecord::of(event))
}

/// The event that a record is of. An error says what is wrong with the record.
pub(crate) fn decode_event(record: &[u8]) -> Result<Event, &'static str> {
    match open(record)? {
        (EVENT, body) => content(body).map(EventRecord::event),
        _ => Err(OTHER_VERSION),
    }
}

const OTHER_VERSION: &str = "its record has a version that this program does not know";

fn seal(version: u8, content: &impl Serialize) -> Vec<u8> {
    let head = vec![version, 0, 0, 0, 0, 0, 0, 0, 0];
    #[expect(clippy::expect_used, reason = "a Vec takes all bytes, and no type here refuses to be written")]
    let mut record = postcard::to_extend(content, head).expect("a record can be written");
    let checksum = xxh3_64(&record[HEAD..]);
    record[1..HEAD].copy_from_slice(&checksum.to_le_bytes());
    record
}

/// A record's version and its content, which is as it was written.
fn open(record: &[u8]) -> Result<(u8, &[u8]), &'static str> {
    let (&version, rest) = record.split_first().ok_or("its record is empty")?;
    let (checksum, body) = rest.split_first_chunk().ok_or("its record is cut off")?;
    // Checked first: a body that is not one of ours could ask the decoder for any depth.
    if u64::from_le_bytes(*checksum) != xxh3_64(body) {
        return Err("its record does not have the checksum it was written with");
    }
    Ok((version, body))
}

fn content<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, &'static str> {
    postcard::from_bytes(body).map_err(|_| "its record cannot be decoded")
}

#[derive(Serialize, Deserialize)]
struct ProfileRecord<'a> {
    #[serde(borrow)]
    fields: FieldRecords<'a>,
    #[serde(borrow)]
    subscriptions: Vec<SubscriptionRecord<'a>>,
    segments: Vec<u32>,
}

type FieldRecords<'a> = Vec<(&'a str, FieldRecord<'a>)>;

#[derive(Serialize, Deserialize)]
enum FieldRecord<'a> {
    Int(i64),
    Float(f64),
    Text(&'a str),
    /// Seconds since 1970, and nanoseconds.
    Date(i64, i32),
    Bool(bool),
    Choice(u32),
    Ip4([u8; 4]),
    Ip6([u8; 16]),
    Tags(#[serde(borrow)] Vec<&'a str>),
    Object(#[serde(borrow)] ObjectRecord<'a>),
    Objects(#[serde(borrow)] Vec<ValueRecord<'a>>),
    Email(&'a str),
    Phones(Vec<u64>),
}

#[derive(Serialize, Deserialize)]
enum ValueRecord<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    List(#[serde(borrow)] Vec<ValueRecord<'a>>),
    Object(#[serde(borrow)] ObjectRecord<'a>),
}

type ObjectRecord<'a> = Vec<(&'a str, ValueRecord<'a>)>;

#[derive(Serialize, Deserialize)]
struct SubscriptionRecord<'a> {
    resource: u32,
    channel: &'a str,
    #[serde(borrow)]
    address: AddressRecord<'a>,
    /// The status by its documented number.
    status: u8,
    priority: i32,
    #[serde(borrow)]
    custom_fields: FieldRecords<'a>,
    #[serde(borrow)]
    categories: Vec<&'a str>,
}

/// How a subscription came about.
#[derive(Serialize, Deserialize)]
struct RegistrationRecord<'a> {
    /// Seconds since 1970, and nanoseconds.
    date: Option<(i64, i32)>,
    ip: Option<IpRecord>,
    url: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
enum IpRecord {
    V4([u8; 4]),
    V6([u8; 16]),
}

#[derive(Serialize, Deserialize)]
struct EventRecord<'a> {
    id: [u8; 12],
    trigger: &'a str,
    database: u32,
    profile: [u8; 12],
    body: &'a str,
    /// Attempts and reason, where it is given up.
    dead: Option<(u32, &'a str)>,
}

#[derive(Serialize, Deserialize)]
enum AddressRecord<'a> {
    Email(&'a str),
    Phone(u64),
    Push { provider: &'a str, subscription_id: &'a str },
    Chat(i64),
    Messenger(u64),
    Custom(&'a str),
}

impl<'a> ProfileRecord<'a> {
    fn of(profile: &'a Profile) -> Self {
        Self {
            fields: fields_of(&profile.fields),
            subscriptions: profile.subscriptions.iter().map(SubscriptionRecord::of).collect(),
            segments: profile.segments.iter().map(|segment| segment.0).collect(),
        }
    }

    fn profile(
        self,
        database: DatabaseId,
        id: ProfileId,
        registrations: Vec<RegistrationRecord<'_>>,
    ) -> Option<Profile> {
        let mut registrations = registrations.into_iter();
        let mut subscription = |record: SubscriptionRecord<'_>| {
            let registration =
                registrations.next().map_or(Some(Registration::default()), RegistrationRecord::registration)?;
            Some(Subscription { registration, ..record.subscription()? })
        };
        let subscriptions = self.subscriptions.into_iter().map(&mut subscription).collect::<Option<_>>()?;
        let segments = self.segments.into_iter().map(SegmentId).collect();
        Some(Profile { id, database, fields: fields(self.fields)?, subscriptions, segments })
    }
}

impl<'a> SubscriptionRecord<'a> {
    fn of(subscription: &'a Subscription) -> Self {
        Self {
            resource: subscription.resource.0,
            channel: subscription.channel.as_str(),
            address: AddressRecord::of(&subscription.address),
            status: subscription.status.number(),
            priority: subscription.priority,
            custom_fields: fields_of(&subscription.custom_fields),
            categories: subscription.categories.iter().map(|category| &**category).collect(),
        }
    }

    fn subscription(self) -> Option<Subscription> {
        Some(Subscription {
            resource: ResourceId(self.resource),
            channel: self.channel.into(),
            address: self.address.address()?,
            status: SubscriptionStatus::from_number(self.status.into())?,
            priority: self.priority,
            custom_fields: fields(self.custom_fields)?,
            categories: self.categories.into_iter().map(Into::into).collect(),
            registration: Registration::default(),
        })
    }
}

impl<'a> RegistrationRecord<'a> {
    fn of(registration: &'a Registration) -> Self {
        let Registration { date, ip, url } = registration;
        Self {
            date: date.map(|moment| (moment.as_second(), moment.subsec_nanosecond())),
            ip: ip.map(|ip| match ip {
                IpAddr::V4(address) => IpRecord::V4(address.octets()),
                IpAddr::V6(address) => IpRecord::V6(address.octets()),
            }),
            url: url.as_deref(),
        }
    }

    fn registration(self) -> Option<Registration> {
        let date = match self.date {
            Some((second, nanosecond)) => Some(Timestamp::new(second, nanosecond).ok()?),
            None => None,
        };
        let ip = self.ip.map(|ip| match ip {
            IpRecord::V4(octets) => octets.into(),
            IpRecord::V6(octets) => octets.into(),
        });
        Some(Registration { date, ip, url: self.url.map(Into::into) })
    }
}

impl<'a> EventRecord<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            id: event.id.0,
            trigger: &event.trigger,
            database: event.database.0,
            profile: event.profile.0,
            body: &event.body,
            dead: event.dead.as_ref().map(|dead| (dead.attempts, &*dead.reason)),
        }
    }

    fn event(self) -> Event {
        Event {
            id: EventId(self.id),
            trigger: self.trigger.into(),
            database: DatabaseId(self.database),
            profile: ProfileId(self.profile),
            body: self.body.into(),
            dead: self.dead.map(|(attempts, reason)| DeadLetter { attempts, reason: reason.into() }),
        }
    }
}

impl<'a> AddressRecord<'a> {
    fn of(address: &'a Address) -> Self {
        match address {
            Address::Email(email) => Self::Email(email.as_str()),
            Address::Phone(phone) => Self::Phone(phone.digits()),
            Address::Push { provider, subscription_id } => Self::Push { provider, subscription_id },
            Address::Chat(number) => Self::Chat(*number),
            Address::Messenger(phone) => Self::Messenger(phone.digits()),
            Address::Custom(id) => Self::Custom(id),
        }
    }

    fn address(self) -> Option<Address> {
        Some(match self {
            Self::Email(text) => Address::Email(Email::parse(text)?),
            Self::Phone(digits) => Address::Phone(Phone::from_digits(digits)?),
            Self::Push { provider, subscription_id } => {
                Address::Push { provider: provider.into(), subscription_id: subscription_id.into() }
            }
            Self::Chat(number) => Address::Chat(number),
            Self::Messenger(digits) => Address::Messenger(Phone::from_digits(digits)?),
            Self::Custom(id) => Address::Custom(id.into()),
        })
    }
}

fn fields_of(fields: &Fields) -> FieldRecords<'_> {
    fields.iter().map(|(name, value)| (name.as_str(), FieldRecord::of(value))).collect()
}

fn fields(records: FieldRecords<'_>) -> Option<Fields> {
    records.into_iter().map(|(name, value)| Some((name.into(), value.value()?))).collect()
}

impl<'a> FieldRecord<'a> {
    fn of(value: &'a FieldValue) -> Self {
        match value {
            FieldValue::Int(value) => Self::Int(*value),
            FieldValue::Float(value) => Self::Float(*value),
            FieldValue::Text(text) => Self::Text(text),
            FieldValue::Date(moment) => Self::Date(moment.as_second(), moment.subsec_nanosecond()),
            FieldValue::Bool(value) => Self::Bool(*value),
            FieldValue::Choice(ordinal) => Self::Choice(*ordinal),
            FieldValue::Ip(IpAddr::V4(address)) => Self::Ip4(address.octets()),
            FieldValue::Ip(IpAddr::V6(address)) => Self::Ip6(address.octets()),
            FieldValue::Tags(tags) => Self::Tags(tags.iter().map(|tag| &**tag).collect()),
            FieldValue::Object(object) => Self::Object(object_of(object)),
            FieldValue::Objects(objects) => Self::Objects(objects.iter().map(ValueRecord::of).collect()),
            FieldValue::Email(email) => Self::Email(email.as_str()),
            FieldValue::Phones(phones) => Self::Phones(phones.iter().map(|phone| phone.digits()).collect()),
        }
    }

    fn value(self) -> Option<FieldValue> {
        Some(match self {
            Self::Int(value) => FieldValue::Int(value),
            Self::Float(value) => FieldValue::Float(value),
            Self::Text(text) => FieldValue::Text(text.into()),
            Self::Date(second, nanosecond) => FieldValue::Date(Timestamp::new(second, nanosecond).ok()?),
            Self::Bool(value) => FieldValue::Bool(value),
            Self::Choice(ordinal) => FieldValue::Choice(ordinal),
            Self::Ip4(octets) => FieldValue::Ip(octets.into()),
            Self::Ip6(octets) => FieldValue::Ip(octets.into()),
            Self::Tags(tags) => FieldValue::Tags(tags.into_iter().map(Into::into).collect()),
            Self::Object(object) => FieldValue::Object(object_in(object)),
            Self::Objects(objects) => FieldValue::Objects(objects.into_iter().map(ValueRecord::value).collect()),
            Self::Email(text) => FieldValue::Email(Email::parse(text)?),
            Self::Phones(numbers) => {
                FieldValue::Phones(numbers.into_iter().map(Phone::from_digits).collect::<Option<_>>()?)
            }
        })
    }
}

fn object_of(object: &Object) -> ObjectRecord<'_> {
    object.iter().map(|(name, value)| (&**name, ValueRecord::of(value))).collect()
}

fn object_in(record: ObjectRecord<'_>) -> Object {
    record.into_iter().map(|(name, value)| (name.into(), value.value())).collect()
}

impl<'a> ValueRecord<'a> {
    fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Text(text) => Self::Text(text),
            Value::List(values) => Self::List(values.iter().map(Self::of).collect()),
            Value::Object(object) => Self::Object(object_of(object)),
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float(value) => Value::Float(value),
            Self::Text(text) => Value::Text(text.into()),
            Self::List(values) => Value::List(values.into_iter().map(Self::value).collect()),
            Self::Object(object) => Value::Object(object_in(object)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};
    use rollcall_model::strategies;

    const DATABASE: DatabaseId = DatabaseId(1);
    const ID: ProfileId = ProfileId([7; 12]);

    fn profile() -> impl Strategy<Value = Profile> {
        strategies::profile(ID, DATABASE)
    }

    proptest! {
        #[test]
        fn a_profile_comes_back_from_its_record(profile in profile()) {
            prop_assert_eq!(decode(DATABASE, ID, &encode(&profile)), Ok(profile));
        }

        #[test]
        fn an_event_comes_back_from_its_record(event in strategies::event()) {
            prop_assert_eq!(decode_event(&encode_event(&event)), Ok(event));
        }

        #[test]
        fn a_record_that_is_cut_off_is_refused(profile in profile(), cut in any::<proptest::sample::Index>()) {
            let record = encode(&profile);
            prop_assert!(decode(DATABASE, ID, &record[..cut.index(record.len())]).is_err());
        }

        #[test]
        fn a_record_with_a_wrong_byte_is_refused(
            profile in profile(), at in any::<proptest::sample::Index>(), flips in 1..=255u8
        ) {
            let mut record = encode(&profile);
            let at = at.index(record.len());
            record[at] ^= flips;
            prop_assert!(decode(DATABASE, ID, &record).is_err());
        }

        #[test]
        fn bytes_that_pass_for_a_record_never_panic(
            version in 1..3u8, body in collection::vec(any::<u8>(), 0..64)
        ) {
            let mut record = vec![version];
            record.extend(xxh3_64(&body).to_le_bytes());
            record.extend(body);
            if let Ok(profile) = decode(DATABASE, ID, &record) {
                prop_assert_eq!(decode(DATABASE, ID, &encode(&profile)), Ok(profile));
            }
        }
    }

    #[test]
    fn the_first_version_is_laid_out_as_it_is_on_disk() {
        let mut profile = Profile::new(ID, DATABASE);
        profile.fields.set("n".into(), FieldValue::Int(-1));
        profile.segments.insert(SegmentId(5));
        let record = encode(&profile);
        // one field: name, variant, value; no subscription; one segment
        assert_eq!(record[HEAD..], [1, 1, b'n', 0, 1, 0, 1, 5]);
        assert_eq!(record[0], 1);
    }

    #[test]
    fn the_second_version_is_the_first_one_with_registrations_behind_it() {
        let address = Address::Chat(1);
        let mut profile = Profile::new(ID, DATABASE);
        profile.subscriptions.push(Subscription::new(ResourceId(1), "c".into(), address));
        let plain = encode(&profile);
        assert_eq!(plain[0], 1);
        profile.subscriptions[0].registration.url = Some("u".into());
        let record = encode(&profile);
        // one registration: no date, no address, a text
        assert_eq!(record[HEAD..], [&plain[HEAD..], &[1, 0, 0, 1, 1, b'u']].concat());
        assert_eq!(record[0], 2);
    }

    #[test]
    fn events_are_laid_out_as_they_are_on_disk() {
        let dead = Some(DeadLetter { attempts: 3, reason: "r".into() });
        let (id, database) = (EventId([8; 12]), DatabaseId(2));
        let event = Event { id, trigger: "t".into(), database, profile: ID, body: "b".into(), dead };
        let record = encode_event(&event);
        assert_eq!(record[HEAD..], [&[8; 12][..], &[1, b't', 2], &[7; 12], &[1, b'b', 1, 3, 1, b'r']].concat());
        assert_eq!(record[0], 1);
    }

    #[test]
    fn says_what_is_wrong_with_a_record() {
        let record = encode(&Profile::new(ID, DATABASE));
        let problem = |record: &[u8]| decode(DATABASE, ID, record).unwrap_err();
        assert!(problem(&[]).contains("empty"));
        assert!(problem(&record[..4]).contains("cut off"));
        assert!(problem(&[&[9], &record[1..]].concat()).contains("version"));
        assert!(problem(&[&*record, &[0]].concat()).contains("checksum"));
    }

    #[test]
    fn a_value_that_the_model_refuses_is_a_damaged_record() {
        let fields = vec![("email", FieldRecord::Email("not an address"))];
        let record = ProfileRecord { fields, subscriptions: Vec::new(), segments: Vec::new() };
        let body = postcard::to_stdvec(&record).unwrap();
        let record = [&[PLAIN], &xxh3_64(&body).to_le_bytes()[..], &body].concat();
        assert!(decode(DATABASE, ID, &record).unwrap_err().contains("refuses"));
    }
}
