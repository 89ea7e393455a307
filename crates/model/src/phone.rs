//! Phone numbers: which texts are one, and the one form they are compared and stored by. Ruling M15.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};
use std::fmt;

/// A region whose number plan is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(rlibphonenumber::Region);

impl Region {
    /// The region with this ISO 3166 code, in capitals: `RU`.
    pub fn named(code: &str) -> Option<Self> {
        let region = code.parse().ok()?;
        PHONE_NUMBER_UTIL.get_supported_regions().any(|known| known == region).then_some(Self(region))
    }
}

/// The code.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A phone number in its international form: country code and number, at most 15 digits (E.164), written `+79000000000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(u64);

impl Phone {
    /// Reads a number. Separators are dropped. A text that does not begin with `+` is a national number: it is read
    /// with the number plan of `default_region`, or as international digits without one.
    /// `None` when the text is no number: letters, fewer than 8 or more than 15 digits, a country code of zero.
    pub fn parse(text: &str, default_region: Option<Region>) -> Option<Self> {
        let text = text.trim();
        match (text.strip_prefix('+'), default_region) {
            (Some(digits), _) => Self::from_international(digits),
            (None, Some(region)) => Self::from_national(text, region),
            (None, None) => Self::from_international(text),
        }
    }

    /// The digits without the plus sign, as one number.
    pub fn digits(self) -> u64 {
        self.0
    }

    /// The number these digits say, as far as it is one.
    pub fn from_digits(digits: u64) -> Option<Self> {
        (10_000_000..=999_999_999_999_999).contains(&digits).then_some(Self(digits))
    }

    fn from_international(digits: &str) -> Option<Self> {
        let mut number = 0u64;
        for byte in digits.bytes() {
            match byte {
                b'0' if number == 0 => return None,
                b'0'..=b'9' => number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?,
                b' ' | b'-' | b'(' | b')' | b'.' => {}
                _ => return None,
            }
        }
        Self::from_digits(number)
    }

    fn from_national(text: &str, region: Region) -> Option<Self> {
        let looks_like_a_number = text.bytes().all(|byte| byte.is_ascii_digit() || b" -().".contains(&byte));
        if !looks_like_a_number {
            return None;
        }
        let number = PHONE_NUMBER_UTIL.parse(text, Some(region.0)).ok()?;
        let international = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
        Self::from_international(international.strip_prefix('+')?)
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, region: Option<&str>, expected: Option<&str>) {
        let region = region.map(|code| Region::named(code).unwrap());
        assert_eq!(
            Phone::parse(text, region).map(|phone| phone.to_string()).as_deref(),
            expected,
            "{text:?} in {region:?}"
        );
    }

    #[test]
    fn reads_international_numbers_whatever_the_separators() {
        check("+79000000000", None, Some("+79000000000"));
        check(" +7 (900) 000-00.00 ", Some("RU"), Some("+79000000000"));
        check("+55 11 98765-4321", Some("RU"), Some("+5511987654321"));
        check("79000000000", None, Some("+79000000000"));
    }

    #[test]
    fn reads_national_numbers_of_the_default_region() {
        check("8 (900) 000-00-00", Some("RU"), Some("+79000000000"));
        check("9000000000", Some("RU"), Some("+79000000000"));
        check("79000000000", Some("RU"), Some("+79000000000"));
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in
            ["", "+", "phone", "12345", "+000000000000", "+799912345678901234567890", "+7900abc0000", "+1234567"]
        {
            check(text, None, None);
            check(text, Some("RU"), None);
        }
    }

    #[test]
    fn knows_its_regions() {
        let known = |code| Region::named(code).is_some();
        assert!(known("RU") && known("US") && !known("XX") && !known("Russia"));
    }
}
