//! The fenced blocks of a document, in order.

/// A block: its language, where it begins, and its lines.
pub(crate) struct Block<'a> {
    pub(crate) language: &'a str,
    /// Of its first fence, counted from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// All blocks that are fenced with three back-ticks at the beginning of a line.
pub(crate) fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in (1..).zip(document.lines()) {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => open = Some(Block { language, line: number, text: String::new() }),
            (None, Some(mut block)) => {
                block.text += line;
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

#[test]
fn finds_the_blocks_of_a_document() {
    let found = blocks("a\n```sh\nls\n\npwd\n```\nb\n```json\n{}\n```\n");
    let found: Vec<_> = found.iter().map(|block| (block.language, block.line, &*block.text)).collect();
    assert_eq!(found, [("sh", 2, "ls\n\npwd\n"), ("json", 8, "{}\n")]);
}
