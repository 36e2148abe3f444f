//! Fixtures for the integration tests: a real engine, real images, real traffic.
