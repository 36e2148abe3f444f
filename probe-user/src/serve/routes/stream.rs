//! `/api/v1/graph/stream`: the graph, then what changes.
//!
//! A reader that is slow misses nothing and waits for nothing: what it gets next is the difference
//! to what it got last, however many ticks lie between.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::StatusCode,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    export,
    serve::{
        Desk, MAX_STREAMS,
        answer::{Error, Refusal},
        news::{Following, Published},
    },
    topology::Delta,
};

/// A comment that often, so that a reader that has gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A place among the streams, or the reason why there is none.
pub(super) fn place(desk: &Desk) -> Result<OwnedSemaphorePermit, Refusal> {
    let place = Arc::clone(&desk.streams).try_acquire_owned();
    place.map_err(|_| {
        desk.counters.too_many.add_one();
        let reason = format!("{MAX_STREAMS} streams are open already, and that is the most");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, &reason)
    })
}

/// Holds the stream's place as long as it runs, and ends it when the server does.
pub(super) fn sse<S: Stream<Item = Event> + Send + 'static>(
    desk: &Desk,
    place: OwnedSemaphorePermit,
    events: S,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send + use<S>> {
    let shutdown = desk.shutdown.clone().cancelled_owned();
    let events = events.take_until(shutdown).map(move |event| {
        let _held = &place;
        Ok(event)
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Reader {
    following: Following,
    last: Option<Arc<Published>>,
}

impl Reader {
    /// The next event; a tick that changed nothing is none.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let tick = self.last.as_ref().map(|last| last.tick);
            let now = self.following.after(tick).await?;
            let event = match self.last.replace(Arc::clone(&now)) {
                None => whole(&now),
                Some(before) => match changes(&before, &now) {
                    None => continue,
                    Some(event) => event,
                },
            };
            // Serialising to memory fails for no graph.
            return event.ok().map(|event| event.id(now.tick.to_string()));
        }
    }
}

fn whole(now: &Published) -> io::Result<Event> {
    let mut text = Vec::new();
    export::json::write_line(&now.snapshot, &mut text)?;
    event("snapshot", text)
}

fn changes(before: &Published, now: &Published) -> Option<io::Result<Event>> {
    let delta = Delta::between(&before.snapshot.graph, &now.snapshot.graph);
    if delta.is_empty() {
        return None;
    }
    let mut text = Vec::new();
    let written = export::delta::write_line(&delta, &before.snapshot, &now.snapshot, &mut text);
    Some(written.and_then(|()| event("delta", text)))
}

fn event(name: &str, text: Vec<u8>) -> io::Result<Event> {
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(Event::default().event(name).data(text.trim_end()))
}

/// The graph, then what changes: server-sent events.
///
/// One `snapshot` (schema `probe.graph/v1`), then a `delta` (schema `probe.delta/v1`) for each
/// tick that changed something. The id is the tick.
#[utoipa::path(
    get, path = "/api/v1/graph/stream",
    responses(
        (status = 200, description = "Events named snapshot and delta",
            content_type = "text/event-stream", body = String),
        (status = 401, description = "A token is wanted", body = Error),
        (status = 403, description = "The Host or the Origin is foreign", body = Error),
        (status = 503, description = "Too many streams are open", body = Error),
    )
)]
pub(in crate::serve) async fn stream(
    State(desk): State<Arc<Desk>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let place = place(&desk)?;
    let reader = Reader {
        following: desk.news.follow(),
        last: None,
    };
    let events = stream::unfold(reader, async |mut reader| {
        let event = reader.next().await?;
        Some((event, reader))
    });
    Ok(sse(&desk, place, events))
}
