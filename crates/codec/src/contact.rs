//! The address of a subscription, as each kind of channel spells it. Page lines 162-203; ruling S8.

use crate::element::{Element, Object};
use rollcall_model::{
    address::Address, channel::AddressKind, phone::Region, rejection::Rejection, response_code::ResponseCode,
};

/// Reads the address of this kind from the object of a subscription.
pub(crate) fn read(
    subscription: Object<'_, '_>,
    kind: &AddressKind,
    region: Option<Region>,
) -> Result<Address, Rejection> {
    match kind {
        AddressKind::Email => either(subscription, "email", "email_data", |email| email.email().map(Address::Email)),
        AddressKind::Phone => {
            either(subscription, "phone", "phone_data", |phone| phone.phone(region).map(Address::Phone))
        }
        AddressKind::Push => Ok(Address::Push {
            provider: required(subscription, "provider", |provider| provider.word().map(Into::into))?,
            subscription_id: required(subscription, "subscription_id", |token| token.word().map(Into::into))?,
        }),
        AddressKind::Chat => channel_data(subscription, "id", |id| id.int().map(Address::Chat)),
        AddressKind::Messenger => {
            channel_data(subscription, "phone", |phone| phone.phone(region).map(Address::Messenger))
        }
        AddressKind::Custom { id_field } => {
            channel_data(subscription, id_field, |id| id.word().map(|id| Address::Custom(id.into())))
        }
    }
}

/// The documented spelling `email: ...`, or the stored one `email_data: {email: ...}`.
fn either<T>(
    subscription: Object<'_, '_>,
    name: &str,
    stored: &str,
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    match (subscription.given(name), subscription.given(stored)) {
        (None, Some(data)) => required(data.object()?, name, read).map_err(|rejection| data.at(rejection)),
        _ => required(subscription, name, read),
    }
}

fn channel_data<T>(
    subscription: Object<'_, '_>,
    name: &str,
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    required(subscription, "cc_data", |data| {
        let members = data.object()?;
        let address = required(members, name, read).map_err(|rejection| data.at(rejection))?;
        match members.members().find(|member| member.name() != name) {
            Some(other) => Err(data.at(other.refuse("unknown field of cc_data"))),
            None => Ok(address),
        }
    })
}

/// Reads a member that must be there.
pub(crate) fn required<T>(
    object: Object<'_, '_>,
    name: &str,
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    match object.given(name) {
        Some(member) => read(member),
        None => Err(ResponseCode::MissingParameter.at(name)),
    }
}
