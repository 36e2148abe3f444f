//! `/api/v1/graph`.

use std::{io, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Query;
use crate::{
    export::{Snapshot, csv, dot, graphml, json, mermaid},
    serve::{
        Desk,
        answer::{Error, Refusal, document},
    },
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct Question {
    /// How it is written.
    #[serde(default)]
    format: Format,
}

/// How a graph is written.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::serve) enum Format {
    /// Node-link JSON, schema `probe.graph/v1`.
    #[default]
    Json,
    /// Graphviz.
    Dot,
    /// GraphML.
    Graphml,
    /// A Mermaid flowchart.
    Mermaid,
    /// The edges, comma-separated.
    Csv,
}

impl Format {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Dot => "text/vnd.graphviz; charset=utf-8",
            Self::Graphml => "application/xml",
            Self::Mermaid => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn write(self, snapshot: &Snapshot) -> io::Result<String> {
        let mut text = Vec::new();
        match self {
            Self::Json => json::write(snapshot, &mut text)?,
            Self::Dot => dot::write(snapshot, &mut text)?,
            Self::Graphml => graphml::write(snapshot, &mut text)?,
            Self::Mermaid => mermaid::write(snapshot, &mut text)?,
            Self::Csv => csv::write(snapshot, &mut text)?,
        }
        String::from_utf8(text).map_err(io::Error::other)
    }
}

/// Who talked to whom since the agent's start, as of its latest tick.
#[utoipa::path(
    get, path = "/api/v1/graph", params(Question),
    responses(
        (status = 200, description = "The graph",
            content((Object = "application/json"), (String = "text/vnd.graphviz"),
                (String = "application/xml"), (String = "text/plain"), (String = "text/csv"))),
        (status = 304, description = "It is the one of the If-None-Match header"),
        (status = 400, description = "A parameter is not known", body = Error),
        (status = 401, description = "A token is wanted", body = Error),
        (status = 403, description = "The Host or the Origin is foreign", body = Error),
    )
)]
pub(in crate::serve) async fn graph(
    State(desk): State<Arc<Desk>>,
    Query(question): Query<Question>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let published = desk.news.graph().await.ok_or_else(Refusal::ending)?;
    let text = question.format.write(&published.snapshot);
    let text = text.map_err(|error| Refusal::broken(&error))?;
    Ok(document(&headers, question.format.media_type(), text))
}
