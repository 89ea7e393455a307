//! The index as a file, so that a start need not read the whole log: what is in it, writing it while the store serves,
//! and reading it back.
//!
//! It is written piece by piece, between writes, so that its pieces are of different moments. That does no harm: it
//! names the position in the log where its first moment was, and what was written since is read from the log again.
//! Profiles that came after that moment are left out, since their numbers may come out differently. The file is never
//! trusted by half: its checksum stands at its end, and without a sound one the index is made from the log.

use super::{
    events::{EventPlace, Events},
    files::{File, Files},
    frame::Place,
    index::{Holders, Index, List, SHARDS, Shard, Slot, SlotNumber, Slots},
    log::Position,
};
use rollcall_model::{database::DatabaseId, event::EventNumber, profile::ProfileId};
use std::{collections::BTreeMap, io, sync::Arc};
use xxhash_rust::xxh3::Xxh3;

/// What the file is called, and what it is called until it is complete.
pub(crate) const NAME: &str = "index";
const PART: &str = "index.part";

/// The file's first bytes. A change of the layout changes them: an index of another layout is made anew.
const MAGIC: [u8; 8] = *b"RCindex2";

/// How much is written and synced at once: little, so that commits are not kept waiting behind it.
const WRITTEN_AT_ONCE: usize = 4 << 20;

/// How much is read at once.
const READ_AT_ONCE: usize = 1 << 20;

const PLACE_BYTES: usize = 4 + 4 + 4;
const SLOT_BYTES: usize = 4 + 12 + PLACE_BYTES + 4;
const EVENT_BYTES: usize = 8 + PLACE_BYTES + 4;

/// Gives a look at the index, for a moment each time.
pub(crate) type WithIndex<'a> = dyn FnMut(&mut dyn FnMut(&Index)) + 'a;

/// Writes the index down. The position is where the log ended before the first look.
pub(crate) fn write(files: &dyn Files, position: Position, with_index: &mut WithIndex<'_>) -> io::Result<()> {
    write_part(files, position, with_index).inspect_err(|_| {
        let _it_is_of_no_use_and_the_error_matters_more = files.remove(PART);
    })?;
    files.rename(PART, NAME)?;
    files.sync_names()
}

fn write_part(files: &dyn Files, position: Position, with_index: &mut WithIndex<'_>) -> io::Result<()> {
    let mut out = Writer::new(files.create(PART)?);
    let (mut salt, mut known) = (0, 0);
    with_index(&mut |index| (salt, known) = (index.salt, index.slots().length()));
    out.put(&MAGIC);
    out.put(&salt.to_le_bytes());
    out.put(&position.segment.to_le_bytes());
    out.put(&position.offset.to_le_bytes());
    out.put(&(known as u64).to_le_bytes());
    let mut written = 0;
    while written < known {
        with_index(&mut |index| {
            let piece = index.slots().piece(written);
            let piece = &piece[..piece.len().min(known - written)];
            piece.iter().for_each(|slot| out.slot(slot));
            written += piece.len();
        });
        out.flush_if_large()?;
    }
    for shard in 0..SHARDS {
        with_index(&mut |index| out.shard(&index.shards()[shard], known));
        out.flush_if_large()?;
    }
    with_index(&mut |index| out.events(&index.events));
    out.finish()
}

struct Writer {
    file: Arc<dyn File>,
    offset: u64,
    bytes: Vec<u8>,
    checksum: Xxh3,
}

