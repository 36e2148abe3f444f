//! Fixtures for the integration tests: a real engine, real images, real traffic.
//!
//! Everything a fixture makes it takes away again when it is dropped. Nothing sleeps for a while
//! and hopes: what must become true is awaited ([`wait`]). Most of it needs root.

pub mod agent;
pub mod authority;
pub mod burst;
pub mod clock;
pub mod container;
mod daemon;
pub mod debian;
pub mod engine;
pub mod fleet;
pub mod http;
pub mod image;
pub mod load;
pub mod moto;
pub mod network;
pub mod otlp;
pub mod place;
pub mod podman;
pub mod probe;
pub mod programs;
pub mod prometheus;
pub mod proxy;
mod schema;
mod shell;
pub mod shop;
pub mod tally;
pub mod terminal;
pub mod wait;
pub mod workload;

pub use agent::Agent;
pub use authority::Authority;
pub use clock::Clock;
pub use container::Container;
pub use engine::Engine;
pub use fleet::Fleet;
pub use moto::Moto;
pub use network::Network;
pub use otlp::Receiver;
pub use podman::Podman;
pub use probe::{Probe, objects};
pub use prometheus::Prometheus;
pub use proxy::Proxy;
pub use shop::Shop;
pub use terminal::Terminal;
