//! One connection: how it is made, what is sent over it and in how few round trips, and what an error means for what was
//! sent. It belongs to one thread, which waits for each answer; nothing happens on it in between.

use super::{
    schema,
    state::{FEW, Known, Place, Question, Wanted},
};
use crate::{
    error::{Cause, StoreError},
    key_place::key_place,
    layer::Difference,
    profiles::{Changed, KeyChanges},
    record,
};
use rollcall_matching::key::LookupKey;
use rollcall_model::{
    database::DatabaseId,
    event::{Event, EventNumber},
    profile::{Profile, ProfileId},
    resource::ResourceId,
};
use std::{
    collections::BTreeSet, error::Error, fmt, future::Future, io, iter, pin::pin, str::FromStr, sync::Arc,
    time::Duration,
};
use tokio::runtime::Runtime;
use tokio_postgres::{
    Client, Config, NoTls, Row, SimpleQueryMessage, Statement,
    config::Host,
    error::{DbError, Severity, SqlState},
    types::{FromSql, ToSql},
};

/// How long a connection may take to be made, and its statements to be prepared.
const CONNECT_BOUND: Duration = Duration::from_secs(3);

/// How long an answer may take. The server gives a statement less (`schema::SESSION`), so that whoever waits longer than
/// this waits for the network.
const ANSWER_BOUND: Duration = Duration::from_secs(6);

/// How long an answer may take after that.
const GRACE: Duration = Duration::from_millis(200);

/// A database, and who connects to it.
#[derive(Clone)]
pub(super) struct Target(Config);

/// Names the place and not who goes there.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.0.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        write!(f, "database {:?} at {hosts}", self.0.get_dbname().unwrap_or("(the user's)"))
    }
}

impl FromStr for Target {
    type Err = Cause;

    fn from_str(url: &str) -> Result<Self, Cause> {
        // What stands behind the first would be taken for the host, and shown.
        if url.starts_with("postgres") && url.matches('@').count() > 1 {
            return Err(Arc::new(io::Error::other("it holds more than one @; write @ in a password as %40")));
        }
        let mut config = Config::from_str(url).map_err(|error| Arc::new(Told(error)) as Cause)?;
        config.connect_timeout(CONNECT_BOUND).tcp_user_timeout(ANSWER_BOUND);
        if config.get_application_name().is_none() {
            config.application_name("rollcall");
        }
        Ok(Self(config))
    }
}

/// An error of the client with its causes in one text: its own says "db error" and leaves the rest to them.
#[derive(Debug)]
struct Told(tokio_postgres::Error);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = iter::successors(Some(&self.0 as &(dyn Error + 'static)), |&error| error.source());
        causes.enumerate().try_for_each(|(place, cause)| {
            f.write_str(if place > 0 { ": " } else { "" })?;
            match cause.downcast_ref::<DbError>() {
                // Not the details, which may show a row: somebody's data.
                Some(sent) => write!(f, "{} (SQLSTATE {})", sent.message(), sent.code().code()),
                None => write!(f, "{cause}"),
            }
        })
    }
}

/// Without a source: the text has told the causes, and whoever prints them would tell them twice.
impl Error for Told {}

/// What an error means for the transaction it came up in.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Nothing is kept, because of what others were at: to be run again.
    Conflict(Cause),
    /// Nothing is kept, and running it again would not mend that.
    Refused(Cause),
    /// Nothing is kept, since the connection was lost before the end: to be run again over another one.
    Lost(Cause),
    /// The connection was lost while the commit was under way: nobody knows whether it is kept.
    Uncertain(Cause),
}

