//! Pushes the metrics as OTLP over HTTP, in protobuf, to where OpenTelemetry's own variables say.
//!
//! Not by its SDK, which keeps counters of its own: the figures are there, and a push is one
//! request. Nothing is kept for a receiver that is away, as counters tell later what they missed.

mod request;
mod target;

use std::{sync::Arc, time::Instant};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use thiserror::Error;
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::families;
use crate::serve::Desk;
pub use target::{NoTarget, Target};

/// How often it is said that nobody takes them.
const REMIND: std::time::Duration = std::time::Duration::from_mins(1);
/// Bytes of an answer that are read, so that its connection ends in order.
const MOST: usize = 64 << 10;

/// Why a push failed.
#[derive(Debug, Error)]
enum PushError {
    #[error("cannot connect: {0}")]
    Connect(#[source] std::io::Error),
    #[error("HTTP failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("it answers {0}")]
    Refused(hyper::StatusCode),
    #[error("no answer in time")]
    Late,
}

/// Pushes until `shutdown` or the loop's end.
pub(in crate::serve) async fn push(target: Target, desk: Arc<Desk>, shutdown: CancellationToken) {
    info!("metrics are pushed to {target} each {:?}", target.interval);
    let mut ticks = interval(target.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut warned: Option<Instant> = None;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let Some(families) = families(&desk).await else {
            return;
        };
        let body = request::of(&families, &desk.about, desk.news.vitals().started).encode_to_vec();
        let pushed = timeout(target.timeout, post(&target, body));
        match pushed.await.unwrap_or(Err(PushError::Late)) {
            Ok(()) => desk.counters.pushed.add_one(),
            Err(error) => {
                desk.counters.not_pushed.add_one();
                if warned.is_none_or(|when| when.elapsed() >= REMIND) {
                    warn!("metrics cannot be pushed to {target}: {error}");
                    warned = Some(Instant::now());
                }
            }
        }
    }
}

async fn post(target: &Target, body: Vec<u8>) -> Result<(), PushError> {
    let stream = TcpStream::connect(&target.host).await;
    let stream = TokioIo::new(stream.map_err(PushError::Connect)?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    // Ends with the answer.
    tokio::spawn(connection);
    let mut request = Request::post(&target.path)
        .body(Full::new(Bytes::from(body)))
        .expect("the path was parsed");
    let headers = request.headers_mut();
    headers.extend(target.headers.iter().cloned());
    let media = HeaderValue::from_static("application/x-protobuf");
    headers.insert(header::CONTENT_TYPE, media);
    if let Ok(host) = HeaderValue::from_str(&target.host) {
        headers.insert(header::HOST, host);
    }
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    drop(Limited::new(answer.into_body(), MOST).collect().await);
    if status.is_success() {
        Ok(())
    } else {
        Err(PushError::Refused(status))
    }
}
