//! The daemon's settings: a file, then the environment, then flags, each stronger than the one
//! before it, and each value with where it came from.

mod file;
mod settings;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

pub(crate) use settings::interval;
pub use settings::{LogFormat, Settings};

/// Read when it is there and `--config` names no other.
pub const DEFAULT_FILE: &str = "/etc/probe.toml";

/// The environment's names begin with it: `PROBE_MAX_FLOWS` is `max-flows`.
const PREFIX: &str = "PROBE_";

/// How a value looks in the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Text,
    List,
    Number,
    Switch,
}

/// One setting.
#[derive(Debug)]
struct Key {
    name: &'static str,
    form: Form,
    /// What holds if nobody says anything; `None`: it stays unset.
    default: Option<&'static str>,
}

const fn key(name: &'static str, form: Form, default: Option<&'static str>) -> Key {
    Key {
        name,
        form,
        default,
    }
}

/// Every setting there is. Flags have the same names.
const KEYS: &[Key] = &[
    key("listen", Form::Text, Some("127.0.0.1:4040")),
    key("socket", Form::Text, Some("/run/probe.sock")),
    key("socket-group", Form::Text, None),
    key("token-file", Form::Text, None),
    key("tls-cert", Form::Text, None),
    key("tls-key", Form::Text, None),
    key("tls-client-ca", Form::Text, None),
    key("allow-host", Form::List, None),
    key("interval", Form::Text, Some("1s")),
    key("max-flows", Form::Number, Some("65536")),
    key("max-series", Form::Number, Some("10000")),
    key("engine", Form::List, None),
    key("events", Form::Switch, Some("true")),
    key("log-format", Form::Text, Some("text")),
    key("no-sandbox", Form::Switch, Some("false")),
];

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => path.display().fmt(f),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no TOML.
    #[error("{}, line {line}: {reason}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where in it, from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// It has a key that is none of ours.
    #[error("{} has no setting {key:?}; the nearest is {nearest:?}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What it says.
        key: String,
        /// What it may have meant.
        nearest: &'static str,
    },
    /// A value is of another kind.
    #[error("{}: {key} must be {expected}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A value does not mean anything.
    #[error("{key} cannot be {value:?} (from {origin}): {reason}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What was said.
        value: String,
        /// By whom.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
}

/// What was said on one setting, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Given {
    /// One, unless the setting is a list.
    values: Vec<String>,
    origin: Origin,
}

/// All settings that have a value.
#[derive(Clone, Debug, Default)]
pub struct Config {
    given: BTreeMap<&'static str, Given>,
}

impl Config {
    /// Lays the environment over the file and the flags over both. `file` must be there if it is
    /// given; without it, [`DEFAULT_FILE`] may.
    pub fn resolve(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (&'static str, Vec<String>)>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for key in KEYS {
            if let Some(value) = key.default {
                config.set(key.name, vec![value.to_owned()], Origin::Default);
            }
        }
        let default = Path::new(DEFAULT_FILE);
        if let Some(path) = file.or_else(|| default.exists().then_some(default)) {
            for (name, values) in file::read(path)? {
                config.set(name, values, Origin::File(path.to_owned()));
            }
        }
        for (variable, value) in environment {
            if let Some(key) = from_environment(&variable) {
                config.set(key.name, key.split(value), Origin::Environment(variable));
            }
        }
        for (name, values) in flags {
            if !values.is_empty() {
                config.set(name, values, Origin::Flag(name));
            }
        }
        Ok(config)
    }

    fn set(&mut self, name: &'static str, values: Vec<String>, origin: Origin) {
        self.given.insert(name, Given { values, origin });
    }

    /// The settings as a file that says the same, each with its origin beside it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for key in KEYS {
            // Writing to a String cannot fail.
            let _ = match self.given.get(key.name) {
                Some(given) => {
                    let line = format!("{} = {}", key.name, key.written(&given.values));
                    writeln!(text, "{line:<40} # {}", given.origin)
                }
                None => writeln!(text, "{:<40} # default", format!("# {} = unset", key.name)),
            };
        }
        text
    }
}

impl Key {
    /// A list's values are separated by commas in the environment.
    fn split(&self, value: String) -> Vec<String> {
        if self.form != Form::List {
            return vec![value];
        }
        let parts = value.split(',').map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// As TOML has it.
    fn written(&self, values: &[String]) -> String {
        let quoted = |value: &String| toml::Value::String(value.clone()).to_string();
        let first = || values.first().cloned().unwrap_or_default();
        match self.form {
            Form::Text => quoted(&first()),
            Form::List => format!(
                "[{}]",
                values.iter().map(quoted).collect::<Vec<_>>().join(", ")
            ),
            Form::Number | Form::Switch => first(),
        }
    }
}

fn named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The setting that is called most like `name`.
fn nearest(name: &str) -> &'static str {
    let likeness = |key: &&Key| strsim::jaro_winkler(key.name, name);
    KEYS.iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .map_or("listen", |key| key.name)
}

/// The setting of a variable. Others with our prefix are not refused: where a service is called
/// "probe", engines put `PROBE_PORT` and its like into every container.
fn from_environment(variable: &str) -> Option<&'static Key> {
    let name = variable.strip_prefix(PREFIX)?;
    named(&name.to_ascii_lowercase().replace('_', "-"))
}
