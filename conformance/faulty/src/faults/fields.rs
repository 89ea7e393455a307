//! Table: faults in the decoded request: whom it means, and what it does to fields.

use super::fault;
use crate::{Fault, seam::Seam::Import};
use rollcall_matching::mode::MODES;
use rollcall_model::{
    address::Address,
    database::DatabaseId,
    field::FieldValue,
    field_change::FieldChange,
    import::ImportRequest,
    system_field::{EMAIL, PHONES},
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "mode-ignored",
        "MATCH-MODE-DECIDES",
        "Every import is searched in mode email.",
        Import(&|request| {
            if request.identifiers.email.is_some() {
                request.matching = None;
            }
        }),
    ),
    fault(
        "custom-value-ignored",
        "MATCH-CUSTOM",
        "Mode custom finds whoever has the field, whatever its value.",
        Import(&|request| {
            let any = || FieldValue::Text("any".into());
            if let Some(searched) = &mut request.identifiers.field_value {
                searched.of_database = Some(any());
            }
            values(request, |name, value| {
                if name == "custom_field" {
                    *value = any();
                }
            });
        }),
    ),
    fault(
        "one-database-for-all",
        "PARAM-DB-ID-SELECTS",
        "Whatever db_id says, profiles are sought and kept in one database.",
        Import(&|request| request.database = DatabaseId(1)),
    ),
    fault(
        "matching-value-copied",
        "DATA-ABSENT",
        "The e-mail that was matched by becomes the profile's own, also when the profile has another one.",
        Import(&|request| {
            if let (Some(email), None) = (request.identifiers.email.clone(), request.patch.change(EMAIL)) {
                request.patch.fields.push((EMAIL.into(), FieldChange::Set(FieldValue::Email(email))));
            }
        }),
    ),
    fault(
        "absent-fields-cleared",
        "DATA-ABSENT",
        "Fields that the request does not have are cleared.",
        Import(&|request| clear_absent(request, &["_fname", "_lname", "custom_field"])),
    ),
    fault(
        "absent-phones-cleared",
        "DATA-ABSENT",
        "A request without phones clears those of the profile.",
        Import(&|request| clear_absent(request, &[PHONES])),
    ),
    fault(
        "dates-in-local-time",
        "DATA-FIELD-BDATE",
        "Dates are kept as if they were three hours east of UTC.",
        Import(&|request| {
            values(request, |_, value| {
                if let FieldValue::Date(moment) = value {
                    *moment -= std::time::Duration::from_secs(3 * 60 * 60);
                }
            });
        }),
    ),
    fault(
        "fractions-cut",
        "DATA-CUSTOM-NUMBERS",
        "Numbers lose their fraction.",
        Import(&|request| {
            values(request, |_, value| {
                if let FieldValue::Float(number) = value {
                    *number = number.trunc();
                }
            });
        }),
    ),
    fault(
        "text-is-ascii",
        "DATA-TEXT-EXACT",
        "Characters outside ASCII become question marks.",
        Import(&|request| texts(request, |text| text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect())),
    ),
    fault(
        "text-in-small-letters",
        "DATA-TEXT-EXACT",
        "Texts are kept in small letters.",
        Import(&|request| texts(request, str::to_lowercase)),
    ),
    fault(
        "text-without-quotes",
        "DATA-TEXT-EXACT",
        "Quotes, brackets and backslashes are taken out of texts.",
        Import(&|request| texts(request, |text| text.replace(['"', '\'', '<', '>', '\\'], ""))),
    ),
    fault(
        "text-like-a-number-is-one",
        "DATA-TEXT-EXACT",
        "A text of digits is kept as a number.",
        Import(&|request| texts(request, |text| text.parse().map_or_else(|_| text.to_owned(), |n: i64| n.to_string()))),
    ),
    fault(
        "skip-triggers-skips-data",
        "PARAM-SKIP-TRIGGERS",
        "With skip_triggers true nothing is stored.",
        Import(&|request| {
            if request.options.skip_triggers {
                request.patch = Default::default();
            }
        }),
    ),
    fault(
        "detect-geo-skips-data",
        "PARAM-DETECT-GEO",
        "With detect_geo true the database's own fields are not stored.",
        Import(&|request| {
            if request.options.detect_geo {
                drop_field(request, "custom_field");
            }
        }),
    ),
    fault(
        "data-beside-segments-dropped",
        "PARAM-TOGETHER",
        "A request that names segments does nothing else.",
        Import(&|request| {
            if !request.patch.add_to_segments.is_empty() {
                request.patch.fields.retain(|(name, _)| name.as_str() == EMAIL);
                request.patch.subscriptions.clear();
            }
        }),
    ),
    fault(
        "moments-cut-to-days",
        "DATA-DATE-RFC3339",
        "A date is kept without its time.",
        Import(&|request| {
            values(request, |_, value| {
                if let FieldValue::Date(moment) = value {
                    let seconds = moment.as_second();
                    *moment -= std::time::Duration::from_secs(seconds.rem_euclid(24 * 60 * 60).unsigned_abs());
                }
            });
        }),
    ),
    fault(
        "without-matching-nothing-is-stored",
        "PARAM-MATCHING-OPTIONAL",
        "Without matching the data is not stored.",
        Import(&|request| {
            if request.matching.is_none() {
                request.patch.fields.clear();
                request.patch.subscriptions.clear();
            }
        }),
    ),
    fault(
        "texts-cut",
        "DATA-TEXT-LONG",
        "Texts are cut after 255 characters.",
        Import(&|request| texts(request, |text| text.chars().take(255).collect())),
    ),
    fault(
        "detected-wins",
        "PARAM-DETECT-GEO-EXPLICIT",
        "With detect_geo true, a given time zone is not kept.",
        Import(&|request| {
            if request.options.detect_geo {
                drop_field(request, "_tz");
            }
        }),
    ),
    fault(
        "detect-geo-takes-the-address-away",
        "PARAM-DETECT-GEO",
        "With detect_geo true, a request that has addresses stores nothing else.",
        Import(&|request| {
            if request.options.detect_geo
                && (request.patch.value("_ip").is_some() || request.patch.value("_regip").is_some())
            {
                request.patch.fields.retain(|(name, _)| ["_ip", "_regip"].contains(&name.as_str()));
            }
        }),
    ),
    fault(
        "any-one-tag-will-do",
        "MATCH-CUSTOM-TAGS",
        "Of a combination of tags the first one is searched.",
        Import(&|request| {
            if let Some(FieldValue::Tags(tags)) =
                request.identifiers.field_value.as_mut().and_then(|value| value.of_database.as_mut())
            {
                tags.truncate(1);
            }
        }),
    ),
    fault(
        "tags-are-one-text",
        "MATCH-CUSTOM-TAGS",
        "A combination of tags is searched as if it were one tag.",
        Import(&|request| {
            if let Some(value) = &mut request.identifiers.field_value
                && let Some(FieldValue::Tags(tags)) = &mut value.of_database
            {
                *tags = vec![value.text.clone()];
            }
        }),
    ),
    fault(
        "unknown-mode-is-the-default",
        "MATCH-MODE-UNKNOWN",
        "A mode that does not exist is taken for the default.",
        Import(&|request| {
            if request.matching.as_deref().is_some_and(|name| MODES.iter().all(|mode| mode.name != name)) {
                request.matching = None;
            }
        }),
    ),
    fault(
        "push-token-ignored",
        "MATCH-PUSH-SUB",
        "Push subscriptions of one provider are all the same.",
        Import(&|request| {
            let any = || "any".into();
            request.identifiers.subscription_id = request.identifiers.subscription_id.as_ref().map(|_| any());
            for given in &mut request.patch.subscriptions {
                if let Address::Push { subscription_id, .. } = &mut given.address {
                    *subscription_id = any();
                }
            }
        }),
    ),
];

pub(super) fn drop_field(request: &mut ImportRequest, name: &str) {
    request.patch.fields.retain(|(known, _)| known.as_str() != name);
}

pub(super) fn clear_absent(request: &mut ImportRequest, names: &[&str]) {
    for name in names.iter().filter(|name| request.patch.change(name).is_none()).collect::<Vec<_>>() {
        request.patch.fields.push(((*name).into(), FieldChange::Unset));
    }
}

/// Shows every value that a field is to be given.
pub(super) fn values(request: &mut ImportRequest, change: impl Fn(&str, &mut FieldValue)) {
    for (name, given) in &mut request.patch.fields {
        if let FieldChange::Set(value) = given {
            change(name.as_str(), value);
        }
    }
}

fn texts(request: &mut ImportRequest, change: impl Fn(&str) -> String) {
    values(request, |_, value| {
        if let FieldValue::Text(text) = value {
            *text = change(text).into();
        }
    });
}
