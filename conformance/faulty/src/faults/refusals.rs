//! Table: faults of a server that is too strict: what it refuses is documented.

use super::fault;
use crate::{
    Fault,
    message::{Message, elements},
    seam::Seam::Refuses,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "detect-geo-needs-an-address",
        "PARAM-DETECT-GEO",
        "detect_geo is refused where data has no address.",
        Refuses(&|message| message.has("detect_geo") && !message.has("_ip") && !message.has("_regip")),
    ),
    fault(
        "segments-refused-in-one-request",
        "PARAM-TOGETHER",
        "Segments to enter and segments to leave are refused in one request.",
        Refuses(&|message| message.has("add_to_segments") && message.has("remove_from_segments")),
    ),
    fault(
        "matching-required",
        "PARAM-MATCHING-OPTIONAL",
        "A request without matching is refused.",
        Refuses(&|message| !message.has("matching")),
    ),
    fault(
        "order-required-in-json",
        "PARAM-ORDER",
        "In JSON the token must stand in front of data.",
        Refuses(&|message| !message.is_xml() && stands_before(message, "\"data\"", "\"token\"")),
    ),
    fault(
        "order-required-in-xml",
        "XML-ORDER",
        "In XML the token must stand in front of data.",
        Refuses(&|message| message.is_xml() && stands_before(message, "<data>", "<token>")),
    ),
    fault(
        "status-required",
        "SUB-STATUS-OPTIONAL",
        "A subscription without status is refused.",
        Refuses(&|message| message.has("channel") && !message.has("status")),
    ),
    fault(
        "moments-refused",
        "DATA-DATE-RFC3339",
        "A date with a time is refused.",
        Refuses(&|message| message.has("00Z")),
    ),
    fault(
        "days-refused",
        "DATA-DATE-ONLY",
        "A date without a time is refused.",
        Refuses(&|message| {
            ["_bdate", "_regdate"].iter().any(|name| message.value(name).is_some_and(|date| date.len() == 10))
        }),
    ),
    fault(
        "large-body-refused",
        "TRANSPORT-LIMIT-64K",
        "A body of more than 16 KiB is refused.",
        Refuses(&|message| message.body.len() > 16 * 1024),
    ),
    fault("xml-refused", "TRANSPORT-CONTENT-TYPE-XML", "Bodies in XML are refused.", Refuses(&Message::is_xml)),
    fault(
        "json-refused",
        "TRANSPORT-CONTENT-TYPE-JSON",
        "Bodies in JSON are refused.",
        Refuses(&|message| !message.is_xml()),
    ),
    fault(
        "single-item-refused",
        "XML-ARRAY-SINGLE",
        "In XML a list of one is refused, whatever its attribute says.",
        Refuses(&|message| message.has("array='true'") && elements(message.text(), "subscriptions").len() < 2),
    ),
    fault(
        "double-quoted-array-refused",
        "XML-ARRAY-QUOTES",
        "The attribute array is refused in double quotes.",
        Refuses(&|message| message.has("array=\"true\"")),
    ),
    fault(
        "bare-phones-refused",
        "XML-ARRAY-BARE-PHONES",
        "A single phones without the attribute is refused.",
        Refuses(&|message| message.has("<phones>") && elements(message.text(), "phones").len() == 1),
    ),
    fault(
        "line-breaks-refused",
        "XML-ROOT",
        "Line breaks between elements are refused.",
        Refuses(&|message| message.is_xml() && message.has(">\n<")),
    ),
    fault(
        "indentation-refused",
        "XML-ROOT",
        "White space between elements is refused, but for line breaks.",
        Refuses(&|message| message.is_xml() && message.has("\n ")),
    )
    .only_told("the page shows no indented document, so that the case is only a `should`."),
    fault(
        "windows-line-breaks-refused",
        "XML-ROOT",
        "Line breaks of Windows are refused between elements.",
        Refuses(&|message| message.is_xml() && message.has(">\r\n<")),
    )
    .only_told("the page shows no such line breaks, so that the case is only a `should`."),
    fault(
        "leap-days-refused",
        "DATA-DATE-ONLY",
        "The twenty-ninth of February is refused.",
        Refuses(&|message| message.has("02-29")),
    ),
    fault(
        "one-of-two-refused-without-phone",
        "MATCH-ONE-OF-TWO",
        "Modes for e-mail or phone are refused without a phone.",
        Refuses(&|message| asks_for_two(message) && !message.has_parameter("phone")),
    ),
    fault(
        "one-of-two-refused-without-email",
        "MATCH-ONE-OF-TWO",
        "Modes for e-mail or phone are refused without an e-mail.",
        Refuses(&|message| asks_for_two(message) && !message.has_parameter("email")),
    ),
    fault(
        "matching-must-stand-before-email",
        "PARAM-ORDER",
        "The mode must stand in front of the e-mail.",
        Refuses(&|message| {
            stands_before(message, "\"email\":", "\"matching\":") || stands_before(message, "<email>", "<matching>")
        }),
    ),
    fault(
        "channel-must-stand-before-address",
        "XML-ORDER",
        "In XML the channel must stand in front of the address.",
        Refuses(&|message| {
            let subscriptions = elements(message.text(), "subscriptions");
            let texts = subscriptions.into_iter().map(|place| &message.text()[place]);
            texts
                .filter_map(|text| text.find("<email>").zip(text.find("<channel>")))
                .any(|(email, channel)| email < channel)
        }),
    ),
    fault(
        "hundred-subscriptions-at-most",
        "TRANSPORT-LIMIT-64K",
        "More than a hundred subscriptions are refused.",
        Refuses(&|message| message.text().matches("resource_id").count() > 2 * 100),
    ),
    fault(
        "phones-with-attribute-refused",
        "XML-ARRAY-SINGLE",
        "In XML phones must not have the attribute array.",
        Refuses(&|message| message.has("<phones array=")),
    ),
    fault(
        "attribute-on-several-refused",
        "XML-ARRAY-EVERY",
        "The attribute array is refused on a list of several.",
        Refuses(&|message| message.text().matches("array=").count() > 1),
    ),
    fault(
        "attribute-on-the-first-refused",
        "XML-ARRAY-FIRST",
        "The attribute array is refused where other items go without it.",
        Refuses(&|message| {
            message.text().matches("<subscriptions array=").count() == 1
                && elements(message.text(), "subscriptions").len() > 1
        }),
    ),
    fault(
        "bare-subscription-refused",
        "XML-ARRAY-BARE-SUBSCRIPTION",
        "A single subscription without the attribute array is refused.",
        Refuses(&|message| message.has("<subscriptions>") && elements(message.text(), "subscriptions").len() == 1),
    ),
    fault("cdata-refused", "XML-CDATA", "CDATA sections are refused.", Refuses(&|message| message.has("<![CDATA["))),
    fault("comments-refused", "XML-COMMENTS", "Comments are refused.", Refuses(&|message| message.has("<!--"))),
    fault(
        "comment-before-the-root-refused",
        "XML-COMMENTS",
        "A comment in front of the root is refused.",
        Refuses(&|message| message.text().trim_start().starts_with("<!--")),
    ),
    fault(
        "declaration-refused",
        "XML-DECLARATION",
        "An XML declaration is refused.",
        Refuses(&|message| message.has("<?xml ")),
    ),
    fault(
        "byte-order-mark-refused",
        "XML-BOM",
        "A byte order mark is refused.",
        Refuses(&|message| message.is_xml() && message.body.starts_with(&[0xef, 0xbb, 0xbf])),
    ),
    fault(
        "media-type-of-json-needs-a-charset",
        "TRANSPORT-CONTENT-TYPE-JSON",
        "The type application/json is refused without a charset.",
        Refuses(&|message| message.content_type.as_deref() == Some("application/json")),
    ),
    fault(
        "media-type-of-xml-needs-a-charset",
        "TRANSPORT-CONTENT-TYPE-XML",
        "The type application/xml is refused without a charset.",
        Refuses(&|message| message.content_type.as_deref() == Some("application/xml")),
    ),
];

fn stands_before(message: &Message, first: &str, second: &str) -> bool {
    let place = |name| message.text().find(name);
    place(first).zip(place(second)).is_some_and(|(first, second)| first < second)
}

/// Whether the mode is one that searches by e-mail or phone.
fn asks_for_two(message: &Message) -> bool {
    message.value("matching").is_some_and(|mode| mode.starts_with("email_phone"))
}