impl Fault {
    /// What has happened.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Conflict(cause) | Self::Refused(cause) | Self::Lost(cause) | Self::Uncertain(cause) => cause,
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn loses_connection(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Uncertain(_))
    }

    /// Whether the server gave this reason.
    pub(super) fn has_code(&self, code: &SqlState) -> bool {
        let (Self::Conflict(cause) | Self::Refused(cause) | Self::Lost(cause) | Self::Uncertain(cause)) = self;
        cause.downcast_ref::<Told>().and_then(|told| told.0.code()) == Some(code)
    }

    /// What this is to whoever waits for an answer.
    pub(super) fn error(&self) -> StoreError {
        match self {
            Self::Conflict(_) => StoreError::Busy,
            Self::Refused(cause) | Self::Lost(cause) | Self::Uncertain(cause) => StoreError::Engine(Arc::clone(cause)),
        }
    }

    /// Only an error that the server sends about a statement tells that the transaction is over and undone. When it goes
    /// down it sends errors too, and a commit may have come before them.
    fn of(error: tokio_postgres::Error, is_committing: bool) -> Self {
        const RETRIED: &[SqlState] = &[
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION, // somebody else was there first
        ];
        let of_a_statement = error.as_db_error().filter(|sent| sent.parsed_severity() == Some(Severity::Error));
        let code = of_a_statement.map(|sent| sent.code().clone());
        let cause: Cause = Arc::new(Told(error));
        match code {
            Some(code) if RETRIED.contains(&code) => Self::Conflict(cause),
            // A session keeps what it began with; another one may write again.
            Some(SqlState::READ_ONLY_SQL_TRANSACTION) => Self::Lost(cause),
            Some(SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN) if is_committing => Self::Uncertain(cause),
            Some(_) => Self::Refused(cause),
            None if is_committing => Self::Uncertain(cause),
            None => Self::Lost(cause),
        }
    }
}

/// A connection with its statements, and the runtime that drives it while somebody waits.
pub(super) struct Connection {
    runtime: Runtime,
    client: Client,
    statements: Option<Statements>,
    /// How the transaction begins whose first statement has not been sent yet: with it, to save a round trip.
    begins: Option<&'static str>,
}

struct Statements {
    find_few: Statement,
    find_many: Statement,
    profiles: Statement,
    page: Statement,
    insert_profiles: Statement,
    update_profiles: Statement,
    delete_keys: Statement,
    insert_keys: Statement,
    delete_profiles: Statement,
    insert_events: Statement,
    update_events: Statement,
    delete_events: Statement,
    events: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            find_few: client.prepare(schema::FIND_FEW).await?,
            find_many: client.prepare(schema::FIND_MANY).await?,
            profiles: client.prepare(schema::PROFILES).await?,
            page: client.prepare(schema::PAGE).await?,
            insert_profiles: client.prepare(schema::INSERT_PROFILES).await?,
            update_profiles: client.prepare(schema::UPDATE_PROFILES).await?,
            delete_keys: client.prepare(schema::DELETE_KEYS).await?,
            insert_keys: client.prepare(schema::INSERT_KEYS).await?,
            delete_profiles: client.prepare(schema::DELETE_PROFILES).await?,
            insert_events: client.prepare(schema::INSERT_EVENTS).await?,
            update_events: client.prepare(schema::UPDATE_EVENTS).await?,
            delete_events: client.prepare(schema::DELETE_EVENTS).await?,
            events: client.prepare(schema::EVENTS).await?,
        })
    }
}

