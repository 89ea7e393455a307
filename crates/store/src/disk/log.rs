//! The log: segments that frames are appended to, each synced before anybody hears of it.
//!
//! A segment begins with a list of the segments that count beside it, and how many bytes of each. So the newest one
//! says what the log is; what a failed write has left behind it is in no list, and never read again. Which record of a
//! profile counts, and where it is, see `index`.

use super::{
    files::{File, Files},
    frame::{self, Frame, Place, ReadFrame, Record, SegmentId, Span},
};
use crate::error::OpenError;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::Range,
    sync::Arc,
};

/// A segment that has reached this length is followed by a new one.
pub(crate) const SEGMENT_BYTES: u64 = 128 << 20;

/// How many zeros are written ahead of the frames, so that a sync nearly never has to note a file's new length as well.
const ZEROS_AHEAD: usize = 256 << 10;

/// What a segment's file is called.
pub(crate) fn segment_name(number: u32) -> String {
    format!("{number:010}.log")
}

/// The segment whose file is called so.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    let number = name.strip_suffix(".log")?.parse().ok()?;
    (segment_name(number) == name).then_some(number)
}

/// A place between two frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
}

/// The segments that count, and where the next frame goes.
#[derive(Debug)]
pub(crate) struct Log {
    files: Arc<dyn Files>,
    /// The folder's own number.
    store: u64,
    segments: BTreeMap<u32, Segment>,
    /// The segment that is appended to. Without one, the next frame begins a segment.
    tail: Option<u32>,
    /// How long the tail's file is, zeros included.
    written: u64,
    next_segment: u32,
    next_frame: u64,
    /// [`SEGMENT_BYTES`], unless a test wants more segments.
    segment_bytes: u64,
}

/// A segment that counts.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) id: SegmentId,
    pub(crate) file: Arc<dyn File>,
    /// How many of its bytes count.
    pub(crate) length: u64,
}

/// What a frame has become.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    pub(crate) segment: u32,
    /// Where the frame begins.
    offset: u64,
}

impl Appended {
    /// Where in the log something is that is here in the frame.
    #[expect(clippy::cast_possible_truncation, reason = "a frame that ends behind 4 GiB is not sealed")]
    pub(crate) fn place(self, in_frame: Place) -> Place {
        Place { segment: self.segment, offset: self.offset as u32 + in_frame.offset, ..in_frame }
    }
}

impl Log {
    /// The log of a folder, as it was when the last frame was synced. Changes nothing.
    pub(crate) fn open(files: Arc<dyn Files>, store: u64) -> Result<Self, OpenError> {
        let mut log = Self {
            files: Arc::clone(&files),
            store,
            segments: BTreeMap::new(),
            tail: None,
            written: 0,
            next_segment: 1,
            next_frame: 1,
            segment_bytes: SEGMENT_BYTES,
        };
        let mut numbers: BTreeSet<u32> = files.names()?.iter().filter_map(|name| segment_number(name)).collect();
        log.next_segment = match numbers.last() {
            Some(&last) => last.checked_add(1).ok_or_else(|| damaged(last, 0))?,
            None => 1,
        };
        while let Some(newest) = numbers.pop_last() {
            if let Some(first) = log.first_frame(newest)? {
                log.count(newest, &first)?;
                break;
            }
        }
        Ok(log)
    }

    /// A segment's first frame; none if the segment was being begun when its process died.
    fn first_frame(&self, number: u32) -> Result<Option<ReadFrame>, OpenError> {
        let file = self.files.open(&segment_name(number))?;
        let length = file.length()?;
        let first = frame::read(&*file, self.id(number), 0, length)?;
        match first {
            None if frame::search(&*file, self.id(number), 0, length, None)?.is_some() => Err(damaged(number, 0)),
            first => Ok(first),
        }
    }

    /// Takes in the newest segment, and those that it says count.
    fn count(&mut self, newest: u32, first: &ReadFrame) -> Result<(), OpenError> {
        let mut counting = BTreeMap::new();
        for record in first.records() {
            if let (Record::Counts { segment, length }, _) = record.ok_or_else(|| damaged(newest, 0))? {
                counting.insert(segment, length);
            }
        }
        let file = self.files.open(&segment_name(newest))?;
        let (length, forgotten) = self.read_newest(newest, &*file, first)?;
        counting.retain(|number, _| *number != newest && !forgotten.contains(number));
        for (number, length) in counting {
            let (id, file) = (self.id(number), open_counting(&*self.files, number, length)?);
            self.segments.insert(number, Segment { id, file, length });
        }
        self.segments.insert(newest, Segment { id: self.id(newest), file, length });
        Ok(())
    }

