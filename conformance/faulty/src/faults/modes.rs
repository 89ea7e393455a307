//! Table: faults in the table of modes: a place too few, a place too many, a mode too few, create and refuse flipped.

use super::fault;
use crate::{Fault, seam::Seam::Modes};
use rollcall_matching::{
    key::KeySource::{self, CustomField, EmailSubscription, ProfileEmail, ProfilePhone, SmsSubscription},
    mode::{Mode, OnAbsent},
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "email-skips-profile",
        "MATCH-EMAIL-BOTH",
        "Mode email searches subscriptions only.",
        Modes(&|modes| searches(modes, "email", &[EmailSubscription])),
    ),
    fault(
        "email-skips-subscriptions",
        "MATCH-SEARCHES-TOGETHER",
        "Mode email searches the profile only.",
        Modes(&|modes| searches(modes, "email", &[ProfileEmail])),
    ),
    fault(
        "email-searches-phones",
        "MATCH-EMAIL-BOTH",
        "Mode email also finds a profile by its phone.",
        Modes(&|modes| searches(modes, "email", &[ProfileEmail, EmailSubscription, ProfilePhone])),
    ),
    fault(
        "email-profile-searches-subscriptions",
        "MATCH-EMAIL-PROFILE",
        "Mode email_profile also searches e-mail subscriptions.",
        Modes(&|modes| searches(modes, "email_profile", &[ProfileEmail, EmailSubscription])),
    ),
    fault(
        "email-sub-searches-profile",
        "MATCH-EMAIL-SUB",
        "Mode email_sub also searches the profile's own e-mail.",
        Modes(&|modes| searches(modes, "email_sub", &[EmailSubscription, ProfileEmail])),
    ),
    fault(
        "email-sub-searches-sms",
        "MATCH-MODE-DECIDES",
        "Mode email_sub also finds a profile by the number of an SMS subscription.",
        Modes(&|modes| searches(modes, "email_sub", &[EmailSubscription, SmsSubscription])),
    ),
    fault(
        "phone-skips-profile",
        "MATCH-PHONE-BOTH",
        "Mode phone searches SMS subscriptions only.",
        Modes(&|modes| searches(modes, "phone", &[SmsSubscription])),
    ),
    fault(
        "phone-skips-sms",
        "MATCH-SEARCHES-TOGETHER",
        "Mode phone searches the profile only.",
        Modes(&|modes| searches(modes, "phone", &[ProfilePhone])),
    ),
    fault(
        "phone-falls-back-to-email",
        "MATCH-PHONE-BOTH",
        "Mode phone falls back to the e-mail.",
        Modes(&|modes| {
            searches(modes, "phone", &[ProfilePhone, SmsSubscription, ProfileEmail, EmailSubscription]);
        }),
    ),
    fault(
        "phone-sub-searches-profile",
        "MATCH-PHONE-SUB",
        "Mode phone_sub also searches the profile's own phones.",
        Modes(&|modes| searches(modes, "phone_sub", &[SmsSubscription, ProfilePhone])),
    ),
    fault(
        "phone-sub-searches-profile-only",
        "MATCH-PHONE-SUB",
        "Mode phone_sub searches the profile's phones instead of its SMS subscriptions.",
        Modes(&|modes| searches(modes, "phone_sub", &[ProfilePhone])),
    ),
    fault(
        "email-phone-ignores-phone",
        "MATCH-EMAIL-PHONE",
        "Mode email_phone searches by e-mail only.",
        Modes(&|modes| searches(modes, "email_phone", &[ProfileEmail])),
    ),
    fault(
        "email-phone-ignores-email",
        "MATCH-EMAIL-PHONE",
        "Mode email_phone searches by phone only.",
        Modes(&|modes| searches(modes, "email_phone", &[ProfilePhone])),
    ),
    fault(
        "email-phone-sub-ignores-sms",
        "MATCH-EMAIL-PHONE-SUB",
        "Mode email_phone_sub searches e-mail subscriptions only.",
        Modes(&|modes| searches(modes, "email_phone_sub", &[EmailSubscription])),
    ),
    fault(
        "email-phone-sub-ignores-email",
        "MATCH-EMAIL-PHONE-SUB",
        "Mode email_phone_sub searches SMS subscriptions only.",
        Modes(&|modes| searches(modes, "email_phone_sub", &[SmsSubscription])),
    ),
    fault(
        "email-phone-sub-searches-profile-email",
        "MATCH-EMAIL-PHONE-SUB",
        "Mode email_phone_sub also searches the profile's own e-mail.",
        Modes(&|modes| searches(modes, "email_phone_sub", &[EmailSubscription, SmsSubscription, ProfileEmail])),
    ),
    fault(
        "email-phone-sub-searches-profile-phone",
        "MATCH-EMAIL-PHONE-SUB",
        "Mode email_phone_sub also searches the profile's own phones.",
        Modes(&|modes| searches(modes, "email_phone_sub", &[EmailSubscription, SmsSubscription, ProfilePhone])),
    ),
    fault(
        "custom-falls-back-to-email",
        "MATCH-CUSTOM",
        "Mode custom falls back to the e-mail.",
        Modes(&|modes| searches(modes, "custom", &[CustomField, ProfileEmail, EmailSubscription])),
    ),
    fault(
        "profile-id-creates",
        "MATCH-PROFILE-ID-UPDATES-ONLY",
        "Mode profile_id creates a profile when none has the id.",
        Modes(&|modes| when_absent(modes, "profile_id", OnAbsent::Create)),
    ),
    fault(
        "email-only-updates",
        "MATCH-CREATES",
        "Mode email refuses people it does not know.",
        Modes(&|modes| when_absent(modes, "email", OnAbsent::Refuse)),
    ),
    fault(
        "push-sub-only-updates",
        "MATCH-CREATES",
        "Mode push_sub refuses people it does not know.",
        Modes(&|modes| when_absent(modes, "push_sub", OnAbsent::Refuse)),
    ),
    fault("custom-unknown", "MATCH-CUSTOM", "There is no mode custom.", Modes(&|modes| lacks(modes, "custom"))),
    fault("push-sub-unknown", "MATCH-PUSH-SUB", "There is no mode push_sub.", Modes(&|modes| lacks(modes, "push_sub"))),
    fault(
        "custom-sub-unknown",
        "MATCH-CUSTOM-SUB",
        "There is no mode custom_sub.",
        Modes(&|modes| lacks(modes, "custom_sub")),
    ),
    fault(
        "default-is-email-profile",
        "MATCH-DEFAULT-EMAIL",
        "Without a mode, only the profile's own e-mail is searched.",
        Modes(&|modes| prefers(modes, "email_profile")),
    ),
    fault(
        "default-is-email-sub",
        "MATCH-DEFAULT-EMAIL",
        "Without a mode, only e-mail subscriptions are searched.",
        Modes(&|modes| prefers(modes, "email_sub")),
    ),
    fault(
        "default-is-phone",
        "MATCH-DEFAULT-EMAIL",
        "Without a mode, the search is by phone.",
        Modes(&|modes| prefers(modes, "phone")),
    ),
];

fn searches(modes: &mut [Mode], name: &str, keys: &'static [KeySource]) {
    modes.iter_mut().filter(|mode| mode.name == name).for_each(|mode| mode.keys = keys);
}

fn when_absent(modes: &mut [Mode], name: &str, on_absent: OnAbsent) {
    modes.iter_mut().filter(|mode| mode.name == name).for_each(|mode| mode.on_absent = on_absent);
}

fn lacks(modes: &mut Vec<Mode>, name: &str) {
    modes.retain(|mode| mode.name != name);
}

/// Puts the mode first, which makes it the default.
fn prefers(modes: &mut [Mode], name: &str) {
    modes.sort_by_key(|mode| mode.name != name);
}
