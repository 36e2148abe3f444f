//! Answers: documents with a tag that saves sending them twice, and refusals in one sentence.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    reason: String,
}

/// What a refusal looks like.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Error {
    /// What is wrong, and what to do.
    error: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &str) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
        }
    }

    /// The loop has ended; so will we, soon.
    pub(super) fn ending() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the agent is ending")
    }

    /// Something failed that should not.
    pub(super) fn broken(error: &dyn std::error::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
    }

    #[cfg(test)]
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = self.reason;
        let mut response = (self.status, Json(Error { error })).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// The document, or only that it is still the one the client has.
pub(super) fn document(request: &HeaderMap, kind: &'static str, body: String) -> Response {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    // Weak: compressed or not, it means the same.
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    let known = request.get_all(header::IF_NONE_MATCH).iter();
    let mut known = known.filter_map(|tags| tags.to_str().ok());
    let head = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::CONTENT_TYPE, kind.to_owned()),
    ];
    if known.any(|tags| tags.split(',').any(|known| known.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, body).into_response()
}

/// The same of what serialises.
pub(super) fn json(request: &HeaderMap, body: &impl Serialize) -> Result<Response, Refusal> {
    let body = serde_json::to_string(body).map_err(|error| Refusal::broken(&error))?;
    Ok(document(request, "application/json", body))
}