impl Connection {
    /// A connection for plain statements.
    pub(super) fn plain(target: &Target) -> Result<Self, Cause> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime.map_err(|error| Arc::new(error) as Cause)?;
        let made = runtime.block_on(within(CONNECT_BOUND, false, target.0.connect(NoTls)));
        let (client, connection) = made.map_err(|fault| fault.cause())?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %Told(error), "a connection to the database ended");
            }
        });
        let mut connection = Self { runtime, client, statements: None, begins: None };
        for setting in schema::SESSION {
            match connection.execute(setting) {
                Ok(()) => {}
                Err(Fault::Refused(cause)) => tracing::debug!(%cause, setting, "the database has no such setting"),
                Err(fault) => return Err(fault.cause()),
            }
        }
        Ok(connection)
    }

    /// A connection for work, to tables that this program understands.
    pub(super) fn for_work(target: &Target) -> Result<Self, Cause> {
        let mut connection = Self::plain(target)?;
        let found = schema::current(&mut connection).map_err(|fault| fault.cause())?;
        if found != schema::VERSION {
            return Err(Arc::new(io::Error::other(format!(
                "its tables are of version {found} now, and this program works with version {}",
                schema::VERSION
            ))));
        }
        let prepared =
            connection.runtime.block_on(within(CONNECT_BOUND, false, Statements::prepare(&connection.client)));
        connection.statements = Some(prepared.map_err(|fault| fault.cause())?);
        Ok(connection)
    }

    /// The connection that somebody keeps, made again where it was lost.
    pub(super) fn kept<'a>(slot: &'a mut Option<Self>, target: &Target) -> Result<&'a mut Self, Cause> {
        let connection = match slot.take() {
            Some(connection) => connection,
            None => Self::for_work(target)
                .inspect(|_| tracing::info!("connected to {target}"))
                .inspect_err(|cause| tracing::warn!(%cause, "no connection to {target}"))?,
        };
        Ok(slot.insert(connection))
    }

    /// Runs a statement without an answer.
    pub(super) fn execute(&mut self, statement: &str) -> Result<(), Fault> {
        self.wait(false, self.client.batch_execute(statement))
    }

    /// Runs a query that is answered by one number or nothing.
    pub(super) fn number(&mut self, query: &str) -> Result<Option<i64>, Fault> {
        let messages = self.wait(false, self.client.simple_query(query))?;
        let number = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        Ok(number)
    }

    /// Begins a transaction, with its first statement.
    pub(super) fn begin(&mut self, how: &'static str) {
        self.begins = Some(how);
    }

    /// Whether a transaction has really begun.
    pub(super) fn has_begun(&self) -> bool {
        self.begins.is_none()
    }

    /// Asks for all that is wanted, in one round trip.
    pub(super) fn fetch(&mut self, wanted: &Wanted, known: &mut Known) -> Result<(), Fault> {
        let asked = wanted.keys.iter().map(|(question, most)| (question, *most));
        let (few, many) = asked.partition(|(_, most)| *most == FEW);
        let (few, many) = (Questions::of(few), Questions::of(many));
        let places: Vec<Place> = wanted.profiles.iter().copied().collect();
        let begins = self.begins.take();
        let (statements, client) = (self.statements()?, &self.client);
        let asking = async {
            let asked = tokio::join! {
                biased; // in the order that they are sent in
                begin(client, begins),
                few.ask_few(client, &statements.find_few),
                many.ask_many(client, &statements.find_many),
                ask_profiles(client, &statements.profiles, &places),
            };
            asked.0?;
            Ok((asked.1?, asked.2?, asked.3?))
        };
        let (few_rows, many_rows, profile_rows) = self.wait(false, asking)?;
        few.learn(&few_rows, known)?;
        learn_records(&few_rows, known, |row| Ok((few.of_row(row)?.database, id(column(row, 1)?)?)), 2)?;
        many.learn(&many_rows, known)?;
        places.iter().for_each(|place| known.learn_profile(*place, None));
        learn_records(&profile_rows, known, |row| Ok(places[place_of(row)?]), 1)
    }

    /// The places of a page's profiles, which are known then.
    pub(super) fn page(
        &mut self,
        database: DatabaseId,
        after: Option<ProfileId>,
        count: usize,
        known: &mut Known,
    ) -> Result<Vec<Place>, Fault> {
        let after = after.as_ref().map_or(&[][..], |id| &id.0);
        let (number, count) = (i64::from(database.0), limit(count));
        let parameters: [&(dyn ToSql + Sync); 3] = [&number, &after, &count];
        let rows = self.wait(false, self.client.query(&self.statements()?.page, &parameters))?;
        let place = |row: &Row| {
            let place = (database, id(column(row, 0)?)?);
            known.learn_profile(place, Some(column(row, 1)?));
            Ok(place)
        };
        rows.iter().map(place).collect()
    }

    /// Some events' numbers and records, in this order.
    pub(super) fn events(
        &mut self,
        after: Option<EventNumber>,
        count: usize,
    ) -> Result<Vec<(EventNumber, Vec<u8>)>, Fault> {
        let parameters: [&(dyn ToSql + Sync); 2] = [&after.map_or(0, event_number), &limit(count)];
        let rows = self.wait(false, self.client.query(&self.statements()?.events, &parameters))?;
        let event = |row: &Row| {
            let number: i64 = column(row, 0)?;
            Ok((EventNumber(number.unsigned_abs()), column(row, 1)?))
        };
        rows.iter().map(event).collect()
    }

    /// Writes the changes and commits, in one round trip.
    pub(super) fn keep(&mut self, difference: &Difference) -> Result<(), Fault> {
        let writes = Writes::of(difference);
        let begins = self.begins.take();
        let (statements, client) = (self.statements()?, &self.client);
        let ended: [&(dyn ToSql + Sync); 1] = [&writes.ended];
        let keeping = async {
            let kept = tokio::join! {
                biased; // in the order that they are sent in
                begin(client, begins),
                writes.inserted.send(client, &statements.insert_profiles),
                writes.updated.send(client, &statements.update_profiles),
                writes.removed.send(client, &statements.delete_keys),
                writes.added.send(client, &statements.insert_keys),
                writes.deleted.send(client, &statements.delete_profiles),
                writes.replaced.send(client, &statements.update_events),
                execute(client, &statements.delete_events, writes.ended.len(), &ended),
                writes.posted.send_counted(client, &statements.insert_events),
                client.batch_execute(schema::COMMIT),
            };
            let (begun, inserted, updated, removed, added, deleted, replaced, ended, posted, committed) = kept;
            let written = [inserted, updated, removed, added, deleted, replaced, ended, posted, committed];
            Ok((begun, written.into_iter().collect::<Result<(), _>>()))
        };
        let (begun, kept) = self.wait(true, keeping)?;
        // Without a transaction around them, some of the statements may have been kept.
        begun.map_err(|error| Fault::Uncertain(Arc::new(Told(error))))?;
        // The commit of a transaction that has failed is a rollback, and no error: the first error says what it was.
        kept.map_err(|error| Fault::of(error, true))
    }

    /// Gives the transaction up, as far as there is a connection left. Says what stood in its way, or in that of this.
    pub(super) fn give_up(&mut self, fault: Fault) -> Fault {
        if fault.loses_connection() || self.begins.take().is_some() {
            return fault;
        }
        self.execute(schema::ROLLBACK).err().unwrap_or(fault)
    }

    fn statements(&self) -> Result<&Statements, Fault> {
        let missing = || Fault::Refused(Arc::new(io::Error::other("the connection is for plain statements only")));
        self.statements.as_ref().ok_or_else(missing)
    }

    fn wait<T>(
        &self,
        is_committing: bool,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        self.runtime.block_on(within(ANSWER_BOUND, is_committing, answer))
    }
}

