//! E-mail addresses: which texts are one, and when two are the same. Ruling M14.

use email_address::{EmailAddress, Options};

/// An e-mail address as its owner spells it (trimmed), with the form it is compared by.
#[derive(Debug, Clone)]
pub struct Email {
    text: Box<str>,
    /// Only where it differs from `text`; most addresses are their own key.
    key: Option<Box<str>>,
}

impl Email {
    /// Reads an address. `None` when the text is not one: no `@`, a domain without a dot, an address literal,
    /// a quoted local part, a display name around it, or anything the e-mail grammar forbids.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let shape = PlainShape::of(text);
        if shape == PlainShape::No && !is_address(text) {
            return None;
        }
        let key = (shape != PlainShape::OwnKey).then(|| comparison_key(text)).filter(|key| **key != *text);
        Some(Self { text: text.into(), key })
    }

    /// The address as given, without surrounding white space.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form addresses are compared by: lower case, with an international domain in its ASCII form.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.text)
    }
}

/// Two addresses are equal when they are spelled alike; compare [`Email::key`] to ask whether they are the same box.
impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Email {}

/// What a quick look tells. Nearly every address is plain: ASCII letters, digits and dots, a short domain without
/// hyphens. For those a pass over the bytes says what the library would; a property test holds the two together.
#[derive(PartialEq)]
enum PlainShape {
    /// Not plain: the library decides.
    No,
    /// Plain and valid, with upper-case letters.
    Mixed,
    /// Plain, valid, and already in the form it is compared by.
    OwnKey,
}

impl PlainShape {
    fn of(text: &str) -> Self {
        let Some(at) = text.bytes().rposition(|byte| byte == b'@') else { return Self::No };
        let (local, domain) = (&text.as_bytes()[..at], &text.as_bytes()[at + 1..]);
        let is_plain = local.len() <= 64 && domain.len() <= 63 && domain.contains(&b'.');
        match (dotted(local, LETTER | SIGN), dotted(domain, LETTER)) {
            (Some(in_local), Some(in_domain)) if is_plain => match (in_local | in_domain) & UPPER {
                0 => Self::OwnKey,
                _ => Self::Mixed,
            },
            _ => Self::No,
        }
    }
}

/// Classes of bytes, as bits.
const LETTER: u8 = 1; // a letter or a digit
const SIGN: u8 = 2; // what else may stand before the @ without quotes, as far as it is usual
const UPPER: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'A'..=b'Z' => LETTER | UPPER,
            b'a'..=b'z' | b'0'..=b'9' => LETTER,
            b'_' | b'+' | b'-' => SIGN,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// All classes that are there, if the text is parts of allowed bytes separated by single dots.
fn dotted(text: &[u8], allowed: u8) -> Option<u8> {
    let (mut seen, mut in_part) = (0, false);
    for &byte in text {
        let class = CLASSES[usize::from(byte)];
        seen |= class;
        match class & allowed {
            0 if byte == b'.' && in_part => in_part = false,
            0 => return None,
            _ => in_part = true,
        }
    }
    in_part.then_some(seen)
}

/// The library's judgement, narrowed to addresses one can send to from anywhere.
fn is_address(text: &str) -> bool {
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    EmailAddress::parse_with_options(text, options)
        .is_ok_and(|address| !address.local_part().starts_with('"') && idna::domain_to_ascii(address.domain()).is_ok())
}

fn comparison_key(text: &str) -> Box<str> {
    let lower = text.to_lowercase();
    let Some((local, domain)) = lower.rsplit_once('@') else { return lower.into() };
    let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned());
    format!("{local}@{domain}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_addresses_one_can_send_to() {
        for text in [
            "a@b.co",
            " example@example.com ",
            "First.Last+tag@sub.example.org",
            "почта@пример.рф",
            "o'neil@example.com",
        ] {
            assert!(Email::parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_an_address() {
        let wrong = [
            "",
            "a",
            "@",
            "a@",
            "@b.co",
            "a@b",
            "a b@c.de",
            "a@b..co",
            "a.@b.co",
            ".a@b.co",
            "a@-b.co",
            "a@b.co-",
            "a@[127.0.0.1]",
            "\"x y\"@b.co",
            "Ann <a@b.co>",
            "a@b@c.de",
            "a@b.co\nbcc: x@y.zz",
        ];
        for text in wrong {
            assert!(Email::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn compares_without_case_and_in_ascii_domains() {
        assert_eq!(Email::parse("Ann@Example.COM").unwrap().key(), "ann@example.com");
        assert_eq!(Email::parse("ann@Пример.рф").unwrap().key(), "ann@xn--e1afmkfd.xn--p1ai");
        assert_eq!(Email::parse(" Ann@example.com").unwrap().as_str(), "Ann@example.com");
    }

    proptest! {
        #[test]
        fn the_quick_look_and_the_library_agree(text in "[a-zA-Z0-9.+_-]{0,12}@[a-zA-Z0-9.-]{0,14}") {
            if PlainShape::of(&text) != PlainShape::No {
                prop_assert!(is_address(&text), "the library refuses {text}");
            }
        }

        #[test]
        fn a_key_is_its_own_key(text in "[a-zA-Z0-9]{1,8}@[a-zA-Zа-яА-Я]{1,8}\\.(com|рф)") {
            if let Some(email) = Email::parse(&text) {
                let again = Email::parse(email.key()).expect("a key is an address");
                prop_assert_eq!(again.key(), email.key());
            }
        }
    }
}
