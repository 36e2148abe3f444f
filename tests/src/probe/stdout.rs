//! A probe's stdout: read at once, or when a test says so.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::ChildStdout;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow, bail};

/// Who reads it.
#[derive(Debug)]
pub(super) enum Stdout {
    /// A thread, to its end.
    Thread {
        /// All it has read so far.
        read: Arc<Mutex<Vec<u8>>>,
        thread: JoinHandle<io::Result<()>>,
    },
    /// The test, line by line. Until it does the pipe fills, and the probe waits.
    Test(BufReader<ChildStdout>),
    /// Nobody any more: who writes to it is told.
    Nobody,
}

impl Stdout {
    /// A thread reads it from now on.
    pub(super) fn read(stdout: impl Read + Send + 'static) -> Self {
        let read = Arc::default();
        let into = Arc::clone(&read);
        Self::Thread {
            read,
            thread: thread::spawn(move || read_all(stdout, &into)),
        }
    }

    /// The whole lines that the thread has read so far.
    pub(super) fn lines(&self) -> Result<String> {
        let Self::Thread { read, .. } = self else {
            bail!("its stdout is read by nobody else");
        };
        let read = read.lock().unwrap_or_else(PoisonError::into_inner);
        let end = read.iter().rposition(|byte| *byte == b'\n');
        let lines = read[..end.map_or(0, |end| end + 1)].to_owned();
        String::from_utf8(lines).context("its stdout is not UTF-8")
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
        let Self::Thread { read, thread } = self else {
            return Ok(String::new());
        };
        thread
            .join()
            .map_err(|_| anyhow!("the reader panicked"))??;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(std::mem::take(&mut *read)).context("its stdout is not UTF-8")
    }
}

fn read_all(mut stdout: impl Read, into: &Mutex<Vec<u8>>) -> io::Result<()> {
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = match stdout.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if count == 0 {
            return Ok(());
        }
        let mut read = into.lock().unwrap_or_else(PoisonError::into_inner);
        read.extend_from_slice(&chunk[..count]);
    }
}
