//! What the store on PostgreSQL promises beyond what every store does: several servers at once, a database that goes away
//! and comes back, and connections that are cut where it hurts most.

#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]

mod common;

use common::{DATABASE, change_outbox, event, found_by_everything, keep, outbox, read_now, stored, write_now};
use rollcall_matching::key::{KeySource, LookupKey};
use rollcall_model::{
    email::Email,
    field::FieldValue,
    profile::{Profile, ProfileId},
};
use rollcall_store::{
    error::StoreError,
    ids::new_profile_id,
    postgres::{OpenError, PostgresStore},
    transaction::{Job, NumberedEvent, OutboxChange, ReadJob, Store, Transaction},
};
use rollcall_testbed::postgres::{Cluster, Stop, shared, start_for_a_test};
use std::{
    collections::{HashMap, HashSet},
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// A request is to be told within this that the database does not answer.
const SOON: Duration = Duration::from_secs(10);

fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url).unwrap_or_else(|error| panic!("{error}"))
}

fn address(number: usize) -> Email {
    Email::parse(&format!("person{number}@example.com")).unwrap()
}

fn key_of(address: &Email) -> LookupKey<'_> {
    LookupKey { source: KeySource::ProfileEmail, name: "", value: address.key().into(), resource: None }
}

/// What an import does: looks for the address, and makes a profile for it where nobody has it.
fn find_or_create(
    address: Email,
) -> impl FnMut(&mut dyn Transaction) -> Result<ProfileId, StoreError> + Send + 'static {
    move |state| {
        if let Some(known) = state.find(DATABASE, &key_of(&address))?.first() {
            return Ok(*known);
        }
        let mut profile = Profile::new(new_profile_id(), DATABASE);
        profile.fields.set("email".into(), FieldValue::Email(address.clone()));
        let id = profile.id;
        state.put(profile)?;
        Ok(id)
    }
}

fn owners(store: &dyn Store, number: usize) -> Vec<ProfileId> {
    read_now(store, move |state| state.find(DATABASE, &key_of(&address(number)))).unwrap()
}

/// Runs a statement as somebody else than the store.
fn run_sql(url: &str, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        client.batch_execute(statement).await.unwrap();
        drop(client);
        driver.await.unwrap().unwrap();
    });
}

/// The database's name.
fn name_of(url: &str) -> String {
    let config: tokio_postgres::Config = url.parse().unwrap();
    config.get_dbname().unwrap().to_owned()
}

