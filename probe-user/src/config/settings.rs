//! What the settings mean.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{Config, ConfigError, Given, Origin};
use crate::identity::EngineAddress;

/// Stands for an address or a path that is not wanted.
const NONE: &str = "none";

/// The shortest time between two looks at the flow map.
const SHORTEST: Duration = Duration::from_millis(100);

/// How the daemon logs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// The settings, each in its own type.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings, each on its own, and whether two were given"
)]
pub struct Settings {
    /// Where HTTP is served over TCP.
    pub listen: Option<SocketAddr>,
    /// Whether somebody asked for that address.
    pub listen_asked: bool,
    /// Where HTTP is served over a unix socket.
    pub socket: Option<PathBuf>,
    /// Whether somebody asked for that path.
    pub socket_asked: bool,
    /// Who may connect to the unix socket beside the owner.
    pub socket_group: Option<String>,
    /// Tokens that open the TCP side.
    pub token_file: Option<PathBuf>,
    /// The certificate that the TCP side shows: HTTP is served over TLS then.
    pub tls_cert: Option<PathBuf>,
    /// Its key.
    pub tls_key: Option<PathBuf>,
    /// The authorities of the clients that may connect.
    pub tls_client_ca: Option<PathBuf>,
    /// Names that clients may call this host by, beside its own.
    pub allow_host: Vec<String>,
    /// Time between two looks at the flow map.
    pub interval: Duration,
    /// Flows the kernel and the ledger hold.
    pub max_flows: u32,
    /// Label sets of the container metrics.
    pub max_series: usize,
    /// Container engines; empty: Docker, where its own tools look for it.
    pub engines: Vec<EngineAddress>,
    /// Whether processes are watched for `/api/v1/events`.
    pub events: bool,
    /// How the daemon logs.
    pub log_format: LogFormat,
    /// Whether the daemon stays without walls, for debugging.
    pub no_sandbox: bool,
}

impl Settings {
    /// Reads each value; the first that means nothing is the error.
    pub fn of(config: &Config) -> Result<Self, ConfigError> {
        let asked = |key| {
            let given = config.given.get(key);
            given.is_some_and(|given| given.origin != Origin::Default)
        };
        Ok(Self {
            listen: one(config, "listen", listen)?.flatten(),
            listen_asked: asked("listen"),
            socket: one(config, "socket", path)?.flatten(),
            socket_asked: asked("socket"),
            socket_group: one(config, "socket-group", text)?,
            token_file: one(config, "token-file", path)?.flatten(),
            tls_cert: one(config, "tls-cert", path)?.flatten(),
            tls_key: one(config, "tls-key", path)?.flatten(),
            tls_client_ca: one(config, "tls-client-ca", path)?.flatten(),
            allow_host: all(config, "allow-host", text)?,
            interval: one(config, "interval", interval)?.unwrap_or(Duration::from_secs(1)),
            max_flows: one(config, "max-flows", |text| number(text, 16_777_216))?.unwrap_or(65_536),
            max_series: one(config, "max-series", |text| number(text, 1_000_000))?
                .map_or(10_000, |series| series as usize),
            engines: all(config, "engine", |text| {
                text.parse().map_err(|error| format!("{error}"))
            })?,
            events: one(config, "events", switch)?.unwrap_or(true),
            log_format: one(config, "log-format", log_format)?.unwrap_or_default(),
            no_sandbox: one(config, "no-sandbox", switch)?.unwrap_or(false),
        })
    }
}

type Parsed<T> = Result<T, String>;

fn all<T>(
    config: &Config,
    key: &'static str,
    parse: impl Fn(&str) -> Parsed<T>,
) -> Result<Vec<T>, ConfigError> {
    let Some(Given { values, origin }) = config.given.get(key) else {
        return Ok(Vec::new());
    };
    let parsed = values.iter().map(|value| {
        parse(value).map_err(|reason| ConfigError::Value {
            key,
            value: value.clone(),
            origin: origin.clone(),
            reason,
        })
    });
    parsed.collect()
}

fn one<T>(
    config: &Config,
    key: &'static str,
    parse: impl Fn(&str) -> Parsed<T>,
) -> Result<Option<T>, ConfigError> {
    Ok(all(config, key, parse)?.into_iter().next())
}

fn listen(text: &str) -> Parsed<Option<SocketAddr>> {
    if text == NONE {
        return Ok(None);
    }
    let address = text.parse().map(Some);
    address
        .map_err(|_| "it must be an address and a port, as in 127.0.0.1:4040, or none".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "one of several parsers")]
fn path(text: &str) -> Parsed<Option<PathBuf>> {
    Ok((text != NONE).then(|| text.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "one of several parsers")]
fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

/// A time of at least 100 ms, also as a flag's value.
pub(crate) fn interval(text: &str) -> Parsed<Duration> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < SHORTEST {
        return Err("the shortest interval is 100ms".to_owned());
    }
    Ok(time)
}

fn number(text: &str, most: u32) -> Parsed<u32> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("it must be a number from 1 to {most}")),
    }
}

fn switch(text: &str) -> Parsed<bool> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("it must be true or false".to_owned()),
    }
}

fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("it must be text or json".to_owned()),
    }
}
