//! Where an IP address is, and which fields that fills. Ruling D11.
//!
//! Lives here: what a place is, and the table of fields. Does not live here: how a place is found.

use crate::{
    field::{FieldName, FieldValue},
    field_change::FieldChange,
    profile_patch::ProfilePatch,
    time_zone::is_time_zone,
};
use std::net::{IpAddr, Ipv4Addr};

/// What is known of the place of an address; whatever geo data says, right or wrong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// The code of the country, such as `RU`.
    pub country: Option<Box<str>>,
    /// The first division below the country.
    pub region: Option<Box<str>>,
    /// The city.
    pub city: Option<Box<str>>,
    /// The name of its time zone.
    pub time_zone: Option<Box<str>>,
    /// The postal code.
    pub postal_code: Option<Box<str>>,
    /// In degrees; north is positive.
    pub latitude: Option<f64>,
    /// In degrees; east is positive.
    pub longitude: Option<f64>,
}

/// What a field gets of a place; nothing where the place does not say it, or says nonsense.
type Part = fn(&Place) -> Option<FieldValue>;

/// For each field that holds an address, the fields that its place fills.
pub const FILLED_BY: &[(&str, &[(&str, Part)])] = &[
    ("_regip", &[("_regcountry", country), ("_regcity", city)]),
    (
        "_ip",
        &[
            ("_country", country),
            ("_region", region),
            ("_city", city),
            ("_tz", time_zone),
            ("_postal_code", postal_code),
            ("_lat", latitude),
            ("_lon", longitude),
        ],
    ),
];

fn country(place: &Place) -> Option<FieldValue> {
    text(&place.country)
}

fn region(place: &Place) -> Option<FieldValue> {
    text(&place.region)
}

fn city(place: &Place) -> Option<FieldValue> {
    text(&place.city)
}

fn time_zone(place: &Place) -> Option<FieldValue> {
    text(&place.time_zone).filter(|_| place.time_zone.as_deref().is_some_and(is_time_zone))
}

fn postal_code(place: &Place) -> Option<FieldValue> {
    text(&place.postal_code)
}

fn latitude(place: &Place) -> Option<FieldValue> {
    degrees(place.latitude, 90.0)
}

fn longitude(place: &Place) -> Option<FieldValue> {
    degrees(place.longitude, 180.0)
}

fn text(said: &Option<Box<str>>) -> Option<FieldValue> {
    said.clone().filter(|text| !text.trim().is_empty()).map(FieldValue::Text)
}

/// Zero has no sign, here as elsewhere.
fn degrees(said: Option<f64>, most: f64) -> Option<FieldValue> {
    said.filter(|degrees| degrees.abs() <= most).map(|degrees| FieldValue::Float(degrees + 0.0))
}

impl ProfilePatch {
    /// Fills what the places of its addresses say. What the request says itself, be it that a field is to be cleared, goes
    /// before that (D11).
    pub fn fill_places(&mut self, locate: impl Fn(IpAddr) -> Place) {
        for (source, targets) in FILLED_BY {
            let Some(FieldValue::Ip(address)) = self.value(source) else { continue };
            let Some(place) = public(*address).map(&locate) else { continue };
            for (target, part) in *targets {
                if self.change(target).is_none()
                    && let Some(value) = part(&place)
                {
                    self.fields.push((FieldName::from(*target), FieldChange::Set(value)));
                }
            }
        }
    }
}

/// The address, if it is one that means the same everywhere; an IPv4 address that is written as IPv6 as what it is.
fn public(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    let is_local = match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_link_local() || v4.is_broadcast() || is_shared(v4) || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
    };
    (!is_local && !address.is_loopback() && !address.is_multicast()).then_some(address)
}

/// Between a provider and its customers: 100.64.0.0/10, RFC 6598.
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && (64..128).contains(&second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        field::FieldKind,
        system_field::{self, SYSTEM_FIELDS},
    };

    fn moscow() -> Place {
        Place {
            country: Some("RU".into()),
            region: Some("Moscow".into()),
            city: Some("Moscow".into()),
            time_zone: Some("Europe/Moscow".into()),
            postal_code: Some("101000".into()),
            latitude: Some(55.7522),
            longitude: Some(-0.0),
        }
    }

    fn filled(given: &[(&str, FieldChange)], place: &Place) -> ProfilePatch {
        let fields = given.iter().map(|(name, change)| (FieldName::from(*name), change.clone())).collect();
        let mut patch = ProfilePatch { fields, ..ProfilePatch::default() };
        patch.fill_places(|_| place.clone());
        patch
    }

    fn ip(address: &str) -> FieldChange {
        FieldChange::Set(FieldValue::Ip(address.parse().unwrap()))
    }

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.into())
    }

    #[test]
    fn the_table_names_fields_of_the_system_with_their_types() {
        let kind =
            |name: &str| SYSTEM_FIELDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).expect(name);
        for (source, targets) in FILLED_BY {
            assert_eq!(kind(source), FieldKind::Ip);
            for (target, part) in *targets {
                let value = part(&moscow()).expect(target);
                let is_number = matches!(value, FieldValue::Float(_));
                assert_eq!(is_number, kind(target) == FieldKind::Float, "{target}");
                assert!(!system_field::is_custom(&FieldName::from(*target)));
            }
        }
    }

    #[test]
    fn each_address_fills_its_own_fields() {
        let patch = filled(&[("_regip", ip("203.0.113.7"))], &moscow());
        assert_eq!((patch.value("_regcountry"), patch.value("_regcity")), (Some(&text("RU")), Some(&text("Moscow"))));
        assert_eq!(patch.fields.len(), 3, "nothing else: {patch:?}");
        let patch = filled(&[("_ip", ip("2001:db8::7"))], &moscow());
        assert_eq!(patch.value("_tz"), Some(&text("Europe/Moscow")));
        assert_eq!(patch.value("_lon"), Some(&FieldValue::Float(0.0)));
        assert_eq!(patch.fields.len(), 8, "all seven: {patch:?}");
    }

    #[test]
    fn what_the_request_says_goes_before_the_place() {
        let given =
            [("_ip", ip("203.0.113.7")), ("_city", FieldChange::Set(text("Tver"))), ("_region", FieldChange::Unset)];
        let patch = filled(&given, &moscow());
        assert_eq!((patch.value("_city"), patch.change("_region")), (Some(&text("Tver")), Some(&FieldChange::Unset)));
        assert_eq!(patch.value("_country"), Some(&text("RU")));
    }

    #[test]
    fn nonsense_fills_nothing() {
        let nonsense = Place {
            country: Some("".into()),
            city: Some(" ".into()),
            time_zone: Some("Mars/Olympus".into()),
            latitude: Some(f64::NAN),
            longitude: Some(180.1),
            ..Place::default()
        };
        assert_eq!(filled(&[("_ip", ip("203.0.113.7")), ("_regip", ip("203.0.113.7"))], &nonsense).fields.len(), 2);
    }

    #[test]
    fn only_addresses_that_mean_the_same_everywhere_have_a_place() {
        for local in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(filled(&[("_ip", ip(local))], &moscow()).fields.len(), 1, "{local}");
        }
        assert_eq!(public("::ffff:203.0.113.7".parse().unwrap()), Some("203.0.113.7".parse().unwrap()));
        assert_eq!(public("100.128.0.1".parse().unwrap()), Some("100.128.0.1".parse().unwrap()));
    }
}