#[test]
fn several_servers_racing_for_new_addresses_make_one_profile_of_each() {
    const ADDRESSES: usize = 60;
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let stores = [open(&url), open(&url), open(&url)];
    let start = Barrier::new(stores.len() * 3);
    let race = |store: &PostgresStore| -> Vec<ProfileId> {
        start.wait();
        (0..ADDRESSES).map(|number| write_now(store, find_or_create(address(number))).unwrap()).collect()
    };
    let answers: Vec<Vec<ProfileId>> = thread::scope(|scope| {
        let start_racer = |store| scope.spawn(move || race(store));
        let racers: Vec<_> = stores.iter().flat_map(|store| [store; 3]).map(start_racer).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    for number in 0..ADDRESSES {
        let ids: HashSet<_> = answers.iter().map(|ids| ids[number]).collect();
        assert_eq!(ids.len(), 1, "{}", address(number).as_str());
        assert_eq!(owners(&stores[0], number), ids.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_decision_on_what_is_not_there_holds_until_it_is_kept() {
    const ROUNDS: usize = 30;
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let stores = [open(&url), open(&url)];
    let start = Barrier::new(stores.len());
    // Each takes its own seat if the other's is free: no two rows are the same, so that only what was read can conflict.
    let sit_down = |seat: usize| {
        for round in 0..ROUNDS {
            start.wait();
            let (mine, other) = (2 * round + seat, 2 * round + 1 - seat);
            let take = move |state: &mut dyn Transaction| {
                if state.find(DATABASE, &key_of(&address(other)))?.is_empty() {
                    find_or_create(address(mine))(state)?;
                }
                Ok(())
            };
            write_now(&stores[seat], take).unwrap();
        }
    };
    thread::scope(|scope| {
        let seated = [0, 1].map(|seat| scope.spawn(move || sit_down(seat)));
        seated.into_iter().for_each(|seated| seated.join().unwrap());
    });
    for round in 0..ROUNDS {
        let taken = [2 * round, 2 * round + 1].map(|seat| owners(&stores[0], seat).len());
        assert_eq!(taken.iter().sum::<usize>(), 1, "round {round}: {taken:?}");
    }
}

/// An import of somebody, held after it has found nobody with the address: what lets it go on, and its answer.
fn import_held_after_its_look_up(
    store: &PostgresStore,
    number: usize,
) -> (mpsc::Sender<()>, oneshot::Receiver<Result<ProfileId, StoreError>>) {
    let ((has_looked, looked), (let_go, held)) = (mpsc::channel(), mpsc::channel::<()>());
    let (held, mut import) = (Mutex::new(held), find_or_create(address(number)));
    let (job, answer) = Job::new(move |state| {
        state.find(DATABASE, &key_of(&address(number)))?;
        let _nobody_waits_for_later_runs = has_looked.send(());
        let _let_go = held.lock().unwrap().recv();
        import(state)
    });
    store.enqueue(job).unwrap();
    looked.recv_timeout(SOON).unwrap();
    (let_go, answer)
}

/// Gives the address to somebody without looking who has it.
fn give_away(store: &PostgresStore, number: usize) -> ProfileId {
    let mut profile = Profile::new(new_profile_id(), DATABASE);
    profile.fields.set("email".into(), FieldValue::Email(address(number)));
    keep(store, &profile);
    profile.id
}

#[test]
fn what_has_been_read_keeps_a_write_from_having_come_before_it() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let (slow, quick) = (open(&url), open(&url));
    let (let_go, answer) = import_held_after_its_look_up(&slow, 1);
    let owner = give_away(&quick, 1);
    assert_eq!(owners(&quick, 1), [owner]);
    drop(let_go);
    // It found nobody, so it would come first; but then the reader would have seen what it made.
    assert_eq!(answer.blocking_recv().unwrap().unwrap(), owner);
    assert_eq!(owners(&slow, 1), [owner]);
}

#[test]
fn a_read_that_fits_into_no_serial_order_is_run_again() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let (slow, quick) = (open(&url), open(&url));
    let (let_go, answer) = import_held_after_its_look_up(&slow, 1);
    let owner = give_away(&quick, 1);
    let ((has_begun, begun), (go_on, waiting)) = (mpsc::channel(), mpsc::channel::<()>());
    let waiting = Mutex::new(waiting);
    let (read, seen) = ReadJob::new(move |state| {
        state.profiles_after(DATABASE, None, 0)?; // fixes the state, and reads nothing of it
        let _nobody_waits_for_later_runs = has_begun.send(());
        let _went_on = waiting.lock().unwrap().recv();
        state.find(DATABASE, &key_of(&address(1)))
    });
    quick.enqueue_read(read).unwrap();
    begun.recv_timeout(SOON).unwrap();
    drop(let_go);
    let second = answer.blocking_recv().unwrap().unwrap();
    assert_ne!(second, owner, "nothing has been read yet, so that the import may come first");
    drop(go_on);
    let seen: HashSet<_> = seen.blocking_recv().unwrap().unwrap().into_iter().collect();
    assert_eq!(seen, HashSet::from([owner, second]));
}

#[test]
fn a_conflict_that_does_not_end_is_given_up_and_dooms_nobody_else() {
    let Some(cluster) = shared() else { return };
    for code in ["40001", "40P01"] {
        let url = cluster.new_database().unwrap();
        let store = open(&url);
        let doomed = found_by_everything(1);
        run_sql(
            &url,
            &format!(
                "CREATE FUNCTION quarrel() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$;
                 CREATE TRIGGER quarrel BEFORE INSERT ON rollcall_profiles FOR EACH ROW
                 WHEN (NEW.id = '\\x{}') EXECUTE FUNCTION quarrel()",
                doomed.id
            ),
        );
        let profiles = [0, 1, 2, 3].map(found_by_everything);
        let (let_go, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        // Holds the writer in the first run of a job, so that the others become one batch.
        let (first, _) = Job::new(move |_| {
            let _ended = held.lock().unwrap().recv();
            Ok(())
        });
        store.enqueue(first).unwrap();
        let put = |profile: &Profile| {
            let profile = profile.clone();
            let (job, answer) = Job::new(move |state| state.put(profile.clone()));
            store.enqueue(job).unwrap();
            answer
        };
        let answers: Vec<_> = profiles.iter().map(put).collect();
        let begun = Instant::now();
        drop(let_go);
        for (profile, answer) in profiles.iter().zip(answers) {
            let answer = answer.blocking_recv().unwrap();
            assert_eq!(matches!(answer, Err(StoreError::Busy)), profile.id == doomed.id, "{code}: {answer:?}");
            assert_eq!(stored(&store, DATABASE, profile.id).unwrap().is_some(), answer.is_ok(), "{code}");
        }
        assert!(begun.elapsed() < SOON, "{code}: after {:?}", begun.elapsed());
    }
}

#[test]
fn while_the_database_is_away_requests_fail_soon_and_then_work_again() {
    let Some(cluster) = start_for_a_test() else { return };
    let store = open(&cluster.new_database().unwrap());
    keep(&store, &found_by_everything(1));
    for (how, number) in [(Stop::Fast, 2), (Stop::Immediate, 3)] {
        cluster.stop(how).unwrap();
        let begun = Instant::now();
        let written = write_now(&store, find_or_create(address(usize::from(number))));
        assert!(matches!(written, Err(StoreError::Engine(_))), "{how:?}: {written:?}");
        let read = stored(&store, DATABASE, found_by_everything(1).id);
        assert!(matches!(read, Err(StoreError::Engine(_))), "{how:?}: {read:?}");
        assert!(begun.elapsed() < SOON, "{how:?}: after {:?}", begun.elapsed());
        cluster.start_again().unwrap();
        keep(&store, &found_by_everything(number));
        assert_eq!(owners(&store, usize::from(number)), []);
        assert!(stored(&store, DATABASE, found_by_everything(1).id).unwrap().is_some());
    }
    cluster.stop(Stop::Fast).unwrap();
    let begun = Instant::now();
    store.close().unwrap();
    assert!(begun.elapsed() < SOON, "closed after {:?}", begun.elapsed());
}

#[test]
fn a_restart_of_the_database_in_mid_load_loses_and_doubles_nothing() {
    const IMPORTERS: usize = 4;
    const ANSWERS_BETWEEN_RESTARTS: usize = 150;
    let Some(cluster) = start_for_a_test() else { return };
    let url = cluster.new_database().unwrap();
    let stores = [open(&url), open(&url)];
    let is_over = &AtomicBool::new(false);
    let stores = &stores;
    let import = |importer: usize, tell: mpsc::Sender<()>| -> HashMap<usize, ProfileId> {
        let mut answered = HashMap::new();
        // Every address is imported twice, by two importers at about the same time; again and again until it is answered.
        for number in (0..).map(|number| number * (IMPORTERS / 2) + importer / 2) {
            let id = loop {
                match write_now(&stores[importer % 2], find_or_create(address(number))) {
                    Ok(id) => break id,
                    Err(error) => assert!(matches!(error, StoreError::Engine(_) | StoreError::Busy), "{error}"),
                }
            };
            answered.insert(number, id);
            let _nobody_counts_any_more = tell.send(());
            if is_over.load(Ordering::Relaxed) {
                break;
            }
        }
        answered
    };
    let answered: Vec<HashMap<usize, ProfileId>> = thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        let start = |importer| {
            let tell = tell.clone();
            scope.spawn(move || import(importer, tell))
        };
        let importers: Vec<_> = (0..IMPORTERS).map(start).collect();
        drop(tell);
        for how in [Stop::Immediate, Stop::Fast, Stop::Immediate] {
            assert_eq!(told.iter().take(ANSWERS_BETWEEN_RESTARTS).count(), ANSWERS_BETWEEN_RESTARTS);
            cluster.restart(how).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        importers.into_iter().map(|importer| importer.join().unwrap()).collect()
    });
    for (number, id) in answered.iter().flatten() {
        assert_eq!(owners(&stores[0], *number), [*id], "{}", address(*number).as_str());
    }
}

#[test]
fn a_connection_cut_in_mid_commit_keeps_all_or_nothing_and_says_that_it_does_not_know() {
    let Some(cluster) = shared() else { return };
    for cut in [Cut::BeforeTheCommit, Cut::BeforeItsAnswer] {
        let url = cluster.new_database().unwrap();
        let proxy = Proxy::start(cluster);
        let store = open(&proxy.url(cluster, &url));
        keep(&store, &found_by_everything(1));
        *proxy.next_cut.lock().unwrap() = Some(cut);
        let told = write_now(&store, find_or_create(address(1)));
        assert!(matches!(told, Err(StoreError::Engine(_))), "{cut:?}: {told:?}");
        assert!(proxy.next_cut.lock().unwrap().is_none(), "{cut:?} was not done");
        let kept = owners(&store, 1);
        assert_eq!(kept.len(), usize::from(cut == Cut::BeforeItsAnswer), "{cut:?}");
        // The client sends it again, as it is told to.
        let again = write_now(&store, find_or_create(address(1))).unwrap();
        assert_eq!(owners(&store, 1), [again], "{cut:?}");
        assert!(kept.is_empty() || kept == [again], "{cut:?}");
    }
}

#[test]
fn servers_that_start_at_once_make_the_tables_once() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let start = Barrier::new(6);
    let open_at_once = || {
        start.wait();
        open(&url)
    };
    let stores: Vec<_> = thread::scope(|scope| {
        let starting: Vec<_> = (0..6).map(|_| scope.spawn(open_at_once)).collect();
        starting.into_iter().map(|starting| starting.join().unwrap()).collect()
    });
    for (store, number) in stores.iter().zip(1..) {
        keep(store, &found_by_everything(number));
    }
}

#[test]
fn a_user_who_may_only_read_and_write_can_use_the_tables_that_are_there() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    keep(&open(&url), &found_by_everything(1));
    run_sql(
        &url,
        "CREATE ROLE clerk LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk",
    );
    let store = open(&format!("postgres://clerk@127.0.0.1:{}/{}", cluster.port(), name_of(&url)));
    keep(&store, &found_by_everything(2));
    assert!(stored(&store, DATABASE, found_by_everything(1).id).unwrap().is_some());
}

#[test]
fn a_read_only_database_is_read_and_when_it_is_no_longer_it_is_written_again() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    keep(&open(&url), &found_by_everything(1));
    let make_read_only = |value: &str| {
        let database = name_of(&url);
        run_sql(
            &url,
            &format!("BEGIN READ WRITE; ALTER DATABASE {database} SET default_transaction_read_only = {value}; COMMIT"),
        );
    };
    make_read_only("on");
    let store = open(&url);
    assert!(stored(&store, DATABASE, found_by_everything(1).id).unwrap().is_some());
    let error = write_now(&store, find_or_create(address(1))).unwrap_err();
    assert!(matches!(error, StoreError::Engine(_)) && error.to_string().contains("read-only"), "{error}");
    make_read_only("off");
    write_now(&store, find_or_create(address(1))).unwrap();
}

