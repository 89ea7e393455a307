//! `rollcall load`: lines to profiles in a store. Start here; the steps are in the modules below.
//!
//! A thread reads blocks of lines, several decode them, and this one hands them to the store in the order of the file,
//! a few at a time, so that the store always has work. What was kept is noted after it was kept (`stand`), so that a load
//! that was interrupted can go on.

mod blocks; // a file as blocks of lines
mod decoding; // blocks -> profiles, on several threads, in order
mod keeping; // profiles -> store: what is refused
mod report; // what is shown, counted and written of bad lines
mod stand; // FILE.progress: how far a load has got

use super::{
    files::are_one,
    places::{StoreOptions, WorldOptions},
    progress,
};
use anyhow::{Context, bail};
use blocks::Blocks;
use clap::Args;
use decoding::{Decoded, DecodedBlocks};
use indicatif::ProgressBar;
use keeping::{Existing, Fate, Halt, Kept, Policy};
use report::Report;
use rollcall_model::world::World;
use rollcall_store::{
    error::StoreError,
    ids::new_profile_id,
    transaction::{Job, Store},
};
use stand::{Stand, StandFile};
use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

pub(crate) const EXAMPLES: &str = "Examples:
  rollcall load --data /var/lib/rollcall --world shop.toml people.jsonl
  rollcall load --resume people.jsonl              go on after an interruption
  rollcall load --skip-bad --rejects bad.jsonl people.jsonl
  zcat people.jsonl.gz | rollcall load -

A line is one profile, as `rollcall export` writes it: docs/operating.md. One that cannot be kept stops the load, unless \
--skip-bad is given; what stands before it is kept. Lines without an identifier get a new one. While FILE is loaded, \
FILE.progress says how far it has got; it is removed at the end.";

/// How many blocks a folder is given at once: while it keeps one, the next ones wait in its queue.
const IN_FLIGHT: usize = 4;

/// How many a database is given. It may answer that it is busy, and keep the next block all the same; the one that is
/// then handed over again would come behind that, so that what follows a bad line is kept, and an older line replaces a
/// younger one. A folder keeps blocks in the order in which it got them, and its queue has room for them all.
const IN_FLIGHT_TO_DATABASE: usize = 1;

/// How often a block is handed over again when the store was busy, and the pause before.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

const TEMPLATE: &str = "  {bar:30} {bytes}/{total_bytes}  {msg}  ETA {eta}";
const TEMPLATE_WITHOUT_LENGTH: &str = "  {spinner} {bytes}  {msg}  {elapsed}";

#[derive(Args)]
pub(crate) struct LoadArguments {
    #[command(flatten)]
    store: StoreOptions,

    #[command(flatten)]
    world: WorldOptions,

    /// Put a line's profile in place of another one with its identifier, instead of refusing the line
    #[arg(long)]
    replace: bool,

    /// Leave out lines that cannot be kept, instead of stopping at the first
    #[arg(long)]
    skip_bad: bool,

    /// Write the lines that are left out to this file
    #[arg(long, value_name = "FILE", requires = "skip_bad")]
    rejects: Option<PathBuf>,

    /// Go on where a load of this file was interrupted
    #[arg(long)]
    resume: bool,

    /// File of lines; - is standard input
    file: PathBuf,
}

impl LoadArguments {
    fn is_standard_input(&self) -> bool {
        self.file == Path::new("-")
    }

    fn policy(&self) -> Policy {
        let existing = if self.replace { Existing::Replace } else { Existing::Refuse };
        Policy { existing, skip_bad: self.skip_bad }
    }

    /// What bad lines are called after.
    fn name(&self) -> String {
        if self.is_standard_input() { "standard input".to_owned() } else { self.file.display().to_string() }
    }
}

/// Loads the lines.
pub(crate) fn run(arguments: &LoadArguments) -> anyhow::Result<()> {
    check_rejects(arguments)?;
    let world = Arc::new(arguments.world.read()?);
    match arguments.is_standard_input() {
        true => load_standard_input(arguments, &world),
        false => load_file(arguments, &world),
    }
}

/// Refuses to write rejects over what the load reads or notes. Before anything is opened, since that would empty it.
fn check_rejects(arguments: &LoadArguments) -> anyhow::Result<()> {
    let Some(rejects) = &arguments.rejects else { return Ok(()) };
    let stand = StandFile::beside(&arguments.file);
    let input = if arguments.is_standard_input() { Path::new("/dev/stdin") } else { &arguments.file };
    // A terminal may be both: nothing in it is lost.
    let is_input = input.is_file() && are_one(rejects, input);
    if is_input || (!arguments.is_standard_input() && are_one(rejects, stand.path())) {
        bail!("--rejects {} would overwrite a file that this load needs: name another one", rejects.display());
    }
    Ok(())
}

