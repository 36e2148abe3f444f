//! The settings as flags, which have no defaults: those are the configuration's.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::config::interval;

/// What of the configuration is said on the command line.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Serve HTTP on this address, or none; 127.0.0.1:4040 by default.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,

    /// Serve HTTP on this unix socket, or none; /run/probe.sock by default.
    #[arg(long, value_name = "PATH")]
    socket: Option<String>,

    /// Let this group use the unix socket, too.
    #[arg(long, value_name = "GROUP")]
    socket_group: Option<String>,

    /// Take the tokens that open the TCP side from this file: a token a line, then its scopes.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Serve HTTP over TLS on the TCP side, with the certificate in this file.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// The certificate's key.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,

    /// Let only those connect over TLS whose certificate is of an authority in this file.
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,

    /// Answer requests for this host name, beside localhost, the own name and every address.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,

    /// A container engine's address, once for each; by default that of DOCKER_HOST, else
    /// unix:///var/run/docker.sock.
    #[arg(long, value_name = "URL")]
    engine: Vec<String>,

    /// Time between two refreshes; 1s by default.
    #[arg(long, value_name = "TIME", value_parser = interval)]
    interval: Option<Duration>,

    /// Flows to keep at once, 65536 by default; what does not fit is counted as lost.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    max_flows: Option<u32>,

    /// Label sets of the container metrics, 10000 by default; what is more goes into other.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_series: Option<u32>,

    /// Whether to watch processes for /api/v1/events; true by default.
    #[arg(long, value_name = "BOOL")]
    events: Option<bool>,

    /// How to log; text by default.
    #[arg(long, value_enum)]
    log_format: Option<Format>,

    /// Do without seccomp and Landlock, for debugging.
    #[arg(long)]
    no_sandbox: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

impl Flags {
    /// What was given, by the name of its setting.
    pub(super) fn given(&self) -> [(&'static str, Vec<String>); 15] {
        fn one<T: ToString>(value: Option<T>) -> Vec<String> {
            value.map(|value| value.to_string()).into_iter().collect()
        }
        let path = |path: &Option<PathBuf>| one(path.as_ref().map(|path| path.display()));
        let format = self.log_format.map(|format| match format {
            Format::Text => "text",
            Format::Json => "json",
        });
        [
            ("listen", one(self.listen.as_ref())),
            ("socket", one(self.socket.as_ref())),
            ("socket-group", one(self.socket_group.as_ref())),
            ("token-file", path(&self.token_file)),
            ("tls-cert", path(&self.tls_cert)),
            ("tls-key", path(&self.tls_key)),
            ("tls-client-ca", path(&self.tls_client_ca)),
            ("allow-host", self.allow_host.clone()),
            ("engine", self.engine.clone()),
            (
                "interval",
                one(self.interval.map(humantime::format_duration)),
            ),
            ("max-flows", one(self.max_flows)),
            ("max-series", one(self.max_series)),
            ("events", one(self.events)),
            ("log-format", one(format)),
            ("no-sandbox", one(self.no_sandbox.then_some(true))),
        ]
    }
}