#[test]
fn tables_of_a_later_version_are_refused_and_left_alone() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let store = open(&url);
    keep(&store, &found_by_everything(1));
    run_sql(&url, "INSERT INTO rollcall_schema (version) VALUES (3)");
    for _ in 0..2 {
        let error = PostgresStore::open(&url).unwrap_err();
        assert!(matches!(error, OpenError::NewerTables { found: 3, known: 2, .. }), "{error}");
        assert!(error.to_string().contains("use the newer program"), "{error}");
    }
    run_sql(&url, "DELETE FROM rollcall_schema WHERE version = 3");
    assert!(stored(&open(&url), DATABASE, found_by_everything(1).id).unwrap().is_some());
}

#[test]
fn a_damaged_record_is_named_and_harms_nobody_else() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let store = open(&url);
    [1, 2].map(found_by_everything).iter().for_each(|profile| keep(&store, profile));
    let damaged = found_by_everything(1).id;
    run_sql(&url, &format!("UPDATE rollcall_profiles SET record = record || '\\x00' WHERE id = '\\x{damaged}'"));
    let error = stored(&store, DATABASE, damaged).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }) && error.to_string().contains(&damaged.to_string()), "{error}");
    let overwritten = write_now(&store, move |state| state.put(Profile::new(damaged, DATABASE)));
    assert!(matches!(overwritten, Err(StoreError::Corrupt { .. })), "{overwritten:?}");
    keep(&store, &found_by_everything(2));
}

