//! A small picture of the conclusion, for a README: self-contained, and it says which claim it stands for.

use super::Conclusion;
use super::plain::one_line;
use crate::render::escape_xml;

/// As much of a claim's hash as tells it from others.
const HASH_LENGTH: usize = 8;
/// The average width of a character of the font at its size.
const CHARACTER_WIDTH: usize = 7;
/// Empty space at both sides of a text.
const PADDING: usize = 9;

/// Background by the conclusion's word; white text on each is readable (contrast above 4.5).
const COLOURS: [(&str, &str); 4] =
    [("conformant", "#1a7f4b"), ("as-expected", "#8a6100"), ("nonconformant", "#b3261e"), ("unexpected", "#b3261e")];
/// For whatever could not be judged.
const NO_COLOUR: &str = "#5b6470";

/// The badge as SVG. `claim_hash` is the hash of the claim file that the badge points at.
pub fn render(conclusion: Conclusion, suite_version: &str, claim_hash: Option<&str>) -> String {
    let word = conclusion.word();
    let colour = COLOURS.iter().find(|(known, _)| *known == word).map_or(NO_COLOUR, |(_, colour)| colour);
    let claim: String = claim_hash.unwrap_or_default().chars().take(HASH_LENGTH).collect();
    let left = format!("profile import {}", one_line(suite_version));
    let right = if claim.is_empty() { word.to_owned() } else { format!("{word} {}", one_line(&claim)) };
    let title = match claim.is_empty() {
        true => format!("{left}: {word}"),
        false => format!("{left}: {word}, claim {}", one_line(&claim)),
    };
    draw(&escape_xml(&title), &escape_xml(&left), &escape_xml(&right), colour)
}

fn draw(title: &str, left: &str, right: &str, colour: &str) -> String {
    let [left_text, right_text] = [left, right].map(|text| text.chars().count() * CHARACTER_WIDTH);
    let (left_width, right_width) = (left_text + 2 * PADDING, right_text + 2 * PADDING);
    let (width, right_start) = (left_width + right_width, left_width + PADDING);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">
<title>{title}</title>
<clipPath id="round"><rect width="{width}" height="20" rx="4"/></clipPath>
<g clip-path="url(#round)">
<rect width="{left_width}" height="20" fill="#363b42"/>
<rect x="{left_width}" width="{right_width}" height="20" fill="{colour}"/>
</g>
<g fill="#fff" font-family="Verdana, DejaVu Sans, Geneva, sans-serif" font-size="11" aria-hidden="true">
<text x="{PADDING}" y="14" textLength="{left_text}" lengthAdjust="spacingAndGlyphs">{left}</text>
<text x="{right_start}" y="14" textLength="{right_text}" lengthAdjust="spacingAndGlyphs">{right}</text>
</g>
</svg>
"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;

    const ALL: [Conclusion; 5] = [
        Conclusion::Conformant,
        Conclusion::AsExpected,
        Conclusion::Unexpected,
        Conclusion::Nonconformant,
        Conclusion::Inconclusive,
    ];

    #[test]
    fn is_well_formed_whatever_it_is_told() {
        for conclusion in ALL {
            xml::read(&render(conclusion, "1.0 \"<&>\u{1}", Some("<]]>\u{202e}\"&'<"))).unwrap();
        }
    }

    #[test]
    fn says_which_claim_in_picture_and_title() {
        let svg = render(Conclusion::Conformant, "0.1.0", Some("0123456789abcdef"));
        assert!(svg.contains("<title>profile import 0.1.0: conformant, claim 01234567</title>"), "{svg}");
        assert!(svg.contains(">conformant 01234567</text>"), "{svg}");
        assert!(render(Conclusion::Conformant, "0.1.0", None).contains(">conformant</text>"));
    }

    #[test]
    fn what_could_not_be_judged_never_looks_like_success() {
        let colours = ALL.map(|conclusion| {
            let svg = render(conclusion, "0.1.0", None);
            [NO_COLOUR, COLOURS[0].1, COLOURS[2].1].into_iter().find(|colour| svg.contains(colour))
        });
        assert_eq!(colours, [Some(COLOURS[0].1), None, Some(COLOURS[2].1), Some(COLOURS[2].1), Some(NO_COLOUR)]);
    }

    #[test]
    fn loads_nothing_from_elsewhere() {
        let svg = render(Conclusion::Conformant, "0.1.0", None).replace("http://www.w3.org/2000/svg", "");
        assert!(!svg.contains("http") && !svg.contains("href") && !svg.contains("@import"), "{svg}");
    }
}
