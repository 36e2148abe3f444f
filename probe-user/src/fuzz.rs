//! Bytes that nobody has thought of, for every decoder of what comes from outside.
//!
//! A target is a test called `fuzz_…` beside its decoder. As a test it takes a fixed number of inputs,
//! the same each time; `cargo xtask fuzz` lets it run as long as is asked, elsewhere each time. Inputs
//! are seeds, changed; what a target makes of them tells which are worth changing further.

use std::{
    collections::HashSet,
    env, fs,
    hash::{BuildHasher as _, Hash, Hasher as _, RandomState},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// Inputs of a test.
const SHORT: u64 = 1000;
/// Bytes of an input, unless a seed has more.
const LONGEST: usize = 16 << 10;
/// Inputs worth changing further.
const MOST: usize = 4096;
/// Numbers at which decoders stumble.
const EDGES: &[u64] = &[
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];
/// Texts at which they do.
const WORDS: &[&str] = &[
    "",
    "0",
    "-1",
    "1e999",
    "18446744073709551616",
    "-9223372036854775809",
    "NaN",
    "null",
    "\\u0000",
    "\\ud800",
    "\u{0}",
    "\u{202e}",
    "\u{10ffff}",
    "\r\n\r\n",
    "\"",
    "'",
    "\\",
    "%",
    "/../",
    "0.0.0.0",
    "::",
    "0001-01-01T00:00:00Z",
    "+999999-12-31T23:59:59Z",
];

/// Gives `target` the seeds, and what becomes of them when they are changed. What it returns stands
/// for what it made of an input, such as which error: a new one makes the input a seed.
pub(crate) fn run<S: AsRef<[u8]>, R: Hash>(seeds: &[S], target: impl Fn(&[u8]) -> R) {
    let seconds = env::var("PROBE_FUZZ_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().expect("PROBE_FUZZ_SECONDS is a number"));
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let random = RandomState::new();
    let mut chance = fastrand::Rng::with_seed(match end {
        Some(_) => random.hash_one(thread::current().id()),
        None => 1,
    });
    let mut pool: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_ref().to_vec()).collect();
    let mut outcomes = HashSet::new();
    let mut slowest = Duration::ZERO;
    let mut count = 0_u64;
    for seed in pool.clone() {
        outcomes.insert(random.hash_one(given(&seed, &target)));
    }
    while end.map_or(count < SHORT, |end| Instant::now() < end) {
        let input = changed(&pool, &mut chance);
        let begun = Instant::now();
        let outcome = given(&input, &target);
        slowest = slowest.max(begun.elapsed());
        if outcomes.insert(random.hash_one(outcome)) && pool.len() < MOST {
            pool.push(input);
        }
        count += 1;
    }
    if end.is_some() {
        let name = thread::current().name().unwrap_or_default().to_owned();
        let line = format!(
            "{name}: {count} inputs, {} outcomes, the slowest took {slowest:?}",
            outcomes.len()
        );
        crate::cli::say(format_args!("{line}"));
    }
}

/// Keeps an input that panics.
fn given<R>(input: &[u8], target: &impl Fn(&[u8]) -> R) -> R {
    struct Fallen<'a>(&'a [u8]);
    impl Drop for Fallen<'_> {
        fn drop(&mut self) {
            if !thread::panicking() {
                return;
            }
            let mut hasher = RandomState::new().build_hasher();
            hasher.write(self.0);
            let file = env::var_os("PROBE_FUZZ_DIR").map(PathBuf::from);
            let file = file.unwrap_or_else(env::temp_dir);
            let file = file.join(format!("probe-fuzz-{:016x}", hasher.finish()));
            let kept = fs::write(&file, self.0);
            let input = self.0.escape_ascii();
            crate::cli::say(format_args!("{}: {kept:?}, {input}", file.display()));
        }
    }
    let fallen = Fallen(input);
    let outcome = target(fallen.0);
    drop(fallen);
    outcome
}

/// One of the pool, changed here and there.
fn changed(pool: &[Vec<u8>], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut input = chance.choice(pool).cloned().unwrap_or_default();
    let longest = input.len().max(LONGEST);
    for _ in 0..=chance.usize(..6) {
        change(&mut input, pool, chance);
    }
    input.truncate(longest);
    input
}

fn change(input: &mut Vec<u8>, pool: &[Vec<u8>], chance: &mut fastrand::Rng) {
    let at = chance.usize(..=input.len());
    let from = chance.usize(at..=input.len().min(at + 64));
    match chance.u32(..9) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << chance.u32(..8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = chance.u8(..);
            }
        }
        2 => {
            let number = EDGES[chance.usize(..EDGES.len())];
            let width = [1, 2, 4, 8][chance.usize(..4)];
            let bytes = if chance.bool() {
                number.to_le_bytes()[..width].to_vec()
            } else {
                number.to_be_bytes()[8 - width..].to_vec()
            };
            let end = input.len().min(at + width);
            input.splice(at..end, bytes);
        }
        3 => {
            let word = WORDS[chance.usize(..WORDS.len())];
            input.splice(at..from, word.bytes());
        }
        4 => drop(input.drain(at..from)),
        5 => {
            let part = input[at..from].to_vec();
            let times = 1 << chance.usize(..10);
            let many = part.repeat(times.min(LONGEST / part.len().max(1)));
            input.splice(at..at, many);
        }
        6 => input.truncate(at),
        // Of another, a piece from anywhere.
        7 => {
            let other = &pool[chance.usize(..pool.len())];
            let start = chance.usize(..=other.len());
            let end = chance.usize(start..=other.len().min(start + 128));
            input.splice(at..from, other[start..end].iter().copied());
        }
        // A number, be it in a text.
        _ => {
            let digits = input[at..].iter().position(u8::is_ascii_digit);
            if let Some(start) = digits.map(|digits| at + digits) {
                let rest = &input[start..];
                let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let number = EDGES[chance.usize(..EDGES.len())].to_string();
                input.splice(start..start + length, number.into_bytes());
            }
        }
    }
}
