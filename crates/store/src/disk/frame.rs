//! How a segment of the log is written: frames one after the other, each whole or not there; and records in a frame.
//!
//! A frame is what one commit appends. Its checksum covers its store, its place and its number too, so that bytes that have
//! come to a wrong place or folder pass for nothing. Numbers of a segment's frames ascend by one. An empty frame is a mark: it says that
//! everything before it is on the disk, and the next frame overwrites it.
//!
//! A change here, a new kind of record too, is a new [`FORMAT`](super::folder::FORMAT).

use super::files::File;
use rollcall_model::{database::DatabaseId, event::EventNumber, profile::ProfileId};
use std::io;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A frame's head: [`MAGIC`], length of what follows the head (4 bytes), number (8), checksum (8). All numbers are
/// written least significant byte first.
pub(crate) const HEAD: usize = 24;
const MAGIC: [u8; 4] = *b"RCf2";

/// How much is read at once where a frame is searched for.
const SEARCHED_AT_ONCE: usize = 1 << 20;

/// A segment, whose frames are like nobody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentId {
    /// The folder's own number, see `folder`.
    pub(crate) store: u64,
    pub(crate) number: u32,
}

/// Where bytes are in the log; or in a frame, as long as that has no place itself: then the segment is 0, which is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

/// The segments from one to another one, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

/// One entry of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// Kind 1. A profile as it is from now on; the body is made by `record`.
    Profile { database: DatabaseId, id: ProfileId, body: &'a [u8] },
    /// Kind 2. All that counts of a segment has been written again before this; its file may be gone.
    Forgotten { segment: u32 },
    /// Kind 3. When this segment was begun, that one counted, and so many bytes of it.
    Counts { segment: u32, length: u64 },
    /// Kind 4. From now on the profile is removed. What was written of it before is in this segment or in older ones.
    Removed { database: DatabaseId, id: ProfileId, last: u32 },
    /// Kind 5. An event of the outbox as it is from now on; the body is made by `record`.
    Event { number: EventNumber, body: &'a [u8] },
    /// Kind 6. From now on the event is in the outbox no longer. What was written of it before is in these segments.
    Ended { number: EventNumber, written: Span },
}

/// Before each record: its kind, and the length of what follows.
const RECORD_HEAD: usize = 1 + 4;
/// Before a profile's body: database and identifier.
const PROFILE_HEAD: usize = 4 + 12;

/// Bytes of the record whose body is here: of a profile's, and of the others nearly.
pub(crate) fn record_length(body: Place) -> u64 {
    (RECORD_HEAD + PROFILE_HEAD) as u64 + u64::from(body.length)
}

impl<'a> Record<'a> {
    /// The record at the beginning of the bytes, and what follows it.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&kind, bytes) = bytes.split_first()?;
        let (length, bytes) = bytes.split_first_chunk()?;
        let (content, rest) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let record = match kind {
            1 => {
                let (database, content) = content.split_first_chunk()?;
                let (id, body) = content.split_first_chunk()?;
                Self::Profile { database: DatabaseId(u32::from_le_bytes(*database)), id: ProfileId(*id), body }
            }
            2 => Self::Forgotten { segment: u32::from_le_bytes(content.try_into().ok()?) },
            3 => {
                let (segment, length) = content.split_first_chunk()?;
                let length = u64::from_le_bytes(length.try_into().ok()?);
                Self::Counts { segment: u32::from_le_bytes(*segment), length }
            }
            4 => {
                let (database, content) = content.split_first_chunk()?;
                let (id, last) = content.split_first_chunk()?;
                let last = u32::from_le_bytes(last.try_into().ok()?);
                Self::Removed { database: DatabaseId(u32::from_le_bytes(*database)), id: ProfileId(*id), last }
            }
            5 => {
                let (number, body) = content.split_first_chunk()?;
                Self::Event { number: EventNumber(u64::from_le_bytes(*number)), body }
            }
            6 => {
                let (number, content) = content.split_first_chunk()?;
                let (first, last) = content.split_first_chunk()?;
                let last = u32::from_le_bytes(last.try_into().ok()?);
                let written = Span { first: u32::from_le_bytes(*first), last };
                Self::Ended { number: EventNumber(u64::from_le_bytes(*number)), written }
            }
            _ => return None,
        };
        Some((record, rest))
    }
}

