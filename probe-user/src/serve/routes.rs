//! What can be asked for. Each route is a file.

pub(super) mod connections;
pub(super) mod containers;
pub(super) mod events;
pub(super) mod graph;
pub(super) mod health;
pub(super) mod processes;
pub(super) mod stream;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    middleware,
    routing::get,
};
use tower_http::compression::CompressionLayer;

use super::{Desk, access, answer::Refusal, metrics, openapi};

/// All of them, behind the door.
pub(super) fn router(desk: &Arc<Desk>) -> Router {
    Router::new()
        .route("/api/v1/graph", get(graph::graph))
        .route("/api/v1/graph/stream", get(stream::stream))
        .route("/api/v1/containers", get(containers::containers))
        .route("/api/v1/processes", get(processes::processes))
        .route("/api/v1/connections", get(connections::connections))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/openapi.json", get(openapi::openapi))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .fallback(nothing)
        .method_not_allowed_fallback(only_get)
        .layer(CompressionLayer::new().gzip(true))
        .layer(middleware::from_fn_with_state(
            Arc::clone(desk),
            access::guard,
        ))
        .with_state(Arc::clone(desk))
}

async fn nothing() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "there is nothing here: /api/v1/openapi.json tells what there is",
    )
}

async fn only_get() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this can only be read: GET")
}

/// A query whose words are all known: what is not understood is not passed over in silence.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(error) => Err(Refusal::new(StatusCode::BAD_REQUEST, &error.body_text())),
        }
    }
}