#[test]
fn an_error_says_what_the_database_said() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let store = open(&url);
    run_sql(&url, "ALTER TABLE rollcall_profiles ADD CONSTRAINT nobody CHECK (false)");
    let error = write_now(&store, find_or_create(address(1))).unwrap_err();
    assert!(error.to_string().contains("violates check constraint \"nobody\""), "{error}");
    assert!(!error.to_string().contains("Failing row"), "somebody's data: {error}");
}

#[test]
fn no_password_is_in_an_error() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    for url in [
        format!("postgres://ann:secret-word@127.0.0.1:{closed}/shop"),
        "postgres://ann:secret-word@127.0.0.1:none/shop".to_owned(),
        format!("postgres://ann:a-@secret-word@127.0.0.1:{closed}/shop"),
        format!("postgres://ann:a-@b/secret-word@127.0.0.1:{closed}/shop"),
    ] {
        let error = PostgresStore::open(&url).unwrap_err();
        assert_eq!(error.to_string().contains("%40"), url.contains("a-@"), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret-word"), "{error:?}");
    }
}

#[test]
fn of_two_servers_one_delivers_and_the_other_when_that_is_closed() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let (first, second) = (open(&url), open(&url));
    for _ in 0..2 {
        assert_eq!((first.may_deliver().unwrap(), second.may_deliver().unwrap()), (true, false));
    }
    let elsewhere = open(&cluster.new_database().unwrap());
    assert!(elsewhere.may_deliver().unwrap(), "each database has its own");
    first.close().unwrap();
    assert!(matches!(first.may_deliver(), Err(StoreError::Closed)));
    wait_until(|| second.may_deliver().unwrap());
    let third = open(&url);
    assert!(!third.may_deliver().unwrap());
}