/// A frame being filled.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Room for the head, then the records.
    bytes: Vec<u8>,
}

impl Frame {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HEAD] }
    }

    /// Whether it has no record. Written, it is a mark.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() == HEAD
    }

    /// Bytes of the whole frame.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a record, and says where in the frame its body is; one without a body has it at its end.
    #[expect(clippy::cast_possible_truncation, reason = "a frame of 4 GiB or more is refused when it is sealed")]
    pub(crate) fn push(&mut self, record: Record<'_>) -> Place {
        let body: &[u8] = match record {
            Record::Profile { database, id, body } => {
                self.push_head(1, PROFILE_HEAD + body.len(), &[&database.0.to_le_bytes(), &id.0]);
                body
            }
            Record::Forgotten { segment } => {
                self.push_head(2, 4, &[&segment.to_le_bytes()]);
                &[]
            }
            Record::Counts { segment, length } => {
                self.push_head(3, 4 + 8, &[&segment.to_le_bytes(), &length.to_le_bytes()]);
                &[]
            }
            Record::Removed { database, id, last } => {
                self.push_head(4, PROFILE_HEAD + 4, &[&database.0.to_le_bytes(), &id.0, &last.to_le_bytes()]);
                &[]
            }
            Record::Event { number, body } => {
                self.push_head(5, 8 + body.len(), &[&number.0.to_le_bytes()]);
                body
            }
            Record::Ended { number, written: Span { first, last } } => {
                let parts: [&[u8]; 3] = [&number.0.to_le_bytes(), &first.to_le_bytes(), &last.to_le_bytes()];
                self.push_head(6, 8 + 4 + 4, &parts);
                &[]
            }
        };
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(body);
        Place { segment: 0, offset: offset as u32, length: body.len() as u32 }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a frame of 4 GiB or more is refused when it is sealed")]
    fn push_head(&mut self, kind: u8, length: usize, parts: &[&[u8]]) {
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&(length as u32).to_le_bytes());
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
    }

    /// The frame as it is written at this place. An error where a [`Place`] in it could not be told.
    pub(crate) fn sealed(&mut self, segment: SegmentId, offset: u64, number: u64) -> io::Result<&[u8]> {
        let end = offset + self.bytes.len() as u64;
        let too_long = |_| io::Error::new(io::ErrorKind::FileTooLarge, "one commit of 4 GiB, or nearly");
        u32::try_from(end).map_err(too_long)?;
        let length = u32::try_from(self.bytes.len() - HEAD).map_err(too_long)?;
        let checksum = checksum(segment, offset, number, &self.bytes[HEAD..]);
        self.bytes[..4].copy_from_slice(&MAGIC);
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        self.bytes[8..16].copy_from_slice(&number.to_le_bytes());
        self.bytes[16..HEAD].copy_from_slice(&checksum.to_le_bytes());
        Ok(&self.bytes)
    }
}

fn checksum(segment: SegmentId, offset: u64, number: u64, content: &[u8]) -> u64 {
    let mut place = [0; 28];
    place[..4].copy_from_slice(&segment.number.to_le_bytes());
    place[4..12].copy_from_slice(&offset.to_le_bytes());
    place[12..20].copy_from_slice(&number.to_le_bytes());
    place[20..].copy_from_slice(&(content.len() as u64).to_le_bytes());
    xxh3_64_with_seed(content, xxh3_64_with_seed(&place, segment.store))
}

