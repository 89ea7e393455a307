//! Table: the statuses of a subscription, as word and number. Ruling S4.

macro_rules! statuses {
    ($($(#[$doc:meta])* $status:ident $word:literal $number:literal;)*) => {
        /// Where a subscription stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum SubscriptionStatus { #[default] $($(#[$doc])* $status,)* }

        impl SubscriptionStatus {
            /// All rows, in the order of the table.
            pub const ALL: &[SubscriptionStatus] = &[$(SubscriptionStatus::$status,)*];

            /// The status as a word.
            pub const fn word(self) -> &'static str {
                match self { $(SubscriptionStatus::$status => $word,)* }
            }

            /// The status as a number.
            pub const fn number(self) -> u8 {
                match self { $(SubscriptionStatus::$status => $number,)* }
            }
        }
    };
}

statuses! {
    /// Messages may be sent. A new subscription's status unless the request gives one (S3).
    Subscribed "subscribed" 0;
    /// The person has left.
    Unsubscribed "unsubscribed" 1;
    /// The person has reported spam.
    Complained "complained" 2;
    /// The address does not take messages.
    HardBounced "hardbounced" 3;
    /// The person has not confirmed yet.
    Unconfirmed "unconfirmed" 4;
    /// Paused.
    Suspended "suspended" 5;
    /// Unusable for another reason.
    Invalid "invalid" 6;
}

impl SubscriptionStatus {
    /// The status spelled `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.word() == word)
    }

    /// The status with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| i64::from(status.number()) == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_lead_back_to_their_row() {
        for &status in SubscriptionStatus::ALL {
            assert_eq!(SubscriptionStatus::from_word(status.word()), Some(status));
            assert_eq!(SubscriptionStatus::from_number(i64::from(status.number())), Some(status));
        }
        assert_eq!(SubscriptionStatus::from_word("Subscribed"), None);
        assert_eq!(SubscriptionStatus::from_number(7), None);
    }
}