    /// Where the newest segment ends, and which segments it says are forgotten.
    fn read_newest(
        &mut self,
        number: u32,
        file: &dyn File,
        first: &ReadFrame,
    ) -> Result<(u64, BTreeSet<u32>), OpenError> {
        let (id, length) = (self.id(number), file.length()?);
        let mut forgotten = BTreeSet::new();
        let (mut end, mut next_frame) = (0, first.number);
        while let Some(frame) = frame::read(file, id, end, length)?.filter(|frame| frame.number == next_frame) {
            if frame.is_mark() {
                self.next_frame = next_frame;
                return Ok((end, forgotten));
            }
            for record in frame.records() {
                match record.ok_or_else(|| damaged(number, end))?.0 {
                    Record::Forgotten { segment } => forgotten.insert(segment),
                    _ => false,
                };
            }
            (end, next_frame) = (frame.end(), next_frame + 1);
        }
        // What follows was never answered, unless something whole follows it.
        if frame::search(file, id, end, length, Some(next_frame))?.is_some() {
            return Err(damaged(number, end));
        }
        self.next_frame = next_frame;
        Ok((end, forgotten))
    }

    /// Sees to it that what was read is on the disk, before anybody builds upon it: the process that wrote it may have died
    /// before its sync.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if let Some((_, newest)) = self.segments.last_key_value() {
            newest.file.sync()?;
        }
        self.files.sync_names()
    }

    /// Removes the files that count no longer, and those that were being written. A newer one that is no segment is what
    /// the beginning of one has left, or was one: it is put aside.
    pub(crate) fn tidy_up(&self) -> io::Result<()> {
        let newest = self.end().segment;
        for name in self.files.names()? {
            match segment_number(&name) {
                None if name.ends_with(".part") => self.files.remove(&name)?,
                Some(number) if number > newest && self.files.open(&name)?.length()? > 0 => {
                    tracing::warn!("{name} holds nothing that can be read, and is put aside");
                    self.files.rename(&name, &format!("{name}.unreadable"))?;
                }
                Some(number) if !self.segments.contains_key(&number) => self.files.remove(&name)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The segment with this number.
    fn id(&self, number: u32) -> SegmentId {
        SegmentId { store: self.store, number }
    }

    /// The folder's own number.
    pub(crate) fn store(&self) -> u64 {
        self.store
    }

    pub(crate) fn segments(&self) -> &BTreeMap<u32, Segment> {
        &self.segments
    }

    /// Behind the last frame that counts.
    pub(crate) fn end(&self) -> Position {
        let last = self.segments.last_key_value();
        last.map_or(Position::default(), |(&segment, last)| Position { segment, offset: last.length })
    }

    /// The segment that is appended to, if there is one.
    pub(crate) fn tail(&self) -> Option<u32> {
        self.tail
    }

    /// Writes the frame, and comes back when it is on the disk. After an error it is not in the log: what is left
    /// of it is covered by a mark, and what comes next is written into a new segment, whose list leaves it out.
    pub(crate) fn append(&mut self, frame: &mut Frame) -> io::Result<Appended> {
        let is_full = |log: &Self, tail| log.segments[&tail].length >= log.segment_bytes;
        let appended = match self.tail.take().filter(|&tail| !is_full(self, tail)) {
            Some(tail) => self.append_to(tail, frame).inspect_err(|_| self.mark(tail))?,
            None => self.begin_segment(frame)?,
        };
        self.tail = Some(appended.segment);
        self.mark(appended.segment);
        Ok(appended)
    }

    fn append_to(&mut self, number: u32, frame: &mut Frame) -> io::Result<Appended> {
        let Segment { id, file, length: offset } = self.segments[&number].clone();
        let length = offset + frame.length() as u64;
        let bytes = frame.sealed(id, offset, self.next_frame)?;
        file.write_at(bytes, offset)?;
        self.write_zeros(&*file, length);
        file.sync()?;
        self.next_frame += 1;
        self.segments.insert(number, Segment { id, file, length });
        Ok(Appended { segment: number, offset })
    }

    /// Writes zeros beyond `end`, unless there are some. They are a means to speed, so that nothing depends on them.
    fn write_zeros(&mut self, file: &dyn File, end: u64) {
        if end + frame::HEAD as u64 > self.written {
            let begin = self.written.max(end);
            let zeros = vec![0; ZEROS_AHEAD.min(usize::try_from(self.segment_bytes / 8).unwrap_or(ZEROS_AHEAD))];
            if file.write_at(&zeros, begin).is_ok() {
                self.written = begin + zeros.len() as u64;
            }
        }
    }

    fn begin_segment(&mut self, frame: &mut Frame) -> io::Result<Appended> {
        let (number, name) = (self.next_segment, segment_name(self.next_segment));
        self.next_segment += 1;
        let file = self.files.create(&name)?;
        let written = self.write_first(number, &*file, frame);
        match written {
            Ok(offset) => {
                let length = offset + frame.length() as u64;
                self.segments.insert(number, Segment { id: self.id(number), file, length });
                self.written = length;
                self.next_frame += 2;
                Ok(Appended { segment: number, offset })
            }
            Err(error) => {
                // If it stays, it has no frame, or none that was answered.
                let _tried = self.files.remove(&name).and_then(|()| self.files.sync_names());
                Err(error)
            }
        }
    }

    /// Writes the list of what counts, and the frame after it.
    fn write_first(&self, number: u32, file: &dyn File, frame: &mut Frame) -> io::Result<u64> {
        let mut list = Frame::new();
        for (&segment, Segment { length, .. }) in &self.segments {
            list.push(Record::Counts { segment, length: *length });
        }
        // Its own number, so that the list is no mark when nothing else counts.
        list.push(Record::Counts { segment: number, length: 0 });
        let offset = list.length() as u64;
        let mut bytes = list.sealed(self.id(number), 0, self.next_frame)?.to_vec();
        bytes.extend_from_slice(frame.sealed(self.id(number), offset, self.next_frame + 1)?);
        file.write_at(&bytes, 0)?;
        file.sync()?;
        self.files.sync_names()?;
        Ok(offset)
    }

    /// Says behind a segment's last frame that it is on the disk. Not synced: it tells a flipped byte from a write that was
    /// cut off for as long as the machine runs, and without it the last frame alone cannot be told apart. It also covers
    /// what a failed write has left there.
    fn mark(&self, number: u32) {
        let Segment { id, file, length } = &self.segments[&number];
        let mut mark = Frame::new();
        let _missing_is_no_fault =
            mark.sealed(*id, *length, self.next_frame).and_then(|bytes| file.write_at(bytes, *length));
    }

    /// How much was written from this position on.
    pub(crate) fn bytes_from(&self, from: Position) -> u64 {
        let segments = self.segments.range(from.segment..);
        let begin = |number| if number == from.segment { from.offset } else { 0 };
        segments.map(|(&number, segment)| segment.length.saturating_sub(begin(number))).sum()
    }

    /// Whether something written in these segments may be read again when this one is forgotten.
    pub(crate) fn counts_beside(&self, forgotten: u32, written: Span) -> bool {
        let counting = self.segments.range(written.first..).take_while(|(number, _)| **number <= written.last);
        counting.map(|(number, _)| *number).any(|number| number != forgotten)
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// From now on the segment does not count; a frame has said so.
    pub(crate) fn forget(&mut self, number: u32) {
        self.segments.remove(&number);
    }

    /// All frames from this position on, or from the first one that is younger, in the order in which they were written.
    pub(crate) fn frames_from(
        &self,
        from: Position,
        mut each: impl FnMut(u32, &ReadFrame) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        for (&number, segment) in self.segments.range(from.segment..) {
            let begin = if number == from.segment { from.offset } else { 0 };
            frames_of(segment, begin..segment.length, |frame| each(number, frame))?;
        }
        Ok(())
    }

    /// The same log, with shorter segments.
    #[cfg(test)]
    pub(crate) fn with_segments_of(self, segment_bytes: u64) -> Self {
        Self { segment_bytes, ..self }
    }
}

/// All frames of a part of a segment that counts.
pub(crate) fn frames_of(
    segment: &Segment,
    part: Range<u64>,
    mut each: impl FnMut(&ReadFrame) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut at = part.start;
    while at < part.end {
        let frame = frame::read(&*segment.file, segment.id, at, part.end)?;
        let frame = frame.ok_or_else(|| damaged(segment.id.number, at))?;
        each(&frame)?;
        at = frame.end();
    }
    Ok(())
}

fn open_counting(files: &dyn Files, number: u32, length: u64) -> Result<Arc<dyn File>, OpenError> {
    let missing = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => damaged(number, 0),
        _ => error.into(),
    };
    let file = files.open(&segment_name(number)).map_err(missing)?;
    match file.length()? {
        there if there < length => Err(damaged(number, there)),
        _ => Ok(file),
    }
}

pub(crate) fn damaged(segment: u32, offset: u64) -> OpenError {
    OpenError::Damaged { file: segment_name(segment), offset }
}
