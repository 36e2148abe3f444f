//! A real Prometheus that scrapes an agent, and `promtool`, which checks what it would scrape.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::agent::Room;
use crate::daemon::Daemon;
use crate::http::Door;
use crate::{debian, moto};

/// A Prometheus on a free port of loopback, which scrapes one address each second.
#[derive(Debug)]
pub struct Prometheus {
    /// Dropped first: its data is removed after it.
    daemon: Daemon,
    door: Door,
    _room: Room,
}

impl Prometheus {
    /// Starts one that scrapes `target`, whose metrics are at `/metrics`.
    ///
    /// # Errors
    ///
    /// When it is not here, or does not start: with the end of its log.
    pub fn scraping(target: SocketAddr) -> Result<Self> {
        let program = debian::program("prometheus")?.file();
        let room = Room::take()?;
        let address = moto::free_port()?;
        let config = room.0.join("prometheus.yml");
        let text = format!(
            "scrape_configs:\n- job_name: probe\n  scrape_interval: 1s\n  static_configs:\n  \
             - targets: ['{target}']\n"
        );
        fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let mut command = Command::new(program);
        command
            .current_dir(&room.0)
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn");
        let answers = || TcpStream::connect(address).is_ok();
        let daemon = Daemon::start(&mut command, &room.0.join("log"), answers)?;
        Ok(Self {
            daemon,
            door: Door::Tcp(address),
            _room: room,
        })
    }

    /// The value of an expression that has one; `None` while it has none.
    ///
    /// # Errors
    ///
    /// When it does not answer, refuses the expression, or has several values for it.
    pub fn query(&self, expression: &str) -> Result<Option<f64>> {
        let path = format!("/api/v1/query?query={}", escaped(expression));
        let answer = self.door.get(&path, &[])?;
        // Not there yet.
        if answer.status == 503 {
            return Ok(None);
        }
        let answer = answer.json()?;
        ensure!(answer["status"] == "success", "{expression}: {answer}");
        let results = answer["data"]["result"].as_array().context("no result")?;
        ensure!(
            results.len() < 2,
            "{expression} has several values: {answer}"
        );
        let Some(result) = results.first() else {
            return Ok(None);
        };
        let value = result["value"].get(1).and_then(Value::as_str);
        Ok(Some(value.context("no value")?.parse()?))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Killed by its own drop when it does not end.
        let _ = self.daemon.stop();
    }
}

/// Every byte but letters and digits as `%XX`.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// What `promtool check metrics` complains of; nothing if it finds nothing.
///
/// # Errors
///
/// When it is not here or cannot be run.
pub fn complaints(metrics: &str) -> Result<String> {
    let mut check = Command::new(debian::program("promtool")?.file())
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start promtool")?;
    let mut stdin = check.stdin.take().context("promtool has no stdin")?;
    stdin.write_all(metrics.as_bytes())?;
    drop(stdin);
    let output = check.wait_with_output()?;
    let mut said = output.stdout;
    said.extend(output.stderr);
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(
        output.status.success() || !said.is_empty(),
        "{}",
        output.status
    );
    Ok(said)
}