fn load_standard_input(arguments: &LoadArguments, world: &Arc<World>) -> anyhow::Result<()> {
    if arguments.resume {
        bail!("standard input cannot be read a second time: give --resume with a file");
    }
    let bar = progress::bar(None, TEMPLATE_WITHOUT_LENGTH);
    let store = arguments.store.open()?;
    let loader = Loader::new(arguments, world, store, bar, Stand::new(new_profile_id()), None)?;
    loader.load(Blocks::new(io::stdin()))
}

fn load_file(arguments: &LoadArguments, world: &Arc<World>) -> anyhow::Result<()> {
    let name = arguments.file.display();
    let file = File::open(&arguments.file).with_context(|| format!("cannot read {name}"))?;
    let length = file.metadata().with_context(|| format!("cannot read {name}"))?.len();
    let stand_file = StandFile::beside(&arguments.file);
    // Before the store is opened, so that a mistake leaves no new store behind.
    let known = stand_file.read(arguments.resume)?;
    let mut blocks = Blocks::new(file);
    if let Some(Stand { mark, .. }) = &known
        && blocks.pass(*mark).with_context(|| format!("cannot read {name}"))? != *mark
    {
        bail!("{name} is not what it was when its first {} lines were loaded: they have changed", mark.lines);
    }
    let store = if known.is_some() { arguments.store.open_existing()? } else { arguments.store.open()? };
    let stand = known.unwrap_or_else(|| Stand::new(new_profile_id()));
    stand.check_kept(&*store)?;
    let bar = progress::bar(Some(length), TEMPLATE);
    Loader::new(arguments, world, store, bar, stand, Some(stand_file))?.load(blocks)
}

/// Hands blocks to the store, and takes down what has become of them.
struct Loader {
    world: Arc<World>,
    store: Arc<dyn Store>,
    policy: Policy,
    halt: Arc<Halt>,
    in_flight: VecDeque<Handed>,
    at_once: usize,
    report: Report,
    stand: Stand,
    /// None where nothing can be resumed.
    stand_file: Option<StandFile>,
}

/// A block that was handed to the store, and where the answer will arrive.
struct Handed {
    block: Arc<Decoded>,
    number: u64,
    answer: Result<oneshot::Receiver<Result<Kept, StoreError>>, StoreError>,
}

impl Loader {
    fn new(
        arguments: &LoadArguments,
        world: &Arc<World>,
        store: Arc<dyn Store>,
        bar: ProgressBar,
        mut stand: Stand,
        stand_file: Option<StandFile>,
    ) -> anyhow::Result<Self> {
        let mut report = Report::new(arguments.name(), bar);
        if let Some(path) = &arguments.rejects {
            report.write_rejects(path, arguments.resume, &mut stand)?;
        }
        let at_once = if arguments.store.is_folder()? { IN_FLIGHT } else { IN_FLIGHT_TO_DATABASE };
        let (halt, in_flight) = (Arc::new(Halt::new()), VecDeque::with_capacity(at_once));
        let (world, policy) = (Arc::clone(world), arguments.policy());
        Ok(Self { world, store, policy, halt, in_flight, at_once, report, stand, stand_file })
    }

    fn load<R: Read + Send + 'static>(mut self, blocks: Blocks<R>) -> anyhow::Result<()> {
        // Before the first line is kept, so that a line without an identifier gets the same one again.
        self.note()?;
        let blocks = decoding::start(blocks, &self.world, self.stand.first_id)?;
        let loaded = self.load_all(blocks);
        self.report.finish();
        let noted = self.note();
        let closed = self.store.close();
        loaded?;
        noted?;
        closed?;
        self.stand_file.map_or(Ok(()), StandFile::remove)?;
        writeln!(io::stdout(), "{}", self.report.summary())?;
        Ok(())
    }

    fn load_all(&mut self, blocks: DecodedBlocks) -> anyhow::Result<()> {
        for (number, block) in (0..).zip(blocks) {
            if self.in_flight.len() == self.at_once {
                self.settle_oldest()?;
            }
            let handed = self.hand_over(Arc::new(block?), number);
            self.in_flight.push_back(handed);
        }
        while !self.in_flight.is_empty() {
            self.settle_oldest()?;
        }
        Ok(())
    }

    fn hand_over(&self, block: Arc<Decoded>, number: u64) -> Handed {
        let (work_on, world) = (Arc::clone(&block), Arc::clone(&self.world));
        let (policy, halt) = (self.policy, Arc::clone(&self.halt));
        let (job, answer) = Job::new(move |state| keeping::keep(&work_on, number, policy, &halt, &world, state));
        let answer = self.store.enqueue(job).map(|()| answer);
        Handed { block, number, answer }
    }

    fn settle_oldest(&mut self) -> anyhow::Result<()> {
        let Some(mut handed) = self.in_flight.pop_front() else { return Ok(()) };
        for _ in 0..TRIES {
            let Handed { block, number, answer } = handed;
            match answer.and_then(|answer| answer.blocking_recv().unwrap_or(Err(StoreError::Closed))) {
                Ok(Kept::Fates(fates)) => return self.take_down(&block, &fates),
                // A block before it was stopped by a run of its job that did not count.
                Ok(Kept::Halted) => {}
                Err(StoreError::Busy) => thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
            handed = self.hand_over(block, number);
        }
        Err(StoreError::Busy.into())
    }

    fn take_down(&mut self, block: &Decoded, fates: &[Fate]) -> anyhow::Result<()> {
        for (line, fate) in block.lines.iter().zip(fates) {
            match (fate, &line.profile) {
                (Fate::Bad(problem), _) if !self.policy.skip_bad => bail!(self.stopped(line.number, problem)),
                (Fate::Bad(_), _) | (_, Err(_)) => {}
                (_, Ok(profile)) => self.stand.last = Some((profile.database, profile.id)),
            }
            self.report.line(line.number, block.text(line), fate)?;
        }
        // Rejects first: behind the mark, nothing is looked at again.
        self.report.reached(block.end.offset)?;
        self.stand.mark = block.end;
        if let Some(rejects) = self.report.rejects_stand() {
            self.stand.rejects = Some(rejects.clone());
        }
        let is_due = self.stand_file.as_ref().is_some_and(|file| file.is_due(&self.stand));
        if is_due { self.note() } else { Ok(()) }
    }

    fn note(&mut self) -> anyhow::Result<()> {
        let Some(file) = &mut self.stand_file else { return Ok(()) };
        self.report.sync_rejects()?;
        file.note(&self.stand)
    }

    fn stopped(&self, number: u64, problem: &str) -> String {
        let resume = if self.stand_file.is_some() { "mend it and go on with --resume, or " } else { "" };
        let file = self.report.file();
        format!("{file}:{number}: {problem}\nthe lines before it are kept; {resume}leave bad lines out with --skip-bad")
    }
}

