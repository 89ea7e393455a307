//! What the calls around the import are read as: the same in both formats, and as imports that have less to say.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use rollcall_codec::{
    answer::BatchAnswer,
    batch::Batch,
    encode,
    format::Format,
    import::{self, read_as},
    limits::Limits,
    request::Parameters,
    subscription::meant,
    tree::parse,
};
use rollcall_model::{
    database::{Database, DatabaseId},
    import::{Identifiers, ImportOptions, ImportOutcome, ImportRequest, ImportScope},
    profile::ProfileId,
    profile_patch::ProfilePatch,
    rejection::Rejection,
    response_code::ResponseCode,
    segment::SegmentId,
    token::ApiToken,
    world::World,
};

const ID: &str = "54759eb3c090d83494e2d804";

/// The members of a body, as JSON and as XML say them.
type Body<'a> = [&'a str; 2];

/// What a reader makes of the members in either format, which is the same.
fn read<T: PartialEq + std::fmt::Debug>(
    members: Body<'_>,
    read: impl Fn(&Parameters<'_, '_>, &Database, &World) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    let world = common::world();
    let in_format = |format, body: String| {
        let tree = parse(body.as_bytes(), format, Limits::default())?;
        read(&Parameters::of(&tree), &world.databases[0], &world)
    };
    let json = in_format(Format::Json, format!("{{{}}}", members[0]));
    let xml = in_format(Format::Xml, format!("<xml>{}</xml>", members[1]));
    assert_eq!(json, xml);
    json
}

/// A change of the profile with that identifier, and of nothing else but what the patch says.
fn change(patch: ProfilePatch) -> ImportRequest {
    let identifiers = Identifiers { profile_id: Some(ID.parse().unwrap()), ..Identifiers::default() };
    let (matching, options) = (None, ImportOptions { skip_triggers: true, ..ImportOptions::default() });
    ImportRequest { scope: ImportScope::Existing, database: DatabaseId(1), matching, identifiers, options, patch }
}

