//! `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::serve::Desk;

/// Whether all is well.
#[derive(Serialize, ToSchema)]
pub(in crate::serve) struct Health {
    /// `ok`, or what is wrong.
    status: &'static str,
}

/// The server answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health, description = "Alive")))]
pub(in crate::serve) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Everything is attached and the flow map was read.
#[utoipa::path(
    get, path = "/readyz",
    responses(
        (status = 200, body = Health, description = "There are figures"),
        (status = 503, body = Health, description = "There are none yet"),
    )
)]
pub(in crate::serve) async fn readyz(State(desk): State<Arc<Desk>>) -> Response {
    if desk.news.vitals().ticks > 0 {
        Json(Health { status: "ok" }).into_response()
    } else {
        let status = "the flow map was not read yet";
        (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status })).into_response()
    }
}
