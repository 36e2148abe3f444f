//! `--agent`: what a running agent knows, instead of the kernel's own word.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::remote::{AgentAddress, Remote, RemoteError, Trust};

/// How an agent at https:// is spoken to, the same in every command.
#[derive(Args, Debug)]
pub(super) struct TrustArgs {
    /// Trust an agent at https:// whose certificate is of an authority in this file; by default of
    /// one that this machine trusts.
    #[arg(long, value_name = "FILE", requires = "agent")]
    tls_ca: Option<PathBuf>,

    /// Show the agent the certificate in this file.
    #[arg(long, value_name = "FILE", requires_all = ["agent", "tls_client_key"])]
    tls_client_cert: Option<PathBuf>,

    /// The certificate's key.
    #[arg(long, value_name = "FILE", requires = "tls_client_cert")]
    tls_client_key: Option<PathBuf>,
}

impl TrustArgs {
    fn trust(&self) -> Trust {
        let identity = self.tls_client_cert.clone();
        Trust {
            authority: self.tls_ca.clone(),
            identity: identity.zip(self.tls_client_key.clone()),
        }
    }
}

/// The agent to ask, if one was named.
pub(super) fn remote(
    agent: Option<&AgentAddress>,
    token_file: Option<&Path>,
    trust: &TrustArgs,
) -> Result<Option<Remote>, RemoteError> {
    let remote = agent.map(|agent| Remote::new(agent.clone(), token_file, &trust.trust()));
    remote.transpose()
}
