//! Takes the world's tokens out of what reports show.

use std::collections::BTreeSet;

use crate::judge::Verdict;
use crate::render;
use crate::world::World;

/// Puts `$TOKEN` and `$FOREIGN_TOKEN` where the world's tokens stood, in whatever spelling.
#[derive(Debug)]
pub(crate) struct Masker {
    secrets: Vec<(String, &'static str)>,
    /// True for each byte that a secret begins with.
    beginnings: [bool; 256],
}

impl Masker {
    /// A masker for the tokens of this world.
    pub(crate) fn new(world: &World) -> Self {
        let tokens = [(Some(&world.token), "$TOKEN"), (world.foreign_token.as_ref(), "$FOREIGN_TOKEN")];
        let mut secrets = Vec::new();
        for (token, mask) in tokens {
            if let Some(token) = token.filter(|token| !token.is_empty()) {
                secrets.extend(spellings(token).into_iter().map(|spelling| (spelling, mask)));
            }
        }
        // A token that holds another one must be masked whole.
        secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        let mut beginnings = [false; 256];
        for (secret, _) in &secrets {
            beginnings[usize::from(secret.as_bytes()[0])] = true; // no secret is empty
        }
        Self { secrets, beginnings }
    }

    /// Masks everything that reports show.
    pub(crate) fn mask(&self, verdict: &mut Verdict) {
        if let Some(failure) = &mut verdict.failure {
            self.text(&mut failure.expected);
            self.text(&mut failure.actual);
        }
        for (_, word) in &mut verdict.observations {
            self.text(word);
        }
        for exchange in &mut verdict.exchanges {
            self.text(&mut exchange.sent.url);
            self.bytes(&mut exchange.sent.body);
            exchange.sent.headers.iter_mut().for_each(|(_, value)| self.text(value));
            match &mut exchange.received {
                Ok(received) => {
                    self.bytes(&mut received.body);
                    received.headers.iter_mut().for_each(|(_, value)| self.text(value));
                }
                Err(reason) => self.text(reason),
            }
        }
    }

    fn text(&self, text: &mut String) {
        let mut bytes = std::mem::take(text).into_bytes();
        self.bytes(&mut bytes);
        // Secrets and masks are whole characters, so that what is left is text as before.
        *text = String::from_utf8_lossy(&bytes).into_owned();
    }

    /// Goes through the bytes once and resumes behind each mask, since a token may well be part of its mask.
    fn bytes(&self, bytes: &mut Vec<u8>) {
        let mut at = 0;
        let begins = |byte: &u8| self.beginnings[usize::from(*byte)];
        while let Some(distance) = bytes[at..].iter().position(begins) {
            at += distance;
            match self.secrets.iter().find(|(secret, _)| bytes[at..].starts_with(secret.as_bytes())) {
                Some((secret, mask)) => {
                    bytes.splice(at..at + secret.len(), mask.bytes());
                    at += mask.len();
                }
                None => at += 1,
            }
        }
    }
}

/// A token as it is, escaped, and escaped twice, as in an answer that quotes the request.
fn spellings(token: &str) -> BTreeSet<String> {
    let escapes = [render::escape_json, render::escape_xml, render::escape_url];
    let mut all = BTreeSet::from([token.to_owned()]);
    for _ in 0..2 {
        let more: Vec<String> = all.iter().flat_map(|text| escapes.map(|escape| escape(text))).collect();
        all.extend(more);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(token: &str, text: &str) -> String {
        let foreign = format!("{token}2");
        let world = format!("[suite]\ndatabase = 1\ntoken = {token:?}\nforeign_token = {foreign:?}");
        let mut bytes = text.as_bytes().to_vec();
        let masker = Masker::new(&World::read(&world).unwrap());
        masker.bytes(&mut bytes);
        let mut text = text.to_owned();
        masker.text(&mut text);
        assert_eq!(text.as_bytes(), bytes);
        text
    }

    #[test]
    fn masks_every_spelling_of_a_token() {
        assert_eq!(masked("s3cret", "a s3cret b s3cret2"), "a $TOKEN b $FOREIGN_TOKEN");
        assert_eq!(masked("a&\"", r#"a&\" a&amp;&quot; a%26%22 a&" a&\\\""#), ["$TOKEN"; 5].join(" "));
    }

    #[test]
    fn a_token_that_is_part_of_its_mask_is_masked_once() {
        assert_eq!(masked("TOKEN", "a TOKEN b TOKEN2 TOKENTOKEN"), "a $TOKEN b $FOREIGN_TOKEN $TOKEN$TOKEN");
        assert_eq!(masked("T", "T2 aTb"), "$FOREIGN_TOKEN a$TOKENb");
        assert_eq!(masked("$", "$2$"), "$FOREIGN_TOKEN$TOKEN");
    }

    #[test]
    fn a_token_that_is_empty_masks_nothing() {
        let world = World { token: String::new(), foreign_token: Some(String::new()), ..World::sample() };
        let mut text = "as it was".to_owned();
        Masker::new(&world).text(&mut text);
        assert_eq!(text, "as it was");
    }
}
