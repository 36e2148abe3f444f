//! A wall clock of one's own, which can be set while a program runs: libfaketime's.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::agent::Room;

/// The wall clock of the programs that have [`Clock::env`] in their environment. What lasts, and what
/// the kernel says, is as it is.
#[derive(Debug)]
pub struct Clock {
    library: String,
    file: PathBuf,
    _room: Room,
}

impl Clock {
    /// One that goes as the machine's, but `ahead` of it, such as `+1h`.
    ///
    /// # Errors
    ///
    /// When libfaketime is not here.
    pub fn ahead(ahead: &str) -> Result<Self> {
        let library = format!(
            "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
            std::env::consts::ARCH
        );
        if !Path::new(&library).is_file() {
            anyhow::bail!("no libfaketime: `cargo xtask test` as root gets it");
        }
        let room = Room::take()?;
        let clock = Self {
            library,
            file: room.0.join("clock"),
            _room: room,
        };
        clock.set(ahead)?;
        Ok(clock)
    }

    /// Sets it, at once, to be that far from the machine's.
    ///
    /// # Errors
    ///
    /// When its file cannot be written.
    pub fn set(&self, ahead: &str) -> Result<()> {
        // Whole or not at all: it is read at any moment.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{ahead}\n"))
            .and_then(|()| fs::rename(&new, &self.file))
            .context("cannot set the clock")
    }

    /// What makes a program go by it.
    ///
    /// # Errors
    ///
    /// When a path is not UTF-8.
    pub fn env(&self) -> Result<[(&str, &str); 4]> {
        let file = self.file.to_str().context("a path is not UTF-8")?;
        Ok([
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ])
    }
}
