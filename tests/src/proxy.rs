//! A proxy between the probe and AWS's API: it counts calls by what is in them, and answers badly
//! when told to. It knows HTTP, and nothing of any SDK.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

/// How often a listener or a hung call looks whether it is over.
const LOOK: Duration = Duration::from_millis(5);
/// The longest request taken.
const MAX_BODY: usize = 1 << 20;

/// What becomes of calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// They are answered by the server behind.
    None,
    /// They are answered with this status and body.
    Answer(u16, &'static str),
    /// The connection is accepted and nothing is ever said.
    Hang,
    /// The connection is closed in place of an answer.
    Close,
    /// Nobody listens.
    Refuse,
}

/// A call that came in.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation, such as `DescribeTasks`.
    pub operation: String,
    /// The cluster asked about.
    pub cluster: String,
    /// The tasks or services asked for.
    pub items: Vec<String>,
    /// When.
    pub at: Instant,
}

/// The proxy; it ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    upstream: SocketAddr,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    fault: Fault,
    calls: Vec<Call>,
    over: bool,
}

impl Proxy {
    /// Starts one in front of `upstream`.
    ///
    /// # Errors
    ///
    /// When no port of loopback is free.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let address = socket.local_addr()?;
        let state = Arc::new(State {
            upstream,
            inner: Mutex::new(Inner {
                fault: Fault::None,
                calls: Vec::new(),
                over: false,
            }),
        });
        let shared = Arc::clone(&state);
        let listener = thread::spawn(move || shared.listen(socket, address));
        Ok(Self {
            address,
            state,
            listener: Some(listener),
        })
    }

    /// What `AWS_ENDPOINT_URL_ECS` must be to go through it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on calls meet `fault`.
    pub fn set(&self, fault: Fault) {
        self.state.lock().fault = fault;
    }

    /// All calls so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().calls.clone()
    }

    /// How many calls of an operation there were for a cluster.
    #[must_use]
    pub fn count(&self, operation: &str, cluster: &str) -> usize {
        let state = self.state.lock();
        let calls = state.calls.iter();
        calls
            .filter(|call| call.operation == operation && call.cluster == cluster)
            .count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.lock().over = true;
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Self>, socket: TcpListener, address: SocketAddr) {
        let mut socket = Some(socket);
        loop {
            let (fault, over) = {
                let inner = self.lock();
                (inner.fault, inner.over)
            };
            if over {
                return;
            }
            if fault == Fault::Refuse {
                socket = None;
            } else if socket.is_none() {
                socket = TcpListener::bind(address).ok();
            }
            let accepted = socket.as_ref().and_then(|socket| {
                socket.set_nonblocking(true).ok()?;
                socket.accept().ok()
            });
            match accepted {
                Some((client, _)) => {
                    let state = Arc::clone(self);
                    // A client that goes away in between is no trouble of ours.
                    thread::spawn(move || drop(state.serve(client)));
                }
                None => thread::sleep(LOOK),
            }
        }
    }

    /// One request, one answer, one connection.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nonblocking(false)?;
        let Some(request) = Request::read(&client)? else {
            return Ok(());
        };
        let fault = {
            let mut inner = self.lock();
            inner.calls.push(request.call());
            inner.fault
        };
        match fault {
            Fault::None => self.forward(&request, &mut client)?,
            Fault::Answer(status, body) => write!(
                client,
                "HTTP/1.1 {status} Injected\r\nContent-Type: application/x-amz-json-1.1\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )?,
            Fault::Hang => {
                while self.lock().fault == Fault::Hang && !self.lock().over {
                    thread::sleep(LOOK);
                }
            }
            Fault::Close | Fault::Refuse => {}
        }
        client.shutdown(Shutdown::Both)
    }

    fn forward(&self, request: &Request, client: &mut TcpStream) -> io::Result<()> {
        let mut upstream = TcpStream::connect(self.upstream)?;
        upstream.write_all(b"POST / HTTP/1.1\r\nConnection: close\r\n")?;
        for (name, value) in &request.headers {
            if !name.eq_ignore_ascii_case("connection") {
                write!(upstream, "{name}: {value}\r\n")?;
            }
        }
        upstream.write_all(b"\r\n")?;
        upstream.write_all(&request.body)?;
        io::copy(&mut upstream, client).map(drop)
    }
}

struct Request {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// `None` when the connection was closed before one.
    fn read(client: &TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(client);
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut request = Self {
            headers,
            body: Vec::new(),
        };
        let length = request.header("content-length").parse().unwrap_or(0);
        request.body.resize(MAX_BODY.min(length), 0);
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    fn header(&self, wanted: &str) -> &str {
        let mut headers = self.headers.iter();
        let header = headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        header.map_or("", |(_, value)| value)
    }

    fn call(&self) -> Call {
        let target = self.header("x-amz-target");
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let items = body["tasks"].as_array().or(body["services"].as_array());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Call {
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            cluster: text(&body["cluster"]),
            items: items.into_iter().flatten().map(text).collect(),
            at: Instant::now(),
        }
    }
}
