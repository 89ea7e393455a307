//! Reading one value by the type that is wanted, never by its look. Rulings D5-D8, X5, X6.

use crate::{element::Element, tree::Content};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rollcall_model::{
    distinct::distinct,
    email::Email,
    field::{FieldDefinition, FieldKind, FieldValue},
    phone::{Phone, Region},
    rejection::Rejection,
    time_zone::is_time_zone,
    value::{self, Value},
};
use std::{borrow::Cow, net::IpAddr, ops::RangeInclusive};

impl<'t> Element<'t, '_> {
    /// A text. Whole numbers are one too: nothing is lost by writing them down (D5).
    pub fn text(self) -> Result<Cow<'t, str>, Rejection> {
        match self.single()? {
            Content::Text(text) => Ok(Cow::Borrowed(text)),
            Content::Int(number) => Ok(number.to_string().into()),
            Content::Big(number) => Ok(number.to_string().into()),
            _ => Err(self.refuse("not a text")),
        }
    }

    /// A value of any type, as a text: how it is written.
    pub fn as_written(self) -> Result<Cow<'t, str>, Rejection> {
        match self.single()? {
            Content::Bool(value) => Ok(value.to_string().into()),
            Content::Float(number) => Ok(format!("{number:?}").into()),
            _ => self.text(),
        }
    }

    /// A text that names something, so that an empty one says nothing.
    pub fn word(self) -> Result<Cow<'t, str>, Rejection> {
        let text = self.text()?;
        if is_word(&text) { Ok(text) } else { Err(self.refuse("an empty text")) }
    }

    /// A whole number, also where it is written with a fraction of zero.
    pub fn int(self) -> Result<i64, Rejection> {
        let number = match self.single()? {
            Content::Int(number) => Some(*number),
            Content::Float(number) => whole(*number),
            Content::Text(text) => {
                let text = text.trim_ascii();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            }
            _ => None,
        };
        number.ok_or_else(|| self.refuse("not a whole number"))
    }

    /// A number of something in the configuration.
    pub fn id(self) -> Result<u32, Rejection> {
        u32::try_from(self.int()?).map_err(|_| self.refuse("out of range"))
    }

    /// True or false: also 0 and 1, and the words (D5).
    pub fn bool(self) -> Result<bool, Rejection> {
        match self.single()? {
            Content::Bool(value) => Ok(*value),
            Content::Int(0) => Ok(false),
            Content::Int(1) => Ok(true),
            Content::Text(text) => match text.trim_ascii() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(self.refuse("neither true nor false")),
            },
            _ => Err(self.refuse("neither true nor false")),
        }
    }

    /// An e-mail address (M14).
    pub fn email(self) -> Result<Email, Rejection> {
        Email::parse(&self.text()?).ok_or_else(|| self.refuse("not an e-mail address"))
    }

    /// A phone number (M15).
    pub fn phone(self, region: Option<Region>) -> Result<Phone, Rejection> {
        Phone::parse(&self.text()?, region).ok_or_else(|| self.refuse("not a phone number"))
    }

    /// A value for the defined field.
    pub fn field_value(self, field: &FieldDefinition, region: Option<Region>) -> Result<FieldValue, Rejection> {
        match field.kind {
            FieldKind::Int => self.int().map(FieldValue::Int),
            FieldKind::Float => self.float().map(FieldValue::Float),
            FieldKind::Text => self.text().map(|text| FieldValue::Text(text.into())),
            FieldKind::Date => self.date().map(FieldValue::Date),
            FieldKind::Bool => self.bool().map(FieldValue::Bool),
            FieldKind::Enum => self.choice(&field.options).map(FieldValue::Choice),
            FieldKind::Ip => self.ip().map(FieldValue::Ip),
            FieldKind::Tags => self.tags().map(FieldValue::Tags),
            FieldKind::Object => self.free_object().map(FieldValue::Object),
            FieldKind::Objects => {
                self.items().map(Element::free_item).collect::<Result<_, _>>().map(FieldValue::Objects)
            }
            FieldKind::Email => self.email().map(FieldValue::Email),
            FieldKind::Phones => self.phones(region).map(FieldValue::Phones),
            FieldKind::Sex => self.sex(),
            FieldKind::TimeZone => self.time_zone().map(FieldValue::Text),
        }
    }

    fn tags(self) -> Result<Vec<Box<str>>, Rejection> {
        self.items().map(|item| item.text().map(|tag| tag.trim().into())).collect::<Result<_, _>>().map(distinct)
    }

    fn phones(self, region: Option<Region>) -> Result<Vec<Phone>, Rejection> {
        self.items().map(|item| item.phone(region)).collect::<Result<_, _>>().map(distinct)
    }

    pub(crate) fn float(self) -> Result<f64, Rejection> {
        let number = match self.single()? {
            Content::Float(number) => Some(*number),
            Content::Int(number) => return self.exact((*number).into()),
            Content::Big(number) => return self.exact((*number).into()),
            Content::Text(text) => {
                let text = text.trim_ascii();
                match text.parse() {
                    Ok(whole) if AS_JSON_READS_THEM.contains(&whole) => return self.exact(whole),
                    _ => text.parse().ok(),
                }
            }
            _ => None,
        };
        let number = number.filter(|number| number.is_finite()).map(without_sign_of_zero);
        number.ok_or_else(|| self.refuse("not a number"))
    }

    /// The number with a fraction that is this whole one, where it need not be rounded.
    fn exact(self, whole: i128) -> Result<f64, Rejection> {
        #[expect(clippy::cast_precision_loss, reason = "checked by converting it back")]
        let number = whole as f64;
        #[expect(clippy::cast_possible_truncation, reason = "it was a whole number of this type")]
        let is_exact = number as i128 == whole;
        if is_exact { Ok(number) } else { Err(self.refuse("a number that cannot be kept exactly")) }
    }

    /// A moment: RFC 3339, the same without seconds, or a day, which means its midnight in UTC (D6).
    pub(crate) fn date(self) -> Result<Timestamp, Rejection> {
        let refusal = || self.refuse("not a date: YYYY-MM-DD or RFC 3339 is wanted");
        let text = self.text()?;
        let text = text.trim_ascii();
        match DateShape::of(text) {
            Some(DateShape::Day) => {
                let day: Date = text.parse().map_err(|_| refusal())?;
                TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| refusal())
            }
            Some(DateShape::Moment) => text.parse().map_err(|_| refusal()),
            None => Err(refusal()),
        }
    }

    /// A moment, however far from today.
    pub(crate) fn any_date(self) -> Result<Timestamp, Rejection> {
        self.text()?.parse().map_err(|_| self.refuse("not a moment in RFC 3339"))
    }

    /// One of the options, by its word or by its ordinal, which counts from 0.
    fn choice(self, options: &[Box<str>]) -> Result<u32, Rejection> {
        let text = self.text()?;
        let by_word = options.iter().position(|option| **option == *text);
        let by_ordinal = || text.trim_ascii().parse().ok().filter(|ordinal| *ordinal < options.len());
        let ordinal = by_word.or_else(by_ordinal).and_then(|ordinal| u32::try_from(ordinal).ok());
        ordinal.ok_or_else(|| self.refuse(format!("none of the options: {}", options.join(", "))))
    }

    pub(crate) fn ip(self) -> Result<IpAddr, Rejection> {
        self.text()?.trim_ascii().parse().map_err(|_| self.refuse("not an IP address"))
    }

    fn sex(self) -> Result<FieldValue, Rejection> {
        let text = self.text()?;
        match text.trim_ascii() {
            "0" => Ok(FieldValue::Int(0)),
            "1" => Ok(FieldValue::Int(1)),
            "2" => Ok(FieldValue::Int(2)),
            word @ ("male" | "female") => Ok(FieldValue::Text(word.into())),
            _ => Err(self.refuse("none of 0, 1, 2, male, female")),
        }
    }

    fn time_zone(self) -> Result<Box<str>, Rejection> {
        let text = self.text()?;
        let name = text.trim_ascii();
        match is_time_zone(name) {
            true => Ok(name.into()),
            false => Err(self.refuse("not the name of a time zone, such as Europe/Moscow")),
        }
    }

    pub(crate) fn free_object(self) -> Result<value::Object, Rejection> {
        let members = self.object()?.members();
        members
            .map(|member| Ok((member.name().into(), member.free().map_err(|rejection| self.at(rejection))?)))
            .collect()
    }

    fn free_item(self) -> Result<Value, Rejection> {
        self.free_object().map(Value::Object)
    }

    /// A value whose type nobody prescribes: here alone its look decides, as far as the format shows it.
    pub(crate) fn free(self) -> Result<Value, Rejection> {
        if self.is_list() {
            return self.items().map(Self::free).collect::<Result<_, _>>().map(Value::List);
        }
        Ok(match self.single()? {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Int(number) => Value::Int(*number),
            Content::Big(_) => return Err(self.refuse("a number that cannot be kept exactly")),
            Content::Float(number) => Value::Float(*number),
            Content::Text(text) => Value::Text((&**text).into()),
            Content::List | Content::Object => return self.free_object().map(Value::Object),
        })
    }
}

