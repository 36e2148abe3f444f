//! Accepts connections and answers what they ask, each within its limits.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::rustls;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::tls::Acceptor;

use super::{DRAIN, Desk, access::Via, listen::Listeners, patient::Patient, routes};

/// Connections at once; one more is told so and closed.
const MAX_CONNECTIONS: usize = 128;
/// How long a client may take to say what it wants.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// How long it may take to shake hands.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Bytes of a request's head.
const HEADER_BYTES: usize = 16 << 10;
/// Headers of a request.
const HEADERS: usize = 64;
/// What one connection too many gets.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
    content-length: 36\r\nretry-after: 1\r\nconnection: close\r\n\r\n\
    {\"error\":\"too many connections now\"}";
/// How long to leave accepting alone when descriptors have run out.
const BREATH: Duration = Duration::from_millis(100);
/// How often that is said.
const REMIND: Duration = Duration::from_mins(1);

/// Serves until `shutdown`, then lets answers under way come to an end.
pub(super) async fn serve(
    listeners: Listeners,
    desk: &Arc<Desk>,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    let router = routes::router(desk);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let tcp = listeners.tcp.map(TcpListener::from_std).transpose()?;
    let unix = listeners.unix.as_ref().map(super::listen::Bound::listener);
    let unix = unix.map(|bound| bound.and_then(UnixListener::from_std));
    let unix = unix.transpose()?;
    let (tls, via) = match listeners.tls {
        Some(tls) => (Some(tls), Via::Tls),
        None => (None, Via::Tcp),
    };
    let over_tcp = router.clone().layer(Extension(via));
    let over_unix = router.layer(Extension(Via::Unix));
    let mut warned: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept_tcp(tcp.as_ref()) => accepted.map(|stream| match &tls {
                Some(tls) => shake(&mut connections, stream, tls, &over_tcp, &places, desk),
                None => start(&mut connections, stream, &over_tcp, &places, desk),
            }),
            accepted = accept_unix(unix.as_ref()) => accepted.map(|stream| {
                start(&mut connections, stream, &over_unix, &places, desk);
            }),
            Some(_) = connections.join_next() => Ok(()),
        };
        if let Err(error) = accepted {
            if warned.is_none_or(|when| when.elapsed() >= REMIND) {
                warn!("cannot accept a connection: {error}");
                warned = Some(Instant::now());
            }
            tokio::time::sleep(BREATH).await;
        }
    }
    // Nobody new; the socket's file goes with its listener.
    drop((tcp, unix, listeners.unix));
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN, drained).await.is_err() {
        debug!("{} connections are cut off", connections.len());
    }
    Ok(())
}

async fn accept_tcp(listener: Option<&TcpListener>) -> io::Result<tokio::net::TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => std::future::pending().await,
    }
}

async fn accept_unix(listener: Option<&UnixListener>) -> io::Result<tokio::net::UnixStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => std::future::pending().await,
    }
}

fn start<S>(
    connections: &mut JoinSet<()>,
    stream: S,
    router: &Router,
    places: &Arc<Semaphore>,
    desk: &Arc<Desk>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut stream = Patient::new(stream);
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        let router = router.clone();
        let shutdown = desk.shutdown.clone();
        connections.spawn(answer(stream, router, place, shutdown));
    } else {
        desk.counters.too_many.add_one();
        // At most one short write each: its time is bounded as everybody's is.
        connections.spawn(async move {
            let _ = stream.write_all(FULL).await;
        });
    }
}

/// As [`start`], once hands are shaken, which takes its time of the connection's own place. Who finds
/// none is not told why: that would need the handshake that there is no place for.
fn shake(
    connections: &mut JoinSet<()>,
    stream: tokio::net::TcpStream,
    tls: &Acceptor,
    router: &Router,
    places: &Arc<Semaphore>,
    desk: &Arc<Desk>,
) {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        desk.counters.too_many.add_one();
        return;
    };
    let handshake = tls.acceptor().accept(Patient::new(stream));
    let (router, desk) = (router.clone(), Arc::clone(desk));
    connections.spawn(async move {
        match timeout(HANDSHAKE_TIME, handshake).await {
            Ok(Ok(stream)) => answer(stream, router, place, desk.shutdown.clone()).await,
            Ok(Err(error)) => {
                let counters = &desk.counters;
                if lacks_certificate(&error) {
                    counters.no_certificate.add_one();
                } else {
                    counters.no_handshake.add_one();
                }
                debug!("no handshake: {error}");
            }
            Err(_) => desk.counters.no_handshake.add_one(),
        }
    });
}

/// Whether it is the client's certificate that is missing or not known.
fn lacks_certificate(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(
        error,
        Some(rustls::Error::NoCertificatesPresented | rustls::Error::InvalidCertificate(_))
    )
}

async fn answer<S>(
    stream: S,
    router: Router,
    _place: OwnedSemaphorePermit,
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!("a connection ended: {error}");
    }
}