#[test]
fn a_segment_to_enter_or_leave_is_a_change_that_says_nothing_else() {
    let json = format!(r#""profile_id": "{ID}", "segment_id": 2, "skip_triggers": true, "email": "a@example.com""#);
    let xml = format!("<profile_id>{ID}</profile_id><segment_id>2</segment_id><skip_triggers>true</skip_triggers>");
    let segments = vec![SegmentId(2)];
    let entry = ProfilePatch { add_to_segments: segments.clone(), ..ProfilePatch::default() };
    let exit = ProfilePatch { remove_from_segments: segments, ..ProfilePatch::default() };
    assert_eq!(read([&json, &xml], |given, database, _| import::read_entry(given, database)), Ok(change(entry)));
    assert_eq!(read([&json, &xml], |given, database, _| import::read_exit(given, database)), Ok(change(exit)));
}

#[test]
fn a_lone_subscription_is_read_as_one_in_a_list_is() {
    let json = r#""resource_id": 1, "channel": "sms", "phone": "89000000000", "status": 5, "cats": ["category_1"],
        "custom_fields": {"custom_field_1": "x"}, "date": "2024-05-27", "ip": "::1", "url": "example.com""#;
    let xml = "<resource_id>1</resource_id><channel>sms</channel><phone>89000000000</phone><status>5</status>\
        <cats array='true'>category_1</cats><custom_fields><custom_field_1>x</custom_field_1></custom_fields>\
        <date>2024-05-27</date><ip>::1</ip><url>example.com</url>";
    let within = [
        format!(r#""profile_id": "{ID}", "skip_triggers": 1, "data": {{"subscriptions": [{{{json}}}]}}"#),
        format!(
            "<profile_id>{ID}</profile_id><skip_triggers>1</skip_triggers><data><subscriptions>{xml}</subscriptions></data>"
        ),
    ];
    let scope = ImportScope::Existing;
    let in_list = read([&within[0], &within[1]], |given, database, world| {
        read_as(scope, given, database, world, Limits::default())
    });
    let alone = [
        format!(r#""profile_id": "{ID}", "skip_triggers": 1, {json}"#),
        format!("<profile_id>{ID}</profile_id><skip_triggers>1</skip_triggers>{xml}"),
    ];
    let alone = read([&alone[0], &alone[1]], import::read_subscription);
    assert!(alone.is_ok() && alone == in_list, "{alone:?} is not {in_list:?}");
    let shorter = read([json, xml], meant).unwrap();
    let known = alone.unwrap().patch.subscriptions[0].on_its_own().unwrap();
    assert!(shorter.is_about(&known) && shorter.status.is_none() && shorter.custom_fields.is_empty());
}

#[test]
fn refusals_name_the_parameter_whatever_the_call() {
    let refused = |members: Body<'_>,
                   reader: fn(&Parameters<'_, '_>, &Database, &World) -> Result<ImportRequest, Rejection>,
                   reason,
                   says: &str| {
        let refusal = read(members, reader).expect_err(says);
        assert_eq!((refusal.code, refusal.path.to_string()), (reason, says.to_owned()), "{refusal}");
    };
    let entry = |given: &Parameters<'_, '_>, database: &Database, _: &World| import::read_entry(given, database);
    refused(["", ""], entry, ResponseCode::MissingParameter, "segment_id");
    refused([r#""segment_id": 7"#, "<segment_id>7</segment_id>"], entry, ResponseCode::IncorrectSegment, "segment_id");
    refused([r#""segment_id": 1"#, "<segment_id>1</segment_id>"], entry, ResponseCode::MissingParameter, "profile_id");
    let id = [r#""segment_id": 1, "profile_id": "x""#, "<segment_id>1</segment_id><profile_id>x</profile_id>"];
    refused(id, entry, ResponseCode::ProfileNotFound, "profile_id");
    let set = import::read_subscription;
    refused(["", ""], set, ResponseCode::InvalidSubscription, "resource_id");
    let without_address =
        [r#""resource_id": 1, "channel": "push""#, "<resource_id>1</resource_id><channel>push</channel>"];
    refused(without_address, set, ResponseCode::InvalidSubscription, "provider");
}

#[test]
fn pages_have_bounds() {
    let limit =
        |json: &str, xml: &str| read([json, xml], |given, _, _| given.limit()).map_err(|refusal| refusal.to_string());
    assert_eq!(limit("", ""), Ok(100));
    assert_eq!(limit(r#""limit": 1000"#, "<limit>1000</limit>"), Ok(1000));
    for wrong in ["0", "-1", "1001"] {
        let refusal = limit(&format!(r#""limit": {wrong}"#), &format!("<limit>{wrong}</limit>")).unwrap_err();
        assert!(refusal.ends_with("limit: not from 1 to 1000"), "{refusal}");
    }
    let after = |json: &str, xml: &str| read([json, xml], |given, _, _| given.after_profile());
    assert_eq!(after("", ""), Ok(None));
    let given = [format!(r#""from_id": "{ID}""#), format!("<from_id>{ID}</from_id>")];
    assert_eq!(after(&given[0], &given[1]), Ok(ID.parse().ok()));
    assert!(after(r#""from_id": "7""#, "<from_id>7</from_id>").is_err());
}

/// The members of a batch around these items, in a format.
fn batch_body(format: Format, items: &[String]) -> String {
    match format {
        Format::Json => format!(r#"{{"data": [{}], "skip_triggers": true}}"#, items.join(",")),
        Format::Xml => format!("<xml>{}<skip_triggers>true</skip_triggers></xml>", items.join("\n")),
    }
}

/// The value of `data` in an encoded import: what an item of a batch is.
fn data_of(format: Format, body: &str) -> String {
    let mark = if format == Format::Json { "\"data\":" } else { "<data>" };
    let begin = body.rfind(mark).expect("data is the last member");
    match format {
        Format::Json => body[begin + mark.len()..body.len() - 1].to_owned(),
        Format::Xml => body[begin..body.len() - "</xml>".len()].to_owned(),
    }
}

#[test]
fn an_item_of_a_batch_is_read_as_the_data_of_an_import_is() {
    let (world, token) = (common::world(), ApiToken::from("secret"));
    let bodies = [
        r#"{"data": {"email": "a@example.com", "_fname": "<&\"я]]>", "phones": ["+79000000000"]}, "skip_triggers": 1}"#,
        r#"{"data": {"custom_tags": {"action": "add", "value": ["a", "b"]}}, "skip_triggers": 1}"#,
        r#"{"data": {"subscriptions": [{"resource_id": 1, "channel": "telegram_bot", "cc_data": {"id": 7}}]}, "skip_triggers": 1}"#,
        r#"{"data": {}, "skip_triggers": 1}"#,
    ];
    let alone = bodies.map(|body| {
        let tree = parse(body.as_bytes(), Format::Json, Limits::default()).unwrap();
        import::read(&Parameters::of(&tree), &world.databases[0], &world, Limits::default()).unwrap()
    });
    for &format in Format::ALL {
        let encoded =
            alone.each_ref().map(|import| String::from_utf8(encode::import(import, &token, &world, format)).unwrap());
        let items = encoded.each_ref().map(|body| data_of(format, body));
        let body = batch_body(format, &items);
        let batch = Batch::of(body.as_bytes(), format, Limits::default()).unwrap();
        assert_eq!(batch.count(), Ok(items.len()));
        for (place, import) in alone.iter().enumerate() {
            assert_eq!(batch.bytes(place), items[place].len());
            assert_eq!(batch.check(place), Ok(()));
            let read = batch.read(place, ImportScope::Any, &batch.parameters(), &world.databases[0], &world);
            assert_eq!(read.as_ref(), Ok(import), "{body}");
        }
    }
}

#[test]
fn the_limits_hold_for_each_item_and_not_for_all_together() {
    let limits = Limits { values: 6, depth: 3, ..Limits::default() };
    let fits = [r#"{"a": 1, "b": 2, "c": 3}"#, "<data><a>1</a><b>2</b><c>3</c></data>"];
    let passes =
        [r#"{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}"#, "<data><a>1</a><b>2</b><c>3</c><d>4</d><e>5</e></data>"];
    for (format, (fits, passes)) in Format::ALL.iter().zip(fits.into_iter().zip(passes)) {
        let body = batch_body(*format, &[fits.to_owned(), fits.to_owned(), passes.to_owned(), fits.to_owned()]);
        let batch = Batch::of(body.as_bytes(), *format, limits).unwrap();
        let checked: Vec<_> = (0..4).map(|place| batch.check(place).is_ok()).collect();
        assert_eq!(checked, [true, true, false, true], "{format:?}");
        let refusal = batch.check(2).unwrap_err().to_string();
        assert!(refusal.contains("more than 6 values"), "{refusal}");
    }
}

#[test]
fn an_answer_to_a_batch_is_one_document_however_many_results_it_has() {
    let id = ProfileId([7; 12]);
    let answer = |format, count: usize| {
        let mut answer = BatchAnswer::new(format);
        (0..count).for_each(|_| answer.add(Ok(ImportOutcome::Created(id))));
        answer.add(Err(ResponseCode::IncorrectValue.at("data")));
        String::from_utf8(answer.finish()).unwrap()
    };
    let refused = r#"{"error":400,"error_text":"Incorrect request: incorrect value: data"}"#;
    let one = format!(r#"{{"error":0,"error_text":"Successful operation","profile_id":"{id}"}}"#);
    assert_eq!(
        answer(Format::Json, 0),
        format!(r#"{{"error":0,"error_text":"Successful operation","result":[{refused}]}}"#)
    );
    assert_eq!(
        answer(Format::Json, 2),
        format!(r#"{{"error":0,"error_text":"Successful operation","result":[{one},{one},{refused}]}}"#)
    );
    let xml = answer(Format::Xml, 1);
    assert!(parse(xml.as_bytes(), Format::Xml, Limits::default()).is_ok(), "{xml}");
    assert!(
        xml.starts_with("<xml><error>0</error><error_text>Successful operation</error_text><xml><error>0</error>"),
        "{xml}"
    );
}
