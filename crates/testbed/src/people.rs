//! Import requests of many people: the documentation's third JSON request, with a person of its own each.
//!
//! [`Documented`] is the printed request with only the person's number in it, for comparisons of servers. [`varied`] is
//! of the same form, with values that vary as customers' do, for stores that grow.

use std::ops::Range;

use fastrand::Rng;

use crate::http::post;

/// The path of the import call.
pub const IMPORT: &str = "/api/v1.1/profiles/import";
/// The path of the call that shows a profile.
pub const GET: &str = "/api/v1.1/profiles/get";

/// The printed request. The person, and a number of the visit, are written into it in place.
#[derive(Debug, Clone)]
pub struct Documented {
    bytes: Vec<u8>,
    people: Vec<usize>,
    visit: Vec<usize>,
    data: Range<usize>,
}

/// Of a person's number so many digits are told apart.
const DIGITS: usize = 7;
const PERSON: &str = "#######";
const VISIT: &str = "%%%%%%%";

impl Default for Documented {
    fn default() -> Self {
        let body = include_str!("../../../fixtures/documented/request-3.json")
            .replace("example@example.com", &format!("person-{PERSON}@example.com"))
            .replace("+79000000000", &format!("+7900{PERSON}"))
            .replace("a81c264a938b475", &format!("a81c264a{PERSON}"))
            .replace("12345", &format!("1{PERSON}"))
            .replace("Olly", &format!("Olly {VISIT}"));
        let text = post(IMPORT, &body);
        let places = |mark: &str| text.match_indices(mark).map(|(place, _)| place).collect();
        let data = text.find(DATA).map_or(0, |key| key + DATA.len());
        let end = text.rfind('}').unwrap_or(text.len()); // of the body, whose last value `data` is
        Self { people: places(PERSON), visit: places(VISIT), data: data..end, bytes: text.into_bytes() }
    }
}

const DATA: &str = r#""data":"#;

impl Documented {
    /// The request of this person.
    pub fn request(&mut self, person: u64, visit: u64) -> &[u8] {
        let Self { bytes, people, visit: visits, .. } = self;
        write_at(bytes, people, person);
        write_at(bytes, visits, visit);
        bytes
    }

    /// What it holds as `data`.
    pub fn data(&mut self, person: u64, visit: u64) -> String {
        let data = self.data.clone();
        String::from_utf8_lossy(&self.request(person, visit)[data]).into_owned()
    }

    /// The person's e-mail address.
    pub fn email(person: u64) -> String {
        format!("person-{person:0DIGITS$}@example.com")
    }

    /// The person's phone number.
    pub fn phone(person: u64) -> String {
        format!("+7900{person:0DIGITS$}")
    }
}

/// Writes the number's last digits at each place.
fn write_at(bytes: &mut [u8], places: &[usize], number: u64) {
    let digits = format!("{number:0DIGITS$}");
    let last = &digits.as_bytes()[digits.len() - DIGITS..];
    places.iter().for_each(|&place| bytes[place..place + DIGITS].copy_from_slice(last));
}

const FIRST_NAMES: [&str; 24] = [
    "Olly",
    "Anna",
    "Maximilian",
    "Li",
    "Мария",
    "Александр",
    "Екатерина",
    "Иван",
    "José",
    "Zoë",
    "Fatima",
    "Noah",
    "Emma",
    "Ольга",
    "Дмитрий",
    "Christopher",
    "Ada",
    "Bo",
    "Елена",
    "Сергей",
    "Giulia",
    "Mohammed",
    "Yuki",
    "Ingrid",
];
const LAST_NAMES: [&str; 24] = [
    "Lambert",
    "Smith",
    "Иванова",
    "Кузнецов",
    "Müller",
    "García",
    "O'Connor",
    "Ng",
    "Петрова",
    "Васильев",
    "Rossi",
    "Kowalski",
    "Nowak",
    "Соколова",
    "Михайлов",
    "van den Berg",
    "Yamamoto",
    "Ó Briain",
    "Фёдорова",
    "Li",
    "Hernández",
    "Schwarzenberger",
    "Попов",
    "Dubois",
];
const MAILBOXES: [&str; 8] =
    ["anna", "o.lambert", "ivanov-", "info+shop", "k", "the.long.name.of.a.mailbox.", "Li_", "nr"];
/// The common ones stand here more than once.
const MAIL_HOSTS: [&str; 12] = [
    "gmail.com",
    "gmail.com",
    "gmail.com",
    "mail.ru",
    "mail.ru",
    "yandex.ru",
    "yandex.ru",
    "outlook.com",
    "icloud.com",
    "example.com",
    "company-with-a-long-name.co.uk",
    "пример.рф",
];
const BROWSERS: [&str; 6] = ["Chrome", "Chrome", "Safari", "Firefox", "Samsung Internet", "Edge"];
const DEVICES: [&str; 3] = ["web", "mobile", "tablet"];
const CATEGORIES: [&str; 4] = ["", r#""category_1""#, r#""category_2""#, r#""category_1","category_2""#];
/// Some of it is in a field of each person.
const NOTE: &str = "a note that is longer for some and shorter for others, and for a few of them not there at all";
/// Characters of a token of a push service.
const TOKEN: usize = 152;

/// An import of this person, who has come so often before. What comes with another visit differs in one value.
pub fn varied(person: u64, visit: u64) -> String {
    let (email, data) = email_and_data(person, visit);
    let body = format!(
        r#"{{"token":"abcdefghijklmnqrstuvwxyz","db_id":1,"matching":"email","email":"{email}","detect_geo":true,
"data":{{{data}}}}}"#
    );
    post(IMPORT, &body)
}

