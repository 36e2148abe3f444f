//! The cgroup's files, as text. Pure: what the kernel documents in `cgroup-v2.rst`, `memory.rst`
//! and `blkio-controller.rst`.

use std::time::Duration;

/// The largest limit that is one: v1 writes "none" as the highest multiple of a page.
const LARGEST_LIMIT: u64 = 1 << 62;

/// The number after `key` in lines of `KEY NUMBER`: `cpu.stat`, `memory.stat`, `memory.events`.
#[must_use]
pub fn keyed(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, number) = lines.find(|(name, _)| *name == key)?;
    number.trim().parse().ok()
}

/// A file of one number.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A limit; `None` for `max`, and for what v1 has in its place.
#[must_use]
pub fn limit(text: &str) -> Option<u64> {
    number(text).filter(|limit| *limit < LARGEST_LIMIT)
}

/// Bytes read and written, all devices together, of v2's `io.stat`: `8:0 rbytes=1 wbytes=2 …`. A
/// file without lines is one of a cgroup that did no I/O.
#[must_use]
pub fn io_stat(text: &str) -> Option<(u64, u64)> {
    let (mut read, mut written) = (0_u64, 0_u64);
    for word in text.split_whitespace() {
        match word.split_once('=') {
            Some(("rbytes", number)) => read = read.checked_add(number.parse().ok()?)?,
            Some(("wbytes", number)) => written = written.checked_add(number.parse().ok()?)?,
            _ => {}
        }
    }
    Some((read, written))
}

/// The same of v1's `blkio.throttle.io_service_bytes_recursive`: lines of `8:0 Read 1`.
#[must_use]
pub fn blkio(text: &str) -> Option<(u64, u64)> {
    let (mut read, mut written) = (0_u64, 0_u64);
    for line in text.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (what, number) = (words.next(), words.next());
        let sum = match what {
            Some("Read") => &mut read,
            Some("Write") => &mut written,
            _ => continue,
        };
        *sum = sum.checked_add(number?.parse().ok()?)?;
    }
    Some((read, written))
}

/// Percent of the last ten seconds of a `*.pressure` file's line `some avg10=1.23 …`.
#[must_use]
pub fn pressure(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = line
        .split(' ')
        .find_map(|word| word.strip_prefix("avg10="))?;
    let average: f64 = average.parse().ok()?;
    average.is_finite().then_some(average)
}

/// What is in use, less the file pages that could go at once: as `docker stats` computes it.
#[must_use]
pub fn memory(usage: u64, inactive_file: Option<u64>) -> u64 {
    // Where it is more than there is, the two were read at two moments.
    match inactive_file {
        Some(inactive) if inactive < usage => usage - inactive,
        _ => usage,
    }
}

/// Microseconds, as v2 counts.
#[must_use]
pub fn micros(number: u64) -> Duration {
    Duration::from_micros(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_cgroup_files() {
        const SEEDS: &[&str] = &[
            "usage_usec 100\nuser_usec 50\nnr_throttled 3\n",
            "8:0 rbytes=4096 wbytes=512 rios=1 wios=2 dbytes=0\n253:0 rbytes=1\n",
            "8:0 Read 4096\n8:0 Write 512\nTotal 4608\n",
            "some avg10=1.25 avg60=0.00 avg300=0.00 total=77\nfull avg10=0.00\n",
            "max\n",
            "9223372036854771712\n",
        ];
        crate::fuzz::run(SEEDS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let numbers = (number(&text).is_some(), limit(&text).is_some());
            let keyed = keyed(&text, "user_usec").is_some();
            let io = (io_stat(&text).is_some(), blkio(&text).is_some());
            let share = pressure(&text);
            assert!(share.is_none_or(f64::is_finite), "{share:?}");
            (numbers, keyed, io, share.is_some())
        });
    }

    #[test]
    fn keys_are_whole_words() {
        let text = "usage_usec 123\nuser_usec 4\nnr_throttled\nthrottled_usec x\n";
        assert_eq!(keyed(text, "usage_usec"), Some(123));
        for none in ["usage", "nr_throttled", "throttled_usec", ""] {
            assert_eq!(keyed(text, none), None, "{none}");
        }
    }

    #[test]
    fn no_limit_is_none() {
        let check = |text, expected| assert_eq!(limit(text), expected, "{text}");
        check("67108864\n", Some(64 << 20));
        check("max\n", None);
        check("9223372036854771712\n", None);
    }

    #[test]
    fn devices_add_up() {
        let v2 = "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n";
        assert_eq!(io_stat(v2), Some((11, 22)));
        assert_eq!(io_stat(""), Some((0, 0)));
        assert_eq!(io_stat("8:0 rbytes=x"), None);
        let v1 = "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n8:16 Read 1\nTotal 31\n";
        assert_eq!(blkio(v1), Some((11, 20)));
        assert_eq!(blkio("Total 0\n"), Some((0, 0)));
        assert_eq!(blkio("8:0 Read\n"), None);
    }

    #[test]
    fn pressure_is_of_some() {
        let text =
            "some avg10=1.53 avg60=0.87 avg300=0.73 total=1523405\nfull avg10=0.00 total=0\n";
        assert_eq!(pressure(text), Some(1.53));
        assert_eq!(pressure("full avg10=1.00\n"), None);
    }

    #[test]
    fn memory_leaves_idle_file_pages_out() {
        assert_eq!(memory(100, Some(30)), 70);
        assert_eq!(memory(100, Some(100)), 100);
        assert_eq!(memory(100, None), 100);
    }
}
