//! `/metrics`: Prometheus's text format, made from the latest graph whenever it is asked for.
//!
//! Written by hand: the crates for it keep counters of their own, or write OpenMetrics, of which
//! `promtool check metrics` complains.

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
pub(super) use series::Series;
use text::Text;

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
    let published = desk.news.graph().await.ok_or_else(Refusal::ending)?;
    let mut text = Text::default();
    let folded = traffic::write(&mut text, &published, &desk.series);
    own::write(&mut text, &desk, &published, folded);
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text.finish()).into_response())
}
