//! Networks that containers share.

use anyhow::Result;

use crate::engine::Engine;

/// A bridge network of a user's own, on which containers find each other by name.
#[derive(Debug)]
pub struct Network<'engine> {
    engine: &'engine Engine,
    name: String,
}

impl<'engine> Network<'engine> {
    /// Makes a network.
    pub fn create(engine: &'engine Engine, name: &str) -> Result<Self> {
        Self::create_with(engine, name, &[])
    }

    /// Makes a network with more options, such as `--ipv6`.
    pub fn create_with(engine: &'engine Engine, name: &str, options: &[&str]) -> Result<Self> {
        engine.docker(["network", "create"].iter().chain(options).chain(&[name]))?;
        Ok(Self {
            engine,
            name: name.to_owned(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        // The engine takes with it what cannot be removed now.
        let _ = self.engine.docker(["network", "rm", &self.name]);
    }
}
