//! Blocks of lines to profiles: one thread reads, several decode, and the order of the file is kept.

use super::blocks::{Block, Blocks, LINE_BYTES, Mark};
use rollcall_codec::line::{self, LineError};
use rollcall_model::{
    profile::{Profile, ProfileId},
    rejection::Path,
    world::World,
};
use rollcall_store::ids;
use std::{
    io::Read,
    num::NonZero,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
};

/// How many blocks are read and decoded before somebody wants them, for each thread that decodes.
const AHEAD: usize = 2;

/// A block whose lines have been decoded.
#[derive(Debug)]
pub(super) struct Decoded {
    bytes: Vec<u8>,
    /// Its lines but those that are blank.
    pub(super) lines: Vec<Line>,
    /// Behind its last line.
    pub(super) end: Mark,
}

/// A line, and what it says.
#[derive(Debug)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    place: Range<usize>,
    /// The profile, or what is wrong.
    pub(super) profile: Result<Profile, LineError>,
}

impl Decoded {
    /// A line as it is in the file; nothing of one that is too long.
    pub(super) fn text(&self, line: &Line) -> &[u8] {
        &self.bytes[line.place.clone()]
    }
}

/// The decoded blocks, in the order of the file. An error is that of reading it.
pub(super) struct DecodedBlocks(Receiver<Receiver<anyhow::Result<Decoded>>>);

impl Iterator for DecodedBlocks {
    type Item = anyhow::Result<Decoded>;

    fn next(&mut self) -> Option<Self::Item> {
        // Whoever decodes answers, unless it panicked.
        let answer = self.0.recv().ok()?;
        Some(answer.recv().unwrap_or_else(|_| Err(anyhow::anyhow!("decoding panicked; this is a fault of ours"))))
    }
}

type Task = (Block, SyncSender<anyhow::Result<Decoded>>);

/// Starts to read and to decode. Lines without an identifier are numbered from `first_id`. The threads end when the file
/// does or when the blocks are dropped; they are not waited for, since the input may be somebody at a keyboard.
pub(super) fn start<R: Read + Send + 'static>(
    blocks: Blocks<R>,
    world: &Arc<World>,
    first_id: ProfileId,
) -> std::io::Result<DecodedBlocks> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (tasks, work) = mpsc::sync_channel::<Task>(threads * AHEAD);
    let (order, ordered) = mpsc::sync_channel(threads * AHEAD);
    let work = Arc::new(Mutex::new(work));
    for _ in 0..threads {
        let (work, world) = (Arc::clone(&work), Arc::clone(world));
        let run = move || {
            while let Some((block, answer)) = next_task(&work) {
                let _nobody_wants_it_any_more = answer.send(Ok(decode(block, &world, first_id)));
            }
        };
        thread::Builder::new().name("load-decode".into()).spawn(run)?;
    }
    thread::Builder::new().name("load-read".into()).spawn(move || read(blocks, &tasks, &order))?;
    Ok(DecodedBlocks(ordered))
}

fn next_task(work: &Mutex<Receiver<Task>>) -> Option<Task> {
    work.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn read<R: Read>(
    mut blocks: Blocks<R>,
    tasks: &SyncSender<Task>,
    order: &SyncSender<Receiver<anyhow::Result<Decoded>>>,
) {
    loop {
        let (answer, answered) = mpsc::sync_channel(1);
        let is_wanted = match blocks.next() {
            Ok(Some(block)) => order.send(answered).is_ok() && tasks.send((block, answer)).is_ok(),
            Ok(None) => false,
            Err(error) => {
                let _it_is_the_last_in_any_case =
                    answer.send(Err(error.into())).is_ok() && order.send(answered).is_ok();
                false
            }
        };
        if !is_wanted {
            return;
        }
    }
}

fn decode(block: Block, world: &World, first_id: ProfileId) -> Decoded {
    let Block { first_line, bytes, ends_too_long, end } = block;
    let mut lines = Vec::new();
    let mut from = 0;
    for (number, text) in (first_line..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let place = from..from + text.len();
        from = place.end;
        if !text.trim_ascii().is_empty() {
            let profile = line::decode(text.trim_ascii_end(), world, || ids::numbered(first_id, number));
            lines.push(Line { number, place, profile });
        }
    }
    if ends_too_long {
        lines.push(Line { number: end.lines, place: from..from, profile: Err(too_long()) });
    }
    Decoded { bytes, lines, end }
}

fn too_long() -> LineError {
    let bound = LINE_BYTES >> 20;
    LineError {
        path: Path::default(),
        problem: format!("longer than {bound} MiB: is this a line? Rejects do not have it").into(),
    }
}
