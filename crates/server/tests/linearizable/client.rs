//! A client of a history: the model's calls as requests, and answers as the model's. It may hang up before it is answered.

use super::{
    common::{Connection, GET, IMPORT, authorised, request_text},
    model::{Answer, Call, Number, Person, Search, Values},
};
use rollcall_model::{profile::ProfileId, response_code::ResponseCode};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The persons of a history. Those of different histories share nothing, so that each begins with nobody there.
pub(crate) const PERSONS: Person = 3;

/// One connection, opened again when it was cut.
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// What the server says, if it says anything definite.
    pub(crate) fn call(&mut self, call: &Call, cast: Cast) -> Option<Answer> {
        let (path, request) = cast.request(call);
        let answer = self.connection().post(path, &request);
        match answer {
            Ok(response) => cast.answer(&response.json()),
            Err(_) => {
                self.connection = None;
                None
            }
        }
    }

    /// Sends the call, and hangs up.
    pub(crate) fn call_and_hang_up(&mut self, call: &Call, cast: Cast) {
        let (path, request) = cast.request(call);
        let text = request_text("POST", path, &[("Content-Type", "application/json")], Some(&request.to_string()));
        let _it_may_be_cut_already = self.connection().send(text);
        self.connection = None;
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection.get_or_insert_with(|| Connection::open(self.address).unwrap())
    }
}

/// Who plays the persons: values that only this history uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) history: usize,
}

impl Cast {
    fn email(self, person: Person) -> String {
        format!("person{person}@history{}.example.com", self.history)
    }

    fn phone(self, person: Person) -> String {
        format!("+7900{:09}", self.history * usize::from(PERSONS) + usize::from(person))
    }

    fn field(self, person: Person) -> String {
        format!("value {person} of {}", self.history)
    }

    fn request(self, call: &Call) -> (&'static str, Value) {
        let Call::Import(search, change) = call else {
            let Call::Get(search) = call else { unreachable!() };
            return (GET, authorised(self.search(search)));
        };
        let mut data = json!({});
        if let Some(person) = change.email {
            data["email"] = self.email(person).into();
        }
        if let Some(person) = change.phone {
            data["phones"] = json!([self.phone(person)]);
        }
        match change.number {
            Some(Number::Set(number)) => data["custom_int"] = number.into(),
            Some(Number::Increment(by)) => data["custom_int"] = json!({ "action": "incr", "value": by }),
            None => {}
        }
        let mut request = self.search(search);
        request["data"] = data;
        (IMPORT, authorised(request))
    }

    fn search(self, search: &Search) -> Value {
        match *search {
            Search::Email(person) => json!({ "matching": "email", "email": self.email(person) }),
            Search::Phone(person) => json!({ "matching": "phone", "phone": self.phone(person) }),
            Search::Field(person) => {
                json!({ "matching": "custom", "field_name": "custom_field", "field_value": self.field(person) })
            }
            Search::EmailOrPhone(email, phone) => {
                json!({ "matching": "email_phone", "email": self.email(email), "phone": self.phone(phone) })
            }
            Search::Id(id) => json!({ "matching": "profile_id", "profile_id": id.to_string() }),
        }
    }

    /// None where the server could not do its part: what it was asked may have been done all the same.
    fn answer(self, answer: &Value) -> Option<Answer> {
        if answer["error"] != 0 {
            let code = refusal(answer);
            return (code != ResponseCode::Unavailable).then_some(Answer::Refused(code));
        }
        let data = &answer["data"];
        Some(match answer["profile_id"].as_str() {
            Some(id) => Answer::Imported(id.parse().unwrap()),
            None => Answer::Found(id_of(data), self.values(data)),
        })
    }

    fn values(self, profile: &Value) -> Values {
        Values {
            email: self.person(&profile["email"], Self::email),
            phone: self.person(&profile["phones"][0], Self::phone),
            field: self.person(&profile["custom_field"], Self::field),
            number: profile["custom_int"].as_i64(),
        }
    }

    /// Whose value it is.
    fn person(self, value: &Value, of: fn(Self, Person) -> String) -> Option<Person> {
        let text = value.as_str()?;
        let owner = (0..PERSONS).find(|person| of(self, *person) == text);
        Some(owner.unwrap_or_else(|| panic!("history {} is shown {text:?}, which nobody in it has", self.history)))
    }
}

fn id_of(profile: &Value) -> ProfileId {
    profile["id"].as_str().unwrap_or_else(|| panic!("{profile}")).parse().unwrap()
}

fn refusal(answer: &Value) -> ResponseCode {
    let text = answer["error_text"].as_str().unwrap_or_default();
    let said = |code: &&ResponseCode| answer["error"] == code.number() && text.starts_with(code.text());
    *ResponseCode::ALL.iter().find(said).unwrap_or_else(|| panic!("{answer}"))
}
