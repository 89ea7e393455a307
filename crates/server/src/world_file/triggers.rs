//! `[[triggers]]`: who wants to know what becomes of profiles. Ruling D13.

use super::{Fault, distinct, fault};
use crate::outbox::is_address;
use rollcall_codec::import::field_values;
use rollcall_model::{
    channel::ChannelName,
    database::{Database, DatabaseId},
    event_kind::EventKind,
    field::{FieldName, FieldValue},
    resource::ResourceId,
    segment::SegmentId,
    subscription_status::SubscriptionStatus,
    trigger::{Filter, Trigger, Webhook},
    world::World,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A row: one trigger.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TriggerRow {
    name: Spanned<String>,
    database: Spanned<u32>,
    on: Spanned<String>,
    webhook: WebhookRow,
    #[serde(default)]
    filter: FilterRow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookRow {
    url: Spanned<String>,
    secret: Spanned<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FilterRow {
    field: Option<Spanned<String>>,
    #[serde(default)]
    profile: BTreeMap<String, Spanned<toml::Value>>,
    resource: Option<Spanned<u32>>,
    channel: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    segment: Option<Spanned<u32>>,
}

/// The triggers of these rows, in a world that is complete but for them.
pub(super) fn triggers(rows: &[TriggerRow], world: &World) -> Result<Vec<Trigger>, Fault> {
    distinct(rows.iter().map(|row| &row.name), "trigger")?;
    rows.iter().map(|row| trigger(row, world)).collect()
}

fn trigger(row: &TriggerRow, world: &World) -> Result<Trigger, Fault> {
    if row.name.get_ref().trim().is_empty() {
        return Err(fault(&row.name, "a trigger needs a name: its events carry it".to_owned()));
    }
    let id = *row.database.get_ref();
    let database = world.database(DatabaseId(id));
    let database = database.ok_or_else(|| fault(&row.database, format!("there is no database {id}")))?;
    let on = EventKind::named(row.on.get_ref()).ok_or_else(|| {
        let known: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        fault(&row.on, format!("{:?} is no event; there are {}", row.on.get_ref(), known.join(", ")))
    })?;
    row.filter.check_applies_to(on)?;
    Ok(Trigger {
        name: row.name.get_ref().as_str().into(),
        database: database.id,
        on,
        filter: row.filter.filter(database, world)?,
        webhook: row.webhook.webhook()?,
    })
}

impl WebhookRow {
    fn webhook(&self) -> Result<Webhook, Fault> {
        let url = self.url.get_ref();
        if !is_address(url) {
            return Err(fault(&self.url, format!("{url:?} is no address; use http://HOST/PATH or https://HOST/PATH")));
        }
        if self.secret.get_ref().trim().is_empty() {
            return Err(fault(&self.secret, "an empty secret signs nothing; use a long random text".to_owned()));
        }
        Ok(Webhook { url: url.as_str().into(), secret: self.secret.get_ref().as_str().into() })
    }
}

/// What of a filter says something about an event of this kind, beside `profile`, which always does.
fn applicable(kind: EventKind) -> &'static [&'static str] {
    match kind {
        EventKind::ProfileCreated | EventKind::ProfileUpdated => &[],
        EventKind::FieldChanged => &["field"],
        EventKind::SubscriptionAdded | EventKind::StatusChanged => &["resource", "channel", "status"],
        EventKind::SegmentEntered | EventKind::SegmentLeft => &["segment"],
    }
}

impl FilterRow {
    /// A filter that says something of what the event does not have would let nothing through.
    fn check_applies_to(&self, kind: EventKind) -> Result<(), Fault> {
        let place = |key: &Option<Spanned<String>>| key.as_ref().map(|given| given.span().start);
        let number = |key: &Option<Spanned<u32>>| key.as_ref().map(|given| given.span().start);
        let keys = [
            ("field", place(&self.field)),
            ("resource", number(&self.resource)),
            ("channel", place(&self.channel)),
            ("status", place(&self.status)),
            ("segment", number(&self.segment)),
        ];
        let lost = keys.iter().find(|(key, given)| given.is_some() && !applicable(kind).contains(key));
        match lost {
            Some((key, Some(offset))) => {
                Err((*offset, format!("filter.{key} says nothing about {}, which has none; leave it out", kind.name())))
            }
            _ => Ok(()),
        }
    }

    fn filter(&self, database: &Database, world: &World) -> Result<Filter, Fault> {
        let profile = self.profile.iter().map(|(name, value)| field_value(name, value, database));
        Ok(Filter {
            field: self.field.as_ref().map(|name| field(name, database)).transpose()?,
            profile: profile.collect::<Result<_, _>>()?,
            resource: self.resource.as_ref().map(|id| resource(id, database, world)).transpose()?,
            channel: self.channel.as_ref().map(|name| channel(name, world)).transpose()?,
            status: self.status.as_ref().map(status).transpose()?,
            segment: self.segment.as_ref().map(|id| segment(id, database)).transpose()?,
        })
    }
}

fn field(name: &Spanned<String>, database: &Database) -> Result<FieldName, Fault> {
    let known = database.fields.get(name.get_ref());
    known
        .map(|field| field.name.clone())
        .ok_or_else(|| fault(name, format!("database {} has no field {:?}", database.id.0, name.get_ref())))
}

/// A value as an import would give it.
fn field_value(
    name: &str,
    value: &Spanned<toml::Value>,
    database: &Database,
) -> Result<(FieldName, FieldValue), Fault> {
    let data = serde_json::json!({ name: as_json(value.get_ref()) }).to_string();
    let read = field_values(data.as_bytes(), database).map_err(|refusal| fault(value, refusal.to_string()))?;
    let none = || fault(value, format!("database {} has no field {name:?}", database.id.0));
    read.into_iter().next().ok_or_else(none)
}

fn as_json(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(value) => (*value).into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::Table(members) => members.iter().map(|(name, value)| (name.clone(), as_json(value))).collect(),
    }
}

fn resource(id: &Spanned<u32>, database: &Database, world: &World) -> Result<ResourceId, Fault> {
    let known = world.resource(ResourceId(*id.get_ref()));
    let open = known.filter(|resource| resource.databases.contains(&database.id));
    open.map(|resource| resource.id)
        .ok_or_else(|| fault(id, format!("no resource {} is open to database {}", id.get_ref(), database.id.0)))
}

fn channel(name: &Spanned<String>, world: &World) -> Result<ChannelName, Fault> {
    let known = world.channel(name.get_ref());
    known
        .map(|channel| channel.name.clone())
        .ok_or_else(|| fault(name, format!("there is no channel {:?}", name.get_ref())))
}

fn status(word: &Spanned<String>) -> Result<SubscriptionStatus, Fault> {
    SubscriptionStatus::from_word(word.get_ref()).ok_or_else(|| {
        let known: Vec<_> = SubscriptionStatus::ALL.iter().map(|status| status.word()).collect();
        fault(word, format!("{:?} is no status; there are {}", word.get_ref(), known.join(", ")))
    })
}

fn segment(id: &Spanned<u32>, database: &Database) -> Result<SegmentId, Fault> {
    let known = database.segments.iter().find(|segment| segment.id.0 == *id.get_ref());
    known
        .map(|segment| segment.id)
        .ok_or_else(|| fault(id, format!("database {} has no segment {}", database.id.0, id.get_ref())))
}

#[cfg(test)]
mod tests {
    use super::super::read;

    const WORLD: &str = "[[databases]]\nid = 1\nname = 'A'\nfields = [{ name = 'tier', type = 'enum', options = ['a', 'b'] }]\nsegments = [{ id = 2, name = 'S' }]
[[resources]]\nid = 1\nname = 'R'\ndatabases = [1]\nchannels = ['email']\n";
    const WEBHOOK: &str = "webhook = { url = 'https://example.com/hook', secret = 's' }";

    fn row(on: &str, more: &str) -> String {
        format!("{WORLD}[[triggers]]\nname = 't'\ndatabase = 1\non = '{on}'\n{more}\n")
    }

    #[test]
    fn each_event_has_its_filters() {
        for (on, filter) in [
            ("profile_created", "profile = { tier = 'b' }"),
            ("profile_updated", "profile = { tier = 1, _fname = 'Olly' }"),
            ("field_changed", "field = 'tier'"),
            ("subscription_added", "resource = 1, channel = 'email', status = 'subscribed'"),
            ("status_changed", "status = 'unsubscribed'"),
            ("segment_entered", "segment = 2"),
            ("segment_left", "segment = 2, profile = { _bdate = 1990-02-22 }"),
        ] {
            let text = row(on, &format!("{WEBHOOK}\nfilter = {{ {filter} }}"));
            let world = read(&text, "w.toml").unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(world.triggers[0].on.name(), on);
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let check = |text: &str, expected: &str| {
            let error = read(text, "w.toml").expect_err(text).to_string();
            assert!(error.starts_with("w.toml:") && error.contains(expected), "{error}");
        };
        let filtered = |on, filter: &str| row(on, &format!("{WEBHOOK}\nfilter = {{ {filter} }}"));
        check(&row("created", WEBHOOK), "\"created\" is no event; there are profile_created");
        let good = row("profile_created", WEBHOOK);
        check(&good.replace("database = 1", "database = 7"), "there is no database 7");
        check(&good.replace("name = 't'", "name = ' '"), "needs a name");
        check(&good.replace("'s'", "''"), "an empty secret");
        check(&good.replace("https:", "ftp:"), "is no address");
        check(&good.replace("https://example.com/hook", "example.com"), "is no address");
        let twice = format!("{good}{}", good.strip_prefix(WORLD).unwrap());
        check(&twice, "trigger t stands twice");
        check(&filtered("profile_created", "field = 'tier'"), "filter.field says nothing about profile_created");
        check(&filtered("segment_left", "status = 'invalid'"), "filter.status says nothing about segment_left");
        check(&filtered("field_changed", "field = 'colour'"), "has no field \"colour\"");
        check(&filtered("field_changed", "profile = { colour = 1 }"), "colour");
        check(&filtered("field_changed", "profile = { tier = 'c' }"), "tier");
        check(&filtered("subscription_added", "resource = 7"), "no resource 7 is open to database 1");
        check(&filtered("subscription_added", "channel = 'fax'"), "there is no channel \"fax\"");
        check(&filtered("status_changed", "status = 'gone'"), "\"gone\" is no status");
        check(&filtered("segment_entered", "segment = 7"), "has no segment 7");
    }
}
