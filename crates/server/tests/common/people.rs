//! People with values that nobody else has, imported again and again, and what the server has said of them: so that it can
//! be asked afterwards whether it has kept its word. On servers that refuse several, so that nobody is there twice.

use super::{Connection, GET, IMPORT, authorised, without_short_names};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// What came of one import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    /// The server said that it cannot, for now, and when to ask again.
    Unavailable,
    /// There was no answer.
    Cut,
}

/// One client, and the people that only it imports: new ones, and now and then one of those before.
pub(crate) struct Importer {
    /// Sets its people apart from those of other clients.
    number: usize,
    people: Vec<Person>,
}

impl Importer {
    pub(crate) fn new(number: usize) -> Self {
        Self { number, people: Vec::new() }
    }

    pub(crate) fn import(&mut self, client: &mut Connection, random: &mut fastrand::Rng) -> Outcome {
        let is_update = !self.people.is_empty() && random.u8(..3) == 0;
        let place = if is_update { random.usize(..self.people.len()) } else { self.people.len() };
        if !is_update {
            self.people.push(Person::new(self.number * 1_000_000 + place));
        }
        self.people[place].import(client)
    }

    /// Imports once more, until it is answered, what was not answered.
    pub(crate) fn repeat_unanswered(&mut self, client: &mut Connection) {
        for person in self.people.iter_mut().filter(|person| person.in_doubt.is_some()) {
            loop {
                match person.import(client) {
                    Outcome::Answered => break,
                    Outcome::Unavailable => {}
                    Outcome::Cut => panic!("the server itself is well"),
                }
            }
        }
    }

    /// That the server has kept what it answered since the last check.
    pub(crate) fn check_touched(&mut self, client: &mut Connection) {
        self.people.iter_mut().filter(|person| person.is_touched).for_each(|person| person.check(client));
    }

    /// That the server has kept everything it ever answered.
    pub(crate) fn check_all(&mut self, client: &mut Connection) {
        self.people.iter_mut().filter(|person| person.is_to_be_there()).for_each(|person| person.check(client));
    }
}

/// As many clients, each with people of its own.
pub(crate) fn importers(count: usize) -> Vec<Importer> {
    (1..=count).map(Importer::new).collect()
}

/// That the server has kept everything it ever answered to any of them; asked over as many connections.
pub(crate) fn check_all(address: SocketAddr, importers: &mut [Importer]) {
    std::thread::scope(|scope| {
        for importer in importers {
            scope.spawn(move || importer.check_all(&mut Connection::open(address).unwrap()));
        }
    });
}

/// Somebody with values that nobody else has, and what the server has said of them. Each import carries the next version.
pub(crate) struct Person {
    number: usize,
    /// The version and the profile that were answered last.
    answered: Option<(usize, String)>,
    /// The version that was sent and not answered.
    in_doubt: Option<usize>,
    /// Since the last check.
    is_touched: bool,
}

impl Person {
    pub(crate) fn new(number: usize) -> Self {
        Self { number, answered: None, in_doubt: None, is_touched: false }
    }

    /// Imports the version after the last that was answered.
    pub(crate) fn import(&mut self, client: &mut Connection) -> Outcome {
        let version = self.answered.as_ref().map_or(0, |(version, _)| version + 1);
        self.is_touched = true;
        self.in_doubt = Some(version);
        let Ok(response) = client.post(IMPORT, &self.request(version)) else { return Outcome::Cut };
        let answer = response.json();
        if response.status == 503 {
            assert!(response.header("retry-after").is_some(), "{answer}");
            return Outcome::Unavailable;
        }
        let id = answer["profile_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        if let Some((_, known)) = &self.answered {
            assert_eq!(*known, id, "{answer}");
        }
        self.answered = Some((version, id));
        self.in_doubt = None;
        Outcome::Answered
    }

    fn is_to_be_there(&self) -> bool {
        self.answered.is_some()
    }

    /// That the server has the last answered version of the person, or the one in doubt: whole, once, and found by all it
    /// is found by.
    pub(crate) fn check(&mut self, client: &mut Connection) {
        self.is_touched = false;
        let Some(profile) = self.found(client, &self.searches(0)[0]) else { return self.check_absence(client) };
        let version = profile["custom_int"].as_u64().map(|version| usize::try_from(version).unwrap()).unwrap();
        let (answered, known_id) = self.answered.clone().unzip();
        assert!([answered, self.in_doubt].contains(&Some(version)), "{answered:?} was answered: {profile:#}");
        let id = known_id.unwrap_or_else(|| profile["id"].as_str().unwrap().to_owned());
        let expected = self.profile(version, &id);
        for search in self.searches(version) {
            assert_eq!(self.found(client, &search).as_ref(), Some(&expected), "found by {search}");
        }
        for other in [version.checked_sub(1), Some(version + 1)].into_iter().flatten() {
            assert_eq!(self.found(client, &self.search_by_custom_value(other)), None, "found by version {other}");
        }
        self.answered = Some((version, id));
        self.in_doubt = None;
    }

