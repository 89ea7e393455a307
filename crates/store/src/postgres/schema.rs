//! Table: the tables in a database, how they came about, and every statement that is ever sent.
//!
//! Only what PostgreSQL, YugabyteDB and CockroachDB share by their documentation: no function, no sequence, no `NOTIFY`; an
//! advisory lock for who delivers events alone, see [`DELIVER`]. A list of rows is sent as one array a column and taken apart by `unnest` with several arguments, which all
//! three have in `FROM`, as they have `LATERAL`, row comparison with `IN`, and `INSERT .. SELECT`.

use super::connection::{Connection, Fault};
use tokio_postgres::error::SqlState;

/// The version of the tables that this program works with: the number of [`MIGRATIONS`].
pub(super) const VERSION: i64 = 2;

/// What leads from one version to the next. Each statement is done on its own, since YugabyteDB and CockroachDB do not
/// promise that several changes of tables are one; so each can be done twice, and the version is written down last.
///
/// A key's row is its `place` as a whole (`key_place`, which begins with the database) and not a digest of it: the
/// rows of one key lie together with the oldest profile first, what is indexed can be read, and no two places are ever
/// one. A place is 521 bytes long at most, which every index takes. The resource is -1 where a key is of none.
///
/// The numbers of events are taken from a row, not from a sequence: the lock of the row makes them ascend in the order in
/// which transactions commit, so that who has read events up to one number has missed none.
const MIGRATIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE IF NOT EXISTS rollcall_profiles (
            db_id int8 NOT NULL, id bytea NOT NULL, record bytea NOT NULL, PRIMARY KEY (db_id, id))",
        "CREATE TABLE IF NOT EXISTS rollcall_keys (
            place bytea NOT NULL, id bytea NOT NULL, resource int8 NOT NULL, PRIMARY KEY (place, id, resource))",
        "CREATE TABLE IF NOT EXISTS rollcall_turn (id int8 PRIMARY KEY)",
        "INSERT INTO rollcall_turn (id) VALUES (1) ON CONFLICT DO NOTHING",
    ],
    &[
        "CREATE TABLE IF NOT EXISTS rollcall_outbox (number int8 PRIMARY KEY, record bytea NOT NULL)",
        "CREATE TABLE IF NOT EXISTS rollcall_numbers (id int8 PRIMARY KEY, latest int8 NOT NULL)",
        "INSERT INTO rollcall_numbers (id, latest) VALUES (1, 0) ON CONFLICT DO NOTHING",
    ],
];

/// The table of events, as errors call it.
pub(super) const OUTBOX: &str = "rollcall_outbox";

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS rollcall_schema (version int8 PRIMARY KEY)";
const CURRENT: &str = "SELECT max(version) FROM rollcall_schema";

/// Whoever holds this row's lock has the turn. In all three a row's lock is waited for, and gone with its connection.
pub(super) const TAKE_TURN: &str = "BEGIN; SELECT id FROM rollcall_turn WHERE id = 1 FOR UPDATE";

/// Begins a write. What it has read is still so when it commits, or it fails with 40001: in all three.
pub(super) const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
/// Begins a read. One state would not be enough: a write that goes on while it is read may come before, in the serial
/// order, what the reader has seen; only a serializable read makes the database refuse one of the two.
pub(super) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY";
pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// The oldest who have these keys, `$5` of each at most, in any order; and their records. The database goes through
/// `found`, since PostgreSQL would else look for profiles by it alone as long as it believes that there are few.
pub(super) const FIND_FEW: &str = "
    SELECT asked.n, found.id, profile.record
    FROM unnest($1::int8[], $2::int8[], $3::bytea[], $4::int8[]) AS asked (n, db_id, place, resource)
    CROSS JOIN LATERAL (
        SELECT DISTINCT asked.db_id, key.id FROM rollcall_keys AS key
        WHERE key.place = asked.place AND (asked.resource < 0 OR key.resource = asked.resource)
        ORDER BY key.id LIMIT $5) AS found
    LEFT JOIN rollcall_profiles AS profile ON profile.db_id = found.db_id AND profile.id = found.id";

/// The same without the records, for as many as there may be.
pub(super) const FIND_MANY: &str = "
    SELECT asked.n, found.id
    FROM unnest($1::int8[], $2::bytea[], $3::int8[]) AS asked (n, place, resource)
    CROSS JOIN LATERAL (
        SELECT DISTINCT key.id FROM rollcall_keys AS key
        WHERE key.place = asked.place AND (asked.resource < 0 OR key.resource = asked.resource)
        ORDER BY key.id LIMIT $4) AS found";

/// These profiles.
pub(super) const PROFILES: &str = "
    SELECT asked.n, profile.record
    FROM unnest($1::int8[], $2::int8[], $3::bytea[]) AS asked (n, db_id, id)
    JOIN rollcall_profiles AS profile ON profile.db_id = asked.db_id AND profile.id = asked.id";

/// One page of a database.
pub(super) const PAGE: &str =
    "SELECT id, record FROM rollcall_profiles WHERE db_id = $1 AND id > $2 ORDER BY id LIMIT $3";

