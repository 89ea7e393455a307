//! Table: faults of a server that is too strict: what it refuses is documented.

use super::fault;
use crate::{
    Fault,
    message::{Message, elements},
    seam::Seam::Refuses,
};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "skip-triggers-refused",
        "PARAM-SKIP-TRIGGERS",
        "The flag skip_triggers is refused.",
        Refuses(&|message| message.has("skip_triggers")),
    ),
    fault(
        "skip-invalid-refused",
        "PARAM-SKIP-INVALID",
        "The flag skip_invalid_subscriptions is refused.",
        Refuses(&|message| message.has("skip_invalid_subscriptions")),
    ),
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
        "status-complained-refused",
        "SUB-STATUS-WORDS",
        "The status complained is refused.",
        Refuses(&|message| message.has("complained")),
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
    ),
    fault(
        "windows-line-breaks-refused",
        "XML-ROOT",
        "Line breaks of Windows are refused between elements.",
        Refuses(&|message| message.is_xml() && message.has(">\r\n<")),
    ),
];

fn stands_before(message: &Message, first: &str, second: &str) -> bool {
    let place = |name| message.text().find(name);
    place(first).zip(place(second)).is_some_and(|(first, second)| first < second)
}