    /// That the server has nothing of the person, and need not have.
    fn check_absence(&mut self, client: &mut Connection) {
        assert!(self.answered.is_none(), "person {} was answered, and is gone", self.number);
        for search in self.in_doubt.take().into_iter().flat_map(|version| self.searches(version)) {
            assert_eq!(self.found(client, &search), None, "half of an unanswered import is there");
        }
    }

    fn found(&self, client: &mut Connection, search: &Value) -> Option<Value> {
        let mut answer = client.post(GET, &authorised(search.clone())).unwrap().json();
        match answer["error"].as_u64() {
            Some(0) => Some(without_short_names(answer["data"].take())),
            Some(404) => None,
            _ => panic!("person {}: {search}: {answer}", self.number),
        }
    }

    fn request(&self, version: usize) -> Value {
        let push = json!({
            "resource_id": 1,
            "channel": "push",
            "provider": "Firefox",
            "subscription_id": self.push_token(),
            "custom_fields": { "custom_number": version },
            "cats": if version == 0 { vec![] } else { vec!["category_1"] },
        });
        let email = json!({ "resource_id": 1, "channel": "email", "email": self.subscribed_email() });
        let sms = json!({ "resource_id": 2, "channel": "sms", "phone": self.subscribed_phone(), "priority": version });
        let data = json!({
            "_fname": format!("Olly {}", self.number),
            "email": self.email(),
            "phones": [self.phone()],
            "custom_field": self.custom_value(version),
            "custom_int": version,
            "subscriptions": [push, email, sms],
        });
        authorised(json!({ "email": self.email(), "data": data }))
    }

    /// What `profiles/get` shows of this version.
    fn profile(&self, version: usize, id: &str) -> Value {
        let push = json!({
            "resource_id": 1,
            "channel": "push",
            "provider": "Firefox",
            "subscription_id": self.push_token(),
            "custom_fields": { "custom_number": version },
            "cats": if version == 0 { vec![] } else { vec!["category_1"] },
            "status": "subscribed",
            "priority": 0,
        });
        let email_data = json!({ "email": self.subscribed_email() });
        let email = shown(json!({ "resource_id": 1, "channel": "email", "email_data": email_data, "priority": 0 }));
        let phone_data = json!({ "phone": self.subscribed_phone() });
        let sms = shown(json!({ "resource_id": 2, "channel": "sms", "phone_data": phone_data, "priority": version }));
        json!({
            "id": id,
            "db_id": 1,
            "_fname": format!("Olly {}", self.number),
            "email": self.email(),
            "phones": [self.phone()],
            "custom_field": self.custom_value(version),
            "custom_int": version,
            "segments": [],
            "subscriptions": [push, email, sms],
        })
    }

    /// Everything this version is found by.
    fn searches(&self, version: usize) -> Vec<Value> {
        vec![
            json!({ "matching": "email", "email": self.email() }),
            json!({ "matching": "phone", "phone": self.phone() }),
            json!({ "matching": "email_sub", "email": self.subscribed_email() }),
            json!({ "matching": "phone_sub", "phone": self.subscribed_phone() }),
            json!({ "matching": "push_sub", "provider": "Firefox", "subscription_id": self.push_token() }),
            self.search_by_custom_value(version),
        ]
    }

    fn search_by_custom_value(&self, version: usize) -> Value {
        json!({ "matching": "custom", "field_name": "custom_field", "field_value": self.custom_value(version) })
    }

    fn email(&self) -> String {
        format!("person{}@example.com", self.number)
    }

    fn subscribed_email(&self) -> String {
        format!("subscribed{}@example.com", self.number)
    }

    fn phone(&self) -> String {
        format!("+7900{:09}", self.number)
    }

    fn subscribed_phone(&self) -> String {
        format!("+7901{:09}", self.number)
    }

    fn push_token(&self) -> String {
        format!("token-{}", self.number)
    }

    fn custom_value(&self, version: usize) -> String {
        format!("value-{}-{version}", self.number)
    }
}

/// A subscription as it is shown, with what it has of itself.
fn shown(mut subscription: Value) -> Value {
    subscription["custom_fields"] = json!({});
    subscription["cats"] = json!([]);
    subscription["status"] = json!("subscribed");
    subscription
}