/// Profiles that are new. One that is there after all is a unique violation, in all three.
pub(super) const INSERT_PROFILES: &str = "
    INSERT INTO rollcall_profiles (db_id, id, record)
    SELECT db_id, id, record FROM unnest($1::int8[], $2::bytea[], $3::bytea[]) AS new (db_id, id, record)";

/// Profiles that were there.
pub(super) const UPDATE_PROFILES: &str = "
    UPDATE rollcall_profiles AS profile SET record = new.record
    FROM unnest($1::int8[], $2::bytea[], $3::bytea[]) AS new (db_id, id, record)
    WHERE profile.db_id = new.db_id AND profile.id = new.id";

/// Keys that profiles no longer have.
pub(super) const DELETE_KEYS: &str = "
    DELETE FROM rollcall_keys WHERE (place, id, resource) IN (
        SELECT place, id, resource FROM unnest($1::bytea[], $2::bytea[], $3::int8[]) AS old (place, id, resource))";

/// Keys that profiles have now.
pub(super) const INSERT_KEYS: &str = "
    INSERT INTO rollcall_keys (place, id, resource)
    SELECT place, id, resource FROM unnest($1::bytea[], $2::bytea[], $3::int8[]) AS new (place, id, resource)
    ON CONFLICT DO NOTHING";

/// Profiles that are there no longer.
pub(super) const DELETE_PROFILES: &str = "
    DELETE FROM rollcall_profiles WHERE (db_id, id) IN (
        SELECT db_id, id FROM unnest($1::int8[], $2::bytea[]) AS old (db_id, id))";

/// Events that are new, counted from 1 on, `$3` of them.
pub(super) const INSERT_EVENTS: &str = "
    WITH taken AS (
        UPDATE rollcall_numbers SET latest = latest + $3 WHERE id = 1 RETURNING latest - $3 AS before)
    INSERT INTO rollcall_outbox (number, record)
    SELECT taken.before + new.n, new.record
    FROM taken CROSS JOIN unnest($1::int8[], $2::bytea[]) AS new (n, record)";

/// Events that have become others, as far as they are still there.
pub(super) const UPDATE_EVENTS: &str = "
    UPDATE rollcall_outbox AS event SET record = new.record
    FROM unnest($1::int8[], $2::bytea[]) AS new (number, record) WHERE event.number = new.number";

/// Events that have ended.
pub(super) const DELETE_EVENTS: &str = "
    DELETE FROM rollcall_outbox WHERE number IN (SELECT number FROM unnest($1::int8[]) AS old (number))";

/// Some events, in the order of their numbers.
pub(super) const EVENTS: &str = "SELECT number, record FROM rollcall_outbox WHERE number > $1 ORDER BY number LIMIT $2";

/// Makes this session the one that delivers events, if no other is: 1 or 0. The lock is of the outbox's own table, so that
/// schemas do not disturb each other, and of no transaction, since one that lasts as long as a server would keep dead rows.
pub(super) const DELIVER: &str =
    "SELECT pg_try_advisory_lock(1380142918, 'rollcall_outbox'::regclass::oid::int4)::int4";

/// Whether a session is still there: 1.
pub(super) const ALIVE: &str = "SELECT 1";

/// What a connection asks for itself. PostgreSQL's planner goes by how large a table was when it last looked, and would
/// read one from end to end that has grown since; an engine without such a setting refuses it, no matter.
pub(super) const SESSION: &[&str] = &[
    "SET statement_timeout = '5s'",
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_sort = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET plan_cache_mode = force_generic_plan",
];

/// How often the tables are gone at, while other servers may be at them as well.
const TRIES: usize = 20;

/// Brings the tables to [`VERSION`], and says which version they are of: a later one is left alone.
pub(super) fn migrate(connection: &mut Connection) -> Result<i64, Fault> {
    let mut tries = 0;
    loop {
        match migrate_once(connection) {
            // `IF NOT EXISTS` does not keep two servers that start at once from quarrelling in PostgreSQL's own tables.
            Err(Fault::Conflict(_) | Fault::Refused(_)) if tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

fn migrate_once(connection: &mut Connection) -> Result<i64, Fault> {
    // Asked first: whoever may not make tables, or not change anything, can use those that are there.
    let found = match current(connection) {
        Err(fault) if fault.has_code(&SqlState::UNDEFINED_TABLE) => {
            connection.execute(VERSIONS)?;
            current(connection)?
        }
        found => found?,
    };
    for (migration, version) in MIGRATIONS.iter().zip(1..).filter(|(_, version)| *version > found) {
        migration.iter().try_for_each(|statement| connection.execute(statement))?;
        connection
            .execute(&format!("INSERT INTO rollcall_schema (version) VALUES ({version}) ON CONFLICT DO NOTHING"))?;
    }
    Ok(found.max(VERSION))
}

/// The version that the tables are of; 0 where there are none yet.
pub(super) fn current(connection: &mut Connection) -> Result<i64, Fault> {
    connection.number(CURRENT).map(Option::unwrap_or_default)
}
