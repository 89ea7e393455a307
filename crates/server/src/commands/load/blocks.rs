//! A file as blocks of whole lines, each with the mark of where it ends.

use std::io::{self, BufRead, BufReader, Read};
use xxhash_rust::xxh3::Xxh3Default;

/// How many lines a block has at most. It becomes one job of the store: enough to make the way there cheap, not so many
/// that the job keeps the store from others.
const LINES: u64 = 500;

/// When a block has so many bytes, it gets no more lines.
const BLOCK_BYTES: usize = 4 << 20;

/// A longer line is bad, whatever it says: it is passed over, and never held in memory as a whole.
pub(super) const LINE_BYTES: u64 = 64 << 20;

/// A place between two lines of a file, and what the file is up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// In bytes.
    pub(super) offset: u64,
    /// How many lines are before it.
    pub(super) lines: u64,
    /// A hash of all that is before it.
    pub(super) digest: u64,
}

impl Mark {
    /// Where every file begins.
    pub(super) fn begin() -> Self {
        Self { offset: 0, lines: 0, digest: Xxh3Default::new().digest() }
    }
}

/// Lines that follow each other.
#[derive(Debug)]
pub(super) struct Block {
    /// The number of the first, counted from 1.
    pub(super) first_line: u64,
    /// The lines, each with its newline, which the last of a file may lack.
    pub(super) bytes: Vec<u8>,
    /// Whether one more line follows them, which is too long and not among them.
    pub(super) ends_too_long: bool,
    /// Behind the last line.
    pub(super) end: Mark,
}

/// Reads blocks.
pub(super) struct Blocks<R> {
    input: BufReader<R>,
    offset: u64,
    lines: u64,
    hash: Xxh3Default,
}

impl<R: Read> Blocks<R> {
    /// From the beginning.
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(1 << 18, input), offset: 0, lines: 0, hash: Xxh3Default::new() }
    }

    /// Reads past everything before the mark's place, and says what is there.
    pub(super) fn pass(&mut self, to: Mark) -> io::Result<Mark> {
        let mut rest = self.input.by_ref().take(to.offset);
        loop {
            let read = rest.fill_buf()?;
            if read.is_empty() {
                break;
            }
            let length = read.len();
            self.hash.update(read);
            rest.consume(length);
            self.offset += length as u64;
        }
        self.lines = to.lines;
        Ok(self.mark())
    }

    /// The next block, unless the end is reached.
    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        let (first_line, mut bytes, mut ends_too_long) = (self.lines + 1, Vec::new(), false);
        while self.lines + 1 - first_line < LINES && bytes.len() < BLOCK_BYTES && !ends_too_long {
            let before = bytes.len();
            self.input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes)?;
            let line = &bytes[before..];
            if line.is_empty() {
                break;
            }
            self.lines += 1;
            self.passed(line);
            if line.len() as u64 == LINE_BYTES && !line.ends_with(b"\n") {
                ends_too_long = true;
                bytes.truncate(before);
                bytes.shrink_to_fit();
                self.pass_rest_of_line()?;
            }
        }
        let is_end = self.lines < first_line;
        Ok((!is_end).then(|| Block { first_line, bytes, ends_too_long, end: self.mark() }))
    }

    fn pass_rest_of_line(&mut self) -> io::Result<()> {
        let mut part = Vec::new();
        loop {
            part.clear();
            self.input.by_ref().take(BLOCK_BYTES as u64).read_until(b'\n', &mut part)?;
            self.passed(&part);
            if part.is_empty() || part.ends_with(b"\n") {
                return Ok(());
            }
        }
    }

    fn passed(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.offset += bytes.len() as u64;
    }

    fn mark(&self) -> Mark {
        Mark { offset: self.offset, lines: self.lines, digest: self.hash.digest() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &[u8]) -> Vec<Block> {
        let mut blocks = Blocks::new(text);
        std::iter::from_fn(|| blocks.next().unwrap()).collect()
    }

    #[test]
    fn blocks_are_the_file_whether_its_last_line_ends_or_not() {
        for end in ["", "\n"] {
            let lines: Vec<_> = (0..LINES + 7).map(|number| format!("{{\"n\":{number}}}")).collect();
            let text = lines.join("\n") + end;
            let blocks = blocks(text.as_bytes());
            assert_eq!(blocks.iter().map(|block| block.first_line).collect::<Vec<_>>(), [1, LINES + 1]);
            assert_eq!(blocks.iter().flat_map(|block| block.bytes.clone()).collect::<Vec<_>>(), text.as_bytes());
            let end = blocks.last().unwrap().end;
            assert_eq!((end.offset, end.lines), (text.len() as u64, LINES + 7));
        }
        assert!(blocks(b"").is_empty());
    }

    #[test]
    fn a_mark_is_found_again_only_where_the_file_is_the_same_up_to_it() {
        let text = "line\n".repeat(1_200);
        let mark = blocks(text.as_bytes())[1].end;
        let mut again = Blocks::new(text.as_bytes());
        assert_eq!(again.pass(mark).unwrap(), mark);
        assert_eq!(again.next().unwrap().unwrap().first_line, 1_001);
        let changed = text.replacen("line", "lime", 1);
        assert_ne!(Blocks::new(changed.as_bytes()).pass(mark).unwrap(), mark);
        assert_ne!(Blocks::new(&text.as_bytes()[..100]).pass(mark).unwrap(), mark);
    }

    #[test]
    fn few_long_lines_are_a_block_too() {
        let text = format!("{}\n", "x".repeat(BLOCK_BYTES)).repeat(3);
        assert_eq!(blocks(text.as_bytes()).len(), 3);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_ends_its_block() {
        let long = |length| io::repeat(b'x').take(length);
        for over in [0, 1, 9 << 20] {
            let length = LINE_BYTES + over;
            let mut blocks = Blocks::new(b"one\n".chain(long(length)).chain(&b"\nthree\n"[..]).chain(long(length)));
            let [first, second] = [(); 2].map(|()| blocks.next().unwrap().unwrap());
            assert_eq!((&first.bytes[..], first.ends_too_long, first.end.lines), (&b"one\n"[..], true, 2));
            assert_eq!(first.end.offset, 4 + length + 1);
            assert_eq!((&second.bytes[..], second.ends_too_long, second.first_line), (&b"three\n"[..], true, 3));
            assert!(first.bytes.capacity() + second.bytes.capacity() < BLOCK_BYTES);
            assert!(blocks.next().unwrap().is_none());
            let mut again = Blocks::new(b"one\n".chain(long(length)).chain(&b"\nthree\n"[..]));
            assert_eq!(again.pass(first.end).unwrap(), first.end);
            assert_eq!(again.next().unwrap().unwrap().bytes, b"three\n");
        }
    }
}
