//! The address of a subscription, as each kind of channel spells it. Page lines 162-203; ruling S8.

use crate::{element::Element, scalar::is_word};
use rollcall_model::{
    address::Address, channel::AddressKind, phone::Region, rejection::Rejection, response_code::ResponseCode,
};

/// What a subscription says of its address, found and not yet read. Which of it counts is said by the channel.
#[derive(Default)]
pub(crate) struct Contact<'t, 'a> {
    email: Option<Element<'t, 'a>>,
    email_data: Option<Element<'t, 'a>>,
    phone: Option<Element<'t, 'a>>,
    phone_data: Option<Element<'t, 'a>>,
    provider: Option<Element<'t, 'a>>,
    subscription_id: Option<Element<'t, 'a>>,
    cc_data: Option<Element<'t, 'a>>,
}

impl<'t, 'a> Contact<'t, 'a> {
    /// The part that is called `name`.
    pub(crate) fn part(&mut self, name: &str) -> Option<&mut Option<Element<'t, 'a>>> {
        match name {
            "email" => Some(&mut self.email),
            "email_data" => Some(&mut self.email_data),
            "phone" => Some(&mut self.phone),
            "phone_data" => Some(&mut self.phone_data),
            "provider" => Some(&mut self.provider),
            "subscription_id" => Some(&mut self.subscription_id),
            "cc_data" => Some(&mut self.cc_data),
            _ => None,
        }
    }

    /// Reads an address of this kind.
    pub(crate) fn read(&self, kind: &AddressKind, region: Option<Region>) -> Result<Address, Rejection> {
        let word = |given, name| required(given, name)?.word().map(Into::into);
        match kind {
            AddressKind::Email => {
                either("email", self.email, self.email_data, |email| email.email().map(Address::Email))
            }
            AddressKind::Phone => {
                either("phone", self.phone, self.phone_data, |phone| phone.phone(region).map(Address::Phone))
            }
            AddressKind::Push => Ok(Address::Push {
                provider: word(self.provider, "provider")?,
                subscription_id: word(self.subscription_id, "subscription_id")?,
            }),
            AddressKind::Chat => self.channel_data("id", |id| id.int().map(Address::Chat)),
            AddressKind::Messenger => self.channel_data("phone", |phone| phone.phone(region).map(Address::Messenger)),
            AddressKind::Custom { id_field } => {
                self.channel_data(id_field, |id| id.word().map(|id| Address::Custom(id.into())))
            }
        }
    }

    fn channel_data<T>(
        &self,
        name: &str,
        read: impl FnOnce(Element<'_, '_>) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let data = required(self.cc_data, "cc_data")?;
        let members = data.object()?;
        let address = required(members.given(name), name).and_then(read).map_err(|refusal| data.at(refusal))?;
        match members.members().find(|member| member.name() != name) {
            Some(other) => Err(data.at(other.refuse("unknown field of cc_data"))),
            None => Ok(address),
        }
    }
}

/// The documented spelling `email: ...`, or the stored one `email_data: {email: ...}` (S8).
fn either<T>(
    name: &str,
    documented: Option<Element<'_, '_>>,
    stored: Option<Element<'_, '_>>,
    read: impl FnOnce(Element<'_, '_>) -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    match (documented, stored) {
        (None, Some(data)) => {
            required(data.object()?.given(name), name).and_then(read).map_err(|refusal| data.at(refusal))
        }
        _ => required(documented, name).and_then(read),
    }
}

/// Whether a stored address, as it is shown, is read as itself again on a channel with this kind of address.
pub(crate) fn is_read_back(address: &Address, kind: &AddressKind) -> bool {
    match (kind, address) {
        (AddressKind::Email, Address::Email(_))
        | (AddressKind::Phone, Address::Phone(_))
        | (AddressKind::Chat, Address::Chat(_))
        | (AddressKind::Messenger, Address::Messenger(_)) => true,
        (AddressKind::Push, Address::Push { provider, subscription_id }) => {
            is_word(provider) && is_word(subscription_id)
        }
        (AddressKind::Custom { .. }, Address::Custom(id)) => is_word(id),
        _ => false,
    }
}

/// An element that must be there.
pub(crate) fn required<'t, 'a>(given: Option<Element<'t, 'a>>, name: &str) -> Result<Element<'t, 'a>, Rejection> {
    given.ok_or_else(|| ResponseCode::MissingParameter.at(name))
}
