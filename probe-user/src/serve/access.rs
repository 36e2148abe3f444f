//! Who may ask, and for what.
//!
//! Over the unix socket whoever could open it may see everything. Over TCP, a web page must not
//! reach the agent through its reader's browser: the Host must be a name of ours, or an address, to
//! which no foreign name was bound anew; and what a browser sends from another origin is refused.
//! If there are tokens, every request needs one.

#[cfg(test)]
mod tests;
mod tokens;

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{Desk, answer::Refusal, counters::Counters};
pub use tokens::{TokenError, Tokens};

/// Answered whoever asks: that something runs is no secret, and health checks carry no token.
const FOR_ALL: [&str; 2] = ["/healthz", "/readyz"];

/// Which door a request came in by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Via {
    Tcp,
    /// TCP, and hands were shaken.
    Tls,
    Unix,
}

/// What a request may see.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Scope {
    /// Graph, containers, processes, connections, metrics.
    Read,
    /// And what people give their programs to do: command lines, and events.
    Arguments,
}

/// The rules.
#[derive(Debug, Default)]
pub struct Access {
    tokens: Option<Tokens>,
    /// Names that a client may call us by.
    hosts: Vec<String>,
}

impl Access {
    /// Without tokens, everybody on loopback may read.
    #[must_use]
    pub fn new(tokens: Option<Tokens>, hosts: Vec<String>) -> Self {
        Self { tokens, hosts }
    }

    /// What the request may see, or why nothing.
    fn judge(
        &self,
        via: Via,
        path: &str,
        headers: &HeaderMap,
        counters: &Counters,
    ) -> Result<Scope, Refusal> {
        if via == Via::Unix {
            return Ok(Scope::Arguments);
        }
        let host = one(headers, &header::HOST);
        if !host.is_some_and(|host| self.is_ours(host)) {
            counters.foreign_host.add_one();
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "the Host is none of this agent's: ask for its address, or name it in allow-host",
            ));
        }
        if is_foreign(headers, via, host.unwrap_or_default()) {
            counters.foreign_origin.add_one();
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "a page of another origin may not ask this agent",
            ));
        }
        let Some(tokens) = &self.tokens else {
            return Ok(Scope::Read);
        };
        if FOR_ALL.contains(&path) {
            return Ok(Scope::Read);
        }
        let scope = one(headers, &header::AUTHORIZATION)
            .and_then(|value| value.strip_prefix("Bearer "))
            .and_then(|token| tokens.scope(token.trim()));
        scope.ok_or_else(|| {
            counters.no_token.add_one();
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "this agent wants a token: Authorization: Bearer TOKEN",
            )
        })
    }

    /// Addresses cannot be bound to another machine by whoever owns a name.
    fn is_ours(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        let known = || {
            self.hosts
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        };
        address.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost") || known()
    }
}

/// The header's value, if it is there once.
fn one<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

/// Whether a browser says that it asks for a page of another origin.
fn is_foreign(headers: &HeaderMap, via: Via, host: &str) -> bool {
    let scheme = if via == Via::Tls { "https" } else { "http" };
    let own = format!("{scheme}://{host}");
    let other_origin = headers.get_all(header::ORIGIN).iter().any(|origin| {
        let origin = origin.as_bytes();
        !origin.eq_ignore_ascii_case(own.as_bytes())
    });
    // Sent also with what carries no Origin, such as an image.
    let other_site = headers.get_all("sec-fetch-site").iter();
    let mut other_site = other_site.map(HeaderValue::as_bytes);
    other_origin || other_site.any(|site| site != b"same-origin" && site != b"none")
}

/// The door: refuses, or leaves the [`Scope`] with the request.
pub(super) async fn guard(
    State(desk): State<Arc<Desk>>,
    axum::Extension(via): axum::Extension<Via>,
    mut request: Request,
    next: Next,
) -> Response {
    let counters = &desk.counters;
    counters.requests.add_one();
    let path = request.uri().path();
    let judged = desk.access.judge(via, path, request.headers(), counters);
    let judged = judged.and_then(|scope| {
        if has_body(&request) {
            counters.bodies.add_one();
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "this agent only answers: send no body",
            ));
        }
        Ok(scope)
    });
    let mut response = match judged {
        Ok(scope) => {
            request.extensions_mut().insert(scope);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    response
}

fn has_body(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.is_some_and(|length| length != "0");
    length || request.headers().contains_key(header::TRANSFER_ENCODING)
}
