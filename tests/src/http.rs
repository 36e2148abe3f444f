//! HTTP as bytes: what a client says is what the test wrote, and nothing else.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::wait::patient;

/// An answer that takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Door {
    /// An address.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    /// What follows.
    pub body: Vec<u8>,
}

trait Stream: Read + Send + Write {}
impl<S: Read + Send + Write> Stream for S {}

impl Door {
    fn connect(&self) -> Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).context("cannot connect")?;
                stream.set_read_timeout(Some(patient(PATIENCE)))?;
                Box::new(stream)
            }
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).context("cannot connect")?;
                stream.set_read_timeout(Some(patient(PATIENCE)))?;
                Box::new(stream)
            }
        })
    }

    /// Asks for a path, with a Host that is the server's own.
    pub fn get(&self, path: &str, headers: &[&str]) -> Result<Answer> {
        let host = match self {
            Self::Tcp(address) => format!("Host: {address}"),
            Self::Unix(_) => "Host: localhost".to_owned(),
        };
        let own = [&[host.as_str()], headers].concat();
        self.say(&format!("GET {path} HTTP/1.1"), &own)
    }

    /// Says a request line and headers, and hears the answer to its end.
    pub fn say(&self, request: &str, headers: &[&str]) -> Result<Answer> {
        self.send(request, headers, "")
    }

    /// Asks for something to be done, as 1.0 has it: the answer comes in one piece. `Null` is no body:
    /// who does not read one resets the connection, the answer with it.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let length = format!("Content-Length: {}", body.len());
        let headers = ["Host: localhost", "Content-Type: application/json", &length];
        self.send(&format!("{method} {path} HTTP/1.0"), &headers, &body)
    }

    fn send(&self, request: &str, headers: &[&str], body: &str) -> Result<Answer> {
        let mut stream = self.connect()?;
        write!(stream, "{request}\r\n{}", lines(headers))?;
        write!(stream, "Connection: close\r\n\r\n{body}")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).context("cannot read")?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let body = answer.split_off(end.context("no head in the answer")? + 4);
        let head = String::from_utf8(answer)?.to_lowercase();
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok(Answer { status, head, body })
    }

    /// Opens a stream of server-sent events, and reads none of them. From then on each comes: the server
    /// follows before it says so.
    pub fn follow(&self, path: &str) -> Result<Events> {
        let mut stream = self.connect()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).context("no head")? == 0 {
                bail!("the stream ended before it began");
            }
        }
        Ok(Events(stream))
    }
}

fn lines(headers: &[&str]) -> String {
    headers
        .iter()
        .flat_map(|header| [*header, "\r\n"])
        .collect()
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// An open stream of events.
pub struct Events(BufReader<Box<dyn Stream>>);

impl Events {
    /// The next event's name and data; `None` at the end.
    pub fn next_event(&mut self) -> Result<Option<(String, Value)>> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).context("the stream broke")? == 0 {
                return Ok(None);
            }
            if let Some(event) = line.strip_prefix("event: ") {
                event.trim_end().clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Ok(Some((name, serde_json::from_str(data)?)));
            }
        }
    }
}
