//! `--agent`: what a running agent knows, instead of the kernel's own word.

use std::path::Path;

use crate::remote::{AgentAddress, Remote, RemoteError};

/// The agent to ask, if one was named.
pub(super) fn remote(
    agent: Option<&AgentAddress>,
    token_file: Option<&Path>,
) -> Result<Option<Remote>, RemoteError> {
    let remote = agent.map(|agent| Remote::new(agent.clone(), token_file));
    remote.transpose()
}
