//! What a geo file says of an address: the format is MaxMind's, and two layouts of its records are read. The file may be
//! anything: what cannot be read says nothing.

use maxminddb::{
    MaxMindDbError, PathElement,
    PathElement::{Index, Key},
    Reader,
};
use rollcall_model::place::Place;
use serde::{Deserialize, Deserializer, de};
use std::{fmt, net::IpAddr};

/// A path to a value, in one layout or another.
type Path = &'static [PathElement<'static>];

/// Where the value stands in the layout of MaxMind (DB-IP, GeoLite2), and where in the flat one (ip-location-db).
struct Paths {
    nested: Path,
    flat: Path,
}

/// A text of a place: where it goes, and where it stands.
type Text = (fn(&mut Place) -> &mut Option<Box<str>>, Paths);

const TEXTS: &[Text] = &[
    (|place| &mut place.country, Paths { nested: &[Key("country"), Key("iso_code")], flat: &[Key("country_code")] }),
    (
        |place| &mut place.region,
        Paths { nested: &[Key("subdivisions"), Index(0), Key("names"), Key("en")], flat: &[Key("state1")] },
    ),
    (|place| &mut place.city, Paths { nested: &[Key("city"), Key("names"), Key("en")], flat: &[Key("city")] }),
    (|place| &mut place.time_zone, Paths { nested: &[Key("location"), Key("time_zone")], flat: &[Key("timezone")] }),
    (|place| &mut place.postal_code, Paths { nested: &[Key("postal"), Key("code")], flat: &[Key("postcode")] }),
];

/// A number of a place.
type Number = (fn(&mut Place) -> &mut Option<f64>, Paths);

const NUMBERS: &[Number] = &[
    (|place| &mut place.latitude, Paths { nested: &[Key("location"), Key("latitude")], flat: &[Key("latitude")] }),
    (|place| &mut place.longitude, Paths { nested: &[Key("location"), Key("longitude")], flat: &[Key("longitude")] }),
];

/// Bytes of a text at most; the longest name of a place has fewer.
const LONGEST: usize = 256;

/// A file, ready to be asked.
#[derive(Debug)]
pub struct Places(Reader<Vec<u8>>);

impl Places {
    /// Takes the bytes of a file; `Err` says why they are none.
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        Reader::from_source(bytes).map(Self).map_err(|error| error.to_string())
    }

    /// What is known of the place of an address.
    pub fn at(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        for (part, paths) in TEXTS {
            *part(&mut place) = self.find(address, paths).and_then(Scalar::text);
        }
        for (part, paths) in NUMBERS {
            *part(&mut place) = self.find(address, paths).and_then(Scalar::number);
        }
        place
    }

    fn find(&self, address: IpAddr, paths: &Paths) -> Option<Scalar> {
        let nested = self.value(address, paths.nested).ok().flatten();
        nested.or_else(|| self.value(address, paths.flat).ok().flatten())
    }

    fn value(&self, address: IpAddr, path: Path) -> Result<Option<Scalar>, MaxMindDbError> {
        self.0.lookup(address)?.decode_path(path)
    }
}

/// A value of a record, whatever type the file keeps it in: some keep numbers as texts, and codes as numbers.
#[derive(Debug)]
enum Scalar {
    Text(Box<str>),
    Number(f64),
}

impl Scalar {
    fn text(self) -> Option<Box<str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(number.to_string().into()),
        }
    }

    fn number(self) -> Option<f64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Number(number) => Some(number),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl de::Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a short text or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
        match text.len() <= LONGEST {
            true => Ok(Scalar::Text(text.into())),
            false => Err(E::invalid_length(text.len(), &self)),
        }
    }

    /// As the number of few digits that it is meant to be: 37.6 and not 37.599998.
    fn visit_f32<E: de::Error>(self, number: f32) -> Result<Scalar, E> {
        number.to_string().parse().map(Scalar::Number).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Scalar, E> {
        u32::try_from(number).map(|number| Scalar::Number(number.into())).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Scalar, E> {
        i32::try_from(number).map(|number| Scalar::Number(number.into())).map_err(E::custom)
    }
}
