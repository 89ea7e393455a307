//! Text that a target sent, made fit to be shown: what is invisible, or turns text around, is spelled out.
//!
//! Escaping for a format (HTML, Markdown, TAP) is that report's own affair.

/// The text with its invisible characters spelled out; line ends and tabs stay.
pub fn visible(text: &str) -> String {
    spell_out(text, |c| is_invisible(c) && c != '\n' && c != '\t')
}

/// The same on one line.
pub fn one_line(text: &str) -> String {
    spell_out(text, is_invisible)
}

/// At most `limit` characters of a text, and a word if more are left out.
pub fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}… (cut short)", &text[..end]),
        None => text.to_owned(),
    }
}

fn spell_out(text: &str, is_odd: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_odd(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, marks without width, and those that change the direction of writing.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(visible("a\u{1b}[2J\r\n\t\u{202e}\u{feff}ж"), "a\\u{1b}[2J\\r\n\t\\u{202e}\\u{feff}ж");
        assert_eq!(one_line("a\nb\tc"), "a\\nb\\tc");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("жжж", 2), "жж… (cut short)");
        assert_eq!(cut("жжж", 3), "жжж");
    }
}
