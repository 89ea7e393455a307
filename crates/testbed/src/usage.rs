//! What a process has used so far, as Linux tells in `/proc`, and what a folder takes on the disk.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

/// What a process uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Bytes of memory that are its own or mapped, and present.
    pub resident: u64,
    /// The most there ever was of it.
    pub peak: u64,
    /// Time of processors, its own and the system's for it.
    pub cpu: Duration,
    /// Bytes that it caused to be written to a disk.
    pub written: u64,
}

impl Usage {
    /// What was used from `before` to now; the memory is that of now, and its peak that of all time.
    pub fn since(self, before: Self) -> Self {
        let Self { resident, peak, cpu, written } = self;
        Self { resident, peak, cpu: cpu.saturating_sub(before.cpu), written: written.saturating_sub(before.written) }
    }
}

/// Ticks in a second of `/proc/PID/stat`: a constant of Linux's interface on the platforms there are.
const TICKS: u32 = 100;
/// Fields of `/proc/PID/stat` between the program's name and `utime`.
const FIELDS_BEFORE_TIMES: usize = 11;

/// What the process with this identifier uses.
pub fn usage(pid: u32) -> anyhow::Result<Usage> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}, which only Linux has"))
    };
    let status = read("status")?;
    let kibibytes = |label| labelled(&status, label).with_context(|| format!("/proc/PID/status has no {label}"));
    let (resident, peak) = (kibibytes("VmRSS:")? * 1024, kibibytes("VmHWM:")? * 1024);
    let written = labelled(&read("io")?, "write_bytes:").context("/proc/PID/io has no write_bytes")?;
    let cpu = cpu_time(&read("stat")?).context("/proc/PID/stat has another form")?;
    Ok(Usage { resident, peak, cpu, written })
}

fn labelled(text: &str, label: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(label))?.split_whitespace().next()?.parse().ok()
}

fn cpu_time(stat: &str) -> Option<Duration> {
    // The name may hold anything, but ends with the last parenthesis.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(FIELDS_BEFORE_TIMES).map(str::parse::<u32>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    Some(Duration::from_secs(1) * ticks / TICKS)
}

/// Bytes that the files of a folder take on the disk, which is less than their length where they have holes.
pub fn disk_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        // A store may put a file away between the listing and the look at it.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { disk_bytes(&entry.path())? } else { allocated(&metadata) };
    }
    Ok(bytes)
}

#[cfg(unix)]
fn allocated(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_times_behind_a_name_with_anything_in_it() {
        let stat = "7 (a) b) R 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 0 0 0";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
    }

    #[test]
    fn finds_a_line_by_its_label() {
        let io = "wchar: 12\nwrite_bytes: 4096\ncancelled_write_bytes: 8\n";
        assert_eq!(labelled(io, "write_bytes:"), Some(4096));
        assert_eq!(labelled(io, "VmRSS:"), None);
    }

    #[test]
    fn a_folder_takes_what_the_files_in_it_and_below_take() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        for file in ["a", "below/b"] {
            fs::write(folder.path().join(file), vec![1; 10_000]).unwrap();
        }
        let bytes = disk_bytes(folder.path()).unwrap();
        assert!((20_000..100_000).contains(&bytes), "{bytes}");
    }
}
