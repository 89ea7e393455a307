//! Table: every reason an answer can have, with its number and text. Ruling T11.
//!
//! Code names the reason ([`ResponseCode::UnknownMatchingMode`]), never the number: several reasons share 400.

macro_rules! response_codes {
    ($($(#[$doc:meta])* $reason:ident $number:literal $text:literal;)*) => {
        /// Why a request was answered the way it was.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ResponseCode { $($(#[$doc])* $reason,)* }

        impl ResponseCode {
            /// All rows, in the order of the table.
            pub const ALL: &[ResponseCode] = &[$(ResponseCode::$reason,)*];

            /// The number in the answer's `error`.
            pub const fn number(self) -> u16 {
                match self { $(ResponseCode::$reason => $number,)* }
            }

            /// What the number and reason mean, in one sentence part.
            pub const fn text(self) -> &'static str {
                match self { $(ResponseCode::$reason => $text,)* }
            }

            /// The row's own name, for logs and metrics.
            pub const fn name(self) -> &'static str {
                match self { $(ResponseCode::$reason => stringify!($reason),)* }
            }
        }
    };
}

response_codes! {
    /// The import took effect.
    Success 0 "Successful operation";
    /// The bytes are not a JSON or XML document (T12, T14, T15).
    MalformedBody 400 "Incorrect request: malformed body";
    /// More subscriptions than are taken (T13). The parser's own limits are a malformed body, with the place.
    LimitExceeded 400 "Incorrect request: limit exceeded";
    /// A required parameter is absent (T6a, D15, M11).
    MissingParameter 400 "Incorrect request: parameter is missing";
    /// A parameter or field has a value of the wrong type or form (D5-D8).
    IncorrectValue 400 "Incorrect request: incorrect value";
    /// The database has no such profile field (D3).
    UnknownField 400 "Incorrect request: unknown field";
    /// `matching` names none of the modes (M1).
    UnknownMatchingMode 400 "Incorrect request: unknown matching mode";
    /// A subscription that cannot be stored as given (S5, S6).
    InvalidSubscription 400 "Incorrect request: invalid subscription";
    /// The database has no such static segment, or it is to be entered and left at once (D12).
    IncorrectSegment 400 "Incorrect request: incorrect segment";
    /// No token in the body, the header or the query (T7).
    TokenMissing 401 "API token required";
    /// The account's tariff does not allow more.
    TariffLimit 402 "Tariff limit reached";
    /// The token is unknown, or has no right to this database (T11).
    NoAccess 403 "No access";
    /// There is no such database.
    DatabaseNotFound 404 "Database not found";
    /// A mode that only updates found nobody (M8).
    ProfileNotFound 404 "Profile not found";
    /// The profile has no such subscription.
    SubscriptionNotFound 404 "Subscription not found";
    /// There is no such resource, or none that the caller may see.
    ResourceNotFound 404 "Resource not found";
    /// There is no such call (T3).
    UnknownCall 404 "Unknown call";
    /// The call exists, but not with this HTTP method (T2).
    MethodNotAllowed 405 "Method not allowed";
    /// The e-mail belongs to another profile of the database (D9).
    EmailTaken 409 "Conflict: e-mail belongs to another profile";
    /// A value that no two profiles may have belongs to another profile of the database.
    ValueTaken 409 "Conflict: value belongs to another profile";
    /// Several profiles match and the database refuses to choose (M10).
    SeveralFound 409 "Conflict: several profiles match";
    /// The body is larger than the server reads (T13).
    BodyTooLarge 413 "Request body too large";
    /// `Content-Type` is neither JSON nor XML (T5).
    UnsupportedMediaType 415 "Unsupported media type";
    /// The token has sent too much in too short a time.
    TooManyRequests 429 "Too many requests";
    /// A fault of ours; details are in the log, never in the answer.
    InternalError 500 "Internal error";
    /// The store cannot take the write now; sending it again later is safe.
    Unavailable 503 "Service unavailable, try again later";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_alone_is_zero_and_failures_are_http_errors() {
        for &code in ResponseCode::ALL {
            let lawful =
                if code == ResponseCode::Success { code.number() == 0 } else { (400..600).contains(&code.number()) };
            assert!(lawful, "{code:?} has number {}", code.number());
        }
    }

    #[test]
    fn every_reason_has_a_text_of_its_own() {
        let mut texts: Vec<_> = ResponseCode::ALL.iter().map(|code| code.text()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ResponseCode::ALL.len());
    }
}