/// Whether the text says anything.
pub(crate) fn is_word(text: &str) -> bool {
    !text.trim_ascii().is_empty()
}

/// Whether a moment is shown in a spelling that a date may have: years have four digits.
pub(crate) fn is_shown_as_date(moment: Timestamp) -> bool {
    DateShape::of(&moment.to_string()).is_some()
}

/// The whole numbers that the JSON parser keeps as such; from others it keeps what a number with a fraction can hold.
const AS_JSON_READS_THEM: RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;

/// The two zeros are equal, so that they must not be told apart in a search either.
fn without_sign_of_zero(number: f64) -> f64 {
    number + 0.0
}

/// Below this, numbers with a fraction still tell whole numbers apart.
const EXACT_BELOW: f64 = 9_007_199_254_740_992.0;

fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "within range, and without a fraction")]
    (number.fract() == 0.0 && number.abs() <= EXACT_BELOW).then_some(number as i64)
}

/// The spellings of a date that are lawful; the library reads more than these.
enum DateShape {
    Day,
    Moment,
}

impl DateShape {
    fn of(text: &str) -> Option<Self> {
        let (day, time) = text.split_at_checked(10)?;
        match time {
            _ if !is_shaped(day, "dddd-dd-dd") => None,
            "" => Some(Self::Day),
            time => is_time(time.strip_prefix(['T', 't', ' '])?).then_some(Self::Moment),
        }
    }
}

/// `hh:mm`, seconds and their fraction optional, then `Z` or an offset.
fn is_time(text: &str) -> bool {
    let (clock, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(place) => text.split_at(place),
        None => return false,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let is_fraction = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let is_clock = is_shaped(clock, "dd:dd:dd") || is_shaped(clock, "dd:dd") && fraction == "0";
    let is_zone = matches!(zone, "Z" | "z") || is_shaped(&zone[1..], "dd:dd");
    is_fraction && is_clock && is_zone
}

fn is_shaped(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}
