//! What the kernel says of the node's own process (proc(5)). What it does not say is left as it is.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use gatehouse_telemetry::{
    PROCESS_MAX_FDS, PROCESS_MEMORY, PROCESS_OPEN_FDS, PROCESS_START_TIME, PROCESS_THREADS,
};

/// The node starts now.
pub(crate) fn note_start() {
    if let Ok(since) = SystemTime::now().duration_since(UNIX_EPOCH) {
        PROCESS_START_TIME.set(&[], since.as_secs());
    }
}

/// Puts into gauges what is true now.
pub(crate) fn observe() {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        if let Some(kib) = number_after(&status, "VmRSS:") {
            PROCESS_MEMORY.set(&[], kib.saturating_mul(1024));
        }
        if let Some(threads) = number_after(&status, "Threads:") {
            PROCESS_THREADS.set(&[], threads);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is for reading the directory.
        let count = open.count().saturating_sub(1);
        PROCESS_OPEN_FDS.set(&[], u64::try_from(count).unwrap_or(u64::MAX));
    }
    if let Ok(limits) = fs::read_to_string("/proc/self/limits")
        && let Some(most) = number_after(&limits, "Max open files")
    {
        PROCESS_MAX_FDS.set(&[], most);
    }
}

/// The first number behind a word that begins a line.
fn number_after(text: &str, word: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(word))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_numbers_are_found() {
        let status = "Name:\tgatehouse\nVmRSS:\t   51200 kB\nThreads:\t9\n";
        assert_eq!(number_after(status, "VmRSS:"), Some(51_200));
        assert_eq!(number_after(status, "Threads:"), Some(9));
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024                 4096  files\n";
        assert_eq!(number_after(limits, "Max open files"), Some(1_024));
        assert_eq!(number_after("Max open files unlimited", "Max open files"), None);
    }
}
