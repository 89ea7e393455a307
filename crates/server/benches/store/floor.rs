//! What the disk allows: one thread that appends a kilobyte and syncs, again and again.

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use rollcall_testbed::load::{Round, Times, Until};

/// As large as a profile's record is, about.
const RECORD: [u8; 1024] = [b'.'; 1024];

/// Appends and syncs in a file of its own in this folder.
pub(crate) fn measure(folder: &Path, until: Until) -> anyhow::Result<Round> {
    let mut file = File::create(folder.join("floor"))?;
    let (mut times, begin, numbers) = (Times::default(), Instant::now(), Cell::new(0));
    while until.next(&numbers, begin).is_some() {
        let begin = Instant::now();
        file.write_all(&RECORD)?;
        file.sync_data()?;
        times.record(begin.elapsed());
    }
    let elapsed = begin.elapsed();
    std::fs::remove_file(folder.join("floor"))?;
    Ok(Round { times, elapsed })
}
