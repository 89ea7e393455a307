//! Faults made from the server's own tables: each row wrong in each way that a row of its table can be wrong.
//!
//! A way that the rulings allow is left out: it would be no fault. Which requirement a row stands for follows from its
//! name, so that a new row without a requirement is told.

mod answers; // what an answer says
mod channels; // the channels of subscriptions
mod examples; // the requests that the documentation prints
mod fields; // fields of profiles, and what can be done to them
mod modes; // the matching modes
mod parameters; // what stands beside `data`
mod places; // the places that can be searched
mod statuses; // the statuses of subscriptions

use crate::{Fault, seam::Seam};

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Fault> {
    let tables = [
        modes::faults(),
        places::faults(),
        channels::faults(),
        fields::faults(),
        parameters::faults(),
        statuses::faults(),
        answers::faults(),
        examples::faults(),
    ];
    tables.into_iter().flatten()
}

/// A fault whose texts were made too; they stay as long as it does.
fn made(name: String, breaks: impl Into<String>, story: String, seam: Seam) -> Fault {
    super::fault(name.leak(), breaks.into().leak(), story.leak(), seam)
}

/// The requirement of a table's row, by the name of the row: `SUB-CHANNEL` and `telegram_bot` give
/// `SUB-CHANNEL-TELEGRAM-BOT`.
fn requirement(table: &str, row: &str) -> String {
    format!("{table}-{}", kebab(row).to_uppercase())
}

/// A name of the wire or of a variant as it stands in the name of a fault.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for c in name.trim_start_matches('_').chars() {
        if c == '_' || (c.is_uppercase() && !kebab.is_empty()) {
            kebab.push('-');
        }
        kebab.extend(c.to_lowercase().filter(|c| *c != '_'));
    }
    kebab
}

/// Every pair of a table's rows, each once.
fn pairs<T>(rows: &[T]) -> impl Iterator<Item = (&T, &T)> {
    rows.iter().enumerate().flat_map(|(place, one)| rows[place + 1..].iter().map(move |other| (one, other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lead_to_their_requirements() {
        assert_eq!(requirement("SUB-CHANNEL", "telegram_bot"), "SUB-CHANNEL-TELEGRAM-BOT");
        assert_eq!(requirement("DATA-FIELD", "_postal_code"), "DATA-FIELD-POSTAL-CODE");
        assert_eq!(kebab("EmailSubscription"), "email-subscription");
    }
}
