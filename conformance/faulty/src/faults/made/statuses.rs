//! Each status of a subscription: refused or kept as another one, by its word and by its number.

use super::made;
use crate::{Fault, message::Message, seam::Seam};
use rollcall_model::{import::ImportRequest, subscription_status::SubscriptionStatus};

pub(super) fn faults() -> Vec<Fault> {
    let statuses = SubscriptionStatus::ALL;
    let each = statuses.iter().zip(statuses.iter().cycle().skip(1));
    each.flat_map(|(status, other)| {
        [refused(*status), confused(*status, *other), number_refused(*status), number_confused(*status, *other)]
    })
    .collect()
}

fn refused(status: SubscriptionStatus) -> Fault {
    let word = status.word();
    let is_given = move |message: &Message| message.has("subscriptions") && message.has_value(word);
    made(
        format!("status-{word}-refused"),
        "SUB-STATUS-WORDS",
        format!("The status {word} is refused."),
        Seam::refuses(is_given),
    )
}

fn confused(status: SubscriptionStatus, other: SubscriptionStatus) -> Fault {
    let is_common = matches!(status, SubscriptionStatus::Subscribed | SubscriptionStatus::Unsubscribed);
    // With one of these two gone, there is no status to speak of.
    let breaks = if is_common { "SUB-STATUS" } else { "SUB-STATUS-WORDS" };
    let confuse = move |request: &mut ImportRequest| {
        let given = request.patch.subscriptions.iter_mut().filter(|given| given.status == Some(status));
        given.for_each(|given| given.status = Some(other));
    };
    made(
        format!("status-{}-kept-as-{}", status.word(), other.word()),
        breaks,
        format!("The status {} is kept as {}.", status.word(), other.word()),
        Seam::import(confuse),
    )
}

fn number_refused(status: SubscriptionStatus) -> Fault {
    let number = status.number().to_string();
    made(
        format!("status-number-{number}-refused"),
        "SUB-STATUS-NUMBERS",
        format!("The number {number} is no status."),
        Seam::refuses(move |message| message.value("status") == Some(&number)),
    )
}

fn number_confused(status: SubscriptionStatus, other: SubscriptionStatus) -> Fault {
    let [number, instead] = [status, other].map(|status| status.number().to_string());
    let confuse = move |message: &mut Message| {
        if message.value("status") == Some(&number) {
            message.set("status", &instead);
        }
    };
    made(
        format!("status-number-{}-taken-for-{}", status.number(), other.number()),
        "SUB-STATUS-NUMBERS",
        format!("The number {} is taken for the status {}.", status.number(), other.word()),
        Seam::request(confuse),
    )
}