impl Writer {
    fn new(file: Arc<dyn File>) -> Self {
        Self { file, offset: 0, bytes: Vec::new(), checksum: Xxh3::new() }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn slot(&mut self, slot: &Slot) {
        self.put(&slot.database.0.to_le_bytes());
        self.put(&slot.id.0);
        self.place(slot.place, slot.first);
    }

    fn place(&mut self, place: Place, first: u32) {
        for number in [place.segment, place.offset, place.length, first] {
            self.put(&number.to_le_bytes());
        }
    }

    /// At one moment: they are few, unless they cannot be delivered for long.
    fn events(&mut self, events: &Events) {
        self.put(&events.latest().to_le_bytes());
        self.put(&(events.places().len() as u64).to_le_bytes());
        for (number, event) in events.places() {
            self.put(&number.0.to_le_bytes());
            self.place(event.place, event.first);
        }
    }

    /// The keys with one holder, then the others, each group after its number; of all holders those that are known.
    #[expect(clippy::cast_possible_truncation, reason = "a shard has fewer keys and holders than there are profiles")]
    fn shard(&mut self, shard: &Shard, known: usize) {
        let is_known = |number: &u32| (*number as usize) < known;
        let mut lists = Vec::new();
        let (count_at, mut ones) = (self.bytes.len(), 0u32);
        self.put(&[0; 4]);
        for (hash, holders) in shard.entries() {
            match holders {
                Holders::One(number) if is_known(&number) => {
                    self.put(&hash.to_le_bytes());
                    self.put(&number.to_le_bytes());
                    ones += 1;
                }
                Holders::One(_) => {}
                Holders::Many(list) => lists.push((hash, list)),
            }
        }
        self.bytes[count_at..count_at + 4].copy_from_slice(&ones.to_le_bytes());
        self.put(&(lists.len() as u32).to_le_bytes());
        for (hash, list) in lists {
            let holders: Vec<u32> = list.iter().map(|(_, number)| *number).filter(is_known).collect();
            self.put(&hash.to_le_bytes());
            self.put(&(holders.len() as u32).to_le_bytes());
            holders.iter().for_each(|number| self.put(&number.to_le_bytes()));
        }
    }

    fn flush_if_large(&mut self) -> io::Result<()> {
        if self.bytes.len() >= WRITTEN_AT_ONCE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.checksum.update(&self.bytes);
        self.file.write_at(&self.bytes, self.offset)?;
        self.file.sync()?;
        self.offset += self.bytes.len() as u64;
        self.bytes.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.bytes = self.checksum.digest().to_le_bytes().to_vec();
        self.flush()
    }
}

/// The index of this store that was written down, and the position in the log from which on it has to be completed. Nothing
/// where no sound one is.
pub(crate) fn read(files: &dyn Files, store: u64) -> Option<(Index, Position)> {
    let file = files.open(NAME).ok()?;
    let length = file.length().ok()?.checked_sub(8)?;
    Reader { file, offset: 0, length, bytes: Vec::new(), used: 0, checksum: Xxh3::new() }.index(store)
}

/// A place, and the first segment, as they were written.
fn place(bytes: &[u8]) -> Option<(Place, u32)> {
    let (segment, rest) = bytes.split_first_chunk()?;
    let (offset, rest) = rest.split_first_chunk()?;
    let (length, first) = rest.split_first_chunk()?;
    let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    let place = Place { segment: number(segment), offset: number(offset), length: number(length) };
    Some((place, u32::from_le_bytes(first.try_into().ok()?)))
}

struct Reader {
    file: Arc<dyn File>,
    offset: u64,
    /// Where the checksum is.
    length: u64,
    bytes: Vec<u8>,
    used: usize,
    checksum: Xxh3,
}

impl Reader {
    fn index(mut self, store: u64) -> Option<(Index, Position)> {
        if self.array()? != MAGIC || self.u64()? != store {
            return None;
        }
        let position = Position { segment: self.u32()?, offset: self.u64()? };
        let known = usize::try_from(self.u64()?).ok()?;
        let mut slots = Slots::default();
        // The numbers that profiles have now, by those that they had: the vacant slots are left out.
        let mut numbers = Vec::new();
        for _ in 0..known {
            let slot = self.slot()?;
            numbers.push((!slot.is_vacant()).then(|| slots.push(slot)));
        }
        let shards = (0..SHARDS).map(|_| self.shard(&slots, &numbers)).collect::<Option<_>>()?;
        let events = self.events()?;
        self.is_sound()?.then(|| (Index::restored(store, slots, shards, events), position))
    }

    fn slot(&mut self) -> Option<Slot> {
        let bytes: [u8; SLOT_BYTES] = self.array()?;
        let (database, rest) = bytes.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (place, first) = place(rest)?;
        Some(Slot { database: DatabaseId(u32::from_le_bytes(*database)), id: ProfileId(*id), place, first })
    }

    fn events(&mut self) -> Option<Events> {
        let (latest, count) = (self.u64()?, self.u64()?);
        let mut places = BTreeMap::new();
        for _ in 0..count {
            let bytes: [u8; EVENT_BYTES] = self.array()?;
            let (number, rest) = bytes.split_first_chunk()?;
            let (place, first) = place(rest)?;
            places.insert(EventNumber(u64::from_le_bytes(*number)), EventPlace { place, first });
        }
        Some(Events::restored(places, latest))
    }

    fn shard(&mut self, slots: &Slots, numbers: &[Option<SlotNumber>]) -> Option<Shard> {
        let ones = self.u32()? as usize;
        // No more than the file could hold, whatever it says.
        let mut shard = Shard::with_capacity(ones.min(usize::try_from(self.length / 8).ok()?));
        for _ in 0..ones {
            let (hash, number) = (self.u32()?, self.u32()?);
            if let Some(number) = *numbers.get(number as usize)? {
                shard.restore_one(hash, number);
            }
        }
        for _ in 0..self.u32()? {
            let (hash, count) = (self.u32()?, self.u32()?);
            let mut holders = List::new();
            for _ in 0..count {
                let number = *numbers.get(self.u32()? as usize)?;
                holders.extend(number.map(|number| (slots.get(number).id, number)));
            }
            shard.restore(hash, holders);
        }
        Some(shard)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.bytes.len() - self.used < N {
            self.fill()?;
        }
        let array = self.bytes.get(self.used..self.used + N)?.try_into().ok()?;
        self.used += N;
        Some(array)
    }

    /// Reads on. What was not used yet comes first.
    fn fill(&mut self) -> Option<()> {
        self.bytes.drain(..self.used);
        self.used = 0;
        let begin = self.bytes.len();
        let more = usize::try_from(self.length - self.offset).ok()?.min(READ_AT_ONCE);
        self.bytes.resize(begin + more, 0);
        self.file.read_at(&mut self.bytes[begin..], self.offset).ok()?;
        self.checksum.update(&self.bytes[begin..]);
        self.offset += more as u64;
        Some(())
    }

    fn is_sound(&mut self) -> Option<bool> {
        let mut written = [0; 8];
        self.file.read_at(&mut written, self.length).ok()?;
        let is_used_up = self.offset == self.length && self.used == self.bytes.len();
        Some(is_used_up && self.checksum.digest() == u64::from_le_bytes(written))
    }
}
