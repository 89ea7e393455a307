//! Table: faults in the decoded request: what it says of subscriptions.

use super::fault;
use crate::{Fault, seam::Seam::Import};
use rollcall_model::{
    address::Address, import::ImportRequest, resource::ResourceId, subscription_patch::SubscriptionPatch,
    subscription_status::SubscriptionStatus,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "status-dropped",
        "SUB-STATUS",
        "The status of a subscription is ignored.",
        Import(&|request| each(request, |given| given.status = None)),
    ),
    fault(
        "status-reset-on-reimport",
        "SUB-STATUS-KEPT",
        "A subscription that is given without a status becomes subscribed again.",
        Import(&|request| each(request, |given| given.status = given.status.or(Some(SubscriptionStatus::Subscribed)))),
    ),
    fault(
        "priority-dropped",
        "SUB-PRIORITY",
        "The priority of a subscription is ignored.",
        Import(&|request| each(request, |given| given.priority = None)),
    ),
    fault(
        "priority-zero-is-none",
        "SUB-PRIORITY-UPDATES",
        "A priority of 0 counts as none.",
        Import(&|request| each(request, |given| given.priority = given.priority.filter(|priority| *priority != 0))),
    ),
    fault(
        "subscription-fields-dropped",
        "SUB-CUSTOM-FIELDS",
        "The custom_fields of a subscription are ignored.",
        Import(&|request| each(request, |given| given.custom_fields.clear())),
    ),
    fault(
        "standard-subscription-fields-dropped",
        "SUB-CUSTOM-FIELDS",
        "Of custom_fields only those of the resource itself are kept.",
        Import(&|request| {
            each(request, |given| given.custom_fields.retain(|(name, _)| !name.as_str().starts_with('_')))
        }),
    ),
    fault(
        "categories-dropped",
        "SUB-CATS",
        "The cats of a subscription are ignored.",
        Import(&|request| each(request, |given| given.categories.clear())),
    ),
    fault(
        "resource-ignored",
        "SUB-RESOURCE-ID",
        "Every subscription is one to the first resource.",
        Import(&|request| each(request, |given| given.resource = ResourceId(1))),
    ),
    fault(
        "push-provider-forgotten",
        "SUB-CHANNEL-PUSH",
        "Push tokens are kept under one provider.",
        Import(&|request| {
            each(request, |given| {
                if let Address::Push { provider, .. } = &mut given.address {
                    *provider = "push".into();
                }
            });
        }),
    ),
    fault(
        "email-subscription-takes-profiles-address",
        "SUB-CHANNEL-EMAIL",
        "An e-mail subscription gets the profile's own address when the request has one.",
        Import(&|request| {
            let own = request.patch.email().cloned();
            each(request, |given| {
                if let (Address::Email(address), Some(own)) = (&mut given.address, &own) {
                    *address = own.clone();
                }
            });
        }),
    ),
    fault(
        "one-subscription-per-import",
        "SUB-OBJECT",
        "Of several subscriptions in one import the first one is kept.",
        Import(&|request| request.patch.subscriptions.truncate(1)),
    ),
    fault(
        "status-is-always-subscribed",
        "SUB-STATUS",
        "Whatever status is given, a subscription is subscribed.",
        Import(&|request| {
            each(request, |given| given.status = given.status.map(|_| SubscriptionStatus::Subscribed));
        }),
    ),
    fault(
        "subscription-without-status-left-out",
        "SUB-STATUS-OPTIONAL",
        "A subscription without status is taken and forgotten.",
        Import(&|request| request.patch.subscriptions.retain(|given| given.status.is_some())),
    ),
    fault(
        "priority-is-at-most-one",
        "SUB-PRIORITY",
        "A priority above 1 is kept as 1.",
        Import(&|request| each(request, |given| given.priority = given.priority.map(|priority| priority.min(1)))),
    ),
    fault(
        "subscription-with-priority-left-out",
        "SUB-PRIORITY",
        "A subscription with a priority is taken and forgotten.",
        Import(&|request| request.patch.subscriptions.retain(|given| given.priority.is_none())),
    ),
    fault(
        "subscription-with-categories-left-out",
        "SUB-CATS",
        "A subscription with categories is taken and forgotten.",
        Import(&|request| request.patch.subscriptions.retain(|given| given.categories.is_empty())),
    ),
    fault(
        "subscription-with-fields-left-out",
        "SUB-CUSTOM-FIELDS",
        "A subscription with fields is taken and forgotten.",
        Import(&|request| request.patch.subscriptions.retain(|given| given.custom_fields.is_empty())),
    ),
    fault(
        "last-subscription-left-out",
        "SUB-OBJECT",
        "Of several subscriptions in one import the last one is lost.",
        Import(&|request| {
            if request.patch.subscriptions.len() > 1 {
                request.patch.subscriptions.pop();
            }
        }),
    ),
];

fn each(request: &mut ImportRequest, change: impl Fn(&mut SubscriptionPatch)) {
    request.patch.subscriptions.iter_mut().for_each(change);
}
