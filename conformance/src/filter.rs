//! Picks cases and requirement rows by a pattern: a glob when it holds `*` or `?`, else a piece of the id.

use crate::case::Case;

/// A selection; without a pattern everything is selected.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pattern: Option<String>,
}

impl Filter {
    /// Selects what `pattern` fits.
    pub fn new(pattern: Option<String>) -> Self {
        Self { pattern }
    }

    /// True if everything is selected.
    pub fn is_all(&self) -> bool {
        self.pattern.is_none()
    }

    /// True if the case's id or one of its requirements is selected.
    pub fn selects(&self, case: &Case) -> bool {
        self.fits(&case.id) || case.requirements.iter().any(|id| self.fits(id))
    }

    /// True if `id` is selected.
    pub fn fits(&self, id: &str) -> bool {
        match &self.pattern {
            None => true,
            Some(pattern) if pattern.contains(['*', '?']) => glob(pattern.as_bytes(), id.as_bytes()),
            Some(pattern) => id.contains(pattern.as_str()),
        }
    }
}

/// `*` stands for any run of characters (a slash too), `?` for one.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => glob(rest, text),
        (Some((b'*', rest)), Some((_, tail))) => glob(rest, text) || glob(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((want, rest)), Some((have, tail))) => want == have && glob(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, id: &str, fits: bool) {
        assert_eq!(Filter::new(Some(pattern.to_owned())).fits(id), fits, "{pattern} on {id}");
    }

    #[test]
    fn fits_a_piece_of_the_id_or_a_glob_over_all_of_it() {
        check("email", "matching/email-finds", true);
        check("EMAIL", "matching/email-finds", false);
        check("matching/*", "matching/email-finds", true);
        check("*-finds", "matching/email-finds", true);
        check("email*", "matching/email-finds", false);
        check("MATCH-?", "MATCH-1", true);
        check("MATCH-?", "MATCH-12", false);
    }
}