#[cfg(test)]
#[cfg(feature = "postgres")]
mod tests {
    use super::*;
    use clap::Parser;
    use rollcall_codec::line;
    use rollcall_model::{
        database::DatabaseId,
        profile::{Profile, ProfileId},
    };
    use rollcall_store::{
        memory::MemoryStore,
        transaction::{ReadJob, read},
    };
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Parser)]
    struct Load {
        #[command(flatten)]
        load: LoadArguments,
    }

    /// Keeps everything but what it is given first, which it is too busy for.
    struct BusyAtFirst {
        store: MemoryStore,
        is_busy: AtomicBool,
    }

    impl Store for BusyAtFirst {
        fn enqueue(&self, job: Job) -> Result<(), StoreError> {
            match self.is_busy.swap(false, Ordering::SeqCst) {
                true => job.settle(Err(StoreError::Busy)),
                false => self.store.enqueue(job)?,
            }
            Ok(())
        }

        fn enqueue_read(&self, job: ReadJob) -> Result<(), StoreError> {
            self.store.enqueue_read(job)
        }

        fn close(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    /// What the store has after loading into a database that is too busy for the first block.
    fn kept(lines: String, options: &[&str]) -> (anyhow::Result<()>, Vec<u64>) {
        let arguments = [&["load", "--store", "postgres://nowhere", "-"], options].concat();
        let arguments = Load::parse_from(arguments).load;
        let store = Arc::new(BusyAtFirst { store: MemoryStore::new(), is_busy: AtomicBool::new(true) });
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        let world = Arc::new(arguments.world.read().unwrap());
        let bar = ProgressBar::hidden();
        let loader = Loader::new(&arguments, &world, shared, bar, Stand::new(ProfileId([7; 12])), None).unwrap();
        let loaded = loader.load(Blocks::new(io::Cursor::new(lines)));
        let profiles = read(&*store, |state| state.profiles_after(DatabaseId(1), None, usize::MAX));
        let profiles = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(profiles).unwrap();
        let number = |profile: &Profile| {
            let line: serde_json::Value = serde_json::from_slice(&line::encode(profile, &world)).unwrap();
            line["custom_int"].as_u64().unwrap()
        };
        (loaded, profiles.iter().map(|profile| number(profile)).collect())
    }

    fn numbered(number: u64, id: u64) -> String {
        format!("{{\"db_id\": 1, \"id\": \"{id:024}\", \"custom_int\": {number}}}\n")
    }

    #[test]
    fn the_younger_line_wins_however_busy_the_database_was() {
        let lines: String = (0..1_200).map(|number| numbered(number, 1)).collect();
        let (loaded, kept) = kept(lines, &["--replace"]);
        loaded.unwrap();
        assert_eq!(kept, [1_199]);
    }

    #[test]
    fn nothing_behind_a_bad_line_is_kept_however_busy_the_database_was() {
        let lines: String = (0..1_200).map(|number| numbered(number, number)).collect();
        let (stopped, kept) = kept(lines.replacen("\"custom_int\": 5}", "}}", 1), &[]);
        assert!(stopped.unwrap_err().to_string().contains("standard input:6: "));
        assert_eq!(kept, [0, 1, 2, 3, 4]);
    }
}
