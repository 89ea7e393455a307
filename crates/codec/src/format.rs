//! Table: the wire formats and their media types. Rulings T4, T6.

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON.
    Json,
    /// The XML dialect of rulings X1-X9.
    Xml,
}

impl Format {
    /// Both formats.
    pub const ALL: &[Format] = &[Format::Json, Format::Xml];

    /// What `format` parameters call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    /// The media types that mean it; answers use the first.
    pub const fn media_types(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/json", "text/json"],
            Self::Xml => &["application/xml", "text/xml"],
        }
    }

    /// The `Content-Type` of an answer.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
        }
    }

    /// The format a `format` parameter asks for.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// The format of a `Content-Type`: case and parameters do not matter, but a `charset` other than UTF-8 is none of
    /// ours (T4).
    pub fn of_content_type(value: &str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        let format = Self::of_media_type(parts.next()?)?;
        parts.all(is_lawful_parameter).then_some(format)
    }

    /// The format that an `Accept` header prefers, if it names one: the highest weight wins, then the earliest (T6).
    pub fn of_accept(value: &str) -> Option<Self> {
        let ranges = value.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let format = Self::of_media_type(parts.next()?)?;
            let weight = parts.find_map(|parameter| parameter.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            weight.filter(|weight: &f32| *weight > 0.0).map(|weight| (weight, format))
        });
        let best = ranges.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, format)| format)
    }

    fn of_media_type(media_type: &str) -> Option<Self> {
        let means = |format: &Format| format.media_types().iter().any(|known| known.eq_ignore_ascii_case(media_type));
        Self::ALL.iter().copied().find(means)
    }
}

fn is_lawful_parameter(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return parameter.is_empty() };
    let charset = value.trim().trim_matches('"');
    !name.trim().eq_ignore_ascii_case("charset")
        || charset.eq_ignore_ascii_case("utf-8")
        || charset.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_content_type_whatever_its_case_and_parameters() {
        let json = [
            "application/json",
            "Application/JSON",
            "application/json; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ];
        for value in json {
            assert_eq!(Format::of_content_type(value), Some(Format::Json), "{value}");
        }
        assert_eq!(Format::of_content_type("text/xml"), Some(Format::Xml));
        assert_eq!(Format::of_content_type("application/xml; charset=utf8;"), Some(Format::Xml), "as some spell it");
        for foreign in ["", "text/plain", "application/jsonp", "application/json; charset=windows-1251"] {
            assert_eq!(Format::of_content_type(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn each_format_has_a_name_and_a_type_of_its_answers() {
        for (format, name, content_type) in [
            (Format::Json, "json", "application/json; charset=utf-8"),
            (Format::Xml, "xml", "application/xml; charset=utf-8"),
        ] {
            assert_eq!((format.name(), format.content_type()), (name, content_type));
            assert_eq!(Format::named(name), Some(format));
        }
        assert_eq!(["", "JSON", "text"].map(Format::named), [None; 3]);
    }

    #[test]
    fn takes_the_preferred_format_of_an_accept_header() {
        let cases = [
            ("application/xml", Some(Format::Xml)),
            ("text/html, application/json;q=0.5, application/xml;q=0.9", Some(Format::Xml)),
            ("application/json, application/xml", Some(Format::Json)),
            ("application/xml;q=0, application/json;q=0.1", Some(Format::Json)),
            ("application/json;q=0", None),
            ("*/*", None),
            ("text/html", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(Format::of_accept(accept), expected, "{accept}");
        }
    }
}
