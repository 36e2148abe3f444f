//! A probe's stdout: read at once, or when a test says so.

use std::io::{self, BufRead as _, BufReader};
use std::process::ChildStdout;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow, bail};

/// Who reads it.
#[derive(Debug)]
pub(super) enum Stdout {
    /// A thread, to its end.
    Thread(JoinHandle<io::Result<Vec<u8>>>),
    /// The test, line by line. Until it does the pipe fills, and the probe waits.
    Test(BufReader<ChildStdout>),
    /// Nobody any more: who writes to it is told.
    Nobody,
}

impl Stdout {
    /// A thread reads it from now on.
    pub(super) fn read(stdout: impl io::Read + Send + 'static) -> Self {
        Self::Thread(thread::spawn(move || read_all(stdout)))
    }

    /// The next line, without its end.
    pub(super) fn line(&mut self) -> Result<String> {
        let Self::Test(stdout) = self else {
            bail!("its stdout is not read line by line");
        };
        let mut line = String::new();
        if stdout
            .read_line(&mut line)
            .context("its stdout cannot be read")?
            == 0
        {
            bail!("the probe prints nothing more");
        }
        Ok(line.trim_end_matches('\n').to_owned())
    }

    /// Lets a thread read what the test has not: who is to end must be able to print.
    pub(super) fn drain(&mut self) {
        *self = match std::mem::replace(self, Self::Nobody) {
            Self::Test(stdout) => Self::read(stdout),
            other => other,
        };
    }

    /// All that was read by the thread.
    pub(super) fn all(self) -> Result<String> {
        let Self::Thread(reader) = self else {
            return Ok(String::new());
        };
        let read = reader.join().map_err(|_| anyhow!("the reader panicked"))?;
        String::from_utf8(read?).context("its stdout is not UTF-8")
    }
}

fn read_all(mut stdout: impl io::Read) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    stdout.read_to_end(&mut all)?;
    Ok(all)
}
