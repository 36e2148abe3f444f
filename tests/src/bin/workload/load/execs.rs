//! What a program costs that is run and ends.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use super::{Clock, pace::Pace};

#[derive(Args)]
pub(crate) struct Execs {
    /// Programs a second; as many as it gets by default
    #[arg(long)]
    rate: Option<u32>,
}

impl Execs {
    pub(super) fn run(&self, clock: &Clock) -> Result<u64> {
        let mut pace = Pace::new(self.rate, 1);
        clock.count(|| {
            pace.wait();
            Command::new("/bin/true").status().map(drop)
        })
    }
}