async fn within<T>(
    bound: Duration,
    is_committing: bool,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Fault> {
    let mut answer = pin!(answer);
    // Where it was this process that stood still, the answer is here, but not read yet: hence the second, short wait.
    for bound in [bound, GRACE] {
        if let Ok(answer) = tokio::time::timeout(bound, &mut answer).await {
            return answer.map_err(|error| Fault::of(error, is_committing));
        }
    }
    let cause =
        Arc::new(io::Error::new(io::ErrorKind::TimedOut, format!("the database did not answer within {bound:?}")));
    Err(if is_committing { Fault::Uncertain(cause) } else { Fault::Lost(cause) })
}

async fn begin(client: &Client, how: Option<&str>) -> Result<(), tokio_postgres::Error> {
    match how {
        Some(how) => client.batch_execute(how).await,
        None => Ok(()),
    }
}

/// Look-ups of keys, as columns.
struct Questions<'a> {
    asked: Vec<(&'a Question, usize)>,
    numbers: Vec<i64>,
    databases: Vec<i64>,
    places: Vec<&'a [u8]>,
    resources: Vec<i64>,
}

impl<'a> Questions<'a> {
    fn of(asked: Vec<(&'a Question, usize)>) -> Self {
        Self {
            numbers: (0..).take(asked.len()).collect(),
            databases: asked.iter().map(|(question, _)| question.database.0.into()).collect(),
            places: asked.iter().map(|(question, _)| &*question.place).collect(),
            resources: asked.iter().map(|(question, _)| number(question.resource)).collect(),
            asked,
        }
    }

    /// One bound for all of them: the greatest.
    fn most(&self) -> usize {
        self.asked.iter().map(|(_, most)| *most).max().unwrap_or(0)
    }

    async fn ask_few(&self, client: &Client, statement: &Statement) -> Result<Vec<Row>, tokio_postgres::Error> {
        let Self { numbers, databases, places, resources, .. } = self;
        query(client, statement, numbers, &[numbers, databases, places, resources, &limit(FEW)]).await
    }

    async fn ask_many(&self, client: &Client, statement: &Statement) -> Result<Vec<Row>, tokio_postgres::Error> {
        let Self { numbers, places, resources, .. } = self;
        query(client, statement, numbers, &[numbers, places, resources, &limit(self.most())]).await
    }

    /// Takes in who was found; and of those that were asked for and not found, that nobody was.
    fn learn(&self, rows: &[Row], known: &mut Known) -> Result<(), Fault> {
        let mut found = vec![Vec::new(); self.asked.len()];
        for row in rows {
            found[place_of(row)?].push(id(column(row, 1)?)?);
        }
        for ((question, _), mut ids) in self.asked.iter().zip(found) {
            ids.sort_unstable();
            known.learn_holders((*question).clone(), ids, self.most());
        }
        Ok(())
    }

    fn of_row(&self, row: &Row) -> Result<&Question, Fault> {
        Ok(self.asked[place_of(row)?].0)
    }
}

async fn ask_profiles(
    client: &Client,
    statement: &Statement,
    places: &[Place],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let numbers: Vec<i64> = (0..).take(places.len()).collect();
    let databases: Vec<i64> = places.iter().map(|(database, _)| database.0.into()).collect();
    let ids: Vec<&[u8]> = places.iter().map(|(_, id)| &id.0[..]).collect();
    query(client, statement, &numbers, &[&numbers, &databases, &ids]).await
}

/// Nothing is sent to ask for nothing.
async fn query(
    client: &Client,
    statement: &Statement,
    asked: &[i64],
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    if asked.is_empty() { Ok(Vec::new()) } else { client.query(statement, parameters).await }
}

/// Takes in the records in a column of the rows.
fn learn_records(
    rows: &[Row],
    known: &mut Known,
    place: impl Fn(&Row) -> Result<Place, Fault>,
    at: usize,
) -> Result<(), Fault> {
    rows.iter().try_for_each(|row| {
        known.learn_profile(place(row)?, column(row, at)?);
        Ok(())
    })
}

/// Which of those asked for a row answers: its first column.
fn place_of(row: &Row) -> Result<usize, Fault> {
    let number: i64 = column(row, 0)?;
    usize::try_from(number).map_err(|error| Fault::Refused(Arc::new(error)))
}

fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, Fault> {
    row.try_get(at).map_err(|error| Fault::Refused(Arc::new(error)))
}

fn id(bytes: &[u8]) -> Result<ProfileId, Fault> {
    bytes.try_into().map(ProfileId).map_err(|error| Fault::Refused(Arc::new(error)))
}

fn limit(count: usize) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// An event's number in a row: the database counts from 1 on, and no further than this.
fn event_number(number: EventNumber) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}

/// A resource in a row.
fn number(resource: Option<ResourceId>) -> i64 {
    resource.map_or(-1, |resource| resource.0.into())
}

/// What a transaction writes, as columns.
#[derive(Default)]
struct Writes {
    inserted: ProfileRows,
    updated: ProfileRows,
    removed: KeyRows,
    added: KeyRows,
    deleted: ProfileNames,
    replaced: EventRows,
    ended: Vec<i64>,
    posted: EventRows,
}

#[derive(Default)]
struct ProfileNames {
    databases: Vec<i64>,
    ids: Vec<Vec<u8>>,
}

#[derive(Default)]
struct ProfileRows {
    names: ProfileNames,
    records: Vec<Vec<u8>>,
}

#[derive(Default)]
struct EventRows {
    numbers: Vec<i64>,
    records: Vec<Vec<u8>>,
}

/// Rows in order, and each once, since a profile may have one key twice.
#[derive(Default)]
struct KeyRows(BTreeSet<(Vec<u8>, ProfileId, i64)>);

impl Writes {
    fn of(difference: &Difference) -> Self {
        let mut writes = Self::default();
        for changed in &difference.profiles {
            let keys = KeyChanges::between(changed.before(), changed.after());
            match changed {
                Changed::New(after) => writes.inserted.push(after),
                Changed::Replaced { after, .. } => writes.updated.push(after),
                Changed::Removed(before) => writes.deleted.push(before),
            }
            changed.before().into_iter().for_each(|before| writes.removed.extend(before, &keys.removed));
            changed.after().into_iter().for_each(|after| writes.added.extend(after, &keys.added));
        }
        (1..).zip(&difference.outbox.posted).for_each(|(number, event)| writes.posted.push(number, event));
        for (number, event) in &difference.outbox.others {
            match event {
                Some(event) => writes.replaced.push(event_number(*number), event),
                None => writes.ended.push(event_number(*number)),
            }
        }
        writes
    }
}

impl ProfileNames {
    fn push(&mut self, profile: &Profile) {
        self.databases.push(profile.database.0.into());
        self.ids.push(profile.id.0.to_vec());
    }

    async fn send(&self, client: &Client, statement: &Statement) -> Result<(), tokio_postgres::Error> {
        execute(client, statement, self.ids.len(), &[&self.databases, &self.ids]).await
    }
}

impl ProfileRows {
    fn push(&mut self, profile: &Profile) {
        self.names.push(profile);
        self.records.push(record::encode(profile));
    }

    async fn send(&self, client: &Client, statement: &Statement) -> Result<(), tokio_postgres::Error> {
        let Self { names: ProfileNames { databases, ids }, records } = self;
        execute(client, statement, databases.len(), &[databases, ids, records]).await
    }
}

impl EventRows {
    fn push(&mut self, number: i64, event: &Event) {
        self.numbers.push(number);
        self.records.push(record::encode_event(event));
    }

    async fn send(&self, client: &Client, statement: &Statement) -> Result<(), tokio_postgres::Error> {
        execute(client, statement, self.numbers.len(), &[&self.numbers, &self.records]).await
    }

    /// The same for a statement that wants to know how many there are.
    async fn send_counted(&self, client: &Client, statement: &Statement) -> Result<(), tokio_postgres::Error> {
        let count = limit(self.numbers.len());
        execute(client, statement, self.numbers.len(), &[&self.numbers, &self.records, &count]).await
    }
}

impl KeyRows {
    fn extend(&mut self, profile: &Profile, keys: &[LookupKey<'_>]) {
        let row = |key: &LookupKey<'_>| (key_place(profile.database, key), profile.id, number(key.resource));
        self.0.extend(keys.iter().map(row));
    }

    async fn send(&self, client: &Client, statement: &Statement) -> Result<(), tokio_postgres::Error> {
        let places: Vec<&[u8]> = self.0.iter().map(|(place, ..)| &**place).collect();
        let ids: Vec<&[u8]> = self.0.iter().map(|(_, id, _)| &id.0[..]).collect();
        let resources: Vec<i64> = self.0.iter().map(|(.., resource)| *resource).collect();
        execute(client, statement, places.len(), &[&places, &ids, &resources]).await
    }
}

/// Nothing is sent to write nothing.
async fn execute(
    client: &Client,
    statement: &Statement,
    rows: usize,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<(), tokio_postgres::Error> {
    if rows > 0 {
        client.execute(statement, parameters).await?;
    }
    Ok(())
}
