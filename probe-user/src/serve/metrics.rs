//! The metrics, made from the latest graph whenever they are asked for: `/metrics` in Prometheus's
//! text format, or pushed as OTLP.
//!
//! Written by hand: the crates for it keep counters of their own, or write OpenMetrics, of which
//! `promtool check metrics` complains.

mod backlogs;
mod family;
pub(super) mod otlp;
mod own;
mod series;
mod text;
mod traffic;

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};

use super::{
    Desk,
    answer::{Error, Refusal},
};
use family::Families;
pub(super) use series::Series;

/// Version 0.0.4 of the exposition format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics of containers' connections under Coroot's names, and of the agent itself.
#[utoipa::path(
    get, path = "/metrics",
    responses(
        (status = 200, description = "Prometheus's text format", content_type = "text/plain", body = String),
        (status = 401, description = "A token is wanted", body = Error),
        (status = 403, description = "The Host or the Origin is foreign", body = Error),
    )
)]
pub(crate) async fn metrics(State(desk): State<Arc<Desk>>) -> Result<Response, Refusal> {
    let families = families(&desk).await.ok_or_else(Refusal::ending)?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text::text(&families)).into_response())
}

/// All metrics as of the latest tick; `None` once the loop has ended.
async fn families(desk: &Desk) -> Option<Families> {
    let published = desk.news.graph().await?;
    let mut families = Families::default();
    let folded = traffic::write(&mut families, &published, &desk.series)
        + backlogs::write(&mut families, &published, &desk.series);
    own::write(&mut families, desk, &published, folded);
    Some(families)
}
