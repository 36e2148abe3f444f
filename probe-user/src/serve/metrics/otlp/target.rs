//! Where metrics are pushed: the variables that OpenTelemetry's specification names.

use std::{fmt, time::Duration};

use hyper::{
    Uri,
    header::{HeaderName, HeaderValue},
};
use thiserror::Error;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
/// Milliseconds.
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
/// Milliseconds.
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";

/// A receiver.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host and port.
    pub(super) host: String,
    pub(super) path: String,
    /// Secrets may be among them.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) timeout: Duration,
    pub(super) interval: Duration,
}

/// A variable does not say where.
#[derive(Debug, Error)]
#[error("{name} cannot be {value:?}: {reason}")]
pub struct NoTarget {
    name: &'static str,
    value: String,
    reason: &'static str,
}

impl Target {
    /// What the variables say; `None` if they name no receiver.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, NoTarget> {
        // An empty one is the same as none.
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let (name, value, path) = match (variable(METRICS_ENDPOINT), variable(ENDPOINT)) {
            (Some(value), _) => (METRICS_ENDPOINT, value, ""),
            (None, Some(value)) => (ENDPOINT, value, "/v1/metrics"),
            (None, None) => return Ok(None),
        };
        let (host, base) = parse(&value).map_err(|reason| NoTarget {
            name,
            value,
            reason,
        })?;
        if let Some(value) = variable(PROTOCOL).filter(|value| value != "http/protobuf") {
            let reason = "http/protobuf is the only one here";
            return Err(NoTarget {
                name: PROTOCOL,
                value,
                reason,
            });
        }
        let milliseconds = |name, default| match variable(name) {
            None => Ok(default),
            Some(value) => match value.parse() {
                Ok(time @ 1..) => Ok(Duration::from_millis(time)),
                _ => Err(NoTarget {
                    name,
                    value,
                    reason: "it must be a number of milliseconds",
                }),
            },
        };
        Ok(Some(Self {
            host,
            path: if path.is_empty() {
                base
            } else {
                format!("{}{path}", base.trim_end_matches('/'))
            },
            headers: headers(variable(HEADERS))?,
            timeout: milliseconds(TIMEOUT, Duration::from_secs(10))?,
            interval: milliseconds(INTERVAL, Duration::from_mins(1))?,
        }))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.host, self.path)
    }
}

/// Host with port, and path.
fn parse(text: &str) -> Result<(String, String), &'static str> {
    let uri: Uri = text.parse().map_err(|_| "it is no URL")?;
    if uri.scheme_str() != Some("http") {
        return Err("it must begin with http://; for TLS, put a collector on this host");
    }
    let host = uri.host().ok_or("it has no host")?;
    Ok((
        format!("{host}:{}", uri.port_u16().unwrap_or(80)),
        uri.path().to_owned(),
    ))
}

/// `name=value,name=value`. What is wrong is not repeated: it may be a secret.
fn headers(text: Option<String>) -> Result<Vec<(HeaderName, HeaderValue)>, NoTarget> {
    let text = text.unwrap_or_default();
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let parsed = pairs.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let mut value: HeaderValue = value.trim().parse().ok()?;
        value.set_sensitive(true);
        Some((name.trim().parse().ok()?, value))
    });
    parsed.collect::<Option<_>>().ok_or(NoTarget {
        name: HEADERS,
        value: "…".to_owned(),
        reason: "it must be name=value, with commas between",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(variables: &[(&str, &str)]) -> Result<Option<Target>, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Target::of(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_name_a_receiver() {
        let check = |variables: &[(&str, &str)], expected: Option<&str>| {
            let target = target(variables).unwrap();
            assert_eq!(target.map(|target| target.to_string()).as_deref(), expected);
        };
        check(&[], None);
        check(&[(ENDPOINT, "")], None);
        check(
            &[(ENDPOINT, "http://c:4318")],
            Some("http://c:4318/v1/metrics"),
        );
        check(
            &[(ENDPOINT, "http://[::1]:4318/x/")],
            Some("http://[::1]:4318/x/v1/metrics"),
        );
        let both = [(ENDPOINT, "http://c"), (METRICS_ENDPOINT, "http://m/push")];
        check(&both, Some("http://m:80/push"));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let check = |name, value, reason: &str| {
            let error = target(&[(ENDPOINT, "http://c:4318"), (name, value)]).unwrap_err();
            assert!(error.contains(reason), "{error}");
            assert!(error.contains(name), "{error}");
        };
        check(METRICS_ENDPOINT, "https://c:4318", "for TLS");
        check(METRICS_ENDPOINT, "c:4318", "http://");
        check(PROTOCOL, "grpc", "http/protobuf");
        check(TIMEOUT, "0", "milliseconds");
        check(INTERVAL, "1s", "milliseconds");
        check(HEADERS, "secret", "name=value");
        let error = target(&[(ENDPOINT, "http://c"), (HEADERS, "secret")]).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
