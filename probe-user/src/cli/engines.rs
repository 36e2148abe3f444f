//! `--engine`, the same in every command.

use clap::Args;

use crate::identity::EngineAddress;

/// Where container engines are.
#[derive(Args, Clone, Debug)]
pub struct EngineArgs {
    /// A container engine's address, once for each; by default that of DOCKER_HOST, else
    /// unix:///var/run/docker.sock.
    #[arg(id = "engine", long, value_name = "URL")]
    engines: Vec<String>,
}

impl EngineArgs {
    /// Those given, else Docker where its own tools would look for it.
    pub fn addresses(&self) -> anyhow::Result<Vec<EngineAddress>> {
        if !self.engines.is_empty() {
            let parsed = self.engines.iter().map(|address| address.parse());
            return Ok(parsed.collect::<Result<_, _>>()?);
        }
        let docker_host = std::env::var("DOCKER_HOST").ok();
        Ok(vec![EngineAddress::choose(None, docker_host.as_deref())?])
    }
}
