//! The program itself, with its store on disk: killed in mid-load it forgets nothing it has answered, and it starts and
//! stops as its help says.

#![allow(clippy::unwrap_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{Connection, GET, IMPORT, authorised};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{self, Sender},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

const ROUNDS: usize = 20;
const CONNECTIONS: usize = 8;

#[test]
fn keeps_every_answered_import_when_it_is_killed() {
    let mut random = Random::seeded();
    let folder = tempfile::tempdir().unwrap();
    let mut groups: Vec<Vec<Person>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        let answers_until_the_kill = 1 + random.below(200);
        println!("round {round}: killed after {answers_until_the_kill} answers");
        groups = import_until_killed(folder.path(), groups, answers_until_the_kill, &mut random);
        let server = Rollcall::start(folder.path());
        let mut client = server.connect();
        let touched = groups.iter_mut().flatten().filter(|person| person.is_touched);
        touched.for_each(|person| person.check(&mut client));
    }
    let server = Rollcall::start(folder.path());
    let mut client = server.connect();
    let known = groups.iter_mut().flatten().filter(|person| person.answered.is_some());
    known.for_each(|person| person.check(&mut client));
}

/// Each connection imports people of its own, new ones and those of earlier rounds, until the server is gone.
fn import_until_killed(
    folder: &Path,
    groups: Vec<Vec<Person>>,
    answers_until_the_kill: usize,
    random: &mut Random,
) -> Vec<Vec<Person>> {
    let server = Rollcall::start(folder);
    let (answered, answers) = mpsc::channel();
    let importers: Vec<_> = (1..)
        .zip(groups)
        .map(|(group, people)| {
            let (client, answered, random) = (server.connect(), answered.clone(), Random(random.next()));
            thread::spawn(move || import_people(client, group, people, random, &answered))
        })
        .collect();
    drop(answered);
    for _ in 0..answers_until_the_kill {
        answers.recv().unwrap_or_else(|_| panic!("the server went down before it was killed"));
    }
    server.kill();
    importers.into_iter().map(|importer| importer.join().unwrap()).collect()
}

fn import_people(
    mut client: Connection,
    group: usize,
    mut people: Vec<Person>,
    mut random: Random,
    answered: &Sender<()>,
) -> Vec<Person> {
    loop {
        let is_update = !people.is_empty() && random.below(3) == 0;
        let place = if is_update { random.below(people.len()) } else { people.len() };
        if !is_update {
            people.push(Person::new(group * 1_000_000 + place));
        }
        if people[place].import(&mut client).is_err() {
            return people;
        }
        let _the_kill_may_be_on_its_way = answered.send(());
    }
}

/// Somebody with values that nobody else has, and what the server has said of them. Each import carries the next
/// version.
struct Person {
    number: usize,
    /// The version and the profile that were answered last.
    answered: Option<(usize, String)>,
    /// The version that was sent and not answered.
    in_doubt: Option<usize>,
    /// Since the last check.
    is_touched: bool,
}

impl Person {
    fn new(number: usize) -> Self {
        Self { number, answered: None, in_doubt: None, is_touched: false }
    }

    fn import(&mut self, client: &mut Connection) -> std::io::Result<()> {
        let version = self.answered.as_ref().map_or(0, |(version, _)| version + 1);
        self.is_touched = true;
        self.in_doubt = Some(version);
        let answer = client.post(IMPORT, &self.request(version))?.json();
        let id = answer["profile_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        if let Some((_, known)) = &self.answered {
            assert_eq!(*known, id, "{answer}");
        }
        self.answered = Some((version, id));
        self.in_doubt = None;
        Ok(())
    }

