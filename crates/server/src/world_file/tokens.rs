//! `[[tokens]]`: who may call, what they may do, and how much of it. Rulings T7, T11.

use super::{Fault, distinct, fault};
use jiff::{Span, SpanRelativeTo};
use rollcall_model::{
    action::Action,
    database::DatabaseId,
    token::{Allowance, Grant, Right, TokenHash},
};
use serde::Deserialize;
use std::{num::NonZeroU32, time::Duration};
use toml::Spanned;

/// A row: one token. The secret itself stands only in files of tests and stand-ins; others have its hash.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRow {
    name: Option<Spanned<String>>,
    hash: Option<Spanned<String>>,
    token: Option<Spanned<String>>,
    databases: Option<Vec<Spanned<u32>>>,
    actions: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    rights: Vec<RightRow>,
    rate_limit: Option<RateLimit>,
    tariff_limit: Option<TariffLimit>,
}

/// What may be done in one database.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RightRow {
    database: Spanned<u32>,
    actions: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimit {
    requests: NonZeroU32,
    per: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TariffLimit {
    profiles: NonZeroU32,
    per: Spanned<String>,
}

/// Looks a database up.
pub(super) type Databases<'a> = &'a dyn Fn(&Spanned<u32>) -> Result<DatabaseId, Fault>;

/// What the bearers of these tokens may do.
pub(super) fn grants(rows: &[Spanned<TokenRow>], databases: Databases<'_>) -> Result<Vec<Grant>, Fault> {
    let mut grants: Vec<Grant> = Vec::with_capacity(rows.len());
    for row in rows {
        let grant = grant(row, grants.len() + 1, databases)?;
        if grants.iter().any(|known| known.hash == grant.hash) {
            return Err(fault(row, "this token stands twice".to_owned()));
        }
        if grants.iter().any(|known| known.name == grant.name) {
            let problem = format!("another token is called {:?} already", grant.name);
            return Err(row.get_ref().name.as_ref().map_or(fault(row, problem.clone()), |name| fault(name, problem)));
        }
        grants.push(grant);
    }
    Ok(grants)
}

fn grant(row: &Spanned<TokenRow>, number: usize, databases: Databases<'_>) -> Result<Grant, Fault> {
    let token = row.get_ref();
    Ok(Grant {
        name: token.name.as_ref().map_or_else(|| Ok(format!("token-{number}")), checked_name)?.into(),
        hash: hash(row)?,
        rights: rights(row, databases)?,
        rate_limit: token.rate_limit.as_ref().map(|limit| allowance(limit.requests, &limit.per)).transpose()?,
        tariff_limit: token.tariff_limit.as_ref().map(|limit| allowance(limit.profiles, &limit.per)).transpose()?,
    })
}

/// A name is written into lines of the log.
fn checked_name(name: &Spanned<String>) -> Result<String, Fault> {
    match name.get_ref().trim().is_empty() || name.get_ref().chars().any(char::is_control) {
        true => Err(fault(name, "a token's name is a line of text".to_owned())),
        false => Ok(name.get_ref().clone()),
    }
}

fn hash(row: &Spanned<TokenRow>) -> Result<TokenHash, Fault> {
    match (&row.get_ref().hash, &row.get_ref().token) {
        (Some(hash), None) => hash.get_ref().parse().map_err(|_| {
            fault(hash, "a hash is sha256: and 64 hexadecimal digits; `rollcall token new` prints one".to_owned())
        }),
        (None, Some(secret)) => match is_sound(secret.get_ref()) {
            true => Ok(TokenHash::of(secret.get_ref())),
            false => Err(fault(secret, UNSOUND.to_owned())),
        },
        _ => {
            Err(fault(row, "give either the token's hash, which `rollcall token new` prints, or the token".to_owned()))
        }
    }
}

/// What is wrong with a secret that is none.
pub const UNSOUND: &str = "a token cannot be empty, nor begin or end with white space";

/// Whether this can be a secret.
pub fn is_sound(secret: &str) -> bool {
    !secret.is_empty() && secret.trim() == secret
}

fn rights(row: &Spanned<TokenRow>, databases: Databases<'_>) -> Result<Vec<Right>, Fault> {
    let TokenRow { databases: simple, actions, rights, .. } = row.get_ref();
    match simple {
        Some(_) if !rights.is_empty() => {
            Err(fault(row, "give either databases, with or without actions, or [[tokens.rights]]".to_owned()))
        }
        Some(ids) => {
            let actions = actions.as_ref().map_or_else(|| Ok(Action::ALL.to_vec()), named_actions)?;
            ids.iter().map(|id| Ok(Right { database: databases(id)?, actions: actions.clone() })).collect()
        }
        None => match actions {
            Some(actions) => Err(fault(actions, "say in which databases: databases = [1, 2]".to_owned())),
            None if rights.is_empty() => Err(fault(row, "say where it may call: databases = [1, 2]".to_owned())),
            None => rights_one_by_one(rights, databases),
        },
    }
}

fn rights_one_by_one(rows: &[RightRow], databases: Databases<'_>) -> Result<Vec<Right>, Fault> {
    distinct(rows.iter().map(|row| &row.database), "database")?;
    let right =
        |row: &RightRow| Ok(Right { database: databases(&row.database)?, actions: named_actions(&row.actions)? });
    rows.iter().map(right).collect()
}

fn named_actions(names: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<Action>, Fault> {
    let known = || Action::ALL.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ");
    if names.get_ref().is_empty() {
        return Err(fault(names, format!("name at least one of {}", known())));
    }
    distinct(names.get_ref().iter(), "action")?;
    let action = |name: &Spanned<String>| {
        let problem = || fault(name, format!("{:?} is no action; there are {}", name.get_ref(), known()));
        Action::named(name.get_ref()).ok_or_else(problem)
    };
    names.get_ref().iter().map(action).collect()
}

fn allowance(count: NonZeroU32, per: &Spanned<String>) -> Result<Allowance, Fault> {
    let problem = || {
        let written = per.get_ref();
        fault(per, format!("{written:?} is no length of time; write one as 1s, 15m, 24h or 30d"))
    };
    let period = length_of_time(per.get_ref()).filter(|period| !period.is_zero()).ok_or_else(problem)?;
    Ok(Allowance { count, period })
}

fn length_of_time(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use rollcall_model::world::World;

    const DATABASES: &str = "[[databases]]\nid = 1\nname = 'A'\n[[databases]]\nid = 2\nname = 'B'\n[[tokens]]\n";
    const HASH: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn world(token: &str) -> World {
        read(&format!("{DATABASES}{token}"), "w.toml").unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_token_is_known_by_its_hash_alone() {
        for token in [format!("hash = '{HASH}'"), "token = 'abc'".to_owned()] {
            let world = world(&format!("{token}\ndatabases = [1]"));
            assert_eq!(world.grants[0].hash.to_string(), HASH);
            assert!(world.grant(TokenHash::of("abc")).is_ok() && world.grant(TokenHash::of("abd")).is_err());
        }
    }

    #[test]
    fn may_do_everything_in_its_databases_unless_actions_say_otherwise() {
        let allowed = |token: &str| {
            let world = world(&format!("token = 'abc'\n{token}"));
            let mut allowed = Vec::new();
            for database in [1, 2] {
                for action in Action::ALL {
                    if world.grants[0].allows(*action, DatabaseId(database)) {
                        allowed.push(format!("{} {database}", action.name()));
                    }
                }
            }
            allowed.join(", ")
        };
        assert_eq!(allowed("databases = []"), "");
        assert_eq!(allowed("databases = [2]"), "import 2, read 2, delete 2");
        assert_eq!(allowed("databases = [1, 2]\nactions = ['read']"), "read 1, read 2");
        let rights = "[[tokens.rights]]\ndatabase = 1\nactions = ['import']\n\
                      [[tokens.rights]]\ndatabase = 2\nactions = ['delete', 'read']";
        assert_eq!(allowed(rights), "import 1, read 2, delete 2");
    }

    #[test]
    fn is_called_by_its_name_or_its_place() {
        let world = world(
            "token = 'a'\ndatabases = [1]\n[[tokens]]\nname = 'shop'\ntoken = 'b'\ndatabases = [1]\n\
             [[tokens]]\ntoken = 'c'\ndatabases = [1]",
        );
        let names: Vec<_> = world.grants.iter().map(|grant| &*grant.name).collect();
        assert_eq!(names, ["token-1", "shop", "token-3"]);
    }

    #[test]
    fn allowances_have_a_count_and_a_length_of_time() {
        let seconds = |per: &str| {
            let limits = format!("rate_limit = {{ requests = 5, per = '{per}' }}");
            let grant = world(&format!("token = 'a'\ndatabases = [1]\n{limits}")).grants.remove(0);
            assert_eq!(grant.tariff_limit, None);
            grant.rate_limit.map(|limit| (limit.count.get(), limit.period.as_millis()))
        };
        for (per, milliseconds) in
            [("1s", 1000), ("250ms", 250), ("1m 30s", 90_000), ("1 hour", 3_600_000), ("30d", 2_592_000_000)]
        {
            assert_eq!(seconds(per), Some((5, milliseconds)), "{per}");
        }
    }

    #[test]
    fn names_line_key_and_what_is_wrong_with_a_token() {
        let check = |token: &str, expected: &str| {
            let error = read(&format!("{DATABASES}{token}"), "w.toml").expect_err(token).to_string();
            assert!(error.starts_with(&format!("w.toml:{expected}")), "{error}");
        };
        check("token = 't'\ndatabases = [1, 7]", "9: tokens[0].databases[1]: there is no database 7");
        check("token = ''\ndatabases = []", "8: tokens[0].token: a token cannot be empty");
        check("hash = 'abc'\ndatabases = []", "8: tokens[0].hash: a hash is sha256:");
        check("databases = []", "7: tokens[0]: give either the token's hash");
        check(&format!("hash = '{HASH}'\ntoken = 'abc'\ndatabases = []"), "7: tokens[0]: give either the token's hash");
        check("token = 't'", "7: tokens[0]: say where it may call");
        check("token = 't'\nactions = ['read']", "9: tokens[0].actions: say in which databases");
        let token = "token = 't'\ndatabases = [1]\n";
        check(&format!("{token}actions = []"), "10: tokens[0].actions: name at least one of import, read, delete");
        check(&format!("{token}actions = ['read', 'write']"), "10: tokens[0].actions[1]: \"write\" is no action");
        check(&format!("{token}actions = ['read', 'read']"), "10: tokens[0].actions[1]: action read stands twice");
        let right = "[[tokens.rights]]\ndatabase = 1\nactions = ['read']\n";
        check(&format!("{token}{right}"), "7: tokens[0]: give either databases");
        check(&format!("token = 't'\n{right}{right}"), "13: tokens[0].rights[1].database: database 1 stands twice");
        check(&format!("{token}[[tokens]]\n{token}"), "10: tokens[1]: this token stands twice");
        let named = |name: &str| format!("[[tokens]]\ntoken = 'u'\nname = '{name}'\ndatabases = [1]");
        check(
            &format!("{token}{}", named("token-1")),
            "12: tokens[1].name: another token is called \"token-1\" already",
        );
        check(&format!("{token}{}", named(" ")), "12: tokens[1].name: a token's name is a line of text");
        let limit = |per: &str| format!("{token}rate_limit = {{ requests = 1, per = '{per}' }}");
        for per in ["soon", "0s", "-1s", "1 month", "30"] {
            check(&limit(per), &format!("10: tokens[0].rate_limit.per: \"{per}\" is no length of time"));
        }
        check(
            &format!("{token}tariff_limit = {{ profiles = 0, per = '1d' }}"),
            "10: tokens[0].tariff_limit.profiles: invalid",
        );
        check(&format!("{token}rate_limit = {{ profiles = 1 }}"), "10: tokens[0].rate_limit.profiles: unknown field");
    }
}
