//! `/api/v1/openapi.json`: what there is, made from the routes themselves.

use std::sync::LazyLock;

use axum::{http::HeaderMap, response::Response};
use serde_json::Value;
use utoipa::OpenApi;

use super::{answer::document, metrics, routes};
use crate::export;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "probe",
        description = "Who talks to whom: what one host's agent knows. Over the unix socket \
            everything is open to who may open it; over TCP, see README on access.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "http://127.0.0.1:4040", description = "The agent on this host")),
    paths(
        routes::graph::graph, routes::stream::stream, routes::containers::containers,
        routes::processes::processes, routes::connections::connections, routes::events::events,
        routes::health::healthz, routes::health::readyz, metrics::metrics,
    ),
    components(schemas(
        routes::events::Dropped, routes::graph::Format,
    )),
)]
struct Document;

static TEXT: LazyLock<String> = LazyLock::new(text);

/// The document; the graph's schema in it is the committed one.
fn text() -> String {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    let mut graph: Value = serde_json::from_str(export::json::JSON_SCHEMA).unwrap_or_default();
    let parts = graph.as_object_mut().and_then(|graph| {
        graph.remove("$schema");
        graph.remove("$defs")
    });
    let schemas = &mut document["components"]["schemas"];
    let parts = parts.as_ref().and_then(Value::as_object);
    for (name, part) in parts.into_iter().flatten() {
        schemas[format!("Graph.{name}")] = part.clone();
    }
    schemas["Graph"] = graph;
    let get = &mut document["paths"]["/api/v1/graph"]["get"];
    get["responses"]["200"]["content"]["application/json"]["schema"] =
        serde_json::json!({"$ref": "#/components/schemas/Graph"});
    let text = serde_json::to_string_pretty(&document).unwrap_or_default() + "\n";
    text.replace("#/$defs/", "#/components/schemas/Graph.")
}

/// This document.
pub(super) async fn openapi(headers: HeaderMap) -> Response {
    document(&headers, "application/json", TEXT.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/openapi.json");

    /// `UPDATE_SCHEMA=1 cargo test -p probe-user openapi` writes it.
    #[test]
    fn the_committed_document_is_the_one_served() {
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(PATH, text()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(PATH).unwrap(), text());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document: Value = serde_json::from_str(&text()).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 10, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
