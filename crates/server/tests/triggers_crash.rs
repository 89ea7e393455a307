//! The program is killed at any moment, while it sends events to a receiver that fails half of the time: the receiver gets
//! every event of every answered import at least once, and no event of a profile for the first time after a later one.
//!
//! `ROLLCALL_CRASH_ROUNDS` says how many kills with the store on disk.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected fails where it shows")]

mod common;

use common::{
    Connection, IMPORT, authorised,
    program::{Place, rollcall, run},
};
use rollcall_testbed::{chance, postgres, server::Server};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

const CLIENTS: usize = 8;

/// People of each client, who are imported again and again.
const PEOPLE: usize = 5;

/// Kills come after as many answers at most.
const MOST_ANSWERS: usize = 150;

/// How long the receiver may hear nothing. No test gets there, unless nothing comes any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a server on a database is killed.
const DATABASE_ROUNDS: usize = 3;

#[test]
fn every_event_arrives_in_order_though_the_server_is_killed_and_the_receiver_fails() {
    let rounds = chance::amount("ROLLCALL_CRASH_ROUNDS", 8).unwrap();
    prove(rounds, |place| vec!["--data".into(), place.data().into()]);
}

#[test]
fn so_it_does_where_events_are_kept_in_a_database() {
    let Some(cluster) = postgres::shared() else { return };
    let url = cluster.new_database().unwrap();
    prove(DATABASE_ROUNDS, |_| vec!["--store".into(), url.clone().into()]);
}

/// Kills servers on this store while they import, and looks at what the receiver has got in the end.
fn prove(rounds: usize, store: impl Fn(&Place) -> Vec<OsString>) {
    let seed = chance::seed().unwrap();
    let mut receiver = Endpoint::open(chance::part(seed, usize::MAX));
    let place = Place::of_world(&receiver.world_file());
    let store = store(&place);
    let mut clients: Vec<_> = (0..CLIENTS).map(Client::new).collect();
    for round in 0..rounds {
        kill_while_it_imports(start(&place, &store), &mut clients, round, &mut chance::part(seed, round));
    }
    let server = start(&place, &store);
    let mut connection = Connection::open(server.address).unwrap();
    clients.iter_mut().for_each(|client| client.repeat_unanswered(&mut connection));
    receiver.wait_for(&clients);
    server.stop().unwrap();
    assert_eq!(events_left(&store), "", "what was delivered is not in the outbox any more");
}

/// A server that is not long in sending again what has failed, and never gives up.
fn start(place: &Place, store: &[OsString]) -> Server {
    let mut command = place.rollcall();
    command.args(store);
    command.args([
        "--webhook-retry-first",
        "0.002",
        "--webhook-retry-longest",
        "0.02",
        "--webhook-attempts",
        "1000000",
    ]);
    Server::start(&mut command).unwrap()
}

