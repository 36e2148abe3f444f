//! `workload file`: writes that number themselves, and reads.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use probe_tests::tally::Tally;

/// Until what is awaited is looked for again.
const STEP: Duration = Duration::from_millis(20);

/// Writes a file anew and reads it back.
#[derive(Args)]
pub(crate) struct Rewrite {
    /// The file
    #[arg(long)]
    path: PathBuf,
    /// Begin once this file is there
    #[arg(long)]
    after: Option<PathBuf>,
    /// How many writes
    #[arg(long, default_value_t = 10)]
    writes: u64,
    /// Bytes of a write, and of a read: the write's number, with zeroes before it
    #[arg(long, default_value_t = 1024)]
    bytes: usize,
    /// Writes in a millisecond, at most; as many as go if not given
    #[arg(long)]
    pace: Option<u64>,
    /// How often all of it is read
    #[arg(long, default_value_t = 1)]
    reads: u64,
}

impl Rewrite {
    pub(crate) fn run(&self) -> Result<Tally> {
        if let Some(after) = &self.after {
            await_file(after);
        }
        let mut tally = Tally::default();
        self.write(&mut tally)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        for _ in 0..self.reads {
            self.read(&mut tally)
                .with_context(|| format!("cannot read {}", self.path.display()))?;
        }
        Ok(tally)
    }

    fn write(&self, tally: &mut Tally) -> io::Result<()> {
        let (mut file, begun) = (File::create(&self.path)?, Instant::now());
        let width = self.bytes;
        for number in 0..self.writes {
            if let Some(pace) = self.pace {
                let due = Duration::from_millis(number / pace);
                thread::sleep(due.saturating_sub(begun.elapsed()));
            }
            let count = file.write(format!("{number:0>width$}").as_bytes())?;
            tally.sends += 1;
            tally.bytes_sent += count as u64;
        }
        Ok(())
    }

    fn read(&self, tally: &mut Tally) -> io::Result<()> {
        let (mut file, mut bytes) = (File::open(&self.path)?, vec![0; self.bytes]);
        loop {
            let count = file.read(&mut bytes)?;
            if count == 0 {
                return Ok(());
            }
            tally.receives += 1;
            tally.bytes_received += count as u64;
        }
    }
}

fn await_file(path: &Path) {
    while !path.exists() {
        thread::sleep(STEP);
    }
}
