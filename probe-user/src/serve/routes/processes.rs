//! `/api/v1/processes`.

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;

use super::Query;
use crate::{
    export::processes::List,
    identity::process,
    serve::{
        Desk,
        access::Scope,
        answer::{Error, Refusal, json},
    },
    views::processes::Row,
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Question {
    /// Only processes of containers.
    #[serde(default)]
    containers: bool,
}

/// Processes with their containers, as `probe ps -o json` prints them.
///
/// Command lines may hold secrets: they are empty unless asked for over the unix socket or with a
/// token of the scope `arguments`.
#[utoipa::path(
    get, path = "/api/v1/processes", params(Question),
    responses(
        (status = 200, description = "The processes", body = List),
        (status = 304, description = "They are those of the If-None-Match header"),
        (status = 400, description = "A parameter is not known", body = Error),
        (status = 401, description = "A token is wanted", body = Error),
        (status = 403, description = "The Host or the Origin is foreign", body = Error),
    )
)]
pub(in crate::serve) async fn processes(
    State(desk): State<Arc<Desk>>,
    Extension(scope): Extension<Scope>,
    Query(question): Query<Question>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let listing = tokio::task::spawn_blocking(process::list).await;
    let listing = listing.map_err(|error| Refusal::broken(&error))?;
    let listing = listing.map_err(|error| Refusal::broken(&error))?;
    let rows = listing.processes.into_iter().map(|mut process| {
        if scope != Scope::Arguments {
            process.command_line.clear();
        }
        Row::new(process, &desk.directory)
    });
    let rows = rows.filter(|row| !question.containers || row.container.is_some());
    json(&headers, &List::of(rows))
}
