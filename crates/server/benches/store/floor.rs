//! What the disk allows: one thread that appends a kilobyte and syncs, again and again.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rollcall_testbed::load::{Round, Times};

/// As large as a profile's record is, about.
const RECORD: [u8; 1024] = [b'.'; 1024];

/// Appends and syncs in a file of its own in this folder for so long.
pub(crate) fn measure(folder: &Path, time: Duration) -> anyhow::Result<Round> {
    let mut file = File::create(folder.join("floor"))?;
    let (mut times, begin) = (Times::default(), Instant::now());
    while begin.elapsed() < time {
        let begin = Instant::now();
        file.write_all(&RECORD)?;
        file.sync_data()?;
        times.record(begin.elapsed());
    }
    let elapsed = begin.elapsed();
    std::fs::remove_file(folder.join("floor"))?;
    Ok(Round { times, elapsed })
}
