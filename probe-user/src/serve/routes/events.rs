//! `/api/v1/events`.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::sse::{Event, Sse},
};
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::ToSchema;

use super::stream::{place, sse};
use crate::{
    serve::{
        Desk,
        access::Scope,
        answer::{Error, Refusal},
    },
    views,
};

/// The last event of a reader that fell behind.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct Dropped {
    /// Events that it has missed, at least.
    missed: u64,
    /// What happened, and what to do.
    error: &'static str,
}

/// Programs run, processes ended, containers started, as it happens: server-sent events.
///
/// Each `event` is one, as `probe events -o json` prints it. Who falls behind by more than the
/// queue holds gets `dropped` as the last one.
#[utoipa::path(
    get, path = "/api/v1/events",
    responses(
        (status = 200, description = "Events named event, with an Event as data, and dropped",
            content_type = "text/event-stream", body = views::events::Event),
        (status = 401, description = "A token is wanted", body = Error),
        (status = 403, description = "The token lacks the scope arguments, or the Host or the \
            Origin is foreign", body = Error),
        (status = 404, description = "The agent does not watch processes", body = Error),
        (status = 503, description = "Too many streams are open", body = Error),
    )
)]
pub(in crate::serve) async fn events(
    State(desk): State<Arc<Desk>>,
    Extension(scope): Extension<Scope>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    if scope != Scope::Arguments {
        desk.counters.no_scope.add_one();
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "events tell what programs are run: ask over the unix socket, or with a token of the \
             scope arguments",
        ));
    }
    if !desk.about.events {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "this agent does not watch processes: start it with --events true",
        ));
    }
    let place = place(&desk)?;
    let receiver = desk.news.events().ok_or_else(Refusal::ending)?;
    let reader = Some((receiver, Arc::clone(&desk)));
    let events = stream::unfold(reader, async |reader| {
        let (mut receiver, desk) = reader?;
        let (event, goes_on) = next(&mut receiver, &desk).await?;
        Some((event, goes_on.then_some((receiver, desk))))
    });
    Ok(sse(&desk, place, events))
}

/// The next event, and whether any follows; `None` once the loop has ended.
async fn next(
    receiver: &mut Receiver<Arc<views::events::Event>>,
    desk: &Desk,
) -> Option<(Event, bool)> {
    match receiver.recv().await {
        Ok(event) => {
            let event = Event::default().event("event").json_data(&*event).ok()?;
            Some((event, true))
        }
        Err(RecvError::Closed) => None,
        Err(RecvError::Lagged(missed)) => {
            desk.counters.slow_readers.add_one();
            let dropped = Dropped {
                missed,
                error: "this reader fell behind and is let go: read faster, and connect again",
            };
            let event = Event::default().event("dropped").json_data(dropped).ok()?;
            Some((event, false))
        }
    }
}
