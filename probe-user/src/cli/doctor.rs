//! `probe doctor`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::{
    engines::EngineArgs,
    print,
    remote::{TrustArgs, remote},
};
use crate::{
    doctor::{Finding, examine},
    export::{doctor as report, json},
    remote::{AgentAddress, Remote},
    views::{completeness, doctor::table},
};

/// Try what the probe can know on this machine; exit code 1 if it cannot do its main job.
#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    engines: EngineArgs,

    /// Ask the agent that runs there how much it accounts for: http[s]://HOST:PORT, or a unix
    /// socket's path.
    #[arg(long, value_name = "URL|SOCKET", conflicts_with = "engine")]
    agent: Option<AgentAddress>,

    /// The agent's token is the first in this file.
    #[arg(long, value_name = "FILE", requires = "agent")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArgs,

    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// A capability a line.
    Table,
    /// One document, schema probe.doctor/v1; of an agent probe.completeness/v1.
    Json,
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(agent) = remote(self.agent.as_ref(), self.token_file.as_deref(), &self.trust)? {
            print(&self.account(&agent).await?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let findings = examine(&self.engines.addresses()?).await;
        let text = match self.output {
            Output::Table => table(&findings),
            Output::Json => {
                let name = nix::sys::utsname::uname()?;
                report::text(&findings, &name.release().to_string_lossy())?
            }
        };
        print(&text)?;
        let able = !findings.iter().any(Finding::prevents);
        Ok(ExitCode::from(u8::from(!able)))
    }

    /// How much the agent accounts for; an older one does not say.
    async fn account(&self, agent: &Remote) -> anyhow::Result<String> {
        let text = agent.get("/api/v1/graph").await?;
        let snapshot = json::read(&text).context("the agent's graph cannot be used")?;
        let account = snapshot.completeness.with_context(|| {
            let address = agent.address();
            format!("the agent at {address} does not account for what it sees: start a newer one")
        })?;
        Ok(match self.output {
            Output::Table => {
                completeness::explained(&account) + &completeness::edges_explained(&snapshot.graph)
            }
            Output::Json => json::account::text(&account, &snapshot.graph)?,
        })
    }
}
