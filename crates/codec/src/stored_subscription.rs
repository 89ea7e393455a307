//! A subscription in a line that is taken as it was stored, whatever the configuration knows: the exact form of those
//! that an import would refuse, such as one to a resource that is no longer there.

use crate::{
    contact::required,
    element::{Element, Object},
    encode::{category, email, phone, registration, resource},
    exact::{self, mark, marked},
    node::Node,
    subscription::status,
};
use rollcall_model::{
    address::Address,
    channel::ChannelName,
    field::Fields,
    rejection::Rejection,
    resource::ResourceId,
    subscription::{Registration, Subscription},
};

const PARTS: &[&str] =
    &["resource_id", "channel", "address", "status", "priority", "custom_fields", "cats", "date", "ip", "url"];

/// An address of any kind: the kind's name after the mark, and how it is read.
type Reader = fn(Element<'_, '_>) -> Result<Address, Rejection>;

const ADDRESSES: &[(&str, Reader)] = &[
    ("email", |given| given.email().map(Address::Email)),
    ("phone", |given| given.phone(None).map(Address::Phone)),
    ("push", push),
    ("chat", |given| given.int().map(Address::Chat)),
    ("messenger", |given| given.phone(None).map(Address::Messenger)),
    ("custom", |given| given.text().map(|id| Address::Custom(id.into()))),
];

fn push(given: Element<'_, '_>) -> Result<Address, Rejection> {
    let object = given.object()?;
    let text = |name| required(object.given(name), name)?.text().map(Into::into);
    let read = || Ok(Address::Push { provider: text("provider")?, subscription_id: text("subscription_id")? });
    read().map_err(|refusal| given.at(refusal))
}

/// Writes the subscription, with its fields as they were written.
pub(crate) fn write(known: &Subscription, custom_fields: Node) -> Node {
    let parts = [
        ("resource_id", resource(known.resource)),
        ("channel", Node::text(&known.channel)),
        ("address", address(&known.address)),
        ("status", Node::text(known.status.word())),
        ("priority", Node::Int(known.priority.into())),
        ("custom_fields", custom_fields),
        ("cats", Node::List(known.categories.iter().map(category).collect())),
    ];
    let parts = parts.into_iter().map(|(name, node)| (name.to_owned(), node));
    Node::Object(parts.chain(registration(&known.registration)).collect())
}

fn address(address: &Address) -> Node {
    match address {
        Address::Email(value) => mark("email", email(value)),
        Address::Phone(value) => mark("phone", phone(value)),
        Address::Push { provider, subscription_id } => {
            let (provider, token) = (Node::text(provider), Node::text(subscription_id));
            mark("push", Node::object([("provider", provider), ("subscription_id", token)]))
        }
        Address::Chat(number) => mark("chat", Node::Int(*number)),
        Address::Messenger(value) => mark("messenger", phone(value)),
        Address::Custom(id) => mark("custom", Node::text(id)),
    }
}

/// Reads what [`write()`] wrote. No resource says what its fields hold, so that all of them are exact values.
pub(crate) fn read(element: Element<'_, '_>) -> Result<Subscription, Rejection> {
    read_object(element.object()?).map_err(|refusal| element.at(refusal))
}

fn read_object(object: Object<'_, '_>) -> Result<Subscription, Rejection> {
    if let Some(other) = object.members().find(|member| !PARTS.contains(&member.name())) {
        return Err(other.refuse("unknown part of a stored subscription"));
    }
    let part = |name| required(object.given(name), name);
    let (given_status, priority) = (part("status")?, part("priority")?);
    Ok(Subscription {
        resource: ResourceId(part("resource_id")?.id()?),
        channel: ChannelName::from(&*part("channel")?.text()?),
        address: read_address(part("address")?)?,
        status: status(given_status)?.ok_or_else(|| given_status.refuse("not a status"))?,
        priority: i32::try_from(priority.int()?).map_err(|_| priority.refuse("out of range"))?,
        custom_fields: read_fields(part("custom_fields")?)?,
        categories: part("cats")?.items().map(|name| name.text().map(Into::into)).collect::<Result<_, _>>()?,
        registration: read_registration(object)?,
    })
}

fn read_registration(object: Object<'_, '_>) -> Result<Registration, Rejection> {
    Ok(Registration {
        date: object.given("date").map(Element::any_date).transpose()?,
        ip: object.given("ip").map(Element::ip).transpose()?,
        url: object.given("url").map(|page| page.text().map(Into::into)).transpose()?,
    })
}

fn read_address(element: Element<'_, '_>) -> Result<Address, Rejection> {
    let known = marked(element).and_then(|(kind, given)| {
        let (_, read) = ADDRESSES.iter().find(|(name, _)| *name == kind)?;
        Some(read(given).map_err(|refusal| element.at(refusal)))
    });
    known.unwrap_or_else(|| Err(element.refuse("not the exact form of an address")))
}

fn read_fields(element: Element<'_, '_>) -> Result<Fields, Rejection> {
    let members = element.object()?.members();
    members
        .map(|member| exact::read(member, None, None))
        .collect::<Result<_, _>>()
        .map_err(|refusal| element.at(refusal))
}