/// A frame that has been read and is whole.
#[derive(Debug)]
pub(crate) struct ReadFrame {
    pub(crate) number: u64,
    /// Where its records begin in the segment.
    begin: u64,
    content: Vec<u8>,
}

impl ReadFrame {
    /// Whether it only says that everything before it is on the disk.
    pub(crate) fn is_mark(&self) -> bool {
        self.content.is_empty()
    }

    /// Where the next frame begins.
    pub(crate) fn end(&self) -> u64 {
        self.begin + self.content.len() as u64
    }

    /// Its records, each with the place in the segment where it ends. `None` stands for bytes that are no record of
    /// this format, after which nothing comes.
    pub(crate) fn records(&self) -> impl Iterator<Item = Option<(Record<'_>, u64)>> {
        let mut rest = Some(&*self.content);
        std::iter::from_fn(move || match rest? {
            [] => None,
            bytes => {
                let split = Record::split(bytes);
                rest = split.map(|(_, rest)| rest);
                Some(split.map(|(record, rest)| (record, self.end() - rest.len() as u64)))
            }
        })
    }
}

/// The frame at this place of a segment of which `limit` bytes count, if a whole one is there.
pub(crate) fn read(file: &dyn File, segment: SegmentId, offset: u64, limit: u64) -> io::Result<Option<ReadFrame>> {
    let begin = offset.saturating_add(HEAD as u64);
    if begin > limit {
        return Ok(None);
    }
    let mut head = [0; HEAD];
    file.read_at(&mut head, offset)?;
    read_after_head(file, segment, offset, limit, &head)
}

fn read_after_head(
    file: &dyn File,
    segment: SegmentId,
    offset: u64,
    limit: u64,
    head: &[u8; HEAD],
) -> io::Result<Option<ReadFrame>> {
    let [m0, m1, m2, m3, l0, l1, l2, l3, _, _, _, _, _, _, _, _, c0, c1, c2, c3, c4, c5, c6, c7] = *head;
    let begin = offset + HEAD as u64;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    if [m0, m1, m2, m3] != MAGIC || begin + u64::from(length) > limit {
        return Ok(None);
    }
    let mut content = vec![0; length as usize];
    file.read_at(&mut content, begin)?;
    let number = number_in(head);
    let is_whole = checksum(segment, offset, number, &content) == u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
    Ok(is_whole.then_some(ReadFrame { number, begin, content }))
}

/// Where the first whole frame is at or after this place, if there is one: what lies before it was whole once, too. Its
/// number is `next` or a little more; only what looks so is read, since a text of somebody may look like many frames.
pub(crate) fn search(
    file: &dyn File,
    segment: SegmentId,
    from: u64,
    limit: u64,
    next: Option<u64>,
) -> io::Result<Option<u64>> {
    let most = limit.saturating_sub(from) / HEAD as u64;
    let may_be = |number: u64| next.is_none_or(|next| (next..=next.saturating_add(most)).contains(&number));
    let mut begin = from;
    while begin + HEAD as u64 <= limit {
        let length = usize::try_from(limit - begin).unwrap_or(usize::MAX).min(SEARCHED_AT_ONCE);
        let mut bytes = vec![0; length];
        file.read_at(&mut bytes, begin)?;
        for (at, head) in bytes.windows(HEAD).enumerate() {
            let Some(head) = head.first_chunk().filter(|head| head.starts_with(&MAGIC) && may_be(number_in(head)))
            else {
                continue;
            };
            let offset = begin + at as u64;
            if read_after_head(file, segment, offset, limit, head)?.is_some() {
                return Ok(Some(offset));
            }
        }
        begin += (length - (HEAD - 1)) as u64;
    }
    Ok(None)
}

fn number_in(head: &[u8; HEAD]) -> u64 {
    let [_, _, _, _, _, _, _, _, number @ .., _, _, _, _, _, _, _, _] = *head;
    u64::from_le_bytes(number)
}
