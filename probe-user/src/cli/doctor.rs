//! `probe doctor`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{engines::EngineArgs, print};
use crate::{
    doctor::{Finding, examine},
    export::doctor as json,
    views::doctor::table,
};

/// Try what the probe can know on this machine; exit code 1 if it cannot do its main job.
#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    engines: EngineArgs,

    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// A capability a line.
    Table,
    /// One document, schema probe.doctor/v1.
    Json,
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let findings = examine(&self.engines.addresses()?).await;
        let text = match self.output {
            Output::Table => table(&findings),
            Output::Json => {
                let name = nix::sys::utsname::uname()?;
                json::text(&findings, &name.release().to_string_lossy())?
            }
        };
        print(&text)?;
        let able = !findings.iter().any(Finding::prevents);
        Ok(ExitCode::from(u8::from(!able)))
    }
}
