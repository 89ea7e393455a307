//! What two targets disagree about, for people and as JSON. How it was found out is in `against`.

use std::fmt::Write;

use serde_json::json;

use super::plain::visible;
use super::screen::{BOLD, DIM, GREEN, RED, YELLOW, answer, command, field, request};
use super::{curl, json::exchange};
use crate::against::{Aspect, Class, Comparison};

/// Who was compared, and how.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// Base URL of the first target.
    pub a: &'a str,
    /// Base URL of the second target.
    pub b: &'a str,
    /// How the world was named.
    pub world: &'a str,
    /// The seed that draws the generated cases.
    pub seed: u64,
}

/// What is said on the screen after the last answer.
pub fn screen(compared: &Compared<'_>, comparison: &Comparison) -> String {
    let mut out = String::new();
    for (position, class) in comparison.classes.iter().enumerate() {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            out,
            "\n{BOLD}{:>2}. {}{BOLD:#}  in {} verdicts",
            position + 1,
            visible(&gist(class)),
            class.count
        );
        example(&mut out, class, compared.seed);
    }
    if !comparison.noise.is_empty() {
        let _ =
            writeln!(out, "\n{DIM}Left out, since A itself varies: {}{DIM:#}", visible(&comparison.noise.join(", ")));
    }
    if comparison.unsteady > 0 {
        let _ = writeln!(out, "\n{DIM}A does not answer twice alike in {} verdicts{DIM:#}", comparison.unsteady);
    }
    let (number, count) = (comparison.classes.len(), comparison.compared);
    let (style, word, because) = match comparison.exit_code() {
        0 => (GREEN.bold(), "no disagreement", format!("{count} verdicts were compared")),
        1 if number == 1 => (RED, "disagreement", format!("one kind of it in {count} verdicts that were compared")),
        1 => (RED, "disagreement", format!("{number} kinds of it in {count} verdicts that were compared")),
        _ => (YELLOW.bold(), "not compared", visible(&comparison.reasons.join("; "))),
    };
    let _ = writeln!(out, "\n{style}{word}{style:#}: {because}");
    let _ = writeln!(out, "{DIM}A {}, B {}, seed {}{DIM:#}", compared.a, compared.b, compared.seed);
    out
}

fn gist(class: &Class) -> String {
    match &class.aspect {
        Aspect::BothBroke => format!("both broke: A {}, B {}", class.a, class.b),
        Aspect::Answer => format!("A {}, B {}", class.a, class.b),
        aspect => format!("{aspect}: A {}, B {}", class.a, class.b),
    }
}

fn example(out: &mut String, class: &Class, seed: u64) {
    let example = &class.example;
    field(out, "example", &format!("{} [{}], {}", example.case, example.format, example.step));
    if (&example.a, &example.b) != (&class.a, &class.b) {
        field(out, "A says", &visible(&example.a));
        field(out, "B says", &visible(&example.b));
    }
    if let Some(exchange) = example.with_a.as_ref().or(example.with_b.as_ref()) {
        field(out, "request", &request(&exchange.sent));
    }
    for (name, exchange) in [("A answers", &example.with_a), ("B answers", &example.with_b)] {
        let text = exchange.as_ref().map_or_else(|| "was not asked".to_owned(), |exchange| answer(&exchange.received));
        field(out, name, &text);
    }
    if let Some(exchange) = &example.with_a {
        field(out, "curl", &command(&exchange.sent));
    }
    field(out, "again", &format!("the same command with --seed {seed} --filter {}", example.case));
}

/// The JSON text, by the schema in `schema/disagreements.schema.json`.
///
/// # Errors
/// Never in practice: every key is a string and every number finite.
pub fn json(compared: &Compared<'_>, comparison: &Comparison) -> serde_json::Result<String> {
    let class = |class: &Class| {
        let example = &class.example;
        json!({
            "aspect": class.aspect.to_string(),
            "a": class.a,
            "b": class.b,
            "count": class.count,
            "example": {
                "case": example.case,
                "format": example.format,
                "step": example.step,
                "a": example.a,
                "b": example.b,
                "with_a": example.with_a.as_ref().map(exchange),
                "with_b": example.with_b.as_ref().map(exchange),
                "curl": example.with_a.as_ref().map(|exchange| curl::line(&exchange.sent)),
            }
        })
    };
    let value = json!({
        "suite_version": env!("CARGO_PKG_VERSION"),
        "target": compared.a,
        "against": compared.b,
        "world": compared.world,
        "seed": compared.seed,
        "reasons": comparison.reasons,
        "compared": comparison.compared,
        "unsteady": comparison.unsteady,
        "noise": comparison.noise,
        "disagreements": comparison.classes.iter().map(class).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&value).map(|text| text + "\n")
}