#[test]
fn who_loses_the_connection_leaves_delivering_to_the_next() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let (first, second) = (open(&url), open(&url));
    assert!(first.may_deliver().unwrap());
    run_sql(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    wait_until(|| second.may_deliver().unwrap());
    assert!(!first.may_deliver().unwrap());
    drop(second);
    wait_until(|| first.may_deliver().unwrap());
}

/// Does it again as long as the store is busy.
fn patiently<T>(mut ask: impl FnMut() -> Result<T, StoreError>) -> T {
    loop {
        match ask() {
            Err(StoreError::Busy) => {}
            done => return done.unwrap(),
        }
    }
}

/// The database lets go of a session's locks a moment after its connection is gone.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "after {:?}", begun.elapsed());
        thread::yield_now();
    }
}

#[test]
fn events_of_several_servers_are_read_in_the_order_in_which_they_were_kept() {
    const EVENTS: usize = 40;
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let stores = [open(&url), open(&url)];
    let is_over = AtomicBool::new(false);
    // Servers that meet may be told that the store is busy: then nothing is kept.
    let post = |store: &PostgresStore| {
        for number in 0..EVENTS {
            let post =
                move |state: &mut dyn Transaction| state.change_outbox(OutboxChange::Post(event(&number.to_string())));
            patiently(|| write_now(store, post));
        }
    };
    // Who reads on from the last event that it has seen must miss none.
    let read_on = || {
        let mut seen: Vec<NumberedEvent> = Vec::new();
        loop {
            let were_all_posted = is_over.load(Ordering::Acquire);
            let last = seen.last().map(|(number, _)| *number);
            let page = patiently(|| read_now(&stores[0], move |state| state.events_after(last, 7)));
            if page.is_empty() && were_all_posted {
                return seen;
            }
            seen.extend(page);
        }
    };
    let seen = thread::scope(|scope| {
        let reader = scope.spawn(read_on);
        let posters = [&stores[0], &stores[1]].map(|store| scope.spawn(move || post(store)));
        let posted = posters.map(|poster| poster.join());
        is_over.store(true, Ordering::Release);
        posted.into_iter().for_each(|posted| posted.unwrap());
        reader.join().unwrap()
    });
    assert_eq!(seen.len(), 2 * EVENTS);
    assert_eq!(seen, outbox(&stores[1]));
}

