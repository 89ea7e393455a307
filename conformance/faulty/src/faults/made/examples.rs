//! Each printed example: refused as printed, refused in other words, and carried out without its subscriptions.

use super::made;
use crate::{Fault, faults::imports::only, message::Message, seam::Seam};

/// What the documentation prints, and the requirement that it is carried out.
const EXAMPLES: [(&str, &str); 6] = [
    ("EXAMPLE-REQUEST-1-JSON", include_str!("../../../../../fixtures/documented/request-1.json")),
    ("EXAMPLE-REQUEST-1-XML", include_str!("../../../../../fixtures/documented/request-1.xml")),
    ("EXAMPLE-REQUEST-2-JSON", include_str!("../../../../../fixtures/documented/request-2.json")),
    ("EXAMPLE-REQUEST-2-XML", include_str!("../../../../../fixtures/documented/repaired/request-2.xml")),
    ("EXAMPLE-REQUEST-3-JSON", include_str!("../../../../../fixtures/documented/request-3.json")),
    ("EXAMPLE-REQUEST-3-XML", include_str!("../../../../../fixtures/documented/request-3.xml")),
];

pub(super) fn faults() -> Vec<Fault> {
    EXAMPLES
        .iter()
        .flat_map(|(row, text)| [refused_as_printed(row, text), refused(row, text), shortened(row, text)])
        .collect()
}

fn refused_as_printed(row: &'static str, text: &'static str) -> Fault {
    let is_it = move |message: &Message| message.text().trim() == text.trim();
    let story = format!("The very text of {} is refused.", title(row));
    made(format!("{}-refused-as-printed", name(row)), row, story, Seam::refuses(is_it))
}

fn refused(row: &'static str, text: &'static str) -> Fault {
    let is_like_it = move |message: &Message| shape(message.text()) == shape(text);
    let story = format!("Requests with the parameters of {}, in their order, are refused.", title(row));
    made(format!("{}-refused", name(row)), row, story, Seam::refuses(is_like_it))
}

fn shortened(row: &'static str, text: &'static str) -> Fault {
    let shorten = move |message: &mut Message| {
        if shape(message.text()) == shape(text) {
            only(message, &["email", "phones", "_fname", "_lname", "custom_field"]);
        }
    };
    let story = format!("Of requests with the parameters of {} the subscriptions are not stored.", title(row));
    made(format!("{}-without-subscriptions", name(row)), row, story, Seam::request(shorten)).only_told(
        "the printed subscriptions have no status, and whether they are searched then is left to the server.",
    )
}

/// The names of a request's parameters as they follow each other, wherever they stand.
fn shape(text: &str) -> Vec<&str> {
    match text.trim_start().starts_with('<') {
        true => {
            text.split('<').filter_map(|tag| tag.split(['>', ' ']).next()).filter(|name| !name.is_empty()).collect()
        }
        false => {
            let strings = text.split('"').skip(1).step_by(2);
            let behind = text.split('"').skip(2).step_by(2);
            strings.zip(behind).filter(|(_, rest)| rest.trim_start().starts_with(':')).map(|(name, _)| name).collect()
        }
    }
}

fn name(row: &str) -> String {
    row.to_lowercase().replace("-request", "")
}

fn title(row: &str) -> String {
    row.to_lowercase().replace("example-request-", "example ").replace('-', " in ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_shape_of_its_parameters() {
        assert_eq!(shape(r#"{"a": "b", "c" : [{"d": 1}]}"#), ["a", "c", "d"]);
        assert_eq!(shape("<xml>\n<a x='1'>b</a></xml>"), ["xml", "a", "/a", "/xml"]);
    }
}