fn events_left(store: &[OsString]) -> String {
    let output = run(rollcall().args(["outbox", "list"]).args(store));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn kill_while_it_imports(server: Server, clients: &mut [Client], round: usize, random: &mut fastrand::Rng) {
    let answers_until_the_kill = random.usize(1..=MOST_ANSWERS);
    let and_then = Duration::from_micros(random.u64(..3_000));
    println!("round {round}: killed {and_then:?} after answer {answers_until_the_kill}");
    let (answered, answers) = mpsc::channel();
    thread::scope(|scope| {
        for client in clients {
            let (mut connection, answered) = (Connection::open(server.address).unwrap(), answered.clone());
            let mut random = random.fork();
            scope.spawn(move || {
                while client.import(&mut connection, random.usize(..PEOPLE)).is_ok() {
                    let _the_kill_may_be_on_its_way = answered.send(());
                }
            });
        }
        drop(answered);
        for _ in 0..answers_until_the_kill {
            answers.recv().unwrap_or_else(|_| panic!("the server went down before it was killed: {}", server.log()));
        }
        thread::sleep(and_then); // nothing is waited for: the moment is any
        server.kill();
    });
}

/// Imports people that nobody else does. Each import carries the next version of the person.
struct Client {
    people: Vec<Person>,
}

struct Person {
    email: String,
    /// The version that was sent last.
    sent: usize,
    /// The version that was answered last.
    answered: usize,
}

impl Client {
    fn new(number: usize) -> Self {
        let person = |place| Person { email: format!("p{number}-{place}@example.com"), sent: 0, answered: 0 };
        Self { people: (0..PEOPLE).map(person).collect() }
    }

    /// Imports the next version of the person, or once more the one that was not answered. Fails where there is no
    /// answer.
    fn import(&mut self, connection: &mut Connection, place: usize) -> io::Result<()> {
        let person = &mut self.people[place];
        person.sent = person.answered + 1;
        let data = json!({ "custom_int": person.sent });
        let answer = connection.post(IMPORT, &authorised(json!({ "email": person.email, "data": data })))?;
        assert_eq!(answer.status, 200, "{}", answer.json());
        person.answered = person.sent;
        Ok(())
    }

    fn repeat_unanswered(&mut self, connection: &mut Connection) {
        for place in 0..PEOPLE {
            if self.people[place].sent > self.people[place].answered {
                self.import(connection, place).unwrap();
            }
        }
    }
}

/// Takes events, and fails half of the time.
struct Endpoint {
    address: SocketAddr,
    arrived: Receiver<Arrival>,
    /// Of each person's versions that have arrived, whether they were taken.
    people: HashMap<String, Vec<bool>>,
}

/// An event that has come, and whether it was answered that it was taken.
struct Arrival {
    body: Value,
    is_taken: bool,
}

impl Endpoint {
    fn open(mut random: fastrand::Rng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, arrived) = mpsc::channel();
        // Arrivals are told of before they are answered, one at a time: so their order is that in which they came.
        let told = Arc::new(Mutex::new(sender));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (told, random) = (Arc::clone(&told), random.fork());
                thread::spawn(move || serve(stream, &told, random));
            }
        });
        Self { address, arrived, people: HashMap::new() }
    }

    /// The documented world, whose triggers tell of every version of everybody.
    fn world_file(&self) -> String {
        let trigger = |name: &str, on: &str, filter: &str| {
            let webhook = format!("{{ url = 'http://{}/', secret = 's' }}", self.address);
            format!("[[triggers]]\nname = '{name}'\ndatabase = 1\non = '{on}'\n{filter}\nwebhook = {webhook}\n")
        };
        let created = trigger("created", "profile_created", "");
        let changed = trigger("changed", "field_changed", "filter = { field = 'custom_int' }");
        format!("{}\n{created}{changed}", common::world_file_that_refuses_several())
    }

    /// Waits until every version of everybody has been taken.
    fn wait_for(&mut self, clients: &[Client]) {
        let versions: usize = clients.iter().flat_map(|client| &client.people).map(|person| person.answered).sum();
        assert!(versions > 0);
        let mut taken = 0;
        while taken < versions {
            let arrival = self
                .arrived
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("{taken} of {versions} events have arrived, and nothing comes any more"));
            taken += usize::from(self.is_first_taking(&arrival));
        }
        let mut counts: Vec<_> = self.people.values().map(Vec::len).collect();
        let mut answered: Vec<_> =
            clients.iter().flat_map(|client| &client.people).map(|person| person.answered).collect();
        answered.retain(|count| *count > 0);
        counts.sort_unstable();
        answered.sort_unstable();
        assert_eq!(counts, answered, "as many events arrived for each person as there were versions");
        println!("{versions} events of {} people arrived in order", counts.len());
    }

    /// Whether the event is taken for the first time. One that arrives for the first time must be of the next version of
    /// its person.
    fn is_first_taking(&mut self, arrival: &Arrival) -> bool {
        let Arrival { body, is_taken } = arrival;
        let version = match body["event"].as_str().unwrap() {
            "profile_created" => 1,
            _ => usize::try_from(body["after"].as_u64().unwrap()).unwrap(),
        };
        let versions = self.people.entry(body["profile_id"].as_str().unwrap().to_owned()).or_default();
        if version > versions.len() {
            assert_eq!(version, versions.len() + 1, "an earlier event has not arrived yet: {body}");
            versions.push(false);
        }
        let known = &mut versions[version - 1];
        let is_first = *is_taken && !*known;
        *known |= *is_taken;
        is_first
    }
}

/// Takes the events of one connection: half of them; others it refuses, or hangs up on.
fn serve(stream: TcpStream, told: &Mutex<Sender<Arrival>>, mut random: fastrand::Rng) {
    let mut stream = BufReader::new(stream);
    while let Ok(body) = request(&mut stream) {
        let is_taken = random.bool();
        let body = serde_json::from_slice(&body).unwrap();
        if told.lock().unwrap().send(Arrival { body, is_taken }).is_err() {
            return;
        }
        let status = match (is_taken, random.bool()) {
            (true, _) => "200 OK",
            (false, true) => "500 Internal Server Error",
            (false, false) => return,
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The body of the next request.
fn request(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap()
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}