/// The person of [`varied`] as a line that `rollcall load` reads.
pub fn line(person: u64) -> String {
    let (_, data) = email_and_data(person, 0);
    format!("{{\"db_id\":1,{}}}\n", data.replace('\n', ""))
}

fn email_and_data(person: u64, visit: u64) -> (String, String) {
    let mut dice = Rng::with_seed(person);
    let email = email(&mut dice, person);
    let (first, last) = (one_of(&mut dice, &FIRST_NAMES), one_of(&mut dice, &LAST_NAMES));
    let (browser, device) = (one_of(&mut dice, &BROWSERS), one_of(&mut dice, &DEVICES));
    let categories = one_of(&mut dice, &CATEGORIES);
    let note = &NOTE[..dice.usize(0..NOTE.len())];
    let push: String = std::iter::repeat_with(|| dice.alphanumeric()).take(TOKEN).collect();
    let (phone, chat) = (scattered(person), 1_000_000_000 + scattered(person));
    let data = format!(
        r#""_fname":"{first}","_lname":"{last}","email":"{email}","subscriptions":[
{{"resource_id":1,"channel":"email","email":"{email}"}},
{{"resource_id":2,"channel":"sms","phone":"+79{phone:09}"}},
{{"resource_id":1,"channel":"push","subscription_id":"{push}","provider":"android-firebase","custom_fields":
{{"_browser_name":"{browser}","_device_type":"{device}","custom_field_1":"visit {visit} {note}"}},"cats":[{categories}]}},
{{"resource_id":1,"channel":"whatsapp","cc_data":{{"phone":"+79{phone:09}"}}}},
{{"resource_id":1,"channel":"viber","cc_data":{{"phone":"+79{phone:09}"}}}},
{{"resource_id":1,"channel":"telegram_bot","cc_data":{{"id":{chat}}}}},
{{"resource_id":1,"channel":"notify","cc_data":{{"phone":"+79{phone:09}"}}}}]"#
    );
    (email, data)
}

/// A request to see the profile of this person of the varied ones.
pub fn look(person: u64) -> String {
    let email = email(&mut Rng::with_seed(person), person);
    post(GET, &format!(r#"{{"token":"abcdefghijklmnqrstuvwxyz","db_id":1,"matching":"email","email":"{email}"}}"#))
}

fn email(dice: &mut Rng, person: u64) -> String {
    format!("{}{person}@{}", one_of(dice, &MAILBOXES), one_of(dice, &MAIL_HOSTS))
}

fn one_of(dice: &mut Rng, values: &[&'static str]) -> &'static str {
    values[dice.usize(..values.len())]
}

/// A number of nine digits that only this person has, in no order: a bijection, since the factor is prime to 10.
fn scattered(person: u64) -> u64 {
    person % 1_000_000_000 * 618_033_989 % 1_000_000_000
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documented_request_has_the_person_and_the_visit_in_it() {
        let mut documented = Documented::default();
        let text = String::from_utf8(documented.request(7, 8).to_vec()).unwrap();
        let (email, phone) = (Documented::email(7), Documented::phone(7));
        for part in [&*email, &*phone, "a81c264a0000007", "10000007", "Olly 0000008"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains(PERSON) && !text.contains(VISIT));
    }

    #[test]
    fn the_data_of_the_documented_request_is_an_object_in_it() {
        let mut documented = Documented::default();
        let data = documented.data(7, 8);
        assert!(data.trim_start().starts_with('{') && data.trim_end().ends_with('}'), "{data}");
        let request = String::from_utf8(documented.request(7, 8).to_vec()).unwrap();
        assert!(request.contains(&format!("{DATA}{data}}}")), "{request}");
    }

    #[test]
    fn a_varied_person_is_the_same_at_each_visit_but_for_its_number() {
        let (first, second) = (varied(42, 1), varied(42, 2));
        assert_eq!(first.replace("visit 1 ", ""), second.replace("visit 2 ", ""));
        assert_ne!(first, second);
    }

    #[test]
    fn varied_people_share_no_contact() {
        let contacts = |person| (email(&mut Rng::with_seed(person), person), scattered(person));
        let (emails, phones): (BTreeSet<_>, BTreeSet<_>) = (0..10_000).map(contacts).unzip();
        assert_eq!((emails.len(), phones.len()), (10_000, 10_000));
    }
}
