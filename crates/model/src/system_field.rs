//! Table: the profile fields that every database has, with what they hold. Page lines 209-300; the rest from dossier
//! 3.3 and 4.5.

use crate::field::{FieldDefinition, FieldKind, FieldName};

/// The field that is unique in a database (D9).
pub const EMAIL: &str = "email";

/// The field that holds the profile's phone numbers.
pub const PHONES: &str = "phones";

/// Name and type of each system field that an import may set.
pub const SYSTEM_FIELDS: &[(&str, FieldKind)] = &[
    (EMAIL, FieldKind::Email),
    (PHONES, FieldKind::Phones),
    ("_fname", FieldKind::Text),
    ("_lname", FieldKind::Text),
    ("_bdate", FieldKind::Date),
    ("_sex", FieldKind::Sex),
    ("_regdate", FieldKind::Date),
    ("_regip", FieldKind::Ip),
    ("_regcity", FieldKind::Text),
    ("_regcountry", FieldKind::Text),
    ("_regurl", FieldKind::Text),
    ("_ip", FieldKind::Ip),
    ("_city", FieldKind::Text),
    ("_country", FieldKind::Text),
    ("_region", FieldKind::Text),
    ("_postal_code", FieldKind::Text),
    ("_tz", FieldKind::TimeZone),
    ("_lat", FieldKind::Float),
    ("_lon", FieldKind::Float),
    ("_vendor", FieldKind::Text),
    ("_status", FieldKind::Int),
    ("_browser", FieldKind::Text),
    ("_os", FieldKind::Text),
];

/// Name and type of each system field that a subscription may carry in `custom_fields`, whatever the resource.
pub const SUBSCRIPTION_FIELDS: &[(&str, FieldKind)] = &[
    ("_device_type", FieldKind::Text),
    ("_device_model", FieldKind::Text),
    ("_device_name", FieldKind::Text),
    ("_os", FieldKind::Text),
    ("_os_ver", FieldKind::Text),
    ("_os_tz", FieldKind::Text),
    ("_os_language", FieldKind::Text),
    ("_ad_track", FieldKind::Bool),
    ("_ad_id", FieldKind::Text),
    ("_app_id", FieldKind::Text),
    ("_app_iid", FieldKind::Text),
    ("_app_ver", FieldKind::Text),
    ("_browser_name", FieldKind::Text),
];

/// The rows of one of these tables as definitions.
pub fn definitions(rows: &[(&str, FieldKind)]) -> impl Iterator<Item = FieldDefinition> {
    rows.iter()
        .map(|&(name, kind)| FieldDefinition { is_unique: name == EMAIL, ..FieldDefinition::new(name.into(), kind) })
}

/// Whether a name is open to definition by a configuration: names of the system begin with `_`, but for two.
pub fn is_custom(name: &FieldName) -> bool {
    let name = name.as_str();
    !name.starts_with('_') && name != EMAIL && name != PHONES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::FieldDefinitions;

    #[test]
    fn the_system_keeps_its_names_for_itself() {
        for (name, _) in SYSTEM_FIELDS.iter().chain(SUBSCRIPTION_FIELDS) {
            assert!(!is_custom(&(*name).into()), "{name}");
        }
        assert!(is_custom(&"custom_field".into()));
    }

    #[test]
    fn no_name_stands_twice() {
        for rows in [SYSTEM_FIELDS, SUBSCRIPTION_FIELDS] {
            assert!(FieldDefinitions::new(definitions(rows).collect()).is_ok());
        }
    }
}