    /// That the server has the last answered version of the person, or the one in doubt: whole, and found by all it is
    /// found by.
    fn check(&mut self, client: &mut Connection) {
        self.is_touched = false;
        let found = self.found(client, &json!({ "matching": "email_profile", "email": self.email() }));
        let Some(profile) = found else {
            assert!(self.answered.is_none(), "person {} was answered, and is gone", self.number);
            let version = self.in_doubt.take().unwrap();
            for search in self.searches(version) {
                assert_eq!(self.found(client, &search), None, "half of an unanswered import is there");
            }
            return;
        };
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

    fn found(&self, client: &mut Connection, search: &Value) -> Option<Value> {
        let mut answer = client.post(GET, &authorised(search.clone())).unwrap().json();
        match answer["error"].as_u64() {
            Some(0) => Some(answer["data"].take()),
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
        let email = json!({
            "resource_id": 1,
            "channel": "email",
            "email_data": { "email": self.subscribed_email() },
            "custom_fields": {},
            "cats": [],
            "status": "subscribed",
            "priority": 0,
        });
        let sms = json!({
            "resource_id": 2,
            "channel": "sms",
            "phone_data": { "phone": self.subscribed_phone() },
            "custom_fields": {},
            "cats": [],
            "status": "subscribed",
            "priority": version,
        });
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

#[test]
fn stops_at_sigterm_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let server = Rollcall::start(folder.path());
    let mut person = Person::new(1);
    person.import(&mut server.connect()).unwrap();
    assert_eq!(server.terminate().code(), Some(0));
    let server = Rollcall::start(folder.path());
    person.check(&mut server.connect());
}

#[test]
fn refuses_a_folder_that_another_server_has_open() {
    let folder = tempfile::tempdir().unwrap();
    let server = Rollcall::start(folder.path());
    let second = run(rollcall().args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path()));
    check_refusal(&second, &[folder.path().to_str().unwrap(), "is in use"]);
    let mut person = Person::new(1);
    person.import(&mut server.connect()).unwrap();
}

#[test]
fn serves_the_documented_world_on_loopback_addresses_only() {
    let refused = run(rollcall().args(["--memory", "--listen", "0.0.0.0:0"]));
    check_refusal(&refused, &["loopback", "0.0.0.0", "--world FILE"]);
}

#[test]
fn refuses_an_address_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check_refusal(&run(rollcall().args(["--memory", "--listen", &address])), &["cannot listen on", &address]);
}

#[test]
fn checks_a_world_file_and_names_the_line_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(rollcall().args(["--check", "--world"]).arg(&file))
    };
    let sound = "[[databases]]\nid = 1\nname = 'A'\n";
    let checked = check(sound);
    assert_eq!(
        (checked.status.code(), &*checked.stdout),
        (Some(0), &b"sound: 1 databases, 0 resources, 0 tokens\n"[..])
    );
    check_refusal(&check(&format!("{sound}colour = 'red'\n")), &["world.toml:4: unknown field `colour`"]);
    check_refusal(&check(&format!("{sound}[[databases]]\nid = 1\nname = 'B'\n")), &["world.toml:5: database id 1"]);
    check_refusal(&run(rollcall().args(["--check", "--world", "missing.toml"])), &["missing.toml"]);
}

fn check_refusal(output: &Output, says: &[&str]) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{errors}");
    for part in says {
        assert!(errors.contains(part), "{part:?} is not said: {errors}");
    }
}

/// The program, with nothing of what this machine may have set for it.
fn rollcall() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.env("RUST_LOG", "warn");
    ["ROLLCALL_LISTEN", "ROLLCALL_DATA", "ROLLCALL_WORLD"].iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// The running program. Killed when dropped.
struct Rollcall {
    process: Child,
    address: SocketAddr,
    /// Kept, so that the program can go on writing there.
    _output: BufReader<ChildStdout>,
}

impl Rollcall {
    fn start(folder: &Path) -> Self {
        let mut command = rollcall();
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let mut errors = String::new();
            process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("it says {line:?}, and {errors}");
        };
        Self { process, address, _output: output }
    }

    fn connect(&self) -> Connection {
        Connection::open(self.address).unwrap()
    }

    /// Sends SIGKILL, and comes back when the process is gone.
    fn kill(self) {
        drop(self);
    }

    /// Sends SIGTERM, and comes back when the process is gone.
    fn terminate(mut self) -> ExitStatus {
        let id = self.process.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status().unwrap().success());
        self.process.wait().unwrap()
    }
}

impl Drop for Rollcall {
    fn drop(&mut self) {
        let _it_may_be_gone_already = self.process.kill();
        let _so_its_status_may_be_known = self.process.wait();
    }
}

/// Numbers that look random (SplitMix64), from a seed that is printed and can be given again.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let given = std::env::var("ROLLCALL_SEED").ok().map(|seed| seed.parse().unwrap());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let seed = given.unwrap_or_else(now);
        println!("ROLLCALL_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
}
