//! A graph as a file: JSON for programs, DOT, Mermaid, GraphML and CSV for their tools.

pub mod answer;
pub mod csv;
pub mod delta;
pub mod doctor;
pub mod dot;
pub mod ecs;
pub mod graphml;
pub mod json;
pub mod mermaid;
pub mod processes;
pub mod text;

pub use crate::topology::Snapshot;

#[cfg(test)]
mod tests;
