//! ECS against a real moto server: what is known of each container, and how many calls that took.
//! A proxy in between counts them, and fails them where a test wants that.

mod absent;
mod agent;
mod budget;
mod engine;
mod everything;
mod faults;
mod filter;
mod graph;
mod host;
mod large;
