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
        _ => Err(fault(row, "give either the token's hash, which `rollcall token new` prints, or the token".to_owned())),
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
    let right = |row: &RightRow| Ok(Right { database: databases(&row.database)?, actions: named_actions(&row.actions)? });
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
