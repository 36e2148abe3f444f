//! The committed schema, for what `probe graph --output json` prints.

use anyhow::{Context, Result, bail};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../probe-user/schema/probe.graph-v1.json");

/// Refuses a graph that is not what the schema says, with all that is wrong.
pub(crate) fn check(graph: &Value) -> Result<()> {
    let schema = serde_json::from_str(SCHEMA).context("the schema is no JSON")?;
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .context("the schema is none")?;
    let wrong: Vec<_> = validator
        .iter_errors(graph)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    if !wrong.is_empty() {
        bail!("the graph is not as its schema says: {}", wrong.join("; "));
    }
    Ok(())
}
