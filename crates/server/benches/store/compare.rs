//! Durable imports a second beside what bounds them and what else one could run, in one run.
//!
//! The load: the documentation's third JSON request, with a person of its own for each of the people that every contender
//! holds from the beginning; who comes is as `visitors` says. Contenders take turns, round after round. The rate that
//! counts is the median of the rounds, the times are those of all rounds.

use std::collections::BTreeMap;
use std::time::Duration;

use rollcall_testbed::load::{Round, Times};

use crate::contenders::{self, Contender, Place};
use crate::report::{self, Bound, Goal};
use crate::visitors::NEW_ONE_IN;

/// Durable imports a second beside other stores, other servers and what the disk allows
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds that each contender has with each number of connections
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a round is
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// People that each contender holds from the beginning
    #[arg(long, default_value_t = 200_000)]
    people: u64,
    /// Only these contenders
    #[arg(long, value_delimiter = ',', value_name = "CONTENDERS", value_parser = contenders::names())]
    only: Vec<String>,
}

const CONNECTIONS: [usize; 3] = [1, 8, 64];
const WARM_UP: Duration = Duration::from_secs(2);

/// What came of a contender's rounds with one number of connections.
struct Summary {
    per_second: f64,
    times: Times,
    /// Of the server for an answer, where it is one process.
    cpu: Option<Duration>,
}

type Results = BTreeMap<(&'static str, usize), Summary>;

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = crate::folder_on_a_disk()?;
    let is_wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let place = Place::new(folder.path());
    let mut contenders = contenders::start(&place, options.people, is_wanted);
    let mut results = Results::new();
    for connections in CONNECTIONS {
        results.extend(take_turns(&mut contenders, connections, options)?);
    }
    print(&contenders, &results);
    println!("\n{}", report::machine());
    println!(
        "{} rounds of {} s each; {} people from the beginning, one visitor in {NEW_ONE_IN} is new.",
        options.rounds, options.seconds, options.people
    );
    report::goals(&goals(&results));
    Ok(())
}

fn take_turns(contenders: &mut [Contender], connections: usize, options: &Options) -> anyhow::Result<Results> {
    let takes_part = |contender: &&mut Contender| contender.not_run().is_none() && contender.is_meant_for(connections);
    let mut takes_part: Vec<_> = contenders.iter_mut().filter(takes_part).collect();
    let turns = (options.rounds + 1) * takes_part.len();
    let bar = report::progress(&format!("{connections} connections"), turns as u64);
    let mut rounds: BTreeMap<_, Vec<(Round, Option<Duration>)>> = BTreeMap::new();
    for number in 0..=options.rounds {
        for contender in &mut takes_part {
            bar.set_message(format!("{connections} connections: {}", contender.name));
            if number == 0 {
                contender.round(connections, WARM_UP)?;
            } else {
                let round = contender.round(connections, Duration::from_secs(options.seconds))?;
                rounds.entry((contender.name, connections)).or_default().push(round);
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(rounds.into_iter().map(|(key, rounds)| (key, Summary::of(&rounds))).collect())
}

impl Summary {
    fn of(rounds: &[(Round, Option<Duration>)]) -> Self {
        let mut rates: Vec<_> = rounds.iter().map(|(round, _)| round.per_second()).collect();
        rates.sort_by(f64::total_cmp);
        let mut times = Times::default();
        rounds.iter().for_each(|(round, _)| times.add(&round.times));
        let used: Option<Duration> = rounds.iter().map(|(_, cpu)| *cpu).sum();
        let answers = u32::try_from(times.count()).unwrap_or(u32::MAX);
        Self { per_second: rates[rates.len() / 2], times, cpu: used.map(|used| used / answers.max(1)) }
    }
}

/// What the others are shown as a ratio to.
const OURS: &str = "disk";

fn print(contenders: &[Contender], results: &Results) {
    let head = ["contender", "connections", "answers/s", "ours / it", "p50", "p99", "p99.9", "server CPU µs/answer"];
    for connections in CONNECTIONS {
        let ours = results.get(&(OURS, connections)).map(|ours| ours.per_second);
        let row = |contender: &Contender| {
            let mut cells = vec![contender.title.to_owned(), connections.to_string()];
            match results.get(&(contender.name, connections)) {
                Some(result) => cells.extend(result.cells(ours)),
                None => cells.extend(["**NOT RUN**", "", "", "", "", ""].map(str::to_owned)),
            }
            cells
        };
        let shown = contenders.iter().filter(|contender| contender.is_meant_for(connections));
        report::table(&head, &shown.map(row).collect::<Vec<_>>());
    }
    for contender in contenders {
        if let Some(reason) = contender.not_run() {
            println!("\nNOT RUN: {}: {reason}", contender.title);
        }
    }
}

impl Summary {
    fn cells(&self, ours: Option<f64>) -> Vec<String> {
        let ratio = ours.map_or(String::new(), |ours| format!("{:.2}", ours / self.per_second));
        let mut cells = vec![report::count(self.per_second), ratio];
        cells.extend(report::quantiles(&self.times));
        cells.push(self.cpu.map_or(String::new(), |cpu| format!("{:.0}", cpu.as_secs_f64() * 1e6)));
        cells
    }
}

/// What a contender is compared with: its rate with 64 connections, or the best it has with any number of them.
#[derive(Clone, Copy)]
enum Yardstick {
    With(usize, &'static str),
    AtItsBest(&'static str),
}

/// Table: a contender, with so many connections, the yardstick, and the ratio that is aimed at.
const RATIOS: [(&str, usize, Yardstick, f64); 11] = [
    (OURS, 1, Yardstick::With(1, "floor"), 0.45),
    (OURS, 64, Yardstick::With(64, "memory"), 0.45),
    (OURS, 64, Yardstick::With(64, "log"), 0.5),
    (OURS, 64, Yardstick::AtItsBest("function"), 3.0),
    (OURS, 64, Yardstick::With(64, "single"), 4.0),
    (OURS, 64, Yardstick::With(64, "prism"), 10.0),
    (OURS, 64, Yardstick::With(64, "mockoon"), 10.0),
    (OURS, 64, Yardstick::With(64, "wiremock"), 3.0),
    (OURS, 64, Yardstick::With(64, "unjournaled"), 3.0),
    ("postgres", 64, Yardstick::AtItsBest("function"), 0.7),
    ("memory", 64, Yardstick::With(64, "bare"), 0.8),
];
const P99_MS: f64 = 15.0;

fn goals(results: &Results) -> Vec<Goal> {
    let rate = |name, connections| results.get(&(name, connections)).map(|result| result.per_second);
    let ratio = |&(name, connections, yardstick, aim): &(&'static str, usize, Yardstick, f64)| {
        let (of, at) = match yardstick {
            Yardstick::With(connections, of) => (rate(of, connections), of.to_owned()),
            Yardstick::AtItsBest(of) => {
                let rates = CONNECTIONS.iter().filter_map(|&connections| rate(of, connections));
                (rates.max_by(f64::total_cmp), format!("{of} at its best"))
            }
        };
        Goal {
            what: format!("{name} / {at}, {connections} connections"),
            bound: Bound::AtLeast(aim),
            measured: rate(name, connections).zip(of).map(|(rate, of)| rate / of),
        }
    };
    let p99 = results.get(&(OURS, 64)).map(|ours| ours.times.quantile(0.99).as_secs_f64() * 1e3);
    let p99 = Goal { what: format!("{OURS}: p99 in ms, 64 connections"), bound: Bound::AtMost(P99_MS), measured: p99 };
    RATIOS.iter().map(ratio).chain([p99]).collect()
}
