//! A file as blocks of whole lines, each with the mark of where it ends.

use anyhow::bail;
use std::io::{BufRead, BufReader, Read};
use xxhash_rust::xxh3::Xxh3Default;

/// How many lines a block has at most. It becomes one job of the store: enough to make the way there cheap, not so many
/// that the job keeps the store from others.
const LINES: u64 = 500;

/// When a block has so many bytes, it gets no more lines.
const BLOCK_BYTES: usize = 4 << 20;

/// A longer line is no line: the file is something else.
const LINE_BYTES: u64 = 64 << 20;

/// A place between two lines of a file, and what the file is up to there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// In bytes.
    pub(super) offset: u64,
    /// How many lines are before it.
    pub(super) lines: u64,
    /// A hash of all that is before it.
    pub(super) digest: u64,
}

/// Lines that follow each other.
#[derive(Debug)]
pub(super) struct Block {
    /// The number of the first, counted from 1.
    pub(super) first_line: u64,
    /// The lines, each with its newline, which the last of a file may lack.
    pub(super) bytes: Vec<u8>,
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
    pub(super) fn pass(&mut self, to: Mark) -> std::io::Result<Mark> {
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
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Block>> {
        let (first_line, mut bytes) = (self.lines + 1, Vec::new());
        while self.lines + 1 - first_line < LINES && bytes.len() < BLOCK_BYTES {
            let before = bytes.len();
            self.input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes)?;
            let length = (bytes.len() - before) as u64;
            if length == 0 {
                break;
            }
            self.lines += 1;
            if length == LINE_BYTES {
                bail!("line {} is longer than {} MiB: is this a file of lines?", self.lines, LINE_BYTES >> 20);
            }
        }
        self.hash.update(&bytes);
        self.offset += bytes.len() as u64;
        Ok((!bytes.is_empty()).then(|| Block { first_line, bytes, end: self.mark() }))
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
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let refused = Blocks::new(std::io::repeat(b'x')).next().unwrap_err();
        assert!(refused.to_string().contains("line 1 is longer than 64 MiB"), "{refused}");
    }
}
