//! A receiver of OTLP that is not ours: Python's own classes of OpenTelemetry's protocol decode what
//! is pushed.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::agent::Room;
use crate::daemon::Daemon;
use crate::{moto, place, shell};

/// What pip installs.
const PACKAGE: &str = "opentelemetry-proto";

/// Takes pushes at `/v1/metrics`, and leaves the latest one's points in a file.
const RECEIVER: &str = r#"
import http.server, json, os, sys
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest as Request, ExportMetricsServiceResponse as Response)

def text(attributes):
    return {a.key: a.value.string_value for a in attributes}

def points(request):
    for resource in request.resource_metrics:
        about = text(resource.resource.attributes)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind)
                for point in data.data_points:
                    yield {"name": metric.name, "kind": kind, "resource": about,
                        "cumulative": kind == "sum" and data.is_monotonic
                            and data.aggregation_temporality == 2,
                        "labels": text(point.attributes),
                        "value": getattr(point, point.WhichOneof("value")),
                        "span": point.time_unix_nano - point.start_time_unix_nano}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        proper = (self.path == "/v1/metrics" and self.headers["x-key"] == "secret"
            and self.headers["content-type"] == "application/x-protobuf")
        if proper:
            with open("points.new", "w") as file:
                json.dump(list(points(Request.FromString(body))), file)
            os.replace("points.new", "points.json")
        answer = Response().SerializeToString()
        self.send_response(200 if proper else 400)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

/// One at a time installs it.
static INSTALLING: Mutex<()> = Mutex::new(());

/// A receiver on a free port of loopback, ended when dropped.
#[derive(Debug)]
pub struct Receiver {
    /// Dropped first: it writes into the room.
    daemon: Daemon,
    address: SocketAddr,
    room: Room,
}

impl Receiver {
    /// Starts one, which wants the header `x-key: secret`.
    ///
    /// # Errors
    ///
    /// When the classes are not to be had from PyPI, or it fails: with the end of its log.
    pub fn start() -> Result<Self> {
        let python = python()?;
        let room = Room::take()?;
        let address = moto::free_port()?;
        let mut command = shell::command(python);
        command
            .current_dir(&room.0)
            .args(["-c", RECEIVER, &address.port().to_string()]);
        let answers = || TcpStream::connect(address).is_ok();
        let daemon = Daemon::start(&mut command, &room.0.join("log"), answers)?;
        Ok(Self {
            daemon,
            address,
            room,
        })
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` must be for it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The points of the latest push: name, kind, labels and value; none before the first.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn points(&self) -> Result<Vec<Value>> {
        match fs::read(self.room.0.join("points.json")) {
            Ok(json) => serde_json::from_slice(&json).context("no JSON"),
            Err(_) => Ok(Vec::new()),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Killed by its own drop when it does not end.
        let _ = self.daemon.stop();
    }
}

/// A Python that has the classes, made if need be.
fn python() -> Result<PathBuf> {
    let _one = INSTALLING.lock();
    let home = place::tools().join("otlp");
    let python = home.join("bin/python3");
    let works = || {
        let mut import = shell::command(&python);
        import.args(["-c", "import opentelemetry.proto"]);
        shell::output(&mut import).is_ok()
    };
    if !works() {
        let directory = home.to_str().context("the target directory is not UTF-8")?;
        shell::run("python3", &["-m", "venv", directory])
            .context("it needs Python: `apt-get install python3-venv`")?;
        let mut install = shell::command(home.join("bin/pip"));
        install.args(["install", "--quiet", PACKAGE]);
        shell::output(&mut install).with_context(|| format!("cannot install {PACKAGE}"))?;
    }
    Ok(python)
}
