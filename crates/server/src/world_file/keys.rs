//! Which key of a TOML text stands at a byte of it, so that an error can name the key too.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The path of the innermost key that stands at this byte, or whose value does: `tokens[1].rate_limit.per`.
pub(super) fn key_at(text: &str, offset: usize) -> Option<String> {
    let (root, _as_far_as_it_is_toml) = DeTable::parse_recoverable(text);
    in_table(root.get_ref(), offset, "")
}

fn in_table(table: &DeTable<'_>, offset: usize, path: &str) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", key.get_ref());
        in_value(value, offset, &path).or_else(|| key.span().contains(&offset).then_some(path))
    })
}

fn in_value(value: &Spanned<DeValue<'_>>, offset: usize, path: &str) -> Option<String> {
    let within = match value.get_ref() {
        DeValue::Table(table) => in_table(table, offset, path),
        DeValue::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| in_value(item, offset, &format!("{path}[{index}]")))
        }
        _ => None,
    };
    within.or_else(|| value.span().contains(&offset).then(|| path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_innermost_key() {
        let text = "top = 1\n[[rows]]\na = [1, { b = '€' }]\n[[rows]]\n[rows.in]\nc = 2\n[[rows.of]]\nd = 3\n";
        for (found, key) in [
            ("top", Some("top")),
            ("1\n", Some("top")),
            ("[[rows]]\na", Some("rows[0]")),
            ("a = ", Some("rows[0].a")),
            ("1,", Some("rows[0].a[0]")),
            ("'€", Some("rows[0].a[1].b")),
            ("[[rows]]\n[rows.in]", Some("rows[1]")),
            ("2\n", Some("rows[1].in.c")),
            ("3\n", Some("rows[1].of[0].d")),
        ] {
            assert_eq!(key_at(text, text.find(found).unwrap()).as_deref(), key, "{found:?}");
        }
        assert_eq!(key_at("", 0), None);
        assert_eq!(key_at("a = 1\nb = ", 4).as_deref(), Some("a"), "what comes behind it is no TOML");
    }
}