#[test]
fn tables_of_the_first_version_are_brought_up_to_date() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    keep(&open(&url), &found_by_everything(1));
    run_sql(&url, "DROP TABLE rollcall_outbox, rollcall_numbers; DELETE FROM rollcall_schema WHERE version = 2");
    let store = open(&url);
    assert!(stored(&store, DATABASE, found_by_everything(1).id).unwrap().is_some());
    change_outbox(&store, vec![OutboxChange::Post(event("a"))]);
    assert_eq!(outbox(&store).len(), 1);
}

#[test]
fn a_damaged_event_is_told_and_can_be_removed() {
    let Some(cluster) = shared() else { return };
    let url = cluster.new_database().unwrap();
    let store = open(&url);
    change_outbox(&store, vec![OutboxChange::Post(event("a"))]);
    let number = outbox(&store)[0].0;
    run_sql(&url, "UPDATE rollcall_outbox SET record = record || '\\x00'");
    let error = read_now(&store, move |state| state.event(number)).unwrap_err();
    assert!(error.to_string().contains("outbox"), "{error}");
    change_outbox(&store, vec![OutboxChange::Remove(number)]);
    assert_eq!(outbox(&store), []);
}

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The commit does not reach the database.
    BeforeTheCommit,
    /// The database commits, and its answer does not reach the client.
    BeforeItsAnswer,
}

/// A commit as the client sends it, and as the database answers it.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// Stands between store and database, and cuts the next connection that commits, if it is told to.
struct Proxy {
    port: u16,
    next_cut: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    fn start(cluster: &Cluster) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (next_cut, database) = (Arc::new(Mutex::new(None)), cluster.port());
        let cuts = Arc::clone(&next_cut);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, cuts) = (client.unwrap(), Arc::clone(&cuts));
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, database)).unwrap();
                thread::spawn(move || carry(client, server, &cuts));
            }
        });
        Self { port, next_cut }
    }

    fn url(&self, cluster: &Cluster, url: &str) -> String {
        url.replace(&format!(":{}/", cluster.port()), &format!(":{}/", self.port))
    }
}

/// Carries bytes both ways until one side is done, or the connection is cut.
fn carry(client: TcpStream, server: TcpStream, next_cut: &Arc<Mutex<Option<Cut>>>) {
    let cut_here = |wanted: Cut| {
        let mut next = next_cut.lock().unwrap();
        let is_meant = *next == Some(wanted);
        if is_meant {
            *next = None;
        }
        is_meant
    };
    thread::scope(|scope| {
        scope.spawn(|| carry_until(&client, &server, COMMIT, || cut_here(Cut::BeforeTheCommit)));
        scope.spawn(|| carry_until(&server, &client, COMMITTED, || cut_here(Cut::BeforeItsAnswer)));
    });
}

/// Carries bytes one way; where the mark comes and `is_cut` says so, what comes before it is the last.
fn carry_until(mut from: &TcpStream, mut to: &TcpStream, mark: &[u8], is_cut: impl Fn() -> bool) {
    let mut read = || -> io::Result<bool> {
        let mut bytes = [0; 64 * 1024];
        let count = from.read(&mut bytes)?;
        // What is sent at once is small here, and arrives at once.
        let marked = bytes[..count].windows(mark.len()).position(|window| window == mark).filter(|_| is_cut());
        to.write_all(&bytes[..marked.unwrap_or(count)])?;
        Ok(count > 0 && marked.is_none())
    };
    while read().unwrap_or(false) {}
    for stream in [from, to] {
        let _is_closed_already = stream.shutdown(Shutdown::Both);
    }
}
