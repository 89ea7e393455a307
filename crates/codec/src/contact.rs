//! The address of a subscription, as each kind of channel spells it. Page lines 162-203; ruling S8.

use crate::{element::Element, parameter::Parameter, request::Parameters, scalar::is_word};
use rollcall_model::{
    address::Address, channel::AddressKind, phone::Region, rejection::Rejection, response_code::ResponseCode,
};

impl Parameters<'_, '_> {
    /// Reads what they say of an address of this kind.
    pub(crate) fn address(&self, kind: &AddressKind, region: Option<Region>) -> Result<Address, Rejection> {
        let word = |parameter| self.required(parameter)?.word().map(Into::into);
        match kind {
            AddressKind::Email => {
                self.either(Parameter::Email, Parameter::EmailData, |email| email.email().map(Address::Email))
            }
            AddressKind::Phone => {
                self.either(Parameter::Phone, Parameter::PhoneData, |phone| phone.phone(region).map(Address::Phone))
            }
            AddressKind::Push => Ok(Address::Push {
                provider: word(Parameter::Provider)?,
                subscription_id: word(Parameter::SubscriptionId)?,
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
        let data = self.required(Parameter::ChannelData)?;
        let members = data.object()?;
        let address = required(members.given(name), name).and_then(read).map_err(|refusal| data.at(refusal))?;
        match members.members().find(|member| member.name() != name) {
            Some(other) => Err(data.at(other.refuse("unknown field of cc_data"))),
            None => Ok(address),
        }
    }

    /// The documented spelling `email: ...`, or the stored one `email_data: {email: ...}` (S8).
    fn either<T>(
        &self,
        documented: Parameter,
        stored: Parameter,
        read: impl FnOnce(Element<'_, '_>) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let name = documented.name();
        match (self.get(documented), self.get(stored)) {
            (None, Some(data)) => {
                required(data.object()?.given(name), name).and_then(read).map_err(|refusal| data.at(refusal))
            }
            (documented, _) => required(documented, name).and_then(read),
        }
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
